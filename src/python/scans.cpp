#include "python/scans.hpp"

#include <algorithm>
#include <utility>

#include "kernels/kernels.hpp"
#include "ops/scratch.hpp"
#include "python/loops.hpp"
#include "python/primitive.hpp"

namespace fastad::python {

namespace {

bool packed(PyObject* object, int type) {
    if (Py_TYPE(object) != &PyArray_Type) return false;
    PyArrayObject* a = array(object);
    return PyArray_TYPE(a) == type && PyArray_ISCARRAY_RO(a);
}

double* doubles(PyObject* object) { return static_cast<double*>(PyArray_DATA(array(object))); }

// How the doubles of an array lie along one of its axes.
struct Along {
    const npy_intp* shape = nullptr;
    int rank = 0;
    npy_intp outer = 0, length = 0, inner = 0;

    bool lies_along(PyObject* object, Py_ssize_t axis) {
        if (!packed(object, NPY_FLOAT64)) return false;
        rank = PyArray_NDIM(array(object));
        if (axis < 0 || axis >= rank) return false;
        const int at = static_cast<int>(axis);
        shape = PyArray_DIMS(array(object));
        outer = PyArray_MultiplyList(shape, at);
        length = shape[at];
        inner = PyArray_MultiplyList(shape + at + 1, rank - at - 1);
        return length > 0;
    }
};

const Op& operation_of(PyObject* primitive) {
    return *reinterpret_cast<PrimitiveObject*>(primitive)->op;
}

// One run of stages, `length` rows of `inner` elements: y[k] = g[k] + y[k+1] * (stage k+1 by stage
// k) is what comes back to a stage, and that times its derivative by its own row the result.
void pull_back(const Op& op, npy_intp length, npy_intp inner, const double* stages, const double* a,
               const double* g, bool reduces, double* room, double* out) {
    const LoopTable<double>& loops = kernels().loops<double>();
    const auto code = static_cast<std::size_t>(op.code);
    const npy_intp rest = (length - 1) * inner;
    const auto count = static_cast<std::size_t>(rest);
    double *slopes = room, *y = room + rest;
    // Ones, whose products are the derivatives themselves.
    std::fill_n(y, rest, 1.0);
    loops.adjoint[code][0](count, y, stages, a + inner, stages + inner, slopes, false);
    std::copy_n(g + (reduces ? 0 : rest), inner, y + rest);
    for (npy_intp i = rest; i-- > 0;) {
        const double passed = slopes[i] * y[i + inner];
        y[i] = reduces ? passed : g[i] + passed;
    }
    std::copy_n(y, inner, out);
    loops.adjoint[code][1](count, y + inner, stages, a + inner, stages + inner, out + inner, false);
}

template <class T>
void slide(const T* g, npy_intp length, const T* w, npy_intp width, npy_intp start, npy_intp count,
           bool reversed, T* out) {
    std::fill_n(out, count, T{0});
    for (npy_intp j = 0; j < width; ++j) {
        const T factor = w[reversed ? width - 1 - j : j];
        const npy_intp shift = j - start;  // of g beside the result
        const npy_intp first = std::max<npy_intp>(0, -shift);
        const npy_intp last = std::min(count, length - shift);
        for (npy_intp i = first; i < last; ++i) out[i] += factor * g[i + shift];
    }
}

}  // namespace

bool is_plain_doubles(PyObject* object) {
    return Py_TYPE(object) == &PyArray_Type && PyArray_TYPE(array(object)) == NPY_FLOAT64;
}

bool has_scan_adjoint(PyObject* primitive) {
    if (!PyObject_TypeCheck(primitive, primitive_type)) return false;
    const Op& op = operation_of(primitive);
    return op.kind() == OpKind::Elementwise && !op.registered() && op.arity == 2;
}

PyObject* scan_adjoint(PyObject* primitive, PyObject* stages, PyObject* a, PyObject* g,
                       Py_ssize_t axis) {
    return guarded([&]() -> PyObject* {
        Along line;
        if (!has_scan_adjoint(primitive) || !line.lies_along(a, axis) ||
            !packed(stages, NPY_FLOAT64) || !packed(g, NPY_FLOAT64) ||
            !same_dims(array(stages), array(a)) || !same_dims(array(g), array(a)))
            return Py_NewRef(Py_None);
        const npy_intp size = line.length * line.inner;
        Ref result = checked(new_ndarray(NPY_FLOAT64, line.rank, line.shape));
        const double *own = doubles(a), *stage = doubles(stages), *from = doubles(g);
        double* to = doubles(result.get());
        Scratch<double> room(static_cast<std::size_t>(2 * size));
        const host::Unlocked unlocked(static_cast<std::size_t>(line.outer * size));
        for (npy_intp i = 0; i < line.outer * size; i += size)
            pull_back(operation_of(primitive), line.length, line.inner, stage + i, own + i,
                      from + i, false, room.data(), to + i);
        return result.release();
    });
}

PyObject* segments_adjoint(PyObject* primitive, PyObject* results, PyObject* a, PyObject* starts,
                           PyObject* g, Py_ssize_t axis, bool shares_ties) {
    return guarded([&]() -> PyObject* {
        const bool number = PyFloat_Check(g);  // numpy.float64 as well
        Along line;
        if (!has_scan_adjoint(primitive) || !line.lies_along(a, axis) ||
            !packed(starts, NPY_INTP) || !(number || packed(g, NPY_FLOAT64)))
            return Py_NewRef(Py_None);
        const bool one = PyFloat_Check(results);
        if (shares_ties && !one && !packed(results, NPY_FLOAT64)) return Py_NewRef(Py_None);
        const auto [length, inner] = std::pair(line.length, line.inner);
        const npy_intp count = PyArray_SIZE(array(starts));
        const npy_intp each = line.outer * count * inner;
        if ((number ? 1 : PyArray_SIZE(array(g))) != each) return Py_NewRef(Py_None);
        if (shares_ties && (one ? 1 : PyArray_SIZE(array(results))) != each)
            return Py_NewRef(Py_None);
        const auto* first = static_cast<const npy_intp*>(PyArray_DATA(array(starts)));
        for (npy_intp i = 0; i < count; ++i)
            if (first[i] < 0 || first[i] >= length) return Py_NewRef(Py_None);
        Ref result = checked(PyArray_ZEROS(line.rank, line.shape, NPY_FLOAT64, 0));
        const double* own = doubles(a);
        const double found = one ? PyFloat_AS_DOUBLE(results) : 0.0;
        const double* ans = one || !shares_ties ? &found : doubles(results);
        const double cotangent = number ? PyFloat_AS_DOUBLE(g) : 0.0;
        const double* from = number ? &cotangent : doubles(g);
        double* to = doubles(result.get());
        const LoopTable<double>& loops = kernels().loops<double>();
        const Op& op = operation_of(primitive);
        const auto wide = static_cast<std::size_t>(inner);
        const npy_intp size = length * inner;
        Scratch<double> room(static_cast<std::size_t>(shares_ties ? size : 4 * size));
        const host::Unlocked unlocked(static_cast<std::size_t>(line.outer * size));
        for (npy_intp i = 0; i < line.outer; ++i, own += size, to += size) {
            for (npy_intp k = 0; k < count; ++k, from += inner, ans += shares_ties ? inner : 0) {
                const npy_intp start = first[k], stop = k + 1 < count ? first[k + 1] : length;
                double* target = to + start * inner;
                if (start >= stop - 1) {  // a start that is not before the next: one slice
                    loops.add(wide, from, target);
                    continue;
                }
                const npy_intp many = stop - start;
                const double* part = own + start * inner;
                double* made = room.data();
                if (shares_ties) {
                    loops.extremum(1, static_cast<std::size_t>(many), wide, part, ans, from, made,
                                   false);
                } else {
                    double* stage = room.data() + 3 * size;
                    std::copy_n(part, inner, stage);
                    for (npy_intp j = inner; j < many * inner; j += inner)
                        loops.value[static_cast<std::size_t>(op.code)][0](wide, stage + j - inner,
                                                                          part + j, stage + j);
                    made = room.data() + 2 * size;
                    pull_back(op, many, inner, stage, part, from, true, room.data(), made);
                }
                loops.add(static_cast<std::size_t>(many * inner), made, target);
            }
        }
        return result.release();
    });
}

bool are_lines(PyObject* a, PyObject* v, Py_ssize_t& n, Py_ssize_t& m) {
    for (const int type : {NPY_FLOAT64, NPY_FLOAT32})
        if (packed(a, type) && packed(v, type)) {
            n = PyArray_SIZE(array(a));
            m = PyArray_SIZE(array(v));
            return PyArray_NDIM(array(a)) == 1 && PyArray_NDIM(array(v)) == 1;
        }
    return false;
}

PyObject* sliding_adjoint(PyObject* g, PyObject* w, Py_ssize_t start, Py_ssize_t count,
                          bool w_reversed, bool result_reversed) {
    return guarded([&]() -> PyObject* {
        const int type = Py_TYPE(w) == &PyArray_Type ? PyArray_TYPE(array(w)) : NPY_NOTYPE;
        if ((type != NPY_FLOAT64 && type != NPY_FLOAT32) || !packed(w, type) || !packed(g, type) ||
            PyArray_NDIM(array(g)) != 1 || PyArray_NDIM(array(w)) != 1 || count < 0)
            return Py_NewRef(Py_None);
        const npy_intp shape = count, length = PyArray_SIZE(array(g)),
                       width = PyArray_SIZE(array(w));
        Ref result = checked(new_ndarray(type, 1, &shape));
        auto run = [&]<class T>(T* to) {
            slide(static_cast<const T*>(PyArray_DATA(array(g))), length,
                  static_cast<const T*>(PyArray_DATA(array(w))), width, start, count, w_reversed,
                  to);
            if (result_reversed) std::reverse(to, to + count);
        };
        const host::Unlocked unlocked(static_cast<std::size_t>(count) *
                                      static_cast<std::size_t>(width));
        void* to = PyArray_DATA(array(result.get()));
        if (type == NPY_FLOAT64)
            run(static_cast<double*>(to));
        else
            run(static_cast<float*>(to));
        return result.release();
    });
}

}  // namespace fastad::python
