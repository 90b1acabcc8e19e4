// Registered operations along axes of an array, by formulas: their values, and what comes back.
#include "python/formula_along.hpp"
#include "python/loops.hpp"

namespace fastad::python {

namespace {

// What one is applied to, and the shape of what there is for each line of it.
struct Layout {
    Along along;
    int rank = 0;
    npy_intp shape[NPY_MAXDIMS];
};

// Which axes: all for None. False for what NumPy would refuse, or take for something else.
bool find_axes(const Value& axis, int rank, bool* reduced) {
    auto add = [&](long number) {
        if (number < 0) number += rank;
        if (number < 0 || number >= rank) return false;
        bool& own = reduced[number];
        const bool fresh = !own;
        own = true;
        return fresh;
    };
    if (axis.kind() == Kind::Integer)
        return std::abs(axis.number()) <= rank && add(static_cast<long>(axis.number()));
    if (!axis.is_object()) return false;
    PyObject* object = py(axis.object());
    if (object == Py_None) {
        std::fill_n(reduced, rank, true);
        return true;
    }
    if (!PyTuple_CheckExact(object)) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i) {
        PyObject* item = PyTuple_GET_ITEM(object, i);
        if (!PyLong_CheckExact(item)) return false;
        int overflow;
        const long number = PyLong_AsLongAndOverflow(item, &overflow);
        if (overflow || !add(number)) return false;
    }
    return true;
}

// False unless the axes are neighbours, beside those of length one.
bool find_lines(PyArrayObject* a, const bool* reduced, Along& along) {
    along = {};
    bool any = false;
    for (int axis = 0; axis < PyArray_NDIM(a); ++axis) {
        const auto length = static_cast<std::size_t>(PyArray_DIM(a, axis));
        if (length == 1) continue;
        if (!reduced[axis]) {
            (any ? along.inner : along.outer) *= length;
        } else {
            if (along.inner != 1) return false;
            along.length *= length;
            any = true;
        }
    }
    return true;
}

bool find_layout(const Op& op, const Value* values, std::size_t count, Layout& layout) {
    const Formulas::Axes& axes = hosted(op)->formulas->along;
    if (count != axes.count || !readable(values[0])) return false;
    PyArrayObject* a = array(py(values[0].object()));
    if (PyArray_TYPE(a) != NPY_FLOAT64 || PyArray_SIZE(a) == 0) return false;
    if (static_cast<std::size_t>(PyArray_SIZE(a)) > Along::most) return false;
    bool keepdims = false;
    for (std::size_t k = 1; k < count; ++k) {
        if (k == axes.axis) continue;
        if (!values[k].is_object()) return false;
        PyObject* option = py(values[k].object());
        if (k == axes.keepdims && option == Py_True)
            keepdims = true;
        else if (option != Py_False && (option != Py_None || k == axes.keepdims))
            return false;
    }
    bool reduced[NPY_MAXDIMS] = {};
    const int rank = PyArray_NDIM(a);
    if (!find_axes(values[axes.axis], rank, reduced)) return false;
    for (int axis = 0; axis < rank; ++axis)
        if (!reduced[axis] || keepdims)
            layout.shape[layout.rank++] = reduced[axis] ? 1 : PyArray_DIM(a, axis);
    return find_lines(a, reduced, layout.along);
}

// The elements of a result or its cotangent, of which there are so many; null where these are not
// numbers of float64 in C order. A copy is kept in `copy`.
const double* elements(const Value& value, std::size_t count, Ref& copy) {
    if (value.is_float()) return count == 1 ? value.number_address() : nullptr;
    if (!value.is_object() || Py_TYPE(py(value.object())) != &PyArray_Type) return nullptr;
    PyArrayObject* a = array(py(value.object()));
    if (PyArray_TYPE(a) != NPY_FLOAT64 || PyArray_NDIM(a) == 0) return nullptr;
    if (static_cast<std::size_t>(PyArray_SIZE(a)) != count) return nullptr;
    if (!readable(value)) {
        copy = checked(PyArray_NewCopy(a, NPY_CORDER));
        a = array(copy.get());
        if (!PyArray_ISNOTSWAPPED(a)) return nullptr;
    }
    return static_cast<const double*>(PyArray_DATA(a));
}

bool run(const Formulas::Argument& argument, const double* const* given, const Along& along,
         bool exact, double* out) {
    for (const Formula& formula : argument.formulas)
        if (run_along(formula, given, along, exact, out))
            return true;
        else if (exact && flags_raised())
            return false;
    return false;
}

}  // namespace

Value value_along(const Op& op, const Value* values, std::size_t count) {
    Layout layout;
    if (!find_layout(op, values, count, layout)) return {};
    const Formulas::Argument* own = value_formulas(op, count);
    if (!own) return {};
    PyArrayObject* a = array(py(values[0].object()));
    const bool full = own->formulas[0].extent == Extent::Full;
    const bool number = !full && layout.rank == 0;
    Ref result;
    double only = 0.0;
    double* out = &only;
    if (!number) {
        result = checked(new_ndarray(NPY_FLOAT64, full ? PyArray_NDIM(a) : layout.rank,
                                     full ? PyArray_DIMS(a) : layout.shape));
        out = static_cast<double*>(PyArray_DATA(array(result.get())));
    }
    const double* const given[along_given] = {static_cast<const double*>(PyArray_DATA(a))};
    if (flags_raised()) clear_flags();  // by others
    const bool done = run(*own, given, layout.along, true, out);
    const bool flagged = flags_raised();
    if (flagged) clear_flags();
    if (!done || flagged) return {};
    return number ? Value::strong(only) : take_result(result.release());
}

}  // namespace fastad::python

namespace fastad::host {

using namespace python;

bool along_axes(const Op& op) noexcept {
    const Hosted* own = op.pointwise ? hosted(op) : nullptr;
    return own && own->formulas && own->formulas->along;
}

bool suits_along(const Op& op, const Value* values, std::size_t count, const Value& ans) {
    Layout layout;
    if (!find_layout(op, values, count, layout)) return false;
    const Formulas::Argument* own = value_formulas(op, count);
    if (!own) return false;
    Ref copy;
    return elements(ans, layout.along.of(own->formulas[0].extent), copy) && !copy;
}

bool cotangent_along(const Op& op, const Value* values, std::size_t count, const Value& g,
                     double* out) {
    Layout layout;
    const Formulas::OfType* known = formulas_of(op, DType::Float64);
    if (!known || !find_layout(op, values, count, layout)) return false;
    const Formulas::Argument* value = value_formulas(op, count);
    if (!value) return false;
    const std::size_t size = layout.along.of(value->formulas[0].extent);
    Ref copies[2];
    const double* const given[along_given] = {
        static_cast<const double*>(PyArray_DATA(array(py(values[0].object())))),
        elements(values[count], size, copies[0]), elements(g, size, copies[1])};
    if (!given[1] || !given[2]) return false;
    const bool done = run(known->arguments[0], given, layout.along, false, out);
    if (flags_raised()) clear_flags();
    return done;
}

}  // namespace fastad::host
