"""The multivariate t distribution: pdf and logpdf, by point, location, shape matrix and df."""

from __future__ import annotations

import sys
from math import pi
from typing import TYPE_CHECKING, Any

import numpy as onp
from scipy.stats import multivariate_t as _mvt

from ... import numpy as np
from ..registry import Around, Array, Namespace, as_float, helper, primal, shape_of
from ..special.space import sp
from . import multivariate_normal
from .frozen import Frozen, make_callable
from .multivariate_normal import rows, spread, vector_and_matrix

space = Namespace(_mvt, "fastad.scipy.stats.multivariate_t")


def _logarithm(ans: Array, held: Any, x: Array, loc: Array, shape: Array, df: Array) -> Array:
    """Of the density, from a symmetric shape matrix."""
    n = shape_of(loc)[0]
    shape = (shape + np.transpose(shape)) / 2
    away = rows(x, n) - loc
    distance = np.sum(np.matmul(away, np.linalg.inv(shape)) * away, axis=-1)
    half = (df + n) / 2
    volume = n / 2 * np.log(df * pi) + np.linalg.slogdet(shape)[1] / 2
    value = sp.gammaln(half) - sp.gammaln(df / 2) - volume - half * np.log1p(distance / df)
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
