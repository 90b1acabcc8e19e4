# Primitives and rules that are registered from Python.

Primitive = None  # set below, by the C++ type


class _Rules:
    """VJP or JVP rules of one primitive: by argnum, or one function for several."""

    __slots__ = ("by_argnum", "rest", "joint", "single")

    def __init__(self):
        self.by_argnum = {}
        self.rest = None      # for argnums beyond the given ones: f(argnum, ...)
        self.joint = None     # f(argnums, ...)
        self.single = None


def _no_rule(primitive, argnum, mode):
    name = primitive.__name__
    raise NotImplementedError(
        f"{name}: there is no {mode} rule for its argument number {argnum}. Add one with "
        f"fastad.extend.{'defvjp' if mode == 'VJP' else 'defjvp'}({name}, ..., argnums=({argnum},)), or write the "
        f"computation with functions of fastad.numpy that have rules"
    )


class _JointVjp:
    """One vjp for several arguments: called once for each cotangent, handed out by parts."""

    __slots__ = ("vjp", "g", "parts")

    def __init__(self, vjp):
        self.vjp = vjp
        self.g = None
        self.parts = None

    def part(self, which, last, g):
        if self.parts is None or self.g is not g:
            self.g, self.parts = g, tuple(self.vjp(g))
        result = self.parts[which]
        if last:
            self.g = self.parts = None
        return result


def _as_it_is(vjp):
    return vjp


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
            parameter for parameter in signature(primitive.fun).parameters.values()
            if parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        parameters = []  # of a function in C
    names = [
        parameter.name if parameter.kind is Parameter.POSITIONAL_OR_KEYWORD else "" for parameter in parameters
    ]
    for name in traced:
        if name not in names:
            raise _keyword_argnum_error(primitive, name)
        if names.index(name) < len(args):
            raise TypeError(f"{primitive.__name__}() got multiple values for argument {name!r}")
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
    cdef Py_ssize_t positional = len(args)
    if kwargs is None:
        kwargs = {}
    for argnum in argnums:
        if argnum >= positional:
            raise _keyword_argnum_error(primitive, list(kwargs)[argnum - positional])
    rules = primitive.vjps
    if rules is None:
        _no_rule(primitive, argnums[0], "VJP")
    handle = [argnums, primitive]
    wrap = _TupleVjp.around(ans) if isinstance(ans, tuple) else _as_it_is
    if rules.joint is not None:
        joint = _JointVjp(wrap(rules.joint(argnums, ans, args, kwargs)))
        handle.append(joint)
        return tuple(handle)
    for argnum in argnums:
        maker = rules.by_argnum.get(argnum, _missing)
        if maker is _missing:
            if rules.rest is None:
                _no_rule(primitive, argnum, "VJP")
            handle.append(wrap(rules.rest(argnum, ans, args, kwargs)))
        elif maker is None:
            handle.append(None)
        else:
            handle.append(wrap(maker(ans, *args, **kwargs)))
    return tuple(handle)


cdef object _missing = object()


cdef PyObject* _call_vjp(PyObject* primitive_, PyObject* vjps_, Py_ssize_t which, PyObject* g_) noexcept:
    try:
        handle = <tuple?>vjps_
        vjp = handle[2] if len(handle) == 3 else handle[2 + which]
        if isinstance(vjp, _JointVjp):
            result = vjp.part(which, which == len(handle[0]) - 1, <object>g_)
        elif vjp is None:
            result = None
        else:
            result = vjp(<object>g_)
            if result is None:
                raise TypeError(
                    f"{(<object>primitive_).__name__}: the vjp of its argument number {handle[0][which]} returned None; "
                    f"it must return a cotangent (is a return statement missing?)"
                )
            if _hooks and type(result) in _hooks:
                result = _hooks[type(result)](result)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


