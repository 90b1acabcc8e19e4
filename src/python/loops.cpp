// Direct calls of NumPy's inner loops.
//
// A loop is called directly only with the strides that NumPy itself would give it: all operands
// contiguous and of one shape, or scalars (stride 0). Then the bits are NumPy's. So they are, with
// any strides, of operations that are exact. Everything else goes through the ufunc.
#include "python/loops.hpp"

#include <algorithm>
#include <array>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "python/forward.hpp"
#include "python/rooms.hpp"

namespace fastad {

bool host::decides_no_dtype(const Value& raw) noexcept {
    return raw.kind() == Kind::Weak || raw.kind() == Kind::Integer ||
           (raw.is_object() && PyComplex_CheckExact(python::py(raw.object())));
}

namespace python {

namespace {

// NumPy does not say which of a program's many operations met shapes that do not fit.
void name_shape_error(const Op& op) {
    if (!PyErr_ExceptionMatches(PyExc_ValueError)) return;
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    Ref text(PyObject_Str(error));
    const char* own = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
    if (!own || !std::strstr(own, "broadcast")) {
        PyErr_Restore(type, error, traceback);
        return;
    }
    std::string message = op.name + ": " + own;
    while (message.back() == ' ') message.pop_back();
    message += "; make the shapes of its arguments agree, for example with reshape or x[:, None]";
    PyErr_SetString(PyExc_ValueError, message.c_str());
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
}

}  // namespace

Value call_ufunc(const Op& op, const Value* values, std::size_t count) {
    try {
        Value operands[3];
        Ref room;
        if (count < 3) room = room_as_operands(op, values, count);
        PyObject* names = nullptr;
        if (room) {
            // By its name: as a third operand maximum and minimum warn of it.
            static PyObject* const out = PyTuple_Pack(1, Ref(PyUnicode_FromString("out")).get());
            names = out;
            std::copy_n(values, count, operands);
            operands[count++] = Value::take(core(room.release()));
            values = operands;
        }
        Value result = call(hosted(op)->function, values, count, names);
        clear_flags();
        return result;
    } catch (const HostError&) {
        name_shape_error(op);
        throw;
    }
}

namespace {

// Elementwise operation on arrays through the inner loop; an empty value where that does not apply.
Value forward_arrays(const Op& op, const Value* values, std::size_t count) {
    const Hosted* own = hosted(op);
    PyArrayObject* shape_of = nullptr;
    bool float32 = false;
    bool float64 = false;
    bool cast_needed = false;
    for (std::size_t i = 0; i < count; ++i) {
        if (values[i].is_number()) {
            float64 = float64 || values[i].kind() == Kind::Strong;
            continue;
        }
        if (!readable(values[i])) return {};
        PyArrayObject* a = array(py(values[i].object()));
        switch (PyArray_TYPE(a)) {
            case NPY_FLOAT64: float64 = true; break;
            case NPY_FLOAT32: float32 = true; break;
            case NPY_BOOL:
            case NPY_INT64: cast_needed = true; break;
            default: return {};
        }
        if (shape_of && !same_dims(shape_of, a)) return {};
        shape_of = a;
    }
    if (!shape_of || float32 == float64) return {};  // mixed types, or none that is floating
    if (float32 && cast_needed) return {};
    const PyUFuncGenericFunction loop = float64 ? own->loop64 : own->loop32;
    if (!loop) return {};
    const npy_intp n = PyArray_SIZE(shape_of);
    if (n == 0) return {};

    constexpr npy_intp scratch_size = 256;
    double scratch[2][scratch_size];  // integers as doubles, where there are few of them
    Ref converted[2];
    double doubles[2];
    float floats[2];
    char* places[3];
    npy_intp strides[3];
    const npy_intp item = float64 ? 8 : 4;
    for (std::size_t i = 0; i < count; ++i) {
        if (values[i].is_number()) {
            doubles[i] = values[i].number();
            if (float64) {
                places[i] = reinterpret_cast<char*>(&doubles[i]);
            } else {
                floats[i] = static_cast<float>(doubles[i]);
                if (std::isinf(floats[i]) && !std::isinf(doubles[i])) return {};
                places[i] = reinterpret_cast<char*>(&floats[i]);
            }
            strides[i] = 0;
            continue;
        }
        PyArrayObject* a = array(py(values[i].object()));
        if (float64 && PyArray_TYPE(a) != NPY_FLOAT64 && n <= scratch_size) {
            const void* source = PyArray_DATA(a);
            for (npy_intp k = 0; k < n; ++k)
                scratch[i][k] =
                    PyArray_TYPE(a) == NPY_BOOL
                        ? static_cast<double>(static_cast<const npy_bool*>(source)[k] != 0)
                        : static_cast<double>(static_cast<const npy_int64*>(source)[k]);
            places[i] = reinterpret_cast<char*>(scratch[i]);
            strides[i] = item;
            continue;
        }
        if (float64 && PyArray_TYPE(a) != NPY_FLOAT64) {
            converted[i] = checked(PyArray_CastToType(a, PyArray_DescrFromType(NPY_FLOAT64), 0));
            a = array(converted[i].get());
        }
        places[i] = static_cast<char*>(PyArray_DATA(a));
        strides[i] = item;
    }
    Ref result = checked(new_ndarray(float64 ? NPY_FLOAT64 : NPY_FLOAT32, PyArray_NDIM(shape_of),
                                     PyArray_DIMS(shape_of)));
    places[count] = static_cast<char*>(PyArray_DATA(array(result.get())));
    strides[count] = item;
    const auto raised = [float64] { return float64 ? flags_raised() : flags_raised_float32(); };
    if (raised()) clear_flags();  // by others
    {
        const host::Unlocked unlocked(static_cast<std::size_t>(n));
        loop(places, &n, strides, float64 ? own->data64 : own->data32);
    }
    if (raised()) {
        clear_flags();
        return {};
    }
    return Value::take(core(result.release()));
}

// An operand of a loop over rows: where it lies, its strides in the result's shape.
struct Strided {
    PyArrayObject* array = nullptr;  // null: a number
    double number = 0.0;
    float narrow = 0.0f;
    npy_intp strides[NPY_MAXDIMS] = {};

