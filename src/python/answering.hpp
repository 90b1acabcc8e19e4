// What answers a call of a function of another library's, and where it fails raises that one's own
// error.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace fastad::python {

// Answering(answer, function, recover): recover(error, function, args, kwargs) gives the error that
// is raised in place of answer's, or None.
PyObject* answering_class();

}  // namespace fastad::python
