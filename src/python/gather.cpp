#include "python/gather.hpp"

#include <algorithm>
#include <vector>

#include "kernels/sorting.hpp"
#include "memory/buffer.hpp"
#include "ops/aval.hpp"
#include "python/loops.hpp"

namespace fastad::python {

namespace {

template <class T>
bool take(const T* from, npy_intp length, npy_intp inner, const npy_intp* places, npy_intp count,
          T* to) {
    for (npy_intp k = 0; k < count; ++k)
        if (places[k] < -length || places[k] >= length) return false;
    if (inner == 1) {
        for (npy_intp k = 0; k < count; ++k)
            to[k] = from[places[k] < 0 ? places[k] + length : places[k]];
        return true;
    }
    for (npy_intp k = 0; k < count; ++k, to += inner) {
        const T* item = from + (places[k] < 0 ? places[k] + length : places[k]) * inner;
        for (npy_intp j = 0; j < inner; ++j) to[j] = item[j];
    }
    return true;
}

}  // namespace

Value taken_at_places(const Op& op, const Value* values, std::size_t count) {
    const Value &x = values[0], &index = values[1];
    if (!x.is_object() || !index.is_object()) return {};
    PyObject *whole = py(x.object()), *key = py(index.object());
    if (Py_TYPE(whole) != &PyArray_Type || Py_TYPE(key) != &PyArray_Type) return {};
    PyArrayObject *from = array(whole), *places = array(key);
    const int type = PyArray_TYPE(from), rank = PyArray_NDIM(from), more = PyArray_NDIM(places);
    if ((type != NPY_FLOAT64 && type != NPY_FLOAT32) || PyArray_TYPE(places) != NPY_INTP ||
        rank == 0 || more == 0 || !PyArray_ISCARRAY_RO(from) || !PyArray_ISCARRAY_RO(places))
        return {};
    Aval taken;
    if (!aval_of(op, values, count, taken) || taken.rank > NPY_MAXDIMS) return {};
    const npy_intp inner = PyArray_MultiplyList(PyArray_DIMS(from) + 1, rank - 1);
    Ref result = checked(new_ndarray(type, taken.rank, taken.shape));
    void* to = PyArray_DATA(array(result.get()));
    const void* source = PyArray_DATA(from);
    const auto* where = static_cast<const npy_intp*>(PyArray_DATA(places));
    const npy_intp size = PyArray_SIZE(places), length = PyArray_DIM(from, 0);
    bool done;
    {
        const host::Unlocked unlocked(static_cast<std::size_t>(size * inner));
        done = type == NPY_FLOAT64 ? take(static_cast<const double*>(source), length, inner, where,
                                          size, static_cast<double*>(to))
                                   : take(static_cast<const float*>(source), length, inner, where,
                                          size, static_cast<float*>(to));
    }
    return done ? Value::take(core(result.release())) : Value();
}

PyObject* pooled_array(PyObject* shape) {
    return guarded([&]() -> PyObject* {
        std::vector<npy_intp> lengths;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(shape); ++i)
            lengths.push_back(PyLong_AsSsize_t(PyTuple_GET_ITEM(shape, i)));
        if (PyErr_Occurred()) throw HostError();
        return new_ndarray(NPY_FLOAT64, static_cast<int>(lengths.size()), lengths.data());
    });
}

PyObject* sums_from_behind(PyObject* x, Py_ssize_t axis) {
    return guarded([&]() -> PyObject* {
        if (Py_TYPE(x) != &PyArray_Type) return Py_NewRef(Py_None);
        PyArrayObject* from = array(x);
        const int rank = PyArray_NDIM(from);
        if (PyArray_TYPE(from) != NPY_FLOAT64 || !PyArray_ISCARRAY_RO(from) || axis < 0 ||
            axis >= rank)
            return Py_NewRef(Py_None);
        const npy_intp* shape = PyArray_DIMS(from);
        const int at = static_cast<int>(axis);
        const npy_intp outer = PyArray_MultiplyList(shape, at), length = shape[at];
        const npy_intp inner = PyArray_MultiplyList(shape + at + 1, rank - at - 1);
        Ref result = checked(new_ndarray(NPY_FLOAT64, rank, shape));
        const auto* source = static_cast<const double*>(PyArray_DATA(from));
        auto* to = static_cast<double*>(PyArray_DATA(array(result.get())));
        const host::Unlocked unlocked(static_cast<std::size_t>(PyArray_SIZE(from)));
        for (npy_intp i = 0; i < outer; ++i, source += length * inner, to += length * inner) {
            if (inner == 1) {
                double sum = -0.0;  // which adds nothing, not even a sign
                for (npy_intp k = length; k-- > 0;) to[k] = sum += source[k];
                continue;
            }
            for (npy_intp k = length; k-- > 0;) {
                const double* own = source + k * inner;
                double* target = to + k * inner;
                if (k == length - 1)
                    std::copy_n(own, inner, target);
                else
                    for (npy_intp j = 0; j < inner; ++j) target[j] = target[j + inner] + own[j];
            }
        }
        return result.release();
    });
}

