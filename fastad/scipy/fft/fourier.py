"""Fourier transforms, which are differentiated as NumPy's of the same name; hfft2 and its kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp

from ... import numpy as np
from ..registry import Array, as_value
from .space import space

ALONG_ONE = "fft ifft rfft irfft hfft ihfft".split()
ALONG_SOME = "fftn ifftn rfftn irfftn".split()
ALONG_TWO = "fft2 ifft2 rfft2 irfft2".split()


def _one(name: str) -> Callable[..., Array]:
    theirs = getattr(np.fft, name)

    def derivative(
        x: Array,
        n: Any = None,
        axis: int = -1,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Array:
        return theirs(as_value(x), n, axis, norm)

    return derivative


def _some(name: str, default: Any = None) -> Callable[..., Array]:
    theirs = getattr(np.fft, name)

    def derivative(
        x: Array,
        s: Any = None,
        axes: Any = default,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Array:
        x = as_value(x)
        s = _lengths(s)
        return theirs(x, s, _axes(x, s, axes), norm)

    return derivative


def _lengths(s: Any) -> Any:
    """A length for each transformed axis, of one number too."""
    return s if s is None or onp.ndim(s) else (s,)


def _axes(x: Array, s: Any, axes: Any) -> Any:
    """The transformed axes: of lengths alone, the last ones."""
    if axes is not None or s is None:
        return axes if axes is None or onp.ndim(axes) else (axes,)
    return tuple(range(x.ndim - len(s), x.ndim))


for _name in ALONG_ONE:
    space.derivative_of(_name)(_one(_name))
for _name in ALONG_SOME:
    space.derivative_of(_name)(_some(_name))
for _name in ALONG_TWO:
    space.derivative_of(_name)(_some(_name, (-2, -1)))

# ---- of Hermitian arrays, along several axes -----------------------------------------------------

INVERSE = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def _hermitian(forwards: bool, default: Any) -> Callable[..., Array]:
    def derivative(
        x: Array,
        s: Any = None,
        axes: Any = default,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Array:
        """The other direction's transform of the conjugate, with the norm of the other direction.

        hfftn(x) = irfftn(conj(x)) and ihfftn(x) = conj(rfftn(x)), but for the norms.
        """
        x = as_value(x)
        s = _lengths(s)
        axes = _axes(x, s, axes)
        if forwards:
            return np.fft.irfftn(np.conj(x), s, axes, INVERSE[norm])
        return np.conj(np.fft.rfftn(x, s, axes, INVERSE[norm]))

    return derivative


space.derivative_of("hfftn")(_hermitian(True, None))
space.derivative_of("ihfftn")(_hermitian(False, None))
space.derivative_of("hfft2")(_hermitian(True, (-2, -1)))
space.derivative_of("ihfft2")(_hermitian(False, (-2, -1)))


# ---- order of the frequencies --------------------------------------------------------------------


def _shift(name: str) -> None:
    theirs = getattr(np.fft, name)

    def derivative(x: Array, axes: Any = None) -> Array:
        return theirs(as_value(x), axes)

    space.derivative_of(name)(derivative)


_shift("fftshift")  # NumPy's own before 1.14, which are entered already
_shift("ifftshift")
