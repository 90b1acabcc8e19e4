"""Derivatives of functions of complex numbers over the whole range and on branch cuts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy.special as scipy_special

import fastad.numpy as fnp
import fastad.scipy.special as special
from fastad import make_jvp, make_vjp

Function = Callable[..., Any]
FUNCTIONS: dict[str, Function] = {
    "arcsin": lambda z: 1 / (mp.sqrt(1 - z) * mp.sqrt(1 + z)),
    "arccos": lambda z: -1 / (mp.sqrt(1 - z) * mp.sqrt(1 + z)),
    "arctan": lambda z: 1 / (1 + z * z),
    "arcsinh": lambda z: 1 / (mp.sqrt(1 - 1j * z) * mp.sqrt(1 + 1j * z)),
    "arccosh": lambda z: 1 / (mp.sqrt(z - 1) * mp.sqrt(z + 1)),
    "arctanh": lambda z: 1 / (1 - z * z),
    "tan": lambda z: mp.sec(z) ** 2,
    "tanh": lambda z: mp.sech(z) ** 2,
    "sin": mp.cos,
    "cos": lambda z: -mp.sin(z),
    "sinh": mp.cosh,
    "cosh": mp.sinh,
    "exp": mp.exp,
    "expm1": mp.exp,
    "log": lambda z: 1 / z,
    "log2": lambda z: 1 / (z * mp.ln(2)),
    "log10": lambda z: 1 / (z * mp.ln(10)),
    "log1p": lambda z: 1 / (1 + z),
    "sqrt": lambda z: 1 / (2 * mp.sqrt(z)),
    "reciprocal": lambda z: -1 / (z * z),
    "square": lambda z: 2 * z,
}


def slope(function: Function, z: Any) -> Any:
    return make_vjp(function)(z)[0](np.ones_like(z)[()])


@pytest.mark.parametrize("kind", [np.complex128, np.complex64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_slopes(name: str, kind: Any) -> None:
    rng = np.random.default_rng(4)
    limits = np.finfo(kind)
    far, tolerance = (300, 1e-12) if kind == np.complex128 else (36, 1e-5)
    function, wrong = getattr(fnp, name), []

    def part(wide: bool) -> float:
        return float(
            rng.normal() * 10.0 ** (rng.uniform(-far, far) if wide else rng.uniform(-2, 2))
        )

    with np.errstate(all="ignore"), mp.workdps(50):
        for k in range(300):
            z = kind(complex(part(k % 3 > 0), part(k % 2 > 0)))
            if not (np.isfinite(z) and np.isfinite(getattr(np, name)(z))):
                continue
            try:
                right = FUNCTIONS[name](mp.mpc(complex(z)))
            except (ZeroDivisionError, OverflowError, ValueError):
                continue
            if not 4 * float(limits.tiny) < abs(right) < float(limits.max) / 4:
                continue
            for got in (slope(function, z), slope(function, np.array([z]))[0]):
                assert got.dtype == kind
                if not abs(mp.mpc(complex(got)) - right) <= tolerance * abs(right):
                    wrong.append((z, got, mp.nstr(right, 12)))
    assert not wrong, f"{len(wrong)}: {wrong[:4]}"


INVERSES = ("arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh")


@pytest.mark.parametrize("name", [*INVERSES, "log", "log2", "log10", "log1p", "sqrt"])
def test_a_branch_cut_has_two_sides(name: str) -> None:
    """The sign of a zero says on which side a number lies, for the value and for the slope."""
    function, plain = getattr(fnp, name), getattr(np, name)
    h = 1e-5
    for size in (0.3, 2.0):
        for sign in (1.0, -1.0):
            for zero in (0.0, -0.0):
                step = np.copysign(h, zero)
                for z, away in (
                    (complex(sign * size, zero), 1j * step),
                    (complex(zero, sign * size), step),
                ):
                    z = np.complex128(z)
                    ends = -3 * plain(z) + 4 * plain(z + away) - plain(z + 2 * away)
                    right = ends / (2 * away)
                    for got in (slope(function, z), slope(function, np.array([z]))[0]):
                        assert got == pytest.approx(right, rel=1e-6), z


@pytest.mark.parametrize("name", [*INVERSES, "tan", "tanh", "log1p"])
def test_second_order(name: str) -> None:
    function, rng = getattr(fnp, name), np.random.default_rng(5)
    one = np.complex128(1.0)
    for _ in range(100):
        real, imaginary = rng.normal(size=2) * 10.0 ** rng.uniform(-3, 1, 2)
        z = np.complex128(complex(real, imaginary))
        second = make_vjp(lambda z: make_jvp(function)(z)(one)[1])(z)[0](one)
        h = 1e-5 * abs(z)
        right = (slope(function, z + h) - slope(function, z - h)) / (2 * h)
        assert abs(second - right) <= 1e-5 * abs(right) + 1e-8, z


COMPLEX_SPECIAL = sorted(
    name
    for name in special.__all__
    if isinstance(ufunc := getattr(scipy_special, name, None), np.ufunc)
    and ufunc.nout == 1
    and any("D->D" in kind for kind in ufunc.types)
)


@pytest.mark.parametrize("name", COMPLEX_SPECIAL)
def test_special_functions_of_a_complex_argument(name: str) -> None:
    """By differences along both axes, where these agree.

    SciPy's own 1F1 of complex numbers, and Laguerre's functions by it, are wrong beyond |z| = 10 or
    so: eval_genlaguerre(-0.37, 2.49, 3.8 - 27j) has the wrong sign.
    """
    most = 0.5 if "laguerre" in name or name == "hyp1f1" else 1.3
    function, ufunc = getattr(special, name), getattr(scipy_special, name)
    rng, wrong, steps = np.random.default_rng(6), [], (1, -1, 2, -2)
    with np.errstate(all="ignore"):
        for _ in range(40):
            rest = [float(abs(rng.uniform(-3, 3))) for _ in range(ufunc.nin - 1)]
            z = np.complex128(complex(*(rng.normal(size=2) * 10.0 ** rng.uniform(-2, most, 2))))
            h = 1e-5 * max(abs(z), 0.1)
            try:
                value = ufunc(*rest, z)
                along, up = (
                    (8 * (v[0] - v[1]) - (v[2] - v[3])) / (12 * h * unit)
                    for unit in (1, 1j)
                    if (v := [ufunc(*rest, z + s * h * unit) for s in steps])
                )
            except TypeError:  # an order that must be whole
                continue
            if not np.isfinite(value) or not abs(along - up) <= 1e-5 * abs(along):
                continue
            try:
                got = make_vjp(lambda t, rest=rest: function(*rest, t))(z)[0](np.complex128(1))
            except NotImplementedError:
                continue
            if not abs(got - along) <= 3e-5 * abs(along) + 1e-13 * abs(value) / h:
                wrong.append((rest, z, got, along))
    assert not wrong, f"{len(wrong)}: {wrong[:3]}"
