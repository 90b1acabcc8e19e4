"""The programs that are measured, each written once for any namespace with NumPy's names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["WORKLOADS", "Workload", "enter", "load"]

Build = Callable[[Any], Callable[..., Any]]


@dataclass(frozen=True)
class Workload:
    """One program at one size.

    Attributes
    ----------
    name : str
    group : str
        Which file it stands in: `numbers`, `arrays`, `learning`, `adbench`, `hand`,
        `science`, `upstream`.
    build : callable
        `build(np)` gives the function, written with the names of `np`.
    make : callable
        Makes its arguments.
    what : str
        `gradient` (with the value), `hessian`, `jacobian` as the package makes it, by its `columns`
        or its `rows`, `hvp` (the last argument is the vector), `per-sample` (gradients, one for
        each row of the other arguments), `minimize` (a whole run of L-BFGS), or `derivative6`,
        the sixth of a function of elements.
    argnum : int or tuple of int
        By which arguments it is differentiated.
    family, n : str, int
        Of workloads that differ in size alone, for the plot of time against n.
    quick : bool
        Part of `--quick`.
    target : float, optional
        What fastad's time over that of the plain evaluation should not exceed, eager.
    hand : callable, optional
        Value and gradient written by hand with NumPy, of the same arguments.
    skip : dict
        Peers that are left out, with the reason.
    """

    name: str
    group: str
    build: Build
    make: Callable[[], tuple[Any, ...]]
    what: str = "gradient"
    argnum: int | tuple[int, ...] = 0
    family: str = ""
    n: int = 0
    quick: bool = True
    target: float | None = None
    hand: Callable[..., Any] | None = None
    skip: dict[str, str] = field(default_factory=dict)


WORKLOADS: dict[str, Workload] = {}


def enter(workload: Workload) -> None:
    """Put a workload into the list that names are picked from."""
    WORKLOADS[workload.name] = workload


def load() -> dict[str, Workload]:
    """All workloads by name."""
    from . import (  # noqa: F401 (they enter theirs)
        adbench,
        arrays,
        hand,
        learning,
        numbers,
        science,
        upstream,
    )

    return WORKLOADS
