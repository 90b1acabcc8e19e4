# Where no rule was given: the derivatives of what a primitive is composed of.
#
# from declarations: specimen, tape_box, tape_sweep
# from boxes: Box
# from rules: Around, _composed, _keyword_argnum_error, missing_rule
# from levels: Forward, Tape
# from trees: _leaf_types, flatten

cimport cython

import numpy as _np


cdef class _RecordedVjp:
    """The vjp of a function of differentiable operations, which is recorded on a tape of its own.

    Parameters
    ----------
    function : callable
    argnums : tuple of int
        The arguments to differentiate by; numbers beyond the positional ones count the keywords.
    args, kwargs
        Of the call, one level down.
    """

    cdef Tape tape
    cdef object out
    cdef list boxes
    cdef list structures

    def __init__(self, function, tuple argnums, tuple args, dict kwargs):
        cdef Py_ssize_t positional = len(args)
        self.tape = Tape()
        self.boxes = []
        self.structures = []
        places = list(args)
        named = kwargs
        try:
            for argnum in argnums:
                name = None
                if argnum >= positional:
                    name = list(kwargs)[argnum - positional]
                    value = kwargs[name]
                else:
                    value = args[argnum]
                if isinstance(value, _leaf_types) or type(value) is float:
                    box = tape_box(self.tape.tape, value)
                    self.boxes.append(box)
                    self.structures.append(None)
                else:
                    leaves, structure = flatten(value, lenient=True)
                    boxes = [self._try(leaf) for leaf in leaves]
                    box = structure.unflatten(boxes)
                    if structure.is_leaf:
                        self.structures.append(None)
                    else:
                        self.structures.append((structure, leaves))
                    self.boxes.extend(boxes)
                if name is None:
                    places[argnum] = box
                else:
                    if named is kwargs:
                        named = dict(kwargs)
                    named[name] = box
            self.out = function(*places, **named)
        except BaseException:
            self.tape.close()
            raise
        self.tape.stop()

    cdef object rows(self, Py_ssize_t which, batch):
        """A batch of cotangents, with a leading axis, to those of one argument; None where they go one by one.

        The tape is swept by the whole batch, as that of a Jacobian is.
        """
        cdef Py_ssize_t place = 0
        for structure in self.structures[:which]:
            place += 1 if structure is None else len(structure[1])
        if self.structures[which] is not None or not self.tape.owns(self.out):
            return None
        box = self.boxes[place]
        if not self.tape.owns(box):
            return None
        found = self.tape.sweep_many([self.out], [batch], [box])
        return None if found is None else found[0]

    def _try(self, leaf):
        """A leaf of a container traced; what is no float is a constant."""
        raw = specimen(leaf)
        if isinstance(raw, (float, complex, _np.floating, _np.complexfloating)) or (
            isinstance(raw, _np.ndarray) and raw.dtype.kind in "fc"
        ):
            return tape_box(self.tape.tape, leaf)
        return leaf

    def __call__(self, g):
        """One cotangent for each of the arguments; None where none arrived."""
        if isinstance(self.out, (tuple, list)):
            outs, gs = [], []
            for one, part in zip(self.out, g):
                # Zeros stand in for results that nobody asked for: eigenvalues have a derivative where
                # eigenvectors have none.
                if part is not None and (isinstance(part, Box) or _np.any(part)):
                    outs.append(one)
                    gs.append(part)
        else:
            outs, gs = (self.out,), (g,)
        traced = tuple([box for box in self.boxes if isinstance(box, Box) and self.tape.owns(box)])
        with cython.critical_section(self.tape):
            found = iter(tape_sweep(self.tape.living(), tuple(outs), tuple(gs), traced, False))
        place = 0
        result = []
        for structure in self.structures:
            if structure is None:
                result.append(next(found) if self.tape.owns(self.boxes[place]) else None)
                place += 1
                continue
            form, leaves = structure
            parts = []
            for leaf in leaves:
                part = next(found) if self.tape.owns(self.boxes[place]) else None
                parts.append(_np.zeros(_np.shape(specimen(leaf)))[()] if part is None else part)
                place += 1
            result.append(form.unflatten(parts))
        return result


cdef class _LateVjp:
    """One that is recorded anew for each cotangent, and dropped: what it holds until then are the arguments."""

    cdef object function
    cdef tuple argnums
    cdef tuple args
    cdef dict kwargs

    def __init__(self, function, tuple argnums, tuple args, dict kwargs):
        self.function = function
        self.argnums = argnums
        self.args = args
        self.kwargs = kwargs

    cdef _RecordedVjp recorded(self):
        return _RecordedVjp(self.function, self.argnums, self.args, self.kwargs)

    def __call__(self, g):
        return self.recorded()(g)


cdef object _composed_vjp(primitive, tuple argnums, ans, tuple args, kwargs):
    """The vjp of a primitive by what it is composed of."""
    if primitive.kind in ("zero", "test"):
        return lambda g: (None,) * len(argnums)
    function = _composed(primitive, ans, args)
    if function is None:
        if argnums[0] >= len(args):
            raise _keyword_argnum_error(primitive, list(kwargs)[argnums[0] - len(args)])
        raise missing_rule(primitive, argnums[:1], "VJP")
    if getattr(primitive, "late", False) or isinstance(primitive.derivative, Around):
        # It runs when a cotangent has come, and what it recorded is dropped at once.
        return _LateVjp(function, argnums, args, kwargs)
    return _RecordedVjp(function, argnums, args, kwargs)


cdef object _composed_jvp(primitive, argnums, tangents, ans, tuple args, kwargs):
    """The tangent of a primitive's result by what it is composed of; None: zero."""
    if primitive.kind in ("zero", "test"):
        return None
    function = _composed(primitive, ans, args)
    if function is None:
        if argnums[0] >= len(args):
            raise _keyword_argnum_error(primitive, list(kwargs)[argnums[0] - len(args)])
        raise missing_rule(primitive, argnums[:1], "JVP")
    return _recorded_jvp(function, argnums, tangents, args, kwargs)


cdef object _recorded_jvp(function, argnums, tangents, tuple args, dict kwargs):
    """The tangent of a function of differentiable operations, for tangents of some of its arguments."""
    cdef Py_ssize_t positional = len(args)
    places = list(args)
    named = dict(kwargs)
    with Forward() as level:
        for argnum, tangent in zip(argnums, tangents):
            if argnum >= positional:
                name = list(kwargs)[argnum - positional]
                named[name] = level.box(kwargs[name], tangent)
                continue
            value = args[argnum]
            if isinstance(tangent, (Box, _np.ndarray, _np.generic, float, complex)):
                places[argnum] = level.box(value, tangent)
                continue
            leaves, structure = flatten(value, lenient=True)
            boxes = [
                leaf if part is None or _np.result_type(specimen(leaf)).kind not in "fc" else level.box(leaf, part)
                for leaf, part in zip(leaves, structure.flatten_like(tangent))
            ]
            places[argnum] = structure.unflatten(boxes)
        out = function(*places, **named)
        if isinstance(out, (tuple, list)):
            return tuple([level.tangent(one)[1] for one in out])
        return level.tangent(out)[1]
