"""Elementary functions of the kernels against mpmath: errors in ulp, special values."""

import numpy
import pytest

from fastad import _core

mpmath = pytest.importorskip("mpmath")

# The largest error allowed in double precision, in ulp. Single precision goes through double: 0.51.
bounds = {
    "exp": 1.1, "exp2": 1.2, "expm1": 1.4, "log": 1.0, "log2": 1.0, "log10": 1.0, "log1p": 1.5,
    "sin": 1.0, "cos": 1.0, "tan": 1.5, "arcsin": 1.4, "arccos": 1.2, "arctan": 1.2,
    "sinh": 1.3, "cosh": 1.5, "tanh": 1.5, "sqrt": 0.5,
    "arcsinh": 1.5, "arccosh": 1.5, "arctanh": 1.2, "cbrt": 0.75,
}  # fmt: skip
inverse = {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
}  # fmt: skip
unit = {"arcsin", "arccos", "arctanh"}
positive = {"log", "log2", "log10", "log1p", "sqrt"}
circular = {"sin", "cos", "tan"}
pairs = {
    "hypot": 1.25, "arctan2": 1.5, "power": 1.5, "float_power": 1.5,
    "logaddexp": 1.4, "logaddexp2": 1.5, "remainder": 0.51, "fmod": 0.0,
}  # fmt: skip


def points(name, random):
    def spread(low, high, count=150):
        return numpy.exp(random.uniform(numpy.log(low), numpy.log(high), count))

    tiny = spread(1e-320, 1.0)
    x = [tiny, -tiny, random.uniform(-1, 1, 200)]
    if name in unit:
        x += [1 - spread(1e-16, 0.5), spread(1e-16, 0.5) - 1]
    elif name == "arccosh":
        x = [1 + spread(1e-16, 1e3, 300), spread(1.0, 1.7e308, 300)]
    elif name == "cbrt":
        x += [spread(5e-324, 1.7e308, 300), -spread(1e-3, 1e3, 300)]
    elif name == "arcsinh":
        # Where the logarithm takes over, where its argument's digits end, where squares overflow.
        x += [0.5 + spread(1e-16, 1.0), -spread(2.0**27, 2.0**29), spread(1.0, 1.7e308, 300)]
    elif name in positive:
        x += [
            spread(5e-324, 1.7e308, 300),
            1 + spread(1e-16, 0.5),
            1 - spread(1e-16, 0.5),
            spread(1e-16, 0.9) - 1,
        ]
    elif name in circular:
        multiples = random.integers(1, 660_000, 300) * (numpy.pi / 2)
        x += [random.uniform(-10, 10, 300), multiples, -multiples, spread(1.0, 1e300, 100)]
    else:
        x += [random.uniform(-750, 720, 300), random.uniform(-25, 25, 300), spread(1.0, 1e300, 50)]
    return numpy.concatenate(x)


def exact(name, x):
    if name == "exp2":
        return mpmath.mpf(2) ** x
    if name == "log2":
        return mpmath.log(x, 2)
    if name == "cbrt":
        return mpmath.sign(x) * mpmath.cbrt(abs(x))
    return getattr(mpmath, inverse.get(name, name))(x)


def reference(name, x):
    value = exact(name, mpmath.mpf(float(x)))
    return value if isinstance(value, mpmath.mpf) else None  # outside the domain


@pytest.mark.parametrize("dtype", [numpy.float64, numpy.float32])
@pytest.mark.parametrize("name", bounds)
def test_error(name, dtype):
    with numpy.errstate(over="ignore"):
        x = points(name, numpy.random.default_rng(len(name))).astype(dtype)
    got = _core._value_loop(name, x)
    assert got.dtype == dtype
    largest = mpmath.mpf(float(numpy.finfo(dtype).max))
    bound = bounds[name] if dtype is numpy.float64 else 0.51
    with mpmath.workprec(400):
        for xi, yi in zip(x, got, strict=True):
            if xi == 0 or not numpy.isfinite(xi):
                continue
            if (name == "log1p" and xi <= -1) or (name != "log1p" and name in positive and xi <= 0):
                continue
            expected = reference(name, xi)
            if expected is None:
                assert numpy.isnan(yi)
                continue
            if abs(expected) > largest:
                with numpy.errstate(over="ignore"):
                    assert yi == dtype(float(expected)) or abs(yi) == numpy.finfo(dtype).max, (
                        name,
                        xi,
                    )
                continue
            assert numpy.isfinite(yi), (name, xi)
            ulp = mpmath.mpf(float(numpy.spacing(numpy.abs(dtype(float(expected))))))
            assert abs(mpmath.mpf(float(yi)) - expected) <= bound * ulp, (name, xi, yi)


