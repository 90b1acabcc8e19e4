"""NumPy's long tail beyond the table's cases: edges, ties, NaN, values, bad input, parity.

Derivatives by differences, of order one and two, in every type and layout, are tested by test_ops
on the calls in calls_long_tail.
"""

from __future__ import annotations

import numpy as onp
import pytest
from calls_long_tail import METHODS
from cases import differences, flat, jvp
from points import A, P, Z, holed

import fastad.numpy as np
from fastad import _core, elementwise_grad, grad, hessian, jacobian

NUMPY_2 = onp.lib.NumpyVersion(onp.__version__) >= "2.0.0"


def close(actual, expected, rtol=1e-10):
    onp.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol)


# ---- statistics ----------------------------------------------------------------------------------


def test_median_of_even_and_odd_counts():
    onp.testing.assert_array_equal(grad(np.median)(onp.array([3.0, 1.0, 2.0])), [0, 0, 1])
    onp.testing.assert_array_equal(
        grad(np.median)(onp.array([3.0, 1.0, 2.0, 9.0])), [0.5, 0, 0.5, 0]
    )
    assert grad(np.median)(1.5) == 1.0


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_quantile(method):
    """Weights sum to one, and are the differences of NumPy's own function."""
    for n in (1, 2, 5, 8):
        x = A(n)
        for q in (0.0, 0.25, 0.37, 0.5, 0.81, 1.0):
            f = lambda n, x, q=q: n.quantile(x, q, method=method)
            close(onp.sum(grad(lambda x, f=f: f(np, x))(x)), 1.0)
            t = A(n, seed=2)
            moved = jvp(lambda x, f=f: [f(np, x)], [x], [t])[0]
            close(moved, differences(lambda x, f=f: [f(onp, x)], [x], [t], 1e-5)[0], 1e-7)


def test_quantiles_by_q():
    x = onp.array([1.0, 4.0, 2.0, 8.0])
    assert grad(lambda q: np.quantile(x, q))(0.5) == 3 * 2.0
    assert grad(lambda q: np.percentile(x, q))(50.0) == 0.06
    assert grad(lambda q: np.quantile(x, q, method="lower"))(0.5) == 0.0
    assert grad(lambda q: np.quantile(x, q, method="weibull"))(0.01) == 0.0  # the least value


def test_nan_in_statistics():
    x = holed(A(2, 4), 1)
    for name, more in (("median", ()), ("quantile", (0.4,)), ("percentile", (40.0,))):
        plain = grad(lambda x, n=name, m=more: np.sum(getattr(np, n)(x, *m, axis=1)))(x)
        assert onp.isnan(plain[0]).any() and not onp.isnan(plain[1]).any()
        without = grad(lambda x, n=name, m=more: np.sum(getattr(np, "nan" + n)(x, *m, axis=1)))(x)
        assert without[0, 1] == 0
        close(
            without[0, [0, 2, 3]],
            grad(lambda x, n=name, m=more: getattr(np, n)(x, *m))(x[0, [0, 2, 3]]),
        )
        close(without[1], plain[1])
    with pytest.warns(RuntimeWarning):
        nothing = grad(lambda x: np.sum(np.nanmedian(x, 1)))(onp.full((1, 3), onp.nan))
    onp.testing.assert_array_equal(nothing, onp.zeros((1, 3)))


@pytest.mark.skipif(not NUMPY_2, reason="NumPy 1 takes no weights")
def test_weighted_quantiles_pick_a_value():
    x, w = onp.array([3.0, 1.0, 2.0]), onp.array([1.0, 1.0, 5.0])
    f = lambda x: np.quantile(x, 0.5, method="inverted_cdf", weights=w)
    onp.testing.assert_array_equal(grad(f)(x), [0, 0, 1])


def test_correlations():
    x = A(3, 5)
    close(grad(lambda x: np.sum(np.diag(np.corrcoef(x))))(x), onp.zeros((3, 5)))
    close(grad(lambda x: np.cov(x))(x[0]), 2 * (x[0] - x[0].mean()) / 4)
    close(
        grad(lambda w: np.cov(x[0], aweights=w, ddof=0))(onp.ones(5)),
        ((x[0] - x[0].mean()) ** 2 - x[0].var()) / 5,
    )
    with _core.Tape() as tape, pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        assert onp.isnan(_core.getval(np.cov(tape.box(onp.ones(1)))))


