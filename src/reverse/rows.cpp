// The rows of a Jacobian, swept a batch at a time.
#include <algorithm>

#include "reverse/adjoint.hpp"
#include "reverse/sweep.hpp"

namespace fastad {

namespace {

double* data_of(const Value& array) {
    return reinterpret_cast<double*>(host::describe(array).data);
}

// How many rows of a Jacobian are swept together: as many as leave the cotangents of all entries in
// the cache, or as it takes to share what walking the records costs, each about what some
// kilobytes of cotangents do.
Extent rows_at_once(Tape& tape, std::uint32_t entries, std::size_t rows) {
    constexpr std::size_t cache = std::size_t{4} << 20, most = std::size_t{64} << 20;
    constexpr std::size_t walk = std::size_t{32} << 10;
    constexpr std::size_t least = 8;
    std::size_t bytes = 1, records = 0;
    for (std::uint32_t i = 0; i < entries; ++i) {
        const bool array = tape.is_array_entry(i);
        bytes += (array ? tape.meta(i).size() : 1) * sizeof(double);
        records += array;
    }
    const std::size_t wanted = std::max(cache, std::min(records * walk, most)) / bytes;
    return static_cast<Extent>(std::min(std::max(wanted, least), rows));
}

}  // namespace

bool reverse_rows(Tape& tape, std::uint32_t entry, const std::vector<std::uint32_t>& inputs,
                  std::vector<Value>& results) {
    const Meta meta = tape.meta(entry);
    const std::size_t size = meta.size();
    std::vector<Extent> shape(meta.shape, meta.shape + meta.rank);
    const Extent rows = static_cast<Extent>(size);
    const Extent width = rows_at_once(tape, entry + 1, size);
    shape.insert(shape.begin(), width);
    results.assign(inputs.size(), Value());
    for (Extent start = 0; start < rows; start += width) {
        const Extent count = std::min(width, rows - start);
        shape[0] = count;
        const Value seeds =
            host::new_array(DType::Float64, shape.data(), static_cast<int>(shape.size()));
        double* one = data_of(seeds);
        std::fill_n(one, static_cast<std::size_t>(count) * size, 0.0);
        for (Extent row = 0; row < count; ++row)
            one[static_cast<std::size_t>(row) * size + static_cast<std::size_t>(start + row)] = 1.0;
        std::vector<Value> found;
        if (!reverse_batch(tape, {{entry, seeds}}, count, inputs, found)) return false;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            if (found[i].empty()) continue;
            if (count == rows) {
                results[i] = std::move(found[i]);
                continue;
            }
            const Meta input = tape.meta(inputs[i]);
            std::vector<Extent> whole(input.shape, input.shape + input.rank);
            whole.insert(whole.begin(), rows);
            if (results[i].empty())
                results[i] = host::new_array(DType::Float64, whole.data(), input.rank + 1);
            const Value block = contiguous(found[i]);
            if (block.empty()) return false;
            std::copy_n(data_of(block), static_cast<std::size_t>(count) * input.size(),
                        data_of(results[i]) + static_cast<std::size_t>(start) * input.size());
        }
    }
    return true;
}

}  // namespace fastad
