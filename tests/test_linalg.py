"""Linear algebra beyond the table's cases: degenerate, singular and bad input, results, parity.

Derivatives by differences, of order one and two, real and complex, batched, in every type and
layout, are tested by test_ops on the calls in calls_linalg.
"""

from __future__ import annotations

import numpy as onp
import pytest
from calls_linalg import CALLS, hermitian
from cases import Case, differences, directions, flat, inner, jvp, vjp
from points import A, M, P, Z

import fastad.numpy as np
from fastad import _core, grad, hessian, jacobian, make_jvp
from fastad.test_util import check_grads

NUMPY_2 = onp.lib.NumpyVersion(onp.__version__) >= "2.0.0"
LINALG = sorted(name for name in CALLS if name.split(".")[1] in dir(onp.linalg))


def close(actual, expected, rtol=1e-9):
    onp.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol)


def against_differences(function, *leaves, rtol=1e-6):
    """VJP and JVP of fastad's function on the leaves, against differences of NumPy's."""
    fastad = lambda *xs: flat(function(np, *xs))
    numpy = lambda *xs: flat(function(onp, *xs))
    t = directions(leaves, 2)
    expected = differences(numpy, leaves, t)
    for actual, one in zip(jvp(fastad, leaves, t), expected):
        close(actual, one, rtol)
    g = directions(numpy(*leaves), 1)
    close(inner(vjp(fastad, leaves, g), t), inner(g, expected), rtol)


# ---- results -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["eig", "eigh", "svd", "qr", "slogdet"])
def test_results_are_numpys_named_tuples(name):
    with _core.Tape() as tape:
        result = getattr(np.linalg, name)(tape.box(M(3)))
        expected = getattr(onp.linalg, name)(M(3))
        assert type(result) is type(expected)
        assert result._fields == expected._fields
        for box, value in zip(result, expected):
            onp.testing.assert_array_equal(_core.getval(box), value)


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64"])
@pytest.mark.parametrize("name", [name for name in LINALG if name != "linalg.multi_dot"])
def test_raw_values_bit_for_bit(name, dtype):
    """Also where the cases look at what is determined only (vectors up to a phase)."""
    for args, kwargs in CALLS[name]:
        case = Case(name, args, kwargs)
        numpy, fastad = (getattr(space.linalg, name.split(".")[1]) for space in (onp, np))
        leaves = [leaf.astype(dtype) for leaf in case.leaves if isinstance(leaf, onp.ndarray)]
        if name == "linalg.cholesky":
            leaves = [hermitian(leaf) for leaf in leaves]
        plain = Case(name, case.arguments(leaves), kwargs)
        with _core.Tape() as tape:
            boxed = plain.arguments([tape.box(leaf) for leaf in leaves])
            strip = lambda args: [getattr(one, "value", one) for one in args]
            found = flat(fastad(*strip(boxed), **kwargs))
            for box, value in zip(found, flat(numpy(*strip(plain.args), **kwargs))):
                assert type(_core.getval(box)) is type(value)
                onp.testing.assert_array_equal(_core.getval(box), value)


def test_arguments_by_keyword():
    x = M(3)
    close(grad(lambda a: np.linalg.eigh(a=a, UPLO="U")[0][0])(x)[2, 0], 0.0)
    close(grad(lambda b: np.sum(np.linalg.solve(a=x, b=b)))(A(3)), onp.linalg.inv(x).sum(0))
    assert grad(lambda a: np.linalg.norm(x=a, ord="nuc"))(x).shape == (3, 3)


def test_numpys_own_functions_lead_here():
    close(grad(lambda a: onp.linalg.slogdet(a)[1])(M(3)), onp.linalg.inv(M(3)).T)
    close(grad(lambda a: onp.linalg.multi_dot([a, a, a])[0, 0])(M(2)).shape, (2, 2))


def test_matrix_rank_is_a_constant():
    with _core.Tape() as tape:
        assert np.linalg.matrix_rank(tape.box(M(3))) == 3


# ---- where vectors or inverses do not exist ------------------------------------------------------


