// Fourier transforms as routines: NumPy's generalized ufuncs, with a factor that the length gives.
#pragma once

#include "linalg/routine.hpp"
#include "python/hosted.hpp"

namespace fastad::python {

// From a tuple: one of numpy.fft's ufuncs, the factor ("one", "length", "root") and how many points
// the result has ("same", "half", "even", "odd"). False where NumPy has it in another form.
bool transform_routine(PyObject* source, Routine& routine);

}  // namespace fastad::python
