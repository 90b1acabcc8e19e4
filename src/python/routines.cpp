#include "python/routines.hpp"

#include <algorithm>
#include <cstring>

#include "host/programs.hpp"
#include "python/loops.hpp"
#include "python/primitive.hpp"
#include "python/transforms.hpp"

namespace fastad::python {

namespace {

DType dtype_of_loop(char type) {
    switch (type) {
        case NPY_FLOAT64: return DType::Float64;
        case NPY_COMPLEX128: return DType::Complex128;
        default: return DType::Other;
    }
}

// The loop for arguments that are all of one type; false where the ufunc has none, or is not of the
// form that routines have.
bool routine_of(const PyUFuncObject* ufunc, char type, Routine& routine) {
    const auto count = static_cast<std::size_t>(ufunc->nargs);
    const auto arguments = static_cast<std::size_t>(ufunc->nin);
    if (!ufunc->core_enabled || count > Routine::most_operands ||
        static_cast<std::size_t>(ufunc->core_num_dim_ix) > Routine::most_names)
        return false;
    routine.arguments = arguments;
    routine.results = count - arguments;
    routine.names = static_cast<std::size_t>(ufunc->core_num_dim_ix);
    std::vector<bool> known(routine.names, false);
    for (std::size_t k = 0; k < count; ++k) {
        const int rank = ufunc->core_num_dims[k];
        if (static_cast<std::size_t>(rank) > Routine::most_axes) return false;
        routine.operands[k].rank = static_cast<std::uint8_t>(rank);
        for (int axis = 0; axis < rank; ++axis) {
            const auto name =
                static_cast<std::size_t>(ufunc->core_dim_ixs[ufunc->core_offsets[k] + axis]);
            if (k >= arguments && !known[name]) return false;  // a length of the ufunc's own
            known[name] = true;
            routine.operands[k].axes[axis] = static_cast<std::uint8_t>(name);
        }
    }
    for (int i = 0; i < ufunc->ntypes; ++i) {
        const char* types = ufunc->types + static_cast<std::size_t>(i) * count;
        if (!std::all_of(types, types + arguments, [type](char own) { return own == type; }))
            continue;
        for (std::size_t k = 0; k < count; ++k) {
            routine.operands[k].dtype = dtype_of_loop(types[k]);
            if (routine.operands[k].dtype == DType::Other) return false;
        }
        routine.run = reinterpret_cast<decltype(Routine::run)>(ufunc->functions[i]);
        routine.data = ufunc->data ? const_cast<void*>(ufunc->data[i]) : nullptr;
        return routine.run != nullptr;
    }
    return false;
}

bool same_option(PyObject* own, const Value& given) {
    Ref option(to_object(given));
    if (option.get() == own) return true;
    return PyUnicode_CheckExact(own) && PyUnicode_CheckExact(option.get()) &&
           PyUnicode_Compare(own, option.get()) == 0;
}

const Routine* pick(const Routines& routines, const Meta* metas, const Value* values,
                    std::size_t count, RoutineShape& shape) {
    for (const Routines::Entry& entry : routines.entries) {
        if (count != entry.routine.arguments + (entry.option ? 1 : 0)) continue;
        if (entry.option && !same_option(entry.option.get(), values[count - 1])) continue;
        if (fits(entry.routine, metas, shape)) return &entry.routine;
    }
    return nullptr;
}

// All of them in double precision, if all are in single: NumPy computes in double.
bool widen(const Value* values, std::size_t count, Value* wide) {
    for (std::size_t k = 0; k < count; ++k) {
        if (!values[k].is_object()) return false;
        PyObject* object = py(values[k].object());
        if (Py_TYPE(object) != &PyArray_Type || PyArray_TYPE(array(object)) != NPY_FLOAT32)
            return false;
    }
    for (std::size_t k = 0; k < count; ++k)
        wide[k] = take_result(PyArray_CastToType(array(py(values[k].object())),
                                                 PyArray_DescrFromType(NPY_FLOAT64), 0));
    return true;
}

// In single precision. Warnings are for NumPy's function to give.
Ref narrowed(PyArrayObject* wide) {
    Ref result = checked(new_ndarray(NPY_FLOAT32, PyArray_NDIM(wide), PyArray_DIMS(wide)));
    const auto* from = static_cast<const double*>(PyArray_DATA(wide));
    auto* to = static_cast<float*>(PyArray_DATA(array(result.get())));
    const npy_intp size = PyArray_SIZE(wide);
    for (npy_intp i = 0; i < size; ++i) to[i] = static_cast<float>(from[i]);
    return result;
}

}  // namespace

PyObject* give_routines(PyObject* primitive, PyObject* entries, PyObject* result) {
    return guarded([&]() -> PyObject* {
        auto routines = std::make_unique<Routines>();
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(entries); ++i) {
            PyObject* option = PyTuple_GET_ITEM(PyTuple_GET_ITEM(entries, i), 0);
            PyObject* source = PyTuple_GET_ITEM(PyTuple_GET_ITEM(entries, i), 1);
            auto add = [&](const Routine& routine) {
                Routines::Entry entry;
                if (option != Py_None) entry.option = Ref(Py_NewRef(option));
                entry.routine = routine;
                // Which of several it is, is decided by the ranks of single matrices.
                const Py_ssize_t next = i + 1;
                if (option == Py_None && next < PyTuple_GET_SIZE(entries) &&
                    !PyUnicode_Check(source))
                    entry.routine.stacks = false;
                routines->options = routines->options || entry.option;
                routines->entries.push_back(std::move(entry));
            };
            if (PyUnicode_Check(source)) {
                const char* name = PyUnicode_AsUTF8(source);
                const Routine* own = name ? own_routine(name) : nullptr;
                if (own) add(*own);
                continue;
            }
            if (PyTuple_Check(source)) {
                Routine routine;
                if (!transform_routine(source, routine)) continue;
                Py_INCREF(source);
                add(routine);
                continue;
            }
            if (!PyObject_TypeCheck(source, &PyUFunc_Type)) continue;
            for (const char type : {char(NPY_FLOAT64), char(NPY_COMPLEX128)}) {
                Routine routine;
                if (routine_of(reinterpret_cast<PyUFuncObject*>(source), type, routine))
                    add(routine);
            }
            Py_INCREF(source);  // its loops are used as long as the process lives
        }
        std::vector<Routines::Entry>& all = routines->entries;
        for (std::size_t i = 0; i + 1 < all.size(); ++i)
            for (std::size_t next = all.size() - 1; next > i; --next)
                if (!all[i].option && all[i].routine.same_operands(all[next].routine))
                    all[i].routine.otherwise = &all[next].routine;
        if (result != Py_None) {
            Py_INCREF(result);
            routines->result = reinterpret_cast<PyTypeObject*>(result);
        }
        reinterpret_cast<PrimitiveObject*>(primitive)->owned->pure = true;
        hosted(op_of(primitive))->routines = routines.release();
        return Py_NewRef(Py_None);
    });
}

