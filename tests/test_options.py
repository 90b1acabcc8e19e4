"""Options that few programs use: dtype, where, initial, mean, ddof; and NumPy's own errors."""

from __future__ import annotations

import warnings

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import _core, getval, grad, make_vjp
from fastad.test_util import check_grads

R = onp.random.default_rng(20261122)
X = R.uniform(0.2, 2.0, (3, 4))
HOLED = X.copy()
HOLED[[0, 2, 1, 2], [0, 1, 2, 3]] = onp.nan
MASK = onp.array([[1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 0]], bool)
ROW = onp.array([True, False, True, True])
NUMPY_2 = onp.lib.NumpyVersion(onp.__version__) >= "2.0.0"

CALLS = {
    "sum, where": lambda n, x: n.sum(x, where=MASK),
    "sum, where, axis": lambda n, x: n.sum(x, axis=1, where=ROW, keepdims=True),
    "sum, initial": lambda n, x: n.sum(x, axis=0, initial=2.5),
    "sum, nothing chosen": lambda n, x: n.sum(x, axis=0, where=onp.zeros((3, 4), bool)),
    "sum, method": lambda n, x: x.sum(1, where=MASK, initial=1.0),
    "mean, where": lambda n, x: n.mean(x, where=MASK),
    "mean, where, axis": lambda n, x: n.mean(x, axis=0, where=MASK, keepdims=True),
    "max, initial": lambda n, x: n.max(x, axis=1, initial=1.0),
    "max, where": lambda n, x: n.max(x, axis=0, initial=-onp.inf, where=MASK),
    "min, where": lambda n, x: n.min(x, initial=5.0, where=MASK),
    "amin, initial": lambda n, x: n.amin(x, axis=0, initial=0.7),
    "prod, where": lambda n, x: n.prod(x, axis=0, where=MASK),
    "prod, initial": lambda n, x: n.prod(x, axis=1, initial=2.0),
    "var, where": lambda n, x: n.var(x, axis=0, where=MASK),
    "var, where, ddof": lambda n, x: n.var(x, where=MASK, ddof=1),
    "std, where": lambda n, x: n.std(x, axis=1, where=MASK, keepdims=True),
    "nansum, where": lambda n, x: n.nansum(x, axis=0, where=MASK, initial=1.5),
    "nanprod, where": lambda n, x: n.nanprod(x, axis=1, where=MASK),
    "nanmean, where": lambda n, x: n.nanmean(x, axis=1, where=MASK),
    "nanvar, where": lambda n, x: n.nanvar(x, axis=1, where=MASK),
    "nanstd, where": lambda n, x: n.nanstd(x, where=MASK, ddof=1),
    "nanmax, where": lambda n, x: n.nanmax(x, axis=0, initial=-onp.inf, where=MASK),
    "nanmin, initial": lambda n, x: n.nanmin(x, axis=1, initial=0.9),
    "add.reduce": lambda n, x: n.add.reduce(x, where=MASK, initial=1.0),
    "multiply.reduce": lambda n, x: n.multiply.reduce(x, axis=1, initial=2.0),
    "maximum.reduce": lambda n, x: n.maximum.reduce(x, axis=1, initial=1.0),
    "sin, no-ops": lambda n, x: n.sin(x, out=None, where=True, casting="same_kind", order="K"),
    "multiply, no-ops": lambda n, x: n.multiply(x, x, None, dtype=None),
}
if NUMPY_2:
    CALLS |= {
        "var, mean": lambda n, x: n.var(x, axis=0, mean=n.mean(x, axis=0, keepdims=True)),
        "std, constant mean": lambda n, x: n.std(x, axis=1, mean=onp.full((3, 1), 0.5)),
        "nanvar, mean": lambda n, x: n.nanvar(x, axis=0, mean=onp.full((1, 4), 0.5)),
        "var, correction": lambda n, x: n.var(x, axis=0, correction=1),
    }
if onp.lib.NumpyVersion(onp.__version__) >= "2.1.0":
    CALLS |= {
        "clip, min and max": lambda n, x: n.clip(x, min=0.5, max=1.5),
        "clip, max": lambda n, x: n.clip(x, max=1.5),
    }


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("holes", [False, True], ids=["full", "holed"])
def test_value_and_derivatives(name, holes):
    if holes and not name.startswith("nan"):
        holes = False
    x = HOLED if holes else X
    value = make_vjp(lambda x: CALLS[name](np, x))(x)[1]
    onp.testing.assert_array_equal(value, CALLS[name](onp, x))
    assert type(value) is type(CALLS[name](onp, x))
    present = ~onp.isnan(x)

    def of_present(v):
        filled = np.where(present, np.reshape(v, x.shape), x)
        return CALLS[name](np, filled)

    check_grads(of_present, order=2)(onp.where(present, x, 0.0).ravel())


