"""Batches of cotangents and of tangents through rules that map them at once, beside one by one."""

from __future__ import annotations

import numpy as onp
import pytest

import fastad
import fastad.numpy as np
from fastad import _core, jacobian, make_jvp, make_vjp

SUBSCRIPTS = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "ij,jk": [(2, 3), (3, 4)],
    "bij,bvj->vi": [(2, 3, 4), (2, 5, 4)],
    "bij,bjk->bik": [(2, 3, 4), (2, 4, 2)],
    "i,i->i": [(3,), (3,)],
    "i,j->ij": [(3,), (2,)],
    "ij,kj->": [(2, 3), (4, 3)],
    "ii->i": [(3, 3)],
    "ii->": [(3, 3)],
    "ij->ji": [(2, 3)],
    "ij->": [(2, 3)],
    "iij,j->i": [(2, 2, 3), (3,)],
    "ij,ij->j": [(2, 1), (2, 3)],
    "...j,jk->...k": [(2, 2, 3), (3, 4)],
    "ij,jk,kl->il": [(2, 3), (3, 2), (2, 2)],
    "ab,cb,a->c": [(2, 3), (2, 3), (2,)],
}


def _operands(subscripts):
    rng = onp.random.default_rng(3)
    return [rng.normal(size=shape) for shape in SUBSCRIPTS[subscripts]]


