"""Odd calls, at which traced values once answered otherwise than NumPy: errors, types, values."""

from __future__ import annotations

import warnings

import numpy as onp
import pytest
from cases import flat
from points import A, P

import fastad.numpy as np
from fastad import _core, getval, grad, jacobian, make_jvp, make_vjp
from fastad.test_util import check_grads

X = onp.array([1.5, 2.5, 0.5])
M = onp.arange(6.0).reshape(2, 3) + 0.5
S = onp.array(2.5)
HOLES = onp.array([[False, True, False], [False, False, False]])
INFINITE = onp.array([onp.nan, onp.inf, -onp.inf])
FIRST, BOTH = onp.array([True, False, False]), onp.array([[True, False, True], [False, True, True]])
TABLE = [[0.1, 0.5], [0.6, 0.9]]
DATA = onp.array([0.1, 0.45, 0.8, 0.45, 1.7, -0.3])
PLACE = onp.array([0.2, 1.0, 0.6, 0.5, 0.1, 0.4])
SAME = onp.array([0.0, 0.0, 1.0, 2.0, 2.0])


def holed(n, m):
    return n.where(HOLES, onp.nan, m)


def six(n, x):
    return n.concatenate([x, x * x])


# Each is called with arrays of 1, 2 and 0 dimensions, all of them traced.
CALLS = {
    # selection
    "take of a number": lambda n, x, m, s: n.take(s, 0, axis=0),
    "take of a number, no axis": lambda n, x, m, s: n.take(s, [0, 0]),
    "take of a number, axis 1": lambda n, x, m, s: n.take(s, 0, axis=1),
    "take, mode 0": lambda n, x, m, s: n.take(x, [0, 7], mode=0),
    "take, mode 1": lambda n, x, m, s: n.take(m, [0, 4, -5], axis=1, mode=1),
    "take, mode 2": lambda n, x, m, s: n.take(x, [0, 1], mode=2),
    "take, mode 2, out of range": lambda n, x, m, s: n.take(x, [0, 4], mode=2),
    "take, mode 1.0": lambda n, x, m, s: n.take(x, [0], mode=1.0),
    "take, mode []": lambda n, x, m, s: n.take(x, [0], mode=[]),
    "take by floats": lambda n, x, m, s: n.take(x, onp.ones(2)),
    "take by no floats": lambda n, x, m, s: n.take(x, onp.zeros(0)),
    "take by an empty list": lambda n, x, m, s: n.take(x, []),
    "take by a list of floats": lambda n, x, m, s: n.take(x, [1.5, 0.0]),
    "take by a traced value": lambda n, x, m, s: n.take(x, s),
    "clip, method": lambda n, x, m, s: x.clip(1.0),
    "clip, method, max": lambda n, x, m, s: m.clip(max=s * 1.1) * x.clip(None, 2.0),
    "clip, method, min": lambda n, x, m, s: m.clip(min=x * 0.9),
    "clip, method, both": lambda n, x, m, s: m.clip(x, s * 1.5),
    "clip, method, none": lambda n, x, m, s: x.clip(),
    "clip, function of one bound": lambda n, x, m, s: n.clip(x, 1.0),
    "clip, bounds twice": lambda n, x, m, s: n.clip(x, 1.0, 2.0, min=0.5),
    "full of no dimensions": lambda n, x, m, s: n.full((), x[0] * s),
    "full_like of no dimensions": lambda n, x, m, s: n.full_like(S, x[0] * s),
    "full_like of a number": lambda n, x, m, s: n.full_like(2.5, x[0]),
    "choose, mode 0": lambda n, x, m, s: n.choose([0, 4, 0], [x, x * x], mode=0),
    "choose of lists": lambda n, x, m, s: n.choose([0, 1], [[x[0], s], [x[1], 2.0]]),
    "select of lists": lambda n, x, m, s: n.select(
        [[True, False], [False, True]], [[x[0], x[1]], [s, x[2]]]
    ),
    "select, default": lambda n, x, m, s: n.select([FIRST], [x], default=s * s),
    "piecewise, None": lambda n, x, m, s: n.piecewise(x, None, [1.0]),
    "piecewise, shape": lambda n, x, m, s: n.piecewise(x, [FIRST[:2]], [1.0]),
    "piecewise, count": lambda n, x, m, s: n.piecewise(x, [FIRST], [1.0, 2.0, 3.0]),
    "piecewise, one array": lambda n, x, m, s: n.piecewise(x, FIRST, [lambda x: x * x, n.exp]),
    "piecewise, rows": lambda n, x, m, s: n.piecewise(x, BOTH, [lambda x: x * x, n.exp]),
    "piecewise, lists": lambda n, x, m, s: n.piecewise(x, BOTH.tolist(), [n.sin, n.exp, 1.5]),
    "piecewise, number": lambda n, x, m, s: n.piecewise(s, [True], [lambda x: x * x]),
    # statistics
    "nanquantile of nothing": lambda n, x, m, s: n.nanquantile(m[:0], 0.5),
    "nanquantile of nothing, axis": lambda n, x, m, s: n.nanquantile(m[:0], 0.5, axis=0),
    "nanquantile of nothing, table": lambda n, x, m, s: n.nanquantile(m[:0], TABLE),
    "nanquantile, table": lambda n, x, m, s: n.nanquantile(x, TABLE),
    "nanquantile, table, axis 0": lambda n, x, m, s: n.nanquantile(holed(n, m), TABLE, axis=0),
    "nanquantile, table, axis -1": lambda n, x, m, s: n.nanquantile(holed(n, m), TABLE, axis=-1),
    "nanquantile, table, axis 1": lambda n, x, m, s: n.nanquantile(
        holed(n, m), [[0.1], [0.5], [0.9]], axis=1, keepdims=True
    ),
    "nanquantile, table, axes": lambda n, x, m, s: n.nanquantile(
        n.multiply.outer(m, n.exp(x)), TABLE, axis=(0, 2)
    ),
    "nanquantile, table, no axes": lambda n, x, m, s: n.nanquantile(m, TABLE, axis=()),
    "nanquantile, table, all axes": lambda n, x, m, s: n.nanquantile(m, TABLE, keepdims=True),
    "nanquantile, table, method": lambda n, x, m, s: n.nanquantile(
        m, TABLE, axis=1, method="lower"
    ),
    "nanquantile, table of no q": lambda n, x, m, s: n.nanquantile(x, onp.zeros((0, 2))),
    "nanquantile, cube": lambda n, x, m, s: n.nanquantile(m, [TABLE, TABLE], axis=1),
    "nanquantile of NaN, cube": lambda n, x, m, s: n.nanquantile(x * onp.nan, [TABLE]),
    "nanquantile, number, table": lambda n, x, m, s: n.nanquantile(s, TABLE),
    "nanquantile, out of range": lambda n, x, m, s: n.nanquantile(x, [[0.5, 1.5]]),
    "nanpercentile, table": lambda n, x, m, s: n.nanpercentile(
        holed(n, m), [[10, 50], [60, 90]], axis=1
    ),
    "nanpercentile, traced table": lambda n, x, m, s: n.nanpercentile(
        holed(n, m), n.array([[10.0, 33.0 * s]]) + 0.0 * x[0], axis=0
    ),
    "corrcoef, no such argument": lambda n, x, m, s: n.corrcoef(m, bogus=1),
    "average, returned": lambda n, x, m, s: n.average(x, returned=True),
    "average, returned, axis": lambda n, x, m, s: n.average(m, axis=0, returned=True),
    "average, returned, weights": lambda n, x, m, s: n.average(m, 1, x, returned=True),
    "average, axes in a list": lambda n, x, m, s: n.average(n.multiply.outer(m, x), [0, -1]),
    "average, axes in a list, weights": lambda n, x, m, s: n.average(
        n.multiply.outer(m, x), axis=[2, 0], weights=m.T
    ),
    "average, axis True": lambda n, x, m, s: n.average(m, axis=True),
    "average of a number along 0": lambda n, x, m, s: n.average(s, axis=0),
    "var of a number along 0": lambda n, x, m, s: n.var(s, axis=0),
    "std of a number along -1": lambda n, x, m, s: n.std(s, axis=-1, keepdims=True),
    "var of a number along no axis": lambda n, x, m, s: n.var(s, axis=()),
    "average of nothing": lambda n, x, m, s: n.average(m[:0], axis=1),
    "nanvar of nothing": lambda n, x, m, s: n.nanvar(x[:0]),
    "nanvar of one": lambda n, x, m, s: n.nanvar(x[:1], ddof=1),
    "nanvar of ones": lambda n, x, m, s: n.nanvar(m[:, :1], axis=1),
    "nanstd of one": lambda n, x, m, s: n.nanstd(x[:1]),
    "nanstd of one, kept": lambda n, x, m, s: n.nanstd(x[:1], keepdims=True),
    # NaN and infinities replaced
    "nan_to_num, nan": lambda n, x, m, s: n.nan_to_num(x + INFINITE[0], nan=s * s),
    "nan_to_num, all": lambda n, x, m, s: n.nan_to_num(
        x + INFINITE, nan=s, posinf=x[0] * s, neginf=-s
    ),
    "nan_to_num, arrays": lambda n, x, m, s: n.nan_to_num(
        m + INFINITE, nan=x, posinf=x * x, neginf=m
    ),
    "nan_to_num, list": lambda n, x, m, s: n.nan_to_num(x + INFINITE, nan=[s, 1.0, 2.0]),
    "nan_to_num, plain": lambda n, x, m, s: n.nan_to_num(INFINITE, nan=s, neginf=s * s),
    "nan_to_num of a number": lambda n, x, m, s: n.nan_to_num(s + onp.nan, nan=x[0]),
    "nan_to_num of complex": lambda n, x, m, s: n.nan_to_num(
        onp.array([1 + 2j, complex(onp.nan, onp.inf)]) + (1 + 2j) * x[:2], nan=s, posinf=x[2]
    ),
    "nan_to_num of whole numbers": lambda n, x, m, s: n.nan_to_num(onp.arange(3), nan=s),
    "nan_to_num, shape": lambda n, x, m, s: n.nan_to_num(x, nan=m),
    # polynomials
    "polymul by nothing": lambda n, x, m, s: n.polymul([], x),
    "polymul by zero": lambda n, x, m, s: n.polymul([0.0], x),
    "polymul by a traced zero": lambda n, x, m, s: n.polymul([s - 2.5], x),
    "polymul of poly1d": lambda n, x, m, s: n.polymul(x, [1.0, 2.0]),
    "polyadd of two dimensions": lambda n, x, m, s: n.polyadd(m, x),
    "polysub of two dimensions": lambda n, x, m, s: n.polysub(m, m * m),
    "polyder, m of 1.5": lambda n, x, m, s: n.polyder(x, m=1.5),
    "polyint, m of 1.5": lambda n, x, m, s: n.polyint(x, m=1.5),
    "polyint, m of 2.5": lambda n, x, m, s: n.polyint(x, m=2.5, k=s),
    "polyval of a number": lambda n, x, m, s: n.polyval(s, 1.5),
    "polyder of a number": lambda n, x, m, s: n.polyder(s),
    "polyint of a number": lambda n, x, m, s: n.polyint(s),
    "poly of a number": lambda n, x, m, s: n.poly(s),
    "roots of a number": lambda n, x, m, s: n.roots(s),
    "roots of a list": lambda n, x, m, s: n.roots([1.0, s, 0.5]),
    "trim_zeros of a number": lambda n, x, m, s: n.trim_zeros(s),
    # joining and shaping
    "ediff1d, complex end": lambda n, x, m, s: n.ediff1d(x, to_end=1j),
    "ediff1d, complex begin": lambda n, x, m, s: n.ediff1d(x, to_begin=[1j]),
    "ediff1d, ends": lambda n, x, m, s: n.ediff1d(x, to_end=s, to_begin=[s * s, 1.0]),
    "insert of complex": lambda n, x, m, s: n.insert(x, 1, 2j),
    "insert of text": lambda n, x, m, s: n.insert(x, 1, "a"),
    "insert of a list": lambda n, x, m, s: n.insert(x, [1, 2], [s, 3.0]),
    "resize, dict": lambda n, x, m, s: n.resize(x, {}),
    "resize, ()": lambda n, x, m, s: n.resize(x, ()),
    "resize, number": lambda n, x, m, s: n.resize(m, 8),
    "resize, shape": lambda n, x, m, s: n.resize(x, (2, 2)),
    "resize, negative": lambda n, x, m, s: n.resize(x, -1),
    "resize of nothing": lambda n, x, m, s: n.resize(x[:0], (2, 2)),
    "roll of a number": lambda n, x, m, s: n.roll(s, 1, axis=()),
    "roll of a number, no axis": lambda n, x, m, s: n.roll(s, 1),
    "ix_ of nothing": lambda n, x, m, s: n.ix_([], x),
    "ix_ of no floats": lambda n, x, m, s: n.ix_(onp.zeros(0), x),
    "pad, ramp": lambda n, x, m, s: n.pad(x, 2, mode="linear_ramp", end_values=(1.0, 2.0)),
    "pad, ramp to zero": lambda n, x, m, s: n.pad(m, ((1, 2), (0, 3)), mode="linear_ramp"),
    "pad, ramp to a traced end": lambda n, x, m, s: n.pad(
        m, ((0, 0), (3, 1)), mode="linear_ramp", end_values=s * s
    ),
    "pad, ramp to traced ends": lambda n, x, m, s: n.pad(
        n.multiply.outer(m, x), 2, mode="linear_ramp", end_values=[(s, x[0]), (1.5, s), (s, s)]
    ),
    "pad, ramp of plain values": lambda n, x, m, s: n.pad(
        X, (1, 2), mode="linear_ramp", end_values=s
    ),
    "pad, ramp of whole numbers": lambda n, x, m, s: n.pad(
        onp.arange(3), 2, mode="linear_ramp", end_values=s
    ),
    "pad, ramp of no dimensions": lambda n, x, m, s: n.pad(s, 1, mode="linear_ramp"),
    "pad, constant of no dimensions": lambda n, x, m, s: n.pad(s, 2, constant_values=3.0),
    "pad, ramp of nothing": lambda n, x, m, s: n.pad(x[:0], 1, mode="linear_ramp"),
    "pad, ramp, no such argument": lambda n, x, m, s: n.pad(x, 1, "linear_ramp", end_value=1.0),
    "pad of a number": lambda n, x, m, s: n.pad(x[0], 2, mode="edge"),
    "pad, mean, no such argument": lambda n, x, m, s: n.pad(x, 2, "mean", constant_values=1),
    "block of a number": lambda n, x, m, s: n.block(x[0]),
    "fftn of a number's element": lambda n, x, m, s: n.fft.fftn(x[0]),
    "trim_zeros of an element": lambda n, x, m, s: n.trim_zeros(x[0]),
    "apply_over_axes of an element": lambda n, x, m, s: n.apply_over_axes(
        lambda v, axis: v * v, x[0], 1
    ),
    "pad, ramp, shape": lambda n, x, m, s: n.pad(x, 1, "linear_ramp", end_values=[1, 2, 3]),
    # products and ufuncs
    "vecdot, axis (0,)": lambda n, x, m, s: n.vecdot(m, m, axis=(0,)),
    "vecdot, axis 0": lambda n, x, m, s: n.vecdot(m, m * m, axis=0),
    "linalg.cross of two": lambda n, x, m, s: n.linalg.cross(x[:2], x[1:]),
    "linalg.cross, axis": lambda n, x, m, s: n.linalg.cross(m.T, m.T * m.T, axis=0),
    "linalg.cross, axisa": lambda n, x, m, s: n.linalg.cross(x, x, axisa=0),
    "linalg.cross of a number": lambda n, x, m, s: n.linalg.cross(s, x),
    "add.accumulate, axis (0,)": lambda n, x, m, s: n.add.accumulate(x, axis=(0,)),
    "add.accumulate, axis None": lambda n, x, m, s: n.add.accumulate(m, axis=None),
    "add.accumulate of a number": lambda n, x, m, s: n.add.accumulate(s),
    "subtract.accumulate, axis (1,)": lambda n, x, m, s: n.subtract.accumulate(m, axis=(1,)),
    "multiply.accumulate of a number": lambda n, x, m, s: n.multiply.accumulate(s, axis=0),
    "add.reduceat, axis (1,)": lambda n, x, m, s: n.add.reduceat(m, [0, 1], axis=(1,)),
    "subtract.reduce of a number": lambda n, x, m, s: n.subtract.reduce(s),
    "divide.reduce of a number": lambda n, x, m, s: n.divide.reduce(s, axis=-1),
    "modf, out": lambda n, x, m, s: n.modf(x, out=None),
    "frexp, out": lambda n, x, m, s: n.frexp(x, out=None),
    "divmod, out": lambda n, x, m, s: n.divmod(x, 2.0, out=None),
    "modf, where": lambda n, x, m, s: n.modf(x, where=True),
    # Fourier
    "fftshift of a number": lambda n, x, m, s: n.fft.fftshift(s),
    "ifftshift of a number": lambda n, x, m, s: n.fft.ifftshift(s),
    "fftfreq, device": lambda n, x, m, s: n.fft.fftfreq(4, s, 1),
    "rfftfreq, device": lambda n, x, m, s: n.fft.rfftfreq(4, s, "cpu"),
    "fftn of a number": lambda n, x, m, s: n.fft.fftn(s),
    # histograms
    "histogram": lambda n, x, m, s: n.histogram([0.1, 0.4, 0.5], weights=x),
    "histogram, density": lambda n, x, m, s: n.histogram(DATA, 3, density=True, weights=six(n, x)),
    "histogram, range": lambda n, x, m, s: n.histogram(
        DATA.reshape(2, 3), 4, (0.0, 0.8), weights=m * m
    ),
    "histogram, edges": lambda n, x, m, s: n.histogram(
        DATA, [0.0, 0.1, 0.45, 0.45, 1.7, 1.7], None, True, six(n, x)
    ),
    "histogram, NaN": lambda n, x, m, s: n.histogram(
        [0.1, onp.nan, 0.5], [0.0, 0.3, 0.6], weights=x
    ),
    "histogram, complex": lambda n, x, m, s: n.histogram(DATA, 3, weights=six(n, x) * (1 + 2j)),
    "histogram, list": lambda n, x, m, s: n.histogram([0.1, 0.4], 2, weights=[s, x[0]]),
    "histogram, shape": lambda n, x, m, s: n.histogram(DATA, weights=x),
    "histogram, no such bins": lambda n, x, m, s: n.histogram([1.0, 2.0, 3.0], -1, weights=x),
    "histogram, no such argument": lambda n, x, m, s: n.histogram(DATA, bogus=1, weights=x),
    "histogram2d": lambda n, x, m, s: n.histogram2d(DATA, PLACE, 3, weights=six(n, x)),
    "histogram2d, density": lambda n, x, m, s: n.histogram2d(
        DATA, PLACE, [2, [0.0, 0.2, 0.5, 1.0]], None, True, six(n, x)
    ),
    "histogram2d, lengths": lambda n, x, m, s: n.histogram2d(DATA, PLACE[:5], weights=six(n, x)),
    "histogramdd": lambda n, x, m, s: n.histogramdd(
        onp.stack([DATA, PLACE, -DATA], 1), (2, 3, 2), weights=six(n, x)
    ),
    "histogramdd, density": lambda n, x, m, s: n.histogramdd(
        [DATA, PLACE], 2, [(0.0, 1.0), (0.0, 0.7)], True, six(n, x)
    ),
    "histogramdd of numbers": lambda n, x, m, s: n.histogramdd(DATA, 4, weights=six(n, x)),
}
LACKING = {"vecdot": not hasattr(onp, "vecdot"), "linalg.cross": not hasattr(onp.linalg, "cross")}
NAMES = [name for name in CALLS if not any(LACKING[one] for one in LACKING if name.startswith(one))]