# ---- polynomials ---------------------------------------------------------------------------------


def test_polynomials():
    p = onp.array([2.0, -3.0, 0.5])
    close(elementwise_grad(lambda x: np.polyval(p, x))(A(4)), onp.polyval(onp.polyder(p), A(4)))
    close(jacobian(np.polyder)(p), [[2, 0, 0], [0, 1, 0]])
    close(jacobian(lambda p: np.polyint(p, 1, 5.0))(p)[0], [1 / 3, 0, 0])
    close(jacobian(np.roots)(onp.array([1.0, -3.0, 2.0]))[:, 2], [-1.0, 1.0])
    q, r = jacobian(lambda u: np.polydiv(u, onp.array([2.0, 1.0]))[0])(p), 0
    close(q[:, 0], [0.5, -0.25])
    x = onp.linspace(-1, 1, 7)
    close(jacobian(lambda y: np.polyfit(x, y, 2))(x**2), onp.linalg.pinv(onp.vander(x, 3)))
    assert r == 0


def test_leading_zeros_of_polynomials():
    p = onp.array([0.0, 1.0, 2.0])
    with _core.Tape() as tape:
        box = tape.box(p)
        for name, args in (
            ("polymul", (onp.array([1.0, 1.0]),)),
            ("polyadd", ([1.0],)),
            ("roots", ()),
        ):
            expected = getattr(onp, name)(p, *args)
            onp.testing.assert_array_equal(getattr(np, name)(box, *args)._value, expected)
        onp.testing.assert_array_equal(
            _core.getval(np.roots(tape.box(onp.array([1.0, 0, 0])))), [0, 0]
        )
        onp.testing.assert_array_equal(np.polyval(onp.poly1d([1, 2]), box)._value, p + 2)


# ---- sequences -----------------------------------------------------------------------------------


def test_interp_at_places_and_outside():
    xp, fp = onp.array([0.0, 1.0, 3.0]), onp.array([1.0, 2.0, 8.0])
    x = onp.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0])
    slopes = elementwise_grad(lambda x: np.interp(x, xp, fp))(x)
    onp.testing.assert_array_equal(slopes, [0, 1, 1, 3, 3, 0, 0])
    weights = jacobian(lambda fp: np.interp(x, xp, fp))(fp)
    close(weights.sum(1), onp.ones(7))
    close(weights @ fp, onp.interp(x, xp, fp))
    close(grad(lambda end: np.sum(np.interp(x, xp, fp, left=end)))(5.0), 1.0)
    close(grad(lambda end: np.sum(np.interp(x, xp, fp, right=end)))(5.0), 1.0)
    close(hessian(lambda fp: np.sum(np.interp(x, xp, fp) ** 2))(fp), 2 * weights.T @ weights)


def test_unwrap_and_its_period():
    x = onp.array([0.0, 3.0, 6.5, 13.0])
    onp.testing.assert_array_equal(jacobian(np.unwrap)(x), onp.eye(4))
    f = lambda n, period: n.sum(n.unwrap(x, period=period) * onp.arange(4.0))
    moved = (f(onp, 5.0 + 1e-6) - f(onp, 5.0 - 1e-6)) / 2e-6
    close(grad(lambda period: f(np, period))(5.0), moved, 1e-6)


def test_long_correlations_are_not_computed_in_full():
    x = onp.linspace(0.0, 1.0, 100_000)
    close(grad(lambda x: np.correlate(x, x)[0])(x), 2 * x)


# ---- special functions ---------------------------------------------------------------------------


def test_sinc_at_zero():
    derivative = np.sinc
    expected = [1.0, 0.0, -(onp.pi**2) / 3, 0.0, onp.pi**4 / 5]
    for value in expected:
        close(derivative(0.0), value, 1e-12)
        derivative = grad(derivative)
    x = onp.array([0.2499999, 0.2500001])  # where the series ends
    close(*elementwise_grad(np.sinc)(x), rtol=1e-6)
    close(
        elementwise_grad(np.sinc)(x),
        onp.cos(onp.pi * x) / x - onp.sin(onp.pi * x) / onp.pi / x**2,
        1e-13,
    )


