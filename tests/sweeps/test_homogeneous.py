"""Arguments scaled by 2^-1000 ... 2^1000, for every homogeneous operation of NumPy's and SciPy's.

Of f(s x) = s^d f(x) the derivative is s^(d - 1) f'(x), also where the values, or the powers in
them, over- or underflow. Which operations are homogeneous, by which arguments and of which degree,
is found by trying.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import scipy
from calls_scipy import CALLS, SLOW
from cases import DIFFERENTIABLE, cases_of, directions, flat, is_leaf, jvp, vjp

DEGREES = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0)

# Where the values at the scaled point are not those of the function.
UNREACHED = {
    "average": "NumPy's products of values and weights over- and underflow, and the rule has them",
    "corrcoef": "NumPy's covariances underflow, and it cuts what is left to -1 ... 1",
    "polydiv": "NumPy cuts remainders that are small",
    "polyfit": "fourth powers of the weights in the slope of the covariance matrix",
    "real_if_close": "it is another function where imaginary parts are small",
    "optimize.linprog": "the solver's tolerances are of the size of one",
    "interpolate.CubicSpline": "SciPy's coefficients are heights over cubes of distances",
    "interpolate.PchipInterpolator": "as for CubicSpline",
}
if tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 17):
    UNREACHED["stats.t.median"] = "this SciPy's is not that of a symmetric distribution"


def calls() -> dict[str, list[tuple[str, Callable[..., Any], list[Any]]]]:
    found: dict[str, list[tuple[str, Callable[..., Any], list[Any]]]] = {
        name: [(str(case), case.fastad, case.leaves) for case in cases_of(name) if case.leaves]
        for name in DIFFERENTIABLE
    }
    for name, call in CALLS.items():
        if name in SLOW:
            continue

        def function(*leaves: Any, call: Any = call) -> list[Any]:
            return [one for one in flat(call.function(*leaves)) if is_leaf(one)]

        found[name] = [(name, function, call.leaves)]
    return {name: them for name, them in found.items() if name.split(" ")[0] not in UNREACHED}


def scaled(leaves: list[Any], chosen: tuple[int, ...], size: float) -> list[Any]:
    return [leaf * size if i in chosen else leaf for i, leaf in enumerate(leaves)]


def outputs(function: Callable[..., Any], leaves: list[Any]) -> list[Any] | None:
    """Floating results without zeros; None where there are none."""
    try:
        found = [np.asarray(one) for one in function(*leaves)]
    except Exception:  # of arguments that are none of the function's
        return None
    good = all(one.dtype.kind in "fc" and np.all(np.isfinite(one) & (one != 0)) for one in found)
    return found if found and good else None


def like(got: Any, expected: Any, rtol: float) -> bool:
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape:
        return False
    finite = np.isfinite(expected)
    if not np.array_equal(np.isfinite(got), finite):
        return False
    limit = np.max(np.abs(expected[finite]), initial=0.0)
    return bool(np.all(np.abs(got[finite] - expected[finite]) <= rtol * limit))


def degree(function: Callable[..., Any], leaves: list[Any], chosen: tuple[int, ...]) -> Any:
    """The one degree of all results; None if there is none."""
    base = outputs(function, leaves)
    moved = {size: outputs(function, scaled(leaves, chosen, size)) for size in (2.0, 0.25)}
    if base is None or None in moved.values():
        return None
    for d in DEGREES:
        if all(
            like(one, other * size**d, 1e-15)
            for size, found in moved.items()
            for one, other in zip(found, base, strict=True)
        ):
            return d
    return None


def same_function(function: Any, leaves: list[Any], there: list[Any], by: float) -> bool:
    """Whether values there are what they should be, or over- or underflow."""
    try:
        pairs = list(zip(function(*there), function(*leaves), strict=True))
    except Exception:
        return False
    return all(
        like(one, other * by, 1e-9) or not np.any(one) or np.all(np.isinf(one))
        for one, other in pairs
    )


def groups(count: int) -> Iterator[tuple[int, ...]]:
    yield tuple(range(count))
    if count > 1:
        yield from ((i,) for i in range(count))


TABLE = calls()


@pytest.mark.parametrize("name", TABLE)
def test_derivatives_are_homogeneous(name: str) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for text, function, given in TABLE[name]:
            kind = [complex if np.iscomplexobj(leaf) else float for leaf in given]
            leaves = [np.asarray(leaf, dtype) for leaf, dtype in zip(given, kind)]
            for chosen in groups(len(leaves)):
                d = degree(function, leaves, chosen)
                if d is not None:
                    compare(text, function, leaves, chosen, d)


def compare(text: str, function: Any, leaves: list[Any], chosen: Any, d: float) -> None:
    g = directions(function(*leaves), 1)
    tangents = scaled(directions(leaves, 2), tuple({*range(len(leaves))} - {*chosen}), 0.0)
    try:
        back, forward = vjp(function, leaves, g), jvp(function, leaves, tangents)
    except NotImplementedError:  # by an argument that is refused
        return
    for k in (-1000, -500, 500, 1000) if d == 1 else (-300, 300):
        there = scaled(leaves, chosen, 2.0**k)
        if not same_function(
            function, leaves, there, 2.0 ** (k * d) if abs(k * d) <= 1000 else 0.0
        ):
            continue
        by = 2.0 ** (k * (d - 1))
        for i, (one, other) in enumerate(zip(vjp(function, there, g), back)):
            if i in chosen:
                assert like(one, other * by, 1e-9), f"{text}: {chosen} by 2^{k}, of {i}"
        for one, other in zip(jvp(function, there, tangents), forward):
            assert like(one, other * by, 1e-9), f"{text}: {chosen} by 2^{k}, forward"
    if d == 1.0:
        twice = lambda at: jvp(lambda *x: vjp(function, x, g), at, tangents)
        unit = twice(leaves)
        for k in (-300, 300):
            there = scaled(leaves, chosen, 2.0**k)
            if same_function(function, leaves, there, 2.0**k):
                for i, (one, other) in enumerate(zip(twice(there), unit)):
                    if i in chosen:
                        assert like(one, other * 2.0**-k, 1e-8), f"{text}: {chosen} by 2^{k}, twice"