def operands(name, random, info):
    """Points of a function of two numbers, over all of their range."""
    low, high = numpy.log(float(info.smallest_subnormal)), numpy.log(float(info.max))

    def anywhere(count):
        return numpy.exp(random.uniform(low, high, count)) * random.choice([-1.0, 1.0], count)

    if name in {"power", "float_power"}:
        # Near one with large exponents, as far as the results reach, and whole exponents.
        base = numpy.concatenate(
            [
                random.uniform(0.01, 10, 300),
                1 + random.uniform(-0.5, 0.5, 200) * 2.0 ** random.uniform(-50, 0, 200),
                numpy.abs(anywhere(300)),
                random.uniform(-10, 10, 200),
            ]
        )
        size = numpy.maximum(numpy.abs(numpy.log(numpy.abs(base))), 1e-300)
        exponent = random.uniform(-1, 1, base.size) * numpy.minimum(
            float(info.max) ** 0.3, high / size
        )
        exponent[:150] = random.uniform(-5, 5, 150)
        exponent[-200:] = random.integers(-20, 20, 200)
        return base, exponent
    if name in {"remainder", "fmod"}:
        y = anywhere(1000)
        ratio = numpy.exp(random.uniform(-5, 30, 1000)) * random.choice([-1.0, 1.0], 1000)
        return numpy.clip(y * ratio, -float(info.max), float(info.max)), y
    if name in {"logaddexp", "logaddexp2"}:
        # Of one sign, since the sum of two parts may vanish else.
        x = random.uniform(0.1, 30, 1000)
        return x, x * numpy.exp(random.uniform(-3, 5, 1000))
    x = numpy.concatenate([random.uniform(-3, 3, 400), anywhere(600)])
    near = numpy.abs(x) * numpy.exp(random.uniform(-40, 3, x.size))
    y = numpy.minimum(near, float(info.max) / 2)
    return x, y * random.choice([-1.0, 1.0], y.size) if name == "arctan2" else y


def exact_of_two(name, x, y):
    if name in {"power", "float_power"}:
        return mpmath.power(x, y)
    if name == "fmod":
        return mpmath.sign(x) * mpmath.fmod(abs(x), abs(y))
    if name == "remainder":
        return mpmath.fmod(x, y)
    if name == "logaddexp":
        return mpmath.log(mpmath.exp(x) + mpmath.exp(y))
    if name == "logaddexp2":
        return mpmath.log(mpmath.mpf(2) ** x + mpmath.mpf(2) ** y, 2)
    return mpmath.atan2(x, y) if name == "arctan2" else mpmath.hypot(x, y)


