"""`scipy.interpolate`: piecewise cubics and splines, by places, values and where they are asked."""

from __future__ import annotations

from typing import Any

import scipy

from . import cubics, fitted, grids, scattered, splines
from .space import space

space.fill(globals())
