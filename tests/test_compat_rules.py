"""What autograd's programs do with rules and types: mappings, registries, helpers."""

from __future__ import annotations

import numpy as onp
import pytest
from compat_runs import X, close

import fastad
import fastad.numpy as np
from fastad import core, grad, make_jvp, make_vjp
from fastad.builtins import DictBox, ListBox, SequenceBox, TupleBox
from fastad.core import JVPNode, VJPNode, backward_pass, primitive_jvps, primitive_vjps, vspace
from fastad.extend import (
    Box,
    SparseObject,
    VSpace,
    defvjp,
    primitive,
    register_notrace,
)
from fastad.numpy.numpy_jvps import broadcast
from fastad.numpy.numpy_vjps import (
    balanced_eq,
    dot_adjoint_0,
    dot_adjoint_1,
    match_complex,
    matmul_adjoint_0,
    matmul_adjoint_1,
    repeat_to_match_shape,
    replace_zero,
    tensordot_adjoint_0,
    tensordot_adjoint_1,
    unbroadcast,
    unbroadcast_f,
    untake,
)
from fastad.numpy.numpy_wrapper import make_diagonal, metadata, wrap_namespace
from fastad.test_util import check_grads
from fastad.tracer import trace


def test_rules_of_built_ins_can_be_called():
    assert len(primitive_vjps) > 150
    assert set(primitive_vjps) == set(primitive_jvps)
    (g,) = primitive_vjps[np.sin]((0,), onp.sin(X), (X,), {})(X)
    close(g, X * onp.cos(X))
    gs = primitive_vjps[np.dot]((0, 1), X @ X, (X, 2 * X), {})(1.0)
    close(gs[0], 2 * X)
    close(gs[1], X)
    close(primitive_jvps[np.multiply]((1,), (X,), X * X, (X, X), {}), X * X)
    (g,) = primitive_vjps[np.sum]((0,), onp.sum(X), (X,), {"axis": 0})(2.0)
    close(g, 2 * onp.ones(3))


def test_zero_derivatives_are_not_in_the_mapping():
    assert np.iscomplex not in primitive_vjps
    assert np.floor not in primitive_vjps
    assert primitive_vjps.pop(np.iscomplex, None) is None
    with pytest.raises(KeyError):
        primitive_vjps[len]


def test_rule_of_a_built_in_replaced_taken_out_and_put_back():
    original = primitive_vjps[np.tanh]
    try:
        defvjp(np.tanh, lambda ans, x: lambda g: 100.0 * g)
        assert grad(np.tanh)(1.0) == 100.0
        close(grad(lambda x: np.sum(np.tanh(x)))(X), [100.0] * 3)
        close(primitive_vjps[np.tanh]((0,), 1.0, (1.0,), {})(1.0), [100.0])
        del primitive_vjps[np.tanh]
        assert np.tanh not in primitive_vjps
        with pytest.raises(NotImplementedError, match="tanh"):
            grad(np.tanh)(1.0)
        primitive_vjps[np.tanh] = lambda argnums, ans, args, kwargs: lambda g: (7.0 * g,)
        assert grad(np.tanh)(1.0) == 7.0
        assert make_jvp(np.tanh)(0.0)(1.0)[1] == 1.0
    finally:
        primitive_vjps[np.tanh] = original
    close(grad(np.tanh)(1.0), 1 - onp.tanh(1.0) ** 2)
    assert grad(grad(np.tanh))(0.0) == 0.0


def test_rule_of_an_operator_replaced():
    original = primitive_vjps[np.multiply]
    try:
        defvjp(np.multiply, lambda ans, x, y: lambda g: g * 0.0 + 50.0)
        assert grad(lambda x: x * 2.0)(1.0) == 50.0
        assert grad(lambda x: 2.0 * x)(1.0) == 2.0  # the other argument keeps its rule
    finally:
        primitive_vjps[np.multiply] = original
    assert grad(lambda x: x * 2.0)(1.0) == 2.0


def test_rules_of_primitives_in_the_mapping():
    @primitive
    def f(x, y):
        return x * y

    assert f not in primitive_vjps
    primitive_vjps[f] = lambda argnums, ans, args, kwargs: (
        lambda g: [g * args[1 - argnum] for argnum in argnums]
    )
    primitive_jvps[f] = lambda argnums, gs, ans, args, kwargs: sum(
        g * args[1 - argnum] for argnum, g in zip(argnums, gs)
    )
    check_grads(f, (0, 1))(1.5, X)
    assert f in primitive_vjps


