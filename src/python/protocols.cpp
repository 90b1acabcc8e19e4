// What NumPy asks a traced array when it meets one: `array * box`, `numpy.sin(box)`,
// `numpy.sum(box)`.
//
// NumPy asks by these methods before Python asks the box, so that an array or a NumPy scalar on the
// left of an operator comes here.
#include "python/protocols.hpp"

#include <cstring>

namespace fastad::python {
namespace {

PyObject* primitives = nullptr;
PyObject* general_ufunc = nullptr;
PyObject* general_function = nullptr;
PyObject* call_name = nullptr;
PyObject* power = nullptr;

// What a NumPy scalar on the left of an operator calls: `scalar * box` comes as numpy.multiply.
struct Reflected {
    const char* name;
    binaryfunc PyNumberMethods::*slot;
    PyObject* ufunc;
};
Reflected reflected[] = {
    {"add", &PyNumberMethods::nb_add, nullptr},
    {"subtract", &PyNumberMethods::nb_subtract, nullptr},
    {"multiply", &PyNumberMethods::nb_multiply, nullptr},
    {"true_divide", &PyNumberMethods::nb_true_divide, nullptr},
    {"floor_divide", &PyNumberMethods::nb_floor_divide, nullptr},
    {"remainder", &PyNumberMethods::nb_remainder, nullptr},
};

// An operand that neither answers ufuncs itself nor holds what does.
bool plain(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    return type == array_box_type || type == &PyArray_Type || type == &PyFloat_Type ||
           type == &PyLong_Type || type == float64_type || type == &PyBool_Type;
}

bool is_call(PyObject* method) {
    if (method == call_name) return true;
    return PyUnicode_Check(method) && PyUnicode_Compare(method, call_name) == 0;
}

PyObject* as_tuple(PyObject* const* items, Py_ssize_t count) {
    PyObject* tuple = PyTuple_New(count);
    if (!tuple) return nullptr;
    for (Py_ssize_t i = 0; i < count; ++i) PyTuple_SET_ITEM(tuple, i, Py_NewRef(items[i]));
    return tuple;
}

PyObject* ask_python(PyObject* const* args, Py_ssize_t count, PyObject* kwnames) {
    if (count < 2) {
        PyErr_SetString(PyExc_TypeError, "__array_ufunc__ takes a ufunc, a method, and inputs");
        return nullptr;
    }
    Ref inputs(as_tuple(args + 2, count - 2));
    Ref kwargs(PyDict_New());
    if (!inputs || !kwargs) return nullptr;
    const Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t i = 0; i < named; ++i)
        if (PyDict_SetItem(kwargs.get(), PyTuple_GET_ITEM(kwnames, i), args[count + i]) < 0)
            return nullptr;
    PyObject* given[4] = {args[0], args[1], inputs.get(), kwargs.get()};
    return PyObject_Vectorcall(general_ufunc, given, 4, nullptr);
}

PyObject* array_ufunc(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* kwnames) {
    if ((count != 3 && count != 4) || (kwnames && PyTuple_GET_SIZE(kwnames) > 0) ||
        !is_call(args[1]) || !plain(args[2]) || !plain(args[count - 1]))
        return ask_python(args, count, kwnames);
    if (count == 4 && Py_TYPE(args[2]) == float64_type && Py_TYPE(args[3]) == array_box_type) {
        const PyNumberMethods* own = array_box_type->tp_as_number;
        for (const Reflected& one : reflected)
            if (one.ufunc == args[0]) return (own->*one.slot)(args[2], args[3]);
        if (args[0] == power) return own->nb_power(args[2], args[3], Py_None);
    }
    PyObject* primitive = PyDict_GetItemWithError(primitives, args[0]);
    if (!primitive) return PyErr_Occurred() ? nullptr : ask_python(args, count, kwnames);
    return PyObject_Vectorcall(primitive, args + 2, static_cast<std::size_t>(count - 2), nullptr);
}

PyObject* array_function(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* kwnames) {
    if (count == 4 && !kwnames && PyTuple_Check(args[2]) && PyDict_Check(args[3])) {
        PyObject* primitive = PyDict_GetItemWithError(primitives, args[0]);
        if (primitive) return PyObject_Call(primitive, args[2], args[3]);
        if (PyErr_Occurred()) return nullptr;
    }
    return PyObject_Vectorcall(general_function, args, static_cast<std::size_t>(count), kwnames);
}

PyMethodDef methods[] = {
    {"__array_ufunc__", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(array_ufunc)),
     METH_FASTCALL | METH_KEYWORDS,
     "Answer numpy.sin(box), array * box and numpy.add.reduce(box)."},
    {"__array_function__", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(array_function)),
     METH_FASTCALL | METH_KEYWORDS, "Answer numpy.sum(box)."},
};

}  // namespace

PyObject* install_protocols(PyObject* by_function, PyObject* for_ufunc, PyObject* for_function) {
    return guarded([&]() -> PyObject* {
        primitives = Py_NewRef(by_function);
        general_ufunc = Py_NewRef(for_ufunc);
        general_function = Py_NewRef(for_function);
        call_name = checked(PyUnicode_InternFromString("__call__")).release();
        const Ref numpy = checked(PyImport_ImportModule("numpy"));
        for (Reflected& one : reflected)
            one.ufunc = checked(PyObject_GetAttrString(numpy.get(), one.name)).release();
        power = checked(PyObject_GetAttrString(numpy.get(), "power")).release();
        for (PyMethodDef& method : methods) {
            const Ref descriptor = checked(PyDescr_NewMethod(array_box_type, &method));
            if (PyDict_SetItemString(array_box_type->tp_dict, method.ml_name, descriptor.get()) < 0)
                throw HostError();
        }
        PyType_Modified(array_box_type);
        return Py_NewRef(Py_None);
    });
}

}  // namespace fastad::python
