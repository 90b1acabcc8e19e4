"""Draws of the global generator: with a seed, `jit(f)` draws and leaves what f draws and leaves."""

import types

import numpy as onp

import fastad.numpy as np
import fastad.numpy.random as npr
from fastad import getval, grad, jit, make_vjp, value_and_grad

from . import Stories, calls, inputs, nothing

STORIES = Stories()
REPLAYED = Stories()


def seeded(make, steps=None):
    """A story that starts from a seed, with draws and a seed of the world's between its calls."""

    def story():
        between = (onp.random.normal, lambda: onp.random.seed(5))
        return (
            make(),
            [lambda: onp.random.seed(3), *(steps or calls(*between))],
            onp.random.random,
        )

    story.__name__ = make.__name__
    STORIES.add(story)
    return story


def replayed(make, steps=None):
    REPLAYED.add(seeded(make, steps))
    return make


def eager(make, steps=None):
    seeded(make, steps)
    return make


@replayed
def lower_bound_of_evidence():
    return value_and_grad(lambda x: np.mean((npr.normal(size=(8, 4)) * np.exp(x) + x) ** 2))


@replayed
def one_number():
    return lambda x: np.sum(x) * npr.normal()


@replayed
def several_draws():
    def f(x):
        return np.sum(x * npr.uniform(-1, 1, 4)) * npr.randn(2, 2)[0, 0] + npr.rand()

    return f


@replayed
def mask_of_dropout():
    return grad(lambda x: np.sum(x**2 * (npr.rand(4) > 0.5)))


@replayed
def whole_draws():
    return grad(lambda x: np.sum(x**2 * npr.binomial(1, 0.5, size=4)))


@replayed
def batch_by_drawn_places():
    return value_and_grad(lambda x: np.sum(x[npr.randint(0, 4, size=3)] ** 2))


@replayed
def permutation_of_places():
    return lambda x: x[npr.permutation(4)] * x


@replayed
def choice_without_replacement():
    return lambda x: x[npr.choice(4, size=2, replace=False)]


@replayed
def choice_of_numbers():
    return lambda x: x * npr.choice([1.0, 2.0, 3.0], p=[0.2, 0.3, 0.5])


@replayed
def vector_of_a_covariance():
    return lambda x: x * npr.multivariate_normal(onp.zeros(4), onp.eye(4))


@replayed
def step_of_descent():
    def f(x):
        return x - 0.1 * grad(lambda w: np.sum((w * npr.normal(size=4) - 1) ** 2))(x)

    return f


@replayed
def drawn_values_changed_in_place():
    def f(x):
        z = npr.normal(size=4)
        z *= 2
        return np.sum(x * z)

    return f


@replayed
def drawn_values_returned():
    return lambda x: (x * 2, npr.normal(size=2), npr.normal())


@replayed
def drawn_and_averaged_by_numpy():
    return lambda x: np.sum(x) * onp.mean(npr.normal(size=5))


@replayed
def function_imported_by_name():
    code = (lambda x: np.sum(x) * normal()).__code__  # noqa: F821
    return types.FunctionType(code, {"np": np, "normal": npr.normal})


@replayed
def random_as_an_attribute_of_numpy():
    return lambda x: np.sum(x) * np.random.normal(size=3)


@replayed
def pullback_within():
    def f(x):
        vjp, value = make_vjp(lambda y: y * npr.normal(size=4))(x)
        return vjp(value), value

    return f


@replayed
def jitted_function_within():
    inner = jit(lambda y: np.sum(y) * npr.normal())
    return lambda x: inner(x) + npr.normal() * np.sum(x)


def infinities():
    values = (1.0, 2, 3, 4, 5, 0, 6, 7, 8, 0, 0, 0, 0, 9, 9, 9)
    return [(onp.ones(3) * value,) for value in values]


@replayed
def jitted_function_within_and_infinities():
    inner = jit(lambda y: np.sum(y) * npr.uniform())
    return lambda x: np.log(inner(x) / (1.0 + npr.rand()))


