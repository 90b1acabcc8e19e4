"""`scipy.ndimage`: filters and interpolation of images; the rest refuses traced values."""

from __future__ import annotations

from typing import Any

import scipy

from . import filters, measurements, morphology, places, ranks
from .space import space

space.fill(globals())
