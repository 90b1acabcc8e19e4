# The derivatives of one call of a primitive: its rules selected and run, backwards and forwards.
#
# from declarations: specimen
# from hooks: _hooks, _restore
# from rules: _Rules, _keyword_argnum_error
# from composed: _composed_jvp, _composed_vjp

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from libcpp cimport bool as cbool

import numpy as _np

cdef extern from "python/primitive.hpp" namespace "fastad::python":
    object c_vjps_of "fastad::python::vjps_of" (object primitive)

cdef object _missing = object()


def own_array(g):
    """The array as one that nobody else holds: C-contiguous and writable. Numbers and boxes as they are."""
    return _np.array(g, order="C") if isinstance(g, _np.ndarray) else g


def _as_it_is(x):
    return x


class _JointVjp:
    """One vjp for several arguments: called once for each cotangent, handed out by parts."""

    __slots__ = ("vjp", "g", "parts")

    def __init__(self, vjp):
        self.vjp = vjp
        self.g = None
        self.parts = None

    def part(self, which, last, g, own_array=_as_it_is):
        parts = self.parts
        # A number is made into an object anew for each call.
        if parts is None or not (self.g is g or (type(g) is type(self.g) and isinstance(g, float) and g == self.g)):
            parts = tuple(self.vjp(own_array(g)))
            self.g, self.parts = g, parts
        if last:
            self.g = self.parts = None
        return parts[which]


cdef class _Part:
    """One argument's part of a vjp of several arguments."""

    cdef object joint
    cdef Py_ssize_t which
    cdef cbool last

    def __init__(self, joint, which, last):
        self.joint = joint
        self.which = which
        self.last = last


cdef class _Results:
    """Several results of a primitive, of which only the spaces are kept: makes a ``_TupleVjp`` of a vjp."""

    cdef list spaces
    cdef object make

    def __cinit__(self, ans):
        self.spaces = [_space_of(item) for item in ans]
        # A named tuple's cotangent is one as well.
        self.make = None if type(ans) is tuple else getattr(type(ans), "_make", None)

    def __call__(self, vjp):
        cdef _TupleVjp made = _TupleVjp.__new__(_TupleVjp)
        made.vjp = vjp
        made.results = self
        return made

    cdef object zero(self, Py_ssize_t i):
        shape, dtype, is_array = <tuple>self.spaces[i]
        if dtype is not _floats and dtype.kind not in "fc":
            dtype = _floats
        return _np.zeros(shape, dtype) if is_array else dtype.type(0)


cdef object _floats = _np.dtype(float)


cdef tuple _space_of(item):
    raw = specimen(item)
    is_array = isinstance(raw, _np.ndarray)
    array = raw if is_array or isinstance(raw, _np.generic) else _np.asarray(raw)
    return (array.shape, array.dtype, is_array)


cdef class _TupleVjp:
    """The vjp of a primitive with several results: zeros stand in where no cotangent arrived."""

    cdef object vjp
    cdef _Results results

    def __call__(self, gs):
        cdef Py_ssize_t i, arrived = len(gs), count = len(self.results.spaces)
        cdef tuple full = PyTuple_New(count)
        for i in range(count):
            g = gs[i] if i < arrived else None
            if g is None:
                g = self.results.zero(i)
            Py_INCREF(g)
            PyTuple_SET_ITEM(full, i, g)
        return self.vjp(full if self.results.make is None else self.results.make(full))


