"""Axes of size 0 and 1, in every operation: NumPy's value, or NumPy's refusal, and the derivative.

Every case of every operation with one axis of one argument, or all axes of one length in all
arguments, cut to one element or to none.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as onp
import pytest
import scipy
from calls_scipy import CALLS, EVERY, every_case
from cases import (
    Case,
    differences,
    directions,
    inner,
    is_leaf,
    jvp,
    vjp,
)

from fastad import _core

# Where NumPy itself reads what is not there: no value to compare with.
OUT_OF_BOUNDS = (
    "einsum(ii->i,d0x3) [0",
    "fft.irfftn(D2x0x0,[2,3,5],[0,1,2])",
    "fft.irfftn(D2x3x0,[2,3,5],[0,1,2])",
)

# SciPy makes one number of one entry, where NumPy's transform, which the rule calls, refuses.
OUT_OF_BOUNDS += tuple(f"fft.{name}(d4x1) [5" for name in ("hfft2", "hfftn", "irfft2", "irfftn"))

NO_SMALL = {
    "linalg.expm_frechet": "equal to SciPy's value to rounding",
    "integrate.odeint": "the two modes integrate two systems, to the solver's tolerance",
    "integrate.solve_ivp": "as odeint",
    "linalg.orthogonal_procrustes": "of less than full rank there is no derivative",
    "linalg.eigvals_banded": "SciPy takes another diagonal where the band is wider than the matrix",
    "linalg.eig_banded": "as eigvals_banded",
    "optimize.nnls": "SciPy's own ends the process at a matrix without columns",
}


# Composed of operations that refuse arrays without elements, as an error says.
NO_EMPTY = frozenset(
    """
    signal.sosfilt_zi signal.upfirdn signal.resample_poly signal.decimate signal.welch signal.csd
    signal.coherence signal.periodogram signal.stft spatial.distance.correlation
    interpolate.UnivariateSpline interpolate.LSQUnivariateSpline
    interpolate.InterpolatedUnivariateSpline linalg.matmul_toeplitz linalg.solve_toeplitz
    linalg.solve_circulant linalg.fiedler linalg.cholesky_banded
    """.split()
)


# Earlier versions of SciPy take no empty matrices.
NEW = tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 14)


def takes_no_empty(name: str) -> bool:
    """True for a function whose composition takes no array without elements."""
    return name.startswith("ndimage.") or name in NO_EMPTY


def cut(value: Any, length: int, size: int) -> Any:
    """An array with every axis of this length cut; through lists and tuples."""
    if isinstance(value, (list, tuple)):
        return type(value)(cut(item, length, size) for item in value)
    if isinstance(value, onp.ndarray):
        value = value[tuple(slice(size if n == length else None) for n in value.shape)]
    return value


def variants(case: Case) -> Iterator[Case]:
    leaves = case.leaves
    seen = set()
    if case.name in CALLS and case.name in NO_SMALL:
        return
    whole = case.name in CALLS and (not NEW or takes_no_empty(case.name))
    for size in (1,) if whole else (1, 0):
        for length in sorted({n for leaf in leaves for n in onp.shape(leaf) if n > size}):
            args = cut(case.args, length, size)
            yield replace(case, args=args, note=f" [{length} -> {size}]")
        # One axis alone leaves no matrix of what SciPy's functions of matrices take.
        for i, leaf in enumerate(leaves if case.name not in CALLS else []):
            for axis, n in enumerate(onp.shape(leaf)):
                if n <= size or not is_leaf(leaf):
                    continue
                where = (slice(None),) * axis + (slice(size),)
                changed = [*leaves[:i], leaf[where], *leaves[i + 1 :]]
                made = case.with_leaves(changed, f" [{i}: axis {axis} -> {size}]")
                if str(made) not in seen:
                    seen.add(str(made))
                    yield made


def attempt(function: Any, leaves: list[Any]) -> Any:
    try:
        return function(*leaves)
    except Exception as error:
        return error


def check(case: Case) -> str:
    leaves = case.leaves
    right = attempt(case.numpy, leaves)
    with _core.Tape() as tape:
        outs = attempt(case.fastad, [tape.box(leaf) for leaf in leaves])
        traced = outs if isinstance(outs, Exception) else [_core.getval(out) for out in outs]
    if isinstance(right, Exception):
        # Earlier versions of SciPy refuse empty arrays here and there.
        both = isinstance(traced, Exception) or case.name in CALLS
        return "" if both else f"NumPy raises {right!r}"
    if isinstance(traced, Exception):
        return "" if isinstance(traced, NotImplementedError) else f"raises {traced!r}"
    if len(traced) != len(right):
        return "another number of results"
    for one, other in zip(traced, right):
        one, other = onp.asarray(one), onp.asarray(other)
        if one.dtype != other.dtype or not onp.array_equal(one, other, equal_nan=True):
            return f"the value is {one!r}, NumPy's {other!r}"
    g, t = directions(right, 1), directions(leaves, 2)
    backward = attempt(lambda *leaves: vjp(case.fastad, leaves, g), leaves)
    if isinstance(backward, Exception):
        return f"its vjp raises {backward!r}"
    for one, leaf in zip(backward, leaves):
        if onp.shape(one) != onp.shape(leaf) or onp.asarray(one).dtype != onp.asarray(leaf).dtype:
            return f"a cotangent of {leaf!r} is {one!r}"
    forward = attempt(lambda *leaves: jvp(case.fastad, leaves, t), leaves)
    if isinstance(forward, Exception):
        return f"its jvp raises {forward!r}"
    for one, other in zip(forward, right):
        if onp.shape(one) != onp.shape(other):
            return f"a tangent of {other!r} is {one!r}"
    if not all(onp.all(onp.isfinite(y)) for y in right):
        return ""
    if not onp.isclose(inner(g, forward), inner(backward, t), rtol=1e-9, atol=1e-11):
        return f"<g, jvp> is {inner(g, forward)}, <vjp, t> {inner(backward, t)}"
    slopes = differences(case.numpy, leaves, t)
    for one, other, y in zip(forward, slopes, right):
        smooth = onp.asarray(y).dtype.kind in "fc" and onp.all(onp.isfinite(other))
        if smooth and not onp.allclose(one, other, rtol=1e-5, atol=1e-7):
            return f"the tangent is {one!r}, by differences {other!r}"
    again = attempt(
        lambda *leaves: vjp(lambda *xs: jvp(case.fastad, xs, t), leaves, directions(right, 3)),
        leaves,
    )
    if isinstance(again, Exception) and not isinstance(again, (TypeError, NotImplementedError)):
        return f"at order 2 raises {again!r}"
    return ""


@pytest.mark.parametrize("name", EVERY)
def test_axes_of_size_one_and_zero(name: str) -> None:
    wrong = []
    with warnings.catch_warnings(), onp.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in every_case(name):
            for made in variants(case):
                text = "" if str(made).startswith(OUT_OF_BOUNDS) else check(made)
                if text:
                    wrong.append(f"{made}: {text}")
    assert not wrong, f"{len(wrong)}: " + "\n".join(wrong[:20])
