"""What people do by mistake, and by the habits of other libraries: each message names a way out."""

from __future__ import annotations

import io
import statistics
from collections.abc import Iterable, Sized
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as onp
import pandas as pd
import pytest
import scipy.interpolate
import scipy.stats

import fastad
import fastad.numpy as np
from fastad import grad
from fastad._impl import remedies
from fastad.scipy import integrate, optimize, stats

X = onp.array([0.5, -1.0, 2.0])
INTERPOLANT = scipy.interpolate.NearestNDInterpolator([[0.0, 0.0], [1.0, 0.0]], [1.0, 2.0])

MISTAKES = {
    "a scalar of NumPy's": (lambda x: onp.float64(x[0]), "numpy.float64 reads", "use x as it is"),
    "another dtype": (lambda x: onp.float32(x[0]), "numpy.float32 reads", "x.astype"),
    "elements one by one": (
        lambda x: onp.fromiter((t for t in x), float).sum(),
        "numpy.fromiter reads",
        "use fastad.numpy.array",
    ),
    "save": (lambda x: onp.save(io.BytesIO(), x), "numpy.save has no", "fastad.getval(x)"),
    "savetxt": (lambda x: onp.savetxt(io.StringIO(), x), "numpy.savetxt has", "fastad.getval(x)"),
    "an interpolant": (
        lambda x: INTERPOLANT(x[:2])[0],
        "scipy.interpolate.NearestNDInterpolator reads",
        "use fastad.scipy.interpolate.NearestNDInterpolator",
    ),
    "probabilities of a draw": (
        lambda x: onp.random.choice(3, p=x),
        "numpy.random.choice reads",
        "p=fastad.getval(p)",
    ),
    "a draw": (
        lambda x: stats.norm.rvs(x[0]),
        "scipy.stats.norm.rvs has no derivative rule",
        "draw standard numbers",
    ),
    "a fit": (
        lambda x: stats.norm.fit(x)[0],
        "scipy.stats.norm.fit has no derivative rule",
        "fastad.scipy.optimize.minimize",
    ),
    "a skewness": (
        lambda x: stats.gamma.stats(x[2], moments="s"),
        "scipy.stats.gamma.stats beyond mean and variance has no derivative rule",
        "use mean and var",
    ),
    "an entropy": (
        lambda x: stats.skewnorm.entropy(x[2]),
        "scipy.stats.skewnorm.entropy has no derivative rule",
        "integrate -pdf * logpdf",
    ),
    "a formula that is no formula": (
        lambda x: stats.levy_stable.pdf(x[0], 1.5, 0.5),
        "scipy.stats.levy_stable.logpdf has no derivative rule",
        "write the formula with fastad.numpy",
    ),
    "a count": (
        lambda x: stats.binom.logpmf(1, x[2], 0.3),
        "scipy.stats.binom.logpmf: n is a whole number",
        "fastad.getval",
    ),
    "a place that counts": (
        lambda x: stats.poisson.pmf(x[2], 0.3),
        "scipy.stats.poisson.pmf: k is a whole number",
        "fastad.getval",
    ),
    "counts of an urn": (
        lambda x: stats.hypergeom.cdf(1, 9, x[2], 4),
        "scipy.stats.hypergeom.cdf: n is a whole number",
        "fastad.getval",
    ),
    "an array's method": (lambda x: X.dot(x), "X.dot (numpy) reads", "use fastad.numpy.dot"),
    "an array's method that writes": (
        lambda x: X.put([0], x[0]),
        "X.put (numpy) reads",
        "build it in one go with fastad.numpy.array",
    ),
    "a search that has no rule": (
        lambda x: optimize.line_search(
            lambda z: np.sum((z - x) ** 2), lambda z: 2 * (z - x), X, -X
        )[0],
        "fastad.scipy.optimize.line_search reads",
        "as the start of fastad.scipy.optimize.minimize",
    ),
    "one argument of an equation": (
        lambda x: integrate.solve_ivp(lambda t, y, k: -k * y, (0, 1), X, args=x[0]).y[0, -1],
        "solve_ivp: args must be a tuple",
        "args=(args,)",
    ),
    "a function is returned": (lambda x: np.sin, "grad: <lambda> returned", "a call forgotten"),
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.filterwarnings("ignore:Output seems independent")
def test_the_way_out_is_named(name: str) -> None:
    function, start, remedy = MISTAKES[name]
    with pytest.raises((TypeError, NotImplementedError)) as info:
        grad(function)(X)
    text = str(info.value)
    assert text.startswith(start), text
    assert remedy in text, text
    assert len(text.split()) < 60, text


ARGUMENTS = {
    "series": (pd.Series([1.0, 2.0]), ".to_numpy()"),
    "frame": (pd.DataFrame({"a": [1.0, 2.0]}), ".to_numpy()"),
    "function": (onp.mean, "a call forgotten"),
    "text": ("abc", "argnum"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_without_a_derivative(name: str) -> None:
    argument, remedy = ARGUMENTS[name]
    with pytest.raises(TypeError, match=r"^grad: argument 0 of <lambda> is ") as info:
        grad(lambda x: 1.0)(argument)
    assert remedy in str(info.value) and "\n" not in str(info.value)


@pytest.mark.parametrize("name", "append at backward cpu detach grad numpy values".split())
def test_habits_of_other_libraries(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"no attribute '{name}': [a-z]"):
        grad(lambda x: getattr(x, name))(X)
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'$"):
        grad(lambda x: x.nothing)(X)


@pytest.mark.parametrize("name", "jacfwd jacrev vmap jvp stop_gradient lax no_grad nn".split())
def test_names_of_other_libraries(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"module 'fastad' has no attribute '{name}': [a-z]"):
        getattr(fastad, name)
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'$"):
        getattr(fastad, "nothing")  # noqa: B009


def test_jit_of_no_function() -> None:
    with pytest.raises(TypeError, match=r"^jit: the first argument .* not 2\.0 of type float$"):
        fastad.jit(2.0)  # type: ignore[call-overload]


def missing(use: Any) -> None:
    slope = fastad.grad(np.sum)
    with pytest.raises(TypeError, match=r"grad\(sum\) is a function.*call it"):
        use(slope)


UNPACKED = {
    "items": lambda g: g[0],
    "rows": list,
    "parts": lambda g: (lambda value, slope: value)(*g),
    "shape": lambda g: g.shape,
    "sum": lambda g: g.sum(),
}


@pytest.mark.parametrize("name", UNPACKED)
def test_what_unpacks_an_operator_asks_for_the_call(name: str) -> None:
    with pytest.raises((TypeError, AttributeError), match=r"grad\(sum\) is a function") as info:
        UNPACKED[name](fastad.grad(np.sum))
    assert isinstance(info.value, AttributeError) == (name in ("shape", "sum"))


def test_operators_are_no_collections() -> None:
    slope = fastad.value_and_grad(np.sum)
    assert not isinstance(slope, Iterable) and not isinstance(slope, Sized)
    assert not hasattr(slope, "shape") and onp.ndim(onp.array(slope, dtype=object)) == 0


def test_options_of_jax() -> None:
    with pytest.raises(TypeError, match="'static_argnums'; fastad needs none"):
        fastad.jit(np.sum, static_argnums=0)  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match=r"'argnums'; it takes the function alone.*jit\(grad\(f\)\)"
    ):
        fastad.jit(np.sum, argnums=0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="keyword argument 'nothing'$"):
        fastad.jit(np.sum, nothing=0)  # type: ignore[arg-type]


@pytest.mark.parametrize("op", [grad, fastad.make_vjp, fastad.make_jvp, fastad.hessian])
def test_arguments_beside_the_function_go_into_a_second_call(op: Any) -> None:
    with pytest.raises(TypeError, match=rf"second call: {op.__name__}\(f\)\(x\)$"):
        op(np.sum, X)


def test_other_numbers_are_floats_first() -> None:
    for number in (Fraction(1, 2), Decimal("0.5")):
        with pytest.raises(TypeError, match="is .*; differentiate .* pass float"):
            grad(lambda x: x)(number)
    assert isinstance(Fraction(1, 2) * grad(np.sin)(0.0), float)


def test_a_maker_that_is_no_maker() -> None:
    square = fastad.extend.primitive(lambda x: x**2)
    fastad.extend.defvjp(square, lambda ans, x: 2.0 * x)
    with pytest.raises(TypeError, match="vjp maker of its argument number 0 returned ndarray"):
        grad(lambda x: np.sum(square(x)))(X)


@pytest.mark.parametrize("name", ["groupby", "iloc", "rolling"])
def test_methods_of_frames_beside_traced_values(name: str) -> None:
    frame = pd.DataFrame({"a": X})
    with pytest.raises(AttributeError, match=rf"'{name}': beside a traced value a frame is its"):
        grad(lambda x: getattr(frame["a"] * x, name))(X)


def test_the_statistics_module_asks_for_numbers() -> None:
    for name in ("mean", "variance"):
        with pytest.raises(TypeError, match=rf"statistics\.{name} reads .* use fastad.numpy.mean"):
            grad(lambda x, name=name: getattr(statistics, name)(x))(X)


@pytest.mark.parametrize("of", [np.sum, onp.sum, np.sin, onp.mean, lambda g: np.dot(g, X)])
def test_functions_of_numpy_ask_for_the_call(of: Any) -> None:
    missing(of)


def test_comparisons_ask_for_the_call_and_equality_answers() -> None:
    missing(lambda g: g < 1e-6)
    missing(lambda g: X > g)
    missing(lambda g: grad(lambda x: np.add(x, g))(1.0))
    slope = grad(np.sum)
    assert not (X == slope) and X != slope and slope in [1.0, slope]
    assert onp.array([slope, slope], dtype=object).shape == (2,)


def test_what_refuses_is_no_counterpart() -> None:
    assert remedies.counterpart("scipy.stats.norm.fit") is None
    assert remedies.counterpart("scipy.stats.norm.ppf") == "fastad.scipy.stats.norm.ppf"
    assert remedies.counterpart("scipy.interpolate") is None  # a module


@pytest.mark.parametrize("name", ["mean", "var", "std", "entropy", "moment", "expect"])
def test_remedies_speak_of_what_a_distribution_has(name: str) -> None:
    """Whole numbers have probabilities and no density."""
    from fastad.scipy.stats import family

    for distribution, with_density in ((scipy.stats.zipf, False), (scipy.stats.burr, True)):
        method = family.plain_only(getattr(distribution, name), f"d.{name}", name)
        with pytest.raises(NotImplementedError) as raised:
            grad(lambda a: method(a, 1))(2.5)
        text = str(raised.value)
        assert ("quad" in text, "pmf" in text) == (with_density, not with_density)


def test_functions_that_make_vjp_and_make_jvp_give_name_what_they_take() -> None:
    vjp, jvp = fastad.make_vjp(np.sin)(1.0)[0], fastad.make_jvp(np.sin)(1.0)
    for function in (vjp, jvp):
        with pytest.raises(TypeError, match="was called without its argument"):
            function()
    for use in (lambda: jvp[0], lambda: [*jvp]):
        with pytest.raises(TypeError, match=r"tangent = make_jvp\(f\)\(x\)\(v\)"):
            use()
