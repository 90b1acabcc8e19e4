// What the core asks about arrays and numbers, answered by NumPy.
#include "host/space.hpp"
#include "python/hosted.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "memory/buffer.hpp"

namespace fastad {

namespace python {

PyObject* add_reduce = nullptr;

DType dtype_of(int type_number) noexcept {
    switch (type_number) {
#define DTYPE(NAME, TEXT, NUMBER, BYTES) \
    case NUMBER: return DType::NAME;
#include "ops/dtypes.def"
        default: break;
    }
    // Of two C types of one width NumPy names only one.
    if (PyTypeNum_ISINTEGER(type_number)) {
        if (type_number == NPY_LONG || type_number == NPY_LONGLONG || type_number == NPY_INT) {
            const std::size_t size = type_number == NPY_LONG  ? sizeof(long)
                                     : type_number == NPY_INT ? sizeof(int)
                                                              : sizeof(long long);
            return size == 8 ? DType::Int64 : DType::Int32;
        }
        return DType::IntOther;
    }
    return DType::Other;
}

int type_number_of(DType dtype) noexcept {
    switch (dtype) {
#define DTYPE(NAME, TEXT, NUMBER, BYTES) \
    case DType::NAME: return NUMBER;
#include "ops/dtypes.def"
        default: return NPY_FLOAT64;
    }
}

PyObject* initialise_arrays(PyObject* numpy) {
    Ref add(PyObject_GetAttrString(numpy, "add"));
    if (!add) return nullptr;
    host::scalars_by_value = PyArray_GetNDArrayCVersion() < 0x02000000;
    add_reduce = PyObject_GetAttrString(add.get(), "reduce");
    return add_reduce ? initialise_scatter(add.get()) : nullptr;
}

namespace {

// Whether an array's elements, as many as this shape has, can be seen in it where they lie: axes
// that are cut or joined must follow one another in memory. Axes of length one do not matter.
bool seen_as(PyArrayObject* a, const npy_intp* shape, int rank) noexcept {
    npy_intp lengths[NPY_MAXDIMS], strides[NPY_MAXDIMS];
    int axes = 0;
    for (int axis = 0; axis < PyArray_NDIM(a); ++axis) {
        if (PyArray_DIM(a, axis) == 1) continue;
        lengths[axes] = PyArray_DIM(a, axis);
        strides[axes++] = PyArray_STRIDE(a, axis);
    }
    int next = 0;
    for (int first = 0; first < axes;) {
        int last = first;
        npy_intp own = lengths[first], wanted = 1;
        while (own != wanted) {
            if (wanted < own) {
                if (next == rank) return false;
                wanted *= shape[next++];
            } else {
                if (++last == axes) return false;
                own *= lengths[last];
                if (strides[last - 1] != lengths[last] * strides[last]) return false;
            }
        }
        first = last + 1;
    }
    return true;
}

// As NumPy's, -1 standing for one length that is to be found. False where NumPy has to say what is
// wrong.
bool resolve(npy_intp size, const Extent* shape, int rank, npy_intp* lengths) noexcept {
    npy_intp product = 1;
    int unknown = -1;
    for (int axis = 0; axis < rank; ++axis) {
        lengths[axis] = shape[axis];
        if (shape[axis] >= 1)
            product *= shape[axis];
        else if (shape[axis] == -1 && unknown < 0)
            unknown = axis;
        else
            return false;
        if (product > size) return false;
    }
    if (unknown >= 0) lengths[unknown] = size / product;
    return unknown >= 0 ? size % product == 0 : size == product;
}

}  // namespace

PyObject* view_of(PyArrayObject* a, int rank, const npy_intp* shape, const npy_intp* strides,
                  bool writable) {
    PyArray_Descr* descr = PyArray_DESCR(a);
    Py_INCREF(descr);
    Ref view(PyArray_NewFromDescr(
        &PyArray_Type, descr, rank, const_cast<npy_intp*>(shape), const_cast<npy_intp*>(strides),
        PyArray_DATA(a),
        PyArray_FLAGS(a) & ~(NPY_ARRAY_OWNDATA | (writable ? 0 : NPY_ARRAY_WRITEABLE)), nullptr));
    if (!view) return nullptr;
    Py_INCREF(a);
    if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(view.get()),
                              reinterpret_cast<PyObject*>(a)) < 0)
        return nullptr;
    return view.release();
}