cdef PyObject* _make_vjps(PyObject* primitive_, PyObject* argnums_, PyObject* ans_, PyObject* args_,
                          PyObject* kwargs_) noexcept:
    try:
        result = _make_vjps_object(<object>primitive_, <tuple>argnums_, <object>ans_, <tuple>args_,
                                   <object>kwargs_)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef object _make_vjps_object(primitive, tuple argnums, ans, tuple args, kwargs):
    cdef _Rules rules = c_vjps_of(primitive)
    if not isinstance(ans, tuple):
        if rules is not None and kwargs is None and PyTuple_GET_SIZE(argnums) == 1:
            # The commonest call on its own: one argument, whose maker was given.
            maker = rules.by_argnum.get(argnums[0], _missing)
            if maker is not _missing and maker is not None:
                vjp = _made(primitive, maker, argnums[0], ans, args, None)
                if vjp is not NotImplemented:
                    return (argnums, primitive, vjp)
                found = _other_vjps(primitive, rules, list(argnums), ans, args, {}, _as_it_is)
                return (argnums, primitive, *found)
            if maker is _missing and rules.rest is not None:
                return (argnums, primitive, rules.rest(argnums[0], ans, args, {}))
        wrap = _as_it_is
    else:
        wrap = _Results(ans)
    kwargs = {} if kwargs is None else kwargs
    return (argnums, primitive, *_select_vjps(primitive, rules, argnums, ans, args, kwargs, wrap))


cdef object _made(primitive, maker, argnum, ans, tuple args, kwargs):
    """What a vjp maker gives: a vjp, None or NotImplemented."""
    cdef Py_ssize_t i, count = PyTuple_GET_SIZE(args)
    cdef tuple given = PyTuple_New(count + 1)
    Py_INCREF(ans)
    PyTuple_SET_ITEM(given, 0, ans)
    for i in range(count):
        item = <object>PyTuple_GET_ITEM(args, i)
        Py_INCREF(item)
        PyTuple_SET_ITEM(given, i + 1, item)
    vjp = maker(*given, **kwargs) if kwargs else maker(*given)
    if vjp is not None and vjp is not NotImplemented and not callable(vjp):
        raise TypeError(
            f"{primitive.__name__}: the vjp maker of its argument number {argnum} returned "
            f"{type(vjp).__name__}; it must return the function that is called with a cotangent"
        )
    return vjp


cdef list _select_vjps(primitive, _Rules rules, argnums, ans, tuple args, kwargs, wrap):
    """For each argument: its vjp, None (the derivative is zero), or a part of a vjp of several arguments.

    A maker that returns NotImplemented leaves this call to what the primitive is composed of.
    """
    cdef Py_ssize_t positional = len(args)
    cdef list found = []
    cdef list others = []
    for argnum in argnums:
        maker = _missing if rules is None or argnum >= positional else rules.by_argnum.get(argnum, _missing)
        if maker is not _missing and maker is not None:
            maker = _made(primitive, maker, argnum, ans, args, kwargs)
        if maker is _missing or maker is NotImplemented:
            others.append(argnum)
            found.append(_missing)
        else:
            found.append(None if maker is None else wrap(maker))
    if not others:
        return found
    parts = iter(_other_vjps(primitive, rules, others, ans, args, kwargs, wrap))
    return [next(parts) if vjp is _missing else vjp for vjp in found]


cdef list _other_vjps(primitive, _Rules rules, list others, ans, tuple args, kwargs, wrap):
    """The vjps for arguments that have no maker of their own."""
    cdef Py_ssize_t positional = len(args)
    cdef list parts
    if rules is not None and rules.rest is None and rules.joint is None and rules.own is not None:
        return _select_vjps(primitive, rules.own, others, ans, args, kwargs, wrap)
    elif rules is not None and rules.rest is not None:
        parts = []
        for argnum in others:
            if argnum >= positional:
                raise _keyword_argnum_error(primitive, list(kwargs)[argnum - positional])
            parts.append(wrap(rules.rest(argnum, ans, args, kwargs)))
    else:
        if rules is not None and rules.joint is not None:
            joint = wrap(rules.joint(tuple(others), ans, args, kwargs))
        else:
            joint = _composed_vjp(primitive, tuple(others), ans, args, kwargs)
        joint = _JointVjp(joint)
        last = len(others) - 1
        parts = [_Part(joint, i, i == last) for i in range(len(others))]
    return parts


def vjp_of(primitive, rules, argnums, ans, tuple args, kwargs):
    """``vjp(g)`` that returns one cotangent for each of argnums (None: zero), by the given rules."""
    vjps = _select_vjps(primitive, rules, argnums, ans, args, kwargs, _as_it_is)

    def vjp(g):
        return tuple([_call_one(one, g) for one in vjps])

    return vjp


