// Direct calls of NumPy's inner loops, and short ways into NumPy for the common structural
// operations.
//
// A loop is called directly only with the strides that NumPy itself would give it: all operands
// contiguous and of one shape, or scalars (stride 0). Then the bits are NumPy's. Everything else
// goes through the ufunc.
#include "python/forward.hpp"

#include <cfloat>
#include <cmath>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace fastad::python {
namespace {

constexpr npy_intp direct_sum_limit = 8192;  // above, NumPy splits the reduction into buffers

PyObject* add_reduce = nullptr;
PyUFuncGenericFunction add_loop = nullptr;
void* add_data = nullptr;

// Whether a floating-point error flag stands, since the last clear_flags() or longer. A stale flag
// only costs a detour through the ufunc, which decides itself and clears it.
#if defined(__x86_64__)
inline bool flags_raised() { return (_mm_getcsr() & 0x1Du) != 0; }  // all but inexact and denormal
inline bool flags_raised_float32() {
    // float32 exp raises in the x87 word alone.
    unsigned short status;
    __asm__ __volatile__("fnstsw %0" : "=m"(status));
    return flags_raised() || (status & 0x1Du) != 0;
}
inline void clear_flags() {
    _mm_setcsr(_mm_getcsr() & ~0x3Fu);
    __asm__ __volatile__("fnclex");
}
#else
constexpr int watched = FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW;
inline bool flags_raised() { return std::fetestexcept(watched) != 0; }
inline bool flags_raised_float32() { return flags_raised(); }
inline void clear_flags() { std::feclearexcept(watched); }
#endif

PyArrayObject* array(PyObject* object) { return reinterpret_cast<PyArrayObject*>(object); }

// NumPy's function on the values as they are.
Value call(PyObject* function, const Value* values, std::size_t count, PyObject* kwnames) {
    constexpr std::size_t most = 16;
    PyObject* stack[most + 1];
    std::vector<PyObject*> heap;
    PyObject** args = stack + 1;
    if (count > most) {
        heap.resize(count + 1);
        args = heap.data() + 1;
    }
    for (std::size_t i = 0; i < count; ++i) args[i] = to_object(values[i]);
    const std::size_t named = kwnames ? static_cast<std::size_t>(PyTuple_GET_SIZE(kwnames)) : 0;
    PyObject* result = PyObject_Vectorcall(
        function, args, (count - named) | PY_VECTORCALL_ARGUMENTS_OFFSET, kwnames);
    for (std::size_t i = 0; i < count; ++i) Py_DECREF(args[i]);
    return take_result(result);
}

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

Value call_ufunc(const Op& op, const Value* values, std::size_t count) {
    try {
        Value result = call(hosted(op)->function, values, count, nullptr);
        clear_flags();
        return result;
    } catch (const HostError&) {
        name_shape_error(op);
        throw;
    }
}

// Omitted arguments are empty; what follows one is passed by keyword.
Value call_structural(const Op& op, const Value* values, std::size_t count) {
    const Hosted* own = hosted(op);
    std::size_t positional = 0;
    while (positional < count && !values[positional].empty()) ++positional;
    std::vector<Value> given(values, values + positional);
    std::vector<PyObject*> names;
    for (std::size_t i = positional; i < count; ++i) {
        if (values[i].empty()) continue;
        given.push_back(values[i]);
        names.push_back(own->parameters[i]);
    }
    if (names.empty()) return call(own->function, given.data(), given.size(), nullptr);
    Ref kwnames = checked(PyTuple_New(static_cast<Py_ssize_t>(names.size())));
    for (std::size_t i = 0; i < names.size(); ++i)
        PyTuple_SET_ITEM(kwnames.get(), static_cast<Py_ssize_t>(i), Py_NewRef(names[i]));
    return call(own->function, given.data(), given.size(), kwnames.get());
}

// An ndarray that a loop may read where it lies.
bool readable(const Value& value) {
    if (!value.is_object()) return false;
    PyObject* object = py(value.object());
    if (Py_TYPE(object) != &PyArray_Type) return false;
    PyArrayObject* a = array(object);
    return PyArray_NDIM(a) > 0 && PyArray_IS_C_CONTIGUOUS(a) && PyArray_ISALIGNED(a) &&
           PyArray_ISNOTSWAPPED(a);
}

bool same_dims(PyArrayObject* a, PyArrayObject* b) {
    return PyArray_NDIM(a) == PyArray_NDIM(b) &&
           PyArray_CompareLists(PyArray_DIMS(a), PyArray_DIMS(b), PyArray_NDIM(a));
}

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
    {
        const host::Unlocked unlocked(static_cast<std::size_t>(n));
        loop(places, &n, strides, float64 ? own->data64 : own->data32);
    }
    if (float64 ? flags_raised() : flags_raised_float32()) {
        clear_flags();
        return {};
    }
    return Value::take(core(result.release()));
}

