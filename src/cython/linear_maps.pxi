# Batches of cotangents and tangents through a vjp at once.
#
# from hooks: _restore
# from boxes: Box
# from levels: Tape
# from composed: _LateVjp, _RecordedVjp
# from derivatives: _Part, _call_one

cimport cython
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libcpp cimport bool as cbool

import numpy as _np


@cython.auto_pickle(False)
cdef class LinearMap:
    """A vjp that maps batches as well.

    Parameters
    ----------
    vjp : callable
        ``vjp(g)``, as any.
    rows : callable
        ``rows(gs)`` for cotangents with a leading axis: the argument's, with that axis; or None where it does not
        know these.
    columns : callable or None
        ``columns(ts)`` for tangents of the argument with a leading axis: the result's, with that axis; or None.
    given : tuple, optional
        What all three are called with before the batch, so that they need not be made for each call.
    """

    cdef object vjp, rows, columns
    cdef tuple given

    def __init__(self, vjp, rows, columns, tuple given=()):
        self.vjp = vjp
        self.rows = rows
        self.columns = columns
        self.given = given

    def __call__(self, g):
        return self.vjp(*self.given, g)


cdef PyObject* _map_batch(PyObject* vjps_, Py_ssize_t which, PyObject* batch_, PyObject* like_) noexcept:
    try:
        vjp = (<tuple?>vjps_)[2 + which]
        batch = <object>batch_
        result = None
        if isinstance(vjp, LinearMap):
            map_ = (<LinearMap>vjp).rows if like_ is NULL else (<LinearMap>vjp).columns
            if map_ is not None:
                result = map_(*(<LinearMap>vjp).given, batch)
        elif like_ is NULL and isinstance(vjp, _Part):
            result = _composed_rows(<_Part>vjp, batch)
        if result is None and like_ is not NULL:
            result = _transposed(vjp, <object>like_, batch)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef object _composed_rows(_Part part, batch):
    """A batch of cotangents through a primitive by what it is composed of, where it is."""
    vjp = part.joint.vjp
    if isinstance(vjp, _LateVjp):
        vjp = (<_LateVjp>vjp).recorded()
    return (<_RecordedVjp>vjp).rows(part.which, batch) if isinstance(vjp, _RecordedVjp) else None


cdef object _transposed(vjp, like, batch):
    """A batch of tangents through a vjp: where it is linear, they are the cotangents of its own vjp.

    None where that cannot be had: an error of the rule on traced cotangents is not one of the sweep backwards.
    """
    cdef Tape tape = Tape()
    try:
        box = tape.box(like)
        try:
            out = _of_part(vjp, box)
            if not tape.owns(out) or out.shape != batch.shape[1:] or out.dtype != batch.dtype:
                return None
        except Exception:
            return None
        tape.stop()
        found = tape.sweep_many([out], [batch], [box])
        if found is None:
            found = [_np.stack([tape.sweep([out], [one], [box])[0] for one in batch])]
        return found[0] if _is_linear(vjp, like, batch, found[0]) else None
    finally:
        tape.close()


cdef object _of_part(vjp, g):
    """What a vjp, or a part of one of several arguments, gives for a cotangent."""
    if isinstance(vjp, _Part):
        return tuple((<_Part>vjp).joint.vjp(g))[(<_Part>vjp).which]
    return _call_one(vjp, g)


cdef cbool _is_linear(vjp, like, batch, transposed) except? False:
    """Whether a vjp is, at other cotangents, the transpose of what was found at ``like``.

    Rules that clip cotangents, or that branch on them, are not; rows of a Jacobian call them as they are.
    """
    if transposed is None or isinstance(transposed, Box):
        return False
    probe = _probe(_np.size(like))
    # Of one number, a large and a small one.
    for g in (probe,) if probe.size > 1 else (probe, 1.0 / probe):
        given = g.reshape(like.shape).copy() if isinstance(like, _np.ndarray) else g[0]
        try:
            value = _of_part(vjp, given)
        except Exception:
            return False
        if value is None or isinstance(value, Box) or _np.shape(value) != batch.shape[1:]:
            return False
        value = _np.reshape(value, -1)
        rows = batch.reshape(len(batch), -1)
        found = transposed.reshape(len(batch), -1)
        size = _np.abs(rows) @ _np.abs(value) + _np.abs(found) @ _np.abs(g)
        if not (_np.abs(rows @ value - found @ g) <= 1e-9 * size).all():
            return False
    return True


cdef dict _probes = {}


cdef object _probe(Py_ssize_t size):
    """A cotangent of both signs and many sizes, negative on the whole."""
    found = _probes.get(size)
    if found is None:
        k = _np.arange(size)
        found = _np.where(k % 3 == 1, 1.0, -1.0) * 2.0 ** (10 - 19 * k % 21)
        if size <= 1000 and len(_probes) < 100:
            _probes[size] = found
    return found
