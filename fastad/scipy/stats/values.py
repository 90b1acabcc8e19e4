"""Values of SciPy's distributions by SciPy's own formulas, as formulas that the core runs.

A method of a distribution checks its arguments, finds which elements are inside the support, takes
these out, calls its formula (`_logpdf`) and puts the results in place: some thirty calls of NumPy.
Where all arguments are right and all elements inside, the formula's value is the method's. Those
are the conditions under which it is noted here; elsewhere the method itself is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as onp
from scipy.stats import rv_continuous, rv_discrete

from ..._impl.formulas import Formula, Symbol, formulas
from ..registry import Array, all_hold
from .formulas import Formulas

BASES = (rv_continuous, rv_discrete)


class Outside(Exception):
    """The method's value is not its formula's."""


def _require(condition: Any) -> None:
    holds = all_hold(condition) if isinstance(condition, Symbol) else onp.all(condition)
    if not holds:
        raise Outside


def is_symbolic(values: Sequence[Any]) -> bool:
    """Tell whether a formula is being written down."""
    return any(isinstance(value, Symbol) for value in values)


class Values:
    """The methods of one distribution, on symbols.

    Parameters
    ----------
    distribution : scipy.stats distribution
        One whose methods are those of SciPy's base classes has formulas.
    """

    def __init__(self, distribution: Any) -> None:
        self.distribution = distribution
        self.formulas = Formulas(distribution, values=True)
        self.continuous = isinstance(distribution, rv_continuous)

    def has(self, name: str) -> bool:
        """Tell whether a method is SciPy's general one, around the formula of its name."""
        method = getattr(type(self.distribution), name)
        return any(getattr(base, name, None) is method for base in BASES)

    def written(self, name: str, count: int) -> tuple[tuple[Formula, ...], bool]:
        """Return the formulas of a method with so many arguments, and whether they are all."""
        if not self.has(name):
            return (), False
        return formulas(lambda ans, *args: self(name, *args), count, "d")

    def __call__(self, name: str, x: Array, *args: Array) -> Array:
        """Return the method's value, if it is the formula's; else raise."""
        count = 2 if self.continuous else 1
        shapes = args[: len(args) - count]
        loc, scale = args[-2:] if self.continuous else (args[-1], 1.0)
        if self.continuous:
            _require(scale > 0)
        self._check(shapes)
        low, high = self.formulas._get_support(*shapes)
        if name in ("ppf", "isf"):
            _require(x > 0)
            _require(x < 1)
            _require(loc == loc)
            # SciPy computes the ends too, which may warn of an infinite loc or scale.
            onp.add((low if self.continuous else low - 1) * scale, loc)
            onp.add(high * scale, loc)
            return self.formulas.__getattr__("_" + name)(x, *shapes) * scale + loc
        z = (x - loc) / scale if self.continuous else x - loc
        self._require_inside(name, z, low, high, shapes)
        value = self.formulas.__getattr__("_" + name)(z, *shapes)
        if self.continuous:
            if name == "logpdf":
                return value - onp.log(scale)
            return value / scale if name == "pdf" else value
        return value if name.startswith("log") else onp.clip(value, 0, 1)

    def _check(self, shapes: Sequence[Array]) -> None:
        check = type(self.distribution)._argcheck
        if any(getattr(base, "_argcheck", None) is check for base in BASES):
            for shape in shapes:
                _require(shape > 0)
        else:
            _require(self.formulas._argcheck(*shapes))

    def _require_inside(
        self, name: str, z: Array, low: Any, high: Any, shapes: Sequence[Array]
    ) -> None:
        if name.endswith(("pdf", "pmf")):
            _require(low <= z)
            _require(z <= high)
            if not self.continuous:
                _require(self.formulas._nonzero(z, *shapes))
        elif self.continuous:
            _require(low < z)
            _require(z < high)
        else:
            _require(low <= z)
            _require(z < high)
            _require(onp.isfinite(z))
