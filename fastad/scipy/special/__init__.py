"""`scipy.special`: every smooth function with VJP and JVP; the rest refuses traced values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import bessel, cumulative, elementary, error, gammas, incomplete, integrals, reductions
from .space import space

space.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
