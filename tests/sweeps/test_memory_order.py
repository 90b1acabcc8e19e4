"""Results lie in memory as NumPy's own: a later ravel or reshape of order "A" or "K" reads it.

Every case of every operation, with its arrays in C and Fortran order, reversed and with gaps.
"""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
from cases import DIFFERENTIABLE, cases_of, strided

import fastad.numpy as fnp
from fastad import getval, make_vjp

LAYOUTS = ("C", "fortran", "reversed", "gaps")


def layout(value: Any) -> tuple[Any, ...]:
    """What ravel and reshape see: the axes by their strides, and which order is contiguous."""
    value = np.asarray(value)
    long = [axis for axis in range(value.ndim) if value.shape[axis] > 1]
    axes = tuple(sorted(long, key=lambda axis: (-abs(value.strides[axis]), axis)))
    return axes, value.flags.c_contiguous, value.flags.f_contiguous


def traced_outputs(case: Any, leaves: list[Any]) -> list[Any]:
    """The values of a case while it is differentiated."""
    seen: list[Any] = []

    def run(leaves: Any) -> Any:
        outputs = case.fastad(*leaves)
        seen.extend(outputs)
        return outputs[0]

    make_vjp(run)(tuple(leaves))
    return [getval(output) for output in seen]


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_memory_order(name: str) -> None:
    wrong = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in cases_of(name):
            for order in LAYOUTS:
                leaves = case.leaves if order == "C" else [strided(x, order) for x in case.leaves]
                try:
                    right = case.numpy(*leaves)
                except Exception:
                    continue
                for got, want in zip(traced_outputs(case, leaves), right):
                    if not isinstance(want, np.ndarray) or want.ndim < 2 or want.size < 2:
                        continue
                    if layout(got) != layout(want):
                        wrong.append(f"{case} {order}: {got.strides}, NumPy's {want.strides}")
    assert not wrong, f"{len(wrong)}: " + "; ".join(wrong[:6])


X = np.arange(24.0).reshape(4, 6)
CHOSEN = X > 7
CALLS = {
    "take": lambda n, x: n.take(x, [0, 2], axis=1),
    "take rows": lambda n, x: n.take(x, [[0, 2], [1, 1]], axis=0),
    "compress": lambda n, x: n.compress([True, False, True, True], x, axis=0),
    "compress columns": lambda n, x: n.compress([True, False, True, True], x, axis=1),
    "delete": lambda n, x: n.delete(x, [0, 2], axis=1),
    "insert": lambda n, x: n.insert(x, [0, 2], 5.0, axis=1),
    "choose": lambda n, x: n.choose(onto(x), [x, -x]),
    "select": lambda n, x: n.select([onto(x) > 0], [x], -x),
    "piecewise": lambda n, x: n.piecewise(x, [onto(x) > 0, onto(x) < 1], [lambda v: v, 3.0]),
    "copy": lambda n, x: n.copy(x),
    "copy F": lambda n, x: n.copy(x, "F"),
    "copy A": lambda n, x: n.copy(x, order="A"),
    "method copy": lambda n, x: x.copy(),
    "method copy K": lambda n, x: x.copy(order="K"),
    "array": lambda n, x: n.array(x),
    "array C": lambda n, x: n.array(x, order="C"),
    "array F": lambda n, x: n.array(x, order="F"),
    "asarray F": lambda n, x: n.asarray(x, order="F"),
    "asarray C": lambda n, x: n.asarray(x, order="C"),
    "ascontiguousarray": lambda n, x: n.ascontiguousarray(x),
    "asfortranarray": lambda n, x: n.asfortranarray(x),
    "require F": lambda n, x: n.require(x, requirements="F"),
    "require C": lambda n, x: n.require(x, requirements=["C", "W"]),
    "full_like": lambda n, x: n.full_like(x, x[0, 0]),
    "pad": lambda n, x: n.pad(x, 1, mode="edge"),
    "roll": lambda n, x: n.roll(x, 1, axis=0),
    "where": lambda n, x: n.where(onto(x) > 0, x, 0.0),
    "repeat": lambda n, x: n.repeat(x, 2, axis=1),
    "tile": lambda n, x: n.tile(x, (2, 1)),
    "sort": lambda n, x: n.sort(x, axis=0),
    "cumsum": lambda n, x: n.cumsum(x, axis=0),
    "clip": lambda n, x: n.clip(x, 1.0, 9.0),
    "concatenate": lambda n, x: n.concatenate([x, x], axis=1),
    "flip": lambda n, x: n.flip(x, 0),
    "astype": lambda n, x: x.astype(np.float32),
    "index": lambda n, x: x[:, [0, 1]],
    "unary": lambda n, x: n.exp(x),
    "binary": lambda n, x: x * x[::-1],
    "matmul": lambda n, x: n.matmul(x, x.T),
    "triu": lambda n, x: n.triu(x),
    "outer": lambda n, x: n.outer(x, x),
    "diff": lambda n, x: n.diff(x, axis=0),
    "nan_to_num": lambda n, x: n.nan_to_num(x),
}


