// Rows of a Jacobian from one tape.
#include <algorithm>

#include "forward/columns.hpp"
#include "level.hpp"
#include "python/session.hpp"

namespace fastad::python {
namespace {

// Where a derivative is infinite or NaN, which other entries 0 * inf makes NaN depends on the
// direction of the sweep: those are left to the rows, as they are for a gradient.
bool finite(const std::vector<Value>& arrays) {
    for (const Value& one : arrays) {
        if (one.empty()) continue;
        if (one.is_box()) {
            // A NaN is true: a program looks again at each input.
            const Value off = shaped::sum(apply(Code::subtract, one, one), Value(), false);
            if (read(off, Read::Truth).number() != 0.0) return false;
            continue;
        }
        const View view = host::describe(one);
        const auto* data = reinterpret_cast<const double*>(view.data);
        double sum = 0.0;
        for (std::size_t i = 0; i < view.size; ++i) sum += data[i] - data[i];
        if (sum != 0.0) return false;
    }
    return true;
}

std::vector<std::uint32_t> entries_of(PyObject* boxes) {
    std::vector<std::uint32_t> entries;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(boxes); ++i)
        entries.push_back(traced_of(PyList_GET_ITEM(boxes, i)).index);
    return entries;
}

// Arrays of shape out.shape + in.shape, zero where nothing arrived.
PyObject* list_of(const Tape& tape, std::uint32_t output, const std::vector<std::uint32_t>& inputs,
                  std::vector<Value>& results, bool shaped_so) {
    const Meta lead = tape.meta(output);
    Ref list = checked(PyList_New(static_cast<Py_ssize_t>(results.size())));
    for (std::size_t i = 0; i < results.size(); ++i) {
        const Meta own = tape.meta(inputs[i]);
        std::vector<Extent> shape(lead.shape, lead.shape + lead.rank);
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
            if (lead.rank > 0 && !shaped_so) row = shaped::reshape(row, shape.data(), rank);
        }
        if (shaped_so && rank == 0 && !own.array && !row.is_box())
            row = host::to_scalar(std::move(row));
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), to_object(row));
    }
    return list.release();
}

}  // namespace

PyObject* tape_columns(Tape* tape, PyObject* ans, PyObject* boxes, std::size_t most_bytes) {
    return guarded([&]() -> PyObject* {
        const Traced* out = box_of(tape, ans);
        if (!out) return Py_NewRef(Py_NotImplemented);
        std::vector<Value> results;
        if (!forward_columns(*tape, out->index, entries_of(boxes), most_bytes, results))
            return Py_NewRef(Py_NotImplemented);
        return list_of(*tape, out->index, entries_of(boxes), results, true);
    });
}

PyObject* tape_rows(Tape* tape, PyObject* ans, PyObject* boxes, std::size_t most_bytes) {
    return guarded([&]() -> PyObject* {
        const Traced* out = box_of(tape, ans);
        if (!out) return Py_NewRef(Py_NotImplemented);
        const Meta meta = tape->meta(out->index);
        const std::size_t size = meta.size();
        if (meta.dtype != DType::Float64 || size == 0 || most_bytes == 0)
            return Py_NewRef(Py_NotImplemented);
        const std::vector<std::uint32_t> inputs = entries_of(boxes);
        std::size_t columns = 0;
        for (const std::uint32_t input : inputs) columns += tape->meta(input).size();
        std::vector<Value> results;
        // Where there are as many of either, rows are faster, as measured.
        if (size > 1 && size >= 2 * columns &&
            forward_columns(*tape, out->index, inputs, most_bytes, results)) {
            if (finite(results)) return list_of(*tape, out->index, inputs, results, true);
            results.clear();
        }
        std::vector<Seed> seeds;
        if (size == 1) {
            const Value one = Value::strong(1.0);
            seeds.push_back(
                {out->index, meta.array ? host::broadcast(one, meta.shape, meta.rank) : one});
            results = reverse(*tape, std::move(seeds), inputs, false);
        } else {
            if (!reverse_rows(*tape, out->index, inputs, results))
                return Py_NewRef(Py_NotImplemented);
        }
        return list_of(*tape, out->index, inputs, results, false);
    });
}

}  // namespace fastad::python
