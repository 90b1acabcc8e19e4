// Operators on boxes. Scalars of one reverse level are recorded here without a detour.
#include "python/operators.hpp"

#include <cfloat>
#include <cmath>

#include "ops/expressions.hpp"
#include "python/forward.hpp"
#include "python/programs.hpp"

namespace fastad::python {
namespace {

// A float64 operand of the scalar lane: a box of one living reverse level, or a number.
struct Scalar {
    const Traced* box = nullptr;
    double number = 0.0;
    bool strong = false;
    bool usable = false;
};

inline Scalar scalar(PyObject* object) {
    Scalar s;
    PyTypeObject* type = Py_TYPE(object);
    if (type == array_box_type) {
        const Traced& traced = traced_of(object);
        if (!traced.value.is_float() || !traced.alive() || !traced.level->scalar_lane) return s;
        s.box = &traced;
        s.number = traced.value.number();
        s.strong = traced.value.kind() == Kind::Strong;
        s.usable = true;
    } else if (type == &PyFloat_Type) {
        s.number = PyFloat_AS_DOUBLE(object);
        s.usable = true;
    } else if (type == &PyLong_Type) {
        int overflow = 0;
        const long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
        s.usable = !overflow && number <= (1LL << 53) && number >= -(1LL << 53);
        s.number = static_cast<double>(number);
    } else if (type == float64_type) {
        s.number = PyArrayScalar_VAL(object, Double);
        s.strong = true;
        s.usable = true;
    } else if (type == &PyBool_Type) {
        s.number = object == Py_True ? 1.0 : 0.0;
        s.usable = true;
    }
    return s;
}

inline PyObject* scalar_box(const Traced& like, std::uint32_t index, double number, bool strong) {
    Traced traced;
    traced.level = like.level;
    traced.serial = like.serial;
    traced.index = index;
    traced.value = strong ? Value::strong(number) : Value::weak(number);
    return py(host::new_box(std::move(traced)));
}

// Finite and no underflow: no floating-point flag can stand for this result.
inline bool quiet(double result) {
    const double size = std::fabs(result);
    return size <= DBL_MAX && size >= DBL_MIN;
}

// Operators of numbers whose value the table's expression gives to the bit.
template <Code code>
constexpr bool in_lane = [] {
    if constexpr (code >= Code::elementwise_count) return false;
    const Facts& facts = elementwise_facts[static_cast<std::size_t>(code)];
    return facts.exact || facts.exact_operator;
}();

template <Code code>
constexpr bool own_operator = [] {
    if constexpr (code >= Code::elementwise_count) return false;
    return elementwise_facts[static_cast<std::size_t>(code)].own_operator;
}();

// The derivative by an operand, which a constant does not need.
template <Code code, std::size_t which>
inline double partial(const Scalar& x, const Scalar& y, double result) {
    if (!(which == 0 ? x : y).box) return 0.0;
    if constexpr (which == 0 && elementwise_facts[static_cast<std::size_t>(code)].squares)
        if (const Code rule = rule_at(code, y.number); rule != code && !y.box)
            return operation(rule).elementwise.partial[0](x.number, y.number, result);
    return Rule<code>::template derivative<which>(x.number, y.number, result);
}

// Both operands in the scalar lane; null without an error where that does not apply.
template <Code code>
inline PyObject* scalar_binary(const Scalar& x, const Scalar& y) {
    if (!x.usable || !y.usable || detoured()) return nullptr;
    if (x.box && y.box && x.box->serial != y.box->serial) return nullptr;
    const Traced& like = x.box ? *x.box : *y.box;
    const double result = Rule<code>::value(x.number, y.number);
    constexpr bool additive =
        std::is_same_v<decltype(Rule<code>::template derivative<0>(0.0, 0.0, 0.0)), Const>;
    if (!quiet(result) && !(additive && result == 0.0)) return nullptr;
    const double dx = partial<code, 0>(x, y, result);
    const double dy = partial<code, 1>(x, y, result);
    Tape& tape = *like.level->scalar_lane;
    const std::uint32_t index = tape.push_scalar(code, x.box ? x.box->index : Entry::none, dx,
                                                 y.box ? y.box->index : Entry::none, dy);
    return scalar_box(like, index, result, x.strong || y.strong);
}

}  // namespace

bool has_own_ufunc(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    if (type == &PyArray_Type || type == &PyFloat_Type || type == &PyLong_Type || is_box(object) ||
        PyArray_CheckScalar(object) || PyArray_CheckExact(object) || PyList_Check(object) ||
        PyTuple_Check(object))
        return false;
    Ref attribute(PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), "__array_ufunc__"));
    if (!attribute) {
        PyErr_Clear();
        return false;
    }
    static PyObject* ndarrays_own =
        PyObject_GetAttrString(reinterpret_cast<PyObject*>(&PyArray_Type), "__array_ufunc__");
    return attribute.get() != Py_None && attribute.get() != ndarrays_own;
}