cdef object _call_one(vjp, g):
    if vjp is None:
        return None
    if isinstance(vjp, _Part):
        return (<_Part>vjp).joint.part((<_Part>vjp).which, (<_Part>vjp).last, g)
    return vjp(g)


cdef PyObject* _call_vjp(PyObject* primitive_, PyObject* vjps_, Py_ssize_t which, PyObject* g_,
                         cbool unshared) noexcept:
    try:
        primitive = <object>primitive_
        handle = <tuple?>vjps_
        argnums = <tuple>handle[0]
        vjp = handle[2 + which]
        g = <object>g_
        rules = c_vjps_of(primitive)
        users = rules is not None and rules.users
        copies = users and not (unshared and g.flags.c_contiguous)
        if isinstance(vjp, _Part):
            part = <_Part>vjp
            # What was unshared is not, where other arguments' rules have seen it or will.
            copies = copies or (users and not part_is_alone(handle, part))
            result = part.joint.part(part.which, part.last, g, own_array if copies else _as_it_is)
        elif vjp is None:
            result = None
        else:
            if users and not copies and which != len(argnums) - 1:
                copies = True
            result = vjp(own_array(g)) if copies else vjp(g)
            if result is None:
                raise TypeError(
                    f"{primitive.__name__}: the vjp of its argument number {argnums[which]} returned None; "
                    f"it must return a cotangent (is a return statement missing?)"
                )
            if _hooks and type(result) in _hooks:
                result = _hooks[type(result)](result)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef cbool part_is_alone(tuple handle, _Part part):
    """True if no other vjp of the record is called on the same cotangent."""
    for vjp in handle[2:]:
        if not isinstance(vjp, _Part) or (<_Part>vjp).joint is not part.joint:
            return False
    return True


cdef PyObject* _call_jvp(PyObject* primitive_, Py_ssize_t argnum, PyObject* tangent_, PyObject* ans_,
                         PyObject* args_, PyObject* kwargs_) noexcept:
    try:
        kwargs = <object>kwargs_
        result = jvp_of(<object>primitive_, (<object>primitive_).jvps, (argnum,), (<object>tangent_,), <object>ans_,
                        <tuple>args_, {} if kwargs is None else kwargs)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


def jvp_of(primitive, rules, argnums, tangents, ans, tuple args, kwargs, add=None):
    """The tangent of the result (None: zero) for tangents of some arguments, by the given rules.

    Parameters
    ----------
    add : callable, optional
        ``add(s, t)`` sums two tangents; needed for more than one argument.
    """
    cdef Py_ssize_t positional = len(args)
    if rules is not None and rules.users:
        tangents = tuple(map(own_array, tangents))
    terms = []
    others = []
    for argnum, tangent in zip(argnums, tangents):
        rule = _missing if rules is None or argnum >= positional else rules.by_argnum.get(argnum, _missing)
        if rule is _missing:
            others.append((argnum, tangent))
        elif rule is None:
            continue
        elif rule == "same":
            terms.append(primitive(*args[:argnum], tangent, *args[argnum + 1:], **kwargs))
        else:
            term = rule(tangent, ans, *args, **kwargs)
            if term is NotImplemented:
                others.append((argnum, tangent))
            else:
                terms.append(term)
    if others:
        if rules is not None and rules.rest is not None:
            for argnum, tangent in others:
                if argnum >= positional:
                    raise _keyword_argnum_error(primitive, list(kwargs)[argnum - positional])
                terms.append(rules.rest(argnum, tangent, ans, args, kwargs))
        else:
            which, given = zip(*others)
            if rules is not None and rules.joint is not None:
                terms.append(rules.joint(which, list(given), ans, args, kwargs))
            elif rules is not None and rules.own is not None:
                terms.append(jvp_of(primitive, rules.own, which, given, ans, args, kwargs, add))
            else:
                terms.append(_composed_jvp(primitive, which, given, ans, args, kwargs))
    total = None
    for term in terms:
        if term is not None:
            total = term if total is None else add(total, term)
    return total