@pytest.mark.parametrize(
    "call",
    [
        lambda n, x, d: n.sum(x, dtype=d),
        lambda n, x, d: n.sum(x, axis=0, dtype=d, where=MASK),
        lambda n, x, d: n.mean(x, axis=1, dtype=d),
        lambda n, x, d: n.prod(x, axis=1, dtype=d, initial=2.0),
        lambda n, x, d: n.var(x, axis=0, dtype=d, where=MASK),
        lambda n, x, d: n.nansum(x, axis=0, dtype=d),
        lambda n, x, d: n.nanmean(x, dtype=d),
        lambda n, x, d: n.nanstd(x, axis=0, dtype=d),
        lambda n, x, d: n.exp(x, dtype=d, casting="same_kind"),
        lambda n, x, d: n.add(x, 1.0, dtype=d, casting="same_kind"),
        lambda n, x, d: n.add.reduce(x, dtype=d),
        lambda n, x, d: n.add.accumulate(x, 1, dtype=d),
    ],
)
def test_dtype(call):
    for given in (onp.float64, onp.float32):
        for wanted in (onp.float64, onp.float32):
            x = X.astype(given)
            vjp, value = make_vjp(lambda x: call(np, x, wanted))(x)
            expected = call(onp, x, wanted)
            assert value.dtype == expected.dtype
            onp.testing.assert_array_equal(value, expected)
            g = vjp(onp.ones_like(value))
            assert g.dtype == given
            close = grad(lambda x: np.sum(call(np, x, onp.float64)))(X)
            onp.testing.assert_allclose(g, close, rtol=1e-4)


Q, R_ = X[:, :3], X[:, 1:]
TURNED = [(0, 1), (1, 0), (1, 0)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "call",
    [
        lambda n, x, y: n.matmul(x, y, axes=TURNED),
        lambda n, x, y: n.matmul(x, y, axes=[(-1, -2), (0, 1), (0, 1)]),
        lambda n, x, y: n.matmul(x, y[0], axes=[(1, 0), (0,), 0]),
        lambda n, x, y: n.multiply.outer(x, y)[0] @ n.matmul(x, y, axes=TURNED, dtype=float),
        lambda n, x, y: n.multiply(x, y, sig="dd->d"),
        lambda n, x, y: n.real(n.multiply(x, y, signature="DD->D") * (1 + 2j)),
        lambda n, x, y: n.power(x, y, signature=(float, None, None)),
        lambda n, x, y: n.matmul(x, y, signature="dd->d", axes=TURNED),
        lambda n, x, y: n.absolute(x * (1 + 2j) + 1j * y, dtype=float),
        lambda n, x, y: n.absolute(x * (1 + 2j) + 1j * y, signature="D->d"),
        lambda n, x, y: n.real(n.power(-x, y, dtype=complex)),
        lambda n, x, y: n.multiply(x, 2, dtype=float, casting="safe") * y,
        lambda n, x, y: n.add(x * (1 + 2j), 1j * y, dtype=float, casting="unsafe"),
    ],
)
def test_axes_and_signatures_of_ufuncs(call):
    expected = call(onp, Q, R_)
    value = make_vjp(lambda x, y: call(np, x, y), (0, 1))(Q, R_)[1]
    assert value.dtype == expected.dtype
    onp.testing.assert_array_equal(value, expected)
    check_grads(lambda x, y: call(np, x, y), (0, 1), order=2)(Q, R_)


def test_loops_of_other_types_by_signature():
    narrow, g = make_vjp(lambda x: np.power(x, Q, sig="ff->f", casting="same_kind"))(R_)[::-1]
    assert narrow.dtype == onp.float32 and g(onp.ones_like(narrow)).dtype == onp.float64
    for options in ({"sig": "ll->l"}, {"signature": (None, None, int)}, {"dtype": int}):
        call = lambda n, x: n.multiply(x, Q, casting="unsafe", **options)
        with _core.Tape() as tape:
            whole = call(np, tape.box(R_))
        assert not isinstance(whole, _core.Box)  # of integers there is no derivative
        onp.testing.assert_array_equal(whole, call(onp, R_))


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std"])
def test_reductions_to_whole_numbers_are_constants(name):
    with _core.Tape() as tape:
        found = getattr(np, name)(tape.box(X * 9), dtype=int)
    assert not isinstance(found, _core.Box)
    onp.testing.assert_array_equal(found, getattr(onp, name)(X * 9, dtype=int))


