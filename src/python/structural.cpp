// Short ways into NumPy for the common structural operations.
#include "python/loops.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <type_traits>

#include "python/gather.hpp"
#include "python/rooms.hpp"

namespace fastad::python {

// Omitted arguments are empty; what follows one is passed by keyword.
Value call_structural(const Op& op, const Value* values, std::size_t count) {
    const Hosted* own = hosted(op);
    std::vector<Value> all;
    if (own->out && (count <= own->out || values[own->out].empty()))
        if (Ref room = room_in_order(op, values, count)) {
            all.assign(values, values + count);
            count = std::max(count, own->out + 1);
            all.resize(count);
            all[own->out] = Value::take(core(room.release()));
            values = all.data();
        }
    std::size_t positional = 0;
    while (positional < count && !values[positional].empty()) ++positional;
    std::vector<Value> given(values, values + positional);
    std::vector<PyObject*> names;
    for (std::size_t i = positional; i < count; ++i) {
        if (values[i].empty()) continue;
        given.push_back(values[i]);
        names.push_back(own->parameters[i]);
    }
    if (names.empty()) return call(own->function, given.data(), given.size(), nullptr);
    Ref kwnames = checked(PyTuple_New(static_cast<Py_ssize_t>(names.size())));
    for (std::size_t i = 0; i < names.size(); ++i)
        PyTuple_SET_ITEM(kwnames.get(), static_cast<Py_ssize_t>(i), Py_NewRef(names[i]));
    return call(own->function, given.data(), given.size(), kwnames.get());
}

namespace {

constexpr npy_intp direct_sum_limit = 8192;  // above, NumPy splits the reduction into buffers

// numpy.add's inner loops.
struct AddLoop {
    PyUFuncGenericFunction run = nullptr;
    void* data = nullptr;
};
AddLoop add64, add32;

bool is_none(const Value& value) { return value.is_object() && py(value.object()) == Py_None; }

// The elements of an array in the order in which NumPy sums them all up, where that is
// one run through memory: axes by falling stride, merged; those of length one do not count.
struct Run {
    npy_intp length = 1, stride = 0;
};
bool one_run(PyArrayObject* x, Run& run) {
    if (!PyArray_ISBEHAVED_RO(x)) return false;
    run.length = PyArray_SIZE(x);
    if (PyArray_IS_C_CONTIGUOUS(x)) {
        run.stride = PyArray_ITEMSIZE(x);
        return true;
    }
    npy_intp lengths[NPY_MAXDIMS], strides[NPY_MAXDIMS];
    int axes = 0;
    for (int axis = 0; axis < PyArray_NDIM(x); ++axis) {
        const npy_intp length = PyArray_DIM(x, axis), stride = PyArray_STRIDE(x, axis);
        if (length == 1) continue;
        if (stride == 0) return false;  // stays where C order has it: left to NumPy
        int place = axes++;
        for (; place > 0 && std::abs(strides[place - 1]) < std::abs(stride); --place) {
            lengths[place] = lengths[place - 1];
            strides[place] = strides[place - 1];
        }
        lengths[place] = length;
        strides[place] = stride;
    }
    for (int axis = 0; axis + 1 < axes; ++axis)
        if (strides[axis] != strides[axis + 1] * lengths[axis + 1]) return false;
    run.stride = axes > 0 ? strides[axes - 1] : PyArray_ITEMSIZE(x);
    return true;
}

// The sum of all elements by the inner loop; empty where NumPy's reduction takes another way, or
// has something to say.
template <class T>
Value summed(PyArrayObject* x, const AddLoop& add) {
    Run run;
    if (!add.run || PyArray_NDIM(x) == 0 || PyArray_SIZE(x) == 0 ||
        PyArray_SIZE(x) > direct_sum_limit || !one_run(x, run))
        return {};
    T total = 0;
    char* places[3] = {reinterpret_cast<char*>(&total), static_cast<char*>(PyArray_DATA(x)),
                       reinterpret_cast<char*>(&total)};
    npy_intp strides[3] = {0, run.stride, 0};
    if (flags_raised()) clear_flags();  // by others
    {
        const host::Unlocked unlocked(static_cast<std::size_t>(run.length));
        add.run(places, &run.length, strides, add.data);
    }
    // A sum of negative zeros keeps its sign in NumPy.
    const bool usual = total != 0 && !flags_raised();
    clear_flags();
    if (!usual) return {};
    if constexpr (std::is_same_v<T, double>) return Value::strong(total);
    return take_result(PyArray_Scalar(&total, PyArray_DESCR(x), nullptr));
}

constexpr npy_intp longest_row = 128;  // beyond it NumPy halves the row
double sum_of_nothing = 0.0;           // -0 if NumPy's sums along an axis begin so

template <class T, int length>
void sum_rows(const T* from, npy_intp rows, T* to) {
    const T none = static_cast<T>(sum_of_nothing);
    for (npy_intp row = 0; row < rows; ++row, from += length) {
        T total = from[0];
        for (int i = 1; i < length; ++i) total += from[i];
        to[row] = total + none;
    }
}

// Rows of eight elements and more: eight sums side by side, as NumPy has them.
template <class T>
void sum_long_rows(const T* from, npy_intp length, npy_intp rows, T* to) {
    const T none = static_cast<T>(sum_of_nothing);
    for (npy_intp row = 0; row < rows; ++row, from += length) {
        T sums[8];
        std::copy_n(from, 8, sums);
        npy_intp i = 8;
        for (; i + 8 <= length; i += 8)
            for (npy_intp k = 0; k < 8; ++k) sums[k] += from[i + k];
        T total = ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
                  ((sums[4] + sums[5]) + (sums[6] + sums[7]));
        for (; i < length; ++i) total += from[i];
        to[row] = total + none;
    }
}

// Sums along a short last axis, in the order of NumPy's reduction, which needs some ten to fifty
// nanoseconds more a row. Empty where it takes them in another way, or has something to say.
template <class T>
Value summed_rows(PyArrayObject* x, bool keepdims) {
    const int rank = PyArray_NDIM(x);
    if (rank < 2 || !PyArray_ISCARRAY_RO(x) || PyArray_SIZE(x) == 0) return {};
    const npy_intp length = PyArray_DIM(x, rank - 1);
    if (length > longest_row) return {};
    npy_intp shape[NPY_MAXDIMS];
    std::copy_n(PyArray_DIMS(x), rank, shape);
    shape[rank - 1] = 1;
    Ref sums = checked(new_ndarray(PyArray_TYPE(x), keepdims ? rank : rank - 1, shape));
    const npy_intp rows = PyArray_SIZE(x) / length;
    const auto* from = static_cast<const T*>(PyArray_DATA(x));
    auto* to = static_cast<T*>(PyArray_DATA(array(sums.get())));
    const host::Unlocked unlocked(static_cast<std::size_t>(PyArray_SIZE(x)));
    if (flags_raised()) clear_flags();  // by others
    switch (length) {
        case 1: sum_rows<T, 1>(from, rows, to); break;
        case 2: sum_rows<T, 2>(from, rows, to); break;
        case 3: sum_rows<T, 3>(from, rows, to); break;
        case 4: sum_rows<T, 4>(from, rows, to); break;
        case 5: sum_rows<T, 5>(from, rows, to); break;
        case 6: sum_rows<T, 6>(from, rows, to); break;
        case 7: sum_rows<T, 7>(from, rows, to); break;
        default: sum_long_rows<T>(from, length, rows, to);
    }
    const bool usual = !flags_raised();
    clear_flags();
    return usual ? Value::take(core(sums.release())) : Value();
}

// Whether this is the last axis, said by its number.
bool is_last_axis(const Value& axis, int rank) {
    return axis.kind() == Kind::Integer && (axis.number() == -1.0 || axis.number() == rank - 1.0);
}

Value forward_sum(const Op& op, const Value* values, std::size_t count) {
    const Value& a = values[0];
    const bool all = count < 2 || values[1].empty() || is_none(values[1]);
    bool keepdims = false;
    if (count > 4 && !values[4].empty()) {
        PyObject* given = values[4].is_object() ? py(values[4].object()) : nullptr;
        if (given != Py_True && given != Py_False && values[4].kind() != Kind::Integer)
            return call_structural(op, values, count);  // no truth value: NumPy says so
        keepdims = given ? given == Py_True : values[4].number() != 0.0;
    }
    if (a.is_object() && Py_TYPE(py(a.object())) == &PyArray_Type) {
        PyArrayObject* x = array(py(a.object()));
        if (all && !keepdims) {
            Value total;
            if (PyArray_TYPE(x) == NPY_FLOAT64) total = summed<double>(x, add64);
            if (PyArray_TYPE(x) == NPY_FLOAT32) total = summed<float>(x, add32);
            if (!total.empty()) return total;
        }
        if (!all && is_last_axis(values[1], PyArray_NDIM(x))) {
            Value sums;
            if (PyArray_TYPE(x) == NPY_FLOAT64) sums = summed_rows<double>(x, keepdims);
            if (PyArray_TYPE(x) == NPY_FLOAT32) sums = summed_rows<float>(x, keepdims);
            if (!sums.empty()) return sums;
        }
        Ref axis(all ? Py_NewRef(Py_None) : to_object(values[1]));
        const Ref room = room_in_order(op, values, count);
        PyObject* args[5] = {py(a.object()), axis.get(), Py_None, or_none(room),
                             keepdims ? Py_True : Py_False};
        return take_result(PyObject_Vectorcall(add_reduce, args, 5, nullptr));
    }
    if (a.is_number() && all && !keepdims) return Value::strong(a.number() + 0.0);
    return call_structural(op, values, count);
}

// Two matrices by the ufunc's own loop, which runs once; empty where NumPy takes another way, or
// has something to say. An axis of length one has no stride there: left to it.
Value product_of_matrices(const Op& op, const Value* values) {
    PyArrayObject* x[2];
    for (int k = 0; k < 2; ++k) {
        if (!values[k].is_object() || Py_TYPE(py(values[k].object())) != &PyArray_Type) return {};
        x[k] = array(py(values[k].object()));
        if (PyArray_NDIM(x[k]) != 2 || PyArray_DIM(x[k], 0) < 2 || PyArray_DIM(x[k], 1) < 2 ||
            !PyArray_ISBEHAVED_RO(x[k]))
            return {};
    }
    const int type = PyArray_TYPE(x[0]);
    const Hosted* own = hosted(op);
    const PyUFuncGenericFunction loop = type == NPY_FLOAT64   ? own->loop64
                                        : type == NPY_FLOAT32 ? own->loop32
                                                              : nullptr;
    if (!loop || PyArray_TYPE(x[1]) != type || PyArray_DIM(x[0], 1) != PyArray_DIM(x[1], 0))
        return {};
    const npy_intp shape[2] = {PyArray_DIM(x[0], 0), PyArray_DIM(x[1], 1)};
    Ref result = checked(new_ndarray(type, 2, shape));
    const npy_intp lengths[4] = {1, shape[0], PyArray_DIM(x[0], 1), shape[1]};
    PyArrayObject* const operands[3] = {x[0], x[1], array(result.get())};
    char* places[3];
    npy_intp strides[9] = {};  // from one product to the next, then along the axes of each
    for (int k = 0; k < 3; ++k) {
        places[k] = PyArray_BYTES(operands[k]);
        std::copy_n(PyArray_STRIDES(operands[k]), 2, strides + 3 + 2 * k);
    }
    if (flags_raised_float32()) clear_flags();  // by others
    {
        const host::Unlocked unlocked(
            static_cast<std::size_t>(lengths[1] * lengths[2] * lengths[3]));
        loop(places, lengths, strides, type == NPY_FLOAT64 ? own->data64 : own->data32);
    }
    if (flags_raised_float32()) {
        clear_flags();
        return {};
    }
    return Value::take(core(result.release()));
}

Value forward_matmul(const Op& op, const Value* values, std::size_t count) {
    if (count == 2)
        if (Value product = product_of_matrices(op, values); !product.empty()) return product;
    // Of a vector one axis, of others two; the result has one for each matrix.
    int core[2] = {0, 0}, result_core = 0;
    for (std::size_t k = 0; k < std::min<std::size_t>(count, 2); ++k) {
        core[k] = std::min(host::describe(values[k]).rank, 2);
        result_core += core[k] == 2;
    }
    Ref room;
    if (count == 2) room = room_as_operands(op, values, count, core, result_core);
    if (!room) return call_structural(op, values, count);
    const Value operands[3] = {values[0], values[1], Value::take(python::core(room.release()))};
    return call(hosted(op)->function, operands, 3, nullptr);
}

// Elements of two arrays of one shape and type, or of numbers, by a mask of that shape.
template <class T>
void choose(const npy_bool* mask, const T* x, std::size_t dx, const T* y, std::size_t dy, T* out,
            std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) out[i] = mask[i] ? x[i * dx] : y[i * dy];
}

template <class T>
Value where_of(PyArrayObject* mask, const Value* sides, Ref room) {
    const int type_number = PyArray_TYPE(array(room.get()));
    T numbers[2];
    const T* places[2];
    std::size_t steps[2];
    for (int i = 0; i < 2; ++i) {
        if (sides[i].is_number()) {
            numbers[i] = static_cast<T>(sides[i].number());
            if (std::isinf(numbers[i]) && !std::isinf(sides[i].number())) return {};
            places[i] = &numbers[i];
            steps[i] = 0;
            continue;
        }
        if (!readable(sides[i])) return {};
        PyArrayObject* a = array(py(sides[i].object()));
        if (PyArray_TYPE(a) != type_number || !same_dims(a, mask)) return {};
        places[i] = static_cast<const T*>(PyArray_DATA(a));
        steps[i] = 1;
    }
    const auto size = static_cast<std::size_t>(PyArray_SIZE(mask));
    const host::Unlocked unlocked(size);
    choose(static_cast<const npy_bool*>(PyArray_DATA(mask)), places[0], steps[0], places[1],
           steps[1], static_cast<T*>(PyArray_DATA(array(room.get()))), size);
    return Value::take(core(room.release()));
}

// NumPy's takes no array to write to.
Value forward_where(const Op& op, const Value* values, std::size_t count) {
    if (count == 3 && readable(values[0])) {
        PyArrayObject* mask = array(py(values[0].object()));
        Ref room = PyArray_TYPE(mask) == NPY_BOOL ? room_for(op, values, count) : Ref();
        Value result;
        if (room && same_dims(mask, array(room.get()))) {
            const int type = PyArray_TYPE(array(room.get()));
            if (type == NPY_FLOAT64)
                result = where_of<double>(mask, values + 1, std::move(room));
            else if (type == NPY_FLOAT32)
                result = where_of<float>(mask, values + 1, std::move(room));
        }
        if (!result.empty()) return result;
    }
    return call_structural(op, values, count);
}

Value forward_dot(const Op& op, const Value* values, std::size_t count) {
    if (count == 2 && values[0].is_object() && values[1].is_object() &&
        Py_TYPE(py(values[0].object())) == &PyArray_Type &&
        Py_TYPE(py(values[1].object())) == &PyArray_Type) {
        const Ref room = room_for(op, values, count);  // it gives C order, whatever theirs is
        PyObject* product = PyArray_MatrixProduct2(py(values[0].object()), py(values[1].object()),
                                                   room ? array(room.get()) : nullptr);
        if (product && PyArray_Check(product)) product = PyArray_Return(array(product));
        return take_result(product);
    }
    return call_structural(op, values, count);
}

Ref tuple_of(const Value* values, std::size_t count) {
    Ref tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(count)));
    for (std::size_t i = 0; i < count; ++i)
        PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), to_object(values[i]));
    return tuple;
}