def test_bessel_functions_against_scipy():
    special = pytest.importorskip("scipy.special")
    x = onp.concatenate([A(20) * 8, [0.0, 1e-9, -1e-5, 100.0, -650.0, 700.0]])
    onp.testing.assert_allclose(elementwise_grad(np.i0)(x), special.i1(x), rtol=1e-13)
    second = 0.5 * (special.i0(x) + special.iv(2, x))
    onp.testing.assert_allclose(elementwise_grad(elementwise_grad(np.i0))(x), second, rtol=1e-12)


def test_parts_of_numbers():
    x = onp.array([2.75, -2.75, -0.0, 1e-310])
    with _core.Tape() as tape:
        for name in ("modf", "frexp"):
            found, expected = getattr(np, name)(tape.box(x)), getattr(onp, name)(x)
            for one, value in zip(found, expected):
                onp.testing.assert_array_equal(_core.getval(one), value)
                onp.testing.assert_array_equal(onp.signbit(_core.getval(one)), onp.signbit(value))
    close(elementwise_grad(lambda x: np.modf(x)[0])(x), onp.ones(4))
    close(elementwise_grad(lambda x: np.frexp(x)[0])(x[:2]), [0.25, 0.25])
    close(grad(lambda y: np.divmod(7.5, y)[1])(2.0), -3.0)
    close(grad(lambda y: divmod(7.5, y)[1])(2.0), -3.0)
    assert grad(lambda x: np.ldexp(x, 3))(1.0) == 8.0
    f = lambda n, x: n.heaviside(x, 0.5) * x + n.float_power(x, 3.0) + n.fmod(x, 0.7)
    close(grad(lambda x: f(np, x))(1.5), 1.0 + 3 * 1.5**2 + 1.0)


# ---- selections ----------------------------------------------------------------------------------


def test_unique_values_take_the_first_occurrence():
    x, w = onp.array([2.0, 1.0, 2.0, 3.0, 1.0]), onp.array([10.0, 20.0, 30.0])
    onp.testing.assert_array_equal(grad(lambda x: np.sum(np.unique(x) * w))(x), [20, 10, 0, 30, 0])
    options = {"return_index": True, "return_inverse": True, "return_counts": True}
    with _core.Tape() as tape:
        found = np.unique(tape.box(x), **options)
        for one, value in zip(found, onp.unique(x, **options)):
            onp.testing.assert_array_equal(_core.getval(one), value)
        for name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
            if not NUMPY_2:
                break
            found, expected = getattr(np, name)(tape.box(x)), getattr(onp, name)(x)
            assert type(_core.getval(found)) is type(expected)
            for one, value in zip(flat(found), flat(expected)):
                onp.testing.assert_array_equal(_core.getval(one), value)
    with_nan = onp.array([onp.nan, 1.0, onp.nan])
    onp.testing.assert_array_equal(grad(lambda x: np.unique(x)[0])(with_nan), [0, 1, 0])


@pytest.mark.parametrize("name", ["union1d", "intersect1d", "setdiff1d", "setxor1d"])
def test_set_routines(name):
    x, y = onp.array([3.0, 1.0, 2.0]), onp.array([2.0, 5.0, 3.0])
    value = getattr(onp, name)(x, y)
    onp.testing.assert_array_equal(getattr(np, name)(x, y), value)
    places = jacobian(lambda x: getattr(np, name)(x, y))(x) if name != "setdiff1d" else None
    if places is not None:
        from_x = places.sum(1) == 1
        close((places @ x)[from_x], value[from_x])
    onp.testing.assert_array_equal(grad(lambda x: np.setdiff1d(x, y)[0])(x), [0, 1, 0])


def test_trim_zeros_and_open_meshes():
    x = onp.array([0.0, 0.0, 1.0, 0.0, 2.0, 0.0])
    for trim in ("fb", "f", "b"):
        found = jacobian(lambda x, trim=trim: np.trim_zeros(x, trim))(x)
        onp.testing.assert_array_equal(found @ x, onp.trim_zeros(x, trim))
    meshes = lambda x: np.ix_(x, [1, 2])
    assert grad(lambda x: np.sum(meshes(x)[0] * 2))(A(3)).tolist() == [2, 2, 2]


