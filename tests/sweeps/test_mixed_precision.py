"""Every argument of every call of SciPy's in single precision, alone and with all the others.

Value and dtype are SciPy's own; each cotangent has the dtype of its argument, and the digits of
single precision.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from calls_scipy import CALLS, SLOW, every_case
from cases import Case, directions, inner, jvp, vjp

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
