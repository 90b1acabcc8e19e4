// target[index] += update, in place: by loops of our own where the memory is plain, else by NumPy.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "kernels/kernels.hpp"
#include "python/hosted.hpp"
#include "python/loops.hpp"

namespace fastad {

namespace python {

namespace {
PyObject* add_at_function = nullptr;

// Only integers, slices, None and Ellipsis: the part is a view, and no element comes twice.
bool basic_index(PyObject* index) {
    if (PyLong_CheckExact(index) || PySlice_Check(index) || index == Py_None ||
        index == Py_Ellipsis)
        return true;
    if (PyBool_Check(index)) return false;
    if (PyArray_IsScalar(index, Integer)) return true;
    if (!PyTuple_Check(index)) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(index); ++i) {
        PyObject* item = PyTuple_GET_ITEM(index, i);
        if (PyTuple_Check(item) || !basic_index(item)) return false;
    }
    return true;
}

// A number to add, or to write where nothing has been written yet.
template <bool adds, class T>
void put(T& place, T value) {
    place = adds ? place + value : value;
}

template <bool adds, class T>
void put_line(char* to, npy_intp to_step, const char* from, npy_intp from_step, npy_intp n) {
    constexpr npy_intp unit = sizeof(T);
    if (to_step == unit && from_step == unit) {
        auto* target = reinterpret_cast<T*>(to);
        const auto* source = reinterpret_cast<const T*>(from);
        if constexpr (adds)
            kernels().loops<T>().add(static_cast<std::size_t>(n), source, target);
        else
            std::copy_n(source, n, target);
        return;
    }
    for (npy_intp i = 0; i < n; ++i, to += to_step, from += from_step)
        put<adds>(*reinterpret_cast<T*>(to), *reinterpret_cast<const T*>(from));
}

// Where elements lie.
struct Layout {
    char* data = nullptr;
    int rank = 0;
    const npy_intp *shape = nullptr, *strides = nullptr;
};

Layout layout_of(PyArrayObject* a) {
    return {PyArray_BYTES(a), PyArray_NDIM(a), PyArray_DIMS(a), PyArray_STRIDES(a)};
}

// The part of an array that an index of integers, slices, None and Ellipsis names.
class Part {
  public:
    // False for another index, and where NumPy has to say what is wrong with it.
    bool find(PyArrayObject* whole, PyObject* index) {
        layout.data = PyArray_BYTES(whole);
        layout.shape = shape_;
        layout.strides = strides_;
        PyObject* const* items = &index;
        Py_ssize_t count = 1, axes = 0;
        if (PyTuple_CheckExact(index)) {
            items = reinterpret_cast<PyTupleObject*>(index)->ob_item;
            count = PyTuple_GET_SIZE(index);
        }
        bool ellipsis = false;
        for (Py_ssize_t i = 0; i < count; ++i) {
            axes += items[i] != Py_None && items[i] != Py_Ellipsis;
            if (items[i] == Py_Ellipsis && std::exchange(ellipsis, true)) return false;
        }
        const Py_ssize_t rest = PyArray_NDIM(whole) - axes;
        if (rest < 0 || rest + count > NPY_MAXDIMS) return false;
        for (Py_ssize_t i = 0; i < count; ++i) {
            if (items[i] == Py_Ellipsis)
                full(whole, rest);
            else if (items[i] == Py_None)
                append(1, 0);
            else if (!take(whole, items[i]))
                return false;
        }
        if (!ellipsis) full(whole, rest);
        return true;
    }

    Layout layout;

  private:
    void append(npy_intp length, npy_intp stride) {
        shape_[layout.rank] = length;
        strides_[layout.rank++] = stride;
    }
    void full(PyArrayObject* whole, Py_ssize_t axes) {
        for (; axes > 0; --axes, ++axis_)
            append(PyArray_DIM(whole, axis_), PyArray_STRIDE(whole, axis_));
    }
    bool take(PyArrayObject* whole, PyObject* item) {
        const npy_intp length = PyArray_DIM(whole, axis_), stride = PyArray_STRIDE(whole, axis_);
        ++axis_;
        Py_ssize_t start, stop, step;
        if (PySlice_Check(item)) {
            if (PySlice_Unpack(item, &start, &stop, &step) < 0) return failed();
            const Py_ssize_t count = PySlice_AdjustIndices(length, &start, &stop, step);
            // No place of its own, which may lie outside.
            if (count > 0) layout.data += start * stride;
            append(count, step * stride);
            return true;
        }
        if (!PyLong_CheckExact(item)) return false;
        start = PyLong_AsSsize_t(item);
        if (start == -1 && PyErr_Occurred()) return failed();
        if (start < 0) start += length;
        if (start < 0 || start >= length) return false;
        layout.data += start * stride;
        return true;
    }
    static bool failed() {
        PyErr_Clear();
        return false;
    }