// Whether none of these numbers decides a dtype.
bool weak(const Value* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
        if (values[i].kind() != Kind::Weak && values[i].kind() != Kind::Integer) return false;
    return true;
}

Value like_operands(double result, const Value* values, std::size_t count) {
    return weak(values, count) ? Value::weak(result) : Value::strong(result);
}

// Through the ufunc for its warnings; the kind of result as on the direct way.
Value number_through_ufunc(const Op& op, const Value* values, std::size_t count) {
    Value result = call_ufunc(op, values, count);
    if (result.kind() == Kind::Strong && weak(values, count)) return Value::weak(result.number());
    return result;
}

bool is_none(const Value& value) { return value.is_object() && py(value.object()) == Py_None; }

Value forward_sum(const Op& op, const Value* values, std::size_t count) {
    const Value& a = values[0];
    const bool all = count < 2 || values[1].empty() || is_none(values[1]);
    bool keepdims = false;
    if (count > 4 && !values[4].empty()) {
        PyObject* given = values[4].is_object() ? py(values[4].object()) : nullptr;
        if (given != Py_True && given != Py_False && values[4].kind() != Kind::Integer)
            return call_structural(op, values, count);  // no truth value: NumPy says so
        keepdims = given ? given == Py_True : values[4].number() != 0.0;
    }
    if (a.is_object() && Py_TYPE(py(a.object())) == &PyArray_Type) {
        PyArrayObject* x = array(py(a.object()));
        if (all && !keepdims && PyArray_TYPE(x) == NPY_FLOAT64 && readable(a) &&
            PyArray_SIZE(x) > 0 && PyArray_SIZE(x) <= direct_sum_limit && add_loop) {
            double total = 0.0;
            char* places[3] = {reinterpret_cast<char*>(&total), static_cast<char*>(PyArray_DATA(x)),
                               reinterpret_cast<char*>(&total)};
            npy_intp strides[3] = {0, 8, 0};
            npy_intp n = PyArray_SIZE(x);
            add_loop(places, &n, strides, add_data);
            // A sum of negative zeros keeps its sign in NumPy.
            if (total != 0.0 && !flags_raised()) return Value::strong(total);
            clear_flags();
        }
        Ref axis(all ? Py_NewRef(Py_None) : to_object(values[1]));
        PyObject* args[5] = {py(a.object()), axis.get(), Py_None, Py_None,
                             keepdims ? Py_True : Py_False};
        return take_result(PyObject_Vectorcall(add_reduce, args, 5, nullptr));
    }
    if (a.is_number() && all && !keepdims) return Value::strong(a.number() + 0.0);
    return call_structural(op, values, count);
}