def test_eigenvalues_that_coincide():
    """Sums over equal eigenvalues have derivatives, their vectors do not: never silently wrong."""
    x = onp.diag([1.0, 1.0, 2.0])
    for values in (
        np.linalg.eigvalsh,
        lambda a: np.linalg.eigh(a)[0],
        np.linalg.eigvals,
        lambda a: np.linalg.eig(a)[0],
        np.linalg.svdvals if NUMPY_2 else lambda a: np.linalg.svd(a, compute_uv=False),
        lambda a: np.linalg.svd(a)[1],
    ):
        # NumPy 2.5 gives complex eigenvalues of real matrices.
        close(grad(lambda a, values=values: np.real(np.sum(values(a) ** 2)))(x), 2 * x)
    with onp.errstate(all="ignore"):
        for vectors in (np.linalg.eigh, np.linalg.eig):
            gradient = grad(lambda a, vectors=vectors: np.real(vectors(a)[1][0, 0]))(x)
            assert not onp.all(onp.isfinite(gradient))
        assert not onp.all(onp.isfinite(grad(lambda a: np.linalg.svd(a)[0][0, 0])(x)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("number", [onp.inf, -onp.inf, onp.nan])
def test_det_of_matrices_that_are_not_finite(number):
    """LAPACK's singular value decomposition of them may not end."""
    for a in (onp.outer([number, 1.0, 0.5], [number, 1.0, 0.5]), onp.diag([number, 0.0, 0.0])):
        for given in (a, onp.stack([a, onp.eye(3)])):
            found = grad(lambda a: np.sum(np.linalg.det(a)))(given)
            assert found.shape == given.shape
            if given is not a:
                onp.testing.assert_array_equal(found[1], onp.eye(3))


@pytest.mark.parametrize("n", [2, 3, 4])
def test_det_of_singular_matrices(n):
    x = M(n)
    x[-1] = 0.0 if n == 3 else x[0]
    assert onp.linalg.det(x) == 0.0

    def cofactor(i, j):
        minor = onp.delete(onp.delete(x, i, 0), j, 1)
        return (-1) ** (i + j) * onp.linalg.det(minor)

    expected = [[cofactor(i, j) for j in range(n)] for i in range(n)]
    close(grad(np.linalg.det)(x), expected)
    close(jvp(lambda a: [np.linalg.det(a)], [x], [M(n)])[0], onp.sum(expected * M(n)))
    stack = onp.stack([x, M(n, seed=1)])
    gradient = grad(lambda a: np.sum(np.linalg.det(a)))(stack)
    close(gradient[0], expected)
    close(gradient[1], grad(np.linalg.det)(stack[1]))
    second = hessian(np.linalg.det)(x)
    moved = lambda by: grad(np.linalg.det)(x + by * onp.eye(n))
    close(onp.einsum("ijkk->ij", second), (moved(1e-4) - moved(-1e-4)) / 2e-4, 1e-5)


def minor(x, rows, columns):
    return onp.linalg.det(onp.delete(onp.delete(x, rows, 0), columns, 1))


def second_cofactors(x):
    """Second derivatives of det: determinants without two rows and two columns."""
    n = len(x)
    result = onp.zeros((n, n, n, n))
    for i, j, k, m in onp.ndindex(result.shape):
        if i != k and j != m:
            sign = (-1) ** (i + j + k + m + (k > i) + (m > j))
            result[i, j, k, m] = sign * minor(x, [i, k], [j, m])
    return result


SINGULAR = {
    "zeros": onp.zeros((2, 2)),
    "rank one": onp.diag([1.0, 0.0, 0.0]),
    "rank two": onp.diag([1.0, 1.0, 0.0]),
    "up to rounding": onp.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.5, 0.7, 0.9]]),
    "nearly": onp.diag([1.0, 2.0, 1e-12]),
    "ones": onp.ones((4, 4)),
    "regular": M(3),
}