    // Strides in the result's axes; false where it does not broadcast to them, or where NumPy would
    // take the axes in another order.
    bool lay_out(const npy_intp* shape, int rank) noexcept {
        const int more = rank - PyArray_NDIM(array);
        npy_intp outer = std::numeric_limits<npy_intp>::max();
        for (int axis = more; axis < rank; ++axis) {
            const npy_intp length = PyArray_DIM(array, axis - more);
            if (length == 1) continue;
            const npy_intp stride = PyArray_STRIDE(array, axis - more);
            if (length != shape[axis] || stride < 0 || (stride != 0 && stride > outer))
                return false;
            strides[axis] = stride;
            if (stride != 0) outer = stride;
        }
        return true;
    }
};

// An exact operation on floats of one type that are broadcast, or have gaps: a row of the last axis
// at a time, where the ufunc's iterator copies into buffers. Every loop gives the same bits. Empty
// where that does not apply.
Value forward_rows(const Op& op, const Value* values, std::size_t count) {
    // A row costs a call, 13 ns; the iterator a microsecond, and half a nanosecond an element.
    constexpr npy_intp long_row = 64, few_rows = 48;
    if (!op.exact || count > 2) return {};
    Strided operands[2];
    int type = NPY_NOTYPE, rank = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (values[i].is_number()) {
            operands[i].number = values[i].number();
            continue;
        }
        if (!values[i].is_object() || Py_TYPE(py(values[i].object())) != &PyArray_Type) return {};
        PyArrayObject* a = operands[i].array = array(py(values[i].object()));
        const int own = PyArray_TYPE(a);
        if ((own != NPY_FLOAT64 && own != NPY_FLOAT32) || (type != NPY_NOTYPE && own != type) ||
            PyArray_NDIM(a) == 0 || !PyArray_ISBEHAVED_RO(a))
            return {};
        type = own;
        rank = std::max(rank, PyArray_NDIM(a));
    }
    if (type == NPY_NOTYPE) return {};
    npy_intp shape[NPY_MAXDIMS];
    std::fill_n(shape, rank, npy_intp{1});
    for (std::size_t i = 0; i < count; ++i) {
        const PyArrayObject* a = operands[i].array;
        for (int axis = 0; a && axis < PyArray_NDIM(a); ++axis)
            if (PyArray_DIM(a, axis) != 1)
                shape[rank - PyArray_NDIM(a) + axis] = PyArray_DIM(a, axis);
    }
    char* places[3];
    for (std::size_t i = 0; i < count; ++i) {
        Strided& own = operands[i];
        if (own.array) {
            if (!own.lay_out(shape, rank)) return {};
            places[i] = static_cast<char*>(PyArray_DATA(own.array));
        } else if (type == NPY_FLOAT64) {
            places[i] = reinterpret_cast<char*>(&own.number);
        } else {
            own.narrow = static_cast<float>(own.number);
            if (values[i].kind() == Kind::Strong ||
                (std::isinf(own.narrow) && !std::isinf(own.number)))
                return {};
            places[i] = reinterpret_cast<char*>(&own.narrow);
        }
    }
    // Axes that all walk as one are merged.
    npy_intp lengths[NPY_MAXDIMS], size = 1;
    int axes = 0;
    for (int axis = 0; axis < rank; ++axis) {
        size *= shape[axis];
        if (shape[axis] == 1) continue;
        bool merges = axes > 0;
        for (std::size_t i = 0; i < count; ++i)
            merges =
                merges && operands[i].strides[axes - 1] == operands[i].strides[axis] * shape[axis];
        if (merges) --axes;
        lengths[axes] = merges ? lengths[axes] * shape[axis] : shape[axis];
        for (std::size_t i = 0; i < count; ++i)
            operands[i].strides[axes] = operands[i].strides[axis];
        ++axes;
    }
    if (size == 0 || axes == 0) return {};
    const npy_intp last = lengths[axes - 1];
    if (last < long_row && size > few_rows * last) return {};
    const bool wide = type == NPY_FLOAT64;
    const Hosted* own = hosted(op);
    const PyUFuncGenericFunction loop = wide ? own->loop64 : own->loop32;
    if (!loop) return {};
    Ref result = checked(new_ndarray(type, rank, shape));
    places[count] = static_cast<char*>(PyArray_DATA(array(result.get())));
    npy_intp inner = last, strides[3], index[NPY_MAXDIMS] = {};
    for (std::size_t i = 0; i < count; ++i) strides[i] = operands[i].strides[axes - 1];
    strides[count] = wide ? 8 : 4;
    if (flags_raised()) clear_flags();  // by others
    {
        const host::Unlocked unlocked(static_cast<std::size_t>(size));
        for (bool more = true; more;) {
            char* row[3] = {places[0], places[1], places[2]};
            loop(row, &inner, strides, wide ? own->data64 : own->data32);
            places[count] += inner * strides[count];
            more = false;
            for (int axis = axes - 1; axis-- > 0 && !more;) {
                more = ++index[axis] < lengths[axis];
                if (!more) index[axis] = 0;
                for (std::size_t i = 0; i < count; ++i)
                    places[i] += operands[i].strides[axis] * (more ? 1 : 1 - lengths[axis]);
            }
        }
    }
    if (flags_raised()) {
        clear_flags();
        return {};
    }
    return Value::take(core(result.release()));
}

// Whether none of these is more than a number of Python's, which decides no dtype.
bool weak(const Value* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
        if (!host::decides_no_dtype(values[i])) return false;
    return true;
}

Value like_operands(double result, const Value* values, std::size_t count) {
    return weak(values, count) ? Value::weak(result) : Value::strong(result);
}

// Through the ufunc for its warnings; the kind of result as on the direct way.
Value number_through_ufunc(const Op& op, const Value* values, std::size_t count) {
    return of_operator(call_ufunc(op, values, count), values, count);
}

}  // namespace

Value complex_number(const Value& value) {
    return Value::take(
        core(checked(PyComplex_FromCComplex(PyComplex_AsCComplex(py(value.object())))).release()));
}

Value of_operator(Value result, const Value* values, std::size_t count) {
    if (result.kind() == Kind::Strong)
        return weak(values, count) ? Value::weak(result.number()) : result;
    if (result.is_object() && PyArray_IsScalar(py(result.object()), Complex128)) {
        // numpy.float64 is a float to a complex number on its left.
        const bool python = count == 2 && values[0].is_object() &&
                            PyComplex_CheckExact(py(values[0].object())) &&
                            values[1].kind() == Kind::Strong;
        if (python || weak(values, count)) return complex_number(result);
    }
    return result;
}

Value forward_numbers(const Op& op, const Value* values, std::size_t count, Form form) {
    const double x = values[0].number();
    const double y = count == 2 ? values[1].number() : 0.0;
    const Elementwise& e = op.elementwise;
    if (!op.exact && !(op.exact_operator && form == Form::Operator)) {
        const Hosted* own = hosted(op);
        if (!own->loop64) return call_ufunc(op, values, count);
        double operands[2] = {x, y};
        double result;
        char* places[3] = {reinterpret_cast<char*>(&operands[0]),
                           reinterpret_cast<char*>(count == 2 ? &operands[1] : &result),
                           reinterpret_cast<char*>(&result)};
        npy_intp n = 1;
        npy_intp strides[3] = {0, 0, 0};  // what NumPy gives for operands of one element
        own->loop64(places, &n, strides, own->data64);
        if (flags_raised()) {
            clear_flags();
            return number_through_ufunc(op, values, count);
        }
        return like_operands(result, values, count);
    }
    const double result = e.value(x, y);
    if (count == 1) return like_operands(result, values, 1);
    // Results that no flag can stand for need no look at the flags: finite, and not tiny unless
    // the operation is linear or an operand is zero.
    const double size = std::fabs(result);
    if (!(size <= DBL_MAX) || (size < DBL_MIN && !e.constant[0] && x != 0.0 && y != 0.0))
        return number_through_ufunc(op, values, count);
    return like_operands(result, values, 2);
}

namespace {

// Python's own operator for an operation, where it is one.
using PythonOperator = PyObject* (*)(PyObject* x, PyObject* y);
constexpr auto python_operators = [] {
    std::array<PythonOperator, operation_count> table{};
#define BINARY_OPERATOR(NAME, PYTHON)             \
    table[static_cast<std::size_t>(Code::NAME)] = \
        []([[maybe_unused]] PyObject* x, [[maybe_unused]] PyObject* y) { return PYTHON; };
#define UNARY_OPERATOR(NAME, PYTHON) BINARY_OPERATOR(NAME, PYTHON)
#include "python/operators.def"
    return table;
}();

// ndarray ** p with a NumPy scalar p of another type, or of a complex ndarray: NumPy's versions
// differ in the result's dtype and in the exponents for which they do not call the power loop.
Value forward_power(const Op& op, const Value* values, std::size_t) {
    if (!values[0].is_object() || !PyArray_Check(py(values[0].object()))) return {};
    PyArrayObject* const a = array(py(values[0].object()));
    const bool float64 = PyArray_TYPE(a) == NPY_FLOAT64;
    const bool plain = values[1].kind() == Kind::Strong ? float64 : !values[1].is_object();
    if (plain && !PyArray_ISCOMPLEX(a)) return {};
    Ref base(to_object(values[0]));
    Ref exponent(to_object(values[1]));
    if (PyArray_Check(exponent.get()) && PyArray_NDIM(array(exponent.get())) > 0) return {};
    PyObject* result = PyNumber_Power(base.get(), exponent.get(), Py_None);
    if (!result) name_shape_error(op);
    clear_flags();
    return take_result(result);
}

// An operator between scalars of which one is complex, float32 or another that is no double:
// NumPy's scalars have arithmetic of their own, whose bits its ufuncs do not always give. Empty
// where that does not apply.
Value forward_scalars(const Op& op, const Value* values, std::size_t count) {
    Ref operands[2];
    bool numpy_scalar = false;
    for (std::size_t i = 0; i < count; ++i) {
        if (!values[i].is_number() && !values[i].is_object()) return {};
        operands[i] = Ref(to_object(values[i]));
        if (PyArray_CheckScalar(operands[i].get()) && Py_TYPE(operands[i].get()) != float64_type)
            numpy_scalar = true;
        else if (!PyFloat_Check(operands[i].get()) && !PyLong_CheckExact(operands[i].get()) &&
                 !PyBool_Check(operands[i].get()) && !PyComplex_CheckExact(operands[i].get()))
            return {};
    }
    // Among Python's own numbers and doubles, a complex one has the arithmetic of numpy.complex128.
    for (std::size_t i = 0; i < count && !numpy_scalar; ++i)
        if (PyComplex_CheckExact(operands[i].get())) {
            operands[i] = checked(PyArray_Return(array(PyArray_FROM_O(operands[i].get()))));
            numpy_scalar = true;
        }
    if (!numpy_scalar) return {};
    const PythonOperator own = python_operators[static_cast<std::size_t>(op.code)];
    if (!own) return {};
    PyObject* result = checked(own(operands[0].get(), operands[1].get())).release();
    clear_flags();
    return take_result(result);
}

}  // namespace

void enter_loops() { operation(Code::power).forward = forward_power; }

Value forward_elementwise(const Op& op, const Value* values, std::size_t count, Form form) {
    bool numbers = true;
    for (std::size_t i = 0; i < count; ++i) numbers = numbers && values[i].is_number();
    // Two Python ints would be integer arithmetic.
    if (numbers && (values[0].is_float() || (count == 2 && values[1].is_float())))
        return forward_numbers(op, values, count, form);
    if (!numbers) {
        Value result;
        if (form == Form::Operator && op.forward) result = op.forward(op, values, count);
        if (result.empty()) result = forward_arrays(op, values, count);
        if (result.empty()) result = forward_rows(op, values, count);
        if (!result.empty()) return result;
        if (form == Form::Operator) result = forward_scalars(op, values, count);
        if (result.empty()) result = call_ufunc(op, values, count);
        return form == Form::Function ? result : of_operator(std::move(result), values, count);
    }
    return call_ufunc(op, values, count);
}

}  // namespace python
}  // namespace fastad
