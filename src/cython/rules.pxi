# What the rules of a primitive are, and how they are given and taken back.

Primitive = None  # set below, by the C++ type


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
    use_formulas(primitive, not _by_users(primitive.vjps) and not _by_users(primitive.jvps))


cdef cbool _by_users(rules):
    return rules is not None and (<_Rules>rules).users


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