Value forward_reshape(const Op& op, const Value* values, std::size_t count) {
    if (count == 2 && values[0].is_object() && Py_TYPE(py(values[0].object())) == &PyArray_Type &&
        (values[1].kind() == Kind::Integer ||
         (values[1].is_object() && PyTuple_CheckExact(py(values[1].object()))))) {
        const std::vector<Extent> shape = host::as_integers(values[1], "shape");
        PyArray_Dims dims{const_cast<npy_intp*>(shape.data()), static_cast<int>(shape.size())};
        return take_result(PyArray_Newshape(array(py(values[0].object())), &dims, NPY_CORDER));
    }
    return call_structural(op, values, count);
}

Value forward_transpose(const Op& op, const Value* values, std::size_t count) {
    if (values[0].is_object() && Py_TYPE(py(values[0].object())) == &PyArray_Type &&
        (count == 1 || values[1].empty() || is_none(values[1])))
        return take_result(PyArray_Transpose(array(py(values[0].object())), nullptr));
    return call_structural(op, values, count);
}

Value forward_dot(const Op& op, const Value* values, std::size_t count) {
    if (count == 2 && values[0].is_object() && values[1].is_object() &&
        Py_TYPE(py(values[0].object())) == &PyArray_Type &&
        Py_TYPE(py(values[1].object())) == &PyArray_Type) {
        PyObject* product =
            PyArray_MatrixProduct2(py(values[0].object()), py(values[1].object()), nullptr);
        if (product && PyArray_Check(product)) product = PyArray_Return(array(product));
        return take_result(product);
    }
    return call_structural(op, values, count);
}

Ref tuple_of(const Value* values, std::size_t count) {
    Ref tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(count)));
    for (std::size_t i = 0; i < count; ++i)
        PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), to_object(values[i]));
    return tuple;
}

Value forward_join(const Op& op, const Value* values, std::size_t count) {
    const Value& axis = values[0];
    if (op.code == Code::stack && axis.is_number()) {
        bool numbers = count > 1;
        for (std::size_t i = 1; numbers && i < count; ++i) numbers = values[i].is_float();
        if (numbers) {
            npy_intp n = static_cast<npy_intp>(count - 1);
            Ref result = checked(PyArray_EMPTY(1, &n, NPY_FLOAT64, 0));
            auto* data = static_cast<double*>(PyArray_DATA(array(result.get())));
            for (std::size_t i = 1; i < count; ++i) data[i - 1] = values[i].number();
            return Value::take(core(result.release()));
        }
    }
    Ref parts = tuple_of(values + 1, count - 1);
    const Value args[2] = {Value::take(core(parts.release())), axis};
    return call(hosted(op)->function, args, axis.empty() ? 1 : 2, nullptr);
}

Value forward_scatter(const Value* values) {
    Ref like(to_object(values[0]));
    const View view = host::describe(values[0]);
    const View update = host::describe(values[2]);
    Meta meta;
    meta.dtype = cotangent_dtype(update.dtype);
    meta.array = true;
    meta.rank = view.rank;
    meta.shape = view.shape;
    Value result = host::zeros(meta);
    host::add_at(result, values[1], values[2]);
    return result;
}

Value forward_astype(const Value* values, std::size_t count) {
    Ref object(to_object(values[0]));
    if (!PyArray_Check(object.get()) && !PyArray_CheckScalar(object.get()))
        object = checked(PyArray_FROM_O(object.get()));
    Ref method = checked(PyObject_GetAttrString(object.get(), "astype"));
    const bool copy_given = count > 5 && !values[5].empty();
    if (!copy_given) return call(method.get(), values + 1, 1, nullptr);
    Ref names = checked(Py_BuildValue("(s)", "copy"));
    const Value args[2] = {values[1], values[5]};
    return call(method.get(), args, 2, names.get());
}

