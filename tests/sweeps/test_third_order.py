"""Third derivatives by modes nested in every order, of NumPy's and SciPy's operations: they agree.

One case of each operation: the third derivative of a weighed sum of its results along three
directions, by forward mode three times, and with reverse mode inside, in the middle, outside.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as onp
import pytest
from calls_scipy import EVERY, every_case
from cases import Case, directions, jvp, vjp

import fastad.numpy as np

# The solvers' own tolerances are wider than what is compared.
SOLVERS = ("optimize.", "integrate.quad", "integrate.odeint", "integrate.solve_ivp")
NESTINGS = ("FFF", "RFR", "FRF", "RRR")


def wide(values: list[Any]) -> bool:
    return all(onp.asarray(value).dtype.char in "dD" for value in values)


def usable(name: str) -> Case | None:
    with onp.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in every_case(name):
            if case.leaves and wide(case.leaves) and all(map(onp.size, case.leaves)):
                outputs = case.fastad(*case.leaves)
                if outputs and wide(outputs):
                    return case
    return None


def weighed(values: Any, weights: Any) -> Any:
    return sum(np.sum(np.real(np.asarray(x) * w)) for x, w in zip(values, weights))


def derived(mode: str, function: Callable[..., Any], along: Any) -> Callable[..., Any]:
    """The derivative along tangents of a function with one number in a list."""
    if mode == "F":
        return lambda *x: jvp(function, x, along)
    return lambda *x: [weighed(vjp(function, x, [1.0]), along)]


CASES = {name: case for name in EVERY if not name.startswith(SOLVERS) and (case := usable(name))}


@pytest.mark.parametrize("name", CASES)
def test_third_derivatives_agree(name: str) -> None:
    case = CASES[name]
    leaves = case.leaves
    found = []
    with onp.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weights = directions(case.fastad(*leaves), 1)
        for nesting in NESTINGS:
            function: Any = lambda *x: [weighed(case.fastad(*x), weights)]
            for mode, seed in zip(nesting, (2, 3, 4)):
                function = derived(mode, function, directions(leaves, seed))
            found.append(float(onp.asarray(function(*leaves)[0])))
    assert onp.all(onp.isfinite(found)) or onp.all(onp.isnan(found)), (str(case), found)
    scale = max(1e-3, *map(abs, found))
    assert max(found) - min(found) <= 1e-7 * scale or onp.isnan(scale), (str(case), found)
