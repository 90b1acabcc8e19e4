"""`fastad.scipy.linalg`: eigenvalues, factors, pseudo-inverses, equations of matrices."""

from __future__ import annotations

import numpy as onp
import pytest

scipy_linalg = pytest.importorskip("scipy.linalg")

from matrices import BATCH, COLUMNS, HERMITIAN, POSITIVE, VECTOR, A, C, R, S, check, check_named  # noqa: E402

import fastad.numpy as np  # noqa: E402
import fastad.scipy.linalg as linalg  # noqa: E402
from fastad import grad, make_vjp  # noqa: E402
from fastad._core import getval  # noqa: E402
from fastad.test_util import check_grads  # noqa: E402


@pytest.fixture(autouse=True)
def _seeded():
    onp.random.seed(20260101)


def determined(results):
    """What does not depend on phases, nor on which vectors complete a basis."""
    vectors = [part for part in results if part.ndim == 2]
    return np.concatenate([np.ravel(np.abs(part) ** 2) for part in vectors])


def leading(shape):
    """Q's and R's, U's, V's leading parts and the projector on the rest."""
    count = min(shape)

    def parts(results):
        first, *rest = results
        if len(rest) == 2:  # U, s, V^H
            rest[-1] = rest[-1][:count]
        beyond = first[:, count:]
        projector = np.matmul(beyond, np.conj(beyond.T))
        return determined([first[:, :count], *rest, projector])

    return parts


TALL, WIDE = R.standard_normal((5, 3)), R.standard_normal((3, 5))
TALL_COMPLEX = TALL + 1j * R.standard_normal((5, 3))


@pytest.mark.parametrize("matrix", [A, C], ids=["real", "complex"])
@pytest.mark.parametrize("lower", [True, False])
def test_eigenvalues_of_hermitian_matrices(matrix, lower):
    check_named("eigvalsh", matrix, lower=lower)
    check_named("eigh", matrix, lower=lower, eigvals_only=True)
    for i in range(2):
        check(
            lambda a: np.abs(linalg.eigh(a, lower=lower, driver="ev")[i]) ** 2,
            lambda a: onp.abs(scipy_linalg.eigh(a, lower=lower, driver="ev")[i]) ** 2,
            matrix,
        )


@pytest.mark.parametrize("matrix", [A, TALL, WIDE, TALL_COMPLEX])
def test_singular_values_and_qr(matrix):
    check_named("svdvals", matrix)
    check_named("svd", matrix, compute_uv=False)
    for options in ({}, {"full_matrices": False}, {"lapack_driver": "gesvd"}):
        by = lambda m, options=options: lambda a: m.svd(a, **options)
        parts = leading(matrix.shape)
        check(lambda a: parts(by(linalg)(a)), lambda a: parts(by(scipy_linalg)(a)), matrix)
        check(lambda a: by(linalg)(a)[1], lambda a: by(scipy_linalg)(a)[1], matrix)
    for options in ({}, {"mode": "economic"}, {"pivoting": True}, {"mode": "r", "pivoting": True}):
        by = lambda m, options=options: lambda a: m.qr(a, **options)
        parts = determined if "r" in options.values() else leading(matrix.shape)
        pick = lambda results: parts([part for part in results if part.dtype.kind != "i"])
        check(lambda a: pick(by(linalg)(a)), lambda a: pick(by(scipy_linalg)(a)), matrix)
        for found, expected in zip(make_results(by(linalg), matrix), by(scipy_linalg)(matrix)):
            onp.testing.assert_array_equal(found, expected)


def make_results(function, x):
    """The plain results of a function that was traced."""
    kept = []
    make_vjp(lambda a: kept.extend(map(getval, function(a))) or np.sum(a))(x)
    return kept


@pytest.mark.parametrize("matrix", [A, TALL, WIDE, TALL_COMPLEX])
def test_pseudo_inverse_and_least_squares(matrix):
    s = onp.linalg.svd(matrix, compute_uv=False)
    between = (s[-1] + s[-2]) / 2
    for options in ({}, {"rtol": between / s[0]}, {"atol": between}):
        check_named("pinv", matrix, **options)
    check(
        lambda a: linalg.pinv(a, return_rank=True)[0],
        lambda a: scipy_linalg.pinv(a, return_rank=True)[0],
        matrix,
    )
    for b in (R.standard_normal(len(matrix)), R.standard_normal((len(matrix), 2))):
        for options in ({}, {"cond": between / s[0]}, {"lapack_driver": "gelss"}):
            theirs = scipy_linalg.lstsq(matrix, b, **options)
            found = make_results(lambda a: linalg.lstsq(a, b, **options), matrix)
            for one, expected in zip(found, theirs, strict=True):
                assert type(one) is type(expected)
                onp.testing.assert_array_equal(one, expected)
            for i in (0, 1, 3):
                if onp.size(theirs[i]) and onp.all(onp.isfinite(theirs[i])):
                    check(
                        lambda a, b: linalg.lstsq(a, b, **options)[i],
                        lambda a, b: scipy_linalg.lstsq(a, b, **options)[i],
                        matrix,
                        b + 0 * matrix[0, 0],
                    )


