// What answers a call of a function of another library's: a vectorcall object that costs a call
// almost nothing, where a function of Python's with arguments of any kind costs as much as many an
// operation.
#include "python/answering.hpp"

#include <cstddef>

#include "python/arguments.hpp"

#include <structmember.h>

namespace fastad::python {

namespace {

struct AnsweringObject {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject* answer;
    PyObject* function;
    PyObject* recover;
};

// The error that is set, or the function's own in its place.
PyObject* failed(AnsweringObject* self, PyObject* const* args, Py_ssize_t positional,
                 PyObject* kwnames) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    Ref given, named;
    PyObject* error = nullptr;
    if (as_call(args, positional, kwnames, given, named))
        error = PyObject_CallFunctionObjArgs(self->recover, value, self->function, given.get(),
                                             or_none(named), nullptr);
    if (error == Py_None) {
        Py_DECREF(error);
        PyErr_Restore(type, value, traceback);
        return nullptr;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    if (error) {
        PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error)), error);
        Py_DECREF(error);
    }
    return nullptr;
}

PyObject* call_answering(PyObject* callable, PyObject* const* args, std::size_t flags,
                         PyObject* kwnames) {
    auto* self = reinterpret_cast<AnsweringObject*>(callable);
    PyObject* result = PyObject_Vectorcall(self->answer, args, flags, kwnames);
    if (result || !PyErr_ExceptionMatches(PyExc_Exception)) return result;
    return guarded([&] { return failed(self, args, PyVectorcall_NARGS(flags), kwnames); });
}

int traverse(PyObject* object, visitproc visit, void* arg) {
    auto* self = reinterpret_cast<AnsweringObject*>(object);
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->answer);
    Py_VISIT(self->function);
    Py_VISIT(self->recover);
    return 0;
}

int clear(PyObject* object) {
    auto* self = reinterpret_cast<AnsweringObject*>(object);
    Py_CLEAR(self->answer);
    Py_CLEAR(self->function);
    Py_CLEAR(self->recover);
    return 0;
}

void deallocate(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

PyObject* create(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
    PyObject *answer, *function, *recover;
    static const char* keywords[] = {"answer", "function", "recover", nullptr};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO:Answering", const_cast<char**>(keywords),
                                     &answer, &function, &recover))
        return nullptr;
    auto* self = reinterpret_cast<AnsweringObject*>(type->tp_alloc(type, 0));
    if (!self) return nullptr;
    self->vectorcall = call_answering;
    self->answer = Py_NewRef(answer);
    self->function = Py_NewRef(function);
    self->recover = Py_NewRef(recover);
    return reinterpret_cast<PyObject*>(self);
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(AnsweringObject, vectorcall), READONLY, nullptr},
    {"__wrapped__", T_OBJECT_EX, offsetof(AnsweringObject, answer), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_new, reinterpret_cast<void*>(create)},
    {Py_tp_members, members},
    {0, nullptr},
};
PyType_Spec spec = {
    "fastad._core.Answering",
    sizeof(AnsweringObject),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    slots,
};

}  // namespace

PyObject* answering_class() { return PyType_FromSpec(&spec); }

}  // namespace fastad::python
