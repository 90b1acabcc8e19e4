"""`scipy.integrate`: initial value problems, quadrature and sums over samples, differentiable."""

from __future__ import annotations

from typing import Any

import scipy

from . import initial_values, quadrature, samples
from .space import space

space.fill(globals())
