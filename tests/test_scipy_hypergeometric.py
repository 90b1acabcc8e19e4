"""Hypergeometric functions by their parameters, against mpmath."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy")
pytest.importorskip("mpmath")

import mpmath

import fastad.numpy as np
from fastad import grad, hessian, jacobian, jit, make_jvp
from fastad.scipy import special

POINTS = {
    "hyp2f1": [
        (0.7, 1.2, 2.1, 0.3),
        (0.7, 1.2, 2.1, 0.0),
        (0.7, -1.2, 2.1, 0.95),
        (3.5, 1.2, -2.1, -0.9),
        (-2.0, 1.2, 2.1, 0.4),  # a polynomial; its derivative by a is none
        (1.3, 0.0, 2.1, -0.4),
        (1.0, 1.0, 2.0, -3.0),
        (0.5, 2.5, 1.5, -200.0),
    ],
    "hyp1f1": [
        (0.7, 1.2, 0.3),
        (0.7, 1.2, -30.0),
        (-2.0, 1.2, 4.0),
        (1.2, 1.2, -4.0),
        (1.5, -0.5, 100.0),
    ],
    "hyp0f1": [(0.7, 0.3), (0.7, -3.0), (2.5, 200.0), (-1.5, 0.0)],
}
CASES = [(name, args) for name, points in POINTS.items() for args in points]


@pytest.mark.parametrize(("name", "args"), CASES)
def test_by_every_parameter(name, args):
    function, exact = getattr(special, name), getattr(mpmath, name)
    with mpmath.workdps(40):
        for i in range(len(args) - 1):
            moved = lambda p, i=i: exact(*args[:i], p, *args[i + 1 :])
            first, second = (float(mpmath.diff(moved, args[i], n)) for n in (1, 2))
            size = max(abs(first), abs(float(exact(*args))))
            assert abs(grad(function, i)(*args) - first) <= 1e-12 * size
            forward = make_jvp(function, i)(*args)(1.0)[1]
            assert abs(forward - first) <= 1e-12 * size
            again = grad(grad(function, i), i)(*args)
            assert abs(again - second) <= 1e-10 * max(size, abs(second))


def test_mixed_second_derivatives():
    f = lambda p: special.hyp2f1(p[0], p[1], p[2], p[3])
    p = onp.array([0.7, 1.2, 2.1, 0.3])
    steps = 1e-6 * onp.eye(4)
    expected = [(grad(f)(p + h) - grad(f)(p - h)) / 2e-6 for h in steps]
    onp.testing.assert_allclose(hessian(f)(p), expected, atol=1e-8)


def test_batches_dtypes_and_programs():
    a = onp.array([0.5, -2.0, 1.5])
    z = onp.array([[0.3], [-5.0]])
    whole = jacobian(lambda a: special.hyp2f1(a, 1.0, 2.0, z))(a)
    for i in range(2):
        for j in range(3):
            expected = grad(special.hyp2f1)(a[j], 1.0, 2.0, z[i, 0])
            assert abs(whole[i, j, j] - expected) <= 1e-14
    single = grad(lambda a: np.sum(special.hyp1f1(a, 2.0, onp.float32(0.3))))(a.astype("f"))
    assert single.dtype == onp.float32
    f = lambda p: np.sum(special.hyp1f1(p, 1.3 + p, z))
    program = jit(grad(f))
    for scale in (1.0, 1.1, 1.2, 1.3):
        onp.testing.assert_allclose(program(scale * a), grad(f)(scale * a), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "args"),
    [("hyp2f1", (0.5, 0.7, 2.0, 0.9999)), ("hyp0f1", (0.5, -1e4)), ("hyp1f1", (0.5, 0.7, 1e6))],
)
def test_where_the_series_is_no_use(name, args):
    with pytest.raises(NotImplementedError, match=f"{name}: the derivative by a parameter"):
        grad(getattr(special, name))(*args)
    by_argument = grad(getattr(special, name), len(args) - 1)(*args)
    assert onp.isfinite(by_argument) or name == "hyp1f1"  # whose value is infinite
