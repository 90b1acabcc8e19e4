# cython: language_level=3, c_api_binop_methods=True, binding=True, embedsignature=False
# cython: freethreading_compatible=True
# distutils: language = c++
"""Boxes, tapes and primitives: the binding between Python and the compiled core. No mathematics."""

from cpython.object cimport PyObject, PyTypeObject
from libcpp cimport bool as cbool

include "declarations.pxi"
include "hooks.pxi"
include "foreign.pxi"
include "boxes.pxi"
include "values.pxi"
include "rules.pxi"
include "defining.pxi"
include "table.pxi"
include "levels.pxi"
include "trees.pxi"
include "composed.pxi"
include "derivatives.pxi"
include "linear_maps.pxi"
include "calls.pxi"
include "operators.pxi"
include "programs.pxi"
include "applied.pxi"
include "modes.pxi"
include "watch.pxi"
include "solving.pxi"

cdef extern from "python/session.hpp" namespace "fastad::python":
    struct Callbacks:
        PyObject* (*make_vjps)(PyObject*, PyObject*, PyObject*, PyObject*, PyObject*)
        PyObject* (*call_vjp)(PyObject*, PyObject*, Py_ssize_t, PyObject*, cbool)
        PyObject* (*map_batch)(PyObject*, Py_ssize_t, PyObject*, PyObject*)
        PyObject* (*call_jvp)(PyObject*, Py_ssize_t, PyObject*, PyObject*, PyObject*, PyObject*)
        PyObject* (*array_of)(PyObject*)
        PyTypeObject* (*box_type_of)(PyObject*)
        PyObject* (*record)(PyObject*, PyObject*, PyObject*, PyObject*, PyObject*, PyObject*)
        PyObject* (*add_objects)(PyObject*, PyObject*)
        PyObject* (*convert)(PyObject*)
        PyObject* (*by_position)(PyObject*, PyObject*, PyObject*)
        PyObject* (*general)(PyObject*, PyObject*, PyObject*)
        PyObject* (*trees)(PyObject*, PyObject*, PyObject*, PyObject*)
        int (*is_tree)(PyTypeObject*)
        int (*holds_traced)(PyObject*)
        int (*own_arithmetic)(PyTypeObject*)
        void (*refuse_foreign)(PyTypeObject*, const char*)
        PyObject* (*refused)(PyObject*, Read)
        int (*answered_for)(PyTypeObject*)
        PyObject* (*foreign_call)(PyObject*, PyObject*, PyObject*)
        PyObject* (*foreign_operator)(const char*, PyObject*, PyObject*)

    object initialise(PyTypeObject* box, PyTypeObject* array_box, const Callbacks& given)
    object install_protocols(object by_function, object for_ufunc, object for_function)
    void set_converting(cbool converts)
    object c_set_inner_folders "fastad::python::set_inner_folders" (object folders)


# -- putting it together ------------------------------------------------------------------------

cdef Callbacks _callbacks
_callbacks.make_vjps = _make_vjps
_callbacks.call_vjp = _call_vjp
_callbacks.map_batch = _map_batch
_callbacks.call_jvp = _call_jvp
_callbacks.array_of = _array_of
_callbacks.box_type_of = _box_type_of
_callbacks.record = _record_objects
_callbacks.add_objects = _add_objects
_callbacks.convert = _convert
_callbacks.by_position = _by_position
_callbacks.general = _general
_callbacks.trees = _trees
_callbacks.is_tree = _is_tree
_callbacks.holds_traced = _holds_traced
_callbacks.own_arithmetic = _own_arithmetic
_callbacks.refuse_foreign = _refuse_foreign
_callbacks.refused = _refused
_callbacks.answered_for = _answered_for
_callbacks.foreign_call = _foreign_call
_callbacks.foreign_operator = _foreign_operator
fastad_not_a_sequence(<PyTypeObject*>Box)
fastad_not_a_sequence(<PyTypeObject*>ArrayBox)
fastad_open_type(<PyTypeObject*>Box)
fastad_open_type(<PyTypeObject*>ArrayBox)
initialise(<PyTypeObject*>Box, <PyTypeObject*>ArrayBox, _callbacks)


def install_hooks(hooks):
    """Say what answers where the core asks Python: a ``fastad._impl.hooks.Hooks``, once, when all is imported."""
    global _general_call, _call_trees, _type_is_tree, _value_holds_traced
    global _explain_refusal, _explain_missing, _held_for, _foreign_operators, _foreign_calls, _is_answered_for
    global _record, _node_of, _new_box, _add, _hooks, _value_rule, _elementwise_rule
    global _check_leaf, _refuse_leaf, _conform, _zeros_like, _warn_independent, _first_level
    set_loaders(hooks.load_rules, hooks.load_attributes)
    install_protocols(hooks.by_function, hooks.for_ufunc, hooks.for_function)
    for name, method in hooks.methods.items():
        fastad_set_type_attribute(<PyTypeObject*>ArrayBox, name, method)
    _general_call = hooks.general_call
    _call_trees, _type_is_tree, _value_holds_traced = hooks.call_trees, hooks.is_tree, hooks.holds_traced
    _record, _node_of, _new_box, _add = hooks.record, hooks.node_of, hooks.new_box, hooks.add
    _hooks = hooks.conversions
    set_converting(bool(_hooks))
    _value_rule, _elementwise_rule = hooks.value_and_grad, hooks.elementwise_grad
    _check_leaf, _refuse_leaf, _conform = hooks.check_leaf, hooks.refuse_leaf, hooks.conform
    _zeros_like, _warn_independent = hooks.zeros_like, hooks.warn_independent
    _explain_refusal, _explain_missing, _held_for = hooks.refused, hooks.missing, hooks.held
    _foreign_operators, _foreign_calls = hooks.foreign_operator, hooks.foreign_call
    _is_answered_for = hooks.answered_for
    c_set_inner_folders(hooks.inner_folders)
    _first_level = hooks.first_level
    at_first_level(_before_first_level)


fill_table()
