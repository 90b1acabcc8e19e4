#include "python/targets.hpp"

#include <algorithm>

#include "python/formulas.hpp"
#include "python/loops.hpp"
#include "python/primitive.hpp"

namespace fastad::python {

PyObject* give_target(PyObject* primitive, PyObject* target, PyObject* names, PyObject* defaults,
                      std::uint32_t traced, std::uint32_t options) {
    return guarded([&]() -> PyObject* {
        own_formulas(primitive).target = {Ref(Py_NewRef(target)), Ref(Py_NewRef(names)),
                                          Ref(Py_NewRef(defaults)), traced, options};
        Py_RETURN_NONE;
    });
}

namespace {

constexpr Py_ssize_t most_bound = 8;

// A value that one level alone records, which takes derivatives.
bool traced_once(PyObject* object) {
    if (Py_TYPE(object) != array_box_type) return false;
    const Traced& traced = traced_of(object);
    return !traced.value.is_box() && traced.level && traced.level->needs_rules();
}

bool is_plain_number(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    if (type == &PyFloat_Type || type == &PyLong_Type || type == float64_type) return true;
    return type == &PyArray_Type && PyArray_TYPE(array(object)) == NPY_FLOAT64;
}

bool is_option(PyObject* object) {
    return object == Py_None || PyBool_Check(object) || PyTuple_CheckExact(object);
}

Py_ssize_t place_of(PyObject* names, PyObject* name) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); ++i)
        if (PyTuple_GET_ITEM(names, i) == name) return i;
    return -1;
}

}  // namespace

PyObject* call_target(PyObject* primitive, PyObject* const* args, Py_ssize_t positional,
                      PyObject* kwnames) {
    const Formulas::Target& target =
        hosted(*reinterpret_cast<PrimitiveObject*>(primitive)->op)->formulas->target;
    const Py_ssize_t count = PyTuple_GET_SIZE(target.names.get());
    if (positional > count || count > most_bound) return nullptr;
    PyObject* bound[most_bound] = {};
    std::copy_n(args, positional, bound);
    const Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t i = 0; i < named; ++i) {
        const Py_ssize_t place = place_of(target.names.get(), PyTuple_GET_ITEM(kwnames, i));
        if (place < 0 || bound[place]) return nullptr;
        bound[place] = args[positional + i];
    }
    const Py_ssize_t first = count - PyTuple_GET_SIZE(target.defaults.get());
    for (Py_ssize_t i = 0; i < count; ++i) {
        if (!bound[i]) {
            if (i < first) return nullptr;
            bound[i] = PyTuple_GET_ITEM(target.defaults.get(), i - first);
        } else if (!is_plain_number(bound[i]) &&
                   !((target.traced >> i & 1u) && traced_once(bound[i])) &&
                   !((target.options >> i & 1u) && is_option(bound[i]))) {
            return nullptr;
        }
    }
    return PyObject_Vectorcall(target.primitive.get(), bound, static_cast<std::size_t>(count),
                               nullptr);
}

}  // namespace fastad::python
