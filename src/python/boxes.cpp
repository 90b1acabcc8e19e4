// The search for boxes.
#include "python/boxes.hpp"

namespace fastad::python {

namespace {

using Seen = std::unordered_set<PyObject*>;

// Lists that hold themselves are told by looking once into each that lies deeper than this.
constexpr int trusted_depth = 2;
constexpr int deepest = 64;  // no array has more dimensions

bool sequence_has_box(PyObject* sequence, int depth, Seen* seen) {
    Seen own;
    if (depth > trusted_depth) {
        if (!seen) seen = &own;
        if (depth > deepest || !seen->insert(sequence).second) return false;
    }
    const Py_ssize_t size = PySequence_Fast_GET_SIZE(sequence);
    PyObject** items = PySequence_Fast_ITEMS(sequence);
    for (Py_ssize_t i = 0; i < size; ++i) {
        if (is_box(items[i])) return true;
        if ((PyList_Check(items[i]) || PyTuple_Check(items[i])) &&
            sequence_has_box(items[i], depth + 1, seen))
            return true;
    }
    return false;
}

PyObject* find_foreign(PyObject* object, int depth) {
    if (!PyList_Check(object) && !PyTuple_Check(object))
        return is_foreign(object) || has_own_functions(object) || is_answered_for(object) ? object
                                                                                          : nullptr;
    if (depth > trusted_depth) return nullptr;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); ++i)
        if (PyObject* found = find_foreign(PySequence_Fast_GET_ITEM(object, i), depth + 1))
            return found;
    return nullptr;
}

}  // namespace

bool has_own_functions(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    return PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) && type != array_box_type &&
           !PyArray_Check(object) && !PyType_Check(object) && !is_box(object) &&
           PyObject_HasAttrString(reinterpret_cast<PyObject*>(type), "__array_function__");
}

bool sequence_has_box(PyObject* sequence) { return sequence_has_box(sequence, 0, nullptr); }
PyObject* find_foreign(PyObject* object) { return find_foreign(object, 0); }

bool BoxSearch::in(PyObject* value) {
    PyTypeObject* type = Py_TYPE(value);
    if (type == array_box_type) return true;
    if (type == &PyArray_Type || type == &PyFloat_Type || type == &PyLong_Type ||
        type == float64_type || value == Py_None || type == &PyUnicode_Type || type == &PyBool_Type)
        return false;
    if (type == &PyList_Type || type == &PyTuple_Type) {
        const Step step(*this, value);
        if (!step.wanted) return false;
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(value); ++i)
            if (in(PySequence_Fast_GET_ITEM(value, i))) return true;
        return false;
    }
    if (type == &PyDict_Type) {
        const Step step(*this, value);
        if (!step.wanted) return false;
        Py_ssize_t place = 0;
        PyObject* item = nullptr;
        while (PyDict_Next(value, &place, nullptr, &item)) {
            const Ref held(Py_NewRef(item));
            if (in(item)) return true;
        }
        return false;
    }
    if (is_box(value)) return true;
    const int tree = callbacks.is_tree(type);
    const int holds = tree > 0 ? callbacks.holds_traced(value) : tree;
    if (holds < 0) throw HostError();
    return holds > 0;
}

bool holds_box(PyObject* value) { return BoxSearch().in(value); }

bool containers_hold_boxes(PyObject* const* args, Py_ssize_t count) {
    BoxSearch search;
    for (Py_ssize_t i = 0; i < count; ++i)
        if (!is_box(args[i]) && search.in(args[i])) return true;
    return false;
}

}  // namespace fastad::python
