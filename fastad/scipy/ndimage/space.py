"""The table of `scipy.ndimage`."""

from __future__ import annotations

import scipy.ndimage

from ..registry import Namespace

space = Namespace(scipy.ndimage, "fastad.scipy.ndimage")
