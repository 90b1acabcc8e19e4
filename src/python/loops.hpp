// What direct calls of NumPy's inner loops share: error flags, operands that may be read.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

#include "python/hosted.hpp"

namespace fastad::python {

// Whether a floating-point error flag stands, since the last clear_flags() or longer. A stale flag,
// as kernels of the sweep leave it, costs a detour through the ufunc, which decides itself and
// clears it: loops over arrays, which would run a second time, look before they start.
#if defined(__x86_64__)
inline bool flags_raised() { return (_mm_getcsr() & 0x1Du) != 0; }  // all but inexact and denormal
inline bool flags_raised_float32() {
    // float32 exp raises in the x87 word alone.
    unsigned short status;
    __asm__ __volatile__("fnstsw %0" : "=m"(status));
    return flags_raised() || (status & 0x1Du) != 0;
}
inline void clear_flags() {
    _mm_setcsr(_mm_getcsr() & ~0x3Fu);
    __asm__ __volatile__("fnclex");
}
#else
constexpr int watched = FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW;
inline bool flags_raised() { return std::fetestexcept(watched) != 0; }
inline bool flags_raised_float32() { return flags_raised(); }
inline void clear_flags() { std::feclearexcept(watched); }
#endif

inline PyArrayObject* array(PyObject* object) { return reinterpret_cast<PyArrayObject*>(object); }

inline bool same_dims(PyArrayObject* a, PyArrayObject* b) {
    return PyArray_NDIM(a) == PyArray_NDIM(b) &&
           PyArray_CompareLists(PyArray_DIMS(a), PyArray_DIMS(b), PyArray_NDIM(a));
}

// An ndarray that a loop may read where it lies.
inline bool readable(const Value& value) {
    if (!value.is_object()) return false;
    PyObject* object = py(value.object());
    if (Py_TYPE(object) != &PyArray_Type) return false;
    PyArrayObject* a = array(object);
    return PyArray_NDIM(a) > 0 && PyArray_ISCARRAY_RO(a);
}

// NumPy's function on the values as they are.
Value call(PyObject* function, const Value* values, std::size_t count, PyObject* kwnames);
// The ufunc of an operation, a large result in memory of the pool; an error names the operation.
Value call_ufunc(const Op& op, const Value* values, std::size_t count);
// The elementwise operation on values that are not all numbers, or on numbers of any kind.
Value forward_elementwise(const Op& op, const Value* values, std::size_t count, Form form);
// NumPy's function of a structural operation; omitted arguments are empty.
Value call_structural(const Op& op, const Value* values, std::size_t count);
// Enter how operations are run, each file those that it defines a way for. A structural operation
// without one is called as NumPy's function; an elementwise one with it asks it first for what
// Python's operator makes of operands that are not all numbers, and an empty result means no.
void enter_loops();
void enter_structural();
void enter_views();
// A result that NumPy computed, as Python's operators give it: of Python's numbers one of them.
Value of_operator(Value result, const Value* values, std::size_t count);
// Finds the loop of numpy.add.
PyObject* initialise_structural(PyObject* add);

}  // namespace fastad::python
