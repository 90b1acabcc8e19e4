"""Elements at places, and sums from behind, by loops of the core beside NumPy's."""

from __future__ import annotations

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import elementwise_grad, grad, make_vjp
from fastad._core import pooled_array, sums_from_behind

RNG = onp.random.default_rng(5)
ARRAYS = {
    "line": RNG.normal(size=7),
    "rows": RNG.normal(size=(7, 3)),
    "stack": RNG.normal(size=(7, 2, 3)),
    "single": RNG.normal(size=(7, 3)).astype(onp.float32),
    "turned": RNG.normal(size=(3, 7)).T,
    "steps": RNG.normal(size=(14, 3))[::2],
    "complex": RNG.normal(size=7) + 1j,
    "swapped": RNG.normal(size=7).astype(">f8"),
    "long": RNG.normal(size=5000),
}
INDICES = {
    "several": onp.array([0, 3, 3, -1, 6, -7]),
    "none": onp.array([], int),
    "table": onp.array([[0, 1], [2, -2]]),
    "narrow": onp.array([0, 3], onp.int32),
    "steps": onp.arange(14)[::3] % 7,
    "many": RNG.integers(-7, 7, 3000),
    "zero axes": onp.array(3),
}


@pytest.mark.parametrize("index", INDICES)
@pytest.mark.parametrize("array", ARRAYS)
def test_elements_at_places(array, index):
    x, places = ARRAYS[array], INDICES[index]
    expected = x[places]
    vjp, value = make_vjp(lambda x: x[places])(x)
    assert type(value) is type(expected) and value.dtype == expected.dtype
    assert onp.array_equal(value, expected)
    if isinstance(expected, onp.ndarray):
        assert value.strides == expected.strides
        value[...] = 0.0  # an array of its own
        assert onp.array_equal(x[places], expected)
    g = RNG.normal(size=expected.shape).astype(expected.dtype)
    summed = onp.zeros_like(x)
    onp.add.at(summed, places, g)
    onp.testing.assert_allclose(vjp(g), summed, rtol=1e-6 if x.dtype.itemsize == 4 else 1e-13)


@pytest.mark.parametrize("places", [[7], [-8], [0, 1, 7]])
def test_places_out_of_range_are_numpys_error(places):
    with pytest.raises(IndexError, match="out of bounds"):
        grad(lambda x: np.sum(x[onp.array(places)]))(ARRAYS["line"])


@pytest.mark.parametrize("shape", [(5,), (1,), (0,), (4, 3), (2, 3, 4), (3, 0, 2), (6000,)])
def test_sums_from_behind(shape):
    x = RNG.normal(size=shape)
    for axis in range(len(shape)):
        expected = onp.flip(onp.flip(x, axis).cumsum(axis), axis)
        assert onp.array_equal(sums_from_behind(x, axis), expected)
        got = make_vjp(lambda x, axis=axis: np.cumsum(x, axis))(x)[0](x)
        assert onp.array_equal(got, expected)
        assert onp.array_equal(np.cumsum(x, axis), onp.cumsum(x, axis))


def test_sums_from_behind_of_what_is_no_plain_array():
    for x in (2.0, [1.0, 2.0], onp.arange(3), onp.ones((4, 3)).T, onp.ones(3, onp.float32)):
        assert sums_from_behind(x, 0) is None
    assert sums_from_behind(onp.ones(3), 1) is None
    assert onp.signbit(sums_from_behind(onp.array([-0.0]), 0))


@pytest.mark.parametrize("x", [onp.ones((3, 4), onp.float32), onp.ones((4, 3)).T, onp.arange(3.0)])
def test_cumulative_sums_of_other_layouts(x):
    vjp, value = make_vjp(np.cumsum)(x)
    assert onp.array_equal(value, onp.cumsum(x)) and value.dtype == x.dtype
    assert onp.array_equal(vjp(onp.ones(x.size, x.dtype)).ravel(), onp.arange(x.size, 0, -1.0))
    along, value = make_vjp(lambda x: np.cumsum(x, 0))(x)
    assert onp.array_equal(value, onp.cumsum(x, 0))
    assert value.strides == onp.cumsum(x, 0).strides


def test_pooled_arrays_are_arrays_of_their_own():
    a, b = pooled_array((100, 50)), pooled_array((100, 50))
    a[...], b[...] = 1.0, 2.0
    assert a.shape == (100, 50) and a.sum() == 5000.0 and a.dtype == float
    assert pooled_array(()).shape == ()


def test_derivative_of_digamma_is_trigamma():
    special = pytest.importorskip("scipy.special")
    import fastad.scipy.special as sp

    x = onp.concatenate([10 ** RNG.uniform(-8, 8, 5000), RNG.uniform(0, 20, 5000)])
    onp.testing.assert_allclose(elementwise_grad(sp.digamma)(x), special.zeta(2, x), rtol=3e-15)
    second = elementwise_grad(elementwise_grad(sp.digamma))(x)
    onp.testing.assert_allclose(second, -2 * special.zeta(3, x), rtol=1e-14)
    ends = onp.array([0.0, onp.inf, onp.nan, 1e300])
    onp.testing.assert_array_equal(elementwise_grad(sp.psi)(ends), special.zeta(2, ends))