@pytest.mark.parametrize("x", SINGULAR.values(), ids=SINGULAR)
def test_second_derivatives_of_det_are_polynomials(x):
    expected = second_cofactors(x)
    close(hessian(np.linalg.det)(x), expected)
    for place in onp.ndindex(x.shape):
        t = onp.zeros(x.shape)
        t[place] = 1.0
        along = lambda a, t=t: jvp(lambda a: [np.linalg.det(a)], [a], [t])[0]
        close(jvp(lambda a: [grad(np.linalg.det)(a)], [x], [t])[0], expected[place])
        close(grad(along)(x), expected[place])


def test_third_derivative_of_det_at_zero():
    third = jacobian(hessian(np.linalg.det))(onp.zeros((3, 3)))
    assert third[0, 0, 1, 1, 2, 2] == 1.0 and third[0, 1, 1, 0, 2, 2] == -1.0


@pytest.mark.parametrize("name", ["inv", "slogdet", "cond"])
def test_singular_matrices(name):
    x = onp.array([[1.0, 2.0], [2.0, 4.0]])
    if name == "cond":
        with onp.errstate(all="ignore"):
            for p in (1, "fro"):
                assert onp.isinf(np.linalg.cond(x, p))
                value = jvp(lambda a, p=p: [np.linalg.cond(a, p)], [x], [onp.eye(2)])[0]
                assert not onp.isfinite(value)
        return
    with pytest.raises(onp.linalg.LinAlgError, match="Singular matrix"):
        grad(lambda a: np.sum(flat(getattr(np.linalg, name)(a))[-1]))(x)
    close(grad(lambda a: np.sum(np.linalg.inv(a)))(onp.eye(2)), -onp.ones((2, 2)))


@pytest.mark.parametrize("points", [A, Z])
def test_pinv_and_lstsq_below_full_rank(points):
    left, right, b = points(4, 2), points(2, 3, seed=1), points(4, 2, seed=2)
    against_differences(lambda n, x, y: n.linalg.pinv(x @ y), left, right)
    against_differences(lambda n, x, y, b: n.linalg.lstsq(x @ y, b, None)[0], left, right, b)


@pytest.mark.parametrize("points", [A, Z])
@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4)])
def test_pinv_and_lstsq_where_the_bound_cuts(points, shape):
    u, s, vh = onp.linalg.svd(points(*shape), full_matrices=False)
    x, b = u * [2.0, 1.0, 0.2] @ vh, points(shape[0], 2, seed=2)
    for bound in (0.3, 0.8):
        for order in (1, 2):
            check_grads(lambda a: np.linalg.pinv(a, bound), order=order)(x)
            check_grads(lambda a, b: np.linalg.lstsq(a, b, bound)[0], (0, 1), order=order)(x, b)


def test_one_triangle_of_hermitian_matrices_is_read():
    x = A(3, 3)
    for name in ("pinv", "svd"):
        sum_of = lambda a, name=name: np.sum(
            flat(getattr(np.linalg, name)(a, hermitian=True))[name == "svd"] ** 2
        )
        assert onp.all(onp.triu(grad(sum_of)(x), 1) == 0)
        check_grads(sum_of, order=2)(x)


def test_pinv_options():
    x = hermitian(M(3))
    by = lambda **options: grad(lambda a: np.sum(np.linalg.pinv(hermitian(a), **options) ** 2))(x)
    close(by(hermitian=True), by())
    if NUMPY_2:
        close(by(rtol=1e-12), by())


def test_svd_of_hermitian_matrices():
    x = hermitian(A(3, 3))
    for compute_uv in (True, False):
        found = flat(np.linalg.svd(x, hermitian=True, compute_uv=compute_uv))
        with _core.Tape() as tape:
            traced = np.linalg.svd(tape.box(x), hermitian=True, compute_uv=compute_uv)
            for one, other in zip(flat(traced), found):
                onp.testing.assert_array_equal(_core.getval(one), other)
    against_differences(lambda n, a: n.linalg.svd(hermitian(a), hermitian=True), x)


