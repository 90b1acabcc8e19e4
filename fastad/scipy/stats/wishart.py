"""The Wishart distribution: pdf and logpdf, by the matrix, the degrees of freedom and the scale."""

from __future__ import annotations

import sys
from math import log
from typing import TYPE_CHECKING, Any

from scipy.stats import wishart as _wishart

from ... import numpy as np
from ..registry import Around, Array, Namespace, as_float, helper, printed, shape_of
from ..special.space import sp
from .frozen import Frozen, make_callable
from .multivariate_normal import symmetric

space = Namespace(_wishart, "fastad.scipy.stats.wishart")


def _mean_of_triangles(x: Array) -> Array:
    return (x + np.swapaxes(x, -1, -2)) / 2


def _logarithm(ans: Array, held: Any, x: Array, df: Array, scale: Array) -> Array:
    """Of the density of x, a positive definite matrix or a stack of them along the last axis."""
    n = shape_of(scale)[0]
    if len(shape_of(x)) == 3:
        x = np.moveaxis(x, -1, 0)
    # SciPy factors the lower triangles, and takes the trace with the whole of x.
    scale = _mean_of_triangles(symmetric(scale))
    size = np.linalg.slogdet(_mean_of_triangles(symmetric(x)))[1]
    trace = np.trace(np.linalg.solve(scale, _mean_of_triangles(x)), axis1=-2, axis2=-1)
    norm = df / 2 * (n * log(2) + np.linalg.slogdet(scale)[1]) + sp.multigammaln(df / 2, n)
    return np.reshape((df - n - 1) / 2 * size - trace / 2 - norm, shape_of(ans))


log_value = helper(lambda x, df, scale: _wishart.logpdf(x, float(df), scale), Around(_logarithm))
value = helper(
    lambda x, df, scale: _wishart.pdf(x, float(df), scale),
    Around(
        lambda ans, held, *args: (
            ans * (1 + _logarithm(ans, held, *args) - _logarithm(ans, held, *held))
        )
    ),
)


def _enter(name: str, recorded: Any) -> None:
    def traced(x: Any, df: Any, scale: Any) -> Array:
        x, df, scale = as_float(x), as_float(df), as_float(scale)
        if scale.ndim == 0:
            scale = np.reshape(scale, (1, 1))
        elif scale.ndim == 1:
            scale = np.diag(scale)
        n = shape_of(scale)[0]
        if x.ndim < 2:
            # SciPy takes a vector for the diagonal, of many numbers where the scale is one.
            x = np.reshape(x, (1, 1, -1)) if n == 1 else np.diag(x) if x.ndim else x * np.eye(n)
        if x.ndim != 2 and x.ndim != 3:
            getattr(_wishart, name)(printed(x), printed(df), printed(scale))  # raises
        return recorded(x, df, scale)

    traced.__doc__ = "The density or its logarithm, by all arguments."
    space.composite(name)(traced)


_enter("logpdf", log_value)
_enter("pdf", value)


def freeze(*args: Any, **kwds: Any) -> Frozen:
    """Fix degrees of freedom and scale."""
    return Frozen(_wishart, _methods, _bind, args, kwds)


def _bind(name: str, args: Any, kwds: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    return args[:2], {key: value for key, value in kwds.items() if key in ("df", "scale")}


_methods = dict(space.entries)

for _name in ("rvs", "mean", "mode", "var", "entropy"):
    if hasattr(_wishart, _name):
        space.rule(_name)

globals().update(space.entries, __all__=sorted(space.entries))
make_callable(sys.modules[__name__], freeze)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