Value forward_structural(const Op& op, const Value* values, std::size_t count) {
    switch (op.code) {
        case Code::sum: return forward_sum(op, values, count);
        case Code::reshape: return forward_reshape(op, values, count);
        case Code::transpose: return forward_transpose(op, values, count);
        case Code::dot: return forward_dot(op, values, count);
        case Code::concatenate:
        case Code::stack: return forward_join(op, values, count);
        case Code::index: return Value::take(core(tuple_of(values, count).release()));
        case Code::scatter: return forward_scatter(values);
        case Code::astype: return forward_astype(values, count);
        case Code::getitem: {
            Ref whole(to_object(values[0]));
            Ref index(to_object(values[1]));
            return take_result(PyObject_GetItem(whole.get(), index.get()));
        }
        default: return call_structural(op, values, count);
    }
}

}  // namespace

PyObject* initialise_forward(PyObject* numpy) {
    Ref add(PyObject_GetAttrString(numpy, "add"));
    if (!add) return nullptr;
    add_reduce = PyObject_GetAttrString(add.get(), "reduce");
    if (!add_reduce) return nullptr;
    const auto* ufunc = reinterpret_cast<PyUFuncObject*>(add.get());
    for (int i = 0; i < ufunc->ntypes; ++i)
        if (ufunc->types[3 * i] == NPY_FLOAT64 && ufunc->types[3 * i + 1] == NPY_FLOAT64 &&
            ufunc->types[3 * i + 2] == NPY_FLOAT64 && !add_loop) {
            add_loop = ufunc->functions[i];
            add_data = ufunc->data ? (void*)ufunc->data[i] : nullptr;
        }
    return Py_NewRef(Py_None);
}

void connect(Op& op, PyObject* function) {
    auto* own = new Hosted;
    own->function = Py_NewRef(function);
    op.host = reinterpret_cast<Object*>(own);
    if (op.kind == OpKind::Elementwise && PyObject_TypeCheck(function, &PyUFunc_Type)) {
        const auto* ufunc = reinterpret_cast<PyUFuncObject*>(function);
        const int operands = ufunc->nin + ufunc->nout;
        if (ufunc->nout == 1 && ufunc->nin == static_cast<int>(op.arity))
            for (int i = 0; i < ufunc->ntypes; ++i) {
                const char* types = ufunc->types + operands * i;
                auto all = [types, operands](char type) {
                    for (int k = 0; k < operands; ++k)
                        if (types[k] != type) return false;
                    return true;
                };
                void* data = ufunc->data ? (void*)ufunc->data[i] : nullptr;
                if (all(NPY_FLOAT64) && !own->loop64) {
                    own->loop64 = ufunc->functions[i];
                    own->data64 = data;
                } else if (all(NPY_FLOAT32) && !own->loop32) {
                    own->loop32 = ufunc->functions[i];
                    own->data32 = data;
                }
            }
    }
    for (const Parameter& parameter : op.structural.parameters)
        own->parameters.push_back(PyUnicode_InternFromString(parameter.name));
}

