# cython: language_level=3, c_api_binop_methods=True, binding=True, embedsignature=False
# cython: freethreading_compatible=True
# distutils: language = c++
"""Boxes, tapes and primitives: the binding between Python and the compiled core. No mathematics."""

cimport cython
from cpython.dict cimport PyDict_GetItemWithError
from cpython.object cimport (
    Py_EQ, Py_GE, Py_GT, Py_LE, Py_LT, Py_NE, PyObject, PyTypeObject, PyObject_Call,
)
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.string cimport string

from collections import namedtuple as _namedtuple
from functools import partial as _partial
from operator import index as _index

import math as _math
import numpy as _np

include "declarations.pxi"
include "boxes.pxi"
include "rules.pxi"
include "calls.pxi"
include "composed.pxi"
include "defining.pxi"
include "values.pxi"
include "foreign.pxi"
include "levels.pxi"
include "trees.pxi"
include "operators.pxi"
include "applied.pxi"
include "modes.pxi"
include "programs.pxi"
include "watch.pxi"


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
_callbacks.foreign_operator = _foreign_operator
fastad_not_a_sequence(<PyTypeObject*>Box)
fastad_not_a_sequence(<PyTypeObject*>ArrayBox)
fastad_open_type(<PyTypeObject*>Box)
fastad_open_type(<PyTypeObject*>ArrayBox)
initialise(<PyTypeObject*>Box, <PyTypeObject*>ArrayBox, _callbacks)
Primitive = primitive_class()


def install_hooks(hooks):
    """Say what answers where the core asks Python: a ``fastad._impl.hooks.Hooks``, once, when all is imported."""
    global _general_call, _call_trees, _type_is_tree, _value_holds_traced
    global _explain_refusal, _explain_missing, _foreign_operators
    global _record, _node_of, _new_box, _add, _hooks, _value_rule, _elementwise_rule
    global _check_leaf, _refuse_leaf, _conform, _zeros_like, _warn_independent
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
    _explain_refusal, _explain_missing = hooks.refused, hooks.missing
    _foreign_operators = hooks.foreign_operator
    c_set_inner_folders(hooks.inner_folders)


def _getitem_plain(a, index):
    return a[index]


def _by_core(*operands):
    raise RuntimeError("this operation is run by the core")


cdef object _stack


def _astype(x, dtype, **options):
    # NumPy before 2.1 has the method alone, and its scalars one of their own.
    return x.astype(dtype, **options)


def _fill():
    global _stack
    own = {"getitem": _getitem_plain, "scatter": _by_core, "part": _getitem_plain, "index": _by_core}
    for kind in (b"elementwise", b"zero", b"test", b"structural"):
        for name in table_names(kind):
            function = own.get(name)
            if function is None:
                if name == "astype":
                    function = getattr(_np, "astype", _astype)
                elif name == "copy":
                    function = _np.copy
                else:
                    function = getattr(_np, name)
            _prims[name] = table_primitive(name.encode(), function)
    for primitive in _prims.values():
        _builtins[primitive] = None
    _stack = _prims.pop("stack")
    join = _prims.pop("concatenate")
    _prims.pop("part")
    _prims.pop("index")

    def concatenate(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
        if out is not None:
            raise TypeError("concatenate(): the argument 'out' is not supported for a traced value")
        if not isinstance(arrays, (list, tuple)):
            arrays = list(arrays)
        parts = [array_of(part) if isinstance(part, (list, tuple)) else part for part in arrays]
        result = join(axis, *parts)
        if dtype is None:
            return result
        if not _np.can_cast(result.dtype, dtype, casting):
            raise TypeError(f"Cannot cast array data from {result.dtype!r} to {_np.dtype(dtype)!r} "
                            f"according to the rule {casting!r}")
        return result.astype(dtype)

    def array(object, dtype=None, *, copy=True, order="K", subok=False, ndmin=0, like=None):
        result = array_of(object)
        if not isinstance(result, Box):
            return _np.array(result, dtype=dtype)
        if dtype is not None:
            result = _prims["astype"](result, dtype)
        elif result is object:
            result = _prims["copy"](result, order)
        if order not in ("K", None) and (dtype is not None or result is not object):
            result = _prims["copy"](result, order)
        missing = ndmin - result.ndim
        if missing > 0:
            result = _prims["reshape"](result, (1,) * missing + result.shape)
        return result

    _prims["concatenate"] = Primitive(_np.concatenate, "concatenate", traced=concatenate)
    _prims["array"] = Primitive(_np.array, "array", traced=array)
    _prims["stack_args"] = _stack
    _prims["concatenate_args"] = join


_fill()