def test_register_notrace():
    @primitive
    def rounded(x):
        return np.round(x)

    register_notrace(VJPNode, rounded)
    register_notrace(JVPNode, rounded)
    close(grad(lambda x: np.sum(x * rounded(x)))(X), onp.round(X))
    close(make_jvp(lambda x: np.sum(x * rounded(x)))(X)(X)[1], onp.sum(X * onp.round(X)))
    _, end = trace(VJPNode.new_root(), lambda x: np.sum(x * rounded(x)), X)
    close(backward_pass(1.0, end), onp.round(X))


class Point:
    """A user's type, with a vector space and a box of its own."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    @property
    def norm(self):
        return norm(self)


class PointSpace(VSpace):
    def __init__(self, value):
        pass

    def zeros(self):
        return Point(0.0, 0.0)

    def _add(self, p, q):
        return Point(p.x + q.x, p.y + q.y)


class PointBox(Box):
    @property
    def norm(self):
        return norm(self)


PointSpace.register(Point)
PointBox.register(Point)


@primitive
def norm(p):
    return onp.hypot(p.x, p.y)


defvjp(norm, lambda ans, p: lambda g: Point(g * p.x / ans, g * p.y / ans))


@primitive
def scaled(p, a):
    return Point(p.x * a, p.y * a)


defvjp(
    scaled,
    lambda ans, p, a: lambda g: Point(g.x * a, g.y * a),
    lambda ans, p, a: lambda g: g.x * p.x + g.y * p.y,
)


def test_a_type_of_ones_own():
    assert Box.type_mappings[Point] is PointBox
    assert PointBox in Box.types
    assert VSpace.mappings[Point] is PointSpace
    g = grad(lambda p: p.norm * 2.0 + norm(scaled(p, 3.0)))(Point(3.0, 4.0))
    assert isinstance(g, Point)
    close([g.x, g.y], [3.0, 4.0])
    close(grad(lambda a: norm(scaled(Point(3.0, 4.0), a)))(2.0), 5.0)
    with pytest.warns(UserWarning, match="independent"):
        zero = grad(lambda p: 1.0)(Point(1.0, 2.0))
    assert (zero.x, zero.y) == (0.0, 0.0)
    vjp, value = make_vjp(lambda a: scaled(Point(3.0, 4.0), a))(2.0)
    assert (value.x, value.y) == (6.0, 8.0)
    assert vjp(Point(1.0, 10.0)) == 43.0


def test_a_type_of_ones_own_in_a_container():
    g = grad(lambda d: d["p"].norm * d["a"])({"p": Point(3.0, 4.0), "a": 2.0})
    close([g["p"].x, g["p"].y, g["a"]], [1.2, 1.6, 5.0])


@primitive
def item(x, i):
    return x[i]


@primitive
def unitem(g, i, vs):
    def mut_add(total):
        onp.add.at(total, i, g)
        return total

    return SparseObject(vs, mut_add)


defvjp(item, lambda ans, x, i: lambda g: unitem(g, i, vspace(x)))
defvjp(unitem, lambda ans, g, i, vs: lambda gg: item(gg, i))


def test_sparse_cotangents():
    def f(x):
        return item(x, 0) * item(x, 0) * item(x, 1) + np.sum(x * x)

    x0, x1, _ = X
    close(grad(f)(X), 2 * X + [2 * x0 * x1, x0 * x0, 0])
    check_grads(f, modes=["rev"])(X)
    _, end = trace(VJPNode.new_root(), f, X)
    close(backward_pass(1.0, end), grad(f)(X))


def test_names_for_containers_with_traced_values():
    def f(x):
        assert isinstance([x], SequenceBox)
        assert isinstance((1.0, [x]), SequenceBox)
        assert isinstance([x], ListBox)
        assert not isinstance([x], TupleBox)
        assert isinstance((x,), TupleBox)
        assert isinstance({"a": x}, DictBox)
        assert not isinstance([1.0], SequenceBox)
        assert not isinstance({"a": 1.0}, DictBox)
        return x

    grad(f)(1.0)


def test_unbroadcast():
    g = onp.arange(24.0).reshape(4, 2, 3)
    close(unbroadcast(g, metadata(onp.ones((1, 3)))), g.sum((0, 1)).reshape(1, 3))
    close(unbroadcast(g, metadata(onp.ones((4, 2))), -1), g.sum(-1))
    assert unbroadcast(1j * g, metadata(onp.ones((4, 2, 3)))).dtype == float
    close(unbroadcast_f(2.0, lambda g: g * 2)(X), 2 * X.sum())
    check_grads(lambda g: unbroadcast(g, metadata(onp.ones((1, 3)))))(g)


def test_small_helpers():
    close(replace_zero(onp.array([0.0, 2.0]), 9.0), [9.0, 2.0])
    close(
        balanced_eq(
            onp.array([1.0, 2.0, 3.0]), onp.array([1.0, 3.0, 3.0]), onp.array([1.0, 3.0, 0.0])
        ),
        [0.5, 0.0, 1.0],
    )
    assert match_complex(1.0, 2.0 + 1j) == 2.0
    assert match_complex(1j, 2.0) == 2.0 + 0j
    spread, count = repeat_to_match_shape(onp.array([1.0, 2.0]), (2, 3), float, 1, False)
    close(spread, [[1.0] * 3, [2.0] * 3])
    assert count == 3
    close(broadcast(1.0, X), onp.ones(3))
    close(untake(2.0, [0, 0], vspace(X)), [4.0, 0.0, 0.0])
    check_grads(lambda x: untake(x, slice(0, 2), vspace(X)))(X[:2])


def test_adjoints_of_products(random):
    a, b = random.normal(size=(2, 3, 4)), random.normal(size=(5, 4, 3))
    axes = ([1, 2], [2, 1])
    g = random.normal(size=(2, 5))
    close(tensordot_adjoint_0(b, g, axes, 3, 3), make_vjp(np.tensordot, 0)(a, b, axes)[0](g))
    close(tensordot_adjoint_1(a, g, axes, 3, 3), make_vjp(np.tensordot, 1)(a, b, axes)[0](g))
    a, b, g = random.normal(size=(2, 3)), random.normal(size=(3, 4)), random.normal(size=(2, 4))
    close(tensordot_adjoint_0(b, g, 1, 2, 2), g @ b.T)
    close(tensordot_adjoint_1(a, g, 1, 2, 2), a.T @ g)
    for first, second in ((dot_adjoint_0, dot_adjoint_1), (matmul_adjoint_0, matmul_adjoint_1)):
        close(first(b, g, metadata(a), metadata(b)), g @ b.T)
        close(second(a, g, metadata(a), metadata(b)), a.T @ g)


@pytest.mark.parametrize("offset", [0, 2, -1])
@pytest.mark.parametrize("axes", [(0, 1), (-1, -2), (2, 0)])
def test_make_diagonal(offset, axes):
    d = onp.arange(1.0, 7.0).reshape(2, 3)
    full = make_diagonal(d, offset, *axes)
    close(onp.diagonal(full, offset, *axes), d)
    assert full.sum() == d.sum()
    check_grads(lambda d: make_diagonal(d, offset, *axes))(d)


def test_wrap_namespace():
    import math

    new = {}
    own = lambda x: x * 2.0
    wrap_namespace({"sine": onp.sin, "again": own, "own": own, "pi": math.pi, "m": math}, new)
    assert new["sine"] is np.sin
    assert new["own"] is new["again"]
    assert new["pi"] == math.pi
    assert "m" not in new
    defvjp(new["own"], lambda ans, x: lambda g: g * 2.0)
    assert grad(new["own"])(1.0) == 2.0


def test_deprecated_methods_of_primitives():
    @core.primitive
    def f(x, y):
        return x * y

    with pytest.warns(DeprecationWarning, match="defvjp"):
        f.defgrad(lambda ans, x, y: lambda g: g * y)
    with pytest.warns(DeprecationWarning, match="defvjp"):
        f.defvjp(lambda g, ans, vs, gvs, x, y: g * x, argnum=1)
    check_grads(f, (0, 1), modes=["rev"])(2.0, 3.0)
    with pytest.warns(DeprecationWarning, match="defvjp"):
        f.defvjp_is_zero([1])
    assert grad(lambda y: f(y, y))(3.0) == 3.0
    with pytest.warns(DeprecationWarning, match="check_grads"):
        fastad.util.quick_grad_check(lambda x, y: x**2 * y, 1.0, (2.0,))