@pytest.mark.parametrize("dtype", [numpy.float64, numpy.float32])
@pytest.mark.parametrize("name", pairs)
def test_error_of_two(name, dtype):
    info = numpy.finfo(dtype)
    with numpy.errstate(over="ignore", under="ignore"):
        x, y = (a.astype(dtype) for a in operands(name, numpy.random.default_rng(2), info))
        got = _core._value_loop(name, x, y)
    assert got.dtype == dtype
    bound = pairs[name] if dtype is numpy.float64 else min(pairs[name], 0.51)
    if name in {"logaddexp", "logaddexp2"} and dtype is numpy.float32:
        bound = 1.1  # the two parts are added in single precision
    with mpmath.workprec(2400):
        for xi, yi, ri in zip(x, y, got, strict=True):
            if not (numpy.isfinite(xi) and numpy.isfinite(yi)) or xi == 0 or yi == 0:
                continue
            expected = exact_of_two(name, mpmath.mpf(float(xi)), mpmath.mpf(float(yi)))
            if not isinstance(expected, mpmath.mpf):  # a root of a negative number
                assert numpy.isnan(ri)
                continue
            if abs(expected) > float(info.max):
                continue
            ulp = mpmath.mpf(float(numpy.spacing(numpy.abs(dtype(float(expected))))))
            assert abs(mpmath.mpf(float(ri)) - expected) <= bound * ulp, (name, xi, yi, ri)


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_error_at_multiples_of_half_pi(name):
    """The nearest numbers to k pi/2, for all k that loops reduce: there it cancels most."""
    k = numpy.arange(1 if name == "cos" else 2, 130_380, 2)
    x = k * (numpy.pi / 2)
    got = _core._value_loop(name, x)
    with mpmath.workprec(200):
        half = mpmath.pi / 2
        away = numpy.array(
            [float(mpmath.mpf(a) - b * half) for a, b in zip(x.tolist(), k.tolist())]
        )
    # sin(k pi/2 + d) = +-d and cos(k pi/2 + d) = +-d, up to the square of a d below 2^-36.
    expected = numpy.where((k + (name == "cos")) // 2 % 2 == 0, away, -away)
    assert numpy.all(numpy.abs(got - expected) <= 1.1 * numpy.spacing(numpy.abs(expected)))


@pytest.mark.parametrize("dtype", [numpy.float64, numpy.float32])
@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod"])
def test_divisions_have_numpys_bits(name, dtype):
    random = numpy.random.default_rng(3)
    x = (random.uniform(-50, 50, 4000) * 10.0 ** random.integers(-3, 9, 4000)).astype(dtype)
    y = (random.choice([-1.0, 1.0], 4000) * 10.0 ** random.uniform(-2, 2, 4000)).astype(dtype)
    x[:1000] = numpy.round(x[:1000]) * y[:1000]  # near whole multiples, and at them
    x[1000:1500] = numpy.round(x[1000:1500])
    y[1000:1500] = numpy.where(y[1000:1500] > 0, 2, -0.25).astype(dtype)
    x[::700], y[5::700] = 0.0, 0.0
    with numpy.errstate(all="ignore"):
        expected = getattr(numpy, name)(x, y)
        # Of so many multiples NumPy's count is off by some: by its own precision's rounding.
        assert numpy.sum(numpy.abs(x.astype(float) / y) > 2.0**24) > 100
    got = _core._value_loop(name, x, y)
    assert numpy.array_equal(got, expected, equal_nan=True)
    zero = expected == 0
    assert numpy.array_equal(numpy.signbit(got[zero]), numpy.signbit(expected[zero]))


@pytest.mark.parametrize("name", bounds)
def test_special_values(name):
    huge = [] if name in circular else [1e308, -1e308]
    x = numpy.array(
        [
            0.0,
            -0.0,
            numpy.inf,
            -numpy.inf,
            numpy.nan,
            5e-324,
            -5e-324,
            1.0,
            -1.0,
            710.0,
            -746.0,
            *huge,
        ]
    )
    with numpy.errstate(all="ignore"):
        expected = getattr(numpy, name)(x)
    got = _core._value_loop(name, x)
    for xi, a, b in zip(x, got, expected, strict=True):
        assert (numpy.isnan(a) and numpy.isnan(b)) or (
            (a == b or abs(a - b) <= 2 * numpy.spacing(abs(b)))
            and numpy.signbit(a) == numpy.signbit(b)
        ), (name, xi, a, b)


names = [
    name
    for name, entry in _core.operations().items()
    if entry.kind in ("elementwise", "zero", "test")
]


@pytest.mark.parametrize("name", names)
def test_values_are_numpys(name):
    """Every loop at all pairs of special values: what a program may compute in NumPy's place."""
    special = numpy.array(
        [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, numpy.inf, -numpy.inf, numpy.nan, 5e-324, 1e308, 2.0]
        + [-1e-310, -1e300, 1e15 + 1, 2.0**52 + 1, -(2.0**53), 1 + 2.0**-52, -3.0, 710.0, -746.0]
    )
    ufunc = getattr(numpy, name)
    x, y = (a.ravel() for a in numpy.meshgrid(special, special))
    with numpy.errstate(all="ignore"):
        expected = numpy.asarray(ufunc(x) if ufunc.nin == 1 else ufunc(x, y), float)
    got = _core._value_loop(name, x, y)
    # Which of two zeros is the larger, NumPy's own loops do not agree upon.
    unsigned = name in {"maximum", "minimum", "fmax", "fmin"}
    for xi, yi, a, b in zip(x, y, got, expected, strict=True):
        assert (numpy.isnan(a) and numpy.isnan(b)) or (
            (a == b or abs(a - b) <= 4 * numpy.spacing(abs(b)))
            and (numpy.signbit(a) == numpy.signbit(b) or (unsigned and b == 0))
        ), (name, xi, yi, a, b)