@eager
def pullback_called_later():
    given = jit(make_vjp(lambda y: y * npr.normal(size=4)))

    def f(x):
        vjp, value = given(x)
        return vjp(onp.ones(4)), value

    return f


@eager
def one_whole_number():
    return lambda x: x[npr.randint(0, 4)] * x


@eager
def permutation_of_values():
    return lambda x: npr.permutation(x) * x


@eager
def draw_in_one_branch():
    return lambda x: np.sum(x) * npr.normal() if np.sum(x) > 4 else np.sum(x) * 2


@eager
def draws_by_branch():
    return lambda x: np.sum(x) * (npr.normal() if np.sum(x) > 4 else npr.uniform())


@eager
def draws_until_one_suits():
    def f(x):
        while (u := npr.uniform()) > 0.5:
            pass
        return np.sum(x) * u

    return f


@eager
def seed_within():
    def f(x):
        npr.seed(0)
        return np.sum(x) * npr.normal()

    return f


@eager
def shuffle_within():
    def f(x):
        values = [1.0, 2.0, 3.0]
        npr.shuffle(values)
        return np.sum(x) * values[0]

    return f


@replayed
def draws_of_numpy_itself():
    return lambda x: np.sum(x) * onp.random.normal() * npr.normal()


@replayed
def draws_of_numpy_by_a_short_name():
    rnd = onp.random
    return lambda x: np.sum(x[rnd.choice(4, 3)] * rnd.standard_normal(3)) * rnd.rand()


@eager
def draws_of_numpy_by_a_name_that_is_imported():
    from numpy.random import randn

    return lambda x: np.sum(x * randn(4))


@eager
def shuffle_of_numpy_itself():
    def f(x):
        places = onp.arange(4)
        onp.random.shuffle(places)
        return x[places[0]]

    return f


@replayed
def counters_beside_draws():
    state = types.SimpleNamespace(k=0, mean=0.0)

    def f(x):
        state.k += 1
        state.mean = state.mean + np.sum(x * onp.random.randn(4)) / state.k
        return state.mean * 0.9**state.k

    return f


@STORIES.add
def counters_beside_draws_that_floats_cannot_hold():
    state = types.SimpleNamespace(k=0)

    def f(x):
        state.k += 1
        return np.sum(x * npr.randn(4)) * (state.k % 7)

    def large():
        state.k = 2**53 - 3

    steps = [lambda: onp.random.seed(3), *calls(large, large)]
    return f, steps, lambda: (state.k, onp.random.random())


@STORIES.add
def a_function_of_numpy_that_is_exchanged():
    own = onp.random.randn

    def f(x):
        return np.sum(x * onp.random.randn(4))

    def other():
        onp.random.randn = lambda n: onp.arange(float(n))

    def back():
        onp.random.randn = own

    steps = [lambda: onp.random.seed(3), *calls(other, back)]
    return f, steps, lambda: (onp.random.randn is own, onp.random.random())


@eager
def scale_by_a_value():
    return lambda x: np.sum(x * npr.normal(0, getval(np.sum(x)), 4))


def logarithm_of_zero():
    return lambda x: np.log(x) * npr.normal(size=x.shape)


replayed(logarithm_of_zero, infinities())


def scale_that_is_captured():
    scale = [1.0]
    steps = calls(*(lambda by=by: scale.__setitem__(0, by) for by in (2.0, 3.0, 4.0)))
    return (lambda x: np.sum(x * npr.normal(0, scale[0], 4))), steps


@REPLAYED.add
@STORIES.add
def captured_scale():
    f, steps = scale_that_is_captured()
    return f, [lambda: onp.random.seed(3), *steps], onp.random.random


@STORIES.add
def same_values_again_and_again():
    x = inputs()[0]
    f = value_and_grad(lambda x: np.sum(x**2 * npr.normal(size=4)))
    return f, [lambda: onp.random.seed(3), *[(x,)] * 12], nothing