// The arrays are the arguments, after the axis.
Value forward_join(const Op& op, const Value* values, std::size_t count) {
    Ref parts = tuple_of(values + 1, count - 1);
    const Value args[2] = {Value::take(core(parts.release())), values[0]};
    return call(hosted(op)->function, args, args[1].empty() ? 1 : 2, nullptr);
}

// Arrays of one type that lie in C order, along an axis of theirs: lines of each, one after the
// other. Null for others. Small ones too: NumPy pays for each.
Ref joined(const Op& op, const Value* values, std::size_t count) {
    constexpr npy_intp worth_it = 64;  // bytes of a line
    if (count < 2 || !(values[0].empty() || values[0].kind() == Kind::Integer)) return {};
    int type = NPY_NOTYPE;
    for (std::size_t i = 1; i < count; ++i) {
        if (!readable(values[i])) return {};
        PyArrayObject* part = array(py(values[i].object()));
        if (i == 1) type = PyArray_TYPE(part);
        const npy_intp* strides = PyArray_STRIDES(part);
        if (PyArray_TYPE(part) != type ||  // NumPy looks at the strides of short axes as well
            !std::is_sorted(strides, strides + PyArray_NDIM(part), std::greater<npy_intp>()))
            return {};
    }
    Aval whole;
    if ((type != NPY_FLOAT64 && type != NPY_FLOAT32) || !aval_of(op, values, count, whole) ||
        whole.rank > NPY_MAXDIMS)
        return {};
    const npy_intp given = values[0].empty() ? 0 : static_cast<npy_intp>(values[0].number());
    const npy_intp axis = given < 0 ? given + whole.rank : given;
    npy_intp lines = 1;
    for (npy_intp i = 0; i < axis; ++i) lines *= whole.shape[i];
    if (lines == 0) return {};
    const auto source = [values](std::size_t i) { return array(py(values[i].object())); };
    for (std::size_t i = 1; i < count && lines > 1; ++i)
        if (PyArray_NBYTES(source(i)) < worth_it * lines) return {};
    Ref result = checked(new_ndarray(type, whole.rank, whole.shape));
    auto* to = static_cast<char*>(PyArray_DATA(array(result.get())));
    const host::Unlocked unlocked(static_cast<std::size_t>(PyArray_SIZE(array(result.get()))));
    for (npy_intp line = 0; line < lines; ++line)
        for (std::size_t i = 1; i < count; ++i) {
            const npy_intp bytes = PyArray_NBYTES(source(i)) / lines;
            if (bytes == 0) continue;
            std::memcpy(to, PyArray_BYTES(source(i)) + line * bytes,
                        static_cast<std::size_t>(bytes));
            to += bytes;
        }
    return result;
}

