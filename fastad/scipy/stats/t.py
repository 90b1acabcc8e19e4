"""Student's t distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import t as _t

from ... import numpy as np
from ..registry import Array
from ..special.space import sp
from ..special.student import student_score, student_score_by_t, student_shape
from .family import Continuous


def _entropy(df: Array) -> Array:
    slope = sp.psi((df + 1) / 2) - sp.psi(df / 2)
    return (df + 1) / 2 * slope + np.log(df) / 2 + sp.betaln(df / 2, 0.5)


family = Continuous(
    _t,
    lambda z, df: (lambda: student_score_by_t(df, z), lambda: student_score(1, df, z)),
    lambda z, df: (student_shape(1, df, z),),
    moments=lambda df: (0.0, df / (df - 2)),
    entropy=_entropy,
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
