"""Views, copies and casts, which take short ways into NumPy, beside NumPy, in every layout."""

from __future__ import annotations

import warnings

import numpy as onp
import pytest
from cases import A

import fastad.numpy as np
from fastad import getval, jit, make_jvp, make_vjp
from fastad.test_util import check_grads

LAYOUTS = {
    "C": lambda x: x,
    "fortran": onp.asfortranarray,
    "reversed": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "strided": lambda x: onp.repeat(x, 2, 1)[:, ::2],
    "broadcast": lambda x: onp.broadcast_to(x[:1], x.shape),
    "read-only": lambda x: _closed(x.copy()),
    "one row": lambda x: x[:1],
    "one column": lambda x: x[:, :1],
    "empty": lambda x: x[:0],
    "single precision": lambda x: x.astype("f4"),
}
VIEWS = {
    "T": lambda np, x: x.T,
    "T of a vector": lambda np, x: x[0:1].reshape(-1).T,
    "transpose": lambda np, x: np.transpose(x),
    "transpose by axes": lambda np, x: np.transpose(x[None], (2, 0, 1)),
    "method": lambda np, x: x.transpose(1, 0),
    "swapaxes": lambda np, x: np.swapaxes(x, 0, -1),
    "swapaxes of one": lambda np, x: np.swapaxes(x, 1, 1),
    "moveaxis": lambda np, x: np.moveaxis(x[:, :, None], 2, 0),
    "reshape": lambda np, x: x.reshape(x.size),
    "reshape to two": lambda np, x: x.reshape(x.shape[1], x.shape[0]),
    "reshape by a tuple": lambda np, x: x.reshape((1, *x.shape, 1)),
    "reshape by a list": lambda np, x: x.reshape([x.size, 1]),
    "reshape by integers": lambda np, x: x.reshape(onp.int64(x.size), onp.int32(1)),
    "reshape by an array": lambda np, x: x.reshape(onp.array([1, x.size])),
    "reshape with a length to find": lambda np, x: x.reshape(x.shape[0] or 1, -1),
    "reshape in another order": lambda np, x: x.reshape(x.size, order="F"),
    "reshape as it is": lambda np, x: x.reshape(x.shape),
    "ravel": lambda np, x: x.ravel(),
    "ravel in memory's order": lambda np, x: np.ravel(x, order="K"),
    "expand_dims": lambda np, x: np.expand_dims(x, (0, 2)),
    "squeeze": lambda np, x: np.squeeze(x[None]),
    "broadcast_to": lambda np, x: np.broadcast_to(x, (2, *x.shape)),
    "rows backwards": lambda np, x: x[::-1],
    "copy": lambda np, x: x.copy(),
    "copy in memory's order": lambda np, x: x.copy("K"),
    "copy in another order": lambda np, x: x.copy(order="F"),
    "copy by the function": lambda np, x: np.copy(x),
    "copy of columns": lambda np, x: np.copy(x.T, order="C"),
    "astype": lambda np, x: x.astype("float32"),
    "astype of its own": lambda np, x: x.astype(x.dtype),
    "astype to double": lambda np, x: x.astype(float),
    "astype to complex": lambda np, x: x.astype(complex),
    "astype of columns": lambda np, x: x.T.astype(onp.float32),
    "astype without a copy": lambda np, x: x.astype(float, copy=False),
}
if hasattr(onp.ndarray, "mT"):
    VIEWS["mT"] = lambda np, x: x[None].mT


def _closed(x):
    x.flags.writeable = False
    return x


def _pulled_back(function, x, g):
    """The adjoint of a map that moves elements, by where NumPy moves their numbers to."""
    places = function(onp, onp.arange(float(x.size)).reshape(x.shape)).real.astype(int)
    result = onp.zeros(x.size)
    onp.add.at(result, places.ravel(), onp.real(g).ravel())
    return result.reshape(x.shape)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", VIEWS)
def test_values_and_both_modes(name, layout):
    function, x = VIEWS[name], LAYOUTS[layout](A(4, 3))
    expected = function(onp, x)
    seen = []

    def traced(x):
        seen.append(getval(function(np, x)))
        return function(np, x)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vjp, value = make_vjp(traced)(x)
    for got in (value, *seen):
        assert got.dtype == expected.dtype
        onp.testing.assert_array_equal(got, expected)
    raw = seen[0]
    assert raw.flags.writeable == expected.flags.writeable
    assert raw.strides == expected.strides or raw.size < 2 or 1 in raw.shape
    assert onp.shares_memory(raw, x) == onp.shares_memory(expected, x)
    g = onp.asarray(onp.cos(onp.arange(expected.size)).reshape(expected.shape), expected.dtype)
    cotangent = vjp(g)
    assert cotangent.dtype == x.dtype and cotangent.shape == x.shape
    if "memory" not in name:  # the places would lie in another order than x
        onp.testing.assert_allclose(cotangent, _pulled_back(function, x, g), rtol=1e-6)
    t = onp.asarray(onp.sin(onp.arange(x.size)).reshape(x.shape), x.dtype)
    tangent = make_jvp(lambda x: function(np, x))(x)(t)[1]
    assert tangent.dtype == expected.dtype
    if "memory" not in name:
        onp.testing.assert_array_equal(tangent, function(onp, t))
    replayed = jit(lambda x: function(np, x) * 1.0)
    for k in range(5):
        y = LAYOUTS[layout](A(4, 3) + k)
        onp.testing.assert_array_equal(replayed(y), function(onp, y) * 1.0)


@pytest.mark.parametrize("name", VIEWS)
def test_order_two(name):
    function = VIEWS[name]
    if "astype" in name and (
        "complex" in name or "32" in name or name in ("astype", "astype of columns")
    ):
        x = A(4, 3).astype("f4") if "complex" not in name else A(4, 3)
        hessian_of = make_vjp(
            lambda x: make_vjp(lambda x: function(np, x) ** 3)(x)[0](
                function(onp, onp.ones_like(x))
            )
        )(x)
        got = hessian_of[0](onp.ones_like(x))
        onp.testing.assert_allclose(got, 6 * x, rtol=1e-5)
        return
    check_grads(lambda x: function(np, x) ** 3, modes=["fwd", "rev"], order=2)(A(4, 3))


def test_what_is_wrong_numpy_says():
    x = A(4, 3)
    for wrong in (
        lambda x: x.reshape(5),
        lambda x: x.reshape(-1, -1),
        lambda x: x.reshape(5, -1),
        lambda x: np.swapaxes(x, 0, 2),
        lambda x: np.transpose(x, (0, 0)),
        lambda x: x[0].mT,
        lambda x: x.copy("Q"),
    ):
        with pytest.raises((ValueError, AttributeError)):
            make_vjp(wrong)(x)
    with pytest.raises(TypeError):
        make_vjp(lambda x: x.reshape(2.5))(x)