    int axis_ = 0;
    npy_intp shape_[NPY_MAXDIMS], strides_[NPY_MAXDIMS];
};

// Elements of one array to those of another one of the same shape, whatever the strides.
template <bool adds, class T>
void put_all(const Layout& to, const Layout& from) {
    npy_intp lengths[NPY_MAXDIMS], to_steps[NPY_MAXDIMS], from_steps[NPY_MAXDIMS];
    int axes = 0;
    for (int axis = 0; axis < to.rank; ++axis) {
        const npy_intp n = to.shape[axis];
        const npy_intp to_step = to.strides[axis], from_step = from.strides[axis];
        if (n == 0) return;
        if (n == 1) continue;
        if (axes > 0 && to_steps[axes - 1] == to_step * n &&
            from_steps[axes - 1] == from_step * n) {
            lengths[axes - 1] *= n;
            to_steps[axes - 1] = to_step;
            from_steps[axes - 1] = from_step;
            continue;
        }
        lengths[axes] = n;
        to_steps[axes] = to_step;
        from_steps[axes++] = from_step;
    }
    char* target = to.data;
    const char* source = from.data;
    if (axes == 0) return put_line<adds, T>(target, 0, source, 0, 1);
    const int inner = axes - 1;
    npy_intp position[NPY_MAXDIMS];
    std::fill_n(position, inner, npy_intp{0});
    while (true) {
        put_line<adds, T>(target, to_steps[inner], source, from_steps[inner], lengths[inner]);
        int axis = inner - 1;
        for (; axis >= 0; --axis) {
            target += to_steps[axis];
            source += from_steps[axis];
            if (++position[axis] < lengths[axis]) break;
            target -= to_steps[axis] * lengths[axis];
            source -= from_steps[axis] * lengths[axis];
            position[axis] = 0;
        }
        if (axis < 0) return;
    }
}

// An array's elements, written or added to the part of another one that a basic index names.
template <bool adds>
bool put_part(PyArrayObject* whole, PyObject* index, PyObject* amount) {
    if (!PyArray_Check(amount)) return false;
    PyArrayObject* from = array(amount);
    const int type = PyArray_TYPE(whole);
    if ((type != NPY_FLOAT64 && type != NPY_FLOAT32) || PyArray_TYPE(from) != type ||
        !PyArray_ISBEHAVED_RO(whole) || !PyArray_ISBEHAVED_RO(from))
        return false;
    Part part;
    if (!part.find(whole, index)) return false;
    const Layout to = part.layout, source = layout_of(from);
    if (to.rank != source.rank || !std::equal(to.shape, to.shape + to.rank, source.shape))
        return false;
    const host::Unlocked unlocked(static_cast<std::size_t>(PyArray_SIZE(from)));
    if (type == NPY_FLOAT64)
        put_all<adds, double>(to, source);
    else
        put_all<adds, float>(to, source);
    return true;
}

// Places along one axis, the same in each line: lines[i][places[k]] += update[i][k], of items that
// are `inner` elements long. The update's elements are `step` apart: 1, or 0 for one that is added
// everywhere. Nothing is done if a place is out of range.
template <class T>
bool add_lines(T* target, const T* update, npy_intp step, npy_intp outer, npy_intp length,
               npy_intp inner, const npy_intp* places, npy_intp count) {
    for (npy_intp k = 0; k < count; ++k)
        if (places[k] < -length || places[k] >= length) return false;
    if (inner == 1) {
        for (npy_intp i = 0; i < outer; ++i, target += length)
            for (npy_intp k = 0; k < count; ++k, update += step)
                target[places[k] < 0 ? places[k] + length : places[k]] += *update;
        return true;
    }
    for (npy_intp i = 0; i < outer; ++i, target += length * inner)
        for (npy_intp k = 0; k < count; ++k, update += inner * step) {
            T* item = target + (places[k] < 0 ? places[k] + length : places[k]) * inner;
            for (npy_intp j = 0; j < inner; ++j) item[j] += update[j * step];
        }
    return true;
}

bool is_full(PyObject* item) {
    if (!PySlice_Check(item)) return false;
    auto* slice = reinterpret_cast<PySliceObject*>(item);
    return slice->start == Py_None && slice->stop == Py_None && slice->step == Py_None;
}

// One number that is seen as an array, as the cotangent of a sum is.
bool uniform(PyArrayObject* a) {
    for (int axis = 0; axis < PyArray_NDIM(a); ++axis)
        if (PyArray_STRIDE(a, axis) != 0 && PyArray_DIM(a, axis) != 1) return false;
    return PyArray_ISBEHAVED_RO(a);
}

// An index that is one array of places, behind full slices or alone.
bool add_at_places(PyArrayObject* whole, PyObject* key, PyObject* amount) {
    int axis = 0;
    if (PyTuple_Check(key)) {
        axis = static_cast<int>(PyTuple_GET_SIZE(key)) - 1;
        if (axis < 0) return false;
        for (int i = 0; i < axis; ++i)
            if (!is_full(PyTuple_GET_ITEM(key, i))) return false;
        key = PyTuple_GET_ITEM(key, axis);
    }
    if (Py_TYPE(key) != &PyArray_Type || !PyArray_Check(amount)) return false;
    PyArrayObject *places = array(key), *update = array(amount);
    if (PyArray_TYPE(places) != NPY_INTP || !PyArray_ISCARRAY_RO(places)) return false;
    const int type = PyArray_TYPE(whole), rank = PyArray_NDIM(whole), more = PyArray_NDIM(places);
    if (PyArray_TYPE(update) != type || !PyArray_ISCARRAY_RO(whole) || axis >= rank) return false;
    const npy_intp step = PyArray_ISCARRAY_RO(update) ? 1 : 0;
    if (step == 0 && !uniform(update)) return false;
    npy_intp outer = 1, inner = 1;
    if (PyArray_NDIM(update) != rank - 1 + more) return false;
    for (int i = 0; i < axis; ++i) {
        if (PyArray_DIM(update, i) != PyArray_DIM(whole, i)) return false;
        outer *= PyArray_DIM(whole, i);
    }
    for (int i = 0; i < more; ++i)
        if (PyArray_DIM(update, axis + i) != PyArray_DIM(places, i)) return false;
    for (int i = axis + 1; i < rank; ++i) {
        if (PyArray_DIM(update, i + more - 1) != PyArray_DIM(whole, i)) return false;
        inner *= PyArray_DIM(whole, i);
    }
    const npy_intp length = PyArray_DIM(whole, axis), count = PyArray_SIZE(places);
    const auto* where = static_cast<const npy_intp*>(PyArray_DATA(places));
    void *target = PyArray_DATA(whole), *source = PyArray_DATA(update);
    const host::Unlocked unlocked(static_cast<std::size_t>(PyArray_SIZE(update)));
    if (type == NPY_FLOAT64)
        return add_lines(static_cast<double*>(target), static_cast<const double*>(source), step,
                         outer, length, inner, where, count);
    if (type == NPY_FLOAT32)
        return add_lines(static_cast<float*>(target), static_cast<const float*>(source), step,
                         outer, length, inner, where, count);
    return false;
}

// One item of `inner` elements to each that the mask holds of.
template <class T>
void add_masked(T* target, const T* update, const npy_bool* mask, npy_intp size, npy_intp inner) {
    for (npy_intp i = 0; i < size; ++i, target += inner) {
        if (!mask[i]) continue;
        for (npy_intp j = 0; j < inner; ++j) target[j] += update[j];
        update += inner;
    }
}

// An index that is one mask of the first axes.
bool add_at_mask(PyArrayObject* whole, PyObject* key, PyObject* amount) {
    if (Py_TYPE(key) != &PyArray_Type || !PyArray_Check(amount)) return false;
    PyArrayObject *mask = array(key), *update = array(amount);
    const int type = PyArray_TYPE(whole), rank = PyArray_NDIM(whole), axes = PyArray_NDIM(mask);
    if (PyArray_TYPE(mask) != NPY_BOOL || !PyArray_ISCARRAY_RO(mask) || axes == 0 || axes > rank ||
        PyArray_TYPE(update) != type || !PyArray_ISCARRAY_RO(whole) ||
        !PyArray_ISCARRAY_RO(update) || PyArray_NDIM(update) != rank - axes + 1)
        return false;
    npy_intp inner = 1;
    for (int axis = 0; axis < rank; ++axis) {
        const npy_intp length = PyArray_DIM(whole, axis);
        if (length !=
            (axis < axes ? PyArray_DIM(mask, axis) : PyArray_DIM(update, axis - axes + 1)))
            return false;
        if (axis >= axes) inner *= length;
    }
    const auto* held = static_cast<const npy_bool*>(PyArray_DATA(mask));
    const npy_intp size = PyArray_SIZE(mask);
    if (std::count_if(held, held + size, [](npy_bool one) { return one != 0; }) !=
        PyArray_DIM(update, 0))
        return false;
    void *target = PyArray_DATA(whole), *source = PyArray_DATA(update);
    const host::Unlocked unlocked(static_cast<std::size_t>(PyArray_SIZE(whole)));
    if (type == NPY_FLOAT64)
        add_masked(static_cast<double*>(target), static_cast<const double*>(source), held, size,
                   inner);
    else if (type == NPY_FLOAT32)
        add_masked(static_cast<float*>(target), static_cast<const float*>(source), held, size,
                   inner);
    else
        return false;
    return true;
}

// A number to one element of an array of float64, by an integer for each axis.
bool add_at_element(PyArrayObject* whole, PyObject* key, const Value& update) {
    if (!update.is_number() || PyArray_TYPE(whole) != NPY_FLOAT64 || !PyArray_ISBEHAVED_RO(whole) ||
        !PyTuple_Check(key) || PyTuple_GET_SIZE(key) != PyArray_NDIM(whole))
        return false;
    auto* place = static_cast<char*>(PyArray_DATA(whole));
    for (int axis = 0; axis < PyArray_NDIM(whole); ++axis) {
        PyObject* item = PyTuple_GET_ITEM(key, axis);
        if (!PyLong_CheckExact(item)) return false;
        const npy_intp length = PyArray_DIM(whole, axis);
        npy_intp at = PyLong_AsSsize_t(item);
        if (at == -1 && PyErr_Occurred()) {
            PyErr_Clear();
            return false;
        }
        if (at < 0) at += length;
        if (at < 0 || at >= length) return false;
        place += at * PyArray_STRIDE(whole, axis);
    }
    *reinterpret_cast<double*>(place) += update.number();
    return true;
}

}  // namespace

PyObject* initialise_scatter(PyObject* add) {
    add_at_function = PyObject_GetAttrString(add, "at");
    return add_at_function ? Py_None : nullptr;
}

}  // namespace python

