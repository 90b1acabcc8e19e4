"""Derivatives of the table's elementwise operations over the whole range, against mpmath.

Every derivative that is a normal number has to be found: to 1e-12 in float64, to 1e-5 in float32.
What overflows is infinite, what underflows is zero or a subnormal number near the right one. Points
lie at powers of ten from 1e-320 to 1e308, in both signs, and close to each special point. Rules on
values (order two and replays) are held to the same as the kernels.

Not reached: second derivatives at arguments below 1e-290, whose products with a cotangent are
rounded to multiples of 5e-324 on the way, and those of tanh below 1e-200 (the third power of 1 /
cosh underflows); float_power of float32 near the largest number, since its rule takes the power of
the float32 numbers; the rule on values of power where x^(y-1) overflows and y x^(y-1) does not;
norm, std and others of many numbers where NumPy's own value under- or overflows. Functions of
complex numbers stand in test_complex_far_out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import fastad.numpy as fnp
from fastad import _core, elementwise_grad, make_vjp

TOLERANCE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5}
KINDS = sorted(TOLERANCE, key=lambda kind: -kind.itemsize)

# name: (derivative, second derivative, special points). mpmath's numbers do not overflow.
Function = Callable[..., Any]
UNARY: dict[str, tuple[Function, Function, tuple[float, ...]]] = {
    "negative": (lambda x: -1, lambda x: 0, ()),
    "positive": (lambda x: 1, lambda x: 0, ()),
    "absolute": (mp.sign, lambda x: 0, ()),
    "fabs": (mp.sign, lambda x: 0, ()),
    "exp": (mp.exp, mp.exp, ()),
    "exp2": (
        lambda x: mp.ln(2) * mp.power(2, x),
        lambda x: mp.ln(2) ** 2 * mp.power(2, x),
        (),
    ),
    "expm1": (mp.exp, mp.exp, ()),
    "log": (lambda x: 1 / x, lambda x: -1 / x**2, (1.0,)),
    "log2": (lambda x: 1 / (x * mp.ln(2)), lambda x: -1 / (x**2 * mp.ln(2)), (1.0,)),
    "log10": (lambda x: 1 / (x * mp.ln(10)), lambda x: -1 / (x**2 * mp.ln(10)), (1.0,)),
    "log1p": (lambda x: 1 / (1 + x), lambda x: -1 / (1 + x) ** 2, (-1.0,)),
    "sin": (mp.cos, lambda x: -mp.sin(x), ()),
    "cos": (lambda x: -mp.sin(x), lambda x: -mp.cos(x), ()),
    "tan": (lambda x: mp.sec(x) ** 2, lambda x: 2 * mp.tan(x) * mp.sec(x) ** 2, ()),
    "arcsin": (
        lambda x: 1 / mp.sqrt(1 - x * x),
        lambda x: x / mp.sqrt(1 - x * x) ** 3,
        (-1.0, 1.0),
    ),
    "arccos": (
        lambda x: -1 / mp.sqrt(1 - x * x),
        lambda x: -x / mp.sqrt(1 - x * x) ** 3,
        (-1.0, 1.0),
    ),
    "arctan": (lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2, ()),
    "sinh": (mp.cosh, mp.sinh, ()),
    "cosh": (mp.sinh, mp.cosh, ()),
    "tanh": (lambda x: mp.sech(x) ** 2, lambda x: -2 * mp.tanh(x) * mp.sech(x) ** 2, ()),
    "arcsinh": (lambda x: 1 / mp.sqrt(1 + x * x), lambda x: -x / mp.sqrt(1 + x * x) ** 3, ()),
    "arccosh": (
        lambda x: 1 / mp.sqrt(x * x - 1),
        lambda x: -x / mp.sqrt(x * x - 1) ** 3,
        (1.0,),
    ),
    "arctanh": (lambda x: 1 / (1 - x * x), lambda x: 2 * x / (1 - x * x) ** 2, (-1.0, 1.0)),
    "sqrt": (lambda x: 1 / (2 * mp.sqrt(x)), lambda x: -1 / (4 * mp.sqrt(x) ** 3), ()),
    "cbrt": (
        lambda x: 1 / (3 * mp.cbrt(abs(x)) ** 2),
        lambda x: -2 * mp.sign(x) / (9 * mp.cbrt(abs(x)) ** 5),
        (),
    ),
    "square": (lambda x: 2 * x, lambda x: 2, ()),
    "reciprocal": (lambda x: -1 / x**2, lambda x: 2 / x**3, ()),
    "deg2rad": (lambda x: mp.pi / 180, lambda x: 0, ()),
    "radians": (lambda x: mp.pi / 180, lambda x: 0, ()),
    "rad2deg": (lambda x: 180 / mp.pi, lambda x: 0, ()),
    "degrees": (lambda x: 180 / mp.pi, lambda x: 0, ()),
}


def _share(x: Any, y: Any, base: Any = mp.e) -> Any:
    return 1 / (1 + mp.power(base, y - x))


# name: partial derivatives, and whether the first argument is positive.
BINARY: dict[str, tuple[Function, Function]] = {
    "add": (lambda x, y: 1, lambda x, y: 1),
    "subtract": (lambda x, y: 1, lambda x, y: -1),
    "multiply": (lambda x, y: y, lambda x, y: x),
    "divide": (lambda x, y: 1 / y, lambda x, y: -x / y**2),
    "power": (
        lambda x, y: y * mp.power(x, y - 1),
        lambda x, y: mp.ln(x) * mp.power(x, y),
    ),
    "float_power": (
        lambda x, y: y * mp.power(x, y - 1),
        lambda x, y: mp.ln(x) * mp.power(x, y),
    ),
    "arctan2": (lambda x, y: y / (x * x + y * y), lambda x, y: -x / (x * x + y * y)),
    "hypot": (
        lambda x, y: x / mp.sqrt(x * x + y * y),
        lambda x, y: y / mp.sqrt(x * x + y * y),
    ),
    "logaddexp": (_share, lambda x, y: _share(y, x)),
    "logaddexp2": (lambda x, y: _share(x, y, 2), lambda x, y: _share(y, x, 2)),
    "nextafter": (lambda x, y: 1, lambda x, y: 0),
    "maximum": (lambda x, y: (mp.sign(x - y) + 1) / 2, lambda x, y: (mp.sign(y - x) + 1) / 2),
    "minimum": (lambda x, y: (mp.sign(y - x) + 1) / 2, lambda x, y: (mp.sign(x - y) + 1) / 2),
    "fmax": (lambda x, y: (mp.sign(x - y) + 1) / 2, lambda x, y: (mp.sign(y - x) + 1) / 2),
    "fmin": (lambda x, y: (mp.sign(y - x) + 1) / 2, lambda x, y: (mp.sign(x - y) + 1) / 2),
    "copysign": (lambda x, y: mp.sign(x) * mp.sign(y), lambda x, y: 0),
    "heaviside": (lambda x, y: 0, lambda x, y: 0),
}
# Second partial derivatives where a quotient of squares stands in the first.
SECOND: dict[str, tuple[Function, Function]] = {
    "hypot": (
        lambda x, y: y * y / mp.sqrt(x * x + y * y) ** 3,
        lambda x, y: -x * y / mp.sqrt(x * x + y * y) ** 3,
    ),
    "arctan2": (
        lambda x, y: -2 * x * y / (x * x + y * y) ** 2,
        lambda x, y: (x * x - y * y) / (x * x + y * y) ** 2,
    ),
}
# Their derivatives by the divisor are checked against NumPy's own quotients below.
BY_QUOTIENT = ("remainder", "fmod")


def _powers(kind: np.dtype[Any]) -> Iterator[float]:
    low, high = (-320, 309) if kind == np.float64 else (-44, 39)
    rng = np.random.default_rng(-low)
    for exponent in range(low, high, 6 if kind == np.float64 else 1):
        yield float(rng.uniform(1, 9 if exponent < high - 6 else 1.7)) * 10.0**exponent
    for exponent in np.linspace(-3, 3, 90):
        yield float(rng.uniform(1, 2)) * 10.0**exponent


def points(kind: np.dtype[Any], special: tuple[float, ...] = ()) -> np.ndarray[Any, Any]:
    """Arguments of a function: everywhere, and near its special points."""
    sizes = [*_powers(kind)]
    near = [s + sign * 10.0**-k for s in special for sign in (-1, 1) for k in range(1, 16)]
    with np.errstate(over="ignore", under="ignore"):
        return np.unique(np.array([*sizes, *(-x for x in sizes), *near], kind))


def assert_right(
    got: np.ndarray[Any, Any],
    right: list[Any],
    kind: np.dtype[Any],
    where: Callable[[int], str],
    tolerance: float,
    last: float = 0.5,
) -> None:
    """Each number is right where the right one is normal, and near it elsewhere.

    From `last` times the largest number on it may be infinite.
    """
    limits = np.finfo(kind)
    small, large = mp.mpf(float(limits.tiny)), mp.mpf(float(limits.max))
    wrong = []
    for i, (number, true) in enumerate(zip(got.tolist(), right, strict=True)):
        size = abs(true)
        if size > last * large:
            fine = np.isinf(number) or abs(number / true - 1) < tolerance
        elif size < 2 * small:
            fine = abs(number) <= 2.5 * small
        else:
            fine = np.isfinite(number) and abs(number - true) <= tolerance * size
        if not fine:
            wrong.append(f"{where(i)}: {number!r}, right {mp.nstr(true, 17)}")
    assert not wrong, f"{len(wrong)} of {len(right)}: " + "; ".join(wrong[:8])


def test_every_elementwise_operation_is_swept() -> None:
    from fastad import _core

    names = {
        name
        for name, op in _core.operations().items()
        if op.kind == "elementwise" and isinstance(getattr(np, name, None), np.ufunc)
    }
    assert names == {*UNARY, *BINARY, *BY_QUOTIENT}


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str, kind: np.dtype[Any]) -> None:
    first, second, special = UNARY[name]
    function = getattr(fnp, name)
    x = points(kind, special)
    with np.errstate(all="ignore"), mp.workdps(60):
        value = getattr(np, name)(x)
        x = x[~np.isnan(value)]
        if special:
            x = x[~np.isin(x, special)]
        tolerance = TOLERANCE[kind]
        got = elementwise_grad(function)(x)
        assert got.dtype == kind
        right = [mp.mpf(first(mp.mpf(float(p)))) for p in x]
        assert_right(got, right, kind, lambda i: f"{name}'({float(x[i])!r})", tolerance)
        if kind == np.float64:
            scalars = np.array([elementwise_grad(function)(float(p)) for p in x[::7]])
            assert_right(
                scalars, right[::7], kind, lambda i: f"scalar {name}'({float(x[::7][i])!r})", 1e-12
            )
            x = x[np.abs(x) > 1e-290]
            x = x[np.abs(x) < 200] if name == "tanh" else x
            got = elementwise_grad(elementwise_grad(function))(x)
            right = [mp.mpf(second(mp.mpf(float(p)))) for p in x]
            assert_right(got, right, kind, lambda i: f"{name}''({float(x[i])!r})", 4e-12)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str, kind: np.dtype[Any]) -> None:
    function = getattr(fnp, name)
    some = points(kind)
    rng = np.random.default_rng(1)
    x, y = rng.choice(some, 600), rng.choice(some, 600)
    with np.errstate(all="ignore"), mp.workdps(60):
        # Neighbours of equal size, where quotients are of order one.
        factor = np.repeat(rng.uniform(0.1, 10, 300), 2)[: x.size].astype(kind)
        y = np.where(np.arange(x.size) % 2, y, x * factor * rng.choice([-1, 1], x.size))
        if "power" in name:
            # Where the result is a number: x^y for |y log x| below the range.
            x = np.abs(x)
            x = np.where(np.arange(x.size) % 3, x, 1 + rng.uniform(-1e-3, 1e-3, x.size))
            span = 690 if kind == np.float64 else 80
            y = (rng.uniform(-span, span, x.size) / np.log(x.astype(float))).astype(kind)
        x, y = x.astype(kind), y.astype(kind)
        keep = np.isfinite(x) & np.isfinite(y) & (x != 0) & (y != 0) & (x != y)
        if "power" in name:
            keep &= (x != 1) & np.isfinite(np.log(x))
        x, y = x[keep], y[keep]
        vjp, value = make_vjp(lambda x, y: function(x, y), (0, 1))(x, y)
        with _core.Tape() as outer:  # where operands are boxes, rules are computed on values
            a, b = outer.box(x), outer.box(y)
            on_values = [elementwise_grad(function, k)(a, b) for k in (0, 1)]
            on_values = [_core.getval(d) for d in on_values]
        exact = [(mp.mpf(float(a)), mp.mpf(float(b))) for a, b in zip(x, y)]
        for k, (fused, partial) in enumerate(
            zip(vjp(np.ones_like(value)), BINARY[name], strict=True)
        ):
            right = [mp.mpf(partial(*at)) for at in exact]
            for way, got in (("fused", fused), ("on values", on_values[k])):
                got = np.broadcast_to(got, x.shape)
                # The power of the base itself, one below, overflows before its multiple.
                early = "power" in name and (way == "on values" or kind == np.float32)
                assert_right(
                    got,
                    right,
                    kind,
                    lambda i: f"{name}, {way}, by {'xy'[k]} at ({float(x[i])!r}, {float(y[i])!r})",
                    TOLERANCE[kind],
                    0.01 if early else 0.5,
                )
        for k, partial in enumerate(SECOND.get(name, ())):
            got = elementwise_grad(elementwise_grad(function), k)(x, y)
            right = [mp.mpf(partial(*at)) for at in exact]
            largest = 1e300 if kind == np.float64 else 1e37
            small = np.array([abs(r) < largest for r in right])
            assert_right(
                got[small],
                [r for r, one in zip(right, small) if one],
                kind,
                lambda i: f"second of {name} at ({x[small][i]!r}, {y[small][i]!r})",
                4 * TOLERANCE[kind],
            )


@pytest.mark.parametrize("name", BY_QUOTIENT)
def test_remainders_by_the_divisor(name: str) -> None:
    """By the quotient that the remainder was taken with, also where x / y rounds to a whole one."""
    rng = np.random.default_rng(2)
    y = rng.uniform(0.1, 2, 4000) * rng.choice([-1, 1], 4000)
    x = y * rng.integers(-300, 300, 4000)
    function, rest = getattr(fnp, name), getattr(np, name)(x, y)
    right = -np.rint((x - rest) / y)
    assert np.all(np.abs(x + right * y - rest) <= 1e-13 * np.abs(x))
    by_y = elementwise_grad(function, 1)
    np.testing.assert_array_equal(by_y(x, y), right)
    np.testing.assert_array_equal([by_y(a, b) for a, b in zip(x[:500], y[:500])], right[:500])
    if name == "remainder":
        np.testing.assert_array_equal(right, -np.floor_divide(x, y))


@pytest.mark.parametrize("name", ["logaddexp", "logaddexp2"])
def test_logaddexp_at_infinities(name: str) -> None:
    inf = np.inf
    function = getattr(fnp, name)
    with np.errstate(invalid="ignore"):
        for x, y, right in [
            (inf, 0.0, (1, 0)),
            (-inf, 0.0, (0, 1)),
            (0.0, inf, (0, 1)),
            (inf, -inf, (1, 0)),
            (-inf, -inf, (0.5, 0.5)),
            (inf, inf, (0.5, 0.5)),
        ]:
            got = [elementwise_grad(function, k)(np.array([x]), np.array([y]))[0] for k in (0, 1)]
            assert got == list(right)
            assert [elementwise_grad(function, k)(x, y) for k in (0, 1)] == list(right)


def test_second_derivative_of_logaddexp() -> None:
    """s (1 - s) for s = 1 / (1 + exp(y - x)), far out as well."""
    x = np.array([-600.0, -40.0, -1.0, 0.0, 1.0, 40.0, 600.0, 1e5])
    got = elementwise_grad(elementwise_grad(fnp.logaddexp))(x, np.zeros_like(x))
    with mp.workdps(60):
        right = [1 / (2 + mp.exp(mp.mpf(p)) + mp.exp(-mp.mpf(p))) for p in x]
        assert_right(got, right, np.dtype(float), lambda i: f"at {x[i]}", 1e-12)


def test_rules_far_out_do_not_warn() -> None:
    """NumPy warns of what the user computes, not of a detour of a rule."""
    with np.errstate(all="raise", under="ignore"):
        x = np.array([-2000.0, 2000.0, 1e200])
        for name in ("tanh", "arctan", "arcsinh", "logaddexp"):
            function = getattr(fnp, name)
            rest = (np.zeros_like(x),) if name == "logaddexp" else ()
            second = elementwise_grad(elementwise_grad(function))(x, *rest)
            assert np.all(np.isfinite(second))


@pytest.mark.parametrize("kind", [np.complex64, np.complex128])
def test_slope_of_the_absolute_value_of_complex_numbers(kind: Any) -> None:
    """conj(z) / |z|: of modulus one, where |z| is subnormal or too large as well."""
    limits = np.finfo(kind)
    directions = np.array([-1, 1j, 1 + 1j, 3 - 4j], kind)
    unit = np.conj(directions) / np.abs(directions)
    for size in (1, 2.0**10 * limits.smallest_subnormal, limits.tiny, 0.2 * limits.max):
        z = (directions * limits.dtype.type(size)).astype(kind)
        with np.errstate(all="ignore"):
            got = elementwise_grad(fnp.abs)(z)
        assert got.dtype == kind
        np.testing.assert_allclose(got, unit, rtol=1e-6 if kind == np.complex64 else 1e-14)
    assert elementwise_grad(fnp.abs)(np.zeros(1, kind))[0] == 0


@pytest.mark.parametrize("size", [1e-250, 1e-160, 1.0, 1e160, 1e250])
def test_slope_of_the_angle(size: float) -> None:
    """conj(i z) / |z|^2, where the square under- or overflows as well."""
    directions = np.array([-1, 1j, 1 + 1j, 3 - 4j])
    got = elementwise_grad(fnp.angle)(directions * size) * size
    right = np.conj(1j * directions) / np.abs(directions) ** 2
    np.testing.assert_allclose(got, right, rtol=1e-14)