Value forward_numbers(const Op& op, const Value* values, std::size_t count) {
    const double x = values[0].number();
    double result;
    switch (op.code) {
        case Code::negative: return like_operands(-x, values, 1);
        case Code::positive: return like_operands(x, values, 1);
        case Code::absolute: return like_operands(std::fabs(x), values, 1);
        case Code::add: result = x + values[1].number(); break;
        case Code::subtract: result = x - values[1].number(); break;
        case Code::multiply: result = x * values[1].number(); break;
        case Code::divide: result = x / values[1].number(); break;
        default: {
            const Hosted* own = hosted(op);
            if (!own->loop64) return call_ufunc(op, values, count);
            double operands[2] = {x, count == 2 ? values[1].number() : 0.0};
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
    }
    // Results that no flag can stand for need no look at the flags: finite and not tiny.
    const double size = std::fabs(result);
    if (!(size <= DBL_MAX) || (size < DBL_MIN && op.code != Code::add &&
                               op.code != Code::subtract && x != 0.0 && values[1].number() != 0.0))
        return number_through_ufunc(op, values, count);
    return like_operands(result, values, 2);
}

Value operator_power(const Value& x, const Value& y) {
    const double result = std::pow(x.number(), y.number());
    const Value values[2] = {x, y};
    if (!(std::fabs(result) <= DBL_MAX && std::fabs(result) >= DBL_MIN))
        return number_through_ufunc(operation(Code::power), values, 2);
    return like_operands(result, values, 2);
}

namespace {

PyObject* numbers_operator(Code code, PyObject* x, PyObject* y) {
    switch (code) {
        case Code::add: return PyNumber_Add(x, y);
        case Code::subtract: return PyNumber_Subtract(x, y);
        case Code::multiply: return PyNumber_Multiply(x, y);
        case Code::divide: return PyNumber_TrueDivide(x, y);
        case Code::power: return PyNumber_Power(x, y, Py_None);
        case Code::floor_divide: return PyNumber_FloorDivide(x, y);
        case Code::remainder: return PyNumber_Remainder(x, y);
        case Code::negative: return PyNumber_Negative(x);
        case Code::positive: return PyNumber_Positive(x);
        case Code::absolute: return PyNumber_Absolute(x);
        default: return nullptr;
    }
}

// ndarray ** p with a NumPy scalar p of another type, or of a complex ndarray: NumPy's versions
// differ in the result's dtype and in the exponents for which they do not call the power loop.
Value forward_power(const Value* values) {
    if (!values[0].is_object() || !PyArray_Check(py(values[0].object()))) return {};
    PyArrayObject* const a = array(py(values[0].object()));
    const bool float64 = PyArray_TYPE(a) == NPY_FLOAT64;
    const bool plain = values[1].kind() == Kind::Strong ? float64 : !values[1].is_object();
    if (plain && !PyArray_ISCOMPLEX(a)) return {};
    Ref base(to_object(values[0]));
    Ref exponent(to_object(values[1]));
    if (PyArray_Check(exponent.get()) && PyArray_NDIM(array(exponent.get())) > 0) return {};
    PyObject* result = PyNumber_Power(base.get(), exponent.get(), Py_None);
    if (!result) name_shape_error(operation(Code::power));
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
    PyObject* result = numbers_operator(op.code, operands[0].get(), operands[1].get());
    if (!result && !PyErr_Occurred()) return {};
    result = checked(result).release();
    clear_flags();
    return take_result(result);
}

}  // namespace

namespace {

Value forward_elementwise(const Op& op, const Value* values, std::size_t count, Form form) {
    bool numbers = true;
    for (std::size_t i = 0; i < count; ++i) numbers = numbers && values[i].is_number();
    // Two Python ints would be integer arithmetic.
    if (numbers && (values[0].is_float() || (count == 2 && values[1].is_float())))
        return forward_numbers(op, values, count);
    if (!numbers) {
        Value result;
        if (form == Form::Operator && op.code == Code::power) result = forward_power(values);
        if (result.empty()) result = forward_arrays(op, values, count);
        if (!result.empty()) return result;
        if (form == Form::Operator && !(result = forward_scalars(op, values, count)).empty())
            return result;
    }
    return call_ufunc(op, values, count);
}

}  // namespace

Value forward(const Op& op, const Value* values, std::size_t count, PyObject* kwnames, Form form) {
    if (!kwnames) {
        if (op.kind == OpKind::Elementwise) {
            Value result = forward_elementwise(op, values, count, form);
            // np.sin(1.0) is a numpy.float64, unlike -1.0, which stays a Python float.
            if (form == Form::Function && result.kind() == Kind::Weak)
                return Value::strong(result.number());
            return result;
        }
        if (op.kind == OpKind::Structural) return forward_structural(op, values, count);
    }
    Value result = call(hosted(op)->function, values, count, kwnames);
    if (converts_results && result.is_object())
        return take_result(callbacks.convert(py(result.object())));
    if (form == Form::Operator && result.kind() == Kind::Strong && weak(values, count))
        return Value::weak(result.number());
    return result;
}

}  // namespace fastad::python
