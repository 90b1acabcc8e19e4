// How the leaves of a replay are put together: containers that Python's own calls make.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>
#include <vector>

namespace fastad::python {

class ResultForm {
  public:
    ResultForm() = default;
    ~ResultForm();
    ResultForm(const ResultForm&) = delete;
    ResultForm& operator=(const ResultForm&) = delete;

    // Of a description: an int for a leaf, ("constant", value), ("list", parts), ("tuple", parts),
    // ("dict", keys, parts). False: an exception is set.
    bool read(PyObject* description);
    void arrange();  // once it is read
    std::size_t leaves() const noexcept { return leaves_; }
    // What stands at the leaves of a value of this form, borrowed; false for a value of another.
    bool take(PyObject* value, std::vector<PyObject*>& leaves) const;
    // Takes the references in `outputs`.
    PyObject* build(std::vector<PyObject*>& outputs) const;

  private:
    enum class Kind : std::uint8_t { Leaf, Constant, List, Tuple, Dict };
    struct Part {
        Kind kind;
        Py_ssize_t count;
        PyObject* object;  // owned: a constant, or the keys of a dict
    };
    bool read_parts(PyObject* parts);
    bool take_part(PyObject* value, std::size_t& part, std::vector<PyObject*>& leaves) const;
    PyObject* make(std::size_t& part, std::size_t& leaf, std::vector<PyObject*>& outputs) const;

    std::vector<Part> parts_;
    std::size_t leaves_ = 0;
    bool flat_ = false;  // a tuple of leaves
};

// The object that holds a form of this description.
PyObject* make_result_form(PyObject* description);
const ResultForm* result_form_of(PyObject* object) noexcept;  // null if it is none

}  // namespace fastad::python