def outcome(call, *args):
    """Return the outputs of a call in one list, or its error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return flat(call(*args))
        except Exception as error:
            return error


def floating(value):
    return onp.asarray(getval(value)).dtype.kind in "fc"


@pytest.mark.parametrize("name", NAMES)
def test_numpys_answer(name):
    """Value, type and dtype, or the error, are NumPy's own."""
    expected = outcome(CALLS[name], onp, X, M, S)
    with _core.Tape() as tape:
        found = outcome(CALLS[name], np, *map(tape.box, (X, M, S)))
        if isinstance(expected, Exception):
            assert type(found) is type(expected), found
            assert str(found) == str(expected)
            return
        assert isinstance(found, list), found
        assert len(found) == len(expected)
        for one, value in zip(map(getval, found), expected):
            assert type(one) is type(value)
            assert onp.asarray(one).dtype == onp.asarray(value).dtype
            onp.testing.assert_array_equal(one, value)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_derivatives(name):
    """Against differences, by each argument; where NumPy has no value there is none."""
    expected = outcome(CALLS[name], onp, X, M, S)
    if isinstance(expected, Exception):
        return
    chosen = [i for i, one in enumerate(expected) if floating(one) and onp.all(onp.isfinite(one))]

    def call(*args):
        outputs = flat(CALLS[name](np, *args))
        return [outputs[i] for i in chosen]

    for place in range(3):
        check_grads(call, place, order=2)(X, M, S)


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.histogram(x),
        lambda x: np.histogram(x, weights=x),
        lambda x: np.histogram([0.5, 1.5], x),
        lambda x: np.histogram([0.5, 1.5], 2, (0.0, x[0])),
        lambda x: np.histogram2d(x, x),
        lambda x: np.histogram2d([0.5], [0.5], [x, 3]),
        lambda x: np.histogramdd([x, x]),
        lambda x: np.histogramdd(x, weights=x),
    ],
)
def test_histograms_count_plain_values(call):
    with _core.Tape() as tape, pytest.raises(TypeError, match=r"numpy.histogram\w* .*fastad.*wei"):
        call(tape.box(X))


