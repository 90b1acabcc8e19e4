"""Adjoints that are written by loops of their own, against NumPy's definitions: what an index took,
what was spread along a short axis, what einsum contracted, what partition and median chose.
"""

from __future__ import annotations

import itertools

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import grad, make_vjp

LAYOUTS = {
    "C": lambda x: x,
    "Fortran": onp.asfortranarray,
    "strided": lambda x: onp.repeat(x, 2, -1)[..., ::2],
    "reversed": lambda x: x[::-1],
}
PLACES = onp.array([2, 0, -1, 2, 1])
INDICES = [
    onp.s_[::-1],
    onp.s_[1:],
    onp.s_[::2, ::-1],
    onp.s_[..., None],
    onp.s_[None, :, ::-2],
    onp.s_[1],
    onp.s_[1, -2],
    onp.s_[-1, ..., 1],
    onp.s_[2:1],
    onp.s_[()],
    onp.s_[:, -1:],
    PLACES,
    PLACES.astype(onp.int32),
    PLACES.reshape(5, 1),
    PLACES[::2],
    [0, 1, 0],
    onp.s_[:, PLACES],
    onp.s_[:, [1, 1]],
    onp.s_[PLACES, ::-1],
    onp.s_[PLACES, PLACES],
    onp.s_[PLACES, 1],
    onp.array([], onp.intp),
    onp.array([True, False, True]),
]


@pytest.mark.parametrize("dtype", [onp.float64, onp.float32, onp.float16, onp.complex128])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", range(len(INDICES)))
def test_adjoint_of_an_index(number, layout, dtype, random):
    index = INDICES[number]
    for shape in [(3, 4), (3, 5, 2), (3, 3, 3)]:
        x = LAYOUTS[layout](random.normal(size=shape)).astype(dtype)
        value = x[index]
        g = LAYOUTS[layout](onp.asarray(random.normal(size=value.shape))) if value.ndim else 1.7
        g = onp.asarray(g).astype(dtype)[()]
        expected = onp.zeros(shape, dtype)
        onp.add.at(expected, index, g)
        given = make_vjp(lambda x: x[index])(x)[0](g)
        assert given.dtype == dtype and given.shape == shape
        onp.testing.assert_array_equal(given, expected)
        # Into a cotangent that is there already, before and after.
        for order in (lambda a, b: a + b, lambda a, b: b + a):
            both = make_vjp(lambda x: (lambda part: order(part, part * 2))(x[index]) + x[index])(x)
            twice = onp.zeros(shape, dtype)
            onp.add.at(twice, index, 4 * g)
            close = 8 * onp.finfo(dtype).eps * max(1.0, float(abs(twice).max(initial=0.0)))
            onp.testing.assert_allclose(both[0](g), twice, rtol=0, atol=close)


@pytest.mark.parametrize("dtype", [onp.float64, onp.float32])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_sums_along_a_short_axis(layout, dtype, random):
    for lead, length in itertools.product([(1,), (5,), (40,), (7, 9)], range(1, 10)):
        g = LAYOUTS[layout](random.normal(size=(*lead, length))).astype(dtype, copy=False)
        x = random.normal(size=(*lead, 1)).astype(dtype)
        own = make_vjp(lambda x: np.broadcast_to(x, g.shape))(x)[0](g)
        assert own.dtype == dtype
        onp.testing.assert_array_equal(own, g.sum(axis=-1, keepdims=True))


CONTRACTIONS = {
    "ij,jk->ik": [(4, 3), (3, 5)],
    "ij,jk->ki": [(4, 3), (3, 5)],
    "bij,bjk->bik": [(2, 4, 3), (2, 3, 5)],
    "bij,jk->kbi": [(2, 4, 3), (3, 5)],
    "fij,bhwij->bfhw": [(2, 3, 3), (2, 4, 5, 3, 3)],
    "i,j->ij": [(3,), (4,)],
    "i,i->": [(3,), (3,)],
    "i,i->i": [(3,), (3,)],
    "ij,ij->i": [(4, 3), (4, 3)],
    "ij,jk->i": [(4, 3), (3, 5)],
    "ii,ij->j": [(3, 3), (3, 4)],
    "ij,kl->lijk": [(2, 3), (2, 2)],
    "...ij,...jk->...ik": [(2, 4, 3), (2, 3, 5)],
    "ij,jk->ik broadcast": [(1, 1), (3, 5)],
}


@pytest.mark.parametrize("name", CONTRACTIONS)
def test_contractions_by_matrices(name, random):
    subscripts = name.split(" broadcast")[0]
    a, b = (random.normal(size=shape) for shape in CONTRACTIONS[name])
    g = random.normal(size=onp.einsum(subscripts, a, b).shape)
    for k, x in enumerate((a, b)):
        own = grad(lambda *ab: np.sum(g * np.einsum(subscripts, *ab)), k)(a, b)
        expected = onp.zeros(x.shape)
        for place in onp.ndindex(*x.shape):  # linear in each operand: one element after the other
            unit = onp.zeros(x.shape)
            unit[place] = 1.0
            pair = (unit, b) if k == 0 else (a, unit)
            expected[place] = onp.sum(g * onp.einsum(subscripts, *pair))
        onp.testing.assert_allclose(own, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["median", "quantile"])
@pytest.mark.parametrize("length", [5, 6, 127, 128, 301])
def test_order_statistics_of_long_rows(name, length, random):
    """The values that are chosen, however the rows are ordered."""
    x = random.normal(size=(3, length))
    options = {} if name == "median" else {"q": 0.3}
    own = grad(lambda x: np.sum(getattr(np, name)(x, axis=1, **options)))(x)
    place = (0.5 if name == "median" else 0.3) * (length - 1)
    low, share = int(place), place - int(place)
    order = onp.argsort(x, axis=1)
    expected = onp.zeros(x.shape)
    onp.put_along_axis(expected, order[:, low : low + 1], 1 - share, 1)
    if share:
        onp.put_along_axis(expected, order[:, low + 1 : low + 2], share, 1)
    onp.testing.assert_allclose(own, expected, atol=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", ["sort", "partition"])
def test_permutations(name, ties, random):
    """Each cotangent comes to an element that has the value it belongs to, each to one."""
    for shape, axis in [((9,), 0), ((400,), -1), ((6, 7), 0), ((6, 7), 1), ((5, 4, 3), 1)]:
        x = random.normal(size=shape)
        if ties:
            x = onp.round(x)
        rest = (2,) if name == "partition" else ()
        ans = getattr(onp, name)(x, *rest, axis=axis)
        g = random.permutation(x.size).reshape(shape).astype(float)
        own = make_vjp(lambda x: getattr(np, name)(x, *rest, axis=axis))(x)[0](g)

        def pairs(value, cotangent):
            lines = (
                onp.moveaxis(one, axis, -1).reshape(-1, shape[axis]) for one in (value, cotangent)
            )
            return [sorted(zip(*line)) for line in zip(*lines)]

        assert pairs(x, own) == pairs(ans, g)
