"""`scipy.special`: every smooth function with VJP and JVP; the rest refuses traced values."""

from __future__ import annotations

from typing import Any

import scipy

from . import (
    bessel,
    carlson,
    counts,
    cumulative,
    elementary,
    error,
    gammas,
    hypergeometric,
    incomplete,
    integrals,
    inverses,
    kelvin,
    polynomials,
    reductions,
)
from .space import space

space.fill(globals())
