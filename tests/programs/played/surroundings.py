"""What SciPy, NumPy and the standard library keep beside numbers: generators, filters, formats."""

import warnings

import numpy as onp
import scipy.integrate
import scipy.interpolate
import scipy.optimize
import scipy.sparse
import scipy.stats

import fastad.numpy as np
import fastad.scipy.sparse.linalg as sparse_linalg
import fastad.scipy.stats as stats
from fastad import value_and_grad

from . import Stories, calls, inputs, nothing, setting

STORIES = Stories()
story = STORIES.add
REPLAYED = Stories()


def both(make):
    return REPLAYED.add(story(make))


# ---- sparse arrays -----------------------------------------------------------------------------


def matrix(format="csr"):
    return scipy.sparse.random(6, 4, 0.5, format=format, random_state=1)


def sparse_story(name, format, wrap, change):
    def make():
        held = {"A": matrix(format)}

        def f(x):
            return np.sum((held["A"] @ x) ** 2)

        return wrap(f), calls(lambda: change(held)), nothing

    make.__name__ = name
    (story if format == "lil" else both)(make)  # a lil array holds Python's lists


def written(held):
    held["A"].data[...] *= 3


def rebound(held):
    held["A"] = held["A"] * 3


def other_places(held):
    held["A"].indices[...] = held["A"].indices[::-1].copy()


def another_format(held):
    held["A"] = (2 * held["A"]).tocsc()


for way, wrap in (("value", lambda f: f), ("gradient", value_and_grad)):
    for change in (written, rebound, other_places, another_format):
        sparse_story(f"sparse_{change.__name__}_{way}", "csr", wrap, change)
    for format in ("csc", "coo", "dia", "lil"):
        sparse_story(f"sparse_{format}_{way}", format, wrap, rebound)


@both
def sparse_made_by_the_call():
    weights = onp.arange(1.0, 5.0)

    def f(x):
        A = scipy.sparse.diags([weights, -1.0], [0, 1], shape=(4, 4), format="csr")
        return np.sum((A @ x) ** 2)

    def change():
        weights[:] = weights[::-1].copy()

    return value_and_grad(f), calls(change), nothing


@both
def sparse_system_whose_entries_and_pattern_change():
    weights, places = onp.arange(1.0, 5.0), [1]

    def f(x):
        A = scipy.sparse.diags([weights, -0.1], [0, places[0]], shape=(4, 4), format="csc")
        return np.sum(sparse_linalg.spsolve(A, x) ** 2)

    def entries():
        weights[:] = weights[::-1].copy()

    return value_and_grad(f), calls(entries, lambda: places.__setitem__(0, 2)), nothing


@both
def sparse_changed_between_two_products():
    def f(x):
        A = scipy.sparse.csr_array(onp.diag([1.0, 2.0, 3.0, 4.0]))
        first = A @ x
        A.data *= 5
        return np.sum(first * (A @ x))

    return f, calls(), nothing


@both
def sparse_by_columns_and_from_the_left():
    A = matrix()

    def f(x):
        return np.sum((A @ x) ** 2) + np.sum((x.T @ A.T) ** 3)

    def change():
        A.data[0] += 1

    return value_and_grad(f), calls(change, shape=(4, 3)), nothing


@both
def sparse_after_the_conversion_of_a_traced_array_fails():
    A = matrix()

    def f(x):
        try:
            return np.sum(onp.asarray(x))
        except TypeError:
            return np.sum((A @ x) ** 2)

    return value_and_grad(f), calls(), nothing


# ---- distributions -----------------------------------------------------------------------------


def law_story(name, f, *changes):
    def make():
        held = {"density": stats.norm.logpdf}
        return (
            value_and_grad(lambda x: f(held, x)),
            calls(*(lambda: c(held) for c in changes)),
            nothing,
        )

    make.__name__ = name
    both(make)


law_story(
    "method_of_a_distribution",
    lambda held, x: np.sum(held["density"](x, 0.5, 2.0)),
    lambda held: held.update(density=stats.laplace.logpdf),
)
law_story("method_of_a_shaped_distribution", lambda held, x: np.sum(stats.gamma.logpdf(x, 2.0)))


@both
def frozen_by_scipy_beside_traced_values():
    held = {"law": scipy.stats.norm}

    def f(x):
        return np.sum(x**2) * held["law"].ppf(0.9) + np.sum(held["law"].pdf(onp.arange(3.0)))

    return value_and_grad(f), calls(lambda: held.update(law=scipy.stats.logistic)), nothing


def drawing_story(name, draw):
    def make():
        def f(x):
            return np.sum(x) * (3.0 if draw() > 0.9 else 1.0)

        return (
            f,
            [lambda: onp.random.seed(3), *calls(lambda: None, lambda: None)],
            onp.random.random,
        )

    make.__name__ = name
    story(make)