def test_traced_options():
    x = X[0]
    assert grad(lambda i: np.sum(x, initial=i * i))(3.0) == 6.0
    assert grad(lambda i: np.max(x, initial=i * i))(3.0) == 6.0
    assert grad(lambda i: np.max(x, initial=i * i))(0.1) == 0.0
    onp.testing.assert_allclose(grad(lambda i: np.prod(x, initial=i))(2.0), onp.prod(x))
    n = len(x)
    onp.testing.assert_allclose(
        grad(lambda d: np.var(x, ddof=d))(1.0), onp.var(x) * n / (n - 1) ** 2, rtol=1e-12
    )


def test_numbers_are_reduced_along_axis_0():
    for value in (2.5, onp.float64(2.5), onp.array(2.5)):
        for name in ("sum", "max", "min", "prod", "nansum", "nanmax", "nanmin", "mean"):
            for axis in (0, -1, None, ()):
                function = getattr(np, name)
                if axis == () and name == "mean":
                    continue
                try:
                    expected = getattr(onp, name)(value, axis=axis)
                except Exception as error:
                    with pytest.raises(type(error)):
                        grad(lambda x: function(x, axis=axis))(value)
                    continue
                assert grad(lambda x: function(x, axis=axis))(value) == 1.0
                assert getval(make_vjp(lambda x: function(x, axis=axis))(value)[1]) == expected
        assert grad(lambda x: np.subtract.reduce(x, axis=None))(value) == 1.0


WRONG = [
    lambda n, x: n.sum(x, bogus=1),
    lambda n, x: n.sum(x, 0, None, None, False, 0.0, True, 3),
    lambda n, x: n.sum(x, keepdims="a"),
    lambda n, x: n.sum(x, keepdims=None),
    lambda n, x: n.sum(x, axis=[0, 1]),
    lambda n, x: n.sum(x, dtype="bogus"),
    lambda n, x: n.max(x, axis=[0, 1]),
    lambda n, x: n.max(x, where=MASK),
    lambda n, x: n.max(x, axis=5),
    lambda n, x: n.min(x, initial="a"),
    lambda n, x: n.mean(x, axis=[0]),
    lambda n, x: n.mean(x, keepdims="a"),
    lambda n, x: n.prod(x, keepdims="a"),
    lambda n, x: n.prod(x, axis=[0]),
    lambda n, x: n.prod(x, bogus=2),
    lambda n, x: n.var(x, keepdims="a"),
    lambda n, x: n.var(x, axis=[0]),
    lambda n, x: n.std(x, bogus=2),
    lambda n, x: n.ptp(x, keepdims="a"),
    lambda n, x: n.nansum(x, axis=[0]),
    lambda n, x: n.nanmax(x, axis=[0]),
    lambda n, x: n.nanvar(x, dtype=int),
    lambda n, x: n.sin(x, bogus=1),
    lambda n, x: n.sin(),
    lambda n, x: n.add(x),
    lambda n, x: n.add(x, x, dtype="bogus"),
    lambda n, x: n.exp(x, dtype=onp.float32, casting="no"),
    lambda n, x: n.clip(x, 0.0, 1.0, bogus=1),
    lambda n, x: n.reshape(x),
]


@pytest.mark.parametrize("call", WRONG)
def test_wrong_options_are_numpys_error(call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Exception) as expected:
            call(onp, X)
        with _core.Tape() as tape:
            with pytest.raises(type(expected.value)) as raised:
                call(np, tape.box(X))
    assert str(raised.value) == str(expected.value)
    assert grad(lambda x: x**3)(2.0) == 12.0


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(x, out=onp.zeros(())),
        lambda x: np.sin(x, out=onp.zeros((3, 4))),
        lambda x: np.sin(x, onp.zeros((3, 4))),
        lambda x: np.add(x, 1.0, where=MASK),
        lambda x: np.nanmean(x, out=onp.zeros(())),
    ],
)
def test_what_writes_into_an_argument_is_refused(call):
    with pytest.raises(TypeError, match="fastad.*numpy.where|use the returned value"):
        grad(lambda x: np.sum(call(x)))(X)
