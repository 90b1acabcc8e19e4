// The rows of a Jacobian, swept a batch at a time.
#include <algorithm>

#include "reverse/adjoint.hpp"
#include "reverse/sweep.hpp"

namespace fastad {

namespace {

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

// Cotangents of an entry, a unit one for each of these rows of its Jacobian.
Value unit_seeds(const Meta& meta, Extent start, Extent count) {
    const std::size_t size = meta.size();
    std::vector<Extent> shape(meta.shape, meta.shape + meta.rank);
    shape.insert(shape.begin(), count);
    Value seeds = host::new_array(DType::Float64, shape.data(), meta.rank + 1);
    double* one = data_of(seeds);
    std::fill_n(one, static_cast<std::size_t>(count) * size, 0.0);
    for (Extent row = 0; row < count; ++row)
        one[static_cast<std::size_t>(row) * size + static_cast<std::size_t>(start + row)] = 1.0;
    return seeds;
}

// The rows where operands are boxes of lower levels. A step through the gate costs more than the
// cache saves, and a program has blocks of its own: all rows together, if memory allows.
bool traced_rows(Tape& tape, std::uint32_t entry, const std::vector<std::uint32_t>& inputs,
                 std::vector<Value>& results) {
    constexpr std::size_t most_bytes = std::size_t{64} << 20;
    const Meta meta = tape.meta(entry);
    const Extent rows = static_cast<Extent>(meta.size());
    if (!worth_tracing(tape, entry + 1, rows)) return false;
    std::size_t largest = 1;
    for (std::uint32_t i = 0; i <= entry; ++i)
        if (tape.is_array_entry(i)) largest = std::max(largest, tape.meta(i).size());
    const Extent width =
        std::clamp<Extent>(static_cast<Extent>(most_bytes / (largest * sizeof(double))), 1, rows);
    std::vector<std::vector<Value>> parts(inputs.size(), {Value::integer(0)});  // the axis
    for (Extent start = 0; start < rows; start += width) {
        const Extent count = std::min(width, rows - start);
        std::vector<Value> found;
        if (!traced_batch(tape, {{entry, unit_seeds(meta, start, count)}}, count, inputs, found))
            return false;
        for (std::size_t i = 0; i < inputs.size(); ++i)
            if (!found[i].empty()) parts[i].push_back(std::move(found[i]));
    }
    results.assign(inputs.size(), Value());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (parts[i].size() == 2) results[i] = std::move(parts[i][1]);
        if (parts[i].size() > 2)
            results[i] = apply(operation(Code::concatenate), parts[i].data(), parts[i].size());
    }
    return true;
}

}  // namespace

// What either way costs where a program records it, in nanoseconds as measured: row by row a step
// of each number's operation that is reached, few of them, and of each array's; or for all rows one
// step an operation, which passes over more memory than the cache holds.
bool worth_tracing(Tape& tape, std::uint32_t entries, Extent width) {
    constexpr double step = 40.0, number = 0.25, element = 0.5, element_of_memory = 1.0;
    constexpr double cache = 1 << 17, most_steps = 1e5;
    double numbers = 0, arrays = 0, elements = 0, largest = 0;
    for (std::uint32_t i = 0; i < entries; ++i) {
        const bool array = tape.is_array_entry(i) && tape.meta(i).array;
        const double size = array ? static_cast<double>(tape.meta(i).size()) : 0.0;
        ++(array ? arrays : numbers);
        elements += size;
        largest = std::max(largest, size);
    }
    const double rows = static_cast<double>(width);
    const double together = rows * largest < cache ? element : element_of_memory;
    return rows * arrays > most_steps ||
           rows * (number * numbers + step * arrays + element * elements) >
               step * (numbers + arrays) + rows * together * elements;
}

bool reverse_rows(Tape& tape, std::uint32_t entry, const std::vector<std::uint32_t>& inputs,
                  std::vector<Value>& results) {
    const Meta meta = tape.meta(entry);
    const Extent rows = static_cast<Extent>(meta.size());
    const Extent width = rows_at_once(tape, entry + 1, meta.size());
    results.assign(inputs.size(), Value());
    for (Extent start = 0; start < rows; start += width) {
        const Extent count = std::min(width, rows - start);
        std::vector<Value> found;
        if (!reverse_batch(tape, {{entry, unit_seeds(meta, start, count)}}, count, inputs, found))
            return traced_rows(tape, entry, inputs, results);
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
