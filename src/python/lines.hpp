// Straight lines between places: where points lie among them, for piecewise linear interpolation.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace fastad::python {

// For numpy.interp of an array of points, or a number, between doubles, of which there are two
// places or more: (places, weights, slopes). A point's value is the sum of two of the values, at
// these places and with these weights, the first axis; its derivative by the point is the slope.
// Points beyond the ends have the weights given for these, those that are no numbers none. None for
// anything else.
PyObject* between_places(PyObject* points, PyObject* xp, PyObject* fp, double before,
                         double behind);

// Zeros, so many, with the weights times g added at their places; weights and places have one more
// axis than g, the first. None for a g that is no number and no array of doubles in C order or of
// one number.
PyObject* weighted_at_places(PyObject* places, PyObject* weights, PyObject* g, Py_ssize_t count);

}  // namespace fastad::python