Value forward_concatenate(const Op& op, const Value* values, std::size_t count) {
    if (Ref result = joined(op, values, count)) return Value::take(core(result.release()));
    Ref room = room_in_order(op, values, count);
    if (!room) return forward_join(op, values, count);
    static PyObject* const names = Py_BuildValue("(s)", "out");
    Ref parts = tuple_of(values + 1, count - 1);
    const Value args[3] = {Value::take(core(parts.release())),
                           values[0].empty() ? Value::integer(0) : values[0],
                           Value::take(core(room.release()))};
    return call(hosted(op)->function, args, 3, names);
}

// Arrays of one type and shape that lie in C order, along a new first axis; null for others. Small
// ones too: NumPy pays for each.
Ref stacked(const Op& op, const Value* values, std::size_t count) {
    if (values[0].kind() != Kind::Integer || values[0].number() != 0.0 || count < 2) return {};
    if (!readable(values[1])) return {};
    PyArrayObject* first = array(py(values[1].object()));
    const int rank = PyArray_NDIM(first), type = PyArray_TYPE(first);
    if ((type != NPY_FLOAT64 && type != NPY_FLOAT32) || rank == NPY_MAXDIMS) return {};
    for (std::size_t i = 2; i < count; ++i) {
        if (!readable(values[i])) return {};
        PyArrayObject* a = array(py(values[i].object()));
        if (PyArray_TYPE(a) != type || !same_dims(a, first)) return {};
    }
    Aval whole;
    if (!aval_of(op, values, count, whole)) return {};
    Ref result = checked(new_ndarray(type, whole.rank, whole.shape));
    auto* to = static_cast<char*>(PyArray_DATA(array(result.get())));
    const auto bytes = static_cast<std::size_t>(PyArray_NBYTES(first));
    const host::Unlocked unlocked(static_cast<std::size_t>(PyArray_SIZE(array(result.get()))));
    for (std::size_t i = 1; i < count; ++i, to += bytes)
        std::memcpy(to, PyArray_DATA(array(py(values[i].object()))), bytes);
    return result;
}

