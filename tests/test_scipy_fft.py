"""`fastad.scipy.fft` against SciPy: every transform, norm and type."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy")

import scipy.fft as theirs
from against_scipy import agrees

import fastad.numpy as np
from fastad import grad
from fastad.scipy import fft

BOTH = fft, theirs
NORMS = [None, "ortho", "forward"]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", "fft ifft rfft irfft hfft ihfft".split())
def test_fourier(name, norm, random):
    x = random.standard_normal((3, 5))
    agrees(lambda m, x: getattr(m, name)(x, norm=norm), BOTH, x)
    agrees(lambda m, x: getattr(m, name)(x, 4, axis=0, norm=norm), BOTH, x, order=1)
    if name not in ("rfft", "ihfft"):
        agrees(lambda m, x: getattr(m, name)(x, norm=norm), BOTH, x + 1j * x[::-1], order=1)


@pytest.mark.parametrize("name", "fftn ifftn rfftn irfftn hfftn ihfftn fft2 hfft2 irfft2".split())
def test_fourier_along_axes(name, random):
    x = random.standard_normal((3, 2, 4))
    for norm in NORMS:
        agrees(lambda m, x, norm=norm: getattr(m, name)(x, norm=norm), BOTH, x, order=1)
    agrees(lambda m, x: getattr(m, name)(x, (3, 4), axes=(2, 0)), BOTH, x)
    agrees(lambda m, x: getattr(m, name)(x, s=(4, 3)), BOTH, x, order=1)


@pytest.mark.parametrize("ortho", [None, True, False])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("type_", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["dct", "idct", "dst", "idst"])
def test_cosines_and_sines(name, type_, norm, ortho, random):
    options = {} if ortho is None else {"orthogonalize": ortho}
    call = lambda m, x: getattr(m, name)(x, type_, norm=norm, **options)
    agrees(call, BOTH, random.standard_normal((2, 5)), order=2 if ortho is None else 1)
    call = lambda m, x: getattr(m, name + "n")(x, type_, norm=norm, **options)
    agrees(call, BOTH, random.standard_normal((3, 4)), order=1, replayed=ortho is None)


def test_lengths_axes_and_shifts(random):
    x = random.standard_normal((4, 5))
    agrees(lambda m, x: m.dct(x, n=7, axis=0), BOTH, x)
    agrees(lambda m, x: m.dst(x, n=3), BOTH, x)
    agrees(lambda m, x: m.dctn(x, s=(7,), axes=(0,)), BOTH, x)
    agrees(lambda m, x: m.dctn(x, s=(3, 6)), BOTH, x)
    agrees(lambda m, x: m.fftshift(x), BOTH, x)
    agrees(lambda m, x: m.ifftshift(x, axes=1), BOTH, x)
    assert fft.next_fast_len(509) == theirs.next_fast_len(509)


def test_dtypes_and_what_has_no_rule(random):
    x = random.standard_normal(6).astype(onp.float32)
    assert fft.dct(x).dtype == grad(lambda x: np.sum(fft.dct(x) ** 2))(x).dtype == onp.float32
    with pytest.raises(NotImplementedError, match="fht"):
        grad(lambda x: fft.fht(x, 0.1, 0.0)[0])(random.standard_normal(8))
