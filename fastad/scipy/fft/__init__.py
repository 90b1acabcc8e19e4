"""`scipy.fft`: Fourier, cosine and sine transforms; the rest refuses traced values."""

from __future__ import annotations

from typing import Any

import scipy

from . import fourier, trigonometric
from .space import space

space.fill(globals())