def test_norms_at_zero_and_counts():
    assert onp.all(onp.isnan(grad(np.linalg.norm)(onp.zeros(3))))
    x = onp.array([3.0, 0.0, 4.0])
    close(grad(lambda x: np.linalg.norm(x) + np.linalg.norm(x, 0))(x), [0.6, 0.0, 0.8])
    close(grad(lambda x: np.linalg.norm(x, 3))(onp.array([0.0, 2.0])), [0.0, 1.0])
    z = onp.array([0.0, 3.0 + 4.0j])
    close(grad(lambda x: np.linalg.norm(x, 1))(z), [0.0, 0.6 - 0.8j])


@pytest.mark.parametrize("order", [0.5, 1.0, 1.5, 2.0, 3.0, -1.5])
def test_norm_by_its_order(order):
    x = onp.array([[1.0, -2.0, 3.0], [0.5, 1.5, 2.5]])
    for value in (x, x + 1j * x[::-1]):
        both = lambda x, p: np.linalg.norm(x, p, axis=1, keepdims=True)
        check_grads(both, (0, 1), order=2)(value, order)
    if NUMPY_2:
        check_grads(lambda p: np.linalg.vector_norm(x, ord=p, axis=(0, 1)))(order)
    close(grad(lambda p: np.linalg.norm(onp.zeros(2), ord=p))(3.0), 0.0)
    hollow = onp.array([1.0, 0.0, 3.0])
    first = jacobian(lambda x, p: grad(np.linalg.norm)(x, p))(hollow, 2.0)
    second = hessian(lambda v: np.linalg.norm(v[1:], v[0]))(onp.array([2.0, *hollow]))
    close(second[1:, 1:], first)


def test_orders_that_have_no_derivative_are_refused():
    x = M(3)
    refused = {
        "norm": [
            lambda p: np.linalg.norm(x, p),
            lambda p: np.linalg.norm(x[0], p - 2),
            lambda p: np.linalg.norm(x[0], p * onp.inf),
        ],
        "cond": [lambda p: np.linalg.cond(x, p)],
        "matrix_norm": [lambda p: np.linalg.matrix_norm(x, ord=p)] if NUMPY_2 else [],
    }
    for name, functions in refused.items():
        for function in functions:
            with pytest.raises(TypeError, match=rf"linalg\.{name}: the argument '(ord|p)'"):
                grad(function)(2.0)


@pytest.mark.parametrize("p", [None, 1, 2, -2, "fro"])
@pytest.mark.parametrize("x", [onp.zeros((2, 2)), onp.ones((2, 2)), onp.zeros((2, 2, 2))])
def test_cond_of_singular_matrices_is_numpys(x, p):
    with _core.Tape() as tape, onp.errstate(all="ignore"):
        found, expected = _core.getval(np.linalg.cond(tape.box(x), p)), onp.linalg.cond(x, p)
        assert type(found) is type(expected)
        onp.testing.assert_array_equal(found, expected)


# ---- values that coincide, second derivatives ----------------------------------------------------


def second(function, x):
    """The Hessian as a matrix, by reverse over reverse, forward over reverse, reverse over it."""
    basis = onp.eye(x.size).reshape(-1, *x.shape)
    yield hessian(function)(x).reshape(x.size, x.size)
    yield onp.stack([make_jvp(grad(function))(x)(t)[1].ravel() for t in basis], 1)
    along = lambda t: lambda a: make_jvp(function)(a)(t)[1]
    yield onp.stack([grad(along(t))(x).ravel() for t in basis], 1)


def second_differences(function, x, step=1e-4):
    basis = step * onp.eye(x.size).reshape(-1, *x.shape)
    of = lambda s, t: function(x + s + t) - function(x + s - t)
    return onp.array([[of(s, t) - of(-s, t) for t in basis] for s in basis]) / (4 * step**2)


