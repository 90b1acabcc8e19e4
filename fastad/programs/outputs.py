"""The result of a recorded function: taken apart for the program, put together after a replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as onp

from .._core import fingerprint, isbox
from .._impl.spaces.containers import Structure, flatten

__all__ = [
    "Print",
    "Refused",
    "first_difference",
    "outputs_of",
    "same_as_kept",
    "same_bits",
    "same_structure",
    "to_compare",
]

# A replay adds up in another order than NumPy: differences of rounding are none.
_ROUNDING = {"d": 1e-6, "D": 1e-6, "f": 1e-3, "F": 1e-3, "g": 1e-6, "G": 1e-6, "e": 1e-1}
# From so many bytes on an array that is compared later is not copied: its fingerprint is kept.
_PRINTED = 1 << 16
_PART = 1 << 13  # elements that are compared at a time
_CONSTANT = (bool, int, float, complex, str, bytes, type(None), onp.generic)


class Refused(Exception):
    """No program can be made of this call; the text says why."""

    only_here = False  # whether others, at other inputs, may well be replayed
    disturbed = False  # whether other threads may be the cause
    parameters = False  # whether a generator was given traced ones: standard values can be drawn
    wanted: Sequence[tuple[int, Any]] = ()  # what is read of lists: which of the world's, and where
    indexes = False  # whether a plain array was indexed by traced places: a traced one can be


def outputs_of(result: Any) -> tuple[list[Any], Structure]:
    """Leaves of a result and how they are put together.

    Raises
    ------
    Refused
        If something in the result is neither a number, an array nor a constant.
    """
    leaves, structure = flatten(result, numbers=True)
    for leaf in leaves:
        if isbox(leaf) or isinstance(leaf, _CONSTANT):
            continue
        if type(leaf) is onp.ndarray and not leaf.dtype.hasobject:
            continue
        what = "a function" if callable(leaf) else f"an object of type {type(leaf).__name__}"
        raise Refused(f"it returns {what}, which a replay cannot make")
    return leaves, structure


def same_structure(a: Structure, b: Structure) -> bool:
    """True if two results are put together in the same way."""
    if a.kind is not b.kind or a.type is not b.type or a.constant != b.constant:
        return False
    if a.constant or a.kind is None:
        return not a.constant or a.aux is b.aux or bool(a.aux == b.aux)
    if not a.kind.matches(a.aux, b.aux) or len(a.children) != len(b.children):
        return False
    return all(same_structure(x, y) for x, y in zip(a.children, b.children))


def same_bits(a: Any, b: Any) -> bool:
    """True if two leaves have the same type, shape and bits."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, onp.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (float, complex, onp.generic)):
        x, y = onp.asarray(a), onp.asarray(b)
        return x.dtype == y.dtype and x.tobytes() == y.tobytes()
    return bool(a == b)


class Print:
    """What an array that is not kept is known by: layout, dtype, a fingerprint of its bits."""

    __slots__ = ("bits", "like")

    def __init__(self, array: onp.ndarray) -> None:
        self.like = (array.dtype, array.shape, array.strides, array.flags.writeable)
        self.bits = fingerprint(array)

    def matches(self, other: Any) -> bool:
        """True if this is an array of the same layout, dtype and bits."""
        if type(other) is not onp.ndarray:
            return False
        found = Print(other)
        return found.like == self.like and found.bits == self.bits


def to_compare(leaf: Any) -> Any:
    """What `same_as_kept` takes to tell whether this leaf has changed."""
    if not isinstance(leaf, onp.ndarray):
        return leaf
    if leaf.nbytes >= _PRINTED and type(leaf) is onp.ndarray:
        return Print(leaf)
    return leaf.copy(order="K")


def same_as_kept(kept: Any, leaf: Any) -> bool:
    """True if a leaf has the type, shape and bits that it had when `to_compare` was given it."""
    return kept.matches(leaf) if isinstance(kept, Print) else same_bits(kept, leaf)


def first_difference(
    plain: Sequence[Any], other: Sequence[Any], paths: Sequence[str], rounding: float = 0.0
) -> str | None:
    """How the leaves of a recorded or replayed result differ from f's own, beyond rounding.

    Differences up to `rounding` are none, however small the results are.
    """
    if len(plain) != len(other):
        return f"it has {len(other)} leaves instead of {len(plain)}"
    for wanted, found, path in zip(plain, other, paths):
        text = _difference(wanted, found, rounding)
        if text is not None:
            return f"the result{path} {text}"
    return None


def _difference(wanted: Any, found: Any, rounding: float) -> str | None:
    if type(wanted) is not type(found):
        found_type, wanted_type = (type(x).__qualname__ for x in (found, wanted))
        if found_type == wanted_type:  # Python's bool, and NumPy's
            found_type, wanted_type = (
                f"{type(x).__module__}.{type(x).__qualname__}" for x in (found, wanted)
            )
        return f"is of type {found_type} instead of {wanted_type}"
    if not isinstance(wanted, (float, complex, onp.generic, onp.ndarray)):
        return None if wanted is found or wanted == found else f"is {found!r} instead of {wanted!r}"
    a, b = onp.asarray(wanted), onp.asarray(found)
    if a.dtype != b.dtype or a.shape != b.shape:
        return f"is {b.dtype}{list(b.shape)} instead of {a.dtype}{list(a.shape)}"
    if a.dtype.kind not in "fc":
        return None if a.tobytes() == b.tobytes() else "has other values"
    size = error = a.dtype.type(0).real
    for start in range(0, a.size, _PART):
        x, y = a.flat[start : start + _PART], b.flat[start : start + _PART]
        with onp.errstate(all="ignore"):
            finite = onp.isfinite(x)
            if not onp.array_equal(x[~finite], y[~finite], equal_nan=True):
                return "has infinities or NaNs at other places"
            if not finite.any():
                continue
            size = max(size, onp.max(onp.abs(x[finite])))
            differences = onp.abs(x[finite] - y[finite])
            if onp.isnan(differences).any():
                error = onp.inf
            else:
                error = max(error, onp.max(differences))
    if not error <= max(size * _ROUNDING[a.dtype.char], rounding):
        return f"differs by {float(error):.3g} where f's own values are up to {float(size):.3g}"
    return None
