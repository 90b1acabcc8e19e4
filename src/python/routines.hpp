// Values of registered operations by routines: NumPy's loops of LAPACK, and the core's own.
#pragma once

#include <memory>
#include <vector>

#include "linalg/routine.hpp"
#include "python/hosted.hpp"

namespace fastad::python {

struct Routines {
    struct Entry {
        Ref option;  // null: there is none
        Routine routine;
    };
    std::vector<Entry> entries;
    PyTypeObject* result = nullptr;  // a type of tuple, where there are several results
    bool options = false;
};

// Gives a primitive its routines: pairs of an option (or None) and one of NumPy's generalized
// ufuncs, the name of a routine of the core, or a transform (python/transforms.hpp). Of several
// that fit the first is run.
PyObject* give_routines(PyObject* primitive, PyObject* entries, PyObject* result);

// Says of a primitive that it only moves elements: Op::moves.
void set_moves(PyObject* primitive) noexcept;

// The value by a routine, with the bits, types and layout of NumPy's function; an empty value where
// none fits, or where one fails, which NumPy's function then says.
Value run_routine(const Op& op, const Value* values, std::size_t count);

}  // namespace fastad::python
