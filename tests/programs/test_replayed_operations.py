"""Gradients through operations whose rules look at values are replayed by `jit`, and right."""

from __future__ import annotations

import warnings

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import grad, jit, make_jvp, value_and_grad

X = 0.5 + onp.random.default_rng(0).uniform(0.0, 1.0, 12)
A = onp.random.default_rng(1).uniform(-1.0, 1.0, (4, 4))
A = A @ A.T + 4.0 * onp.eye(4)
ONES = onp.ones(4)

OF_VECTORS = {
    "sort": lambda x: np.sum(np.sort(x) * onp.arange(12.0)),
    "prod": np.prod,
    "cumprod": lambda x: np.sum(np.cumprod(x)),
    "norm": np.linalg.norm,
    "median": np.median,
    "quantile": lambda x: np.sum(np.quantile(x, [0.2, 0.7])),
    "interp": lambda x: np.sum(np.interp(x, [0.0, 0.9, 2.0], [1.0, 3.0, 2.0])),
    "convolve": lambda x: np.sum(np.convolve(x, x[:3])),
    "cov": lambda x: np.sum(np.cov(np.reshape(x, (3, 4)))),
    "std": np.std,
    "nanmean": np.nanmean,
    "take": lambda x: np.sum(np.take(x, [1, 2]) ** 2),
}
OF_MATRICES = {
    "cholesky": lambda a: np.sum(np.linalg.cholesky(a)),
    "solve": lambda a: np.sum(np.linalg.solve(a, ONES)),
    "det": np.linalg.det,
    "eigh": lambda a: np.sum(np.linalg.eigh(a)[0] ** 2),
    "svd": lambda a: np.sum(np.linalg.svd(a)[1] ** 2),
    "qr": lambda a: np.sum(np.linalg.qr(a)[1]),
    "lstsq": lambda a: np.sum(np.linalg.lstsq(a, ONES, rcond=None)[0]),
}


@pytest.mark.parametrize("name", [*OF_VECTORS, *OF_MATRICES])
def test_replays(name):
    function = OF_VECTORS.get(name) or OF_MATRICES[name]
    gradient = value_and_grad(function)
    program = jit(gradient, check="always")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that it runs without being replayed, and why
        for step in range(6):
            point = (X if name in OF_VECTORS else A) * (1.0 + 0.02 * step)
            for got, expected in zip(program(point), gradient(point), strict=True):
                onp.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)
    worlds = [world for entry in program._entries.values() for world in entry.worlds]
    assert any(world.trusted for world in worlds)


@pytest.mark.parametrize("ends", [{}, {"left": 7.0, "right": -7.0}])
@pytest.mark.parametrize("others", [[], [-1.0, 1.0, 4.0, onp.inf, -onp.inf]])
def test_interp_of_what_is_no_number(ends, others):
    """Its value is none either and its slope zero: backwards, forwards and replayed."""
    x = onp.array([onp.nan, 0.5, 2.0, *others])
    places, values = onp.array([0.0, 1.0, 1.0, 2.5, 3.0]), onp.array([1.0, 2.0, -1.0, 4.0, 0.5])
    f = lambda x: np.interp(x, places, values, **ends)
    slopes = lambda x: grad(lambda x: np.sum(f(x)))(x)
    fast, fast_slopes = jit(f), jit(slopes)
    for _ in range(4):
        fast(x), fast_slopes(x)
    value, forwards = make_jvp(f)(x)(onp.ones_like(x))
    for found in (value, fast(x), f(x)):
        onp.testing.assert_allclose(found, onp.interp(x, places, values, **ends), rtol=1e-14)
    assert slopes(x)[0] == 0.0
    for found in (forwards, fast_slopes(x)):
        onp.testing.assert_allclose(found, slopes(x), rtol=1e-14)
