// Straight lines between places: where points lie among them, for piecewise linear interpolation.
#include "python/lines.hpp"

#include <algorithm>

#include "python/loops.hpp"

namespace fastad::python {

namespace {

bool doubles(PyObject* object) {
    if (Py_TYPE(object) != &PyArray_Type) return false;
    PyArrayObject* a = array(object);
    return PyArray_TYPE(a) == NPY_FLOAT64 && PyArray_ISCARRAY_RO(a);
}

struct Places {
    const double *x, *y;
    npy_intp count;
    double before, behind;  // weights of the values at the ends for points beyond
};

// A point that is at the last place is behind it, and has that place's value.
void place(const Places& line, double point, npy_intp* at, double* weights, npy_intp apart,
           double& slope) {
    const npy_intp above = std::upper_bound(line.x, line.x + line.count, point) - line.x;
    const npy_intp low = std::clamp(above - 1, npy_intp{0}, line.count - 2);
    at[0] = low;
    at[apart] = low + 1;
    slope = 0.0;
    if (above == 0) {
        weights[0] = line.before;
        weights[apart] = 0.0;
    } else if (above == line.count || point != point) {
        weights[0] = 0.0;
        weights[apart] =
            point > line.x[line.count - 1] ? line.behind : (point == point ? 1.0 : 0.0);
    } else {
        const double width = line.x[low + 1] - line.x[low];
        weights[apart] = (point - line.x[low]) / width;
        weights[0] = 1.0 - weights[apart];
        slope = (line.y[low + 1] - line.y[low]) / width;
    }
}

}  // namespace

PyObject* between_places(PyObject* points, PyObject* xp, PyObject* fp, double before,
                         double behind) {
    return guarded([&]() -> PyObject* {
        const bool number = PyFloat_Check(points);  // numpy.float64 as well
        if (!doubles(xp) || !doubles(fp) || !(number || doubles(points))) return Py_NewRef(Py_None);
        const Places line{static_cast<const double*>(PyArray_DATA(array(xp))),
                          static_cast<const double*>(PyArray_DATA(array(fp))),
                          PyArray_SIZE(array(xp)), before, behind};
        if (PyArray_NDIM(array(xp)) != 1 || !same_dims(array(xp), array(fp)) || line.count < 2)
            return Py_NewRef(Py_None);
        const int rank = number ? 0 : PyArray_NDIM(array(points));
        if (rank + 1 > NPY_MAXDIMS) return Py_NewRef(Py_None);
        npy_intp shape[NPY_MAXDIMS + 1] = {2};
        if (!number) std::copy_n(PyArray_DIMS(array(points)), rank, shape + 1);
        Ref at = checked(new_ndarray(NPY_INTP, rank + 1, shape));
        Ref weights = checked(new_ndarray(NPY_FLOAT64, rank + 1, shape));
        Ref slopes = checked(new_ndarray(NPY_FLOAT64, rank, shape + 1));
        const double one = number ? PyFloat_AS_DOUBLE(points) : 0.0;
        const double* from =
            number ? &one : static_cast<const double*>(PyArray_DATA(array(points)));
        const npy_intp size = PyArray_SIZE(array(slopes.get()));
        auto* to = static_cast<npy_intp*>(PyArray_DATA(array(at.get())));
        auto* by = static_cast<double*>(PyArray_DATA(array(weights.get())));
        auto* slope = static_cast<double*>(PyArray_DATA(array(slopes.get())));
        {
            constexpr std::size_t work = 8;  // of an addition: a search
            const host::Unlocked unlocked(static_cast<std::size_t>(size) * work);
            for (npy_intp i = 0; i < size; ++i)
                place(line, from[i], to + i, by + i, size, slope[i]);
        }
        return PyTuple_Pack(3, at.get(), weights.get(), slopes.get());
    });
}

PyObject* weighted_at_places(PyObject* places, PyObject* weights, PyObject* g, Py_ssize_t count) {
    return guarded([&]() -> PyObject* {
        const bool number = PyFloat_Check(g);
        double one = number ? PyFloat_AS_DOUBLE(g) : 0.0;
        const double* from = &one;
        npy_intp step = 0;
        PyArrayObject *at = array(places), *by = array(weights);
        if (!number) {
            if (Py_TYPE(g) != &PyArray_Type) return Py_NewRef(Py_None);
            PyArrayObject* a = array(g);
            const int rank = PyArray_NDIM(a);
            if (PyArray_TYPE(a) != NPY_FLOAT64 || !PyArray_ISBEHAVED_RO(a) ||
                rank + 1 != PyArray_NDIM(by))
                return Py_NewRef(Py_None);
            bool uniform = true;
            for (int axis = 0; axis < rank; ++axis) {
                if (PyArray_DIM(a, axis) != PyArray_DIM(by, axis + 1)) return Py_NewRef(Py_None);
                uniform &= PyArray_STRIDE(a, axis) == 0 || PyArray_DIM(a, axis) == 1;
            }
            if (!uniform && !PyArray_IS_C_CONTIGUOUS(a)) return Py_NewRef(Py_None);
            from = static_cast<const double*>(PyArray_DATA(a));
            step = uniform ? 0 : 1;
        }
        npy_intp length = count;
        Ref result = checked(PyArray_ZEROS(1, &length, NPY_FLOAT64, 0));
        auto* to = static_cast<double*>(PyArray_DATA(array(result.get())));
        const auto* where = static_cast<const npy_intp*>(PyArray_DATA(at));
        const auto* weight = static_cast<const double*>(PyArray_DATA(by));
        const npy_intp size = PyArray_SIZE(by) / 2;
        const host::Unlocked unlocked(static_cast<std::size_t>(2 * size));
        for (int side = 0; side < 2; ++side)
            for (npy_intp i = 0; i < size; ++i) {
                const npy_intp k = side * size + i;
                to[where[k]] += weight[k] * from[i * step];
            }
        return result.release();
    });
}

}  // namespace fastad::python
