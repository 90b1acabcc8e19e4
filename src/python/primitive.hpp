// The Primitive object: a function that is recorded when it meets traced values.
#pragma once

#include "python/hosted.hpp"

namespace fastad::python {

struct PrimitiveObject {
    PyObject_HEAD vectorcallfunc vectorcall;
    const Op* op;
    Op* owned;           // null for an operation of the table
    PyObject* function;  // on plain values
    PyObject* name;
    PyObject* traced;      // called instead when an argument is traced and no rule was given
    PyObject* derivative;  // what the value is differentiated as where no rule was given
    PyObject* vjps;        // argnum -> vjp maker, and the like: see _core.pyx
    PyObject* jvps;
    PyObject* dict;
    PyObject* weakrefs;
};

extern PyTypeObject* primitive_type;

PyObject* primitive_class();
// op null: an operation of its own, of the given kind.
PyObject* new_primitive(PyTypeObject* type, PyObject* function, PyObject* name, PyObject* traced,
                        PyObject* derivative, Op* op, OpKind kind);
// From now on called on plain values.
void set_function(PyObject* primitive, PyObject* function) noexcept;
// Whether from now on arguments and results of this primitive may be containers.
void take_trees(PyObject* primitive, bool taken) noexcept;
// Rules registered from Python, a new reference, or None. Where threads run side by side the
// attribute's own way holds them while they are replaced.
inline PyObject* vjps_of(PyObject* primitive) {
#if defined(Py_GIL_DISABLED)
    return PyObject_GetAttrString(primitive, "vjps");
#else
    PyObject* rules = reinterpret_cast<PrimitiveObject*>(primitive)->vjps;
    return Py_NewRef(rules ? rules : Py_None);
#endif
}
inline const Op& op_of(PyObject* primitive) {
    return *reinterpret_cast<PrimitiveObject*>(primitive)->op;
}

}  // namespace fastad::python
