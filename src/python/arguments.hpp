// The arguments of a call, brought to what an operation takes.
#pragma once

#include <vector>

#include "python/primitive.hpp"

namespace fastad::python {

// The arguments as a tuple and a dict. False with an error set.
bool as_call(PyObject* const* args, Py_ssize_t positional, PyObject* kwnames, Ref& given,
             Ref& named);
// The arguments in the order of the parameters; omitted ones null. False where the block does not
// take them so.
bool bind_arguments(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                    PyObject* kwnames, std::vector<PyObject*>& bound);
// The arguments that no level traces, as they are at this moment.
void settle_static(const Op& op, std::vector<PyObject*>& bound, std::vector<Ref>& kept);

}  // namespace fastad::python