namespace {

// A number of the user's (Fraction): Python's own float takes it as one by its value.
bool is_real_number(PyObject* object) {
    static PyObject* const real = [] {
        Ref module = checked(PyImport_ImportModule("numbers"));
        return checked(PyObject_GetAttrString(module.get(), "Real")).release();
    }();
    const int answer = PyObject_IsInstance(object, real);
    if (answer < 0) PyErr_Clear();
    return answer > 0;
}

// Whether an operator of ours makes sense with this object; else the other one may have its own.
bool understood(PyObject* object, Code code) {
    PyTypeObject* type = Py_TYPE(object);
    if (type == &PyArray_Type || is_box(object)) return true;
    if (is_foreign(object)) {
        // One that answers ufuncs is asked by NumPy, and computes with the traced value.
        if (!has_own_ufunc(object) && !is_answered_for(object))
            refuse_foreign(object, operation(code).name + ": an operand beside a traced value");
        return false;
    }
    if (PyArray_Check(object) || PyFloat_Check(object) || PyLong_Check(object) ||
        PyComplex_Check(object) || PyList_Check(object) || PyTuple_Check(object) ||
        PyArray_CheckScalar(object))
        return true;
    // What only converts to an array is converted by foreign_operator: rules read arrays.
    if (has_own_ufunc(object) ||
        PyObject_HasAttrString(reinterpret_cast<PyObject*>(type), "__array__"))
        return false;
    return is_real_number(object);
}

template <class... Values>
Value as_operator(Code code, const Values&... values) {
    const Value list[] = {values...};
    return apply(operation(code), list, sizeof...(Values), nullptr, Form::Operator);
}

Value operand(PyObject* object) {
    if (PyList_Check(object) || PyTuple_Check(object)) {
        return take_result(callbacks.array_of(object));
    }
    PyTypeObject* type = Py_TYPE(object);
    if (type == array_box_type || type == &PyArray_Type || type == &PyFloat_Type ||
        PyLong_Check(object) || PyArray_CheckScalar(object) || PyComplex_Check(object))
        return to_value(object);
    if (!is_box(object) && !PyArray_Check(object) && !PyFloat_Check(object) &&
        is_real_number(object)) {
        Ref number = checked(PyNumber_Float(object));
        return to_value(number.get());
    }
    return to_value(object);
}

PyObject* through_gate(Code code, PyObject* left, PyObject* right) {
    if (!understood(left, code) || !understood(right, code))
        return callbacks.foreign_operator(operation(code).name.c_str(), left, right);
    Value x = operand(left);
    Value y = operand(right);
    // A bool beside a Python float is a number; NumPy's ufunc would make a numpy.float64 of the
    // result.
    if (PyBool_Check(right) && decides_no_dtype(x))
        y = Value::integer(right == Py_True ? 1.0 : 0.0);
    if (PyBool_Check(left) && decides_no_dtype(y)) x = Value::integer(left == Py_True ? 1.0 : 0.0);
    return to_object(as_operator(code, x, y));
}

}  // namespace

PyObject* scalar_unary(const Op& op, PyObject* object, bool keep_weak) {
    if (Py_TYPE(object) != array_box_type || detoured()) return nullptr;
    const Traced& traced = traced_of(object);
    if (!traced.value.is_float() || !traced.alive() || !traced.level->scalar_lane) return nullptr;
    const double x = traced.value.number();
    const Value ans = forward_numbers(op, &traced.value, 1, Form::Operator);
    if (!ans.is_float() || !traced.alive()) return nullptr;  // a warning may have run user code
    const double partial = op.elementwise.partial[0](x, 0.0, ans.number());
    const std::uint32_t index =
        traced.level->scalar_lane->push_scalar(op.code, traced.index, partial, Entry::none, 0.0);
    return scalar_box(traced, index, ans.number(),
                      !(keep_weak && traced.value.kind() == Kind::Weak));
}

