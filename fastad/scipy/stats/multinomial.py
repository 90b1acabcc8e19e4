"""The multinomial distribution, differentiable by p.

`pmf(x, n, p) = gamma(n + 1) * prod(p**x / gamma(x + 1))`, for counts x that add up to n.
`pmf` and `logpmf` are there.

Examples
--------
>>> import numpy as np
>>> from fastad import grad
>>> from fastad.scipy.stats import multinomial
>>> grad(multinomial.logpmf, 2)(np.array([1, 3]), 4, np.array([0.25, 0.75]))
array([4., 4.])
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as onp
from scipy.stats import multinomial as _multinomial

from ... import numpy as np
from ...numpy.registry import is_differentiated
from ..registry import (
    Around,
    Array,
    Namespace,
    as_float,
    as_value,
    helper,
    nowhere,
    primal,
    safe_divide,
)
from .frozen import Frozen, make_callable

space = Namespace(_multinomial, "fastad.scipy.stats.multinomial")


def _slopes(x: Any, p: Array) -> Array:
    """x / p, where x is zero none: SciPy takes the last probability from the others."""
    return safe_divide(as_float(x), p)


def _moved(ans: Array, held: Any, x: Any, n: Any, p: Array) -> Array:
    return ans + np.sum(_slopes(x, held[2]) * (p - held[2]), axis=-1)


def _adjusted(p: Array) -> Array:
    """As SciPy reads probabilities that do not sum to one: the last is what the others leave."""
    off = np.abs(1 - np.sum(primal(p), axis=-1)) > 10 * onp.finfo(p.dtype).eps
    if nowhere(off):
        return p
    last = 1 - np.sum(p[..., :-1], axis=-1, keepdims=True)
    return np.where(np.expand_dims(off, -1), np.concatenate([p[..., :-1], last], axis=-1), p)


log_value = helper(lambda x, n, p: _multinomial.logpmf(x, n, p), Around(_moved))
value = helper(
    lambda x, n, p: _multinomial.pmf(x, n, p),
    Around(lambda ans, held, x, n, p: ans * _moved(1.0, held, x, n, p)),
)


def _enter(name: str, recorded: Any) -> None:
    def traced(x: Any, n: Any, p: Any) -> Array:
        x, n = as_value(x), as_value(n)
        if is_differentiated(x) or is_differentiated(n):
            raise NotImplementedError(
                f"scipy.stats.multinomial.{name}: x and n are whole numbers and have no derivative "
                "rule in fastad"
            )
        return recorded(x, n, _adjusted(as_float(p)))

    traced.__doc__ = "Probability of the counts x, or its logarithm, by the probabilities p."
    space.composite(name)(traced)


_enter("logpmf", log_value)
_enter("pmf", value)


def freeze(*args: Any, **kwds: Any) -> Frozen:
    """Fix n and p."""
    return Frozen(_multinomial, _methods, _bind, args, kwds)


def _bind(name: str, args: Any, kwds: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    return args[:2], {key: value for key, value in kwds.items() if key in ("n", "p")}


_methods = dict(space.entries)

for _name in ("rvs", "mean", "cov", "entropy"):
    if hasattr(_multinomial, _name):
        space.rule(_name)

globals().update(space.entries, __all__=sorted(space.entries))
make_callable(sys.modules[__name__], freeze)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
