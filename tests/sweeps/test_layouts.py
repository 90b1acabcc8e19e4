"""Memory layouts that an array may have: they change no value and no derivative of any operation.

Negative strides along every axis, stride zero, read-only, unaligned, byte-swapped, and the last
three at once; of differentiated arguments, of constants beside them, of cotangents and tangents, at
orders one and two. What is compared with has the same numbers in C order.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as onp
import pytest
from calls_scipy import EVERY, every_case
from cases import Case, Fixed, directions, jvp, vjp


def negative(x: Any) -> Any:
    backwards = (slice(None, None, -1),) * x.ndim
    return x[backwards].copy()[backwards]


def unaligned(x: Any) -> Any:
    memory = onp.empty(x.nbytes + 1, onp.uint8)[1:]
    made = memory.view(x.dtype).reshape(x.shape) if x.size else x.copy()
    made[...] = x
    return made


def read_only(x: Any) -> Any:
    made = x.copy()
    made.flags.writeable = False
    return made


def swapped(x: Any) -> Any:
    return x.astype(x.dtype.newbyteorder())


def all_at_once(x: Any) -> Any:
    made = unaligned(swapped(x))
    made.flags.writeable = False
    return made


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "negative": negative,
    "unaligned": unaligned,
    "read-only": read_only,
    "swapped": swapped,
    "all at once": all_at_once,
}


def laid(value: Any, how: Callable[[Any], Any]) -> Any:
    """The same numbers in another layout, through lists and tuples."""
    if isinstance(value, (list, tuple)):
        return type(value)(laid(item, how) for item in value)
    if isinstance(value, Fixed):
        return Fixed(laid(value.value, how))
    plain = isinstance(value, onp.ndarray) and value.dtype.kind in "iufcb"
    return how(value) if plain else value


def same(values: list[Any]) -> list[Any]:
    """The same numbers in C order and native bytes."""
    return [onp.array(x, onp.asarray(x).dtype.newbyteorder("="), order="C")[()] for x in values]


def close(actual: Any, expected: Any, context: str) -> None:
    actual, expected = onp.asarray(actual), onp.asarray(expected)
    if expected.dtype.kind not in "fc":
        onp.testing.assert_array_equal(actual, expected, err_msg=context)
        return
    assert actual.shape == expected.shape, context
    assert actual.dtype.newbyteorder("=") == expected.dtype, (context, actual.dtype)
    eps = 64 * float(onp.finfo(expected.dtype).eps)
    finite = onp.abs(expected[onp.isfinite(expected)])
    limit = eps * float(onp.max(finite, initial=0.0))
    onp.testing.assert_allclose(actual, expected, rtol=eps, atol=limit, err_msg=context)


def second(function: Callable[..., list[Any]], leaves: Any, g: Any, t: Any) -> list[Any]:
    """The derivative along tangents of what the cotangents give, by reverse over forward mode."""

    def along(*xs: Any) -> list[Any]:
        return jvp(function, xs, t)

    return vjp(along, leaves, g)


def outcomes(case: Case, leaves: Any, g: Any, t: Any) -> list[Any]:
    found = [*vjp(case.fastad, leaves, g), *jvp(case.fastad, leaves, t)]
    try:
        return found + second(case.fastad, leaves, g, t)
    except (TypeError, NotImplementedError):
        return found


def compare(case: Case, how: Callable[[Any], Any], plain: Case, note: str) -> None:
    leaves, context = case.leaves, f"{case} {note}"
    with warnings.catch_warnings(), onp.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            value = case.numpy(*leaves)
        except Exception:
            return  # NumPy itself does not take this layout
        before = [onp.array(leaf) for leaf in leaves]
        for one, other in zip(case.fastad(*leaves), value):
            onp.testing.assert_array_equal(one, other, err_msg=context)
        g = same(laid(directions(plain.numpy(*plain.leaves), 1), how))
        t = same(laid(directions(plain.leaves, 2), how))
        if any(onp.shape(one) != onp.shape(y) for one, y in zip(g, value)):
            return  # another function of another layout: ravel in memory order
        found = outcomes(case, leaves, laid(g, how), laid(t, how))
        expected = outcomes(plain, plain.leaves, g, t)
        assert len(found) == len(expected), context
        for one, other in zip(found, expected):
            close(one, other, context)
        for one, other in zip(leaves, before):
            onp.testing.assert_array_equal(onp.array(one), other, err_msg=f"{context}: changed")


# NumPy 1's own vdot reads such memory with instructions that want it aligned: the process ends.
CRASHING = (
    {"vdot": {"unaligned", "all at once"}}
    if onp.lib.NumpyVersion(onp.__version__) < "2.0.0"
    else {}
)


@pytest.mark.parametrize("name", EVERY)
def test_layouts(name: str) -> None:
    for case in every_case(name):
        for note, how in LAYOUTS.items():
            if note in CRASHING.get(name, ()):
                continue
            kwargs = {key: laid(value, how) for key, value in case.kwargs.items()}
            compare(replace(case, args=laid(case.args, how), kwargs=kwargs), how, case, note)


def constant(x: Any) -> Any:
    """The first of each row, as often as the row is long, with stride zero."""
    if not isinstance(x, onp.ndarray) or x.ndim == 0 or x.shape[-1] == 0:
        return x
    return onp.broadcast_to(x[..., :1].copy(), x.shape)


@pytest.mark.parametrize("name", EVERY)
def test_stride_zero(name: str) -> None:
    for case in every_case(name):
        leaves = [constant(leaf) for leaf in case.leaves]
        flat = case.with_leaves(same(leaves), "")
        try:
            with onp.errstate(all="ignore"):
                defined = all(onp.all(onp.isfinite(y)) for y in flat.numpy(*flat.leaves))
        except Exception:
            continue  # a singular matrix
        # Equal columns: no rank, and eigenvalues that coincide.
        if defined and not name.startswith(("linalg.", "poly", "roots")):
            compare(case.with_leaves(leaves, ""), constant, flat, "stride zero")