PyObject* reshaped(PyArrayObject* a, const Extent* shape, int rank) {
    PyArray_Dims dims{const_cast<npy_intp*>(shape), rank};
    npy_intp lengths[NPY_MAXDIMS];
    if (Py_TYPE(a) == &PyArray_Type && PyArray_IS_C_CONTIGUOUS(a) && rank <= NPY_MAXDIMS &&
        resolve(PyArray_SIZE(a), shape, rank, lengths))
        return view_of(a, rank, lengths, nullptr);
    if (Py_TYPE(a) != &PyArray_Type || PyArray_IS_C_CONTIGUOUS(a) || rank > NPY_MAXDIMS ||
        static_cast<std::size_t>(PyArray_NBYTES(a)) < buffer::smallest ||
        PyDataType_REFCHK(PyArray_DESCR(a)) || !PyArray_ISNOTSWAPPED(a) ||
        dtype_of(PyArray_TYPE(a)) == DType::Other ||
        !resolve(PyArray_SIZE(a), shape, rank, lengths) || seen_as(a, lengths, rank))
        return PyArray_Newshape(a, &dims, NPY_CORDER);
    // NumPy would make the same copy in memory of its own.
    const Ref copy(new_ndarray(PyArray_TYPE(a), PyArray_NDIM(a), PyArray_DIMS(a)));
    if (!copy || PyArray_CopyInto(reinterpret_cast<PyArrayObject*>(copy.get()), a) < 0)
        return nullptr;
    return PyArray_Newshape(reinterpret_cast<PyArrayObject*>(copy.get()), &dims, NPY_CORDER);
}

}  // namespace python

