// The incomplete gamma function by its shape, of arrays.
#include "python/incomplete.hpp"

#include "kernels/incomplete.hpp"
#include "python/loops.hpp"

namespace fastad::python {

PyObject* gamma_by_shape(PyObject* a, PyObject* x, PyObject* p, PyObject* q, PyObject* next_psi) {
    return guarded([&]() -> PyObject* {
        const double* from[5];
        PyObject* const given[5] = {a, x, p, q, next_psi};
        for (int k = 0; k < 5; ++k) {
            if (k == 3 && given[k] == Py_None) {
                from[k] = nullptr;
                continue;
            }
            if (Py_TYPE(given[k]) != &PyArray_Type) return Py_NewRef(Py_None);
            PyArrayObject* one = array(given[k]);
            if (PyArray_TYPE(one) != NPY_FLOAT64 || !PyArray_IS_C_CONTIGUOUS(one) ||
                !PyArray_ISALIGNED(one) || !PyArray_ISNOTSWAPPED(one) || !same_dims(one, array(a)))
                return Py_NewRef(Py_None);
            from[k] = static_cast<const double*>(PyArray_DATA(one));
        }
        Ref result =
            checked(new_ndarray(NPY_FLOAT64, PyArray_NDIM(array(a)), PyArray_DIMS(array(a))));
        const auto size = static_cast<std::size_t>(PyArray_SIZE(array(a)));
        bool done;
        {
            constexpr std::size_t work = 64;  // of an addition
            const host::Unlocked unlocked(size * work);
            done =
                incomplete::gamma_by_shape(size, from[0], from[1], from[2], from[3], from[4],
                                           static_cast<double*>(PyArray_DATA(array(result.get()))));
        }
        return done ? result.release() : Py_NewRef(Py_None);
    });
}

}  // namespace fastad::python