def test_histograms_by_numpys_own_functions():
    by_weights = jacobian(lambda w: onp.histogram(DATA, [0.0, 0.5, 1.7], weights=w)[0])(P(6))
    onp.testing.assert_array_equal(by_weights, [[1, 1, 0, 1, 0, 0], [0, 0, 1, 0, 1, 0]])
    single = P(6).astype(onp.float32)
    vjp, value = make_vjp(lambda w: np.histogram(DATA, 3, weights=w)[0])(single)
    assert value.dtype == onp.histogram(DATA, 3, weights=single)[0].dtype
    assert vjp(onp.ones_like(value)).dtype == onp.float32


# ---- empty samples, coefficients that are zero ---------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_statistics_of_nothing_in_both_modes():
    nothing = onp.zeros((0, 3))
    for axis in (None, 0):
        call = lambda x, axis=axis: np.nanquantile(x, 0.5, axis=axis)
        value, tangent = make_jvp(call)(nothing)(nothing)
        assert onp.isnan(value).all() and onp.shape(tangent) == onp.shape(value)
        assert make_vjp(call)(nothing)[0](onp.ones_like(value)).shape == (0, 3)


def test_products_of_polynomials_that_are_zero():
    by_zero = jacobian(lambda p: np.polymul(p, [2.0, 3.0]))(onp.zeros(1))
    onp.testing.assert_array_equal(by_zero, [[2.0], [3.0]])
    by_last = jacobian(lambda p: np.polymul(p, [2.0, 3.0]))(onp.zeros(2))
    onp.testing.assert_array_equal(by_last, [[0.0, 2.0], [0.0, 3.0]])
    traced = grad(lambda c: np.sum(np.polyint(onp.poly1d([1.0, 2.0]), 1, c)))(0.5)
    assert traced == 1.0


