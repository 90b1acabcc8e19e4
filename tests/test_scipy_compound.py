"""Eigenvalues of bands, solutions with matrices of few numbers, factors of bands, refusals."""

from __future__ import annotations

import numpy as onp
import pytest

scipy_linalg = pytest.importorskip("scipy.linalg")

import fastad.numpy as np  # noqa: E402
import fastad.scipy.linalg as linalg  # noqa: E402
from fastad import grad, make_vjp  # noqa: E402
from fastad.test_util import check_grads  # noqa: E402

_draw = onp.random.default_rng(0)
M = _draw.standard_normal((4, 4))
S = M + M.T
D, E = _draw.standard_normal(5), _draw.standard_normal(4)
C = onp.array([4.0, 0.3, -0.2, 0.4])
R = onp.array([4.0, -0.5, 0.1, 0.2])
SIDE = _draw.standard_normal((4, 2))
UPPER = onp.array([[0.5, 0.3, 0.2, 0.1], [2.0, 3.0, 4.0, 3.0]])
LOWER = onp.array([[2.0, 3.0, 4.0, 3.0], [0.3, 0.2, 0.1, 0.7]])
WIDE = onp.array([[0, 0, 0.3, 0.2, 0.1], [0.1, 0.5, 0.3, 0.2, 0.1], [2, 3, 4, 3.0, 1]])

# SciPy's name -> (function of the leaves, SciPy's of the same, leaves).
CALLS = {
    "matmul_toeplitz": (lambda m, c, r, x: m.matmul_toeplitz((c, r), x), C, R, SIDE),
    "matmul_toeplitz symmetric": (lambda m, c, x: m.matmul_toeplitz(c, x), C, SIDE[:, 0]),
    "solve_toeplitz": (lambda m, c, r, b: m.solve_toeplitz((c, r), b), C, R, SIDE),
    "solve_toeplitz symmetric": (lambda m, c, b: m.solve_toeplitz(c, b), C, SIDE[:, 0]),
    "solve_circulant": (lambda m, c, b: m.solve_circulant(c, b), C, SIDE),
    "solve_circulant singular": (
        lambda m, b: m.solve_circulant(onp.array([1.0, 2, 1, 2]), b, singular="lstsq"),
        SIDE[:, 0],
    ),
    "khatri_rao": (lambda m, a, b: m.khatri_rao(a, b), M, S[:2]),
    "leslie": (lambda m, f, s: m.leslie(f, s), C, E[:3]),
    "fiedler": (lambda m, a: m.fiedler(a), D),
    "pinvh": (lambda m, a: m.pinvh(a), S),
    "pinvh upper": (lambda m, a: m.pinvh(a, lower=False), M),
    "cholesky_banded": (lambda m, a: m.cholesky_banded(a), UPPER),
    "cholesky_banded lower": (lambda m, a: m.cholesky_banded(a, lower=True), LOWER),
    "cho_solve_banded": (lambda m, a, b: m.cho_solve_banded((a, False), b), UPPER, SIDE),
    "cho_solve_banded lower": (lambda m, a, b: m.cho_solve_banded((a, True), b), LOWER, SIDE[:, 0]),
    "orthogonal_procrustes": (lambda m, a, b: m.orthogonal_procrustes(a, b)[0], M, S),
    "orthogonal_procrustes scale": (lambda m, a, b: m.orthogonal_procrustes(a, b)[1], M, S),
    "eigvals": (lambda m, a: abs(m.eigvals(a)), M),
    "eig": (lambda m, a: abs(m.eig(a)[1]), M),
    "eig values": (lambda m, a: abs(m.eig(a, right=False)), M),
    "eigh_tridiagonal": (lambda m, d, e: abs(m.eigh_tridiagonal(d, e)[1]), D, E),
    "eigh_tridiagonal values": (lambda m, d, e: m.eigh_tridiagonal(d, e)[0], D, E),
    "eigvalsh_tridiagonal": (lambda m, d, e: m.eigvalsh_tridiagonal(d, e), D, E),
    "eig_banded": (lambda m, a: m.eig_banded(a)[1], WIDE),
    "eig_banded lower": (lambda m, a: m.eig_banded(a, lower=True)[1], WIDE[::-1].copy()),
    "eigvals_banded": (lambda m, a: m.eigvals_banded(a), WIDE),
    **{
        f"convolution_matrix {mode}": (
            lambda m, a, mode=mode: m.convolution_matrix(a, 6, mode),
            C,
        )
        for mode in ("full", "same", "valid")
    },
}


@pytest.mark.parametrize("name", CALLS)
def test_values_and_derivatives(name):
    function, *leaves = CALLS[name]
    if not hasattr(scipy_linalg, name.split()[0]):
        pytest.skip("not in this SciPy")
    by = lambda *given: function(linalg, *given)
    expected = function(scipy_linalg, *leaves)
    onp.testing.assert_allclose(make_vjp(by)(*leaves)[1], expected, rtol=1e-13, atol=1e-15)
    formula = getattr(getattr(linalg, name.split()[0]), "derivative", None)
    if formula is not None:  # what is differentiated computes the same
        given = type("Formulas", (), {name.split()[0]: staticmethod(formula)})
        onp.testing.assert_allclose(function(given, *leaves), expected, rtol=1e-9, atol=1e-11)
    check_grads(by, tuple(range(len(leaves))), order=2)(*leaves)


def test_complex_bands_are_hermitian():
    band = onp.array([[0, 0.3 + 0.4j, 0.2 - 0.1j, 0.5j], [2.0, 3.0, 4.0, 1.0]])
    values = lambda s: linalg.eigvals_banded(band * s)
    onp.testing.assert_allclose(
        make_vjp(values)(1.3)[1], scipy_linalg.eigvals_banded(1.3 * band), rtol=1e-13
    )
    check_grads(values, order=2)(1.3)
    assert grad(lambda s: np.sum(linalg.eigvals_banded(band[::-1] * s, lower=True)))(1.0) == (
        pytest.approx(10.0)
    )


def test_refusals():
    total = lambda f: grad(lambda a: np.sum(np.real(f(a))))(M)
    for name in ("schur", "hessenberg", "ldl"):
        function = getattr(linalg, name)
        with pytest.raises(TypeError, match=rf"scipy.linalg.{name} cannot take a traced"):
            total(lambda a: function(a)[0])
        for a, b in zip(function(M), getattr(scipy_linalg, name)(M)):
            onp.testing.assert_array_equal(a, b)
    with pytest.raises(NotImplementedError, match=r"eig\(solve\(b, a\)\)"):
        total(lambda a: linalg.eig(a, S)[0])
    with pytest.raises(NotImplementedError, match="'left'"):
        total(lambda a: linalg.eig(a, left=True)[0])
    with pytest.raises(NotImplementedError, match="'select'"):
        grad(lambda d: linalg.eigvalsh_tridiagonal(d, E, "i", (0, 1))[0])(D)
    with pytest.raises(ValueError, match="one more element"):
        grad(lambda d: linalg.eigvalsh_tridiagonal(d, E[1:])[0])(D)
