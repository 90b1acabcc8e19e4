// The core's special functions as ufuncs.
#pragma once

#include "python/hosted.hpp"

namespace fastad::python {

// A dict of them by name.
PyObject* special_ufuncs();

}  // namespace fastad::python