namespace {

template <Code code>
PyObject* power_of(PyObject* base, PyObject* exponent);

template <Code code>
inline PyObject* binary(PyObject* left, PyObject* right) {
    if constexpr (own_operator<code>) return power_of<code>(left, right);
    return guarded([&]() -> PyObject* {
        if constexpr (in_lane<code>)
            if (PyObject* result = scalar_binary<code>(scalar(left), scalar(right))) return result;
        return through_gate(code, left, right);
    });
}

// As binary(), with what ndarray's own ** does where it is not the ufunc.
template <Code code>
PyObject* power_of(PyObject* base, PyObject* exponent) {
    return guarded([&]() -> PyObject* {
        const Scalar y = scalar(exponent);
        if (PyObject* result = scalar_binary<code>(scalar(base), y)) return result;
        if (!understood(base, code) || !understood(exponent, code))
            return callbacks.foreign_operator(operation(code).name.c_str(), base, exponent);
        Value x = operand(base);
        Value p = operand(exponent);
        if (PyBool_Check(base) && decides_no_dtype(p))
            x = Value::integer(base == Py_True ? 1.0 : 0.0);
        const Value& raw = innermost(x);
        // The power loop's bits may differ for these exponents.
        if (y.usable && !y.box && raw.is_object() && host::describe(raw).array) {
            const DType dtype = host::describe(raw).dtype;
            // Complex ones are asked for by forward(): the versions differ in when they take a
            // square. A NumPy scalar as exponent widens float32 in some versions and not in others:
            // forward() asks NumPy then.
            const bool inexact =
                dtype <= DType::LongDouble && (!y.strong || dtype == DType::Float64);
            if (inexact && y.number == 1.0) return to_object(apply(Code::positive, x));
            if (inexact && y.number == 2.0) return to_object(apply(Code::square, x));
            if (inexact && y.number == 0.5) return to_object(apply(Code::sqrt, x));
            if (inexact && y.number == -1.0) return to_object(apply(Code::reciprocal, x));
        }
        if (PyBool_Check(exponent) && decides_no_dtype(x))
            p = Value::integer(exponent == Py_True ? 1.0 : 0.0);
        return to_object(as_operator(code, x, p));
    });
}

PyObject* unary(const Op& op, PyObject* object) {
    return guarded([&]() -> PyObject* {
        if (PyObject* result = scalar_unary(op, object, true)) return result;
        return to_object(as_operator(op.code, to_value(object)));
    });
}

template <Code code>
inline PyObject* comparison(PyObject* left, PyObject* right) {
    return guarded([&]() -> PyObject* {
        const Scalar x = scalar(left);
        const Scalar y = scalar(right);
        if (x.usable && y.usable) {
            const bool result = Rule<code>::value(x.number, y.number);
            PyArrayScalar_RETURN_BOOL_FROM_LONG(result);  // numpy.bool_: ~True of bool would be -2
        }
        if (!understood(left, code) || !understood(right, code))
            return callbacks.foreign_operator(operation(code).name.c_str(), left, right);
        return to_object(apply(code, operand(left), operand(right)));
    });
}

}  // namespace

#define BINARY_OPERATOR(NAME, PYTHON)                            \
    PyObject* operators::NAME(PyObject* left, PyObject* right) { \
        return binary<Code::NAME>(left, right);                  \
    }
#define UNARY_OPERATOR(NAME, PYTHON) \
    PyObject* operators::NAME(PyObject* operand) { return unary(operation(Code::NAME), operand); }
#define COMPARISON(NAME)                                         \
    PyObject* operators::NAME(PyObject* left, PyObject* right) { \
        return comparison<Code::NAME>(left, right);              \
    }
#include "python/operators.def"

PyObject* getitem_position(PyObject* box, Py_ssize_t position) {
    return guarded([&]() -> PyObject* {
        const Traced& traced = traced_of(box);
        if (traced.value.is_object() && !detoured() && traced.alive() &&
            traced.level->scalar_lane && Py_TYPE(py(traced.value.object())) == &PyArray_Type) {
            auto* a = reinterpret_cast<PyArrayObject*>(py(traced.value.object()));
            if (PyArray_NDIM(a) == 1 && PyArray_TYPE(a) == NPY_FLOAT64 && PyArray_ISBEHAVED_RO(a)) {
                const Py_ssize_t length = PyArray_DIM(a, 0);
                Py_ssize_t i = position < 0 ? position + length : position;
                if (i >= 0 && i < length) {
                    const double number = *reinterpret_cast<const double*>(
                        PyArray_BYTES(a) + i * PyArray_STRIDE(a, 0));
                    const std::uint32_t index =
                        traced.level->scalar_lane->push_element(traced.index, i);
                    return scalar_box(traced, index, number, true);
                }
            }
        }
        return to_object(
            apply(Code::getitem, to_value(box), Value::integer(static_cast<double>(position))));
    });
}

