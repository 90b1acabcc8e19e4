# What Python answers where the core asks (fastad/_impl/hooks.py), and how its exceptions reach C++.

# A call whose arguments need more than the core's reading of them, and containers among them.
cdef object _general_call = None
cdef object _call_trees = None
cdef object _type_is_tree = None
cdef object _value_holds_traced = None


# Nodes and boxes of Python's own levels, sums of their cotangents, and results that are converted by their type.
cdef object _record = None
cdef object _node_of = None
cdef object _new_box = None
cdef object _add = None
cdef dict _hooks = {}


# Rules of the operators that have a hot way of their own, and what these know of leaves.
cdef object _value_rule = None
cdef object _elementwise_rule = None
cdef object _check_leaf = None
cdef object _refuse_leaf = None
cdef object _conform = None
cdef object _zeros_like = None
cdef object _warn_independent = None


# Texts of errors, and operands of other libraries.
cdef object _explain_refusal = None
cdef object _explain_missing = None
cdef object _held_for = None
cdef object _foreign_operators = None
cdef object _foreign_calls = None
cdef object _is_answered_for = None


# What is done before the first level.
cdef object _first_level = None


cdef extern from "level.hpp" namespace "fastad":
    void at_first_level(void (*act)() noexcept) noexcept
    void c_begin_levels "fastad::begin_levels" ()


cdef void _before_first_level() noexcept:
    if _first_level():
        at_first_level(NULL)


def begin_levels():
    """Do what is done before the first level, where none was opened yet."""
    c_begin_levels()


cdef extern from *:
    """
    static void fastad_restore(PyObject* error) {
        Py_INCREF(error);
        Py_INCREF(Py_TYPE(error));
        PyErr_Restore((PyObject*)Py_TYPE(error), error, PyException_GetTraceback(error));
    }
    """
    void fastad_restore(object error)


cdef void _restore(object error) noexcept:
    fastad_restore(error)
