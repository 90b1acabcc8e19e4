"""Parameters whose shapes broadcast: each gets the sum of what its copies would get.

The same call with every argument spread to the common shape beforehand is what is compared with.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import _core, make_jvp, make_vjp

scipy_special = pytest.importorskip("scipy.special")

import fastad.scipy.special as special  # noqa: E402
import fastad.scipy.stats as stats  # noqa: E402

SHAPES = [(2, 1), (3,), (), (1,), (4, 1, 1)]


def arrangements(count: int) -> list[tuple[tuple[int, ...], ...]]:
    """Shapes for each argument: every pair for two, and more that take turns."""
    if count <= 2:
        return list(itertools.product(SHAPES, repeat=count))
    turns = [tuple(SHAPES[(i + k) % len(SHAPES)] for i in range(count)) for k in range(len(SHAPES))]
    alone = [
        tuple(SHAPES[1] if i == k else SHAPES[0] if i == m else () for i in range(count))
        for k, m in itertools.permutations(range(count), 2)
    ]
    return turns + alone


def refused(error: Exception) -> bool:
    return isinstance(error, (TypeError, NotImplementedError))


def check(function: Callable[..., Any], ranges: list[tuple[float, float]]) -> None:
    """Each argument's VJP and JVP against those of the spread call."""
    random = onp.random.default_rng(20261126)
    for shapes in arrangements(len(ranges)):
        args = [random.uniform(*r, s) for r, s in zip(ranges, shapes)]
        full = onp.broadcast_shapes(*shapes)
        g = random.uniform(0.5, 1.5, full)
        spread = [onp.broadcast_to(one, full).copy() for one in args]
        for i, shape in enumerate(shapes):
            try:
                right = make_vjp(function, i)(*spread)[0](g)
            except (TypeError, NotImplementedError):
                continue  # there is no derivative by this argument, which other tests list
            vjp, value = make_vjp(function, i)(*args)
            onp.testing.assert_array_equal(value, function(*args))
            found = vjp(g[()])
            more = len(full) - len(shape)
            axes = tuple(k for k in range(len(full)) if k < more or shape[k - more] == 1 != full[k])
            summed = onp.reshape(onp.sum(right, axis=axes), shape)
            onp.testing.assert_allclose(
                found, summed, rtol=1e-10, atol=1e-12, err_msg=f"{shapes} {i}"
            )
            t = random.uniform(0.5, 1.5, shape)
            along = make_jvp(function, i)(*args)(t)[1]
            assert onp.shape(along) == full
            onp.testing.assert_allclose(
                onp.sum(g * along), onp.sum(found * t), rtol=1e-10, atol=1e-12
            )


DISTRIBUTIONS: dict[str, list[tuple[float, float]]] = {
    "norm": [],
    "expon": [],
    "uniform": [],
    "laplace": [],
    "logistic": [],
    "cauchy": [],
    "gamma": [(0.5, 4)],
    "chi2": [(0.5, 4)],
    "beta": [(0.5, 4), (0.5, 4)],
    "t": [(1.5, 9)],
    "lognorm": [(0.5, 1)],
    "weibull_min": [(0.6, 3)],
}
METHODS = "pdf logpdf cdf logcdf sf logsf ppf isf".split()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_continuous_distributions(name, method):
    function = getattr(getattr(stats, name), method)
    with onp.errstate(all="ignore"):
        check(function, [(0.2, 0.8), *DISTRIBUTIONS[name], (-0.1, 0.1), (0.9, 2.0)])


DISCRETE: dict[str, list[tuple[float, float]]] = {
    "poisson": [(0.5, 4)],
    "binom": [(4, 4.0001), (0.1, 0.9)],
    "nbinom": [(0.7, 4), (0.1, 0.9)],
    "bernoulli": [(0.1, 0.9)],
}


@pytest.mark.parametrize("method", "pmf logpmf cdf logcdf sf logsf".split())
@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_distributions(name, method):
    plain = getattr(getattr(stats, name), method)

    def function(k: Any, *shapes: Any) -> Any:
        shapes = (onp.round(shapes[0]), *shapes[1:]) if name == "binom" else shapes
        return plain(onp.round(_core.getval(k)), *shapes)

    with onp.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(function, [(0.0, 1.4), *DISCRETE[name]])


UFUNCS = [
    name
    for name in special.__all__
    if isinstance(getattr(scipy_special, name), onp.ufunc)
    and isinstance(getattr(special, name), _core.Primitive)
    and getattr(scipy_special, name).nin > 1
    and getattr(scipy_special, name).nout == 1
]
INTERVALS = [(0.3, 0.8), (1.2, 2.8), (2.0, 2.0001)]


@pytest.mark.parametrize("name", UFUNCS)
def test_special_functions(name):
    ufunc, function = getattr(scipy_special, name), getattr(special, name)
    with onp.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for interval in INTERVALS:
            ranges = [interval] * ufunc.nin
            try:
                values = ufunc(*(onp.mean(r) for r in ranges))
            except (TypeError, ValueError):
                continue
            if onp.isfinite(values) and not onp.iscomplexobj(values):
                check(function, ranges)
                return


PARAMETERS: dict[str, tuple[Callable[..., Any], int]] = {
    "clip": (lambda x, low, high: np.clip(x, low - 1.0, high + 0.1), 3),
    "clip, crossed": (lambda x, low, high: np.clip(x, low + 1.0, high - 0.1), 3),
    "where": (lambda x, y: np.where(_core.getval(x) > 0.5, x, y), 2),
    "select": (lambda x, y: np.select([_core.getval(x) > 0.5], [x * y], y), 2),
    "choose": (lambda x, y: np.choose(1, [x, y * 1.0 + 0.0 * x]), 2),
    "nan_to_num": (lambda x, n: np.nan_to_num(x + 0.0 * n), 2),
    "divmod": (lambda x, y: np.divmod(x, y)[1], 2),
    "hypot": (np.hypot, 2),
    "arctan2": (np.arctan2, 2),
    "logaddexp": (np.logaddexp, 2),
    "float_power": (np.float_power, 2),
    "heaviside": (np.heaviside, 2),
    "copysign": (np.copysign, 2),
    "fmod": (np.fmod, 2),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_functions_of_numpy(name):
    function, count = PARAMETERS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(function, [(0.3, 0.9)] * count)
