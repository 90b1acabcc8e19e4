"""The table of `scipy.interpolate`."""

from __future__ import annotations

import scipy.interpolate

from ..registry import Namespace

space = Namespace(scipy.interpolate, "fastad.scipy.interpolate")
