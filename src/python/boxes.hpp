// The search for boxes: among arguments, in lists and tuples, in containers of any kind.
#pragma once

#include <unordered_set>

#include "python/hosted.hpp"

namespace fastad::python {

// Whether any argument is a box, at the top or inside a list or tuple.
enum class Found { Nothing, Boxes, InSequences };

// Whether a list or tuple holds one, at any depth.
bool sequence_has_box(PyObject* sequence);
// `others` says whether something among them may hold arrays that are no ndarrays.
inline Found find_boxes(PyObject* const* args, Py_ssize_t count, bool& others) {
    Found found = Found::Nothing;
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyTypeObject* type = Py_TYPE(args[i]);
        if (type == array_box_type) {
            if (found == Found::Nothing) found = Found::Boxes;
        } else if (type == &PyArray_Type || type == &PyFloat_Type || type == &PyLong_Type ||
                   type == float64_type || args[i] == Py_None) {
            continue;
        } else if (PyList_Check(args[i]) || PyTuple_Check(args[i])) {
            others = true;
            if (sequence_has_box(args[i])) found = Found::InSequences;
        } else {
            others = true;
            if (is_box(args[i]) && found == Found::Nothing) found = Found::Boxes;
        }
    }
    return found;
}
// Whether this is no ndarray and NumPy's functions are handed to it (__array_function__).
bool has_own_functions(PyObject* object);
// The first foreign array at the top or inside a list or tuple, or null.
PyObject* find_foreign(PyObject* object);

// Looks for boxes in lists, tuples, dicts, and the types that are taken apart as these. Each
// container is looked into once: configurations may hold themselves.
class BoxSearch {
  public:
    bool in(PyObject* value);

  private:
    static constexpr int most_levels = 1000;
    struct Step {
        Step(BoxSearch& search, PyObject* container) : depth(search.depth_) {
            wanted = ++depth <= most_levels && search.seen_.insert(container).second;
        }
        ~Step() { --depth; }
        int& depth;
        bool wanted;
    };
    std::unordered_set<PyObject*> seen_;
    int depth_ = 0;
};

// Whether the value is a box, or holds one at any depth.
bool holds_box(PyObject* value);
// Whether a container among the arguments of a user's primitive holds boxes.
bool containers_hold_boxes(PyObject* const* args, Py_ssize_t count);

}  // namespace fastad::python
