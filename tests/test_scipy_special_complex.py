"""scipy.special of complex arguments."""

from __future__ import annotations

import numpy as onp
import pytest

import fastad.numpy as np
import fastad.scipy.special as special
from fastad import grad, make_jvp, make_vjp
from fastad.test_util import check_grads

scipy_special = pytest.importorskip("scipy.special")


@pytest.fixture(autouse=True)
def _seeded():
    onp.random.seed(20260101)


@pytest.mark.parametrize("z", [0.5 + 0.3j, -0.7 - 0.4j])
@pytest.mark.parametrize("name", ["ive", "jve", "yve", "kve", "hankel1e", "hankel2e"])
def test_scaled_bessel_of_complex_arguments(name, z):
    function = lambda z: getattr(special, name)(1.5, z)
    for direction in (1.0, 1j, 0.3 - 0.6j):
        step = 1e-6 * direction
        expected = (function(z + step) - function(z - step)) / 2e-6
        assert make_jvp(function)(z)(complex(direction))[1] == pytest.approx(expected, abs=1e-8)
    check_grads(function, order=2)(z)
    check_grads(function, order=2)(onp.array([0.5, 2.0]))


@pytest.mark.parametrize("name", ["jvp", "yvp", "ivp", "kvp", "h1vp", "h2vp"])
def test_derivatives_of_bessel(name, random):
    function, theirs = getattr(special, name), getattr(scipy_special, name)
    x = random.uniform(0.5, 3, 4)
    for n in (0, 1, 3):
        value = make_vjp(lambda x: function(1.5, x, n))(x)[1]
        onp.testing.assert_array_equal(value, theirs(1.5, x, n))
        check_grads(lambda x: function(1.5, x, n=n), order=2)(x)
    check_grads(lambda z: function(1.5, z), order=2)(0.5 + 0.3j)
    if name in ("ivp", "kvp"):
        check_grads(lambda v: function(v, 1.0), order=2)(1.5)
        return
    with pytest.raises(NotImplementedError):
        grad(lambda v: np.real(function(v, 1.0)))(1.5)


@pytest.mark.parametrize("z", [0.3 + 0.4j, 1 + 4j, 9 + 2j, -9 + 3j, 8 - 20j])
@pytest.mark.parametrize("name", ["erfcx", "dawsn", "log_ndtr"])
def test_error_functions_of_complex_arguments(name, z):
    with onp.errstate(all="ignore"):
        if onp.isfinite(scipy_special.__dict__[name](z)) and abs(scipy_special.erfc(z)) < 1e9:
            check_grads(getattr(special, name), order=2)(z)


@pytest.mark.parametrize("z", [1.3, -1.3, 0.5 + 0.3j, -0.7 - 0.4j])
def test_airye(z):
    for part in range(4):
        function = lambda z: special.airye(z)[part]
        if z == -1.3 and part < 2:
            continue  # SciPy has NaN
        assert make_vjp(function)(z)[1] == scipy_special.airye(z)[part]
        check_grads(function, order=2)(z)


def test_phase_of_logsumexp():
    z, direction = onp.array([1 + 1j, 2.0]), onp.array([1j, 0.0])
    phase = lambda z: special.logsumexp(z, return_sign=True)[1]
    expected = (phase(z + 1e-6 * direction) - phase(z - 1e-6 * direction)) / 2e-6
    assert make_jvp(phase)(z)(direction)[1] == pytest.approx(expected, abs=1e-8)
    value = lambda z, b: special.logsumexp(z, b=b, axis=0, return_sign=True)
    check_grads(value, (0, 1), order=2)(z, onp.array([0.3, -2.0]))
    check_grads(value, (0, 1), order=2)(onp.array([1.0, 2.0]), onp.array([0.3 + 1j, -2.0]))
    got = [box[0] for box in (make_vjp(lambda z: value(z, None)[i])(z)[1:] for i in (0, 1))]
    expected = scipy_special.logsumexp(z, axis=0, return_sign=True)
    onp.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", ["jn", "yn", "in", "kn"])
def test_spherical_derivative_is_scipys(name):
    function = getattr(special, f"spherical_{name}")
    theirs = getattr(scipy_special, f"spherical_{name}")
    x = onp.linspace(0.1, 9.0, 50)
    for n in (0, 1, 5):
        value = make_vjp(lambda x: function(n, x, derivative=True))(x)[1]
        onp.testing.assert_array_equal(value, theirs(n, x, derivative=True))
