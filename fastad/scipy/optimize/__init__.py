"""`scipy.optimize`: roots, fixed points and minima, differentiable by what the function depends on.

A solution of F(x, p) = 0 changes with p as dx = -J^-1 dF, where J is the Jacobian by x at the
solution; the steps that led to it do not matter, and neither does where they began.
"""

from __future__ import annotations

from typing import Any

import scipy

from . import examples, fits, minima, named, roots
from .space import space

space.fill(globals())
