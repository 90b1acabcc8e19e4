// The incomplete gamma function by its shape, of arrays.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace fastad::python {

// The derivative of P(a, x) by a, for arrays of doubles of one shape in C order: a, x, P, 1 - P and
// digamma(a + 1). None for others, and where a shape is too large;
// q may be None, and the result is where it is wanted.
PyObject* gamma_by_shape(PyObject* a, PyObject* x, PyObject* p, PyObject* q, PyObject* next_psi);

}  // namespace fastad::python
