"""A VJP is linear and so is a JVP: of every operation, for cotangents of any size.

Every case of every operation, with its cotangents and tangents times 1e-12, 1e12 and 1e20.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from calls_scipy import EVERY, every_case
from cases import directions, jvp, vjp

SIZES = (1e-12, 1e12, 1e20)


def scaled(values: list[Any], size: float) -> list[Any]:
    return [np.asarray(v) * np.asarray(size, np.asarray(v).real.dtype) for v in values]


def assert_scaled(got: list[Any], unit: list[Any], size: float) -> None:
    for one, other in zip(got, unit):
        one, other = np.asarray(one) / size, np.asarray(other)
        limit = np.max(np.abs(other), initial=0.0)
        if not np.isfinite(limit):
            continue
        single = other.dtype.itemsize // (2 if other.dtype.kind == "c" else 1) < 8
        np.testing.assert_allclose(
            one, other, rtol=1e-5 if single else 1e-11, atol=limit * (1e-5 if single else 1e-11)
        )


@pytest.mark.parametrize("name", EVERY)
def test_linear_in_cotangent_and_tangent(name: str) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in every_case(name):
            leaves = case.leaves
            if any(np.asarray(leaf).dtype.itemsize < 4 for leaf in leaves):
                continue
            outputs = case.fastad(*leaves)
            cotangents = directions(outputs, 1)
            tangents = directions(leaves, 2)
            back = vjp(case.fastad, leaves, cotangents)
            forward = jvp(case.fastad, leaves, tangents)
            for size in SIZES:
                assert_scaled(vjp(case.fastad, leaves, scaled(cotangents, size)), back, size)
                assert_scaled(jvp(case.fastad, leaves, scaled(tangents, size)), forward, size)
