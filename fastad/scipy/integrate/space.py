"""The table of `scipy.integrate`."""

from __future__ import annotations

import scipy.integrate

from ..registry import Namespace

space = Namespace(scipy.integrate, "fastad.scipy.integrate")
