"""The table of `scipy.special`, and access to its differentiable functions from rules."""

from __future__ import annotations

from typing import Any

import scipy.special

from ..registry import Namespace

space = Namespace(scipy.special, "fastad.scipy.special")


class Functions:
    """Attribute access to the table (`sp.erf`), so that a rule reads like SciPy code.

    Rules look functions up when they run; the order in which files register does not matter.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            found = space.entries[name]
        except KeyError:
            raise AttributeError(f"fastad.scipy.special has no rule for {name!r}") from None
        setattr(self, name, found)
        return found


sp = Functions()
