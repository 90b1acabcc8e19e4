"""The adjoint of max and min in one pass, against its definition: layouts, axes, ties, NaN."""

from __future__ import annotations

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import grad, make_jvp, make_vjp

SHAPES = [(7,), (4, 5), (3, 2), (3, 4, 5), (2, 3, 4, 3), (5, 1, 3), (300, 3), (3, 300), (0, 3)]
LAYOUTS = {
    "C": lambda x: x,
    "Fortran": onp.asfortranarray,
    "strided": lambda x: onp.repeat(x, 2, -1)[..., ::2],
    "reversed": lambda x: x[::-1],
    "ties": onp.round,
    "all equal": onp.ones_like,
    "NaN": lambda x: onp.where(onp.arange(x.size).reshape(x.shape) == 1, onp.nan, x),
}


def defined(name, x, axis, g):
    """g times the share of each element that attains the extremum."""
    best = getattr(onp, name)(x, axis=axis, keepdims=True)
    attains = x == best
    share = attains / attains.sum(axis=axis, keepdims=True)
    return (g.reshape(best.shape) * share).astype(x.dtype)


def axes_of(x):
    """None, each axis, the last one from behind, pairs of axes."""
    pairs = [(0, 1), (0, -1), (1, 2)] if x.ndim > 2 else []
    return [None, *range(x.ndim), -1, *pairs]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [onp.float64, onp.float32])
@pytest.mark.parametrize("name", ["max", "min"])
def test_extremum_adjoint(name, dtype, layout, random):
    for shape in SHAPES:
        x = LAYOUTS[layout](random.normal(size=shape)).astype(dtype, copy=False)
        for axis in axes_of(x):
            if x.size == 0 and axis in (None, 0):
                continue
            for keepdims in (False, True):
                value = getattr(onp, name)(x, axis=axis, keepdims=keepdims)
                g = onp.asarray(random.normal(size=value.shape)).astype(dtype)

                def weighted(x):
                    return np.sum(g * getattr(np, name)(x, axis=axis, keepdims=keepdims))

                expected = defined(name, x, axis, g)
                own = grad(weighted)(x)
                assert own.dtype == dtype and own.shape == x.shape
                onp.testing.assert_array_equal(own, expected)
                # Into a cotangent that is there already.
                added = grad(lambda x: np.sum(2 * x) + weighted(x))(x)
                onp.testing.assert_allclose(added, expected + dtype(2), rtol=1e-6)


def test_cotangents_of_extrema_may_be_views(random):
    x = random.normal(size=(4, 6))
    weights = random.normal(size=(6, 4)).T

    def summed(x):
        return np.sum(np.max(x, axis=1)) + np.sum(weights * np.max(x, axis=0))

    expected = defined("max", x, 1, onp.ones(4))
    expected += defined("max", x, 0, weights.sum(axis=0))
    onp.testing.assert_allclose(grad(summed)(x), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["nanmax", "nanmin"])
def test_nan_extrema_with_and_without_nan(name, random):
    x = random.normal(size=(3, 5))
    g = onp.ones((3,))
    plain = name[3:]
    own = grad(lambda x: np.sum(getattr(np, name)(x, axis=1)))
    onp.testing.assert_array_equal(own(x), defined(plain, x, 1, g))
    holed = x.copy()
    holed[0, 2] = onp.nan
    filled = onp.where(onp.isnan(holed), -onp.inf if plain == "max" else onp.inf, holed)
    onp.testing.assert_array_equal(own(holed), defined(plain, filled, 1, g))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [0, -1, None, (0, 1)])
@pytest.mark.parametrize("name", ["fmax", "fmin"])
def test_reduce_of_what_leaves_nan_out(name, axis, keepdims):
    """Ties share evenly, as those of max; what is NaN has no share."""
    ufunc, theirs = getattr(np, name), getattr(onp, name)
    random = onp.random.default_rng(4)
    for turn in range(12):
        x = random.integers(-2, 3, (3, 4)).astype("f4" if turn % 2 else "f8")
        x[random.random(x.shape) < 0.1 * (turn % 4)] = onp.nan
        f = lambda x: ufunc.reduce(x, axis=axis, keepdims=keepdims)
        vjp, value = make_vjp(f)(x)
        wanted = theirs.reduce(x, axis=axis, keepdims=keepdims)
        onp.testing.assert_array_equal(value, wanted)
        assert value.dtype == wanted.dtype and onp.shape(value) == onp.shape(wanted)
        g = onp.cos(onp.arange(onp.size(wanted))).reshape(onp.shape(wanted)).astype(x.dtype)
        attains = x == theirs.reduce(x, axis=axis, keepdims=True)
        share = attains / onp.maximum(attains.sum(axis=axis, keepdims=True), 1)
        back = vjp(g[()])
        assert back.dtype == x.dtype
        kept = onp.shape(theirs.reduce(x, axis=axis, keepdims=True))
        onp.testing.assert_allclose(back, g.reshape(kept) * share, rtol=1e-6)
        t = onp.sin(onp.arange(12.0)).reshape(3, 4).astype(x.dtype)
        forth = make_jvp(f)(x)(t)[1]
        onp.testing.assert_allclose(onp.sum(forth * g), onp.sum(back * t), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("shape", [(20_000,), (200, 100), (90, 91)])
def test_slopes_of_large_variances_are_those_of_their_definition(name, shape):
    """Large ones are written to memory of the pool, where second derivatives are not."""
    x = onp.random.default_rng(5).normal(size=shape)
    for axis in (None, 0, -1):
        f = lambda x: getattr(np, name)(x, axis=axis, ddof=1)
        wanted = getattr(onp, name)(x, axis=axis, ddof=1)
        g = onp.cos(onp.arange(onp.size(wanted))).reshape(onp.shape(wanted))[()]
        apart = x - x.mean(axis=axis, keepdims=True)
        freedom = x.size / onp.size(wanted) - 1
        kept = x.mean(axis=axis, keepdims=True).shape
        scale = 2.0 * g if name == "var" else g / wanted
        back = make_vjp(f)(x)[0](g)
        onp.testing.assert_allclose(
            back, onp.reshape(scale / freedom, kept) * apart, rtol=1e-9, atol=1e-12
        )
        slow = make_vjp(f)(onp.asfortranarray(x))[0](g)
        onp.testing.assert_allclose(slow, back, rtol=1e-9, atol=1e-12)
        again = make_vjp(f)(x)[0](g)
        assert not onp.shares_memory(again, back)
