// Short ways into NumPy for the common structural operations.
#include "python/loops.hpp"

namespace fastad::python {

namespace {

constexpr npy_intp direct_sum_limit = 8192;  // above, NumPy splits the reduction into buffers

PyObject* add_reduce = nullptr;
PyUFuncGenericFunction add_loop = nullptr;
void* add_data = nullptr;

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

// The arrays are the arguments, after the axis.
Value forward_join(const Op& op, const Value* values, std::size_t count) {
    Ref parts = tuple_of(values + 1, count - 1);
    const Value args[2] = {Value::take(core(parts.release())), values[0]};
    return call(hosted(op)->function, args, args[1].empty() ? 1 : 2, nullptr);
}

Value forward_stack(const Op& op, const Value* values, std::size_t count) {
    bool numbers = values[0].is_number() && count > 1;
    for (std::size_t i = 1; numbers && i < count; ++i) numbers = values[i].is_float();
    if (!numbers) return forward_join(op, values, count);
    npy_intp n = static_cast<npy_intp>(count - 1);
    Ref result = checked(PyArray_EMPTY(1, &n, NPY_FLOAT64, 0));
    auto* data = static_cast<double*>(PyArray_DATA(array(result.get())));
    for (std::size_t i = 1; i < count; ++i) data[i - 1] = values[i].number();
    return Value::take(core(result.release()));
}

Value forward_index(const Op&, const Value* values, std::size_t count) {
    return Value::take(core(tuple_of(values, count).release()));
}

Value forward_getitem(const Op&, const Value* values, std::size_t) {
    Ref whole(to_object(values[0]));
    Ref index(to_object(values[1]));
    return take_result(PyObject_GetItem(whole.get(), index.get()));
}

Value forward_scatter(const Op&, const Value* values, std::size_t) {
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

Value forward_astype(const Op&, const Value* values, std::size_t count) {
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

}  // namespace

Forward structural_forward(const Op& op) noexcept {
    switch (op.code) {
        case Code::sum: return forward_sum;
        case Code::reshape: return forward_reshape;
        case Code::transpose: return forward_transpose;
        case Code::dot: return forward_dot;
        case Code::concatenate: return forward_join;
        case Code::stack: return forward_stack;
        case Code::index: return forward_index;
        case Code::scatter: return forward_scatter;
        case Code::astype: return forward_astype;
        case Code::getitem: return forward_getitem;
        default: return call_structural;
    }
}

PyObject* initialise_structural(PyObject* add) {
    add_reduce = PyObject_GetAttrString(add, "reduce");
    if (!add_reduce) return nullptr;
    const auto* ufunc = reinterpret_cast<PyUFuncObject*>(add);
    for (int i = 0; i < ufunc->ntypes; ++i)
        if (ufunc->types[3 * i] == NPY_FLOAT64 && ufunc->types[3 * i + 1] == NPY_FLOAT64 &&
            ufunc->types[3 * i + 2] == NPY_FLOAT64 && !add_loop) {
            add_loop = ufunc->functions[i];
            add_data = ufunc->data ? (void*)ufunc->data[i] : nullptr;
        }
    return Py_NewRef(Py_None);
}

}  // namespace fastad::python
