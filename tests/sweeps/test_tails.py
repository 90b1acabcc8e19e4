"""Slopes of the logarithms of distribution and survival functions in both far tails, by mpmath.

Not reached: gamma, beta, chi2 and t where SciPy's own distribution function underflows; its
logarithm is -inf there and has no slope.
"""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pytest

import fastad.scipy.stats as stats
from fastad import grad


def _phi(u: Any) -> Any:
    return mp.exp(-u * u / 2) / mp.sqrt(2 * mp.pi)


def _ratio(u: Any) -> Any:
    """Density over distribution function of the normal distribution."""
    return _phi(u) / (mp.erfc(-u / mp.sqrt(2)) / 2)


# family: shapes, (slopes of logcdf by x and by each shape), (those of logsf), points.
WIDE = [-1e150, -1e6, -300.0, -30.0, -1.5, 0.7, 2.0, 45.0, 600.0, 1e5]
ABOVE = [1e-300, 1e-100, 1e-18, 1e-3, 0.4, 1.0001, 3.0, 40.0, 1e3]
FAMILIES: dict[str, Any] = {
    "norm": ((), [_ratio], [lambda x: -_ratio(-x)], [-1e6, -40.0, -1.0, 0.5, 3.0, 37.0, 1e6]),
    "logistic": (
        (),
        [lambda x: 1 / (1 + mp.exp(x))],
        [lambda x: -1 / (1 + mp.exp(-x))],
        WIDE[1:],
    ),
    "laplace": (
        (),
        [lambda x: mp.mpf(1) if x <= 0 else 1 / (2 * mp.exp(x) - 1)],
        [lambda x: -mp.mpf(1) if x >= 0 else -1 / (2 * mp.exp(-x) - 1)],
        WIDE[1:],
    ),
    "cauchy": (
        (),
        [lambda x: 1 / ((1 + x * x) * mp.atan2(1, -x))],
        [lambda x: -1 / ((1 + x * x) * mp.atan2(1, x))],
        [*WIDE, 1e150],
    ),
    "expon": ((), [lambda x: 1 / mp.expm1(x)], [lambda x: mp.mpf(-1)], ABOVE),
    "uniform": (
        (),
        [lambda x: 1 / x],
        [lambda x: -1 / (1 - x)],
        [1e-300, 1e-5, 0.5, 1 - 1e-10],
    ),
    "lognorm": (
        (1.3,),
        [
            lambda x, s: _ratio(mp.log(x) / s) / (s * x),
            lambda x, s: -mp.log(x) / s**2 * _ratio(mp.log(x) / s),
        ],
        [
            lambda x, s: -_ratio(-mp.log(x) / s) / (s * x),
            lambda x, s: mp.log(x) / s**2 * _ratio(-mp.log(x) / s),
        ],
        [1e-290, *ABOVE[1:], 1e17, 1e100, 1e290],
    ),
    "weibull_min": (
        (1.7,),
        [
            lambda x, c: c * x ** (c - 1) / mp.expm1(x**c),
            lambda x, c: mp.log(x) * x**c / mp.expm1(x**c),
        ],
        [lambda x, c: -c * x ** (c - 1), lambda x, c: -mp.log(x) * x**c],
        [*ABOVE, 1e100],
    ),
}


@pytest.mark.parametrize("method", ["logcdf", "logsf"])
@pytest.mark.parametrize("name", FAMILIES)
def test_slopes_in_the_tails(name: str, method: str) -> None:
    shapes, by_cdf, by_sf, points = FAMILIES[name]
    function = getattr(getattr(stats, name), method)
    slopes = by_cdf if method == "logcdf" else by_sf
    wrong = []
    with np.errstate(all="ignore"), mp.workdps(60):
        for x in points:
            arguments = (x, *shapes)
            for k, slope in enumerate(slopes):
                right = slope(*map(mp.mpf, arguments))
                if abs(right) < 1e-305:
                    continue
                got = float(grad(function, k)(*arguments))
                # In the far tail log(x) / s is squared: its rounding counts as often.
                if not abs(got - right) <= 2e-12 * abs(right):
                    wrong.append((method, k, x, got, mp.nstr(right, 17)))
    assert not wrong, wrong[:5]
