"""Array creation: conversions of traced values, and ranges."""

from . import conversions, ranges
