"""Sorting, selecting and sets."""

from . import selection, sets
