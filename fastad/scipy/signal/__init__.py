"""`scipy.signal`: convolutions and linear filters; the rest refuses traced values."""

from __future__ import annotations

from typing import Any

import scipy

from . import convolutions, filters
from .space import space

space.fill(globals())
