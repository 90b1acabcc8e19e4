"""Counts that a small dtype cannot hold, long sums of cotangents, and cotangents of any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg

import fastad.numpy as fnp
import fastad.scipy.linalg as fla
from fastad import grad, make_jvp, make_vjp

MANY = np.array([1.0, 0.0] * 35_000, np.float16)
EVERY = np.ones(MANY.shape, bool)
COUNTED = {
    "mean": fnp.mean,
    "average": fnp.average,
    "var": fnp.var,
    "std": fnp.std,
    "nanmean": fnp.nanmean,
    "nanvar": fnp.nanvar,
    "nanstd": fnp.nanstd,
    "mean where": lambda x: fnp.mean(x, where=EVERY),
    "var where": lambda x: fnp.var(x, where=EVERY),
    "std where": lambda x: fnp.std(x, where=EVERY),
}


@pytest.mark.parametrize("name", COUNTED)
def test_float16_counts_beyond_its_range(name: str) -> None:
    """70,000 values are more than float16's largest number, 65,504."""
    function = COUNTED[name]
    got = grad(function)(MANY)
    assert got.dtype == np.float16
    sign = 1.0 if "mean" in name or name == "average" else -1.0
    np.testing.assert_allclose(got[:2].astype(float), [1 / 70_000, sign / 70_000], rtol=1e-2)
    direction = (MANY > 0).astype(np.float16)
    tangent = make_jvp(function)(MANY)(direction)[1]
    np.testing.assert_allclose(float(tangent), 0.5, rtol=1e-2)


@pytest.mark.parametrize("shape", [(10_000_000,), (5, 2_000_000), (2_000_000, 5)])
@pytest.mark.parametrize("target", [(), (1,)])
def test_cotangents_of_a_broadcast_number(shape: tuple[int, ...], target: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).random(shape, np.float32)
    right = float(x.sum(dtype=np.float64))
    for values in (x, x.T if x.ndim == 2 else x[::-1]):
        got = grad(lambda b, v=values: fnp.sum(b * v))(np.ones(target, np.float32))
        assert abs(float(got.reshape(())) / right - 1) < 2e-7


def test_slope_of_log_sum_exp_at_its_maximum_cancels() -> None:
    """log(sum(exp(x - m))) + m does not depend on m."""
    x = np.random.default_rng(0).standard_normal(1_000_000).astype(np.float32)

    def by_shift(m: Any) -> Any:
        return fnp.log(fnp.sum(fnp.exp(x - m))) + fnp.sum(m)

    assert abs(float(grad(by_shift)(np.array([x.max()]))[0])) < 3e-7


MATRIX = (np.random.default_rng(0).standard_normal((4, 4)) + 4 * np.eye(4)) * 0.3
FUNCTIONS = {
    **{n: getattr(fla, n) for n in "expm cosm sinm tanm coshm sinhm tanhm logm sqrtm".split()},
    "fractional_matrix_power": lambda a: fla.fractional_matrix_power(a, 0.37),
    "expm_frechet": lambda a: fla.expm_frechet(MATRIX, a, compute_expm=False),
}
SIZES = (1e-300, 1e-20, 1e-12, 1e12, 1e20, 1e300)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_matrix_functions_are_linear_in_the_cotangent(name: str) -> None:
    vjp, _ = make_vjp(FUNCTIONS[name])(MATRIX)
    g = np.random.default_rng(1).standard_normal((4, 4))
    right = vjp(g)
    jvp = make_jvp(FUNCTIONS[name])(MATRIX)
    forward = jvp(g)[1]
    for size in SIZES:
        np.testing.assert_allclose(vjp(g * size) / size, right, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(jvp(g * size)[1] / size, forward, rtol=1e-12, atol=1e-14)


def test_expm_against_scipy() -> None:
    right = scipy.linalg.expm_frechet(MATRIX.T, np.ones((4, 4)), compute_expm=False)
    for size in (1e-100, 1e20):
        got = grad(lambda a, s=size: s * fnp.sum(fla.expm(a)))(MATRIX) / size
        np.testing.assert_allclose(got, right, rtol=1e-13)


@pytest.mark.parametrize("power", [1.5, 2.5, 1.01])
def test_powers_of_singular_matrices(power: float) -> None:
    """Against differences along directions that stay positive semidefinite."""
    rng = np.random.default_rng(2)
    for n, rank in ((2, 1), (3, 2), (4, 2)):
        root, along = rng.standard_normal((n, rank)), rng.standard_normal((n, rank))

        def value(t: float, root: Any = root, along: Any = along) -> Any:
            moved = root + t * along
            w, v = np.linalg.eigh(moved @ moved.T)
            return (v * np.abs(w) ** power) @ v.T

        a, e = root @ root.T, along @ root.T + root @ along.T
        h = 1e-5
        right = (value(h) - value(-h)) / (2 * h)
        by_power = make_jvp(lambda a: fla.fractional_matrix_power(a, power))(a)(e)[1]
        np.testing.assert_allclose(np.real(by_power), right, rtol=2e-3, atol=2e-4)
        g = rng.standard_normal((n, n))
        back = make_vjp(lambda a: fla.fractional_matrix_power(a, power))(a)[0](g)
        np.testing.assert_allclose(np.sum(back * e), np.sum(g * np.real(by_power)), rtol=1e-9)
    with pytest.raises(np.linalg.LinAlgError, match="below 1"):
        grad(lambda a: fnp.sum(fla.fractional_matrix_power(a, 0.5)))(np.diag([1.0, 0.0]))


@pytest.mark.parametrize("size", [1e-110, 1e-160, 1e110, 1e-300])
@pytest.mark.parametrize("n", [2, 3])
def test_cofactors_where_the_determinant_is_no_number(size: float, n: int) -> None:
    a = np.random.default_rng(3).standard_normal((n, n))
    with np.errstate(all="ignore"):
        right = grad(fnp.linalg.det)(a) * size ** (n - 1)
        got = grad(fnp.linalg.det)(a * size)
    normal = (np.abs(right) > 1e-300) & np.isfinite(right)
    np.testing.assert_allclose(got[normal], right[normal], rtol=1e-12)
    assert np.all(np.abs(got[~normal & np.isfinite(right)]) < 1e-299)


def test_cofactors_of_rows_of_unlike_sizes() -> None:
    a = np.diag([1e-200, 1e-200, 1.0])
    np.testing.assert_allclose(grad(fnp.linalg.det)(a), np.diag([1e-200, 1e-200, 0.0]), rtol=1e-13)
    np.testing.assert_allclose(
        np.diag(grad(fnp.linalg.det)(np.diag([1e200, 1e200, 1e-300]))), [1e-100, 1e-100, np.inf]
    )


@pytest.mark.parametrize("kind", [np.complex64, np.complex128])
@pytest.mark.parametrize("power", [2.0, 2, 0.5, -1.0, -1, 3.0, 1.0, 0.0])
def test_powers_of_complex_arrays_bit_for_bit(kind: Any, power: Any) -> None:
    rng = np.random.default_rng(0)
    z = (rng.standard_normal(50) + 1j * rng.standard_normal(50)).astype(kind)
    vjp, value = make_vjp(lambda z: z**power)(z)
    np.testing.assert_array_equal(value, z**power)
    right = power * z.astype(complex) ** (power - 1)
    np.testing.assert_allclose(
        vjp(np.ones_like(value)), right, rtol=1e-4 if kind == np.complex64 else 1e-12
    )
