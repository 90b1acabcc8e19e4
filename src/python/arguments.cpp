// The arguments of a call, brought to what an operation takes.
#include "python/arguments.hpp"

#include <algorithm>
#include <cstring>

#include "python/axis_order.hpp"

namespace fastad::python {

namespace {

// Whether a refused argument has the value that means the default, so that it can be left out.
bool says_nothing(PyObject* parameter, PyObject* value) {
    auto is = [parameter](const char* name) {
        return PyUnicode_CompareWithASCIIString(parameter, name) == 0;
    };
    if (value == Py_None || !std::strcmp(Py_TYPE(value)->tp_name, "numpy._NoValueType"))
        return true;
    if (is("where")) return value == Py_True;
    if (is("subok")) return PyBool_Check(value);     // boxes hold plain arrays
    if (is("order")) return PyUnicode_Check(value);  // of memory: the values are the same
    if (is("casting"))
        return PyUnicode_Check(value) &&
               (PyUnicode_CompareWithASCIIString(value, "unsafe") == 0 ||
                PyUnicode_CompareWithASCIIString(value, "same_kind") == 0);
    return false;
}

// The axes of an array from the outermost in memory.
std::vector<Extent> in_memory_order(const View& view) {
    AxisOrder order(view.rank);
    order.add(view.rank, view.shape, view.strides);
    int inward[NPY_MAXDIMS];
    order.inward(inward);
    std::vector<Extent> axes(inward, inward + view.rank);
    std::reverse(axes.begin(), axes.end());
    return axes;
}

// 'A' and 'K' depend on how the array lies in memory, which its cotangent need not share: they are
// replaced by what they stand for here, a transposition and 'C' or 'F'.
Ref resolved_order(PyObject* order, PyObject*& array, std::vector<Ref>& kept) {
    const char* text = PyUnicode_Check(order) ? PyUnicode_AsUTF8(order) : "";
    if (!text) throw HostError();
    if (std::strcmp(text, "A") != 0 && std::strcmp(text, "K") != 0) return Ref(Py_NewRef(order));
    const Value value = to_value(array);
    const View view = host::describe(innermost(value));
    const char* resolved = "C";
    if (view.array && text[0] == 'A') {
        auto* a = reinterpret_cast<PyArrayObject*>(py(innermost(value).object()));
        if (PyArray_IS_F_CONTIGUOUS(a) && !PyArray_IS_C_CONTIGUOUS(a)) resolved = "F";
    } else if (view.array && !view.contiguous) {
        const std::vector<Extent> axes = in_memory_order(view);
        kept.emplace_back(to_object(shaped::transpose(value, axes.data(), view.rank)));
        array = kept.back().get();
    }
    return checked(PyUnicode_FromString(resolved));
}

}  // namespace

bool as_call(PyObject* const* args, Py_ssize_t positional, PyObject* kwnames, Ref& given,
             Ref& named) {
    given = Ref(PyTuple_New(positional));
    named = Ref(PyDict_New());
    if (!given || !named) return false;
    for (Py_ssize_t i = 0; i < positional; ++i)
        PyTuple_SET_ITEM(given.get(), i, Py_NewRef(args[i]));
    for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); ++i)
        if (PyDict_SetItem(named.get(), PyTuple_GET_ITEM(kwnames, i), args[positional + i]) < 0)
            return false;
    return true;
}

bool bind_arguments(PrimitiveObject* self, PyObject* const* args, Py_ssize_t positional,
                    PyObject* kwnames, Bound& bound) {
    const Hosted* own = hosted(*self->op);
    const std::size_t parameters = own->parameters.size();
    if (static_cast<std::size_t>(positional) > parameters) return false;
    bound.assign(parameters);
    for (Py_ssize_t i = 0; i < positional; ++i) bound[static_cast<std::size_t>(i)] = args[i];
    const Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t i = 0; i < named; ++i) {
        PyObject* name = PyTuple_GET_ITEM(kwnames, i);
        std::size_t place = 0;
        while (place < parameters && own->parameters[place] != name &&
               PyUnicode_Compare(own->parameters[place], name) != 0)
            ++place;
        if (place == parameters || bound[place]) return false;
        bound[place] = args[positional + i];
    }
    for (std::size_t i = 0; i < parameters; ++i) {
        if (!bound[i] || self->op->structural.parameter(i)->kind != Argument::Refused) continue;
        if (!says_nothing(own->parameters[i], bound[i])) return false;
        bound[i] = nullptr;
    }
    bound.drop_omitted();
    return bound.size() > 0 && bound[0];
}

void settle_static(const Op& op, Bound& bound, std::vector<Ref>& kept) {
    for (std::size_t i = 1; i < bound.size(); ++i) {
        const Argument kind = op.structural.parameter(i)->kind;
        if (!bound[i] || kind == Argument::Differentiable || kind == Argument::Discrete) continue;
        Ref settled;
        if (kind == Argument::Order) {
            settled = resolved_order(bound[i], bound[0], kept);
        } else if (is_box(bound[i])) {
            settled = Ref(to_object(read(to_value(bound[i]), Read::Integers)));
        } else if (kind == Argument::Lengths &&
                   (PyList_Check(bound[i]) || PyArray_Check(bound[i])) &&
                   PySequence_Check(bound[i])) {
            settled = Ref(PySequence_Tuple(bound[i]));  // its owner may change it before the sweep
            if (!settled) PyErr_Clear();                // a 0-d array: one axis
        }
        if (!settled) continue;
        bound[i] = settled.get();
        kept.push_back(std::move(settled));
    }
}

}  // namespace fastad::python
