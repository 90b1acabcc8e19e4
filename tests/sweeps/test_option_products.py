"""Products of an operation's options, for every operation that has them.

The options are read from NumPy's signature. Each combination gives NumPy's value bit for bit, and
derivatives that belong to it; where NumPy raises, so does fastad; where fastad has no derivative it
says so by name.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import warnings
from typing import Any

import numpy as onp
import pytest
from cases import (
    DIFFERENTIABLE,
    Case,
    cases_of,
    differences,
    directions,
    inner,
    jvp,
    reference,
    vjp,
)

from fastad import _core

MASK = onp.array([[True, False, True], [True, True, False]])
ROW = onp.array([True, False, True])
ABSENT = object()

# What is tried for an option, beside leaving it out. Of `where` and `initial`: on real arrays.
VALUES: dict[str, list[Any]] = {
    "axis": [None, 0, -1, (0, 1), ()],
    "keepdims": [True],
    "initial": [0.7, -onp.inf, onp.float32(1.5)],
    "where": [MASK, ROW, False],
    "dtype": [onp.float32, onp.complex128],
    "order": ["C", "F", "A", "K"],
    "ddof": [1, 0.5],
    "correction": [1],
    "mean": [onp.float64(0.3)],
    "k": [1, -1],
    "offset": [1, -1],
    "norm": [None, "ortho", "forward", "backward", 1, 2, onp.inf],
    "ord": [None, 1, 2, -2, onp.inf, "fro", "nuc", 3, 0.5],
    "mode": ["full", "same", "valid", "raise", "wrap", "clip", "edge", "reflect", "reduced"],
    "method": [
        "linear",
        "lower",
        "midpoint",
        "median_unbiased",
        "weibull",
        "interpolated_inverted_cdf",
    ],
    "include_initial": [True],
    "edge_order": [2],
    "indexing": ["ij"],
    "sparse": [True],
    "endpoint": [False],
    "retstep": [True],
    "full_matrices": [False],
    "compute_uv": [False],
    "hermitian": [True],
    "UPLO": ["U"],
    "upper": [True],
    "returned": [True],
    "increasing": [True],
    "optimize": [True],
    "kind": ["stable"],
    "subok": [True],
    "copy": [True, None],
    "ndmin": [3],
    "n": [4],
    "s": [(2, 2)],
    "axes": [(0, 1), (1, 0)],
    "rowvar": [False],
    "bias": [True],
    "nan": [0.5],
    "unique": [True],
}

# Calls without meaning that some NumPy refuses and fastad answers, or the other way about.
IRRELEVANT = {
    ("reshape", "order"): ["K"],  # read as 'A'
    ("cross", "axis"): [0],  # of vectors of another axis' length: NumPy 2.5 looks
    ("linalg.cross", "axis"): [None],  # NumPy 2.5 takes it
    ("take", "mode"): ["reflect", "reduced"],  # read as 'raise' by NumPy 1
    ("choose", "mode"): ["reflect", "reduced"],
}

# With too many options the product of pairs stands for that of all.
MOST = 600


def options_of(name: str) -> dict[str, list[Any]]:
    """The options of an operation, each with what is tried."""
    function = reference(name)
    if isinstance(function, onp.ufunc):
        return {key: VALUES[key] for key in ("dtype", "order")}
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    return {key: VALUES[key] for key in parameters if key in VALUES}


def meant(name: str, key: str, values: list[Any]) -> list[Any]:
    """The values of an option that mean something to an operation."""
    left_out = IRRELEVANT.get((name, key), [])
    return [x for x in values if not any(x is one for one in left_out)]


def combinations(name: str, taken: set[str]) -> list[dict[str, Any]]:
    """All choices of values for an operation's options; by pairs where there are too many."""
    options = {
        key: [ABSENT, *meant(name, key, values)]
        for key, values in options_of(name).items()
        if key not in taken
    }
    product = [dict(zip(options, chosen)) for chosen in itertools.product(*options.values())]
    if len(product) > MOST:
        product = [
            {a: x, b: y}
            for a, b in itertools.combinations(options, 2)
            for x, y in itertools.product(options[a], options[b])
        ]
    return [{key: x for key, x in chosen.items() if x is not ABSENT} for chosen in product]