Value forward_stack(const Op& op, const Value* values, std::size_t count) {
    if (Ref result = stacked(op, values, count)) return Value::take(core(result.release()));
    bool numbers = values[0].is_number() && count > 1;
    for (std::size_t i = 1; numbers && i < count; ++i) numbers = values[i].is_float();
    if (!numbers) return forward_join(op, values, count);
    npy_intp n = static_cast<npy_intp>(count - 1);
    Ref result = checked(PyArray_EMPTY(1, &n, NPY_FLOAT64, 0));
    auto* data = static_cast<double*>(PyArray_DATA(array(result.get())));
    for (std::size_t i = 1; i < count; ++i) data[i - 1] = values[i].number();
    return Value::take(core(result.release()));
}

Value forward_index(const Op&, const Value* values, std::size_t count) {
    return Value::take(core(tuple_of(values, count).release()));
}

Value forward_getitem(const Op& op, const Value* values, std::size_t count) {
    if (Value taken = taken_at_places(op, values, count); !taken.empty()) return taken;
    Ref whole(to_object(values[0]));
    Ref index(to_object(values[1]));
    return take_result(PyObject_GetItem(whole.get(), index.get()));
}

Value forward_scatter(const Op& op, const Value* values, std::size_t count) {
    Aval whole;
    aval_of(op, values, count, whole);
    return host::scattered(whole.meta(), values[1], values[2]);
}