PyObject* recurrence(PyObject* a, PyObject* b, Py_ssize_t axis, bool backwards) {
    return guarded([&]() -> PyObject* {
        for (PyObject* one : {a, b})
            if (Py_TYPE(one) != &PyArray_Type || PyArray_TYPE(array(one)) != NPY_FLOAT64 ||
                !PyArray_ISCARRAY_RO(array(one)))
                return Py_NewRef(Py_None);
        const int rank = PyArray_NDIM(array(b)), at = static_cast<int>(axis);
        if (!same_dims(array(a), array(b)) || axis < 0 || axis >= rank) return Py_NewRef(Py_None);
        const npy_intp* shape = PyArray_DIMS(array(b));
        const npy_intp outer = PyArray_MultiplyList(shape, at), length = shape[at];
        const npy_intp inner = PyArray_MultiplyList(shape + at + 1, rank - at - 1);
        Ref result = checked(new_ndarray(NPY_FLOAT64, rank, shape));
        const auto* by = static_cast<const double*>(PyArray_DATA(array(a)));
        const auto* from = static_cast<const double*>(PyArray_DATA(array(b)));
        auto* to = static_cast<double*>(PyArray_DATA(array(result.get())));
        const host::Unlocked unlocked(static_cast<std::size_t>(PyArray_SIZE(array(b))));
        // One place after the other, whole rows of the axes within at a time.
        const npy_intp step = backwards ? -inner : inner, factor = backwards ? inner : 0;
        for (npy_intp i = 0; i < outer; ++i)
            for (npy_intp k = 0; k < length; ++k) {
                const npy_intp start = (i * length + (backwards ? length - 1 - k : k)) * inner;
                for (npy_intp j = start; j < start + inner; ++j)
                    to[j] = k ? from[j] + by[j + factor] * to[j - step] : from[j];
            }
        return result.release();
    });
}

namespace {

template <class T>
bool order(PyArrayObject* x, int axis, PyArrayObject* places, std::uint64_t* words) {
    const npy_intp* shape = PyArray_DIMS(x);
    const int rank = PyArray_NDIM(x);
    auto size = [shape](int first, int last) {
        return static_cast<std::size_t>(PyArray_MultiplyList(shape + first, last - first));
    };
    const host::Unlocked unlocked(size(0, rank));
    return sorting::order_lines(static_cast<const T*>(PyArray_DATA(x)), size(0, axis),
                                size(axis, axis + 1), size(axis + 1, rank),
                                static_cast<std::int64_t*>(PyArray_DATA(places)), words);
}

}  // namespace

// Empty where sorted_places() gives None.
static Ref order_of(PyObject* x, Py_ssize_t axis) {
    if (Py_TYPE(x) != &PyArray_Type || sizeof(npy_intp) != sizeof(std::int64_t)) return {};
    PyArrayObject* from = array(x);
    const int type = PyArray_TYPE(from), rank = PyArray_NDIM(from), at = static_cast<int>(axis);
    if ((type != NPY_FLOAT64 && type != NPY_FLOAT32) || !PyArray_ISCARRAY_RO(from) || axis < 0 ||
        axis >= rank)
        return {};
    Ref places = checked(new_ndarray(NPY_INTP, rank, PyArray_DIMS(from)));
    buffer::Allocator<std::uint64_t> allocator;
    const auto length = static_cast<std::size_t>(PyArray_DIM(from, at));
    const std::size_t count = sorting::words_for(length);
    std::uint64_t* words = count ? allocator.allocate(count) : nullptr;
    const bool done = type == NPY_FLOAT64 ? order<double>(from, at, array(places.get()), words)
                                          : order<float>(from, at, array(places.get()), words);
    if (words) allocator.deallocate(words, count);
    return done ? std::move(places) : Ref();
}

PyObject* sorted_places(PyObject* x, Py_ssize_t axis) {
    return guarded([&]() -> PyObject* {
        Ref places = order_of(x, axis);
        return places ? places.release() : Py_NewRef(Py_None);
    });
}

PyObject* matched_places(PyObject* x, PyObject* y, Py_ssize_t axis) {
    return guarded([&]() -> PyObject* {
        Ref of_x = order_of(x, axis), of_y;
        if (of_x) of_y = order_of(y, axis);
        if (!of_y || !same_dims(array(x), array(y)) ||
            PyArray_TYPE(array(x)) != PyArray_TYPE(array(y)))
            return Py_NewRef(Py_None);
        Ref places = checked(new_ndarray(NPY_INTP, PyArray_NDIM(array(x)), PyArray_DIMS(array(x))));
        const auto* from = static_cast<const npy_intp*>(PyArray_DATA(array(of_x.get())));
        const auto* to = static_cast<const npy_intp*>(PyArray_DATA(array(of_y.get())));
        auto* out = static_cast<npy_intp*>(PyArray_DATA(array(places.get())));
        const npy_intp size = PyArray_SIZE(array(x));
        const host::Unlocked unlocked(static_cast<std::size_t>(size));
        for (npy_intp i = 0; i < size; ++i) out[to[i]] = from[i];
        return places.release();
    });
}

}  // namespace fastad::python
