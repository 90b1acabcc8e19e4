// Columns of a Jacobian, as many at a time as memory allows.
#include "forward/columns.hpp"

#include <algorithm>

#include "forward/column_sweep.hpp"
#include "reverse/adjoint.hpp"
#include "reverse/sweep.hpp"

namespace fastad {
namespace {

// Columns [row][out] into places [out][first + row] of an array with `size` columns.
void store(const Value& columns, std::size_t outputs, std::size_t rows, std::size_t column,
           std::size_t size, double* target) {
    const Extent flat[2] = {static_cast<Extent>(rows), static_cast<Extent>(outputs)};
    const Value laid = host::reshape(columns, flat, 2);
    const View view = host::describe(laid);
    for (std::size_t i = 0; i < outputs; ++i)
        for (std::size_t k = 0; k < rows; ++k)
            target[i * size + column + k] = *reinterpret_cast<const double*>(
                view.data + static_cast<Extent>(k) * view.strides[0] +
                static_cast<Extent>(i) * view.strides[1]);
}

}  // namespace

bool forward_columns(Tape& tape, std::uint32_t output, const std::vector<std::uint32_t>& inputs,
                     std::size_t most_bytes, std::vector<Value>& results) {
    if (one_by_one(tape)) return false;
    tape.begin_sweep(false);
    const Tape::Paused paused(tape);
    ForwardSweep sweep(tape, output);
    if (!sweep.prepare()) return false;
    const Meta meta = tape.meta(output);
    const std::size_t outputs = meta.size();
    if (sweep.traced() && !worth_tracing(tape, output + 1, static_cast<Extent>(outputs)))
        return false;
    // The inputs' elements one after the other are the columns.
    std::vector<std::size_t> starts{0};
    for (const std::uint32_t input : inputs)
        starts.push_back(starts.back() +
                         (sweep.depends_on(input) ? tape.meta(input).size() : std::size_t{0}));
    const std::size_t columns = starts.back();
    const std::size_t step = std::clamp<std::size_t>(
        most_bytes / (sweep.largest() * sizeof(double)), 1, std::max<std::size_t>(columns, 1));
    std::vector<Value> found(inputs.size());
    auto shape_of = [&](std::size_t i) {
        const Meta own = tape.meta(inputs[i]);
        std::vector<Extent> shape(meta.shape, meta.shape + meta.rank);
        shape.insert(shape.end(), own.shape, own.shape + own.rank);
        return shape;
    };
    std::vector<Value> batches{Value::integer(0)};  // the axis, and boxes
    for (std::size_t start = 0; start < columns; start += step) {
        const std::size_t stop = std::min(columns, start + step);
        const auto width = static_cast<Extent>(stop - start);
        sweep.clear();
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            const std::size_t from = std::max(start, starts[i]);
            const std::size_t to = std::min(stop, starts[i + 1]);
            if (from < to) sweep.seed(inputs[i], from - starts[i], to - from, from - start, width);
        }
        Value tangents;
        try {
            tangents = sweep.run(width);
        } catch (const NoColumns&) {
            return false;
        }
        if (tangents.empty()) tangents = batched::zeros(meta, width);
        if (tangents.is_box()) {
            batches.push_back(std::move(tangents));
            continue;
        }
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            const std::size_t from = std::max(start, starts[i]);
            const std::size_t to = std::min(stop, starts[i + 1]);
            if (from >= to) continue;
            if (found[i].empty()) {
                const std::vector<Extent> shape = shape_of(i);
                found[i] =
                    host::new_array(DType::Float64, shape.data(), static_cast<int>(shape.size()));
            }
            const Value part = apply(Code::getitem, tangents,
                                     host::slice_index(0, static_cast<Extent>(from - start),
                                                       static_cast<Extent>(to - start)));
            store(part, outputs, to - from, from - starts[i], starts[i + 1] - starts[i],
                  data_of(found[i]));
        }
    }
    if (batches.size() > 1) {
        // One matrix, of which each input has some columns.
        const Value all = batches.size() == 2
                              ? std::move(batches[1])
                              : apply(operation(Code::concatenate), batches.data(), batches.size());
        const Extent flat[2] = {static_cast<Extent>(columns), static_cast<Extent>(outputs)};
        const Value matrix = shaped::matrix_transpose(shaped::reshape(all, flat, 2));
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            if (starts[i + 1] == starts[i]) continue;
            const Value part = apply(Code::getitem, matrix,
                                     host::slice_index(1, static_cast<Extent>(starts[i]),
                                                       static_cast<Extent>(starts[i + 1])));
            const std::vector<Extent> shape = shape_of(i);
            found[i] = shaped::reshape(part, shape.data(), static_cast<int>(shape.size()));
        }
    }
    results = std::move(found);
    return true;
}

}  // namespace fastad
