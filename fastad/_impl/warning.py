"""Warnings at the user's line: the one outside fastad and NumPy that led here."""

from __future__ import annotations

import os
import sys
import warnings

import numpy as np

__all__ = ["INNER_FOLDERS", "warn_independent", "warn_user"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
# What debug modes and warnings call the user's line lies outside these.
INNER_FOLDERS = (_PACKAGE, os.path.dirname(os.path.abspath(np.__file__)) + os.sep)


def warn_user(text: str) -> None:
    """Warn at the line outside fastad that led here."""
    depth = 2
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        depth += 1
    warnings.warn(text, UserWarning, stacklevel=depth)


def warn_independent(losses: str = "") -> None:
    """Warn that nothing connects the result with the argument.

    Parameters
    ----------
    losses : str
        Where the trace was given up, if a tape knows.
    """
    lost = f" The traced value became a plain one here: {losses}." if losses else ""
    warn_user("Output seems independent of input." + lost)
