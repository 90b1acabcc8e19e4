// The Primitive object: a function that is recorded when it meets traced values.
#pragma once

#include <atomic>
#include <cstdint>

#include "python/hosted.hpp"

namespace fastad::python {

// Whether the module that has a primitive's rules is loaded, or when it has to be: before a call
// with traced values or a look at the rules, or before any call.
enum class Rules : std::uint8_t { Here, ForTraced, ForAny };

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
    std::atomic<Rules> rules;
    std::atomic<bool> bare;  // the attributes of its ufunc come when they are asked for
};

extern PyTypeObject* primitive_type;

PyObject* primitive_class();
// op null: an operation of its own, of the given kind.
PyObject* new_primitive(PyTypeObject* type, PyObject* function, PyObject* name, PyObject* traced,
                        PyObject* derivative, Op* op, OpKind kind);
// Who loads what comes late: rules(primitive), which returns True once all of them are given, and
// attributes(primitive), which sets those of its ufunc.
PyObject* set_loaders(PyObject* rules, PyObject* attributes) noexcept;
// From now on its rules come late: before a call with traced values, or before any.
PyObject* postpone_rules(PyObject* primitive, bool any_call) noexcept;
// From now on the attributes of its ufunc come late.
PyObject* postpone_attributes(PyObject* primitive) noexcept;
// What stands for a late primitive on plain values, on traced ones, and for its derivative.
PyObject* define_late(PyObject* primitive, PyObject* function, PyObject* traced,
                      PyObject* derivative) noexcept;
// Loads the module of the rules; false with an error. Where that module is just being loaded, by
// this thread, nothing is done.
bool load_rules(PyObject* primitive) noexcept;
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
