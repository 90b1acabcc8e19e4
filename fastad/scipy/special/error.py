"""The error function, its relatives and inverses, and the normal distribution function."""

from __future__ import annotations

from math import pi, sqrt

from ... import numpy as np
from .space import sp, space

TWO_OVER_ROOT_PI = 2 / sqrt(pi)
HALF_ROOT_PI = sqrt(pi) / 2
ROOT_TWO_PI = sqrt(2 * pi)
ROOT_HALF = sqrt(0.5)

# DLMF 7.2.1-2: erf is 2 / sqrt(pi) times the integral of exp(-t^2).
space.elementwise("erf", lambda ans, x: TWO_OVER_ROOT_PI * np.exp(-(x * x)))
space.elementwise("erfc", lambda ans, x: -TWO_OVER_ROOT_PI * np.exp(-(x * x)))
space.elementwise("erfinv", lambda ans, x: HALF_ROOT_PI * np.exp(ans * ans))
space.elementwise("erfcinv", lambda ans, x: -HALF_ROOT_PI * np.exp(ans * ans))
# erfcx(x) = exp(x^2) erfc(x); erfi(x) = -i erf(i x); DLMF 7.2.5 for Dawson's integral.
space.elementwise("erfcx", lambda ans, x: 2 * x * ans - TWO_OVER_ROOT_PI)
space.elementwise("erfi", lambda ans, x: TWO_OVER_ROOT_PI * np.exp(x * x))
space.elementwise("dawsn", lambda ans, x: 1 - 2 * x * ans)
# DLMF 7.10.2.
space.elementwise("wofz", lambda ans, z: 2j / sqrt(pi) - 2 * z * ans)

space.elementwise("ndtr", lambda ans, x: np.exp(-0.5 * (x * x)) / ROOT_TWO_PI)
# The ratio of density and distribution function, which exp(x^2 / 2) scales: exact in both tails.
space.elementwise("log_ndtr", lambda ans, x: sqrt(2 / pi) / sp.erfcx(-ROOT_HALF * x))
space.elementwise("ndtri", lambda ans, p: ROOT_TWO_PI * np.exp(0.5 * (ans * ans)))
space.elementwise("ndtri_exp", lambda ans, y: sqrt(pi / 2) * sp.erfcx(-ROOT_HALF * ans))

# T(h, a) = 1 / (2 pi) * integral of exp(-h^2 (1 + t^2) / 2) / (1 + t^2) over 0 < t < a (Owen 1956).
space.elementwise(
    "owens_t",
    lambda ans, h, a: -np.exp(-0.5 * (h * h)) * sp.erf(ROOT_HALF * a * h) / (2 * ROOT_TWO_PI),
    lambda ans, h, a: np.exp(-0.5 * (h * h) * (1 + a * a)) / (2 * pi * (1 + a * a)),
)
