// Calls of one primitive that another takes, with its arguments bound.
#pragma once

#include "python/hosted.hpp"

namespace fastad::python {

// Lets calls of one primitive go to another, which takes every argument by position: given by
// position or by one of these names (a tuple), the last ones by default (a tuple), numbers, float64
// arrays, traced values at places of which the bit in `traced` is set, and None, truths and tuples
// at those of `options`. All others go to the functions that the first one has.
PyObject* give_target(PyObject* primitive, PyObject* target, PyObject* names, PyObject* defaults,
                      std::uint32_t traced, std::uint32_t options);
// Such a call; null without an error where it is another.
PyObject* call_target(PyObject* primitive, PyObject* const* args, Py_ssize_t positional,
                      PyObject* kwnames);

}  // namespace fastad::python
