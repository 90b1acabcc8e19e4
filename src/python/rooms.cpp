// Where large results lie.
#include "python/rooms.hpp"

#include <algorithm>

#include "memory/buffer.hpp"
#include "python/arguments.hpp"
#include "python/axis_order.hpp"
#include "python/loops.hpp"
#include "python/session.hpp"

namespace fastad {

namespace python {

namespace {

constexpr std::size_t widest = 16;  // bytes of an element

// Half precision is summed in another type, and extended precision is rare.
bool pooled(DType dtype) noexcept {
    switch (dtype) {
        case DType::Float64:
        case DType::Float32:
        case DType::Complex128:
        case DType::Complex64:
        case DType::Bool:
        case DType::Int64: return true;
        default: return false;
    }
}

bool in_order(const Value& value) noexcept {
    if (!value.is_object() || !PyArray_Check(py(value.object()))) return true;
    // The result of a subclass may be one too, which memory of ours is not.
    if (Py_TYPE(py(value.object())) != &PyArray_Type) return false;
    PyArrayObject* a = array(py(value.object()));
    return PyArray_ISCARRAY_RO(a);
}

}  // namespace

bool may_be_large(const Value* values, std::size_t count) noexcept {
    // Broadcast, joined or multiplied, the result is no larger than the product of all.
    std::size_t most = 1;
    for (std::size_t i = 0; i < count; ++i) {
        if (!values[i].is_object()) continue;
        PyObject* object = py(values[i].object());
        if (Py_TYPE(object) != &PyArray_Type) continue;
        most *= static_cast<std::size_t>(PyArray_SIZE(array(object))) + 1;
        if (most >= buffer::smallest / widest) return true;
    }
    return false;
}

namespace {

// An operand of which so many last axes are those of single matrices. False where it is none that
// tells how NumPy lays out the result.
bool add_operand(AxisOrder& order, const Value& value, int core) noexcept {
    if (!value.is_object()) return true;
    PyObject* object = py(value.object());
    if (Py_TYPE(object) != &PyArray_Type)
        return PyArray_CheckScalar(object) || PyComplex_CheckExact(object);
    PyArrayObject* a = array(object);
    const int axes = PyArray_NDIM(a) - core;
    const npy_intp* strides = PyArray_STRIDES(a);
    if (std::any_of(strides, strides + axes, [](npy_intp stride) { return stride < 0; }))
        return false;
    order.add(axes, PyArray_DIMS(a), strides);
    return true;
}

// What is worth memory of the pool.
bool large_result(const Op& op, const Value* values, std::size_t count, Aval& result) {
    return may_be_large(values, count) && aval_of(op, values, count, result) &&
           pooled(result.dtype) && result.rank <= NPY_MAXDIMS &&
           result.meta().size() * item_size(result.dtype) >= buffer::smallest;
}

}  // namespace

Ref room_for(const Op& op, const Value* values, std::size_t count) {
    Aval result;
    if (!large_result(op, values, count, result)) return {};
    return checked(new_ndarray(type_number_of(result.dtype), result.rank, result.shape));
}

Ref room_as_operands(const Op& op, const Value* values, std::size_t count, const int* core,
                     int result_core) {
    Aval result;
    if (count > 2 || !large_result(op, values, count, result)) return {};
    const int loops = result.rank - result_core;
    AxisOrder order(loops);
    for (std::size_t k = 0; k < count; ++k)
        if (!add_operand(order, values[k], core ? core[k] : 0)) return {};
    int inward[NPY_MAXDIMS];
    for (int i = 0; i < result_core; ++i) inward[i] = result.rank - 1 - i;
    order.inward(inward + result_core);
    npy_intp strides[NPY_MAXDIMS];
    auto item = static_cast<npy_intp>(item_size(result.dtype));
    for (int i = 0; i < result.rank; ++i) {
        strides[inward[i]] = item;
        item *= result.shape[inward[i]];
    }
    return checked(new_laid_out(type_number_of(result.dtype), result.rank, result.shape, strides));
}

Ref room_in_order(const Op& op, const Value* values, std::size_t count) {
    if (!std::all_of(values, values + count, in_order)) return {};
    return room_for(op, values, count);
}

PyObject* aval_object(PyObject* primitive, PyObject* args, PyObject* kwargs) {
    return guarded([&]() -> PyObject* {
        auto* self = reinterpret_cast<PrimitiveObject*>(primitive);
        const Op& op = *self->op;
        const bool structural = op.own == OpKind::Structural;
        if (op.registered() || (structural && !op.structural.aval))
            return Py_NewRef(Py_NotImplemented);
        std::vector<PyObject*> given;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i)
            given.push_back(PyTuple_GET_ITEM(args, i));
        const Py_ssize_t positional = PyTuple_GET_SIZE(args);
        Bound bound;
        if (structural && !op.structural.positional) {
            Ref names = checked(PyList_New(0));
            PyObject *name, *value;
            for (Py_ssize_t at = 0; PyDict_Next(kwargs, &at, &name, &value);) {
                if (PyList_Append(names.get(), name) < 0) return nullptr;
                given.push_back(value);
            }
            Ref kwnames = checked(PyList_AsTuple(names.get()));
            if (!bind_arguments(self, given.data(), positional, kwnames.get(), bound))
                return Py_NewRef(Py_None);
        } else {
            bound.assign(given.size());
            std::copy(given.begin(), given.end(), bound.begin());
        }
        std::vector<Value> values;
        for (PyObject* item : bound) values.push_back(item ? to_value(item) : Value());
        Aval result;
        if (!aval_of(op, values.data(), values.size(), result)) return Py_NewRef(Py_None);
        Ref shape(to_object(host::integers(result.shape, static_cast<std::size_t>(result.rank))));
        Ref dtype(to_object(host::dtype_object(result.dtype)));
        return PyTuple_Pack(2, shape.get(), dtype.get());
    });
}

}  // namespace python

