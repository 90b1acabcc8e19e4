"""Elementary functions of the kernels against mpmath: errors in ulp, special values."""

import numpy
import pytest

from fastad import _core

mpmath = pytest.importorskip("mpmath")

# The largest error allowed in double precision, in ulp. Single precision goes through double: 0.51.
bounds = {
    "exp": 1.1, "exp2": 1.2, "expm1": 1.4, "log": 1.0, "log2": 1.0, "log10": 1.0, "log1p": 1.5,
    "sin": 1.0, "cos": 1.0, "tan": 1.6, "arcsin": 1.4, "arccos": 1.2, "arctan": 1.4,
    "sinh": 1.9, "cosh": 1.5, "tanh": 1.5, "sqrt": 0.5,
    "arcsinh": 1.5, "arccosh": 1.5, "arctanh": 1.2, "cbrt": 0.75,
}  # fmt: skip
inverse = {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
}  # fmt: skip
unit = {"arcsin", "arccos", "arctanh"}
positive = {"log", "log2", "log10", "log1p", "sqrt"}
circular = {"sin", "cos", "tan"}


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


@pytest.mark.parametrize("dtype", [numpy.float64, numpy.float32])
def test_error_of_hypot(dtype):
    random = numpy.random.default_rng(2)
    info = numpy.finfo(dtype)
    low, high = numpy.log(float(info.smallest_subnormal)), numpy.log(float(info.max))
    x = numpy.concatenate([random.uniform(-3, 3, 400), numpy.exp(random.uniform(low, high, 600))])
    near = numpy.abs(x) * numpy.exp(random.uniform(-40, 3, x.size))
    with numpy.errstate(over="ignore"):
        x, y = x.astype(dtype), numpy.minimum(near, float(info.max) / 2).astype(dtype)
    got = _core._value_loop("hypot", x, y)
    assert got.dtype == dtype
    bound = 1.25 if dtype is numpy.float64 else 0.51
    with mpmath.workprec(400):
        for xi, yi, ri in zip(x, y, got, strict=True):
            expected = mpmath.hypot(mpmath.mpf(float(xi)), mpmath.mpf(float(yi)))
            if expected > float(info.max):
                continue
            ulp = mpmath.mpf(float(numpy.spacing(dtype(float(expected)))))
            assert abs(mpmath.mpf(float(ri)) - expected) <= bound * ulp, (xi, yi, ri)


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
        [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, numpy.inf, -numpy.inf, numpy.nan, 5e-324, 1e308]
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
