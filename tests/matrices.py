"""Matrices, and what the tests of `fastad.scipy.linalg` compare: values, derivatives."""

from __future__ import annotations

import numpy as onp
import pytest

scipy_linalg = pytest.importorskip("scipy.linalg")

import fastad.scipy.linalg as linalg  # noqa: E402
from fastad import make_vjp  # noqa: E402
from fastad.test_util import check_grads  # noqa: E402

R = onp.random.default_rng(20260102)
A = R.standard_normal((4, 4)) + 3 * onp.eye(4)
S = A @ A.T
C = R.standard_normal((4, 4)) + 1j * R.standard_normal((4, 4)) + 3 * onp.eye(4)
VECTOR, COLUMNS = R.standard_normal(4), R.standard_normal((4, 2))


def check(function, theirs, *args, order=2, rtol=0.0):
    """Values equal SciPy's (bit for bit unless rtol is given); derivatives are right."""
    value = make_vjp(function)(*args)[1]
    onp.testing.assert_allclose(value, theirs(*args), rtol=rtol, atol=rtol)
    for i in range(len(args)):
        check_grads(function, i, order=order)(*args)


def check_named(name, *args, order=2, rtol=0.0, **options):
    check(
        lambda *a: getattr(linalg, name)(*a, **options),
        lambda *a: getattr(scipy_linalg, name)(*a, **options),
        *args,
        order=order,
        rtol=rtol,
    )


BATCH = R.standard_normal((3, 4, 4)) + 4 * onp.eye(4)
POSITIVE = BATCH @ BATCH.swapaxes(1, 2)
COMPLEX = BATCH + 1j * R.standard_normal((3, 4, 4))
HERMITIAN = COMPLEX @ COMPLEX.conj().swapaxes(1, 2)
