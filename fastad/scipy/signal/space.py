"""The table of `scipy.signal`."""

from __future__ import annotations

import scipy.signal

from ..registry import Namespace

space = Namespace(scipy.signal, "fastad.scipy.signal")