// A large copy in C order of what lies so, as NumPy's own assignment makes it; null for others.
Ref copied(const Op& op, const Value* values, std::size_t count) {
    if (!readable(values[0])) return {};
    Ref room = room_for(op, values, count);
    if (room && PyArray_CopyInto(array(room.get()), array(py(values[0].object()))) < 0)
        throw HostError();
    return room;
}

// The order of memory that is given, if one is; false for one that NumPy refuses.
bool order_of(const Value& given, NPY_ORDER& order) {
    if (given.empty()) return true;
    const Ref object(to_object(given));
    if (PyArray_OrderConverter(object.get(), &order)) return true;
    PyErr_Clear();
    return false;
}

Value forward_copy(const Op& op, const Value* values, std::size_t count) {
    NPY_ORDER order = NPY_KEEPORDER;
    if (!order_of(count < 2 ? Value() : values[1], order))
        return call_structural(op, values, count);
    if (order != NPY_FORTRANORDER)
        if (Ref result = copied(op, values, count)) return Value::take(core(result.release()));
    if (values[0].is_object() && Py_TYPE(py(values[0].object())) == &PyArray_Type)
        return take_result(PyArray_NewCopy(array(py(values[0].object())), order));
    return call_structural(op, values, count);
}

// An array of numbers as another type of these, in C order: the cast that the method makes. Null
// for others.
Ref cast_to(const Value* values) {
    if (!readable(values[0]) || !values[1].is_object()) return {};
    PyArrayObject* x = array(py(values[0].object()));
    PyArray_Descr* descr = nullptr;
    if (!PyArray_DescrConverter(py(values[1].object()), &descr)) {
        PyErr_Clear();
        return {};
    }
    if (!PyTypeNum_ISNUMBER(PyArray_TYPE(x)) || !PyTypeNum_ISNUMBER(descr->type_num) ||
        !PyArray_ISNBO(descr->byteorder)) {
        Py_DECREF(descr);
        return {};
    }
    return checked(PyArray_CastToType(x, descr, 0));  // takes the reference
}