# ---- correlations by columns, interpolation between equal places ---------------------------------

SHAPES = [(), (4,), (1, 4), (4, 1), (3, 4)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rowvar", [True, False])
@pytest.mark.parametrize("more", [None, (4,), (1, 4), (4, 1), (3, 4)], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["cov", "corrcoef"])
def test_correlations_of_every_shape(name, shape, more, rowvar):
    """One row is one variable or one observation, as the installed NumPy has it."""
    m, y = A(*shape), None if more is None else A(*more, seed=1)
    expected = outcome(getattr(onp, name), m, y, rowvar)
    call = lambda m, y=y: getattr(np, name)(m, y, rowvar)
    with _core.Tape() as tape:
        found = outcome(call, tape.box(m))
    if isinstance(expected, Exception):
        assert type(found) is type(expected) and str(found) == str(expected)
        return
    onp.testing.assert_array_equal(getval(found[0]), expected[0])
    if onp.all(onp.isfinite(expected[0])):
        check_grads(call, order=2)(m)
        if y is not None:
            check_grads(call, 1, order=2)(m, y)


def test_interpolation_with_equal_places_at_an_end():
    values = onp.array([3.0, 1.0, 2.0, 5.0, 4.0])
    points = onp.array([-1.0, 0.0, 0.4, 1.7, 2.0, 3.0])
    onp.testing.assert_array_equal(
        jacobian(lambda fp: np.interp(points, SAME, fp))(values),
        jacobian(lambda fp: np.interp(points, [0.0, 1.0, 2.0], fp[onp.array([1, 2, 3])]))(values)
        + [[1, -1, 0, 0, 0]] * (points < 0)[:, None]
        + [[0, 0, 0, -1, 1]] * (points >= 2)[:, None],
    )
    by_points = jacobian(lambda x: np.interp(x, SAME, values))(points)
    onp.testing.assert_array_equal(onp.diag(by_points), [0, 1, 1, 3, 0, 0])
    inner = points[[2, 3]]
    check_grads(lambda x, fp: np.interp(x, SAME, fp), (0, 1), order=2)(inner, values)
    first = grad(lambda fp: np.interp(2.0, onp.array([0.0, 1.0, 1.0]), fp))(values[:3])
    onp.testing.assert_array_equal(first, [0.0, 0.0, 1.0])


@pytest.mark.parametrize("name", ["kron", "outer", "multiply", "inner", "dot", "vdot", "tensordot"])
def test_products_of_complex_numbers_have_numpys_bits(name):
    """A scalar's operator rounds otherwise than the ufunc does."""
    random = onp.random.default_rng(4)
    options = {"axes": 0} if name == "tensordot" else {}
    for _ in range(100):
        a, b, c, d = random.standard_normal(4).tolist()
        for x in (complex(a, b), onp.complex128(complex(a, b)), onp.array(complex(a, b)), a):
            for y in (complex(c, d), onp.complex128(complex(c, d)), onp.array(complex(c, d)), c):
                expected = getattr(onp, name)(x, y, **options)
                found = make_vjp(lambda x, y=y: getattr(np, name)(x, y, **options))(x)[1]
                assert onp.array_equal(found, expected)


@pytest.mark.parametrize(
    "name",
    "nanmean nanvar nanstd nanmedian nanmax nanmin nansum nanprod nanquantile".split(),
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_slices_without_numbers_have_no_derivative_in_either_mode(name):
    x = onp.array([[onp.nan, 1.0, 2.0], [onp.nan, 3.0, 5.0]])
    more = (0.5,) if name == "nanquantile" else ()
    for axis, keepdims in ((0, False), (0, True)):
        f = lambda x: getattr(np, name)(x, *more, axis=axis, keepdims=keepdims)
        vjp, value = make_vjp(f)(x)
        onp.testing.assert_array_equal(
            value, getattr(onp, name)(x, *more, axis=axis, keepdims=keepdims)
        )
        tangent = make_jvp(f)(x)(onp.ones_like(x))[1]
        assert not onp.any(vjp(onp.ones_like(value))[:, 0])
        assert onp.ravel(tangent)[0] == 0.0
