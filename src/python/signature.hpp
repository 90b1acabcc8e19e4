// What the arguments of two calls must have in common to share a program, and the inputs in them.
#pragma once

#include <memory>
#include <vector>

#include "python/hosted.hpp"

namespace fastad::python {

// The arguments as a flat list, containers before what they hold.
struct Token {
    enum class Kind : std::uint8_t {
        Number,    // a float or a NumPy scalar: an input; count: how many follow, with it
        Integer,   // a Python int that is an input
        Array,     // an input
        Repeated,  // the array that is input `count` as well
        List,
        Tuple,
        Dict,      // object: the tuple of its keys
        Instance,  // of a data class; object: the names in its dict
        Equal,     // a value of this type that compares equal
        Identical  // this very object
    };
    Kind kind;
    PyObject* type = nullptr;    // owned
    PyObject* object = nullptr;  // owned
    Py_ssize_t count = 0;
    // Arrays: type number, flags, rank, and where shape and strides begin.
    int dtype = 0, flags = 0, rank = 0;
    std::size_t extents = 0;
};

class Signature {
  public:
    Signature() = default;
    ~Signature();
    Signature(const Signature&) = delete;
    Signature& operator=(const Signature&) = delete;

    // Of these arguments. `lifted`: which of the Python ints among them, by their number, are
    // inputs; True: all.
    void read(PyObject* args, PyObject* kwargs, PyObject* lifted = Py_None);
    // The inputs of a call that agrees, borrowed; false where one does not.
    bool match(PyObject* const* args, Py_ssize_t positional, PyObject* kwnames,
               std::vector<PyObject*>& inputs) const;
    bool match(PyObject* args, PyObject* kwargs, std::vector<PyObject*>& inputs) const;
    // The arguments with other leaves: (args, kwargs).
    PyObject* rebuild(PyObject* leaves) const;
    std::size_t hash() const noexcept;
    bool operator==(const Signature& other) const;

    const std::string& unsupported() const noexcept { return unsupported_; }
    std::size_t inputs() const noexcept { return inputs_; }

  private:
    struct Reader;
    void refuse(PyObject* value, const char* reason);
    void read_value(PyObject* value, Reader& reader);
    // All inputs of a call so far, those of this signature among them, and where the next stands.
    struct Matched {
        PyObject* const* all;
        PyObject* const* own;
        PyObject** next;
    };
    bool match_value(PyObject* value, std::size_t& token, Matched& inputs) const;
    bool match_array(PyObject* value, const Token& token, Matched& inputs) const;
    bool match_list(PyObject* value, const Token& token, std::size_t& at, Matched& inputs) const;
    bool match_items(PyObject* dict, const Token& token, std::size_t& at, Matched& inputs) const;
    void count_numbers();
    void rebuild_items(PyObject* dict, const Token& token, PyObject* leaves, std::size_t& at,
                       Py_ssize_t& leaf) const;
    PyObject* rebuild_value(PyObject* leaves, std::size_t& token, Py_ssize_t& leaf) const;
    Token& push(Token::Kind kind, PyObject* type, PyObject* object, Py_ssize_t count = 0);

    std::vector<Token> tokens_;
    std::vector<npy_intp> extents_;
    Py_ssize_t positional_ = 0;
    PyObject* names_ = nullptr;  // a tuple, owned; null: no keywords
    std::size_t inputs_ = 0;
    std::string unsupported_;
};

// The attributes of a data class's instance that is taken apart as an argument: a new reference to
// its dict; null without an exception for every other object.
PyObject* instance_state(PyObject* object);

PyObject* signature_class();
const Signature* signature_of(PyObject* object);  // null if it is none

}  // namespace fastad::python