drawing_story("draws_by_a_distribution", lambda: stats.norm.rvs())
drawing_story("draws_by_scipys_distribution", lambda: scipy.stats.norm.rvs())
drawing_story("draws_by_a_frozen_distribution", lambda: stats.gamma(2.0).rvs() - 3)
drawing_story("draws_by_a_name_put_together", lambda: getattr(stats.norm, "r" + "vs")())
drawing_story("draws_of_sparse_arrays", lambda: scipy.sparse.random(2, 2, 1.0).data[0])


@story
def draws_by_a_distributions_own_generator():
    law = scipy.stats.norm
    law.random_state = onp.random.RandomState(5)

    def f(x):
        return np.sum(x) * (3.0 if law.rvs() > 0.9 else 1.0)

    return f, calls(), lambda: setattr(law, "random_state", None)


@story
def draws_beside_draws_that_are_seen():
    import fastad.numpy.random as npr

    def f(x):
        return np.sum(x * npr.normal(size=4)) * (3.0 if stats.norm.rvs() > 0.9 else 1.0)

    return f, [lambda: onp.random.seed(3), *calls()], onp.random.random


# ---- warnings ----------------------------------------------------------------------------------


@both
def warnings_ignored():
    held = [2.0]

    def f(x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", category=RuntimeWarning)
            return np.sum(np.log(x)) * held[0]

    return value_and_grad(f), calls(lambda: held.append(held.pop() + 1)), nothing


def hears(x):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        onp.log(onp.float64(-1.0 if COUNTS["calls"] > 3 else 1.0))
    return np.sum(x) * (1 + len(heard))


COUNTS = {"calls": 0}


@story
def warnings_counted():
    COUNTS["calls"] = 0
    return hears, calls(lambda: COUNTS.update(calls=5)), nothing


def raises(x, action="error"):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            return np.sum(np.where(x > 0.5, np.log(x - 0.5), 0.0))
    except RuntimeWarning:
        return np.sum(x)


@story
def warnings_as_errors():
    return raises, calls(), nothing


@story
def warnings_as_errors_by_an_argument():
    wide = [2 + x for x in inputs()]
    return raises, [(x, "error") for x in (*wide, *inputs())], nothing


@story
def warnings_filtered_for_good():
    def f(x):
        warnings.simplefilter("ignore")
        return np.sum(x)

    def change():
        warnings.simplefilter("always")

    with warnings.catch_warnings():
        pass
    return f, calls(change), lambda: warnings.filters[0][0]


# ---- compiled functions that are handed functions ----------------------------------------------


def integral():
    rate = [1.0]
    f = lambda x: x * scipy.integrate.quad(lambda t: onp.exp(-rate[0] * t), 0, 1)[0]
    return f, rate


def root():
    rate = [1.0]
    f = lambda x: x * scipy.optimize.brentq(lambda t: t * t - rate[0], 0, 5)
    return f, rate


def spline():
    rate = [1.0]
    curve = scipy.interpolate.CubicSpline(onp.arange(4.0), onp.arange(4.0) ** 2)
    f = lambda x: x * float(curve(rate[0]))
    return f, rate


def compiled_story(name, make_function):
    def make():
        f, rate = make_function()
        return lambda x: np.sum(f(x) ** 2), calls(lambda: rate.__setitem__(0, 2.0)), nothing

    make.__name__ = name
    both(make)


compiled_story("integral_of_a_constant", integral)
compiled_story("root_of_a_constant", root)
compiled_story("spline_at_a_constant", spline)


@story
def integral_that_closes_over_the_argument():
    def f(x):
        return scipy.integrate.quad(lambda t: t * float(x[0]), 0, 1)[0]

    return f, calls(), nothing


@story
def integral_that_counts():
    count = [0]

    def inner(t):
        count[0] += 1
        return t

    return lambda x: np.sum(x) * scipy.integrate.quad(inner, 0, 1)[0], calls(), lambda: count


# ---- piecewise, strings that name attributes ---------------------------------------------------


def pieces(at):
    def f(x):
        masks = [x < at[0], x >= at[0]]
        return np.sum(np.piecewise(x, masks, [lambda t: at[0] * t, lambda t: t * t]))

    return f


@both
def piecewise_value():
    at = [1.0]
    return pieces(at), calls(lambda: at.__setitem__(0, 0.7)), nothing


@both
def piecewise_gradient():
    at = [1.0]
    return value_and_grad(pieces(at)), calls(lambda: at.__setitem__(0, 0.7)), nothing


@both
def piecewise_by_one_mask_and_a_constant():
    at = [1.0]

    def f(x):
        return np.sum(np.piecewise(x, x < at[0], [lambda t: t**3, 2.0]) * x)

    return value_and_grad(f), calls(lambda: at.__setitem__(0, 0.7)), nothing


class Rates:
    low, high = 1.0, 2.0


@story
def format_given_as_an_argument():
    rates = Rates()

    def f(x, text):
        return np.sum(x) * float(text.format(rates))

    steps = [(x, "{0.low}") for x in inputs()]
    return f, [*steps, setting(rates, low=7.0), *steps], nothing
