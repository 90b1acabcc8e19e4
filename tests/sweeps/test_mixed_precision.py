"""Arguments of unlike precision.

Every argument of every call of SciPy's in single precision, alone and with all the others: value
and dtype are SciPy's own; each cotangent has the dtype of its argument, and the digits of single
precision. Every argument of every operation of NumPy's in half and single precision beside doubles:
the derivatives by the doubles have all digits.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from calls_scipy import CALLS, SLOW, every_case
from cases import DIFFERENTIABLE, Case, cases_of, directions, inner, jvp, vjp

from fastad import _core

# What is composed is computed in other places in single precision than by SciPy.
ROUNDED = set(
    "linalg.expm_frechet linalg.norm linalg.solve_continuous_lyapunov "
    "linalg.solve_discrete_lyapunov stats.multivariate_t.pdf stats.multivariate_t.logpdf "
    "stats.wishart.pdf stats.wishart.logpdf".split()
)
SOLVERS = ("optimize.", "integrate.quad", "integrate.odeint", "integrate.solve_ivp")
NAMES = [name for name in CALLS if name not in SLOW and not name.startswith(SOLVERS)]


def single(leaf: Any) -> Any:
    kind = np.complex64 if np.iscomplexobj(leaf) else np.float32
    return (
        np.asarray(leaf).astype(kind)[()] if not isinstance(leaf, np.ndarray) else leaf.astype(kind)
    )


def variants(case: Case) -> list[Case]:
    leaves, every = case.leaves, range(len(case.leaves))
    chosen = [set(every), *({i} for i in every if len(leaves) > 1)]
    return [
        case.with_leaves([single(x) if i in some else x for i, x in enumerate(leaves)], str(some))
        for some in chosen
    ]


@pytest.mark.parametrize("name", NAMES)
def test_single_precision(name: str) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in every_case(name):
            for made in variants(case):
                check(name, made)


def check(name: str, case: Case) -> None:
    leaves = case.leaves
    try:
        values = case.fastad(*leaves)
    except TypeError:
        return  # SciPy has no such loop
    with _core.Tape() as tape:
        traced = [_core.getval(one) for one in case.fastad(*map(tape.box, leaves))]
    for one, other in zip(traced, values, strict=True):
        assert np.asarray(one).dtype == np.asarray(other).dtype, case
        rtol = 1e-4 if name in ROUNDED else 2e-6 * (np.asarray(other).dtype.itemsize < 8)
        np.testing.assert_allclose(one, other, rtol=rtol or 1e-13, atol=rtol, err_msg=str(case))
    g, t = directions(values, 1), directions(leaves, 2)
    back, forward = vjp(case.fastad, leaves, g), jvp(case.fastad, leaves, t)
    for one, leaf in zip(back, leaves):
        assert np.asarray(one).dtype == np.asarray(leaf).dtype, case
        assert np.shape(one) == np.shape(leaf), case
    terms = [*zip(g, forward), *zip(back, t)]
    size = sum(float(np.sum(np.abs(np.asarray(a) * np.asarray(b)))) for a, b in terms)
    assert abs(inner(g, forward) - inner(back, t)) <= 2e-5 * size + 1e-7, case


NARROW = {"f": (np.float16, np.float32), "c": (np.complex64,)}
SHARED = [name for name in DIFFERENTIABLE if any(len(case.leaves) > 1 for case in cases_of(name))]


@pytest.mark.parametrize("name", SHARED)
def test_doubles_beside_a_narrower_constant(name: str) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in cases_of(name):
            for place, leaf in enumerate(case.leaves):
                for kind in NARROW[np.asarray(leaf).dtype.kind]:
                    check_beside(case, place, np.asarray(leaf).astype(kind)[()])


def check_beside(case: Case, place: int, narrow: Any) -> None:
    """Derivatives by the other leaves beside a number of few digits, and beside a double of it."""
    others = [leaf for k, leaf in enumerate(case.leaves) if k != place]
    if not others:
        return
    found: list[Any] = []
    for one in (narrow, np.asarray(narrow).astype(np.asarray(case.leaves[place]).dtype)[()]):

        def function(*leaves: Any, one: Any = one) -> list[Any]:
            return case.fastad(*leaves[:place], one, *leaves[place:])

        try:
            values = case.numpy(*others[:place], one, *others[place:])
        except TypeError:
            return  # NumPy's linear algebra takes no half precision
        if any(np.asarray(value).dtype.kind not in "fc" for value in values):
            return
        g, t = directions(values, 1), directions(others, 2)
        try:
            found.append((values, vjp(function, others, g) + jvp(function, others, t)))
        except (TypeError, ValueError) as error:
            found.append((values, error))
    (values, slopes), (expected, right) = found
    if isinstance(right, Exception):
        return  # no derivative, or integers are asked for
    assert not isinstance(slopes, Exception), (str(case), slopes)
    if not all(
        np.asarray(a).dtype == np.asarray(b).dtype and np.allclose(a, b, 1e-13, 1e-13, True)
        for a, b in zip(values, expected)
    ):
        return  # NumPy's own value has fewer digits
    for a, b in zip(slopes, right, strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype, case
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13, err_msg=str(case))