namespace host {

using namespace python;

bool scalars_by_value = false;

bool loop_dtype(const Op& op, DType operands, DType& result) noexcept {
    const Hosted* own = hosted(op);
    if (!own || !PyObject_TypeCheck(own->function, &PyUFunc_Type)) return false;
    const auto* ufunc = reinterpret_cast<PyUFuncObject*>(own->function);
    if (ufunc->nout != 1) return false;
    // Booleans are promoted in a way of each ufunc's own where it has no loop for them.
    const bool exact = operands == DType::Bool;
    const int given = type_number_of(operands);
    for (int i = 0; i < ufunc->ntypes; ++i) {
        const char* types = ufunc->types + i * ufunc->nargs;
        if (!std::all_of(types, types + ufunc->nin, [given, exact](char type) {
                return exact ? type == given : PyArray_CanCastSafely(given, type);
            }))
            continue;
        result = dtype_of(types[ufunc->nin]);
        return result != DType::Other && result != DType::IntOther;
    }
    return false;
}

bool named_dtype(const Value& raw, DType& dtype) noexcept {
    if (!raw.is_object() || raw.object() == core(Py_None)) return false;
    PyArray_Descr* descr = nullptr;
    if (!PyArray_DescrConverter(py(raw.object()), &descr)) {
        PyErr_Clear();
        return false;
    }
    dtype = dtype_of(descr->type_num);
    const bool native = PyArray_ISNBO(descr->byteorder);
    Py_DECREF(descr);
    return native && dtype != DType::Other && dtype != DType::IntOther;
}

// Asked of an array of that shape whose elements are one byte.
bool indexed_shape(const Meta& whole, const Value& index, Extent* shape, int& rank) noexcept {
    static constexpr char byte = 0;
    npy_intp strides[NPY_MAXDIMS] = {};
    if (whole.rank > NPY_MAXDIMS) return false;
    const Ref like(PyArray_New(&PyArray_Type, whole.rank, const_cast<npy_intp*>(whole.shape),
                               NPY_BOOL, strides, const_cast<char*>(&byte), 0, 0, nullptr));
    const Ref key(like ? to_object(index) : nullptr);
    const Ref part(key ? PyObject_GetItem(like.get(), key.get()) : nullptr);
    if (!part) {
        PyErr_Clear();
        return false;
    }
    rank = 0;
    if (!PyArray_Check(part.get())) return true;
    rank = PyArray_NDIM(array(part.get()));
    std::copy_n(PyArray_DIMS(array(part.get())), rank, shape);
    return true;
}

}  // namespace host
}  // namespace fastad