Value forward_astype(const Op& op, const Value* values, std::size_t count) {
    if (count == 2) {
        if (Ref result = copied(op, values, count)) return Value::take(core(result.release()));
        if (Ref result = cast_to(values)) return Value::take(core(result.release()));
    }
    Ref object(to_object(values[0]));
    if (!PyArray_Check(object.get()) && !PyArray_CheckScalar(object.get()))
        object = checked(PyArray_FROM_O(object.get()));
    Ref method = checked(PyObject_GetAttrString(object.get(), "astype"));
    const bool copy_given = count > 5 && !values[5].empty();
    if (!copy_given) return call(method.get(), values + 1, 1, nullptr);
    Ref names = checked(Py_BuildValue("(s)", "copy"));
    const Value args[2] = {values[1], values[5]};
    return call(method.get(), args, 2, names.get());
}

}  // namespace

void enter_structural() {
    operation(Code::sum).forward = forward_sum;
    operation(Code::dot).forward = forward_dot;
    operation(Code::matmul).forward = forward_matmul;
    operation(Code::where).forward = forward_where;
    operation(Code::concatenate).forward = forward_concatenate;
    operation(Code::stack).forward = forward_stack;
    operation(Code::index).forward = forward_index;
    operation(Code::scatter).forward = forward_scatter;
    operation(Code::astype).forward = forward_astype;
    operation(Code::copy).forward = forward_copy;
    operation(Code::getitem).forward = forward_getitem;
}

PyObject* initialise_structural(PyObject* add) {
    const auto* ufunc = reinterpret_cast<PyUFuncObject*>(add);
    for (int i = 0; i < ufunc->ntypes; ++i) {
        const char* types = ufunc->types + 3 * i;
        if (types[0] != types[1] || types[0] != types[2]) continue;
        AddLoop* own = types[0] == NPY_FLOAT64   ? &add64
                       : types[0] == NPY_FLOAT32 ? &add32
                                                 : nullptr;
        if (own && !own->run) {
            own->run = ufunc->functions[i];
            own->data = ufunc->data ? (void*)ufunc->data[i] : nullptr;
        }
    }
    const npy_intp shape[2] = {1, 2};
    Ref nothing(PyArray_ZEROS(2, const_cast<npy_intp*>(shape), NPY_FLOAT64, 0));
    if (!nothing) return nullptr;
    auto* numbers = static_cast<double*>(PyArray_DATA(array(nothing.get())));
    numbers[0] = numbers[1] = -0.0;
    Ref sum(PyObject_CallMethod(add, "reduce", "Oi", nothing.get(), 1));
    if (!sum) return nullptr;
    sum_of_nothing = *static_cast<double*>(PyArray_DATA(array(sum.get())));
    return Py_NewRef(Py_None);
}

}  // namespace fastad::python
