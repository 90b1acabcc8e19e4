# Primitives and rules that are registered from Python.

Primitive = None  # set below, by the C++ type


class _Rules:
    """The rules of one primitive in one mode: for single arguments, and for all that have none of their own.

    The last registration wins, argument by argument. Where the user gave nothing the primitive's own derivative
    stands, so that a built-in keeps its rule in the other mode and for the other arguments.
    """

    __slots__ = ("by_argnum", "rest", "joint", "users", "own")

    def __init__(self, users=False, own=None):
        self.by_argnum = {}
        self.rest = None    # for all others: f(argnum, ...)
        self.joint = None   # or for all others at once: f(argnums, ...)
        self.users = users  # they are handed cotangents and tangents that are arrays of their own
        self.own = own      # the rules that the package gave, under the user's

    def copy(self):
        other = _Rules(self.users, self.own)
        other.by_argnum.update(self.by_argnum)
        other.rest = self.rest
        other.joint = self.joint
        return other

    def give(self, argnums, rules):
        self.by_argnum.update(zip(argnums, rules))

    def give_all(self, rest=None, joint=None):
        self.by_argnum.clear()
        self.rest = rest
        self.joint = joint


def _no_rule(primitive, argnum, mode):
    name = primitive.__name__
    raise NotImplementedError(
        f"{name}: there is no {mode} rule for its argument number {argnum}. Add one with "
        f"fastad.extend.{'defvjp' if mode == 'VJP' else 'defjvp'}({name}, ..., argnums=({argnum},)), or write the "
        f"computation with functions of fastad.numpy that have rules"
    )


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


class _TupleVjp:
    """The vjp of a primitive with several results: zeros stand in where no cotangent arrived."""

    __slots__ = ("make", "spaces", "vjp")

    def __init__(self, vjp, spaces, make):
        self.vjp = vjp
        self.spaces = spaces
        self.make = make

    @staticmethod
    def around(ans):
        spaces = []
        for item in ans:
            raw = specimen(item)
            array = _np.asarray(raw)
            dtype = array.dtype if array.dtype.kind in "fc" else _np.dtype(float)
            spaces.append((array.shape, dtype, isinstance(raw, _np.ndarray)))
        make = getattr(type(ans), "_make", tuple)  # a named tuple's cotangent is one as well
        return lambda vjp: _TupleVjp(vjp, spaces, make)

    def __call__(self, gs):
        full = []
        for i, (shape, dtype, is_array) in enumerate(self.spaces):
            g = gs[i] if i < len(gs) else None
            if g is None:
                g = _np.zeros(shape, dtype) if is_array else dtype.type(0)
            full.append(g)
        return self.vjp(self.make(full))


cdef object _keyword_argnum_error(primitive, name):
    return TypeError(
        f"{primitive.__name__}: the keyword argument {name!r} is a traced value, which has no rule as a keyword; "
        f"pass it by position, or pass fastad.getval of it"
    )


cdef PyObject* _by_position(PyObject* primitive_, PyObject* args_, PyObject* kwargs_) noexcept:
    try:
        result = _by_position_object(<object>primitive_, <tuple>args_, <dict>kwargs_, isbox)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


_general_call = None



cdef PyObject* _general(PyObject* primitive_, PyObject* args_, PyObject* kwargs_) noexcept:
    try:
        result = _general_call(<object>primitive_, <object>args_, <object>kwargs_)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


_call_trees = _type_is_tree = _value_holds_traced = None



cdef PyObject* _trees(PyObject* primitive_, PyObject* args_, PyObject* kwargs_, PyObject* ans_) noexcept:
    try:
        if ans_ is NULL:
            result = _call_trees(<object>primitive_, <object>args_, <object>kwargs_)
        else:
            result = _call_trees(<object>primitive_, <object>args_, <object>kwargs_, <object>ans_)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef int _is_tree(PyTypeObject* type_) noexcept:
    try:
        return _type_is_tree is not None and _type_is_tree(<object>type_)
    except BaseException as error:
        _restore(error)
        return -1


cdef int _holds_traced(PyObject* value_) noexcept:
    try:
        return _value_holds_traced(<object>value_)
    except BaseException as error:
        _restore(error)
        return -1


