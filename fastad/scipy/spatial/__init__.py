"""`scipy.spatial`: distances between points; the rest refuses traced values."""

from __future__ import annotations

from typing import Any

import scipy

from . import distance
from .space import space

space.fill(globals())