namespace host {

using namespace python;

bool is_view_index(const Value& index) {
    return index.kind() == Kind::Integer || (index.is_object() && basic_index(py(index.object())));
}

void add_at(const Value& target, const Value& index, const Value& update) {
    Ref key(to_object(index));
    PyObject* whole = py(target.object());
    if (add_at_element(array(whole), key.get(), update)) return;
    Ref amount(to_object(update));
    if (add_at_places(array(whole), key.get(), amount.get()) ||
        add_at_mask(array(whole), key.get(), amount.get()))
        return;
    if (put_part<true>(array(whole), key.get(), amount.get())) return;
    const bool mask = PyArray_Check(key.get()) && PyArray_ISBOOL(array(key.get()));
    if (basic_index(key.get()) || mask) {
        Ref part = checked(PyObject_GetItem(whole, key.get()));
        const bool view = !mask && PyArray_Check(part.get());
        Ref sum = checked(view ? PyNumber_InPlaceAdd(part.get(), amount.get())
                               : PyNumber_Add(part.get(), amount.get()));
        if (!view && PyObject_SetItem(whole, key.get(), sum.get()) < 0) throw HostError();
        return;
    }
    PyObject* args[3] = {whole, key.get(), amount.get()};
    checked(PyObject_Vectorcall(add_at_function, args, 3, nullptr));
}

Value scattered(const Meta& meta, const Value& index, const Value& update) {
    const View own = describe(update);
    // What every element of the target gets one of needs no zeros first: an index without arrays
    // names none twice.
    if (own.array && own.size == meta.size() && own.dtype == meta.dtype && is_view_index(index)) {
        Value fresh = new_array(meta.dtype, meta.shape, meta.rank);
        Ref key(to_object(index));
        if (put_part<false>(array(py(fresh.object())), key.get(), py(update.object())))
            return fresh;
    }
    Value fresh = zeros(meta);
    add_at(fresh, index, update);
    return fresh;
}

}  // namespace host
}  // namespace fastad
