"""Every operation of the table as a program: recorded at one input, replayed at others, it equals
the eager call, value and derivative; or it is not replayed.
"""

from __future__ import annotations

import warnings

import numpy as onp
import pytest
from cases import DIFFERENTIABLE, NOT_RECORDED, Case, cases_of, directions, vjp

from fastad._core import Recording

pytestmark = pytest.mark.filterwarnings("ignore")

# How many of an operation's cases were replayed natively or by the host, over the whole sweep.
replayed: dict[str, int] = {}


def leaves_of(tree):
    if isinstance(tree, (list, tuple)):
        return [leaf for item in tree for leaf in leaves_of(item)]
    return [tree]


def record(function, leaves):
    """A program, or None where the recording says that it cannot be one."""
    with Recording() as recording:
        outputs = leaves_of(function(*[recording.box(leaf) for leaf in leaves]))
        if recording.dead is not None:
            return None
        return recording.finish(outputs)


def moved(leaf, factor):
    if not isinstance(leaf, onp.ndarray):
        return type(leaf)(leaf * factor)
    return onp.asarray(leaf * factor, leaf.dtype)


def same(got, expected, case):
    assert type(got) is type(expected), (case, type(got), type(expected))
    a, b = onp.asarray(got), onp.asarray(expected)
    assert a.dtype == b.dtype, case
    assert a.shape == b.shape, case
    if a.dtype.kind in "fc":
        finite = onp.isfinite(b)
        scale = max(1.0, float(onp.max(onp.abs(b[finite]), initial=0.0)))
        assert onp.array_equal(a[~finite], b[~finite], equal_nan=True), case
        error = onp.max(onp.abs(a[finite] - b[finite]), initial=0.0)
        assert error <= 1e-11 * scale, (case, error, got, expected)
    else:
        assert onp.array_equal(a, b), case


def check(function, leaves, case):
    try:
        eager = leaves_of(function(*leaves))
    except Exception:
        return False  # what it raises is another sweep's
    program = record(function, leaves)
    if program is None:
        return False
    ran = False
    for factor in (1.0, 1.0 + 2.0**-10):
        given = [moved(leaf, factor) for leaf in leaves]
        if factor != 1.0:
            try:
                eager = leaves_of(function(*given))
            except Exception:
                return ran
        got = program.run(given)
        if isinstance(got, int):
            continue
        ran = True
        for a, b in zip(got, eager, strict=True):
            if b is None or isinstance(b, (str, tuple)):
                continue
            same(a, b, case)
    return ran


def boxable(case: Case) -> bool:
    return bool(case.leaves) and all(
        type(leaf) in (float, complex, onp.float64, onp.ndarray) for leaf in case.leaves
    )


@pytest.mark.parametrize("name", DIFFERENTIABLE + NOT_RECORDED)
def test_value(name):
    for case in cases_of(name):
        if name == "empty_like":  # its elements are not determined
            continue
        if boxable(case) and check(case.fastad, case.leaves, case):
            replayed[name] = replayed.get(name, 0) + 1


@pytest.mark.parametrize("name", DIFFERENTIABLE + NOT_RECORDED)
def test_derivative(name):
    for case in cases_of(name):
        if not boxable(case):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                outputs = case.fastad(*case.leaves)
            except Exception:
                continue
        if not all(onp.asarray(out).dtype.kind in "fc" for out in outputs):
            continue
        cotangents = directions(outputs, 3)
        check(lambda *leaves, f=case.fastad, g=cotangents: vjp(f, leaves, g), case.leaves, case)