@pytest.mark.parametrize("name", ["svdvals", "eigvalsh", "pinv"])
def test_decompositions_of_batches(name):
    try:
        getattr(scipy_linalg, name)(BATCH)
    except ValueError:
        pytest.skip("this version of SciPy takes no batches")
    check_named(name, BATCH)


def test_what_decompositions_refuse():
    for function, part in (
        (lambda a: linalg.qr(a, mode="raw")[1], "raw"),
        (lambda a: linalg.lstsq(a, VECTOR, lapack_driver="gelsy")[0], "gelsy"),
        (lambda a: linalg.lu_factor(a[:2])[0], "not square"),
    ):
        with pytest.raises(NotImplementedError, match=part):
            make_vjp(function)(A)


PENCIL = S[:3, :3] / 9 + onp.diag([1.0, 2.0, 4.0])
WEIGHT = onp.linalg.inv(S)[:3, :3] + onp.eye(3)
COMPLEX_WEIGHT = HERMITIAN[1][:3, :3] / 9 + onp.eye(3)


def quadratic(v):
    """Something of vectors that does not depend on their signs and phases."""
    return np.abs(v) ** 2


@pytest.mark.parametrize("kind", [1, 2, 3])
@pytest.mark.parametrize("lower", [True, False])
def test_generalized_eigenvalues(kind, lower):
    for a, b in ((PENCIL, WEIGHT), (PENCIL + 0j, COMPLEX_WEIGHT)):
        # Only one triangle counts.
        a, b = a + 0.1 * onp.tri(3).T, b + 0.1 * onp.tri(3)
        check_named("eigvalsh", a, b, type=kind, lower=lower)
        for pick in (lambda w, v: w, lambda w, v: quadratic(v)):
            check(
                lambda a, b, pick=pick: pick(*linalg.eigh(a, b, type=kind, lower=lower)),
                lambda a, b, pick=pick: pick(*scipy_linalg.eigh(a, b, type=kind, lower=lower)),
                a,
                b,
                rtol=1e-14,
            )


def test_some_eigenvalues():
    check_named("eigvalsh", PENCIL, subset_by_index=(1, 2), rtol=1e-13)
    check_named("eigvalsh", PENCIL, WEIGHT, subset_by_index=(0, 0), rtol=1e-13)
    w = scipy_linalg.eigvalsh(PENCIL, WEIGHT)
    between = ((w[0] + w[1]) / 2, onp.inf)
    check(
        lambda a, b: quadratic(linalg.eigh(a, b, subset_by_value=between)[1]),
        lambda a, b: quadratic(scipy_linalg.eigh(a, b, subset_by_value=between)[1]),
        PENCIL,
        WEIGHT,
        rtol=1e-13,
    )


@pytest.mark.parametrize("matrix", [A[:3, :3], C[:3, :3]], ids=["real", "complex"])
def test_lyapunov(matrix):
    q = S[:3, :3] + 0.2 * A[:3, :3]
    check_named("solve_continuous_lyapunov", matrix, q)
    for method in (None, "direct", "bilinear"):
        check_named("solve_discrete_lyapunov", matrix / 9, q, method=method, order=1)
    check_named("solve_discrete_lyapunov", matrix / 9, q)
    x = scipy_linalg.solve_continuous_lyapunov(-onp.diag([1.0, 2.0]), onp.eye(2))
    onp.testing.assert_allclose(
        grad(
            lambda s: linalg.solve_continuous_lyapunov(-s * onp.diag([1.0, 2.0]), onp.eye(2))[0, 0]
        )(1.0),
        -x[0, 0],
    )


