"""Student's t distribution.

`pdf(x, df, loc=0, scale=1) =
(1 + z**2 / df) ** (-(df + 1) / 2) / (sqrt(df) * beta(0.5, df / 2) * scale)`
with `z = (x - loc) / scale`.
The methods are SciPy's, and differentiable by each of their arguments.

Examples
--------
>>> from fastad import grad
>>> from fastad.scipy.stats import t
>>> round(float(grad(t.logpdf)(0.25, 4.0)), 6)
-0.307692
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as onp
import scipy.special
from scipy.stats import t as _t

from ... import numpy as np
from ..registry import Array, all_hold, attach_partials, helper, is_traced, primal
from ..special.remainders import t_entropy
from ..special.student import (
    SMALL,
    student_gain,
    student_gap,
    student_score,
    student_score_by_t,
    student_shape,
    student_spacing,
)
from .continuous import Continuous

LARGE = 1e300  # of squares: beyond it SciPy's arithmetic overflows, and has no derivative
NUMBERS = (float, int, onp.float64)


@functools.lru_cache(maxsize=64)
def _constant(df: float) -> Any:
    return onp.log(scipy.special.poch(0.5 * df, 0.5)) - 0.5 * (onp.log(df) + onp.log(onp.pi))


@helper
def _traced_constant(df: Any) -> Any:
    return _constant(float(df))


attach_partials(_traced_constant, lambda ans, df: student_gap(0, df) / 2)


def _log_density(z: Array, df: Any) -> Array | None:
    """SciPy's arithmetic for a finite df that is a number.

    One that derivatives are asked by must be small: the terms of a large one cancel.
    """
    plain = primal(df)
    traced = plain is not df
    if type(plain) not in NUMBERS or not 0 < plain < (SMALL if traced else onp.inf):
        return None
    square = z * z
    if is_traced(z, df) and not all_hold(square < LARGE):
        return None
    constant = _traced_constant(df) if traced else _constant(float(plain))
    return constant - (df + 1) / 2 * np.log1p(square / df)


family = Continuous(
    _t,
    lambda z, df: (lambda: student_score_by_t(df, z), lambda: student_score(1, df, z)),
    lambda z, df: (student_shape(1, df, z),),
    log_density=_log_density,
    moments=lambda df: (0.0, df / (df - 2)),
    entropy=t_entropy,
    quantiles=lambda z, q, upper, df: (
        lambda: (-1 if upper else 1) * student_spacing(df, z),
        lambda: -student_gain(1, df, z),
    ),
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
