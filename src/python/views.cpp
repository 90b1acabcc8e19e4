// NumPy's operations whose result is a view, by its C interface.
#include "ops/aval.hpp"
#include "python/loops.hpp"

namespace fastad::python {

namespace {

PyArrayObject* exact_array(const Value& value) {
    if (!value.is_object() || Py_TYPE(py(value.object())) != &PyArray_Type) return nullptr;
    return array(py(value.object()));
}

bool is_tuple(const Value& value) {
    return value.is_object() && PyTuple_CheckExact(py(value.object()));
}

// An axis in the range of a rank; -1 where NumPy has to say what is wrong with it.
int axis_within(const Value& value, int rank) {
    if (value.kind() != Kind::Integer) return -1;
    const double axis = value.number();
    if (!(axis >= -rank && axis < rank)) return -1;
    return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Value forward_reshape(const Op& op, const Value* values, std::size_t count) {
    if (count == 2 && values[0].is_object() && Py_TYPE(py(values[0].object())) == &PyArray_Type &&
        (values[1].kind() == Kind::Integer ||
         (values[1].is_object() && PyTuple_CheckExact(py(values[1].object()))))) {
        const std::vector<Extent> shape = host::as_integers(values[1], "shape");
        return take_result(
            reshaped(array(py(values[0].object())), shape.data(), static_cast<int>(shape.size())));
    }
    return call_structural(op, values, count);
}

// The axes in this order, which names each once.
Value permuted(PyArrayObject* x, const npy_intp* order) {
    npy_intp shape[NPY_MAXDIMS], strides[NPY_MAXDIMS];
    const int rank = PyArray_NDIM(x);
    for (int axis = 0; axis < rank; ++axis) {
        shape[axis] = PyArray_DIM(x, static_cast<int>(order[axis]));
        strides[axis] = PyArray_STRIDE(x, static_cast<int>(order[axis]));
    }
    return take_result(view_of(x, rank, shape, strides));
}

Value forward_transpose(const Op& op, const Value* values, std::size_t count) {
    if (PyArrayObject* x = exact_array(values[0]);
        x && (count == 1 || values[1].empty() ||
              (values[1].is_object() && py(values[1].object()) == Py_None))) {
        npy_intp order[NPY_MAXDIMS];
        for (int axis = PyArray_NDIM(x), k = 0; axis-- > 0; ++k) order[k] = axis;
        return permuted(x, order);
    }
    if (PyArrayObject* x = exact_array(values[0]); x && count == 2 && is_tuple(values[1])) {
        std::vector<Extent> order = host::as_integers(values[1], "axes");
        PyArray_Dims dims{order.data(), static_cast<int>(order.size())};
        return take_result(PyArray_Transpose(x, &dims));
    }
    return call_structural(op, values, count);
}

// A view whose new axes, and those of length one, have no stride: as NumPy's, not to be written to.
Value forward_broadcast_to(const Op& op, const Value* values, std::size_t count) {
    PyArrayObject* x = exact_array(values[0]);
    if (!x || count != 2 || !is_tuple(values[1])) return call_structural(op, values, count);
    const std::vector<Extent> shape = host::as_integers(values[1], "shape");
    const int rank = static_cast<int>(shape.size()), more = rank - PyArray_NDIM(x);
    if (more < 0 || rank > NPY_MAXDIMS) return call_structural(op, values, count);
    npy_intp strides[NPY_MAXDIMS];
    for (int axis = 0; axis < rank; ++axis) {
        const npy_intp own = axis < more ? 1 : PyArray_DIM(x, axis - more);
        const npy_intp wanted = shape[static_cast<std::size_t>(axis)];
        if (wanted < 0 || (own != 1 && own != wanted)) return call_structural(op, values, count);
        strides[axis] = own == 1 ? 0 : PyArray_STRIDE(x, axis - more);
    }
    return take_result(view_of(x, rank, shape.data(), strides, false));
}

// Axes of length one that come or go: no element moves. Where none does NumPy's function knows
// whether it gives the array itself.
Value forward_reshaped(const Op& op, const Value* values, std::size_t count) {
    PyArrayObject* x = exact_array(values[0]);
    Aval result;
    if (!x || !aval_of(op, values, count, result) || result.rank > NPY_MAXDIMS ||
        result.rank == PyArray_NDIM(x))
        return call_structural(op, values, count);
    return take_result(reshaped(x, result.shape, result.rank));
}

Value forward_swapaxes(const Op& op, const Value* values, std::size_t count) {
    PyArrayObject* x = exact_array(values[0]);
    if (!x || count != 3) return call_structural(op, values, count);
    const int rank = PyArray_NDIM(x);
    const int one = axis_within(values[1], rank), other = axis_within(values[2], rank);
    if (one < 0 || other < 0) return call_structural(op, values, count);
    npy_intp order[NPY_MAXDIMS];
    for (int axis = 0; axis < rank; ++axis) order[axis] = axis;
    std::swap(order[one], order[other]);
    return permuted(x, order);
}

Value forward_moveaxis(const Op& op, const Value* values, std::size_t count) {
    PyArrayObject* x = exact_array(values[0]);
    if (!x || count != 3) return call_structural(op, values, count);
    const int rank = PyArray_NDIM(x);
    const int from = axis_within(values[1], rank), to = axis_within(values[2], rank);
    if (from < 0 || to < 0) return call_structural(op, values, count);
    npy_intp order[NPY_MAXDIMS];
    int next = 0;
    for (int i = 0; i < rank; ++i) {
        if (next == from) ++next;
        order[i] = i == to ? from : next++;
    }
    return permuted(x, order);
}

Value forward_ravel(const Op& op, const Value* values, std::size_t count) {
    PyArrayObject* x = exact_array(values[0]);
    if (!x || count != 1) return call_structural(op, values, count);
    const npy_intp size = PyArray_SIZE(x);
    if (PyArray_IS_C_CONTIGUOUS(x)) return take_result(reshaped(x, &size, 1));
    return take_result(PyArray_Ravel(x, NPY_CORDER));
}

}  // namespace

void enter_views() {
    operation(Code::reshape).forward = forward_reshape;
    operation(Code::ravel).forward = forward_ravel;
    operation(Code::transpose).forward = forward_transpose;
    operation(Code::swapaxes).forward = forward_swapaxes;
    operation(Code::moveaxis).forward = forward_moveaxis;
    operation(Code::expand_dims).forward = forward_reshaped;
    operation(Code::squeeze).forward = forward_reshaped;
    operation(Code::broadcast_to).forward = forward_broadcast_to;
}

}  // namespace fastad::python
