"""Rules given to any operation: the new one is used, the other mode and arguments are unchanged."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as onp
import pytest
from calls_scipy import CALLS, SLOW
from cases import (
    AROUND,
    DIFFERENTIABLE,
    OPERATIONS,
    Case,
    cases_of,
    directions,
    flat,
    is_leaf,
    jvp,
    vjp,
)

import fastad.numpy as np
from fastad import core, grad, make_jvp
from fastad._core import getval
from fastad._impl.spaces.containers import tree_map
from fastad.extend import (
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    primitive,
    restore_rules,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:Casting complex values to real"),
    pytest.mark.filterwarnings("ignore:Output seems independent"),
]

random = onp.random.default_rng(3)
M = random.uniform(-1, 1, (3, 3)) + 3 * onp.eye(3)
S = M @ M.T
V = random.uniform(0.2, 0.8, 3)


# ---- calls ---------------------------------------------------------------------------------------


class Call:
    """One call: a function of its leaves with results in a list, and the operation in it."""

    def __init__(self, operation: Any, function: Callable[..., list[Any]], case: Case):
        self.operation = operation
        self.function = function
        self.leaves = case.leaves
        self.around = False  # whether the leaves are the operation's own arguments
        self.place = next((i for i, one in enumerate(case.args) if is_leaf(one)), None)

    def vjp(self, leaves: Any = None) -> list[Any]:
        leaves = self.leaves if leaves is None else leaves
        return vjp(self.function, leaves, self.cotangents)

    def jvp(self, leaves: Any = None) -> list[Any]:
        return jvp(self.function, self.leaves if leaves is None else leaves, self.tangents)

    def second(self, first: Callable[[Any], list[Any]]) -> list[Any]:
        """The derivative of one of these along the tangents of the leaves."""
        return jvp(lambda *leaves: first(leaves), self.leaves, self.tangents)

    def prepare(self) -> None:
        self.cotangents = directions(self.function(*self.leaves), 1)
        self.tangents = directions(self.leaves, 2)


def table_calls(name: str) -> list[Call]:
    found = []
    for case in cases_of(name):
        if case.leaves and all(onp.size(leaf) for leaf in case.leaves) and not found:
            found.append(Call(OPERATIONS[name], case.fastad, case))
    return found


def scipy_call(name: str) -> Call:
    call = CALLS[name]

    def function(*leaves: Any) -> list[Any]:
        return [one for one in flat(call.function(*leaves)) if is_leaf(one)]

    made = Call(call.operation, function, Case("", tuple(call.leaves)))
    made.around = not call.direct
    return made


# What takes a function of the user's calls that, and is no operation.
SCIPY = [name for name, call in CALLS.items() if call.operation is not None and name not in SLOW]
# What the core alone calls, or what records nothing of its own: a call of it is another's call.
NO_NODE = {"apply_along_axis", "apply_over_axes", "fromfunction", "vectorize", "piecewise"}
NAMES = [name for name in DIFFERENTIABLE if name not in NO_NODE and table_calls(name)]


# ---- rules that can be told from any other -------------------------------------------------------


def sevens(value: Any) -> Any:
    """Seven in every place of a number, an array or a container of them."""
    return tree_map(
        lambda leaf: (onp.full(onp.shape(getval(leaf)), 7.0, onp.result_type(getval(leaf), float)))[
            ()
        ],
        value,
    )


class Counted:
    """A rule that counts its calls."""

    def __init__(self, rule: Callable[..., Any]) -> None:
        self.rule = rule
        self.calls = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return self.rule(*args, **kwargs)


@contextmanager
def restored(operation: Any) -> Iterator[None]:
    try:
        yield
    finally:
        restore_rules(operation)


def same(actual: list[Any], expected: list[Any]) -> None:
    for a, b in zip(actual, expected, strict=True):
        scale = max([1.0, *onp.abs(onp.ravel(b)).tolist()])
        onp.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10 * scale)


def check(call: Call) -> None:
    """All four ways of giving a rule."""
    call.prepare()
    operation = call.operation
    back, forward = call.vjp(), call.jvp()
    back_again, forward_again = call.second(call.vjp), call.second(call.jvp)

    with restored(operation):
        rule = Counted(lambda argnums, gs, ans, args, kwargs: sevens(ans))
        defjvp_argnums(operation, rule)
        same(call.vjp(), back)
        assert rule.calls == 0
        call.jvp()
        assert rule.calls > 0
    same(call.jvp(), forward)

    with restored(operation):
        # Numbers beyond the positional arguments count the keywords.
        rule = Counted(
            lambda argnums, ans, args, kwargs: (
                lambda g: [sevens([*args, *kwargs.values()][i]) for i in argnums]
            )
        )
        defvjp_argnums(operation, rule)
        same(call.jvp(), forward)
        same(call.second(call.jvp), forward_again)
        assert rule.calls == 0
        found = call.vjp()
        assert rule.calls > 0
        if not call.around:
            assert all(onp.all(onp.asarray(one) == 7.0) for one in found[:1])
    same(call.vjp(), back)

    with restored(operation):  # reverse mode by itself, also below another reverse level
        defjvp_argnums(operation, Counted(lambda argnums, gs, ans, args, kwargs: sevens(ans)))
        same(reverse_twice(call), call.before_twice)
    same(call.second(call.vjp), back_again)


def reverse_twice(call: Call) -> list[Any]:
    """Reverse over reverse."""
    return vjp(lambda *leaves: call.vjp(leaves), call.leaves, call.tangents)


def check_one_argument(call: Call) -> None:
    """A rule for one argument only, in either mode."""
    operation, leaves, place = call.operation, call.leaves, call.place
    back, whole = call.vjp(), call.jvp()
    forward = [
        jvp(lambda x, i=i: call.function(*leaves[:i], x, *leaves[i + 1 :]), [leaves[i]], [t])
        for i, t in enumerate(call.tangents)
    ]
    with restored(operation):
        rule = Counted(lambda ans, *args, **kwargs: lambda g: sevens(args[place]))
        defvjp(operation, rule, argnums=(place,))
        found = call.vjp()
        assert rule.calls > 0
        same(found[1:], back[1:])
        same(call.jvp(), whole)
    with restored(operation):
        rule = Counted(lambda g, ans, *args, **kwargs: sevens(ans))
        defjvp(operation, rule, argnums=(place,))
        for i in range(1, len(leaves)):
            same(
                jvp(
                    lambda x, i=i: call.function(*leaves[:i], x, *leaves[i + 1 :]),
                    [leaves[i]],
                    [call.tangents[i]],
                ),
                forward[i],
            )
        assert rule.calls == 0
        same(call.vjp(), back)
        call.jvp()
        assert rule.calls > 0


def by_positions(name: str) -> bool:
    """Tell whether every leaf of an operation's cases is an argument of its own."""
    return all(all(not isinstance(a, (list, tuple)) for a in case.args) for case in cases_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_numpy(name):
    for call in table_calls(name):
        call.prepare()
        call.before_twice = reverse_twice(call)
        call.around = name in AROUND
        check(call)
        if len(call.leaves) > 1 and by_positions(name):
            check_one_argument(call)


@pytest.mark.parametrize("name", SCIPY)
def test_scipy(name):
    call = scipy_call(name)
    call.prepare()
    call.before_twice = reverse_twice(call)
    check(call)
    if len(call.leaves) > 1 and not call.around:
        check_one_argument(call)


# ---- the last registration wins ------------------------------------------------------------------


def _value(a, b):
    return a * b


VJPS = {
    "defvjp": lambda f, c: defvjp(
        f, lambda ans, a, b: lambda g: c * g, lambda ans, a, b: lambda g: c * g
    ),
    "defvjp one": lambda f, c: defvjp(f, lambda ans, a, b: lambda g: c * g, argnums=(1,)),
    "defvjp_argnum": lambda f, c: defvjp_argnum(f, lambda n, ans, args, kwargs: lambda g: c * g),
    "defvjp_argnums": lambda f, c: defvjp_argnums(
        f, lambda argnums, ans, args, kwargs: lambda g: [c * g for _ in argnums]
    ),
}
JVPS = {
    "defjvp": lambda f, c: defjvp(f, lambda g, ans, a, b: c * g, lambda g, ans, a, b: c * g),
    "defjvp one": lambda f, c: defjvp(f, lambda g, ans, a, b: c * g, argnums=(1,)),
    "defjvp_argnum": lambda f, c: defjvp_argnum(f, lambda n, g, ans, args, kwargs: c * g),
    "defjvp_argnums": lambda f, c: defjvp_argnums(
        f, lambda argnums, gs, ans, args, kwargs: c * sum(gs)
    ),
    "def_linear": lambda f, c: def_linear(f),
}
TARGETS = ("user's", "table", "composite")


def target(kind: str) -> Any:
    if kind == "user's":
        return primitive(_value)
    return np.multiply if kind == "table" else np.kron


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("order", [*itertools.product(VJPS, repeat=3)], ids=", ".join)
def test_last_vjp_wins(order, kind):
    fun = target(kind)
    a, b = 2.0, 5.0
    expected = {0: None if kind == "user's" else b, 1: None if kind == "user's" else a}
    with restored(fun):
        for c, how in enumerate(order, 10):
            VJPS[how](fun, float(c))
            expected[1] = float(c)
            if how != "defvjp one":
                expected[0] = float(c)
        for argnum in (0, 1):
            if expected[argnum] is None:
                with pytest.raises(NotImplementedError, match="defvjp"):
                    grad(fun, argnum)(a, b)
            else:
                assert grad(fun, argnum)(a, b) == expected[argnum]
        if None not in expected.values():
            assert grad(lambda ab: fun(*ab))((a, b)) == (expected[0], expected[1])
        if kind != "user's":
            assert make_jvp(lambda a: fun(a, b))(a)(1.0)[1] == b


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("order", [*itertools.product(JVPS, repeat=3)], ids=", ".join)
def test_last_jvp_wins(order, kind):
    fun = target(kind)
    a, b = 2.0, 5.0
    expected = {0: None if kind == "user's" else b, 1: None if kind == "user's" else a}
    with restored(fun):
        for c, how in enumerate(order, 10):
            JVPS[how](fun, float(c))
            expected[1] = float(c) if how != "def_linear" else a
            if how != "defjvp one":
                expected[0] = float(c) if how != "def_linear" else b
        for argnum in (0, 1):
            of_one = (lambda x: fun(x, b)) if argnum == 0 else (lambda x: fun(a, x))
            if expected[argnum] is None:
                with pytest.raises(NotImplementedError, match="defjvp"):
                    make_jvp(of_one)((a, b)[argnum])(1.0)
            else:
                assert make_jvp(of_one)((a, b)[argnum])(1.0)[1] == expected[argnum]
        if None not in expected.values():
            total = make_jvp(lambda ab: fun(*ab))((a, b))((1.0, 1.0))[1]
            assert total == expected[0] + expected[1]
        if kind != "user's":
            assert grad(fun)(a, b) == b


def test_rules_given_to_operations_of_derivative_zero():
    for operation in (np.floor, np.argmax, np.linalg.matrix_rank):
        x = onp.array([[1.5, 0.5], [0.25, 2.5]])
        with restored(operation):
            defvjp(operation, lambda ans, x: lambda g: 3.0 * onp.ones(onp.shape(x)))
            assert onp.all(grad(lambda x: np.sum(1.0 * operation(x)))(x) == 3.0)
            assert onp.all(make_jvp(lambda x: 1.0 * operation(x))(x)(x)[1] == 0.0)
        assert not onp.any(grad(lambda x: np.sum(x + operation(x)))(x) - 1.0)


@pytest.mark.parametrize("name", ["concatenate", "vstack", "polymul", "pad", "linalg.multi_dot"])
def test_nothing_of_a_rule_is_left_behind(name):
    operation = OPERATIONS[name]
    args = {
        "concatenate": ([V, S[0]],),
        "vstack": ([V, S],),
        "polymul": ([1.0, 2.0], [0.0, 0.0, 3.0]),
        "pad": ([1.0, 2.0], 2, "linear_ramp"),
        "linalg.multi_dot": ([V, S, M],),
    }[name]

    def total(c):
        return np.sum(operation(tree_map(lambda x: x * c, args[0]), *args[1:]))

    before = grad(total)(1.5), grad(grad(total))(1.5)
    with restored(operation):
        defjvp_argnums(operation, lambda argnums, gs, ans, args, kwargs: sevens(ans))
        assert grad(total)(1.5) == pytest.approx(before[0])
        assert make_jvp(total)(1.5)(1.0)[1] != pytest.approx(before[0])
    assert (grad(total)(1.5), grad(grad(total))(1.5)) == before


# ---- what a user's rule is handed ----------------------------------------------------------------


HEADS = {
    "sum": lambda np, y: np.sum(y),
    "sum along an axis": lambda np, y: np.sum(np.sum(y, axis=0) * onp.arange(3.0)),
    "mean": lambda np, y: np.mean(y),
    "broadcast": lambda np, y: np.sum(np.broadcast_to(y, (4, *y.shape)) * 2.0),
    "transpose": lambda np, y: np.sum(np.transpose(y) * onp.arange(6.0).reshape(3, 2)),
    "reversed": lambda np, y: np.sum(y[::-1, ::-1] * onp.arange(6.0).reshape(2, 3)),
    "itself twice": lambda np, y: np.sum(y + y),
    "add": lambda np, y: np.sum(y + 1.0),
    "trace": lambda np, y: np.trace(y[:, :2]),
    "diagonal": lambda np, y: np.sum(np.diagonal(y)),
    "reshape": lambda np, y: np.sum(np.reshape(y, (3, 2)), axis=0)[0],
    "float32": lambda np, y: np.sum(y.astype("float32")),
}


def owned(g: Any, dtype: Any) -> bool:
    return (
        type(g) is onp.ndarray
        and g.flags.c_contiguous
        and g.flags.writeable
        and g.flags.aligned
        and g.shape == (2, 3)
        and g.dtype == dtype
    )


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@pytest.mark.parametrize("head", list(HEADS))
def test_cotangents_and_tangents_are_arrays_of_their_own(head, dtype):
    if dtype == "complex128" and head == "float32":
        return
    x = onp.arange(6.0).reshape(2, 3).astype(dtype) + 1.0
    seen: list[Any] = []

    def take(g):
        assert owned(g, dtype)
        assert not any(onp.shares_memory(g, other) for other in seen)
        seen.append(g)
        g *= 2.0
        result = g.copy()
        g[...] = onp.nan  # nobody else reads it
        return result

    @primitive
    def twice(a, b):
        return a + b

    rules = [lambda ans, a, b: take, lambda ans, a, b: take]
    defvjp(twice, *rules)
    defjvp(twice, lambda g, ans, a, b: take(g), lambda g, ans, a, b: take(g))

    def loss(fun):
        return lambda a, b: np.real(HEADS[head](np, fun(a, b)))

    expected = grad(loss(lambda a, b: 2.0 * a + 2.0 * b), (0, 1))(x, x.copy())
    found = grad(loss(twice), (0, 1))(x, x.copy())
    for one, other in zip(found, expected):
        onp.testing.assert_allclose(one, other, rtol=1e-6)
    defvjp_argnums(twice, lambda argnums, ans, args, kwargs: lambda g: [take(g)] * len(argnums))
    for one, other in zip(grad(loss(twice), (0, 1))(x, x.copy()), expected):
        onp.testing.assert_allclose(one, other, rtol=1e-6)
    t = onp.ones_like(x)
    value, tangent = make_jvp(lambda ab: loss(twice)(*ab))((x, x))((t, t))
    right = make_jvp(lambda ab: loss(lambda a, b: 2.0 * a + 2.0 * b)(*ab))((x, x))((t, t))[1]
    onp.testing.assert_allclose(tangent, right, rtol=1e-6)
    assert onp.all(t == 1.0) and onp.all(x == onp.arange(6.0).reshape(2, 3) + 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_no_result_aliases_what_the_caller_holds(name):
    for call in table_calls(name):
        call.prepare()
        leaves = [onp.array(leaf) for leaf in call.leaves]
        out = call.function(*leaves)
        vjp_fun, _ = core.make_vjp(lambda xs: call.function(*xs), leaves)
        cotangents = [onp.array(g) for g in directions(out, 1)]
        tangents = [onp.array(t) for t in directions(leaves, 2)]
        gradients = vjp_fun(cotangents)
        outputs = core.make_jvp(lambda xs: call.function(*xs), leaves)(tangents)[1]
        mine = [*leaves, *cotangents, *tangents]
        results = [one for one in [*gradients, *outputs] if isinstance(one, onp.ndarray)]
        for i, one in enumerate(results):
            assert one.flags.writeable
            for other in [*mine, *results[:i]]:
                assert not onp.may_share_memory(one, other), name
