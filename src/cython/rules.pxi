# What the rules of a primitive are, how they are given and taken back, and what stands where there are none.
#
# from declarations: take_trees

cimport cython
from libcpp cimport bool as cbool

from functools import partial as _partial

cdef extern from "python/session.hpp" namespace "fastad::python":
    object primitive_class()
    void override_rules(object primitive, cbool overridden)
    object builtin_copy(object primitive)

cdef extern from "python/answering.hpp" namespace "fastad::python":
    object answering_class()

cdef extern from "python/formulas.hpp" namespace "fastad::python":
    void use_formulas(object primitive, cbool wanted)


cdef extern from "python/primitive.hpp" namespace "fastad::python":
    object set_loaders(object rules, object attributes)
    object postpone_rules(object primitive, cbool any_call)
    object c_postpone_attributes "fastad::python::postpone_attributes" (object primitive)
    object c_define_late "fastad::python::define_late" (object primitive, object function, object traced, object derivative)


Primitive = primitive_class()
Answering = answering_class()


@cython.auto_pickle(False)
cdef class _Rules:
    """The rules of one primitive in one mode: for single arguments, and for all that have none of their own.

    The last registration wins, argument by argument. Where the user gave nothing the primitive's own derivative
    stands, so that a built-in keeps its rule in the other mode and for the other arguments.
    """

    cdef public dict by_argnum
    cdef public object rest, joint, own
    cdef public cbool users

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


@cython.auto_pickle(False)
cdef class Around:
    """What a primitive is differentiated as, where that starts from its own value.

    Parameters
    ----------
    moving : callable
        ``moving(ans, held, *args)``: something that changes with the arguments as the value ``ans`` does, written
        in differentiable operations. ``ans`` and ``held``, which is ``args`` once more, count as constants, at each
        order anew: a step of Newton's method from a solution has the solution's derivatives.
    """

    cdef readonly object moving

    def __init__(self, moving):
        self.moving = moving


def late_primitive(function, name, any_call=False):
    """A primitive whose rules come with the module that has them: before the first call with traced values, or before
    any call (`any_call`), or as soon as they are looked at."""
    made = Primitive(function, name)
    postpone_rules(made, any_call)
    return made


def call_late(primitive):
    """Let the module that has more of a primitive be loaded before its first call."""
    postpone_rules(primitive, True)


def attributes_late(primitive):
    """Let the attributes that a primitive has of its ufunc come when they are asked for."""
    c_postpone_attributes(primitive)


def define_late(primitive, function, traced=None, derivative=None):
    """Give a late primitive what its constructor would be given."""
    c_define_late(primitive, function, traced, derivative)


# How often users gave rules: a program records those of its time. The package gives its own while it is loaded, to
# primitives that no program knows yet.
rules_given = {"times": 0}


def rules_of(primitive, which, users=False):
    """The rules of a primitive in one mode ('vjps' or 'jvps'), to be changed; errors name the remedy."""
    if users:
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
    use_formulas(primitive, not _by_users(primitive.vjps) and not _by_users(primitive.jvps))


cdef cbool _by_users(rules):
    return rules is not None and (<_Rules>rules).users


def own_rules(primitive, which):
    """The rules that the package gave a primitive in one mode, or None."""
    rules = getattr(primitive, which)
    return rules.own if rules is not None and rules.users else rules


def restore_rules(primitive, modes=("vjps", "jvps")):
    """Undo what defvjp and defjvp did to a built-in operation.

    Parameters
    ----------
    primitive : Primitive
        An operation of `fastad.numpy`.
    modes : sequence of {"vjps", "jvps"}
        Which rules: reverse mode's, forward mode's; both by default.

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


cdef object _composed(primitive, ans, tuple args):
    """The function that a primitive is differentiated as at these arguments; None if there is none."""
    function = _composition(primitive)
    return _partial((<Around>function).moving, ans, args) if isinstance(function, Around) else function


def has_own(primitive, which="vjps"):
    """True if a primitive has a derivative in a mode without the user's rules; zero is one."""
    return (primitive.derivative is not None or primitive.kind in ("zero", "test") or primitive in _builtins
            or own_rules(primitive, which) is not None)


def missing_rule(primitive, argnums, mode):
    """The error for a derivative ('VJP' or 'JVP') that no rule is given for."""
    name = getattr(primitive, "__name__", primitive)
    argnums = tuple(argnums)
    error = NotImplementedError(
        f"{mode} of {name} wrt argnums {argnums} not defined. Add one with "
        f"fastad.extend.def{mode.lower()}({name}, ..., argnums={argnums}), or write the computation with functions of "
        f"fastad.numpy that have rules"
    )
    error.missing_rule = mode  # for operators that can take the other mode
    return error


cdef object _keyword_argnum_error(primitive, name):
    return TypeError(
        f"{primitive.__name__}: the keyword argument {name!r} is a traced value, which has no rule as a keyword; "
        f"pass it by position, or pass fastad.getval of it"
    )
