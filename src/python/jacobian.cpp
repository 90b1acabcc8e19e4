// Rows of a Jacobian from one tape.
#include <algorithm>

#include "python/session.hpp"

namespace fastad::python {
namespace {

// One cotangent for each element: the identity matrix, its columns in the output's shape.
Value basis(const Meta& meta) {
    const std::size_t size = meta.size();
    std::vector<Extent> shape{static_cast<Extent>(size)};
    shape.insert(shape.end(), meta.shape, meta.shape + meta.rank);
    Value seeds = host::new_array(DType::Float64, shape.data(), static_cast<int>(shape.size()));
    auto* data = reinterpret_cast<double*>(host::describe(seeds).data);
    std::fill_n(data, size * size, 0.0);
    for (std::size_t i = 0; i < size; ++i) data[i * (size + 1)] = 1.0;
    return seeds;
}

}  // namespace

PyObject* tape_rows(Tape* tape, PyObject* ans, PyObject* boxes, std::size_t most_bytes) {
    return guarded([&]() -> PyObject* {
        const Traced* out = box_of(tape, ans);
        if (!out) return Py_NewRef(Py_NotImplemented);
        const Meta meta = tape->meta(out->index);
        const std::size_t size = meta.size();
        if (meta.dtype != DType::Float64 || size == 0 || size > most_bytes / sizeof(double) / size)
            return Py_NewRef(Py_NotImplemented);
        std::vector<std::uint32_t> inputs;
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(boxes); ++i)
            inputs.push_back(traced_of(PyList_GET_ITEM(boxes, i)).index);
        // A sweep may run code that records: the tape's own shapes move.
        const std::vector<Extent> lead(meta.shape, meta.shape + meta.rank);
        std::vector<Seed> seeds;
        std::vector<Value> results;
        if (size == 1) {
            const Value one = Value::strong(1.0);
            seeds.push_back(
                {out->index, meta.array ? host::broadcast(one, meta.shape, meta.rank) : one});
            results = reverse(*tape, std::move(seeds), inputs, false);
        } else {
            seeds.push_back({out->index, basis(meta)});
            if (!reverse_batch(*tape, seeds, static_cast<Extent>(size), inputs, results))
                return Py_NewRef(Py_NotImplemented);
        }
        Ref list = checked(PyList_New(static_cast<Py_ssize_t>(results.size())));
        for (std::size_t i = 0; i < results.size(); ++i) {
            const Meta own = tape->meta(inputs[i]);
            std::vector<Extent> shape = lead;
            shape.insert(shape.end(), own.shape, own.shape + own.rank);
            const int rank = static_cast<int>(shape.size());
            Value row;
            if (results[i].empty()) {
                Meta zero = own;
                zero.array = own.array || rank > 0;
                zero.rank = rank;
                zero.shape = shape.data();
                row = host::zeros(zero);
            } else {
                const Ref object(owned_result(results[i]));
                row = to_value(object.get());
                if (!lead.empty()) row = shaped::reshape(row, shape.data(), rank);
            }
            PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), to_object(row));
        }
        return list.release();
    });
}

}  // namespace fastad::python
