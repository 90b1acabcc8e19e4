// What the core asks about lists of numbers, tuples of results, and indices.
#include <algorithm>

#include "python/hosted.hpp"

namespace fastad::host {

using namespace python;

Value integers(const Extent* values, std::size_t count) {
    Ref tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(count)));
    for (std::size_t i = 0; i < count; ++i) {
        PyObject* number = PyLong_FromSsize_t(values[i]);
        if (!number) throw HostError();
        PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), number);
    }
    return Value::take(core(tuple.release()));
}

Value index_array(const Extent* values, std::size_t count) {
    npy_intp length = static_cast<npy_intp>(count);
    Ref list = checked(PyArray_EMPTY(1, &length, NPY_INTP, 0));
    auto* numbers = PyArray_DATA(reinterpret_cast<PyArrayObject*>(list.get()));
    std::copy_n(values, count, static_cast<npy_intp*>(numbers));
    return Value::take(core(list.release()));
}

std::vector<Extent> as_integers(const Value& value, const char* what) {
    if (value.is_number()) return {static_cast<Extent>(value.number())};
    if (!value.is_object() || py(value.object()) == Py_None) return {};
    PyObject* object = py(value.object());
    std::vector<Extent> list;
    auto push = [&list, what](PyObject* item) {
        const Py_ssize_t number = PyNumber_AsSsize_t(item, PyExc_OverflowError);
        if (number == -1 && PyErr_Occurred()) {
            if (PyErr_ExceptionMatches(PyExc_OverflowError))  // as NumPy says it
                PyErr_SetString(PyExc_ValueError, "Maximum allowed dimension exceeded");
            else if (PyErr_ExceptionMatches(PyExc_TypeError))
                PyErr_Format(PyExc_TypeError,
                             "fastad: %s must be an integer or a tuple of integers", what);
            throw HostError();
        }
        list.push_back(number);
    };
    if (PyTuple_Check(object) || PyList_Check(object)) {
        Ref fast = checked(PySequence_Fast(object, "a sequence"));
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i)
            push(PySequence_Fast_GET_ITEM(fast.get(), i));
    } else if (PyArray_Check(object) &&
               PyArray_NDIM(reinterpret_cast<PyArrayObject*>(object)) == 1) {
        Ref items = checked(PySequence_List(object));
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i)
            push(PyList_GET_ITEM(items.get(), i));
    } else {
        push(object);
    }
    return list;
}

namespace {
bool index_of(PyObject* item, Extent& number) noexcept {
    if (!PyIndex_Check(item)) return false;
    number = PyNumber_AsSsize_t(item, PyExc_OverflowError);
    if (number != -1 || !PyErr_Occurred()) return true;
    PyErr_Clear();
    return false;
}
}  // namespace

bool plain_integer(const Value& value, Extent& number) noexcept {
    if (value.kind() == Kind::Integer) {
        number = static_cast<Extent>(value.number());
        return true;
    }
    return value.is_object() && index_of(py(value.object()), number);
}

bool plain_integers(const Value& value, std::vector<Extent>& list) {
    Extent number;
    const bool several = value.is_object() &&
                         (PyTuple_Check(py(value.object())) || PyList_Check(py(value.object())));
    if (!several) {
        if (!plain_integer(value, number)) return false;
        list.push_back(number);
        return true;
    }
    Ref items = checked(PySequence_Fast(py(value.object()), "a sequence"));
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) {
        if (!index_of(PySequence_Fast_GET_ITEM(items.get(), i), number)) return false;
        list.push_back(number);
    }
    return true;
}

bool is_tuple(const Value& value) noexcept {
    return value.is_object() && PyTuple_Check(py(value.object()));
}

std::vector<Value> tuple_items(const Value& tuple) {
    PyObject* object = py(tuple.object());
    if (!tuple.is_object() || !PyTuple_Check(object)) {
        PyErr_Format(
            PyExc_TypeError,
            "fastad: the rule of a primitive with several results must return a tuple, not %s",
            type_name(tuple).c_str());
        throw HostError();
    }
    std::vector<Value> items;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i) {
        PyObject* item = PyTuple_GET_ITEM(object, i);
        items.push_back(item == Py_None ? Value() : to_value(item));
    }
    return items;
}

Value tuple_like(const Value& like, std::vector<Value> items) {
    Ref tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(items.size())));
    for (std::size_t i = 0; i < items.size(); ++i)
        PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), to_object(std::move(items[i])));
    if (!like.is_object() || Py_TYPE(py(like.object())) == &PyTuple_Type)
        return Value::take(core(tuple.release()));
    // A named tuple keeps its type.
    Ref make(
        PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(py(like.object()))), "_make"));
    if (!make) {
        PyErr_Clear();
        return Value::take(core(tuple.release()));
    }
    return Value::take(core(checked(PyObject_CallOneArg(make.get(), tuple.get())).release()));
}

namespace {
Value index_tuple(int axis, PyObject* last) {
    Ref item = checked(last);
    Ref tuple = checked(PyTuple_New(axis + 1));
    for (int i = 0; i < axis; ++i) {
        PyObject* all = PySlice_New(nullptr, nullptr, nullptr);
        if (!all) throw HostError();
        PyTuple_SET_ITEM(tuple.get(), i, all);
    }
    PyTuple_SET_ITEM(tuple.get(), axis, item.release());
    return Value::take(core(tuple.release()));
}
}  // namespace

Value slice_index(int axis, Extent start, Extent stop) {
    Ref first = checked(PyLong_FromSsize_t(start));
    Ref end = checked(PyLong_FromSsize_t(stop));
    return index_tuple(axis, PySlice_New(first.get(), end.get(), nullptr));
}
Value position_index(int axis, Extent position) {
    return index_tuple(axis, PyLong_FromSsize_t(position));
}

Value behind_batch(const Value& index) {
    Ref own(to_object(index));
    const bool several = PyTuple_Check(own.get());
    const Py_ssize_t count = several ? PyTuple_GET_SIZE(own.get()) : 1;
    Ref wide = checked(PyTuple_New(count + 1));
    PyTuple_SET_ITEM(wide.get(), 0, checked(PySlice_New(nullptr, nullptr, nullptr)).release());
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* item = several ? PyTuple_GET_ITEM(own.get(), i) : own.get();
        // Of several items, arrays take the axes together.
        if (several && count > 1 && !PyLong_CheckExact(item) && !PySlice_Check(item) &&
            item != Py_None && item != Py_Ellipsis)
            return {};
        PyTuple_SET_ITEM(wide.get(), i + 1, Py_NewRef(item));
    }
    return Value::take(core(wide.release()));
}

}  // namespace fastad::host
