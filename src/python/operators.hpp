// The number protocol of boxes: a short way for scalars, the gate for everything else.
#pragma once

#include "python/hosted.hpp"

namespace fastad::python {

// One function for each operator, by the name of its operation.
namespace operators {
#define BINARY_OPERATOR(NAME, PYTHON) PyObject* NAME(PyObject* left, PyObject* right);
#define UNARY_OPERATOR(NAME, PYTHON) PyObject* NAME(PyObject* operand);
#define COMPARISON(NAME) PyObject* NAME(PyObject* left, PyObject* right);
#include "python/operators.def"
}  // namespace operators
PyObject* getitem_operator(PyObject* box, PyObject* index);
// x.reshape(shape) for a plain int or a tuple of these; None for another shape.
PyObject* reshape_method(PyObject* box, PyObject* shape);
// The attributes T and mT.
PyObject* transposed_attribute(PyObject* box);
PyObject* matrix_transposed_attribute(PyObject* box);
PyObject* getitem_position(PyObject* box, Py_ssize_t position);

// A call of an operation on objects, through the gate. Lists with boxes must be arrays by now.
PyObject* apply_objects(const Op& op, PyObject* const* args, std::size_t count, PyObject* kwnames);
// The same, with C++ exceptions; HasParts among them.
PyObject* apply_unguarded(const Op& op, PyObject* const* args, std::size_t count,
                          PyObject* kwnames);
// An object of another array library, whose __array_ufunc__ may know what to do with a box.
bool has_own_ufunc(PyObject* object);
// The scalar lane for one operand; null without an error where that does not apply.
PyObject* scalar_unary(const Op& op, PyObject* operand, bool keep_weak);

}  // namespace fastad::python