def test_bincount_by_weights():
    places = onp.array([0, 2, 2])
    onp.testing.assert_array_equal(
        jacobian(lambda w: np.bincount(places, w, 4))(A(3)),
        [[1, 0, 0], [0, 0, 0], [0, 1, 1], [0, 0, 0]],
    )
    with pytest.raises(TypeError, match="bincount.*fastad"):
        grad(lambda x: np.sum(np.bincount(x)))(A(3))


def test_applied_functions():
    x = A(3, 4)
    for axis in (0, 1, -1):
        f = lambda n, x, axis=axis: n.apply_along_axis(lambda v, c: v[::2] * c, axis, x, 3.0)
        with _core.Tape() as tape:
            onp.testing.assert_array_equal(f(np, tape.box(x))._value, f(onp, x))
        taken = f(onp, onp.ones((3, 4))).sum()
        assert grad(lambda x, f=f: np.sum(f(np, x)))(x).sum() == taken
    close(grad(lambda x: np.apply_over_axes(np.sum, x, [0, 1])[0, 0])(x), onp.ones((3, 4)))


def test_methods_of_ufuncs():
    x = A(3, 4)
    close(grad(lambda x: np.add.reduce(x, axis=None))(x), onp.ones((3, 4)))
    close(
        grad(lambda x: np.sum(np.multiply.accumulate(x, axis=1)))(x),
        grad(lambda x: np.sum(np.cumprod(x, 1)))(x),
    )
    close(grad(lambda x: np.sum(np.multiply.outer(x, x)))(x), onp.full((3, 4), 2 * x.sum()))
    close(grad(lambda x: np.add.reduceat(x, [0, 2], axis=0)[1, 0])(x)[:, 0], [0, 0, 1])
    with _core.Tape() as tape, pytest.raises(TypeError, match="add.at.*fastad"):
        np.add.at(tape.box(x), 0, 1.0)


@pytest.mark.parametrize("name", ["subtract", "divide", "logaddexp", "hypot", "maximum", "add"])
@pytest.mark.parametrize(
    "method, args, options",
    [
        ("reduce", (), {}),
        ("reduce", (), {"axis": 1, "keepdims": True}),
        ("reduce", (), {"axis": -1, "initial": 1.5}),
        ("accumulate", (), {"axis": 1}),
        ("reduceat", ([0, 2, 1],), {"axis": 1}),
    ],
)
def test_methods_of_every_binary_ufunc(name, method, args, options):
    x = P(2, 4)
    numpy = getattr(getattr(onp, name), method)
    fastad = getattr(getattr(np, name), method)
    value = numpy(x, *args, **options)
    with _core.Tape() as tape:
        onp.testing.assert_array_equal(fastad(tape.box(x), *args, **options)._value, value)
    t = [P(2, 4, seed=1)]
    moved = jvp(lambda x: [fastad(x, *args, **options)], [x], t)[0]
    close(moved, differences(lambda x: [numpy(x, *args, **options)], [x], t)[0], 1e-8)
    gradient = grad(lambda x: np.sum(fastad(x, *args, **options)))(x)
    close(onp.sum(gradient * t[0]), onp.sum(moved))


# ---- bad input -----------------------------------------------------------------------------------

