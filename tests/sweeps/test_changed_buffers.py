"""Arrays changed between their use and the sweep, for every operation: noticed, or without effect.

Each argument and all results of every case, by default and under debug_mutation.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as onp
import pytest
from calls_scipy import EVERY, every_case

from fastad import debug_mutation, make_vjp

MODES: dict[str, Callable[[], Any]] = {
    "default": contextlib.nullcontext,
    "debug_mutation": debug_mutation,
}


def changed_place(array: Any) -> bool:
    """Change the last element of an array; False for what cannot be changed."""
    if not isinstance(array, onp.ndarray) or array.size == 0 or not array.flags.writeable:
        return False
    array[(-1,) * array.ndim] = 0.125 - array[(-1,) * array.ndim]
    return True


def attempt(case: Any, which: int | str) -> tuple[bool, bool]:
    """Whether an argument, or the results, could be changed, and whether that was noticed."""
    leaves = [leaf.copy() if isinstance(leaf, onp.ndarray) else leaf for leaf in case.leaves]
    vjp, outputs = make_vjp(lambda leaves: tuple(case.fastad(*leaves)))(tuple(leaves))
    g = tuple(onp.ones_like(y) for y in outputs)
    before = vjp(g)
    given = list(outputs) if which == "results" else [leaves[int(which)]]
    changed = [changed_place(array) for array in given]
    if not any(changed):
        return False, False
    try:
        after = vjp(g)
    except RuntimeError as error:
        assert "was changed" in str(error), error
        return True, True
    for one, other in zip(before, after):
        onp.testing.assert_array_equal(one, other, err_msg=f"{case}: {which} changed")
    return True, False


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", EVERY)
def test_no_operation_reads_what_was_changed(name: str, mode: str) -> None:
    with MODES[mode](), warnings.catch_warnings(), onp.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in every_case(name)[:4]:
            for which in (*range(len(case.leaves)), "results"):
                attempt(case, which)


def test_the_sweep_above_does_find_changes() -> None:
    expected = {"exp": "results", "sin": 0, "multiply": 1, "matmul": 1, "linalg.inv": "results"}
    for name, which in expected.items():
        found = [
            attempt(case, which)
            for case in every_case(name)
            if which == "results" or which < len(case.leaves)
        ]
        assert (True, True) in found, name