TURNED = onp.linalg.qr(A(3, 3))[0] @ onp.diag([3.0, 1.0, 1.0]) @ onp.linalg.qr(A(3, 3, seed=1))[0]
SMOOTH = {
    "2": (lambda n, a: n.linalg.norm(a, 2), onp.diag([3.0, 1.0, 1.0])),
    "2 squared": (lambda n, a: n.linalg.norm(a, 2) ** 2, onp.diag([3.0, 1.0, 1.0])),
    "2, turned": (lambda n, a: n.linalg.norm(a, 2), TURNED),
    "2, zeros": (lambda n, a: n.linalg.norm(a, 2), onp.diag([3.0, 0.0, 0.0])),
    "2, wide": (lambda n, a: n.linalg.norm(a, 2), onp.diag([3.0, 1.0, 1.0])[:2]),
    "-2": (lambda n, a: n.linalg.norm(a, -2), onp.diag([3.0, 3.0, 1.0])),
    "nuc": (lambda n, a: n.linalg.norm(a, "nuc") ** 2, onp.eye(3)),
    "nuc, wide": (lambda n, a: n.linalg.norm(a, "nuc"), onp.eye(3)[:2]),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_norms_where_singular_values_coincide(name):
    function, x = SMOOTH[name]
    expected = second_differences(lambda a: function(onp, a), x)
    for found in second(lambda a: function(np, a), x):
        close(found, expected, 1e-5)


EXTREME = onp.diag([3.0, 1.0, 1.0])
SPECTRAL = {
    "largest": (lambda n, a: n.linalg.eigvalsh(a)[-1], EXTREME, 0),
    "largest, squared": (lambda n, a: n.linalg.eigvalsh(a)[-1] ** 2, EXTREME, 0),
    "largest by eigh": (lambda n, a: n.linalg.eigh(a)[0][-1] ** 2, EXTREME, 0),
    "largest by svd": (lambda n, a: n.linalg.svd(a)[1][0] ** 2, EXTREME, 0),
    "sum": (lambda n, a: n.sum(n.linalg.eigvalsh(a)), onp.eye(3), 0),
    "squares of eigenvalues": (lambda n, a: n.sum(n.linalg.eigvalsh(a) ** 2), EXTREME, 3),
    "squares at zero": (lambda n, a: n.sum(n.linalg.eigvalsh(a) ** 2), onp.zeros((2, 2)), 3),
    "squares of singular values": (
        lambda n, a: n.sum(n.linalg.svd(a, compute_uv=False) ** 2),
        EXTREME,
        3,
    ),
    "and at zero": (
        lambda n, a: n.sum(n.linalg.svd(a, compute_uv=False) ** 2),
        onp.zeros((2, 2)),
        3,
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SPECTRAL)
def test_second_derivatives_where_values_coincide(name):
    """What a rule cannot know there is NaN, never a number that is wrong."""
    function, x, unknown = SPECTRAL[name]
    expected = second_differences(lambda a: function(onp, a), x)
    for i, found in enumerate(second(lambda a: function(np, a), x)):
        known = onp.isfinite(found)
        close(found[known], expected[known], 1e-5)
        assert known.any()
        if i == 0:
            assert known.all() == (not unknown)


@pytest.mark.parametrize("points", [A, Z])
def test_third_derivatives_of_values(points):
    for shape in ((3, 3), (3, 2)):
        x = points(*shape)
        for order in ("nuc", 2):
            check_grads(lambda a, order=order: np.linalg.norm(a, order), order=3)(x)
        check_grads(lambda a: np.sum(np.linalg.svd(a, compute_uv=False) ** 3), order=3)(x)
    x = points(3, 3)
    for uplo in "LU":
        check_grads(lambda a, uplo=uplo: np.sum(np.linalg.eigvalsh(a, uplo) ** 3), order=3)(x)


# ---- what rules keep -----------------------------------------------------------------------------


def test_gradients_of_hermitian_functions():
    """eigh reads one triangle and its gradient says so; that of cholesky is Hermitian."""
    x = M(3) + M(3).T
    lower = grad(lambda a: np.linalg.eigvalsh(a)[0])(x)
    assert onp.all(onp.triu(lower, 1) == 0) and onp.any(onp.tril(lower, -1))
    upper = grad(lambda a: np.linalg.eigvalsh(a, "U")[0])(x)
    close(upper, lower.T)
    g = grad(lambda a: np.sum(np.linalg.cholesky(a)))(x + 5 * onp.eye(3))
    close(g, g.T)


def test_complex_eigenvectors_have_lapacks_phase():
    """Of length one, the largest component real: so each component has a derivative."""
    for x in (M(3) + 1j * A(3, 3, seed=1), onp.array([[0.3, -1.0], [1.2, 0.5]])):
        v = onp.linalg.eig(x)[1]
        close(onp.linalg.norm(v, axis=0), onp.ones(len(x)))
        against_differences(lambda n, a: n.linalg.eig(a)[1], x)


def test_q_and_r_stay_orthogonal_and_triangular():
    for shape in ((4, 2), (3, 3), (2, 4)):
        for x, t in ((A(*shape), A(*shape, seed=1)), (Z(*shape), Z(*shape, seed=1))):
            q, r = onp.linalg.qr(x)
            dq, dr = jvp(lambda a: list(np.linalg.qr(a)), [x], [t])
            close(dq @ r + q @ dr, t)
            skew = q.conj().T @ dq
            close(skew + skew.conj().T, onp.zeros_like(skew))
            close(onp.tril(dr, -1), onp.zeros_like(dr))


def test_higher_orders():
    x = M(2)
    third = jacobian(hessian(lambda a: np.linalg.slogdet(a)[1]))(x)
    inverse = onp.linalg.inv(x)
    cycle = onp.einsum("ji,lk,nm->iljknm", inverse, inverse, inverse)
    # d3 log det = 2 sym tr(inv da inv db inv dc)
    t = A(2, 2)
    product = inverse @ t
    close(onp.einsum("ijklmn,ij,kl,mn", third, t, t, t), 2 * onp.trace(product @ product @ product))
    assert cycle.shape == third.shape


def test_large_stacks_and_empty_ones():
    x = onp.stack([M(3, seed=i) for i in range(4)]).reshape(2, 2, 3, 3)
    for f in (
        lambda a: np.sum(np.linalg.eigh(a)[0] ** 3),
        lambda a: np.sum(np.linalg.svd(a)[1] ** 3),
        lambda a: np.sum(np.linalg.qr(a)[1] ** 3),
        lambda a: np.sum(np.linalg.det(a)),
        lambda a: np.sum(np.linalg.pinv(a)),
    ):
        together = grad(f)(x)
        for place in onp.ndindex(2, 2):
            close(together[place], grad(f)(x[place]))
        assert grad(f)(onp.zeros((0, 3, 3))).shape == (0, 3, 3)


# ---- bad input -----------------------------------------------------------------------------------

SQUARE = (
    "inv det slogdet eig eigh eigvals eigvalsh cholesky matrix_power tensorinv cond pinv".split()
)
BAD = [
    onp.ones((2, 3)),
    onp.ones(3),
    onp.array(1.5),
    onp.ones((0, 2)),
    onp.zeros((0, 0)),
    onp.ones((2, 2), onp.float16),
    onp.full((2, 2), onp.nan),
    onp.zeros((2, 2)),
    onp.ones((1, 2, 3)),
]
CALLED = [(name, (bad,)) for name in SQUARE for bad in BAD]
CALLED += [(name, (bad,)) for name in ("svd", "qr", "norm", "svdvals", "multi_dot") for bad in BAD]
CALLED += [("norm", (bad, order)) for order in (2, "nuc", "fro", "no", 3, 0) for bad in BAD]
CALLED += [("norm", (P(2, 3), 2, axis)) for axis in (5, (0, 0), (0, 1, 2), "x", 0.5)]
CALLED += [("norm", (P(2, 3), None, axis)) for axis in (0.5, [0, 1], (0.5,))]
CALLED += [("solve", (M(3), bad)) for bad in BAD] + [("solve", (bad, onp.ones(2))) for bad in BAD]
CALLED += [("lstsq", (A(3, 2), bad)) for bad in BAD] + [("lstsq", (bad, A(2))) for bad in BAD]
CALLED += [
    ("matrix_power", (M(3), 1.5)),
    ("tensorinv", (M(3), 0)),
    ("tensorsolve", (A(2, 3, 4), A(2, 3))),
    ("eigh", (M(3), "X")),
    ("qr", (M(3), "other")),
    ("multi_dot", ([A(2, 3)],)),
    ("multi_dot", ([A(2, 3), A(2, 3)],)),
    ("multi_dot", ([A(2, 3), A(3), A(3, 2)],)),
    ("cholesky", (-M(3),)),
    ("cross", (A(4), A(4))),
    ("trace", (A(3),)),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("at", range(len(CALLED)))
def test_bad_input_is_numpys_error(at):
    """The same error as NumPy's, or the same value; and the next derivative is right."""
    name, args = CALLED[at]
    numpy = getattr(onp.linalg, name, None)
    if numpy is None:
        return
    power = (2,) if name == "matrix_power" and len(args) == 1 else ()

    def boxed(tape, arg):
        if isinstance(arg, list):
            return [boxed(tape, one) for one in arg]
        return tape.box(arg) if isinstance(arg, onp.ndarray) else arg

    try:
        expected = numpy(*args, *power)
    except Exception as error:
        expected = error
    with _core.Tape() as tape, onp.errstate(all="ignore"):
        given = [boxed(tape, arg) for arg in args]
        if isinstance(expected, Exception):
            with pytest.raises(type(expected)) as raised:
                getattr(np.linalg, name)(*given, *power)
            assert str(raised.value) == str(expected) or "fastad" in str(raised.value)
        else:
            found = flat(getattr(np.linalg, name)(*given, *power))
            for one, value in zip(found, flat(expected)):
                onp.testing.assert_array_equal(_core.getval(one), value)
    close(grad(np.linalg.det)(onp.eye(2)), onp.eye(2))


def test_raw_qr_is_refused():
    with _core.Tape() as tape, pytest.raises(TypeError, match="raw.*fastad"):
        np.linalg.qr(tape.box(M(3)), "raw")


# ---- parity --------------------------------------------------------------------------------------

PARITY = {
    "inv": lambda n, a: n.linalg.inv(a),
    "det": lambda n, a: n.linalg.det(a),
    "slogdet": lambda n, a: n.linalg.slogdet(a)[1],
    "pinv": lambda n, a: n.linalg.pinv(a),
    "eigh": lambda n, a: n.linalg.eigh(a)[0] ** 3,
    "eigh upper": lambda n, a: n.linalg.eigh(a, "U")[0] ** 3,
    "eigh vectors": lambda n, a: n.abs(n.linalg.eigh(a)[1]),
    "eig": lambda n, a: n.abs(n.linalg.eig(a)[0]) ** 3,
    "eig vectors": lambda n, a: n.abs(n.linalg.eig(a)[1]),
    "svd": lambda n, a: n.linalg.svd(a, compute_uv=False) ** 3,
    "svd vectors": lambda n, a: n.abs(n.linalg.svd(a, full_matrices=False)[0]),
    "cholesky": lambda n, a: n.abs(n.linalg.cholesky(a @ n.conj(a).T)),
    "cholesky itself": lambda n, a: n.linalg.cholesky(a),
    "solve": lambda n, a: n.linalg.solve(a, a[0] * 2),
    "norm": lambda n, a: n.linalg.norm(a) + n.linalg.norm(a[0], 3),
    "nuc": lambda n, a: n.linalg.norm(a, "nuc"),
}


@pytest.mark.parametrize("name", PARITY)
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_parity_with_autograd(name, kind):
    autograd = pytest.importorskip("autograd")
    import autograd.numpy as anp

    x = M(3) if kind == "real" else M(3) + 1j * A(3, 3, seed=2)
    if name == "cholesky itself":
        x = x @ x.conj().T
    if kind == "complex" and name in ("pinv", "cholesky", "cholesky itself", "nuc", "norm"):
        return  # autograd has no complex rule, or one that differences refute
    f = PARITY[name]
    scalar = lambda n: lambda a: n.sum(n.abs(f(n, a)) ** 2)
    close(grad(scalar(np))(x), autograd.grad(scalar(anp))(x), 1e-8)