@pytest.mark.parametrize("subscripts", SUBSCRIPTS)
def test_jacobians_of_einsum_are_its_gradients_one_by_one(subscripts):
    operands = _operands(subscripts)
    for k in range(len(operands)):

        def f(x, k=k):
            return np.einsum(subscripts, *operands[:k], x, *operands[k + 1 :])

        x = operands[k]
        vjp, value = make_vjp(f)(x)
        basis = onp.eye(value.size).reshape(-1, *value.shape)
        expected = onp.array([vjp(g if value.shape else g[()]) for g in basis])
        expected = expected.reshape(*value.shape, *x.shape)
        onp.testing.assert_allclose(jacobian(f)(x), expected, rtol=1e-13, atol=1e-14)
        # So many outputs that the columns are fewer.
        tall = jacobian(lambda x: np.concatenate([np.ravel(f(x) * c) for c in range(50)]))(x)
        tall = tall.reshape(50, *expected.shape)
        for c in range(50):
            onp.testing.assert_allclose(tall[c], c * expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(
    "subscripts", [key for key, shapes in SUBSCRIPTS.items() if len(shapes) > 1]
)
def test_both_operands_traced(subscripts):
    operands = _operands(subscripts)[:2]
    rest = _operands(subscripts)[2:]

    def f(x):
        first = np.reshape(x[: operands[0].size], operands[0].shape)
        second = np.reshape(x[operands[0].size :], operands[1].shape)
        whole = np.ravel(np.einsum(subscripts, np.sin(first), second * second, *rest))
        return np.concatenate([whole] * 40)

    x = onp.concatenate([one.ravel() for one in operands])
    jvp = make_jvp(f)(x)
    expected = onp.stack([jvp(v)[1] for v in onp.eye(x.size)], axis=1)
    onp.testing.assert_allclose(jacobian(f)(x), expected, rtol=1e-12, atol=1e-14)


def test_the_maps_are_used():
    calls = []

    class Counting:
        def __init__(self, matrix):
            self.matrix = matrix

        def backwards(self, g):
            calls.append("vjp")
            return g @ self.matrix

        def rows(self, gs):
            calls.append("rows")
            return gs @ self.matrix

        def columns(self, ts):
            calls.append("columns")
            return ts @ self.matrix.T

    from fastad.extend import defjvp, defvjp, primitive

    matrix = onp.arange(12.0).reshape(4, 3)

    def maker(ans, x):
        own = Counting(matrix)
        return _core.LinearMap(own.backwards, own.rows, own.columns)

    product = primitive(lambda x: matrix @ x)
    defvjp(product, maker)
    defjvp(product, lambda t, ans, x: matrix @ t)
    x = onp.array([1.0, 2.0, 3.0])
    assert onp.array_equal(make_vjp(product)(x)[0](onp.ones(4)), matrix.sum(0))
    assert calls == ["vjp"]
    calls.clear()
    assert onp.array_equal(jacobian(product)(x), matrix)
    assert calls == ["rows"]
    calls.clear()
    many = jacobian(lambda x: np.concatenate([product(x), product(2.0 * x)]))(x)
    assert onp.array_equal(many, onp.concatenate([matrix, 2 * matrix]))
    assert calls == ["columns", "columns"]


def test_rows_that_a_map_does_not_know_go_one_by_one():
    from fastad.extend import defvjp, primitive

    product = primitive(lambda x: 3.0 * x)
    defvjp(product, lambda ans, x: _core.LinearMap(lambda g: 3.0 * g, lambda gs: None, None))
    assert onp.array_equal(jacobian(product)(onp.ones(3)), 3 * onp.eye(3))
    tall = jacobian(lambda x: np.concatenate([product(x)] * 8))(onp.ones(3))
    assert onp.array_equal(tall, onp.concatenate([3 * onp.eye(3)] * 8))


def test_columns_of_elementwise_functions_by_formulas():
    special = pytest.importorskip("fastad.scipy.special")

    def f(x):
        y = special.gammainc(x[0], np.outer(x, x) + 0.1)
        return np.ravel(special.erf(y) * special.xlogy(y, 2.0 + x))

    x = onp.array([0.5, 0.7])
    jvp = make_jvp(f)(x)
    expected = onp.stack([jvp(v)[1] for v in onp.eye(2)], axis=1)
    onp.testing.assert_allclose(jacobian(f)(x), expected, rtol=1e-12)


TALL = {
    "cumsum": np.cumsum,
    "cumprod": lambda y: np.cumprod(1.0 + 0.01 * y),
    "interp": lambda y: np.interp(y, [-9.0, 0.0, 9.0], [1.0, 2.0, 4.0]),
    "convolve": lambda y: np.convolve(y, [1.0, 2.0, 1.0]),
    "convolve, both": lambda y: np.convolve(y, y[:3]),
    "correlate": lambda y: np.correlate(y, np.array([1.0, 2.0, 1.0]), "same"),
    "sort": np.sort,
    "partition": lambda y: np.partition(y, 3),
    "norm": lambda y: np.linalg.norm(np.reshape(y, (-1, 2)), axis=1),
    "solve": lambda y: np.ravel(np.linalg.solve(onp.eye(2) + 1.0, np.reshape(y, (2, -1)))),
    "solve, both": lambda y: np.linalg.solve(
        np.reshape(y[:4], (2, 2)) + 5.0 * onp.eye(2), np.reshape(y, (2, -1))
    ),
    "several results": lambda y: np.linalg.eigh(np.outer(y, y) + onp.diag(onp.arange(24.0)))[1],
    "cholesky": lambda y: np.linalg.cholesky(np.outer(y, y) + 3.0 * onp.eye(24)),
    "fft": lambda y: np.real(np.fft.fft(y)),
    "a number": lambda y: np.repeat(np.trapezoid(y) if hasattr(np, "trapezoid") else y[0], 30),
    "kron": lambda y: np.kron(y, np.array([1.0, 2.0])),
    "gradient": np.gradient,
    "quantile": lambda y: np.repeat(np.quantile(y, 0.3), 20),
}


def _model(p):
    t = onp.linspace(0.0, 3.0, 24)
    return p[0] * np.exp(-p[1] * t) + np.sin(p[2] * t) + 0.1 * t


@pytest.mark.parametrize("name", TALL)
def test_columns_through_rules_that_only_go_backwards(name):
    def f(p):
        return TALL[name](_model(p))

    p = onp.array([1.0, 0.5, 0.3])
    jvp = make_jvp(f)(p)
    expected = onp.stack([jvp(v)[1] for v in onp.eye(3)], axis=-1)
    got = jacobian(f)(p)
    onp.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)
    # The derivative of each row beside differences of the Jacobian.
    if name in ("cumsum", "norm", "solve", "convolve, both"):
        second = jacobian(jacobian(f))(p)
        step = 1e-6 * onp.eye(3)
        moved = [(jacobian(f)(p + s) - jacobian(f)(p - s)) / 2e-6 for s in step]
        onp.testing.assert_allclose(second, onp.stack(moved, axis=-1), atol=1e-6)


