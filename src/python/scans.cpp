#include "python/scans.hpp"

#include <algorithm>
#include <vector>

#include "kernels/kernels.hpp"
#include "python/loops.hpp"
#include "python/primitive.hpp"

namespace fastad::python {

namespace {

bool packed(PyObject* object, int type) {
    if (Py_TYPE(object) != &PyArray_Type) return false;
    PyArrayObject* a = array(object);
    return PyArray_TYPE(a) == type && PyArray_IS_C_CONTIGUOUS(a) && PyArray_ISALIGNED(a) &&
           PyArray_ISNOTSWAPPED(a);
}

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

bool has_scan_adjoint(PyObject* primitive) {
    if (!PyObject_TypeCheck(primitive, primitive_type)) return false;
    const Op& op = operation_of(primitive);
    return op.kind() == OpKind::Elementwise && !op.registered() && op.arity == 2;
}

PyObject* scan_adjoint(PyObject* primitive, PyObject* stages, PyObject* a, PyObject* g,
                       Py_ssize_t axis, bool reduces) {
    return guarded([&]() -> PyObject* {
        const bool number = PyFloat_Check(g);  // numpy.float64 as well
        if (!has_scan_adjoint(primitive) || !packed(stages, NPY_FLOAT64) ||
            !packed(a, NPY_FLOAT64) || !(number || packed(g, NPY_FLOAT64)))
            return Py_NewRef(Py_None);
        const int rank = PyArray_NDIM(array(a)), at = static_cast<int>(axis);
        if (axis < 0 || axis >= rank || !same_dims(array(stages), array(a)))
            return Py_NewRef(Py_None);
        const npy_intp* shape = PyArray_DIMS(array(a));
        const npy_intp outer = PyArray_MultiplyList(shape, at), length = shape[at];
        const npy_intp inner = PyArray_MultiplyList(shape + at + 1, rank - at - 1);
        const npy_intp wanted = reduces ? outer * inner : outer * length * inner;
        if ((number ? 1 : PyArray_SIZE(array(g))) != wanted || length == 0)
            return Py_NewRef(Py_None);
        Ref result = checked(new_ndarray(NPY_FLOAT64, rank, shape));
        const double one = number ? PyFloat_AS_DOUBLE(g) : 0.0;
        const double* from = number ? &one : static_cast<const double*>(PyArray_DATA(array(g)));
        const auto* stage = static_cast<const double*>(PyArray_DATA(array(stages)));
        const auto* own = static_cast<const double*>(PyArray_DATA(array(a)));
        auto* to = static_cast<double*>(PyArray_DATA(array(result.get())));
        const npy_intp size = length * inner;
        std::vector<double> room(static_cast<std::size_t>(2 * size));
        const host::Unlocked unlocked(static_cast<std::size_t>(outer * size));
        for (npy_intp i = 0; i < outer; ++i, stage += size, own += size, to += size) {
            pull_back(operation_of(primitive), length, inner, stage, own, from, reduces,
                      room.data(), to);
            from += reduces ? inner : size;
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