def by_position(primitive, tuple args, dict kwargs, holds_traced):
    """The positional arguments of a call with all traced values among them, taken out of kwargs."""
    return _by_position_object(primitive, args, kwargs, holds_traced)


cdef tuple _by_position_object(primitive, tuple args, dict kwargs, holds_traced):
    from inspect import Parameter, signature  # not needed by most programs, and slow to import

    traced = [name for name, value in kwargs.items() if holds_traced(value)]
    try:
        parameters = [
            parameter for parameter in signature(primitive.derivative or primitive.fun).parameters.values()
            if parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        parameters = []  # of a function in C
    names = [
        parameter.name if parameter.kind is Parameter.POSITIONAL_OR_KEYWORD else "" for parameter in parameters
    ]
    for name in list(traced):
        if name not in names:
            if not has_own(primitive):
                raise _keyword_argnum_error(primitive, name)
            traced.remove(name)  # differentiated by its own derivative where it is
            continue
        if names.index(name) < len(args):
            raise TypeError(f"{primitive.__name__}() got multiple values for argument {name!r}")
    if not traced:
        return args
    places = list(args)
    for parameter in parameters[len(args):max(map(names.index, traced)) + 1]:
        if parameter.name in kwargs:
            places.append(kwargs.pop(parameter.name))
        elif parameter.default is not Parameter.empty:
            places.append(parameter.default)
        else:
            raise TypeError(f"{primitive.__name__}() missing a required argument: {parameter.name!r}")
    return tuple(places)


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


cdef object _make_vjps_object(primitive, tuple argnums, ans, tuple args, kwargs):
    kwargs = {} if kwargs is None else kwargs
    wrap = _TupleVjp.around(ans) if isinstance(ans, tuple) else _as_it_is
    return (argnums, primitive, *_select_vjps(primitive, primitive.vjps, argnums, ans, args, kwargs, wrap))


cdef list _select_vjps(primitive, rules, argnums, ans, tuple args, kwargs, wrap):
    """For each argument: its vjp, None (the derivative is zero), or a part of a vjp of several arguments."""
    cdef Py_ssize_t positional = len(args)
    cdef list found = []
    cdef list others = []
    for argnum in argnums:
        maker = _missing if rules is None or argnum >= positional else rules.by_argnum.get(argnum, _missing)
        if maker is _missing:
            others.append(argnum)
            found.append(_missing)
        else:
            found.append(None if maker is None else wrap(maker(ans, *args, **kwargs)))
    if not others:
        return found
    if rules is not None and rules.rest is None and rules.joint is None and rules.own is not None:
        parts = _select_vjps(primitive, rules.own, others, ans, args, kwargs, wrap)
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
            joint = _composed_vjp(primitive, tuple(others), args, kwargs)
        joint = _JointVjp(joint)
        last = len(others) - 1
        parts = [_Part(joint, i, i == last) for i in range(len(others))]
    parts = iter(parts)
    return [next(parts) if vjp is _missing else vjp for vjp in found]


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


cdef object _missing = object()


def own_array(g):
    """The array as one that nobody else holds: C-contiguous and writable. Numbers and boxes as they are."""
    return _np.array(g, order="C") if isinstance(g, _np.ndarray) else g


cdef PyObject* _call_vjp(PyObject* primitive_, PyObject* vjps_, Py_ssize_t which, PyObject* g_,
                         cbool unshared) noexcept:
    try:
        primitive = <object>primitive_
        handle = <tuple?>vjps_
        argnums = <tuple>handle[0]
        vjp = handle[2 + which]
        g = <object>g_
        rules = primitive.vjps
        copies = rules is not None and rules.users and not (unshared and g.flags.c_contiguous)
        if isinstance(vjp, _Part):
            part = <_Part>vjp
            # What was unshared is not, where other arguments' rules have seen it or will.
            copies = copies or (rules is not None and rules.users and not part_is_alone(handle, part))
            result = part.joint.part(part.which, part.last, g, own_array if copies else _as_it_is)
        elif vjp is None:
            result = None
        else:
            if not copies and rules is not None and rules.users and which != len(argnums) - 1:
                copies = True
            result = vjp(own_array(g) if copies else g)
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
            terms.append(rule(tangent, ans, *args, **kwargs))
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
                terms.append(_composed_jvp(primitive, which, given, args, kwargs))
    total = None
    for term in terms:
        if term is not None:
            total = term if total is None else add(total, term)
    return total


def _wrapping(primitive, function):
    for name in ("__module__", "__qualname__", "__doc__"):
        value = getattr(function, name, None)
        if value is not None:
            setattr(primitive, name, value)
    primitive.__dict__.update(getattr(function, "__dict__", {}))
    return primitive


def primitive(function):
    """Make a function into a primitive: one operation on the tape, with rules given by defvjp and defjvp.

    Parameters
    ----------
    function : callable
        Called with plain values (those of one level down), never with boxes of the level that records it.

    Returns
    -------
    Primitive

    Examples
    --------
    >>> import math
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.extend import defvjp, primitive
    >>> sine = primitive(math.sin)
    >>> defvjp(sine, lambda ans, x: lambda g: g * np.cos(x))
    >>> float(grad(sine)(0.0))
    1.0
    """
    made = Primitive(function, getattr(function, "__name__", None))
    take_trees(made, True)
    return _wrapping(made, function)


def notrace_primitive(function):
    """Make a function whose derivative is zero wherever it has one: it gets plain values, and its result is
    plain.

    Examples
    --------
    >>> import math
    >>> from fastad import grad
    >>> from fastad.extend import notrace_primitive
    >>> whole = notrace_primitive(math.floor)
    >>> float(grad(lambda x: x * whole(x))(3.5))
    3.0
    """
    return _wrapping(Primitive(function, getattr(function, "__name__", None), zero=True), function)


# How often rules were given: a program records those of its time.
rules_given = {"times": 0}


def rules_of(primitive, which, users=False):
    """The rules of a primitive in one mode ('vjps' or 'jvps'), to be changed; errors name the remedy."""
    rules_given["times"] += 1
    if not isinstance(primitive, Primitive):
        raise TypeError(
            f"a rule can only be given to a primitive, not to {primitive!r}: decorate it with fastad.extend.primitive"
        )
    rules = getattr(primitive, which)
    if rules is None or (users and not rules.users):
        rules = _Rules(users, rules)
        _set_rules(primitive, which, rules)
    return rules


cdef _set_rules(primitive, which, rules):
    if rules is not None and rules.users:
        _composition(primitive)  # while it is to be had: a copy of a table operation as the table has it
    if rules is None:
        delattr(primitive, which)  # empty, which None would not be
    else:
        setattr(primitive, which, rules)
    if primitive.traced is not None:
        # A composite's arguments may be lists of arrays, which its value needs as they are.
        take_trees(primitive, primitive.vjps is not None or primitive.jvps is not None)
    override_rules(primitive, primitive.vjps is not None or primitive.jvps is not None)


def own_rules(primitive, which):
    """The rules that the package gave a primitive in one mode, or None."""
    rules = getattr(primitive, which)
    return rules.own if rules is not None and rules.users else rules


def restore_rules(primitive, modes=("vjps", "jvps")):
    """Undo what defvjp and defjvp did to a built-in operation.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad
    >>> from fastad.extend import defvjp, restore_rules
    >>> defvjp(np.sin, lambda ans, x: lambda g: 10.0 * g)
    >>> float(grad(np.sin)(0.0))
    10.0
    >>> restore_rules(np.sin)
    >>> float(grad(np.sin)(0.0))
    1.0
    """
    rules_given["times"] += 1
    for which in modes:
        _set_rules(primitive, which, own_rules(primitive, which))


# -- what stands where no rule was given ----------------------------------------------------------

_builtins = {}


cdef object _composition(primitive):
    """A function of differentiable operations that a primitive is differentiated as; None if there is none."""
    if primitive.derivative is not None:
        return primitive.derivative
    if primitive not in _builtins:
        return None
    own = _builtins[primitive]
    if own is None:
        own = _builtins[primitive] = builtin_copy(primitive)
    return own


def has_own(primitive, which="vjps"):
    """True if a primitive has a derivative in a mode without the user's rules; zero is one."""
    return (primitive.derivative is not None or primitive.kind in ("zero", "test") or primitive in _builtins
            or own_rules(primitive, which) is not None)


_flatten = None  # of containers: a hook


cdef class Tape


cdef class RecordedVjp:
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
                    leaves, structure = _flatten(value, lenient=True)
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

    def _try(self, leaf):
        """A leaf of a container traced; what is no float is a constant."""
        if isinstance(getval(leaf), (float, complex, _np.floating, _np.complexfloating)) or (
            isinstance(getval(leaf), _np.ndarray) and getval(leaf).dtype.kind in "fc"
        ):
            return tape_box(self.tape.tape, leaf)
        return leaf

    def __call__(self, g):
        """One cotangent for each of the arguments; None where none arrived."""
        if isinstance(self.out, (tuple, list)):
            outs, gs = [], []
            for one, part in zip(self.out, g):
                if part is not None:
                    outs.append(one)
                    gs.append(part)
        else:
            outs, gs = (self.out,), (g,)
        traced = tuple([box for box in self.boxes if isinstance(box, Box) and self.tape.owns(box)])
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
                parts.append(_np.zeros(_np.shape(getval(leaf)))[()] if part is None else part)
                place += 1
            result.append(form.unflatten(parts))
        return result


cdef object _composed_vjp(primitive, tuple argnums, tuple args, kwargs):
    """The vjp of a primitive by what it is composed of."""
    if primitive.kind in ("zero", "test"):
        return lambda g: (None,) * len(argnums)
    function = _composition(primitive)
    if function is None:
        if argnums[0] >= len(args):
            raise _keyword_argnum_error(primitive, list(kwargs)[argnums[0] - len(args)])
        _no_rule(primitive, argnums[0], "VJP")
    return RecordedVjp(function, argnums, args, kwargs)


cdef object _composed_jvp(primitive, argnums, tangents, tuple args, kwargs):
    """The tangent of a primitive's result by what it is composed of; None: zero."""
    if primitive.kind in ("zero", "test"):
        return None
    function = _composition(primitive)
    if function is None:
        if argnums[0] >= len(args):
            raise _keyword_argnum_error(primitive, list(kwargs)[argnums[0] - len(args)])
        _no_rule(primitive, argnums[0], "JVP")
    return recorded_jvp(function, argnums, tangents, args, kwargs)


def recorded_jvp(function, argnums, tangents, tuple args, dict kwargs):
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
            leaves, structure = _flatten(value, lenient=True)
            boxes = [
                leaf if part is None or _np.result_type(getval(leaf)).kind not in "fc" else level.box(leaf, part)
                for leaf, part in zip(leaves, structure.flatten_like(tangent))
            ]
            places[argnum] = structure.unflatten(boxes)
        out = function(*places, **named)
        if isinstance(out, (tuple, list)):
            return tuple([level.tangent(one)[1] for one in out])
        return level.tangent(out)[1]


def defvjp(primitive, *makers, argnums=None):
    """Give a primitive its VJP rules.

    Parameters
    ----------
    primitive : Primitive
    *makers : callable or None
        One for each argument: ``maker(ans, *args, **kwargs)`` returns ``vjp(g)``, the cotangent of that argument.
        None: derivative zero.
    argnums : sequence of int, optional
        The arguments that the makers belong to; by default the first ones.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad, make_jvp
    >>> from fastad.extend import defvjp, primitive
    >>> product = primitive(lambda x, y: x * y)
    >>> defvjp(product, lambda ans, x, y: lambda g: g * y, lambda ans, x, y: lambda g: g * x)
    >>> float(grad(product, 1)(2.0, 3.0))
    2.0
    """
    rules = rules_of(primitive, "vjps")
    for maker in makers:
        if maker is not None and not callable(maker):
            raise TypeError(f"defvjp: a vjp maker of {primitive.__name__} must be a function or None, not {maker!r}")
    rules.give(argnums if argnums is not None else range(len(makers)), makers)


def defvjp_argnum(primitive, maker):
    """One VJP maker for every argument: ``maker(argnum, ans, args, kwargs)`` returns ``vjp(g)``.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad, make_jvp
    >>> from fastad.extend import defvjp_argnum, primitive
    >>> product = primitive(lambda x, y: x * y)
    >>> defvjp_argnum(product, lambda argnum, ans, args, kwargs: lambda g: g * args[1 - argnum])
    >>> float(grad(product, 1)(2.0, 3.0))
    2.0
    """
    rules_of(primitive, "vjps").give_all(rest=maker)


def defvjp_argnums(primitive, maker):
    """One VJP maker for all arguments at once: ``maker(argnums, ans, args, kwargs)`` returns ``vjp(g)``,
    which returns one cotangent for each of argnums.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad, make_jvp
    >>> from fastad.extend import defvjp_argnums, primitive
    >>> product = primitive(lambda x, y: x * y)
    >>> defvjp_argnums(
    ...     product, lambda argnums, ans, args, kwargs: lambda g: [g * args[1 - i] for i in argnums]
    ... )
    >>> float(grad(product, 1)(2.0, 3.0))
    2.0
    """
    rules_of(primitive, "vjps").give_all(joint=maker)


def defjvp(primitive, *jvps, argnums=None):
    """Give a primitive its JVP rules: ``jvp(g, ans, *args, **kwargs)`` for each argument.

    ``"same"`` stands for an operation that is linear in that argument: the operation itself on the
    tangent. None: derivative zero.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad, make_jvp
    >>> from fastad.extend import defjvp, primitive
    >>> product = primitive(lambda x, y: x * y)
    >>> defjvp(product, "same", lambda g, ans, x, y: x * g)
    >>> value, tangent = make_jvp(product, 1)(2.0, 3.0)(1.0)
    >>> float(tangent)
    2.0
    """
    rules = rules_of(primitive, "jvps")
    for jvp in jvps:
        if jvp is not None and jvp != "same" and not callable(jvp):
            raise TypeError(f"defjvp: a jvp of {primitive.__name__} must be a function, 'same' or None, not {jvp!r}")
    rules.give(argnums if argnums is not None else range(len(jvps)), jvps)


def defjvp_argnum(primitive, jvp):
    """One JVP for every argument: ``jvp(argnum, g, ans, args, kwargs)``.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad, make_jvp
    >>> from fastad.extend import defjvp_argnum, primitive
    >>> product = primitive(lambda x, y: x * y)
    >>> defjvp_argnum(product, lambda argnum, g, ans, args, kwargs: g * args[1 - argnum])
    >>> value, tangent = make_jvp(product, 1)(2.0, 3.0)(1.0)
    >>> float(tangent)
    2.0
    """
    rules_of(primitive, "jvps").give_all(rest=jvp)


def defjvp_argnums(primitive, jvp):
    """One JVP for several arguments: ``jvp(argnums, gs, ans, args, kwargs)``.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad, make_jvp
    >>> from fastad.extend import defjvp_argnums, primitive
    >>> product = primitive(lambda x, y: x * y)
    >>> defjvp_argnums(
    ...     product,
    ...     lambda argnums, gs, ans, args, kwargs: sum(g * args[1 - i] for i, g in zip(argnums, gs)),
    ... )
    >>> value, tangent = make_jvp(product, 1)(2.0, 3.0)(1.0)
    >>> float(tangent)
    2.0
    """
    rules_of(primitive, "jvps").give_all(joint=jvp)


def def_linear(primitive):
    """Say that a primitive is linear in each argument separately: its JVP is itself.

    Examples
    --------
    >>> import fastad.numpy as np
    >>> from fastad import grad, make_jvp
    >>> from fastad.extend import def_linear, primitive
    >>> product = primitive(lambda x, y: x * y)
    >>> def_linear(product)
    >>> value, tangent = make_jvp(product, 1)(2.0, 3.0)(1.0)
    >>> float(tangent)
    2.0
    """
    rules_of(primitive, "jvps").give_all(
        rest=lambda argnum, g, ans, args, kwargs: primitive(*args[:argnum], g, *args[argnum + 1:], **kwargs)
    )