void set_moves(PyObject* primitive) noexcept {
    Op* op = reinterpret_cast<PrimitiveObject*>(primitive)->owned;
    op->pure = op->moves = true;
}

Value run_routine(const Op& op, const Value* values, std::size_t count) {
    const Routines& routines = *hosted(op)->routines;
    const std::size_t arguments = count - (routines.options ? 1 : 0);
    if (arguments == 0 || arguments > Routine::most_operands) return {};
    Meta metas[Routine::most_operands];
    View views[Routine::most_operands];
    Value wide[Routine::most_operands];
    const bool single = widen(values, arguments, wide);
    for (std::size_t k = 0; k < arguments; ++k) {
        const Value& value = single ? wide[k] : values[k];
        if (!value.is_object() || Py_TYPE(py(value.object())) != &PyArray_Type) return {};
        views[k] = host::describe(value);
        if (!views[k].usable) return {};
        metas[k] = {views[k].dtype, true, views[k].rank, views[k].shape};
    }
    RoutineShape shape;
    const Routine* routine = pick(routines, metas, values, count, shape);
    if (!routine) return {};

    char* places[Routine::most_operands];
    Extent strides[Routine::most_operands * (1 + Routine::most_axes)];
    Ref results[Routine::most_operands];
    double numbers[Routine::most_operands];
    for (std::size_t k = 0; k < arguments; ++k) {
        if (shape.stack_rank && !host::describe(values[k]).contiguous) return {};
        places[k] = views[k].data;
        shape.strides_of(*routine, k, views[k].strides, strides);
    }
    for (std::size_t r = 0; r < routine->results; ++r) {
        const std::size_t k = arguments + r;
        const Routine::Operand& own = routine->operands[k];
        Extent lengths[NPY_MAXDIMS];
        const int rank = shape.shape_of(own, lengths);
        if (rank == 0 && own.dtype == DType::Float64 && !single) {
            places[k] = reinterpret_cast<char*>(&numbers[r]);
        } else {
            const int type = own.dtype == DType::Float64 ? NPY_FLOAT64 : NPY_COMPLEX128;
            results[r] = checked(new_ndarray(type, rank, lengths));
            places[k] = static_cast<char*>(PyArray_DATA(array(results[r].get())));
        }
        shape.strides_of(*routine, k, nullptr, strides);
    }
    if (flags_raised()) clear_flags();  // by others
    bool failed;
    {
        const host::Unlocked unlocked(shape.work);
        failed = !(*routine)(places, shape.lengths, strides);
    }
    if (failed || flags_raised()) {
        clear_flags();
        return {};
    }
    for (std::size_t r = 0; r < routine->results; ++r) {
        if (!results[r]) continue;
        if (single) {
            results[r] = narrowed(array(results[r].get()));
            if (flags_raised()) {  // too large, or too small, for single precision
                clear_flags();
                return {};
            }
        }
        if (PyArray_NDIM(array(results[r].get())) == 0)
            results[r] = checked(PyArray_Return(array(results[r].release())));
    }
    if (!routines.result)
        return results[0] ? take_result(results[0].release()) : Value::strong(numbers[0]);
    Ref items = checked(PyTuple_New(static_cast<Py_ssize_t>(routine->results)));
    for (std::size_t r = 0; r < routine->results; ++r)
        PyTuple_SET_ITEM(items.get(), static_cast<Py_ssize_t>(r),
                         results[r] ? results[r].release() : to_object(Value::strong(numbers[r])));
    if (routines.result == &PyTuple_Type) return Value::take(core(items.release()));
    // As NumPy makes it: who observes which Python code runs sees the same.
    PyObject* type = reinterpret_cast<PyObject*>(routines.result);
    return Value::take(core(checked(PyObject_CallObject(type, items.get())).release()));
}

}  // namespace fastad::python

namespace fastad::host {

const Routine* routine(const Op& op, const Meta* metas, const Value* values, std::size_t count,
                       RoutineShape& shape) {
    if (op.hosted && op.kind() == OpKind::Structural) {  // matmul, of stacks
        constexpr Routine::Operand rows{DType::Float64, 2, {0, 1}},
            columns{DType::Float64, 2, {1, 2}};
        static const Routine product = [&] {
            Routine made;
            const InnerLoop loop = inner_loop(op, DType::Float64);
            made.run = loop.run;
            made.data = loop.data;
            made.operands[0] = rows;
            made.operands[1] = columns;
            made.operands[2] = {DType::Float64, 2, {0, 2}};
            made.arguments = 2;
            made.results = 1;
            made.names = 3;
            return made;
        }();
        return product.run && count == 2 && fits(product, metas, shape) ? &product : nullptr;
    }
    const python::Hosted* own = python::hosted(op);
    if (!own || !own->routines) return nullptr;
    return python::pick(*own->routines, metas, values, count, shape);
}

}  // namespace fastad::host