@pytest.mark.parametrize(
    "vjp",
    [
        lambda g: onp.asarray(g, float) * 3.0,  # refuses a traced cotangent
        lambda g: g * 3.0 if float(g[0]) < 2 else g * 3.0,
        lambda g: 3.0 * onp.array(g.tolist()),
        lambda g: (g * 3.0)[None],  # of a wrong shape: rows say so
    ],
)
def test_rules_that_cannot_be_transposed_go_by_rows(vjp):
    from fastad.extend import defvjp, primitive

    product = primitive(lambda x: 3.0 * x)
    defvjp(product, lambda ans, x: vjp)

    def tall(x):
        return np.concatenate([product(x)] * 8)

    x = onp.ones(3)
    try:
        expected = [make_vjp(tall)(x)[0](g) for g in onp.eye(24)]
    except ValueError as error:
        with pytest.raises(ValueError, match=str(error)[:40]):
            jacobian(tall)(x)
        return
    assert onp.array_equal(jacobian(tall)(x), expected)


def test_convolve_and_correlate_with_lists():
    x = onp.array([1.0, 2.0, 3.0, 4.0])
    for function in (np.convolve, np.correlate):
        got = make_vjp(lambda x: function(x, [1.0, 2.0]))(x)[0]
        plain = make_vjp(lambda x: function(x, onp.array([1.0, 2.0])))(x)
        assert onp.array_equal(got(plain[1]), plain[0](plain[1]))
        assert onp.array_equal(
            make_vjp(lambda v: function([1.0, 2.0, 3.0], v))(x[:2])[1],
            function(onp.array([1.0, 2.0, 3.0]), x[:2]),
        )


@pytest.mark.parametrize(
    "vjp",
    [
        lambda g: np.clip(g, -0.1, 0.1),
        lambda g: np.clip(g, -5.0, 5.0),
        np.abs,
        lambda g: g * 3.0 if np.sum(g) > 0 else g * 0.0,
        lambda g: g / (1e-12 + np.sqrt(np.sum(g * g))),
        lambda g: np.where(np.abs(g) > 0.5, g, 0.0),
        lambda g: fastad.getval(g) * 2.0 + 0.0 * g,
    ],
)
@pytest.mark.parametrize("shape", [(), (1,), (2,), (25,)])
def test_rules_that_are_not_linear_go_by_rows(vjp, shape):
    from fastad.extend import defvjp, primitive

    same = primitive(lambda x: 1.0 * x)
    defvjp(same, lambda ans, x: vjp)
    x = onp.linspace(0.3, 0.8, int(onp.prod(shape))).reshape(shape) if shape else 0.3
    weights = onp.random.default_rng(5).normal(size=(60, onp.size(x)))

    def tall(x):
        return weights @ np.reshape(same(x), (-1,)) * 9.0

    rows = [make_vjp(tall)(x)[0](g) for g in onp.eye(60)]
    assert onp.array_equal(onp.asarray(jacobian(tall)(x)), onp.array(rows))


@pytest.mark.parametrize(
    "subscripts", ["ij,jk->ik", "ij,jk->ki", "kij,nkj->nki", "i,j->ij", "nij,nj->ni", "ij,kj->"]
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_large_results_of_einsum_are_as_numpy_makes_them(subscripts, order):
    """Bits and memory order of the first call, which NumPy allocates, and of those in the pool."""
    lengths = {"i": 40, "j": 50, "k": 60, "n": 7}
    left, _, _ = subscripts.partition("->")
    generator = onp.random.default_rng(3)
    a, b = (
        onp.asarray(generator.normal(size=[lengths[label] for label in term]), order=order)
        for term in left.split(",")
    )
    expected = onp.einsum(subscripts, a, b)
    for _ in range(3):
        vjp, value = make_vjp(lambda a: np.einsum(subscripts, a, b))(a)
        onp.testing.assert_array_equal(value, expected)
        assert onp.shape(value) == expected.shape
        if expected.ndim:
            assert value.strides == expected.strides
            assert not onp.shares_memory(value, a)
        g = onp.ones_like(expected) if expected.ndim else 1.0
        onp.testing.assert_array_equal(vjp(g), vjp(g))
