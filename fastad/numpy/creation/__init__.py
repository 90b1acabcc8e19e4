"""Array creation: conversions of traced values, and ranges."""
