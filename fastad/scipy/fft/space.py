"""The table of `scipy.fft`."""

from __future__ import annotations

import scipy.fft

from ..registry import Namespace

space = Namespace(scipy.fft, "fastad.scipy.fft")