cdef PyObject* _call_jvp(PyObject* primitive_, Py_ssize_t argnum, PyObject* tangent_, PyObject* ans_,
                         PyObject* args_, PyObject* kwargs_) noexcept:
    try:
        primitive = <object>primitive_
        args = <tuple>args_
        kwargs = <object>kwargs_
        if kwargs is None:
            kwargs = {}
        if argnum >= len(args):
            raise _keyword_argnum_error(primitive, list(kwargs)[argnum - len(args)])
        rules = primitive.jvps
        if rules is None:
            _no_rule(primitive, argnum, "JVP")
        rule = rules.by_argnum.get(argnum, _missing)
        if rules.joint is not None:
            result = rules.joint((argnum,), [<object>tangent_], <object>ans_, args, kwargs)
        elif rule is _missing:
            if rules.rest is None:
                _no_rule(primitive, argnum, "JVP")
            result = rules.rest(argnum, <object>tangent_, <object>ans_, args, kwargs)
        elif rule is None:
            result = None
        elif rule == "same":
            result = primitive(*args[:argnum], <object>tangent_, *args[argnum + 1:], **kwargs)
        else:
            result = rule(<object>tangent_, <object>ans_, *args, **kwargs)
        Py_INCREF(result)
        return <PyObject*>result
    except BaseException as error:
        _restore(error)
        return NULL


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
    take_trees(made)
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


def _rules_of(primitive, which):
    if not isinstance(primitive, Primitive):
        raise TypeError(
            f"a rule can only be given to a primitive, not to {primitive!r}: decorate it with fastad.extend.primitive"
        )
    rules = getattr(primitive, which)
    if rules is None:
        rules = _Rules()
        setattr(primitive, which, rules)
        if primitive in _builtins:
            _override(primitive)
    return rules


_builtins = {}


def _override(primitive):
    """Record an operation of the table with rules from Python; what they do not name, the table's rules do."""
    own = _builtins[primitive]
    if own is None:
        own = _builtins[primitive] = builtin_copy(primitive)
    for which in ("vjps", "jvps"):
        if getattr(primitive, which) is None:
            setattr(primitive, which, _Rules())
    primitive.vjps.rest = lambda argnum, ans, args, kwargs: builtin_vjp(own, argnum, args, kwargs)
    primitive.jvps.rest = lambda argnum, g, ans, args, kwargs: builtin_jvp(own, argnum, g, args, kwargs)
    override_rules(primitive, True)


def restore_rules(primitive):
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
    primitive.vjps = primitive.jvps = None
    override_rules(primitive, False)


def builtin_vjp(primitive, argnum, args, kwargs):
    """The vjp of one argument of any differentiable operation, from a tape of its own."""
    tape = Tape()
    box = tape.box(args[argnum])
    out = primitive(*args[:argnum], box, *args[argnum + 1:], **kwargs)
    tape.stop()

    def vjp(g):
        return tape.sweep([out], [g], [box])[0]

    return vjp


def builtin_jvp(primitive, argnum, g, args, kwargs):
    """The jvp of one argument of any differentiable operation."""
    with Forward() as level:
        box = level.box(args[argnum], g)
        return level.tangent(primitive(*args[:argnum], box, *args[argnum + 1:], **kwargs))[1]


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
    rules = _rules_of(primitive, "vjps")
    for maker in makers:
        if maker is not None and not callable(maker):
            raise TypeError(f"defvjp: a vjp maker of {primitive.__name__} must be a function or None, not {maker!r}")
    rules.joint = None
    for argnum, maker in zip(argnums if argnums is not None else range(len(makers)), makers):
        rules.by_argnum[argnum] = maker


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
    rules = _rules_of(primitive, "vjps")
    rules.rest = maker
    rules.by_argnum.clear()


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
    _rules_of(primitive, "vjps").joint = maker


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
    rules = _rules_of(primitive, "jvps")
    for jvp in jvps:
        if jvp is not None and jvp != "same" and not callable(jvp):
            raise TypeError(f"defjvp: a jvp of {primitive.__name__} must be a function, 'same' or None, not {jvp!r}")
    for argnum, jvp in zip(argnums if argnums is not None else range(len(jvps)), jvps):
        rules.by_argnum[argnum] = jvp


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
    _rules_of(primitive, "jvps").rest = jvp


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
    _rules_of(primitive, "jvps").joint = jvp


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
    rules = _rules_of(primitive, "jvps")
    rules.rest = lambda argnum, g, ans, args, kwargs: primitive(
        *args[:argnum], g, *args[argnum + 1:], **kwargs
    )
