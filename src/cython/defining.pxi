# What users make primitives and give rules with.
#
# from declarations: take_trees
# from rules: Primitive, rules_of

import sys

from libc.stdint cimport uint32_t
from libcpp cimport bool as cbool

cdef extern from "python/routines.hpp" namespace "fastad::python":
    object c_give_routines "fastad::python::give_routines" (object primitive, object entries, object result)
    void set_moves(object primitive)

cdef extern from "python/formulas.hpp" namespace "fastad::python":
    cdef cppclass Axes "fastad::python::Formulas::Axes":
        size_t axis
        size_t keepdims
        size_t count
    object c_give_formulas "fastad::python::give_formulas" (object primitive, object write, object value, const Axes& along)
    object c_give_composition "fastad::python::give_composition" (object primitive, object function)

cdef extern from "python/targets.hpp" namespace "fastad::python":
    object c_give_target "fastad::python::give_target" (object primitive, object target, object names, object defaults, uint32_t traced, uint32_t options)

cdef extern from "python/programs.hpp" namespace "fastad::python":
    void set_contraction(object primitive)


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

    Parameters
    ----------
    function : callable
        Takes plain values where it is called with traced ones.

    Returns
    -------
    Primitive
        To be called in its place.

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


def defvjp(primitive, *makers, argnums=None):
    """Give a primitive its VJP rules.

    Parameters
    ----------
    primitive : Primitive
    *makers : callable or None
        One for each argument: ``maker(ans, *args, **kwargs)`` returns ``vjp(g)``, the cotangent of that argument,
        or NotImplemented, where the operation's own derivative shall stand. None: derivative zero.
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

    Parameters
    ----------
    primitive : Primitive
        What `fastad.extend.primitive` gave, or an operation of `fastad.numpy`.
    maker : callable
        ``maker(argnum, ans, args, kwargs)`` returns ``vjp(g)``, the cotangent of argument `argnum` for the cotangent
        `g` of the result.

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

    Parameters
    ----------
    primitive : Primitive
        What `fastad.extend.primitive` gave, or an operation of `fastad.numpy`.
    maker : callable
        ``maker(argnums, ans, args, kwargs)`` returns ``vjp(g)``, which returns a sequence: the cotangents of the
        arguments `argnums`, a tuple of positions, in their order.

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
    tangent. None: derivative zero. A rule that returns NotImplemented leaves the call to the operation's own.

    Parameters
    ----------
    primitive : Primitive
        What `fastad.extend.primitive` gave, or an operation of `fastad.numpy`.
    *jvps : callable, "same" or None
        One for each argument: the tangent of the result for the tangent `g` of that argument.
    argnums : sequence of int, optional
        The arguments that the rules belong to; by default the first ones.

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

    Parameters
    ----------
    primitive : Primitive
        What `fastad.extend.primitive` gave, or an operation of `fastad.numpy`.
    jvp : callable
        ``jvp(argnum, g, ans, args, kwargs)`` returns the tangent of the result for the tangent `g` of argument `argnum`.

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

    Parameters
    ----------
    primitive : Primitive
        What `fastad.extend.primitive` gave, or an operation of `fastad.numpy`.
    jvp : callable
        ``jvp(argnums, gs, ans, args, kwargs)`` returns the tangent of the result for the tangents `gs` of the arguments
        `argnums`.

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

    Parameters
    ----------
    primitive : Primitive
        What `fastad.extend.primitive` gave, or an operation of `fastad.numpy`.

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


def contracts(primitive):
    """Say of a primitive that it is ``numpy.einsum`` of subscripts, a dict of options and arrays: what programs
    compute without a call, where they can.
    """
    set_contraction(primitive)


def give_routines(primitive, *entries, result=None):
    """Let a primitive compute its values on arrays by loops, where its function would do the same in more time.

    Parameters
    ----------
    primitive : Primitive
        Its first arguments are arrays; at most one option follows.
    *entries : tuple
        An option's value, or None where there is no option; then a generalized ufunc, or the name of a routine
        of the core. The first that fits a call is run; where none does or one fails, the function is called.
    result : type, optional
        The type of tuple that holds several results.
    """
    c_give_routines(primitive, entries, result)


def give_formulas(primitive, write, value=None, along=None):
    """Let an elementwise primitive compute its derivatives by formulas, where its rules would do the same in more time.

    And its values, where its function would.

    Parameters
    ----------
    primitive : Primitive
        It has rules in both modes; where the user gives it others, the formulas do not count.
    write : callable
        ``write(dtype)`` for ``'d'`` or ``'f'`` returns, for each argument, the formulas of its partial derivative as
        ``_impl.formulas`` notes them. Called when they are first needed.
    value : callable, optional
        ``value()`` returns those of the value, for float64 arrays of one shape beside numbers: to the bit what the
        function gives of arguments that are broadcast.
    along : tuple of str, optional
        Of an operation along axes of its first operand, that is no elementwise one: the names of its operands, of which
        one is 'axis', and one may be 'keepdims'; the others are options, and the formulas are for None and False.
        Then ``write`` gives the formulas of the array's cotangent, by the array, the result and the result's cotangent.
    """
    cdef Axes axes
    if along is not None:
        axes.count = len(along)
        axes.axis = along.index("axis")
        if "keepdims" in along:
            axes.keepdims = along.index("keepdims")
    c_give_formulas(primitive, write, value, axes)


def give_composition(primitive, function):
    """Let programs record what a primitive is composed of, in its place.

    Parameters
    ----------
    primitive : Primitive
    function : callable
        It takes what the primitive takes, computes the same of operations, and returns NotImplemented where it does not.
    """
    c_give_composition(primitive, function)


def give_target(primitive, target, names, defaults, traced, options=()):
    """Let calls of one primitive go to another, which takes all arguments by position.

    Parameters
    ----------
    primitive, target : Primitive
    names : tuple of str
        Those of all arguments.
    defaults : tuple
        Of the last ones.
    traced : tuple of int
        Places at which traced values are taken. What is neither such a value, a number nor an array of float64 goes to
        the first primitive's own functions.
    options : tuple of int
        Places at which None, truths and tuples are taken as well.
    """
    cdef uint32_t values = sum(1 << place for place in traced)
    cdef uint32_t others = sum(1 << place for place in options)
    c_give_target(primitive, target, tuple(map(sys.intern, names)), defaults, values, others)


def moves_elements(primitive):
    """Say of a primitive that its result holds elements of its first argument, and zeros, at places that the other
    arguments give: what programs do without a call.
    """
    set_moves(primitive)