@pytest.mark.parametrize("name", ["solve_continuous_are", "solve_discrete_are"])
@pytest.mark.parametrize("extended", [False, True])
def test_riccati(name, extended):
    a, b = A[:3, :3] / 9 - onp.eye(3), COLUMNS[:3] / 3
    rest = (onp.eye(3) + 0.1 * A[:3, :3], 0.1 * COLUMNS[:3]) if extended else ()

    def call(module):
        def function(a, b, q, r, *rest):
            q, r = q @ q.T + np.eye(3), r @ r.T + np.eye(2)
            return getattr(module, name)(a, b, q, r, *rest, balanced=not extended)

        return function

    args = (a, b, A[1:, 1:] / 3, A[:2, :2] / 3, *rest)
    check(call(linalg), call(scipy_linalg), *args, rtol=1e-12)
    # One number: -2 p - p^2 + q = 0.
    if name == "solve_continuous_are":
        one = onp.eye(1)
        got = grad(lambda q: linalg.solve_continuous_are(-one, one, q * one, one)[0, 0])(3.0)
        onp.testing.assert_allclose(got, 0.25)


def test_what_does_not_solve_a_riccati_equation():
    """SciPy 1.17 balances wrongly where there is an e: no gradient of what is no solution."""
    draw = onp.random.default_rng(3).standard_normal
    a, b, e = draw((3, 3)) / 3 - onp.eye(3), draw((3, 2)) / 3, onp.eye(3) + 0.1 * draw((3, 3))
    x = scipy_linalg.solve_continuous_are(a, b, onp.eye(3), onp.eye(2), e)
    once = a.T @ x @ e
    rest = once + once.T - e.T @ x @ b @ b.T @ x @ e + onp.eye(3)
    value = lambda e: np.sum(linalg.solve_continuous_are(a, b, onp.eye(3), onp.eye(2), e))
    if abs(rest).max() > 1e-3:
        with pytest.raises(scipy_linalg.LinAlgError, match="balanced=False"):
            grad(value)(e)
    else:
        check_grads(value, order=1)(e)


@pytest.mark.parametrize("matrix", [A, C], ids=["real", "complex"])
@pytest.mark.parametrize("shape", [(4, 4), (4, 2), (2, 4)])
def test_lu_and_polar(matrix, shape):
    matrix = matrix[: shape[0], : shape[1]]
    for options in ({}, {"permute_l": True}, {"p_indices": True}):
        for part in range(-2, 0):
            check(
                lambda a, part=part, options=options: linalg.lu(a, **options)[part],
                lambda a, part=part, options=options: scipy_linalg.lu(a, **options)[part],
                matrix,
            )
    onp.testing.assert_array_equal(
        make_vjp(lambda a: linalg.lu(a)[1])(matrix)[1], scipy_linalg.lu(matrix)[1]
    )
    for side in ("left", "right"):
        for part in range(2):
            check(
                lambda a, part=part, side=side: linalg.polar(a, side)[part],
                lambda a, part=part, side=side: scipy_linalg.polar(a, side)[part],
                matrix,
            )


def test_batches_of_equations_and_factors():
    batch = BATCH[:2, :3, :3]
    for name, *args in (
        ("solve_continuous_lyapunov", batch, POSITIVE[:2, :3, :3]),
        ("solve_discrete_lyapunov", batch / 9, POSITIVE[:2, :3, :3]),
        ("polar", batch),
        ("lu", batch),
    ):
        try:
            getattr(scipy_linalg, name)(*args)
        except (TypeError, ValueError):  # of a version of SciPy that takes no batches
            continue
        for part in range(2) if name == "polar" else (1, 2) if name == "lu" else (...,):
            check(
                lambda *a, part=part, name=name: getattr(linalg, name)(*a)[part],
                lambda *a, part=part, name=name: getattr(scipy_linalg, name)(*a)[part],
                *args,
                order=1,
            )


def test_without_rule():
    given = {"cossin": (2, 2), "rq": ()}
    for name in ("cossin", "rq"):
        with pytest.raises(NotImplementedError, match=name):
            grad(lambda a, name=name: np.sum(getattr(linalg, name)(a, *given[name])[0]))(A)
    assert linalg.qr(A)[0].shape == (4, 4)
    assert linalg.LinAlgError is scipy_linalg.LinAlgError


def test_values_of_a_pencil_where_the_vectors_have_no_derivative():
    a, b = 2.0 * onp.eye(3), onp.eye(3)
    for function in (
        lambda a: np.sum(linalg.eigh(a, b)[0]),
        lambda a: np.sum(linalg.eigh(a, b, eigvals_only=True)),
    ):
        onp.testing.assert_array_equal(grad(function)(a), onp.eye(3))
        onp.testing.assert_array_equal(make_vjp(function)(a)[0](0.0), onp.zeros((3, 3)))
