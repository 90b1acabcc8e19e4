"""The multivariate t distribution: pdf and logpdf, by point, location, shape matrix and df."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as onp
import scipy.special
from scipy.stats import multivariate_t as _mvt

from ... import numpy as np
from ..registry import (
    Around,
    Array,
    Namespace,
    as_float,
    attach_partials,
    helper,
    primal,
    shape_of,
)
from ..special.student import student_curve, student_gap
from . import multivariate_normal
from .frozen import Frozen, make_callable
from .multivariate_normal import rows, spread, symmetric, vector_and_matrix

space = Namespace(_mvt, "fastad.scipy.stats.multivariate_t")


@helper
def _scale(df: Any, n: int) -> Any:
    """Logarithm of gamma((df + n) / 2) / (gamma(df / 2) (df / 2)^(n / 2))."""
    return onp.log(scipy.special.poch(df / 2, n / 2)) - n / 2 * onp.log(df / 2)


def _gap(df: Array, n: int) -> Array:
    """psi((df + n) / 2) - psi(df / 2) - n / df, in terms that are all of its order."""
    first = n % 2
    steps = sum(j / (df * (df + j)) for j in range(first, n, 2))
    return (student_gap(0, df) if first else 0.0) - 2 * steps


attach_partials(_scale, lambda ans, df, n: _gap(df, n) / 2, None)


@helper
def _curve(q: Any, size: Any) -> Any:
    """log(1 + c) - c / (1 + c) for c = q size^2."""
    with onp.errstate(all="ignore"):
        rest = 1 / size / size
        far = 2 * onp.log(size) + onp.log(q + rest) - q / (q + rest)
        return onp.where(size > 1, far, student_curve(q))


attach_partials(
    _curve, lambda ans, q, size: q / (1 / size / size + q) / (1 / size / size + q), None
)


@helper
def _power(distance: Any, df: Any, size: Any, n: int) -> Any:
    """(df + n) / 2 log(1 + distance size^2 / df)."""
    q = distance / df
    with onp.errstate(all="ignore"):
        far = 2 * onp.log(size) + onp.log(q + 1 / size / size)
        return (df + n) / 2 * onp.where(size > 1, far, onp.log1p(q))


def _share(distance: Array, df: Array, size: Any) -> Array:
    """size^2 / (df + distance size^2)."""
    return 1 / (df / size / size + distance)


attach_partials(
    _power,
    lambda ans, distance, df, size, n: (df + n) / 2 * _share(distance, df, size),
    lambda ans, distance, df, size, n: (
        (_curve(distance / df, size) - n * distance * _share(distance, df, size) / df) / 2
    ),
    None,
    None,
)


def _logarithm(ans: Array, held: Any, x: Array, loc: Array, shape: Array, df: Array) -> Array:
    """Of the density, from a symmetric shape matrix."""
    n = shape_of(loc)[0]
    shape = symmetric(shape)
    precision = np.linalg.inv((shape + np.transpose(shape)) / 2)
    away = rows(x, n) - loc
    weight = onp.sqrt(onp.max(onp.abs(primal(precision)), initial=0.0))
    with onp.errstate(all="ignore"):
        size = onp.max(onp.abs(primal(away)), axis=-1, keepdims=True, initial=0.0) * weight
    far = onp.finfo(size.dtype).max ** 0.3  # from here on squares of the quotients are taken
    size = onp.where((size > far) & onp.isfinite(size), size, 1.0)
    away = away / size
    distance = np.sum(np.matmul(away, precision) * away, axis=-1)
    volume = np.linalg.slogdet(precision)[1] / 2
    value = _scale(df, n) + volume - _power(distance, df, size[..., 0], n)
    return np.reshape(value, shape_of(ans))


_df: Any = float  # SciPy's annotation says int, and any positive number will do
log_value = helper(
    lambda x, loc, shape, df: _mvt.logpdf(x, loc, shape, _df(df)), Around(_logarithm)
)
value = helper(
    lambda x, loc, shape, df: _mvt.pdf(x, loc, shape, _df(df)),
    Around(
        lambda ans, held, *args: (
            ans * (1 + _logarithm(ans, held, *args) - _logarithm(ans, held, *held))
        )
    ),
)


def _enter(name: str, recorded: Any) -> None:
    function = getattr(_mvt, name)

    def traced(
        x: Any, loc: Any = None, shape: Any = 1, df: Any = 1, allow_singular: bool = False
    ) -> Array:
        given = x, loc, shape, df
        if allow_singular:
            raise NotImplementedError(
                f"scipy.stats.multivariate_t.{name}: allow_singular=True has no derivative rule in "
                "fastad"
            )
        x, df = as_float(x), as_float(df)
        loc, shape = vector_and_matrix(loc, shape, given, function)
        if onp.isposinf(primal(df)):
            return getattr(multivariate_normal, name)(x, loc, shape)
        return recorded(spread(x, shape_of(loc)[0]), loc, shape, df)

    traced.__doc__ = "The density or its logarithm, by all arguments."
    space.composite(name)(traced)


_enter("logpdf", log_value)
_enter("pdf", value)


def freeze(*args: Any, **kwds: Any) -> Frozen:
    """Fix location, shape matrix and df."""
    return Frozen(_mvt, _methods, _bind, args, kwds)


def _bind(name: str, args: Any, kwds: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    given = {**dict(zip(("loc", "shape", "df", "allow_singular"), args)), **kwds}
    return (), {key: value for key, value in given.items() if key != "seed"}


_methods = dict(space.entries)

for _name in ("cdf", "rvs", "entropy", "marginal"):
    if hasattr(_mvt, _name):
        space.rule(_name)

globals().update(space.entries, __all__=sorted(space.entries))
make_callable(sys.modules[__name__], freeze)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
