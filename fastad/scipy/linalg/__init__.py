"""`scipy.linalg`: solvers, factorisations and matrix functions; the rest refuses traced values."""

from __future__ import annotations

from typing import Any

import scipy

from . import (
    banded,
    bases,
    compound,
    decompositions,
    eigen,
    equations,
    factorizations,
    functions,
    perturbation,
    solvers,
    structured,
    triangular,
)
from .space import space

space.fill(globals())