BAD = [
    ("median", (A(2, 3), 5)),
    ("median", (A(2, 3), "x")),
    ("quantile", (A(3), 1.5)),
    ("quantile", (A(3), 0.5, None, None, False, "other")),
    ("quantile", (Z(3), 0.5)),
    ("quantile", (onp.zeros(0), 0.5)),
    ("percentile", (A(3), -1.0)),
    ("cov", (onp.ones((2, 2, 2)),)),
    ("cov", (A(2, 3), A(2, 4))),
    ("corrcoef", (onp.ones((2, 2, 2)),)),
    ("polyder", (A(3), -1)),
    ("polyint", (A(3), -1)),
    ("polyint", (A(3), 2, A(3))),
    ("polyfit", (A(3), A(4), 1)),
    ("polyfit", (A(2, 2), A(4), 1)),
    ("polyfit", (A(3), A(3), -1)),
    ("polydiv", (A(3), onp.zeros(0))),
    ("roots", (A(2, 2),)),
    ("poly", (A(2, 3),)),
    ("poly", (onp.ones((2, 2, 2)),)),
    ("vander", (A(2, 2),)),
    ("convolve", (onp.zeros(0), A(2))),
    ("convolve", (A(2, 2), A(2))),
    ("convolve", (A(2), A(2), "other")),
    ("correlate", (A(2, 2), A(2))),
    ("interp", (A(3), A(3), A(2))),
    ("interp", (A(3), onp.zeros(0), onp.zeros(0))),
    ("interp", (A(3), P(3), A(3), None, None, 0)),
    ("unwrap", (onp.array(1.0), None, 3)),
    ("unwrap", (A(3), None, 2)),
    ("geomspace", (onp.array(0.0), 1.0)),
    ("logspace", (onp.array(0.5), 1.0, -1)),
    ("ldexp", (A(3), 1.5)),
    ("frexp", (Z(3),)),
    ("i0", (Z(3),)),
    ("ix_", (A(2, 2),)),
    ("unique", (A(3), False, False, False, 4)),
    ("trim_zeros", (A(2, 2, 2), "other")),
    ("bincount", (onp.array([0, -1]), A(2))),
    ("bincount", (onp.array([0, 1]), A(3))),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name, args", BAD, ids=[name for name, _ in BAD])
def test_bad_input_is_numpys_error(name, args):
    try:
        expected = getattr(onp, name)(*args)
    except Exception as error:
        expected = error
    with _core.Tape() as tape:
        traced = [
            tape.box(one) if isinstance(one, onp.ndarray) and one.dtype.kind in "fc" else one
            for one in args
        ]
        if isinstance(expected, Exception):
            with pytest.raises(type(expected)) as raised:
                getattr(np, name)(*traced)
            assert str(raised.value) == str(expected)
        else:
            for one, value in zip(flat(getattr(np, name)(*traced)), flat(expected)):
                onp.testing.assert_array_equal(_core.getval(one), value)
    close(grad(np.median)(A(1)), onp.ones(1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_in_every_precision(dtype):
    x = A(6).astype(dtype)
    with _core.Tape() as tape:
        box = tape.box(x)
        for f in (
            lambda n, x: n.median(x),
            lambda n, x: n.quantile(x, 0.3),
            lambda n, x: n.percentile(x, [30, 60]),
            lambda n, x: n.cov(x),
            lambda n, x: n.sinc(x),
            lambda n, x: n.convolve(x, x[:2]),
            lambda n, x: n.polyval(x, x),
            lambda n, x: n.unwrap(x),
            lambda n, x: n.vander(x),
            lambda n, x: n.logspace(x[0], x[1], 4),
            lambda n, x: n.geomspace(n.abs(x[0]), n.abs(x[1]), 4),
            lambda n, x: n.linalg.norm(x),
        ):
            found, value = f(np, box), f(onp, x)
            assert found.dtype == value.dtype
            onp.testing.assert_array_equal(_core.getval(found), value)
            assert tape.sweep([found], [onp.ones_like(value)], [box])[0].dtype == x.dtype


def test_arange_by_start_and_step():
    for call in (
        lambda s, d: np.arange(s, 5.0, d),
        lambda s, d: np.arange(start=s, stop=5.0, step=d),
        lambda s, d: np.arange(s, 5.0, step=d, dtype=onp.float32),
    ):
        by_start, by_step = jacobian(call, (0, 1))(0.5, 0.7)
        close(by_start, onp.ones(7))
        close(by_step, onp.arange(7.0))
    # How many values there are has no derivative, and whole numbers have none.
    with pytest.warns(UserWarning, match="independent"):
        assert grad(lambda stop: np.sum(np.arange(stop)))(2.5) == 0.0
    assert type(np.arange(3)) is onp.ndarray
    onp.testing.assert_array_equal(np.arange(1, 2, 0.5), [1.0, 1.5])