namespace host {

using namespace python;

namespace {

PyArrayObject* array(PyObject* object) { return reinterpret_cast<PyArrayObject*>(object); }
Value take_array(PyObject* object) {
    if (!object) throw HostError();
    return Value::take(core(object));
}

// New reference to the value as an ndarray.
Ref as_array(const Value& raw) {
    Ref object(to_object(raw));
    if (PyArray_Check(object.get())) return object;
    return checked(PyArray_FROM_O(object.get()));
}

template <class T, int n>
void sum_lines(const T* from, T* to, npy_intp lines) {
    for (npy_intp i = 0; i < lines; ++i, from += n) {
        T sum = from[0];
        for (int k = 1; k < n; ++k) sum += from[k];
        to[i] = sum;
    }
}
template <class T>
void sum_lines(const T* from, T* to, npy_intp lines, npy_intp n) {
    switch (n) {
        case 2: return sum_lines<T, 2>(from, to, lines);
        case 3: return sum_lines<T, 3>(from, to, lines);
        case 4: return sum_lines<T, 4>(from, to, lines);
        case 5: return sum_lines<T, 5>(from, to, lines);
        case 6: return sum_lines<T, 6>(from, to, lines);
        default: return sum_lines<T, 7>(from, to, lines);
    }
}

// The sums along a short last axis, which is kept, with NumPy's bits: NumPy pays for each line.
// Null where that does not apply.
Ref sum_of_short_lines(PyArrayObject* a, const std::vector<Extent>& axes) {
    const int rank = PyArray_NDIM(a), type = PyArray_TYPE(a);
    if (axes.size() != 1 || axes[0] != rank - 1 || (type != NPY_FLOAT64 && type != NPY_FLOAT32))
        return {};
    const npy_intp n = PyArray_DIM(a, rank - 1), lines = n ? PyArray_SIZE(a) / n : 0;
    if (n < 2 || n > 7 || lines < 16 || !PyArray_ISCARRAY_RO(a)) return {};
    npy_intp shape[NPY_MAXDIMS];
    std::copy_n(PyArray_DIMS(a), rank, shape);
    shape[rank - 1] = 1;
    Ref sums = checked(new_ndarray(type, rank, shape));
    void* to = PyArray_DATA(array(sums.get()));
    const host::Unlocked unlocked(static_cast<std::size_t>(PyArray_SIZE(a)));
    if (type == NPY_FLOAT64)
        sum_lines(static_cast<const double*>(PyArray_DATA(a)), static_cast<double*>(to), lines, n);
    else
        sum_lines(static_cast<const float*>(PyArray_DATA(a)), static_cast<float*>(to), lines, n);
    return sums;
}

}  // namespace

View describe(const Value& raw) {
    View view;
    if (raw.is_number()) {
        view.dtype = raw.kind() == Kind::Integer ? DType::Int64 : DType::Float64;
        view.data = reinterpret_cast<char*>(const_cast<double*>(raw.number_address()));
        return view;
    }
    if (!raw.is_object()) return view;
    PyObject* object = py(raw.object());
    if (Py_TYPE(object) == &PyArray_Type || PyArray_Check(object)) {
        PyArrayObject* a = array(object);
        view.array = true;
        view.dtype = dtype_of(PyArray_TYPE(a));
        view.usable = PyArray_ISBEHAVED_RO(a);
        view.contiguous = PyArray_IS_C_CONTIGUOUS(a);
        view.rank = PyArray_NDIM(a);
        view.shape = PyArray_DIMS(a);
        view.strides = PyArray_STRIDES(a);
        view.data = static_cast<char*>(PyArray_DATA(a));
        for (int axis = 0; axis < view.rank; ++axis)
            view.size *= static_cast<std::size_t>(view.shape[axis]);
        return view;
    }
    if (PyBool_Check(object)) {
        view.dtype = DType::Bool;
    } else if (PyComplex_Check(object)) {
        view.dtype = DType::Complex128;
    } else if (PyFloat_Check(object)) {
        view.dtype = DType::Float64;
    } else if (PyLong_Check(object)) {
        view.dtype = DType::Int64;
    } else if (PyArray_CheckScalar(object)) {
        PyArray_Descr* descr = PyArray_DescrFromScalar(object);
        view.dtype = dtype_of(descr->type_num);
        Py_DECREF(descr);
    }
    return view;
}

Meta space_of(const Value& raw) noexcept {
    if (raw.is_object() && Py_TYPE(py(raw.object())) == &PyArray_Type) {
        PyArrayObject* a = array(py(raw.object()));
        return {dtype_of(PyArray_TYPE(a)), true, PyArray_NDIM(a), PyArray_DIMS(a)};
    }
    const View view = describe(raw);
    return {view.dtype, view.array, view.rank, view.shape};
}

void* flat(const Value& raw, DType dtype, const Extent* shape, int rank) noexcept {
    if (!raw.is_object() || Py_TYPE(py(raw.object())) != &PyArray_Type) return nullptr;
    PyArrayObject* a = array(py(raw.object()));
    if (PyArray_NDIM(a) != rank || PyArray_TYPE(a) != type_number_of(dtype)) return nullptr;
    constexpr int wanted = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED;
    if ((PyArray_FLAGS(a) & wanted) != wanted || !PyArray_ISNOTSWAPPED(a)) return nullptr;
    for (int axis = 0; axis < rank; ++axis)
        if (PyArray_DIM(a, axis) != shape[axis]) return nullptr;
    return PyArray_DATA(a);
}

bool unique(const Value& raw) noexcept {
    if (!raw.is_object()) return false;
    PyObject* object = py(raw.object());
    while (true) {
        if (Py_REFCNT(object) != 1) return false;
        if (Py_TYPE(object) != &PyArray_Type) return false;
        PyArrayObject* a = array(object);
        if (!PyArray_ISWRITEABLE(a)) return false;
        // Elements may share memory with one another, as in numpy.broadcast_arrays' results.
        if (!PyArray_IS_C_CONTIGUOUS(a) && !PyArray_IS_F_CONTIGUOUS(a)) return false;
        PyObject* base = PyArray_BASE(a);
        if (!base) return PyArray_CHKFLAGS(a, NPY_ARRAY_OWNDATA);
        if (is_buffer(base)) return Py_REFCNT(base) == 1;
        object = base;
    }
}

const Object* owner(const Value& raw) noexcept {
    if (!raw.is_object() || !PyArray_Check(py(raw.object()))) return nullptr;
    PyObject* object = py(raw.object());
    while (PyArray_Check(object)) {
        PyObject* base = PyArray_BASE(array(object));
        if (!base) break;
        object = base;
    }
    return core(object);
}

Value new_array(DType dtype, const Extent* shape, int rank) {
    return take_array(new_ndarray(type_number_of(dtype), rank, shape));
}

Value laid_out(Value raw, const Extent* strides) {
    constexpr npy_intp most = 16;  // times its own size
    PyArrayObject* own = array(py(raw.object()));
    const int rank = PyArray_NDIM(own);
    const npy_intp* shape = PyArray_DIMS(own);
    if (std::equal(strides, strides + rank, PyArray_STRIDES(own))) return raw;
    npy_intp below = 0, bytes = PyArray_ITEMSIZE(own);
    for (int axis = 0; axis < rank; ++axis) {
        const npy_intp way = (shape[axis] - 1) * strides[axis];
        bytes += std::abs(way);
        below += std::max(-way, npy_intp{0});
    }
    if (bytes > most * PyArray_NBYTES(own)) return raw;
    Ref memory = checked(PyArray_ZEROS(1, &bytes, NPY_UBYTE, 0));
    PyArray_Descr* descr = PyArray_DESCR(own);
    Py_INCREF(descr);
    Ref result = checked(PyArray_NewFromDescr(
        &PyArray_Type, descr, rank, const_cast<npy_intp*>(shape), const_cast<npy_intp*>(strides),
        PyArray_BYTES(array(memory.get())) + below, NPY_ARRAY_WRITEABLE, nullptr));
    PyArray_UpdateFlags(array(result.get()), NPY_ARRAY_UPDATE_ALL);
    if (PyArray_SetBaseObject(array(result.get()), memory.release()) < 0) throw HostError();
    if (PyArray_CopyInto(array(result.get()), own) < 0) throw HostError();
    return Value::take(core(result.release()));
}

Value broadcast(const Value& raw, const Extent* shape, int rank) {
    Ref source;
    if (raw.is_float()) {
        // Few numbers are sooner written than shown by a view, and may be written into.
        constexpr std::size_t few = 256;
        const std::size_t size = Meta{DType::Float64, true, rank, shape}.size();
        if (size <= few && rank > 0) {
            Value filled = new_array(DType::Float64, shape, rank);
            std::fill_n(static_cast<double*>(PyArray_DATA(array(py(filled.object())))), size,
                        raw.number());
            return filled;
        }
        source = checked(PyArray_EMPTY(0, nullptr, NPY_FLOAT64, 0));
        *static_cast<double*>(PyArray_DATA(array(source.get()))) = raw.number();
    } else {
        source = as_array(raw);
    }
    PyArrayObject* a = array(source.get());
    const int own_rank = PyArray_NDIM(a);
    const int extra = rank - own_rank;
    Extent strides[64];
    bool possible = extra >= 0;
    for (int axis = 0; possible && axis < rank; ++axis) {
        if (axis < extra) {
            strides[axis] = 0;
            continue;
        }
        const Extent length = PyArray_DIM(a, axis - extra);
        if (length == shape[axis])
            strides[axis] = PyArray_STRIDE(a, axis - extra);
        else if (length == 1)
            strides[axis] = 0;
        else
            possible = false;
    }
    if (!possible)
        throw Error(Error::Class::Value,
                    "fastad: a derivative cannot be broadcast to its operand's shape");
    PyArray_Descr* descr = PyArray_DESCR(a);
    Py_INCREF(descr);
    PyObject* view = PyArray_NewFromDescr(&PyArray_Type, descr, rank, const_cast<npy_intp*>(shape),
                                          strides, PyArray_DATA(a), 0, nullptr);
    if (!view) throw HostError();
    // Read-only (no flag was given): one element stands for many.
    if (PyArray_SetBaseObject(array(view), source.release()) < 0) {
        Py_DECREF(view);
        throw HostError();
    }
    return Value::take(core(view));
}

Value reshape(const Value& raw, const Extent* shape, int rank) {
    Ref source = as_array(raw);
    return take_array(reshaped(array(source.get()), shape, rank));
}

Value to_scalar(Value raw) {
    if (!raw.is_object() || !PyArray_Check(py(raw.object()))) return raw;
    if (PyArray_NDIM(array(py(raw.object()))) != 0) return raw;
    return take_result(PyArray_Return(array(py(raw.release_object()))));
}

Value fit(const Value& raw, const Meta& target) {
    if (target.dtype == DType::Other && !target.array) return raw;
    Ref current = as_array(raw);
    if (!PyArray_ISNUMBER(array(current.get())) && !PyArray_ISBOOL(array(current.get())) &&
        !PyArray_ISOBJECT(array(current.get())) && target.dtype != DType::Other)
        throw Error(Error::Class::Type,
                    "fastad: a vjp returned " + type_name(raw) + ", which is not numeric");
    if (PyArray_ISCOMPLEX(array(current.get())) && !is_complex(target.dtype) &&
        target.dtype != DType::Other)
        current = checked(PyObject_GetAttrString(current.get(), "real"));
    PyArrayObject* a = array(current.get());
    const int extra = PyArray_NDIM(a) - target.rank;
    const std::vector<Extent> axes =
        broadcast_axes({target.dtype, true, PyArray_NDIM(a), PyArray_DIMS(a)}, target);
    if (Ref sums = sum_of_short_lines(a, axes)) {
        current = std::move(sums);
        a = array(current.get());
    } else if (!axes.empty()) {
        Ref axis_tuple(to_object(integers(axes.data(), axes.size())));
        PyObject* args[5] = {current.get(), axis_tuple.get(), Py_None, Py_None, Py_True};
        current = checked(PyObject_Vectorcall(add_reduce, args, 5, nullptr));
        if (!PyArray_Check(current.get())) current = checked(PyArray_FROM_O(current.get()));
        a = array(current.get());
    }
    if (extra > 0) {
        PyArray_Dims dims{const_cast<npy_intp*>(target.shape), target.rank};
        current = checked(PyArray_Newshape(a, &dims, NPY_CORDER));
        a = array(current.get());
    }
    bool same = PyArray_NDIM(a) == target.rank;
    for (int axis = 0; same && axis < target.rank; ++axis)
        same = PyArray_DIM(a, axis) == target.shape[axis];
    if (!same) {
        Value spread = broadcast(Value::share(core(current.get())), target.shape, target.rank);
        current = Ref(to_object(std::move(spread)));
        a = array(current.get());
    }
    if (target.dtype != DType::Other && dtype_of(PyArray_TYPE(a)) != target.dtype)
        current =
            checked(PyArray_CastToType(a, PyArray_DescrFromType(type_number_of(target.dtype)), 0));
    Value result = Value::take(core(current.release()));
    return target.array ? result : to_scalar(std::move(result));
}

Value zeros(const Meta& meta) {
    if (!meta.array && meta.dtype == DType::Float64) return Value::strong(0.0);
    const int type = type_number_of(meta.dtype);
    Value fresh;
    if (meta.size() * 16 < buffer::smallest || PyTypeNum_ISOBJECT(type)) {
        fresh = take_array(PyArray_ZEROS(meta.rank, const_cast<npy_intp*>(meta.shape), type, 0));
    } else {
        fresh = take_array(new_ndarray(type, meta.rank, meta.shape));
        PyArrayObject* a = array(py(fresh.object()));
        std::memset(PyArray_DATA(a), 0, static_cast<std::size_t>(PyArray_NBYTES(a)));
    }
    return meta.array ? fresh : to_scalar(std::move(fresh));
}

Value dtype_object(DType dtype) {
    PyObject* descr = reinterpret_cast<PyObject*>(PyArray_DescrFromType(type_number_of(dtype)));
    return take_array(descr);
}

Value imaginary(double number) { return take_array(PyComplex_FromDoubles(0.0, number)); }

Value counting(const Extent* shape, int rank) {
    Value result = new_array(DType::Float64, shape, rank);
    const View view = describe(result);
    auto* numbers = reinterpret_cast<double*>(view.data);
    for (std::size_t i = 0; i < view.size; ++i) numbers[i] = static_cast<double>(i);
    return result;
}

Value add_objects(const Value& a, const Value& b) {
    Ref x(to_object(a));
    Ref y(to_object(b));
    return take_result(callbacks.add_objects(x.get(), y.get()));
}

bool differentiable(const Value& raw) noexcept {
    if (raw.is_number()) return raw.is_float();
    if (!raw.is_object()) return false;
    const View view = describe(raw);
    if (view.dtype <= DType::ComplexLong) return true;
    if (view.array) return view.dtype == DType::Other && PyArray_ISOBJECT(array(py(raw.object())));
    if (view.dtype != DType::Other) return false;
    if (callbacks.box_type_of(py(raw.object()))) return true;
    PyErr_Clear();
    return false;
}

std::string type_name(const Value& raw) {
    if (raw.kind() == Kind::Weak) return "float";
    if (raw.kind() == Kind::Integer) return "int";
    if (raw.kind() == Kind::Strong) return "float64";
    if (raw.empty()) return "nothing";
    return Py_TYPE(py(raw.object()))->tp_name;
}

}  // namespace host
}  // namespace fastad
