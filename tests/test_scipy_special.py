"""scipy.special: every function over its domain, logsumexp and softmax, edges, refusals."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as onp
import pytest
from special_orders import nth

import fastad.numpy as np
import fastad.scipy.special as special
from fastad import elementwise_grad, grad, jit, make_jvp, make_vjp, value_and_grad
from fastad.scipy.misc import logsumexp as old_logsumexp
from fastad.test_util import check_grads

scipy_special = pytest.importorskip("scipy.special")


@pytest.fixture(autouse=True)
def _seeded():
    onp.random.seed(20260101)


# Function -> the interval that each argument is drawn from.
DOMAINS = {
    "erf": [(-2, 2)],
    "erfc": [(-2, 2)],
    "erfinv": [(-0.9, 0.9)],
    "erfcinv": [(0.1, 1.9)],
    "erfcx": [(-1, 3)],
    "erfi": [(-1, 1)],
    "dawsn": [(-2, 2)],
    "ndtr": [(-3, 3)],
    "log_ndtr": [(-30, 3)],
    "ndtri": [(0.05, 0.95)],
    "ndtri_exp": [(-5, -0.1)],
    "owens_t": [(-2, 2), (-2, 2)],
    "psi": [(0.1, 5)],
    "digamma": [(-3.9, -3.1)],
    "gamma": [(0.3, 5)],
    "gammaln": [(-2.9, -2.1)],
    "loggamma": [(0.1, 5)],
    "rgamma": [(-2.9, 5)],
    "beta": [(0.2, 4), (0.2, 4)],
    "betaln": [(0.2, 4), (0.2, 4)],
    "binom": [(3, 6), (0.2, 2)],
    "poch": [(0.3, 3), (0.3, 3)],
    "exp1": [(0.2, 4)],
    "expi": [(0.2, 4)],
    "spence": [(0.2, 4)],
    "wrightomega": [(-2, 4)],
    "ellipk": [(-1, 0.9)],
    "ellipe": [(-1, 0.9)],
    "ellipkm1": [(0.1, 0.9)],
    "elliprc": [(0.2, 3), (0.2, 3)],
    "elliprd": [(0.2, 3), (0.2, 3), (0.2, 3)],
    "elliprf": [(0.2, 3), (0.2, 3), (0.2, 3)],
    "elliprg": [(0.2, 3), (0.2, 3), (0.2, 3)],
    "elliprj": [(0.2, 3), (0.2, 3), (0.2, 3), (0.2, 3)],
    "ber": [(-3, 3)],
    "bei": [(-3, 3)],
    "ker": [(0.4, 3)],
    "kei": [(0.4, 3)],
    "berp": [(-3, 3)],
    "beip": [(-3, 3)],
    "kerp": [(0.4, 3)],
    "keip": [(0.4, 3)],
    "itstruve0": [(0.4, 3)],
    "itmodstruve0": [(0.4, 3)],
    "ellipkinc": [(0.1, 1.4), (0.1, 0.9)],
    "ellipeinc": [(0.1, 1.4), (0.1, 0.9)],
    "j0": [(-4, 4)],
    "j1": [(-4, 4)],
    "y0": [(0.5, 4)],
    "y1": [(0.5, 4)],
    "i0": [(-4, 4)],
    "i1": [(-4, 4)],
    "i0e": [(0.4, 4)],
    "i1e": [(-4, -0.4)],
    "k0": [(0.5, 4)],
    "k1": [(0.5, 4)],
    "k0e": [(0.5, 4)],
    "k1e": [(0.5, 4)],
    **dict.fromkeys(("ber", "bei", "berp", "beip"), [(-4, 4)]),
    **dict.fromkeys(("ker", "kei", "kerp", "keip"), [(0.5, 4)]),
    "expit": [(-4, 4)],
    "logit": [(0.1, 0.9)],
    "log_expit": [(-4, 4)],
    "entr": [(0.1, 3)],
    "rel_entr": [(0.1, 3), (0.1, 3)],
    "kl_div": [(0.1, 3), (0.1, 3)],
    "xlogy": [(0.1, 3), (0.1, 3)],
    "xlog1py": [(0.1, 3), (0.1, 3)],
    "exp2": [(-2, 2)],
    "exp10": [(-1, 1)],
    "expm1": [(-1, 1)],
    "log1p": [(-0.5, 1)],
    "cosm1": [(-1, 1)],
    "cbrt": [(0.5, 3)],
    "powm1": [(0.5, 3), (-2, 2)],
    "exprel": [(-2, 2)],
    "boxcox": [(0.5, 3), (-0.5, 0.5)],
    "boxcox1p": [(0.5, 3), (-1, 1)],
    "inv_boxcox": [(0.1, 1), (0.1, 1)],
    "inv_boxcox1p": [(0.1, 1), (0.1, 1)],
    "huber": [(0.5, 1), (1.1, 3)],
    "pseudo_huber": [(0.5, 1), (-3, 3)],
    "sindg": [(0, 90)],
    "cosdg": [(0, 90)],
    "tandg": [(0, 80)],
    "cotdg": [(10, 80)],
    "radian": [(0, 9), (0, 9), (0, 9)],
    "gammainc": [(0.2, 5), (0.2, 5)],
    "gammaincc": [(0.2, 5), (0.2, 5)],
    "gammaincinv": [(0.5, 5), (0.1, 0.9)],
    "gammainccinv": [(0.5, 5), (0.1, 0.9)],
    "betainc": [(0.2, 5), (0.2, 5), (0.1, 0.9)],
    "betaincc": [(0.2, 5), (0.2, 5), (0.1, 0.9)],
    "betaincinv": [(0.5, 5), (0.5, 5), (0.1, 0.9)],
    "betainccinv": [(0.5, 5), (0.5, 5), (0.1, 0.9)],
    "chdtr": [(0.5, 5), (0.5, 5)],
    "chdtrc": [(0.5, 5), (0.5, 5)],
    "chdtri": [(0.5, 5), (0.1, 0.9)],
    "gdtr": [(0.5, 5), (0.5, 5), (0.2, 2)],
    "gdtrc": [(0.5, 5), (0.5, 5), (0.2, 2)],
    "fdtr": [(0.5, 5), (0.5, 5), (0.2, 2)],
    "fdtrc": [(0.5, 5), (0.5, 5), (0.2, 2)],
    "stdtr": [(0.5, 9), (-3, 3)],
    "stdtrit": [(1, 9), (0.1, 0.9)],
    "voigt_profile": [(-2, 2), (0.5, 2), (0.5, 2)],
    "fdtri": [(1, 5), (1, 5), (0.1, 0.9)],
    "gdtrix": [(0.5, 5), (0.5, 5), (0.1, 0.9)],
}


PRESENT = sorted(name for name in DOMAINS if hasattr(scipy_special, name))


def drawn(name: str, random: onp.random.Generator) -> list[onp.ndarray]:
    return [random.uniform(low, high, 4) for low, high in DOMAINS[name]]


@pytest.mark.parametrize("name", PRESENT)
def test_elementwise(name, random):
    function, theirs = getattr(special, name), getattr(scipy_special, name)
    args = drawn(name, random)
    for i, arg in enumerate(args):
        value = make_vjp(function, i)(*args)[1]
        onp.testing.assert_array_equal(value, theirs(*args))
        check_grads(function, i, order=2)(*args)
        for shape in ((4, 1), (1,), ()):
            changed = list(args)
            changed[i] = float(arg[0]) if shape == () else arg[: shape[0]].reshape(shape)
            check_grads(function, i, order=1)(*changed)
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize("name", PRESENT)
def test_float32_stays(name, random):
    args = [arg.astype(onp.float32) for arg in drawn(name, random)]
    gradient = elementwise_grad(getattr(special, name))(*args)
    assert gradient.dtype == onp.float32
    wide = elementwise_grad(getattr(special, name))(*(arg.astype(float) for arg in args))
    onp.testing.assert_allclose(gradient, wide, rtol=2e-4, atol=2e-4)


OTHERS = {
    "jv": (lambda x: special.jv(1.5, x), (0.5, 3)),
    "jn": (lambda x: special.jn(2, x), (-3, 3)),
    "yn": (lambda x: special.yn(2, x), (0.5, 3)),
    "kn": (lambda x: special.kn(0, x), (0.5, 3)),
    "yv": (lambda x: special.yv(2.3, x), (0.5, 3)),
    "iv": (lambda x: special.iv(2.3, x), (0.5, 3)),
    "kv": (lambda x: special.kv(2.3, x), (0.5, 3)),
    "ive": (lambda x: special.ive(2.3, x), (0.5, 3)),
    "kve": (lambda x: special.kve(2.3, x), (0.5, 3)),
    "struve": (lambda x: special.struve(2.3, x), (0.5, 3)),
    "modstruve": (lambda x: special.modstruve(2.3, x), (0.5, 3)),
    "spherical_jn": (lambda x: special.spherical_jn(2, x), (0.5, 3)),
    "spherical_yn": (lambda x: special.spherical_yn(onp.arange(4), x), (0.5, 3)),
    "spherical_in": (lambda x: special.spherical_in(0, x), (0.5, 3)),
    "spherical_kn": (lambda x: special.spherical_kn(2, x, derivative=True), (0.5, 3)),
    "airy": (lambda x: special.airy(x)[0] + special.airy(x)[3], (-2, 2)),
    "sici": (lambda x: special.sici(x)[0] * special.sici(x)[1], (0.2, 2)),
    "shichi": (lambda x: special.shichi(x)[0] * special.shichi(x)[1], (0.2, 2)),
    "fresnel": (lambda x: special.fresnel(x)[0] * special.fresnel(x)[1], (-2, 2)),
    "ellipj": (lambda u: special.ellipj(u, 0.3)[1] * special.ellipj(u, 0.3)[3], (-2, 2)),
    "expn": (lambda x: special.expn(3, x), (0.5, 2)),
    "lambertw": (lambda x: np.real(special.lambertw(x)), (0.5, 2)),
    "hyp2f1": (lambda x: special.hyp2f1(0.5, 1.0, 2.0, x), (-0.5, 0.5)),
    "hyp1f1": (lambda x: special.hyp1f1(0.5, 1.0, x), (-0.5, 0.5)),
    "hyp0f1": (lambda x: special.hyp0f1(0.5, x), (-0.5, 0.5)),
    "hyperu": (lambda x: special.hyperu(0.5, 1.0, x), (0.5, 1.5)),
    "polygamma": (lambda x: special.polygamma(1, x), (-1.9, -1.1)),
    "polygamma by keyword": (lambda x: special.polygamma(n=0, x=x), (0.9, 3)),
    "multigammaln": (lambda x: special.multigammaln(x, d=3), (1.5, 4)),
    "iti0k0": (lambda x: special.iti0k0(x)[0] * special.iti0k0(x)[1], (0.5, 3)),
    "itj0y0": (lambda x: special.itj0y0(x)[0] + special.itj0y0(x)[1], (0.5, 3)),
    "wright_bessel": (lambda x: special.wright_bessel(1.2, 0.7, x), (0.5, 3)),
    "log_wright_bessel": (lambda x: special.log_wright_bessel(1.2, 0.7, x), (0.5, 3)),
    "zeta": (lambda q: special.zeta(2.5, q=q), (0.5, 3)),
    "pdtr": (lambda m: special.pdtr(3, m), (0.5, 3)),
    "bdtr": (lambda p: special.bdtr(onp.array([0, 2, 5, 7]), 7, p), (0.1, 0.9)),
    "nbdtr": (lambda p: special.nbdtr(2, 7, p), (0.1, 0.9)),
}


if not hasattr(special, "log_wright_bessel"):  # younger than SciPy 1.11
    del OTHERS["log_wright_bessel"]


@pytest.mark.parametrize("name", OTHERS)
def test_with_orders_and_parameters(name, random):
    function, (low, high) = OTHERS[name]
    check_grads(function, order=2)(random.uniform(low, high, 4))
    check_grads(function, order=1)(random.uniform(low, high))


AUTOGRAD = {
    "beta": (1.3, 2.2),
    "betaln": (1.3, 2.2),
    "psi": (1.3,),
    "gamma": (1.3,),
    "gammaln": (1.3,),
    "rgamma": (1.3,),
    "j0": (1.3,),
    "y1": (1.3,),
    "i1": (1.3,),
    "erf": (0.3,),
    "erfc": (0.3,),
    "erfinv": (0.3,),
    "erfcinv": (0.3,),
    "logit": (0.3,),
    "expit": (0.3,),
    "logsumexp": (onp.array([0.1, 0.2, -3.0]),),
}


@pytest.mark.parametrize("name", AUTOGRAD)
def test_agrees_with_autograd(name):
    autograd = pytest.importorskip("autograd")
    theirs = pytest.importorskip("autograd.scipy.special")
    args = AUTOGRAD[name]
    for i in range(len(args)):
        expected = autograd.grad(getattr(theirs, name), i)(*args)
        onp.testing.assert_allclose(grad(getattr(special, name), i)(*args), expected, rtol=1e-13)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"axis": 1},
        {"axis": -2, "keepdims": True},
        {"axis": (0, 2)},
        {"b": onp.array([0.5, 2.0])},
    ],
)
def test_logsumexp(options, random):
    x = random.standard_normal((3, 4, 2))
    function = lambda x: special.logsumexp(x, **options)
    expected = scipy_special.logsumexp(x, **options)
    onp.testing.assert_allclose(make_vjp(function)(x)[1], expected, rtol=4e-16)
    check_grads(function, order=2)(x)
    check_grads(lambda x: old_logsumexp(x, **options), order=1)(x)


def test_logsumexp_of_a_sum_that_one_dominates():
    """Of 0 and -40 the logarithm is log1p(exp(-40)), not log(1)."""
    got = make_vjp(special.logsumexp)(onp.array([0.0, -40.0]))[1]
    assert got == pytest.approx(onp.exp(-40.0), rel=1e-12)
    twice = make_vjp(special.logsumexp)(onp.array([3.0, 3.0, -40.0]))[1]
    assert twice == pytest.approx(3 + onp.log(2.0), rel=1e-15)
    with pytest.raises(onp.exceptions.AxisError):
        make_vjp(lambda x: special.logsumexp(x, axis=2))(onp.ones(3))


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_reductions_are_replayed(name):
    function = lambda x: np.sum(getattr(special, name)(x) ** 2)
    replayed = jit(value_and_grad(function))
    for i in range(6):
        x = onp.array([0.3, -0.7, 0.1 * i])
        value, gradient = replayed(x)
        onp.testing.assert_allclose(value, function(x))
        onp.testing.assert_allclose(gradient, grad(function)(x), atol=1e-15)
    assert replayed.programs


def test_logsumexp_by_weights_and_sign(random):
    x, b = random.standard_normal((3, 4)), random.standard_normal(4)
    value = lambda x, b: special.logsumexp(x, b=b, axis=1, return_sign=True)[0]
    for i in (0, 1):
        check_grads(value, i, order=2)(x, b)
    expected = scipy_special.logsumexp(x, b=b, axis=1, return_sign=True)
    got = special.logsumexp(x, b=b, axis=1, return_sign=True)
    onp.testing.assert_array_equal(got[1], expected[1])


def test_logsumexp_of_nothing_and_infinity():
    x = onp.array([-onp.inf, 0.0, 1.0])
    gradient = grad(special.logsumexp)(x)
    onp.testing.assert_allclose(gradient, scipy_special.softmax(x))
    onp.testing.assert_array_equal(grad(special.logsumexp)(onp.array([-onp.inf])), [0.0])
    onp.testing.assert_allclose(grad(special.logsumexp)(onp.array([1e4, 1e4])), [0.5, 0.5])
    assert grad(lambda x: special.logsumexp([x, 2 * x]))(0.0) == 1.5


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
def test_softmax(name, axis, random):
    x = random.standard_normal((3, 4))
    function = lambda x: getattr(special, name)(x, axis=axis)
    onp.testing.assert_array_equal(
        make_vjp(function)(x)[1], getattr(scipy_special, name)(x, axis=axis)
    )
    check_grads(function, order=2)(x)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (special.rgamma, -2.0, 2.0),
        (special.ellipk, 0.0, onp.pi / 8),
        (special.ellipe, 0.0, -onp.pi / 8),
        (special.spence, 1.0, -1.0),
        (special.exprel, 0.0, 0.5),
        (lambda x: special.xlogy(x, 2.0), 0.0, onp.log(2.0)),
        (lambda y: special.xlogy(0.0, y), 0.0, 0.0),
        (lambda y: special.rel_entr(0.0, y), 0.0, 0.0),
        (lambda x: special.sici(x)[0], 0.0, 1.0),
        (lambda x: special.boxcox(2.0, x), 0.0, onp.log(2.0) ** 2 / 2),
        (special.expit, 800.0, 0.0),
        (special.log_expit, -800.0, 1.0),
        (lambda x: special.log_ndtr(x), 50.0, 0.0),
        (lambda x: special.gammainc(2.0, x), 0.0, 0.0),
        (lambda x: special.gammainc(1.0, x), 0.0, 1.0),
        (lambda a: special.gammainc(a, 0.0), 2.0, 0.0),
        (lambda x: special.betainc(1.0, 3.0, x), 0.0, 3.0),
        (lambda r: special.huber(1.0, r), 5.0, 1.0),
    ],
)
def test_at_edges(function, x, expected):
    with onp.errstate(all="ignore"):
        assert grad(function)(x) == pytest.approx(expected, rel=1e-14, abs=1e-300)
        assert make_jvp(function)(x)(1.0)[1] == pytest.approx(expected, rel=1e-14, abs=1e-300)


def test_log_ndtr_in_the_far_tail():
    # The derivative is -x + 1/x + ... there (Mills' ratio, DLMF 7.8).
    assert grad(special.log_ndtr)(-1e4) == pytest.approx(1e4 + 1e-4, rel=1e-12)


def test_nan_stays_nan():
    for name in ("gammainc", "gammaincc"):
        assert onp.isnan(grad(getattr(special, name))(onp.nan, 1.0))
    assert onp.isnan(grad(special.betainc, 1)(1.0, onp.nan, 0.5))


def test_scipys_own_ufunc_is_differentiated():
    assert grad(scipy_special.erf)(0.3) == grad(special.erf)(0.3)
    assert grad(lambda x: np.sum(scipy_special.gammainc(x, onp.ones(2))))(2.0) < 0


@pytest.mark.parametrize(
    ("name", "expected"), [("xlogy", 0.5), ("xlog1py", 1 / 3), ("rel_entr", -0.5), ("kl_div", -0.5)]
)
def test_mixed_derivative_at_zero(name, expected):
    function = getattr(special, name)
    with onp.errstate(all="ignore"):
        assert nth(function, 1, 1)(0.0, 2.0) == pytest.approx(expected, rel=1e-15)
        assert grad(grad(function, 1), 0)(0.0, 2.0) == pytest.approx(expected, rel=1e-15)
        assert grad(function, 1)(0.0, 2.0) == (1.0 if name == "kl_div" else 0.0)


def test_keywords_that_change_nothing():
    expected = grad(special.erf)(0.3)
    for options in (
        {"out": None},
        {"where": True, "dtype": None},
        {"casting": "same_kind", "order": "K", "subok": True},
    ):
        function = lambda x: special.erf(x, **options)
        assert grad(function)(0.3) == expected
        assert make_jvp(function)(0.3)(1.0)[1] == expected
        assert make_vjp(lambda x: special.ive(1.0, x, **options))(0.3)[0](1.0) != 0
    assert grad(lambda x: special.erf(x, None))(0.3) == expected
    assert grad(lambda x: special.sici(x, out=None, where=True)[1])(0.3) == onp.cos(0.3) / 0.3


@pytest.mark.parametrize(
    "options",
    [
        {"out": onp.zeros(2)},
        {"where": onp.array([True, False]), "out": onp.zeros(2)},
        {"dtype": onp.float32},
        {"casting": "unsafe"},
        {"order": "C"},
    ],
)
@pytest.mark.parametrize("name", ["erf", "gammainc", "ive", "sici"])
def test_keywords_without_a_rule(name, options):
    keyword = next(iter(options))
    if name == "sici" and "out" in options:
        options = {**options, "out": (options["out"], None)}
    args = (onp.ones(2),) if name in ("erf", "sici") else (1.0, onp.ones(2))
    last = len(args) - 1
    function = lambda x: getattr(special, name)(*args[:last], x, **options)
    for mode in (make_vjp, lambda f: lambda x: make_jvp(f)(x)(x)):
        with pytest.raises(TypeError, match=rf"scipy\.special\.{name}: the argument '{keyword}'"):
            mode(function)(args[last])


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("jv", lambda x: special.jv(x, 1.0)),
        ("kolmogorov", special.kolmogorov),
        ("elliprj", lambda x: special.elliprj(0.3, 0.4, 0.5, -x)),
        ("zeta", lambda x: np.real(special.zeta(2 + 1j * x))),
        ("comb", lambda x: special.comb(x, 2, exact=True)),
        ("comb", lambda x: special.comb(x, 2, repetition=True)),
        ("factorial", lambda x: special.factorial(x, exact=True)),
        *(
            [("stirling2", lambda x: special.stirling2(x, 2))]
            if hasattr(special, "stirling2")
            else []
        ),
        ("chndtr", lambda x: special.chndtr(x, 1.0, 1.0)),
    ],
)
def test_without_rule(name, call):
    # SciPy's own TypeError where its function takes no complex numbers (zeta, in older versions).
    with pytest.raises((NotImplementedError, TypeError), match=name):
        grad(call)(0.7)
    assert grad(special.erf)(0.0) == pytest.approx(2 / onp.sqrt(onp.pi))


def test_numbers_of_choices_are_continued():
    n, k = onp.array([5.0, 6.2, 3.0, -1.0, 2.0]), onp.array([2.0, 1.5, 4.0, 1.0, 0.0])
    for name in ("comb", "perm"):
        function, theirs = getattr(special, name), getattr(scipy_special, name)
        value = make_vjp(lambda n: function(n, k))(n)[1]
        onp.testing.assert_allclose(value, theirs(n, k), rtol=1e-14)
        check_grads(function, (0, 1), order=2)(onp.array([5.0, 6.2]), onp.array([2.0, 1.5]))
        assert grad(lambda n: np.sum(function(n, k)))(n)[2:].tolist()[:2] == [0, 0]
        assert grad(function)(5.0, 2) == pytest.approx(4.5 if name == "comb" else 9.0)
    onp.testing.assert_array_equal(make_vjp(special.factorial)(n)[1], scipy_special.factorial(n))
    check_grads(special.factorial, order=2)(n[:3])
    assert grad(lambda x: np.sum(special.factorial(x)))(n)[3] == 0
    assert grad(special.factorial)(0.0) == pytest.approx(-onp.euler_gamma)
    assert special.comb(5, 2, exact=True) == 10


def test_everything_passes_plain_values_through():
    assert set(scipy_special.__all__) <= set(dir(special))
    assert special.kolmogorov(0.5) == scipy_special.kolmogorov(0.5)
    assert special.comb(5, 2, exact=True) == 10
    assert special.erf.nin == 1


@pytest.mark.parametrize(
    ("call", "args"),
    [
        (lambda m, x: m.erf(x, 1.0, 2.0, 3.0), (1.0,)),
        (lambda m, x: m.gammainc(x), (onp.ones(2),)),
        (lambda m, x: m.betainc(x, onp.ones(3), 0.5), (onp.ones(2),)),
        (lambda m, x: m.logsumexp(x, axis=3), (onp.ones(2),)),
        (lambda m, x: m.softmax(x, axis=3), (onp.ones(2),)),
        (lambda m, x: m.multigammaln(x, 3), (0.1,)),
        (lambda m, x: m.sici(x, foo=1), (1.0,)),
        (lambda m, x: m.erf(x, foo=1), (1.0,)),
        (lambda m, x: m.jvp(1.0, x, -1), (1.0,)),
        (lambda m, x: m.spherical_jn(1, x, foo=1), (1.0,)),
    ],
)
def test_scipys_own_error(call, args):
    with pytest.raises(Exception) as expected:
        call(scipy_special, *args)
    with pytest.raises(type(expected.value)) as got:
        make_vjp(lambda x: call(special, x))(*args)
    assert str(got.value) == str(expected.value)
    assert grad(special.erf)(0.0) == pytest.approx(2 / onp.sqrt(onp.pi))


def test_scipy_is_loaded_late():
    program = (
        "import sys, fastad; assert not any(m.split('.')[0] == 'scipy' for m in sys.modules);"
        "import fastad.scipy; assert 'scipy.stats' not in sys.modules;"
        "fastad.scipy.special.erf(0.3); assert 'scipy.stats' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_missing_scipy_is_named():
    program = (
        "import sys; sys.modules['scipy'] = None\n"
        "try:\n    import fastad.scipy\nexcept ImportError as e:\n    print(e)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert b"fastad[scipy]" in done.stdout


@pytest.mark.filterwarnings("ignore:floating point number truncated")
@pytest.mark.parametrize("name", ["nbdtr", "nbdtrc", "bdtr", "bdtrc", "pdtr", "pdtrc"])
@pytest.mark.parametrize("k", [-0.3, 0.0, 1.5, 2.0, 2.9])
def test_counts_are_cut_as_scipy_cuts_them(name, k):
    f, plain = getattr(special, name), getattr(scipy_special, name)
    rest = (7.0,) if "b" in name else ()
    x, h = 0.4, 1e-6
    slope = (plain(k, *rest, x + h) - plain(k, *rest, x - h)) / (2 * h)
    if onp.isnan(slope):
        return
    onp.testing.assert_allclose(grad(f, 1 + len(rest))(k, *rest, x), slope, rtol=1e-6)
    onp.testing.assert_allclose(make_jvp(f, 1 + len(rest))(k, *rest, x)(1.0)[1], slope, rtol=1e-6)


@pytest.mark.parametrize("made", [lambda f: f, jit])
@pytest.mark.parametrize(
    ("name", "args", "argnum"),
    [
        ("powm1", (0.0, 2.0), 1),
        ("powm1", (0.0, 0.5), 1),
        ("powm1", (0.0, 0.0), 0),
        ("gdtr", (2.0, 0.5, 0.0), 0),
        ("gdtrc", (2.0, 0.5, 0.0), 0),
        ("gdtr", (0.0, 0.5, 2.0), 2),
        ("gdtrc", (0.0, 0.5, 2.0), 2),
        ("fdtr", (0.5, 2.0, 0.0), 0),
        ("fdtrc", (0.5, 2.0, 0.0), 0),
        ("fdtr", (0.5, 2.0, 0.0), 1),
        ("fdtrc", (0.5, 2.0, 0.0), 1),
    ],
)
def test_functions_that_are_constant_at_a_border(name, args, argnum, made):
    f = getattr(special, name)
    slope = made(grad(f, argnum))
    for inner in (1.5, 1.2, 1.1, 1.3):  # away from the border first: programs are made there
        assert onp.isfinite(slope(*(x or inner for x in args)))
    with onp.errstate(all="ignore"):
        assert slope(*args) == 0.0
        assert make_jvp(f, argnum)(*args)(1.0)[1] == 0.0


def test_powm1_by_both_where_the_exponent_is_zero():
    for i, j in ((0, 1), (1, 0)):
        assert grad(grad(special.powm1, i), j)(4.0, 0.0) == 0.25
