"""`scipy.signal`: convolutions, filters, rates, spectra; the rest refuses traced values."""

from __future__ import annotations

from typing import Any

import scipy

from . import convolutions, filters, resampling, short_time, spectra, zero_phase
from .space import space

space.fill(globals())
