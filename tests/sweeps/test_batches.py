"""Batches of cotangents through every call of SciPy's, and through complex arrays on the way.

What one sweep gives for all rows is what as many sweeps give.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from calls_scipy import EVERY, every_case
from cases import Case, directions

import fastad.numpy as fnp
from fastad import _core

WIDTH = 3


def compare(outputs: list[Any], boxes: list[Any], tape: Any) -> None:
    for output in outputs:
        value = _core.getval(output)
        if not tape.owns(output) or np.asarray(value).dtype != np.float64:
            continue
        seeds = [directions([value], salt)[0] for salt in range(WIDTH)]
        batch = tape.sweep_many([output], [np.stack(seeds)], boxes)
        if batch is None:
            continue
        rows = [tape.sweep([output], [seed], boxes) for seed in seeds]
        for box, many, *single in zip(boxes, batch, *rows):
            if many is None:
                assert all(one is None for one in single)
                continue
            assert many.shape == (WIDTH, *np.shape(box)) and many.dtype == np.float64
            for one, other in zip(many, single):
                scale = float(np.max(np.abs(other), initial=0.0, where=np.isfinite(other)))
                np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12 * scale)


@pytest.mark.parametrize("name", EVERY)
def test_rows_at_once_are_rows_one_by_one(name: str) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in every_case(name):
            if not case.leaves or any(np.asarray(leaf).dtype != np.float64 for leaf in case.leaves):
                continue
            with _core.Tape() as tape:
                boxes = [tape.box(leaf) for leaf in case.leaves]
                compare(case.fastad(*[+box for box in boxes]), boxes, tape)


def _turned(case: Case, boxes: list[Any]) -> list[Any]:
    """The leaves that are complex, from two real ones each."""
    return [a + 1j * b for a, b in zip(boxes[::2], boxes[1::2])]


@pytest.mark.parametrize("name", EVERY)
def test_complex_arrays_on_the_way(name: str) -> None:
    """Every call that takes complex arrays, between real arguments and real results."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in every_case(name):
            leaves = case.leaves
            if not leaves or any(np.asarray(leaf).dtype != np.complex128 for leaf in leaves):
                continue
            if any(np.ndim(leaf) == 0 for leaf in leaves):
                continue
            parts = [part.copy() for leaf in leaves for part in (leaf.real, leaf.imag)]
            with _core.Tape() as tape:
                boxes = [tape.box(part) for part in parts]
                outputs = case.fastad(*_turned(case, boxes))
                real = [fnp.real(one) + 2.0 * fnp.imag(one) for one in outputs]
                compare(real, boxes, tape)
