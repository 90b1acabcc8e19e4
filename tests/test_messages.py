"""Who asked a traced value for its number: the message is the caller's, short, with a remedy."""

from __future__ import annotations

import json
import math
import sys
import types
from typing import Any

import numpy as onp
import pandas as pd
import pytest
import scipy.fft
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.special
import scipy.stats

import fastad
import fastad.numpy as np
from fastad import grad
from fastad._impl import asking, remedies

X = onp.array([0.5, -1.0, 2.0])
FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]})
RNG = onp.random.default_rng(0)
LAW = scipy.stats.norm(0.0, 2.0)
SPLINE = scipy.interpolate.CubicSpline(onp.arange(4.0), onp.arange(4.0) ** 2)


def plotted(x: Any) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.plot(x)
    return np.sum(x)


def assigned(x: Any) -> Any:
    out = onp.zeros(3)
    out[0] = x[0]
    return np.sum(out)


def rates(k: Any) -> Any:
    return fastad.scipy.integrate.odeint(lambda y, t: -k[0] * y, 1.0, [0.0, 1.0])[-1, 0]


def by_another_name(x: Any) -> Any:
    from math import lgamma as lg

    return lg(x[0])


# What is called, what the message begins with, and the remedy in it.
CASES = {
    "math.sin": (lambda x: math.sin(x[0]), "math.sin reads", "use fastad.numpy.sin"),
    "math.atan2": (lambda x: math.atan2(x[0], 1.0), "math.atan2", "use fastad.numpy.arctan2"),
    "renamed": (by_another_name, "math.lgamma", "use fastad.scipy.special.gammaln"),
    "closure": (rates, "fastad.scipy.integrate.odeint reads", "by args="),
    "length": (
        lambda x: np.linspace(0.0, 1.0, x[2])[0],
        "fastad.numpy.linspace reads",
        "a count or a position",
    ),
    "shift": (
        lambda x: np.roll(X, x[2])[0],
        "fastad.numpy.roll reads",
        "no derivative by that argument: give fastad.getval(x)",
    ),
    "solver": (
        lambda x: scipy.integrate.solve_ivp(lambda t, y: -x[0] * y, (0.0, 1.0), [1.0]).y[0, -1],
        "scipy.integrate.solve_ivp reads",
        "by args=",
    ),
    "float": (lambda x: float(x[0]), "float reads", "use x as it is"),
    "assignment": (assigned, "out[0] = ...", "fastad.numpy.array, stack, concatenate or where"),
    "array": (lambda x: onp.array([x[0], 1.0]), "numpy.array reads", "use fastad.numpy.array"),
    "count": (lambda x: range(x[2]), "range reads", "has no derivative"),
    "position": (lambda x: [1, 2, 3][x[2]], "[1, 2, 3][x[2]] reads", "has no derivative"),
    "special": (
        lambda x: scipy.special.logsumexp(x),
        "scipy.special.logsumexp reads",
        "use fastad.scipy.special.logsumexp",
    ),
    "stats": (
        lambda x: scipy.stats.norm.logpdf(x),
        "scipy.stats.norm.logpdf",
        "use fastad.scipy.stats.norm.logpdf",
    ),
    "linalg": (
        lambda x: scipy.linalg.cholesky(np.diag(x)),
        "scipy.linalg.cholesky",
        "use fastad.scipy.linalg.cholesky",
    ),
    "interpolant": (
        lambda x: scipy.interpolate.interp1d(X, x),
        "scipy.interpolate.interp1d",
        "use fastad.scipy.interpolate.interp1d",
    ),
    "without a rule": (
        lambda x: scipy.ndimage.geometric_transform(x, lambda place: place),
        "scipy.ndimage.geometric_transform",
        "fastad.extend.primitive",
    ),
    "ode": (
        lambda x: scipy.integrate.solve_ivp(lambda t, y: -x[0] * y, (0, 1), [1.0]),
        "scipy.integrate.solve_ivp",
        "args=",
    ),
    "draw": (lambda x: onp.random.normal(x[0]), "numpy.random.normal", "scale * rng.normal"),
    "generator": (lambda x: RNG.normal(x[0]), "RNG.normal (numpy.random)", "scale * rng.normal"),
    "order": (lambda x: RNG.permutation(x), "RNG.permutation (numpy.random)", "x[rng.permutation"),
    "transform": (
        lambda x: scipy.linalg.dft(3) @ scipy.signal.hilbert(x),
        "scipy.signal.hilbert",
        "use fastad.scipy.signal.hilbert",
    ),
    "distance": (lambda x: math.dist(x, X), "math.dist", "fastad.numpy.linalg.norm(p - q)"),
    "law": (lambda x: LAW.logpdf(x), "scipy.stats.norm.logpdf", "fastad.scipy.stats.norm.logpdf"),
    "law of the line": (
        lambda x: scipy.stats.norm(x[0]).logpdf(X),
        "scipy.stats.norm.logpdf",
        "fastad.scipy.stats.norm.logpdf",
    ),
    "spline": (
        lambda x: SPLINE(x),
        "scipy.interpolate.CubicSpline",
        "use fastad.scipy.interpolate.CubicSpline",
    ),
    "frame": (lambda x: FRAME.assign(c=x), "FRAME.assign (pandas)", ".to_numpy()"),
    "series": (lambda x: pd.Series(x), "pandas.Series", ".to_numpy()"),
    "plot": (plotted, "matplotlib.pyplot.plot", "fastad.getval(x)"),
    "vectorize": (
        lambda x: onp.vectorize(lambda t: t * t)(x),
        "numpy.vectorize",
        "use fastad.numpy.vectorize",
    ),
}


