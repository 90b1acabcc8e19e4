"""Student's t distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import t as _t

from ... import numpy as np
from ..registry import Array
from ..special.cumulative import student_shape
from ..special.space import sp
from .family import Continuous


def _score(z: Array, df: Array) -> tuple[Array, Array]:
    """Of the density (1 + z^2 / df)^(-(df + 1) / 2) / (sqrt(df) B(df / 2, 1 / 2))."""
    square = z * z
    by_df = (
        sp.psi((df + 1) / 2) - sp.psi(df / 2) - np.log1p(square / df) + (square - 1) / (df + square)
    ) / 2
    return -(df + 1) * z / (df + square), by_df


family = Continuous(_t, _score, lambda z, df: (student_shape(df, z),))

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
