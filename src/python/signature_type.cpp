// The Python type of signatures.
#include "python/signature.hpp"

namespace fastad::python {

namespace {

struct SignatureObject {
    PyObject_HEAD Signature* signature;
};
PyTypeObject* signature_type = nullptr;

PyObject* create(PyTypeObject* type, PyObject* args, PyObject*) {
    PyObject *positional, *named, *lifted = Py_None;
    if (!PyArg_ParseTuple(args, "O!O!|O:Signature", &PyTuple_Type, &positional, &PyDict_Type,
                          &named, &lifted))
        return nullptr;
    return guarded([&]() -> PyObject* {
        if (lifted != Py_None && lifted != Py_True && !PyTuple_CheckExact(lifted))
            throw Error(Error::Class::Type, "Signature(): lifted is True or a tuple of numbers");
        auto signature = std::make_unique<Signature>();
        signature->read(positional, named, lifted);
        Ref self = checked(type->tp_alloc(type, 0));
        reinterpret_cast<SignatureObject*>(self.get())->signature = signature.release();
        return self.release();
    });
}
void dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    delete reinterpret_cast<SignatureObject*>(self)->signature;
    type->tp_free(self);
    Py_DECREF(type);
}
PyObject* leaves(PyObject* self, PyObject* args) {
    PyObject *positional, *named;
    if (!PyArg_ParseTuple(args, "O!O!:leaves", &PyTuple_Type, &positional, &PyDict_Type, &named))
        return nullptr;
    return guarded([&]() -> PyObject* {
        std::vector<PyObject*> inputs;
        if (!signature_of(self)->match(positional, named, inputs)) Py_RETURN_NONE;
        Ref list = checked(PyList_New(static_cast<Py_ssize_t>(inputs.size())));
        for (std::size_t i = 0; i < inputs.size(); ++i)
            PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), Py_NewRef(inputs[i]));
        return list.release();
    });
}
PyObject* rebuild(PyObject* self, PyObject* given) {
    return guarded([&] { return signature_of(self)->rebuild(given); });
}
PyObject* unsupported(PyObject* self, void*) {
    const std::string& text = signature_of(self)->unsupported();
    if (text.empty()) Py_RETURN_NONE;
    return PyUnicode_FromString(text.c_str());
}
Py_hash_t hash(PyObject* self) {
    const auto value = static_cast<Py_hash_t>(signature_of(self)->hash());
    return value == -1 ? -2 : value;
}
PyObject* compare(PyObject* self, PyObject* other, int operation) {
    const Signature* b = signature_of(other);
    if (!b || (operation != Py_EQ && operation != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
    const bool same = *signature_of(self) == *b;
    return PyBool_FromLong(same == (operation == Py_EQ));
}

PyMethodDef methods[] = {
    {"leaves", leaves, METH_VARARGS,
     "leaves(args, kwargs): the inputs of a call that agrees, or None."},
    {"rebuild", rebuild, METH_O, "rebuild(leaves): (args, kwargs) with these leaves."},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef getset[] = {
    {"unsupported", unsupported, nullptr, "Why no program can have this signature, or None.",
     nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(create)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_hash, reinterpret_cast<void*>(hash)},
    {Py_tp_richcompare, reinterpret_cast<void*>(compare)},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {Py_tp_doc,
     const_cast<char*>("What the arguments of two calls must have in common to share a program.")},
    {0, nullptr},
};
PyType_Spec spec = {"fastad._core.Signature", sizeof(SignatureObject), 0, Py_TPFLAGS_DEFAULT,
                    slots};

}  // namespace

PyObject* signature_class() {
    if (!signature_type) signature_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return Py_XNewRef(reinterpret_cast<PyObject*>(signature_type));
}

const Signature* signature_of(PyObject* object) {
    if (Py_TYPE(object) != signature_type) return nullptr;
    return reinterpret_cast<SignatureObject*>(object)->signature;
}

}  // namespace fastad::python