# What the source of the very expression is needed for; before Python 3.11 only the line is known.
BY_EXPRESSION = {"law of the line", "assignment", "position", "frame", "vectorize"}


@pytest.mark.parametrize("exact", [True, False] if sys.version_info >= (3, 11) else [False])
@pytest.mark.parametrize("name", CASES)
def test_the_caller_is_named_with_a_remedy(
    name: str, exact: bool, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    fastad.scipy.uninstall()  # else SciPy's functions lead to those that are named
    request.addfinalizer(fastad.scipy.install)
    if not exact:
        monkeypatch.setattr(asking, "_expression", lambda frame: (asking._only_call(frame), False))
        if name in BY_EXPRESSION:
            with pytest.raises(TypeError, match="derivative would be lost"):
                grad(CASES[name][0])(X)
            return
    function, start, remedy = CASES[name]
    with pytest.raises(TypeError) as info:
        grad(function)(X)
    text = str(info.value)
    assert text.startswith(start)
    assert remedy in text
    assert "derivative would be lost" in text
    assert len(text.split()) < 45


def called_from(module: str, function: str, x: Any) -> Any:
    """Call a Python function of a module of this name that asks for a number."""
    made = types.ModuleType(module)
    exec(f"def {function}(x):\n    return float(x)\n", made.__dict__)
    sys.modules[module] = made
    try:
        return getattr(made, function)(x)
    finally:
        del sys.modules[module]


@pytest.mark.parametrize(
    ("module", "remedy"),
    [
        ("sklearn.linear_model.stand_in", "has no rules"),
        ("statsmodels.stand_in", "has no rules"),
        ("numba.core.stand_in", "f.py_func"),
        ("polars.series.stand_in", ".to_numpy()"),
        ("xarray.core.stand_in", ".data"),
        ("dask.array.stand_in", ".compute()"),
        ("seaborn.stand_in", "getval"),
    ],
)
def test_packages_that_are_not_installed(module: str, remedy: str) -> None:
    """Names of modules that no package has: one that is installed may be imported meanwhile."""
    with pytest.raises(TypeError) as info:
        grad(lambda x: called_from(module, "fit", x))(1.0)
    assert remedy in str(info.value)
    assert module.partition(".")[0] in str(info.value)


def test_a_string_is_formatted_by_the_plain_number() -> None:
    texts = []

    def loss(x: Any) -> Any:
        texts.append("%.3f %d %s %5.1e" % (x[0], x[2], "a", x[1]))  # noqa: UP031
        texts.append("%(a)g" % {"a": x[2]})  # noqa: UP031
        text = "%d"
        text %= x[2]
        texts.append(text)
        texts.append(f"{x[0]:.3f} {x[2]:.0f}")
        with pytest.raises(TypeError, match="^float reads"):
            float(x[0]) % 2
        return np.sum(x % 0.3)

    assert grad(loss)(X).tolist() == [1.0, 1.0, 1.0]
    assert texts == ["0.500 2 a -1.0e+00", "2", "2", "0.500 2"]


def test_an_unknown_caller_is_the_user_s_own_program() -> None:
    with pytest.raises(TypeError, match=r"^float\(\) reads .*as it is"):
        grad(lambda x: called_from("my_model", "fit", x))(1.0)


def test_without_source_the_message_is_general() -> None:
    program: dict[str, Any] = {"math": math}
    exec("def f(x):\n    return math.sin(x)\n", program)
    with pytest.raises(TypeError, match=r"float\(\) reads .*fastad.numpy functions"):
        grad(program["f"])(1.0)


def test_code_of_the_standard_library_that_is_not_known_is_the_user_s() -> None:
    with pytest.raises(TypeError):
        grad(lambda x: json.dumps(x))(1.0)


def test_counterparts_have_rules() -> None:
    assert remedies.counterpart("scipy.special._logsumexp.logsumexp") == (
        "fastad.scipy.special.logsumexp"
    )
    assert remedies.counterpart("math.erf") == "fastad.scipy.special.erf"
    assert remedies.counterpart("scipy.special.mathieu_a") is None  # there, and refuses
    assert remedies.counterpart("pandas.Series") is None


def test_scipy_ufuncs_called_directly_have_their_rules() -> None:
    expected = scipy.special.digamma(X + 2.0)
    found = grad(lambda x: np.sum(scipy.special.gammaln(x)))(X + 2.0)
    onp.testing.assert_allclose(found, expected)


def test_a_function_without_a_rule_names_the_one_that_has() -> None:
    with pytest.raises(TypeError, match=r"use fastad.numpy.linalg.norm"):
        raise remedies.no_rule("numpy.linalg.norm")


# ---- operators that were not called, or called by another library's words


@pytest.mark.parametrize(
    "use",
    [
        lambda g: 0.1 * g,
        lambda g: g + 1.0,
        lambda g: X - g,
        lambda g: onp.float64(2.0) * g,
        lambda g: -g,
        lambda g: g**2,
        lambda g: X @ g,
        float,
    ],
)
@pytest.mark.parametrize("op", [grad, fastad.value_and_grad, fastad.jacobian])
def test_arithmetic_with_an_operator_asks_for_the_call(op: Any, use: Any) -> None:
    def loss(x: Any) -> Any:
        return np.sum(x)

    with pytest.raises(TypeError, match=rf"{op.__name__}\(loss\) is a function.*call it"):
        use(op(loss))


def test_a_forgotten_call_inside_of_a_traced_function() -> None:
    with pytest.raises(TypeError, match=r"grad\(sin\) is a function"):
        grad(lambda x: x * grad(np.sin))(1.0)


@pytest.mark.parametrize(
    "op",
    [grad, fastad.value_and_grad, fastad.elementwise_grad, fastad.deriv, fastad.jacobian]
    + [fastad.hessian, fastad.make_vjp, fastad.make_jvp, fastad.holomorphic_grad],
)
def test_argnums_is_explained(op: Any) -> None:
    with pytest.raises(TypeError, match=rf"argnums'; fastad calls it .*{op.__name__}\(f, arg"):
        op(np.sin, argnums=(0, 1))
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'argument'$"):
        op(np.sin, argument=0)
