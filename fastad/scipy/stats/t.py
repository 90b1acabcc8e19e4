"""Student's t distribution."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as onp
import scipy.special
from scipy.stats import t as _t

from ... import numpy as np
from ..registry import Array
from ..special.space import sp
from ..special.student import student_score, student_score_by_t, student_shape
from .continuous import Continuous


def _entropy(df: Array) -> Array:
    slope = sp.psi((df + 1) / 2) - sp.psi(df / 2)
    return (df + 1) / 2 * slope + np.log(df) / 2 + sp.betaln(df / 2, 0.5)


LARGE = 1e150  # whose square overflows, or not much more


@functools.lru_cache(maxsize=64)
def _constant(df: float) -> Any:
    return onp.log(scipy.special.poch(0.5 * df, 0.5)) - 0.5 * (onp.log(df) + onp.log(onp.pi))


def _log_density(z: Array, df: Any) -> Array | None:
    """SciPy's arithmetic for a constant, finite df that is a number."""
    if type(df) not in (float, int, onp.float64) or not 0 < df < onp.inf:
        return None
    if not np.all(np.abs(z) < LARGE):
        return None
    return _constant(float(df)) - (df + 1) / 2 * np.log1p(z * z / df)


family = Continuous(
    _t,
    lambda z, df: (lambda: student_score_by_t(df, z), lambda: student_score(1, df, z)),
    lambda z, df: (student_shape(1, df, z),),
    log_density=_log_density,
    moments=lambda df: (0.0, df / (df - 2)),
    entropy=_entropy,
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
