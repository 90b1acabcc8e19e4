"""A call of one of SciPy's modules and of fastad's: values, derivatives, replay."""

from __future__ import annotations

import warnings

import numpy as onp

import fastad.numpy as np
from fastad import jit, make_vjp, value_and_grad
from fastad.test_util import check_grads


def agrees(call, modules, *args, order=2, replayed=True, exactly=True):
    """`call(module, *args)` has SciPy's value, right derivatives in both modes, and is replayed.

    Parameters
    ----------
    call : callable
    modules : (fastad's, SciPy's)
    *args : array
        All are differentiated by.
    order : int
    replayed : bool
        Whether a program of it is replayed without a warning.
    exactly : bool
        Whether the value has SciPy's bits.
    """
    ours, theirs = modules
    here = lambda *given: call(ours, *given)
    expected = call(theirs, *args)
    got = make_vjp(here, argnum=tuple(range(len(args))))(*args)[1]
    if exactly:
        onp.testing.assert_array_equal(got, expected)
    else:
        onp.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)
    for i in range(len(args)):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Output seems independent of input")
            check_grads(here, i, order=order)(*args)
    if not replayed:
        return
    size = onp.size(expected)
    weights = onp.cos(onp.arange(size)).reshape(onp.shape(expected))
    total = lambda *given: np.sum(weights * np.abs(here(*given)) ** 2)
    both = value_and_grad(total, argnum=tuple(range(len(args))))
    program = jit(both)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for k in range(5):
            moved = [arg * (1 + 1e-3 * k) for arg in args]
            value, slopes = program(*moved)
            plain = onp.sum(weights * onp.abs(call(theirs, *moved)) ** 2)
            onp.testing.assert_allclose(value, plain, rtol=1e-9, atol=1e-12)
            for one, other in zip(slopes, both(*moved)[1]):
                onp.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-9)