def onto(x: Any) -> Any:
    """A choice between two for each element, laid out in C order."""
    return (np.arange(int(np.prod(x.shape))).reshape(x.shape) % 2).astype(int)


@pytest.mark.parametrize("how", ["C", "fortran", "transposed", "reversed", "gaps", "negative rows"])
@pytest.mark.parametrize("name", CALLS)
def test_values_read_in_memory_order(name: str, how: str) -> None:
    """A ravel or reshape in memory order after the operation reads NumPy's own numbers."""
    if how in ("transposed", "negative rows"):
        x = X.reshape(6, 4).T if how == "transposed" else X[::-1]
    else:
        x = X if how == "C" else strided(X, how)
    call = CALLS[name]
    for order in ("K", "A"):

        def read(n: Any, x: Any, order: str = order) -> Any:
            return n.ravel(call(n, x), order)

        vjp, value = make_vjp(lambda x: read(fnp, x))(x)
        np.testing.assert_array_equal(value, read(np, x))
        assert vjp(np.ones_like(value)).shape == x.shape


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_axes_without_a_stride(place: int, turned: bool, backwards: bool) -> None:
    """They have no place in the order of memory: NumPy leaves them where C order has them."""
    x = np.arange(6.0).reshape(2, 3)
    x = x.T if turned else x
    x = x[::-1, ::-1] if backwards else x
    wide = np.broadcast_to(np.expand_dims(x, place), (*x.shape[:place], 4, *x.shape[place:]))
    for function in (
        lambda m, x: m.ravel(x, order="K"),
        lambda m, x: x.flatten(order="K"),
        lambda m, x: m.ravel(m.transpose(x), order="K"),
        lambda m, x: m.ravel(x[:, ::-1], order="K"),
    ):
        vjp, value = make_vjp(lambda x, f=function: f(fnp, x))(wide)
        right = function(np, wide)
        np.testing.assert_array_equal(value, right)
        # Each place of the result takes from a place that holds its number.
        for i in range(right.size):
            taken = vjp(np.eye(right.size)[i])
            assert taken.sum() == 1.0
            assert wide[taken == 1.0] == right[i]


def _views() -> dict[str, Any]:
    x = np.random.default_rng(5).normal(size=(40, 30, 20))
    return {
        "inner axes exchanged": x.transpose(0, 2, 1),
        "reversed axes": x.transpose(2, 1, 0),
        "steps": x[:, ::2],
        "backwards": x[::-1, :, ::-1],
        "a new axis": x[..., None, :].transpose(3, 2, 1, 0),
        "Fortran": np.asfortranarray(x),
        "broadcast": np.broadcast_to(x[:1], (5, 30, 20)),
        "a column": x[:, :, :1],
        "single precision": x.astype(np.float32).T,
        "small": x[:5, :5, :5].T,
    }


@pytest.mark.parametrize("name", _views())
def test_reshapes_are_views_where_numpys_are(name: str) -> None:
    """A copy may lie in memory of the pool; elements, order and whether it is one are NumPy's."""
    x = _views()[name]
    lengths = [n for n in (1, 2, 3, 5, 20, 30, 40, 60, 600) if x.size % n == 0]
    for first, second in itertools.product(lengths, lengths):
        if x.size % (first * second):
            continue
        rest = x.size // (first * second)
        for shape in [(first, rest, second), (first, -1, second), (second, rest, 1, first)]:
            expected = x.reshape(shape)
            vjp, found = make_vjp(lambda x, shape=shape: fnp.reshape(x, shape))(x)
            assert found.shape == expected.shape and found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)
            assert np.shares_memory(found, x) == np.shares_memory(expected, x), shape
            g = np.arange(x.size, dtype=x.dtype).reshape(shape)
            np.testing.assert_array_equal(vjp(g), g.reshape(x.shape))