def bases(name: str) -> list[Case]:
    """Calls without options: a matrix (2, 3) or what the operation takes, real and complex."""
    plain = [
        case
        for case in cases_of(name)
        if case.leaves
        and not set(case.kwargs) & set(VALUES)
        and all(onp.size(x) for x in case.leaves)
    ]
    matrices = [case for case in plain if onp.shape(case.leaves[0]) == (2, 3)]
    chosen = (matrices or plain)[:1]
    return chosen + [case for case in plain if not case.is_real][:1]


def outcome(call: Any) -> Any:
    """What a call returns, or what it raises."""
    try:
        with onp.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call()
    except Exception as error:
        return error


def fault_of(case: Case) -> str | None:
    """What is wrong with one call."""
    leaves = case.leaves
    expected = outcome(lambda: case.numpy(*copy.deepcopy(leaves)))

    def traced() -> list[Any]:
        with _core.Tape() as tape:
            outputs = case.fastad(*(tape.box(leaf) for leaf in leaves))
            return [copy.deepcopy(_core.getval(one)) for one in outputs]

    found = outcome(traced)
    if isinstance(found, Exception):
        refused = isinstance(found, (TypeError, NotImplementedError)) and "fastad" in str(found)
        if refused or (isinstance(expected, Exception) and type(found) is type(expected)):
            return None
        return f"{type(found).__name__}: {found}; NumPy: {expected!r}"
    if isinstance(expected, Exception):
        return f"NumPy raises {expected!r}"
    for a, b in zip(found, expected, strict=True):
        if not isinstance(b, (onp.ndarray, onp.generic)):
            continue
        if type(a) is not type(b) or a.dtype != b.dtype or a.shape != b.shape:
            kinds = [f"{type(x).__name__} {x.dtype} {x.shape}" for x in (a, b)]
            return f"{kinds[0]}; NumPy: {kinds[1]}"
        if not onp.array_equal(a, b, equal_nan=b.dtype.kind in "fc"):
            return f"the value is {a!r}; NumPy: {b!r}"
    return _wrong_derivative(case, leaves, expected)


def _wrong_derivative(case: Case, leaves: list[Any], expected: list[Any]) -> str | None:
    kinds = [onp.asarray(one) for one in expected]
    if not all(one.dtype.kind in "fc" and onp.all(onp.isfinite(one)) for one in kinds):
        return None
    coarse = any(one.dtype.itemsize // (2 if one.dtype.kind == "c" else 1) < 8 for one in kinds)
    g, t = directions(expected, 1), directions(leaves, 2)
    with onp.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        back = outcome(lambda: vjp(case.fastad, leaves, g))
        along = outcome(lambda: jvp(case.fastad, leaves, t))
        for found in (back, along):
            if isinstance(found, Exception):
                refused = "fastad" in str(found)
                return None if refused else f"{type(found).__name__}: {found}"
        if not onp.isclose(
            inner(back, t), inner(g, along), rtol=1e-4 if coarse else 1e-9, atol=1e-6
        ):
            return f"reverse mode gives {inner(back, t)}, forward mode {inner(g, along)}"
        if coarse:
            return None
        numeric = differences(case.numpy, leaves, t)
    if not onp.isclose(inner(g, along), inner(g, numeric), rtol=1e-6, atol=1e-7):
        return f"forward mode gives {inner(g, along)}, differences {inner(g, numeric)}"
    return None


def calls_of(name: str) -> list[Case]:
    """The calls of an operation with all combinations of its options."""
    made = []
    for case in bases(name):
        for options in combinations(name, positional(name, len(case.args))):
            if not case.is_real and options.get("dtype") is onp.float32:
                continue  # the imaginary part would be dropped, or NumPy refuses
            made.append(Case(name, case.args, {**case.kwargs, **options}))
    return made


def positional(name: str, count: int) -> set[str]:
    """The names of the parameters that a call gives by place."""
    try:
        return set(list(inspect.signature(reference(name)).parameters)[:count])
    except (TypeError, ValueError):
        return set()


WITH_OPTIONS = [name for name in DIFFERENTIABLE if options_of(name) and bases(name)]


@pytest.mark.parametrize("name", WITH_OPTIONS)
@pytest.mark.filterwarnings("ignore")
def test_products_of_options(name):
    failed = []
    for case in calls_of(name):
        fault = fault_of(case)
        if fault:
            failed.append(f"{case} {case.kwargs}: {fault}")
    assert not failed, f"{len(failed)} calls\n" + "\n".join(failed[:20])