namespace {

// A slice with plain bounds: a traced one is read as the index that it is.
Ref plain_slice(PyObject* item) {
    const auto* slice = reinterpret_cast<PySliceObject*>(item);
    PyObject* const bounds[3] = {slice->start, slice->stop, slice->step};
    if (!is_box(bounds[0]) && !is_box(bounds[1]) && !is_box(bounds[2])) return Ref(Py_NewRef(item));
    Ref plain[3];
    for (int i = 0; i < 3; ++i)
        plain[i] =
            is_box(bounds[i]) ? checked(PyNumber_Index(bounds[i])) : Ref(Py_NewRef(bounds[i]));
    return checked(PySlice_New(plain[0].get(), plain[1].get(), plain[2].get()));
}

// Whether an item of an index is another library's array, such as a column of a frame.
bool is_foreign_array(PyObject* item) {
    if (item == Py_None || item == Py_Ellipsis || PyLong_Check(item) || is_box(item) ||
        PyArray_CheckScalar(item))
        return false;
    return PyObject_HasAttrString(reinterpret_cast<PyObject*>(Py_TYPE(item)), "__array__");
}

// One item of an index as it is at this moment: a list or an array may be changed by its owner
// before the sweep.
Value index_item(PyObject* item) {
    if (PySlice_Check(item)) return to_value(plain_slice(item).get());
    // What stands for an int of Python's is a float: read as an index it is a guard.
    if (is_box(item) &&
        Ref(recorded_class(item)).get() == reinterpret_cast<PyObject*>(&PyLong_Type))
        return to_value(checked(PyNumber_Index(item)).get());
    if (!PyList_Check(item) && !PyArray_Check(item) && !is_foreign_array(item))
        return to_value(item);
    const bool empty_list = PyList_Check(item) && PyList_GET_SIZE(item) == 0;
    return take_result(PyArray_FromAny(item, empty_list ? PyArray_DescrFromType(NPY_INTP) : nullptr,
                                       0, 0, NPY_ARRAY_ENSURECOPY, nullptr));
}

Value index_of(PyObject* index) {
    if (!PyTuple_Check(index)) return index_item(index);
    std::vector<Value> items;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(index); ++i)
        items.push_back(index_item(PyTuple_GET_ITEM(index, i)));
    return apply(operation(Code::index), items.data(), items.size());
}

}  // namespace

PyObject* getitem_operator(PyObject* box, PyObject* index) {
    if (PyLong_CheckExact(index)) {
        const Py_ssize_t position = PyLong_AsSsize_t(index);
        if (position != -1 || !PyErr_Occurred()) return getitem_position(box, position);
        PyErr_Clear();  // NumPy says what is wrong with it
    }
    return guarded([&]() -> PyObject* {
        return to_object(apply(Code::getitem, to_value(box), index_of(index)));
    });
}

PyObject* reshape_method(PyObject* box, PyObject* shape) {
    bool plain = PyLong_CheckExact(shape);
    if (PyTuple_CheckExact(shape)) {
        plain = true;
        for (Py_ssize_t i = 0; plain && i < PyTuple_GET_SIZE(shape); ++i)
            plain = PyLong_CheckExact(PyTuple_GET_ITEM(shape, i));
    }
    if (!plain) return Py_NewRef(Py_None);
    return guarded([&] { return to_object(apply(Code::reshape, to_value(box), to_value(shape))); });
}

PyObject* transposed_attribute(PyObject* box) {
    return guarded([&] { return to_object(apply(Code::transpose, to_value(box))); });
}

PyObject* matrix_transposed_attribute(PyObject* box) {
    return guarded([&] {
        return to_object(
            apply(Code::swapaxes, to_value(box), Value::integer(-1), Value::integer(-2)));
    });
}

namespace {

// An operand of the table's: the values of what is another library's array (a frame, a series),
// whose shape nothing here could read.
Value table_operand(PyObject* object) {
    Value value = to_value(object);
    PyTypeObject* type = Py_TYPE(object);
    if (!value.is_object() || type == &PyArray_Type || PyArray_Check(object) ||
        PyTuple_Check(object) || PyList_Check(object) || object == Py_None ||
        PyUnicode_Check(object) || PySlice_Check(object) || PyArray_CheckScalar(object) ||
        PyType_Check(object) ||
        !PyObject_HasAttrString(reinterpret_cast<PyObject*>(type), "__array__"))
        return value;
    return take_result(PyArray_FromAny(object, nullptr, 0, 0, 0, nullptr));
}

}  // namespace

PyObject* apply_unguarded(const Op& op, PyObject* const* args, std::size_t count,
                          PyObject* kwnames) {
    constexpr std::size_t most = 8;
    Value stack[most];
    std::vector<Value> heap;
    Value* values = stack;
    if (count > most) {
        heap.resize(count);
        values = heap.data();
    }
    for (std::size_t i = 0; i < count; ++i)
        if (args[i])
            values[i] = op.kind() == OpKind::Foreign ? to_value(args[i]) : table_operand(args[i]);
    return to_object(apply(op, values, count, core(kwnames), Form::Function));
}

PyObject* apply_objects(const Op& op, PyObject* const* args, std::size_t count, PyObject* kwnames) {
    return guarded([&] { return apply_unguarded(op, args, count, kwnames); });
}

}  // namespace fastad::python
