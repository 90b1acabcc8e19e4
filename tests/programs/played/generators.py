"""Draws of captured generators: `jit(f)` draws what f draws, and leaves them where f does."""

import copy
import dataclasses
import functools
import types

import numpy as onp

import fastad.numpy as np
import fastad.numpy.random as npr
from fastad import jit, make_vjp, value_and_grad

from . import Stories, calls, setting

STORIES = Stories()
REPLAYED = Stories()
random = onp.random


def drawing(make, *, bits=random.PCG64, steps=None, replayed=True):
    """A story of a function of a holder of a generator, which draws between and is rebound."""

    def story():
        holder = types.SimpleNamespace(rng=random.Generator(bits(3)))

        def set_back():
            if type(holder.rng.bit_generator) is bits:
                holder.rng.bit_generator.state = random.Generator(bits(4)).bit_generator.state

        changes = (
            lambda: holder.rng.normal(),
            set_back,
            lambda: setattr(holder, "rng", random.default_rng(8)),
        )
        f = make(holder)
        return f, steps(holder) if steps else calls(*changes), lambda: holder.rng.random()

    story.__name__ = make.__name__ if bits is random.PCG64 else bits.__name__
    STORIES.add(story)
    if replayed:
        REPLAYED.add(story)


def replayed(make):
    drawing(make)
    return make


def eager(make):
    drawing(make, replayed=False)
    return make


@replayed
def of_an_attribute(holder):
    return lambda x: np.sum(x * holder.rng.normal(size=4)) + holder.rng.uniform()


for kind in (random.MT19937, random.Philox, random.SFC64, random.PCG64DXSM):
    drawing(of_an_attribute, bits=kind)


@replayed
def lower_bound(holder):
    return value_and_grad(lambda x: np.mean((holder.rng.normal(size=(8, 4)) * x + x) ** 2))


@replayed
def places_drawn(holder):
    return lambda x: x[holder.rng.integers(4, size=3)] * x[holder.rng.permutation(4)[:3]]


@replayed
def drawn_in_another_layout(holder):
    rows = onp.arange(16.0).reshape(4, 4)
    return lambda x: x * holder.rng.permutation(rows, axis=1)[0]


@replayed
def drawn_columns(holder):
    rows = onp.asfortranarray(onp.arange(12.0).reshape(3, 4))
    return lambda x: (
        x @ holder.rng.choice(rows, 2, axis=0).T,
        holder.rng.permuted(rows, axis=0) @ x,
        holder.rng.choice(rows, 3, axis=1),
    )


@replayed
def chosen_places(holder):
    return lambda x: x[holder.rng.choice(4, 2, replace=False)]


@replayed
def single_precision(holder):
    return lambda x: x * holder.rng.random(4, dtype=onp.float32)


@replayed
def asked_for_its_class(holder):
    return lambda x: x * (holder.rng.normal() if isinstance(holder.rng, random.Generator) else 1)


@replayed
def two_names_of_one(holder):
    other = holder.rng
    return lambda x: x * other.normal() * holder.rng.normal()


@replayed
def beside_the_global_one(holder):
    random.seed(3)
    return lambda x: x * holder.rng.normal() + npr.normal() + holder.rng.uniform()


@replayed
def of_a_dict_and_a_list(holder):
    held = {"rng": holder.rng}, [holder.rng]
    return lambda x: x * held[0]["rng"].normal() * held[1][0].normal()


@replayed
def of_a_class(holder):
    class Model:
        rng = holder.rng

    return lambda x: x * Model.rng.normal()


@replayed
def of_a_keyword_default(holder):
    def f(x, *, rng=holder.rng):
        return x * rng.normal()

    return f


@replayed
def pullback_within(holder):
    return lambda x: make_vjp(lambda y: y * holder.rng.normal(size=4))(x)[0](x)


@replayed
def metropolis_step(holder):
    def f(x):
        new = x + 0.3 * holder.rng.normal(size=4)
        if holder.rng.random() < np.exp(np.sum(x**2) - np.sum(new**2)):
            return new, True
        return x, False

    return f


@replayed
def branch_beside_a_draw(holder):
    def f(x):
        noise = holder.rng.normal()
        return x * noise if np.sum(x) > 4 else x + noise

    return f


@replayed
def branch_by_a_draw(holder):
    return lambda x: x if holder.rng.random() > 0.5 else -x


@replayed
def stored_again(holder):
    def f(x):
        holder.other = holder.rng
        return x * holder.rng.normal()

    return f


def scaled(holder):
    holder.scale = 1.0
    return lambda x: x * holder.rng.normal(0, holder.scale, size=4)


drawing(scaled, steps=lambda holder: calls(setting(holder, scale=2.0), setting(holder, scale=3.0)))


def infinities(_):
    values = (1.0, 2, 3, 4, 5, 0, 6, 7, 8, 0, 0, 0, 0, 9, 9, 9)
    return [(onp.ones(3) * value,) for value in values]


def logarithm(holder):
    return lambda x: np.log(x) * holder.rng.normal(size=3)


def jitted_function_within(holder):
    inner = jit(lambda y: np.sum(y) * holder.rng.uniform())
    return lambda x: np.log(inner(x)) + holder.rng.normal() * np.sum(x)


def error_between_draws(holder):
    def f(x):
        noise = holder.rng.normal(size=3)
        return np.sum(np.linalg.cholesky(np.diag(x)) @ noise) * holder.rng.normal()

    return f


for function in (logarithm, jitted_function_within, error_between_draws):
    drawing(function, steps=infinities)


@replayed
def a_whole_number(holder):
    return lambda x: x * holder.rng.integers(10) + holder.rng.poisson(3.0) / 2


@replayed
def a_place_in_an_argument(holder):
    return lambda x: x[holder.rng.integers(4)] * 2.0


def a_place_in_what_is_captured(holder):
    holder.rows = onp.arange(24.0).reshape(6, 4)

    def f(x):
        j = holder.rng.integers(len(holder.rows))
        return x * holder.rows[j] + j

    return f


def place_changes(holder):
    return calls(
        lambda: holder.rows.fill(2.0),
        setting(holder, rows=onp.ones((6, 4))),
        setting(holder, rows=onp.ones((9, 4))),
        n=9,
    )


drawing(a_place_in_what_is_captured, steps=place_changes)


@replayed
def a_whole_number_that_is_read(holder):
    def f(x):
        for _ in range(holder.rng.integers(1, 3)):
            x = x * 1.5
        return x if holder.rng.integers(2) else -x

    return f


@replayed
def a_number_chosen_of_few(holder):
    return lambda x: x[holder.rng.choice(4)] * holder.rng.choice([1.0, -1.0])


@replayed
def of_given_location_and_scale(holder):
    return lambda x: holder.rng.normal(x, x) + holder.rng.normal(x[0], 2.0) * holder.rng.uniform()


@replayed
def of_every_family(holder):
    def f(x):
        a, b = x[0], x[1]
        rng = holder.rng
        return (
            rng.normal(a, b, size=3),
            rng.normal(loc=x),
            rng.uniform(-a, high=b),
            rng.uniform(x, 2.0 * x, (2, 4)),
            rng.exponential(b, 2),
            rng.exponential(x[:, None] * x),
            rng.lognormal(0.1 * a, sigma=b),
            rng.gumbel(a, scale=b),
            rng.laplace(loc=a),
            rng.logistic(a, b, 2),
            rng.rayleigh(b),
            rng.normal(size=2),
            rng.normal(0.5, 2.0),
            rng.gamma(2.0),
        )

    return f


@replayed
def a_walk(holder):
    holder.x, holder.steps = 0.0, 0

    def f(x):
        holder.x = holder.rng.normal(holder.x, np.sum(x) / 9.0)
        holder.steps += 1
        return holder.x / holder.steps

    return f


@replayed
def a_walk_of_metropolis(holder):
    holder.x = 0.0

    def f(x):
        new = holder.rng.normal(holder.x, 1.0)
        if holder.rng.uniform() < np.exp(0.5 * (holder.x**2 - new**2) * x[0]):
            holder.x = new
        return holder.x

    return f


def scales(_):
    values = (1.0, 2.0, 3.0, 4.0, 5.0, 0.0, -0.0, 6.0, -1.0, onp.inf, onp.nan, 7.0, 8.0)
    return [(value,) for value in values]


def of_a_given_scale(holder):
    return lambda s: holder.rng.normal(1.0, s) + holder.rng.uniform(0.0, s)


drawing(of_a_given_scale, steps=scales)


@eager
def of_a_given_shape(holder):
    return lambda x: holder.rng.gamma(x[0]) * holder.rng.normal()


@eager
def of_given_weights(holder):
    return lambda x: x[holder.rng.choice(4, p=x / np.sum(x))]


@eager
def a_whole_number_beyond_floats(holder):
    return lambda x: x * (holder.rng.integers(2**62) % 97)


def as_an_argument(f, replayed=True):
    """A story of a function that is given the generator, in containers of several kinds."""

    def story():
        rng, other = random.default_rng(3), random.default_rng(5)
        given = [(x, rng) for (x,) in calls(n=8)]
        steps = [*given, lambda: rng.normal(), *given, *((x, other) for x, _ in given), *given]
        return f, steps, lambda: (rng.random(), other.random())

    story.__name__ = f"argument_{f.__name__}"
    STORIES.add(story)
    if replayed:
        REPLAYED.add(story)


def draws_from_it(x, rng):
    return x * rng.normal(size=4) + rng.integers(5)


def accepts_or_rejects(x, rng):
    new = x + 0.3 * rng.normal(size=4)
    return new if rng.random() < np.exp(np.sum(x**2) - np.sum(new**2)) else x


def asks_what_it_is(x, rng):
    if not isinstance(rng, random.Generator):
        raise TypeError("a generator is wanted")
    return x * rng.normal()


def hands_it_on_in_a_dict(x, rng):
    settings = {"rng": rng, "scale": 2.0}
    return taking(x, **settings)


def taking(x, rng, scale):
    return draws_from_it(x * scale, rng)


def closes_over_it(x, rng):
    noise = lambda n: rng.normal(size=n)
    return value_and_grad(lambda y: np.sum(y * noise(4)))(x)


def shuffles_by_it(x, rng):
    places = onp.arange(4)
    rng.shuffle(places)
    return x[places] * onp.arange(4.0)


def keeps_it(x, rng):
    KEPT["rng"] = rng
    return x * rng.normal()


def asks_whether_it_is_the_one(x, rng):
    return x * rng.normal() * (2.0 if rng is KEPT.get("rng") else 1.0)


KEPT = {}

for function in (
    draws_from_it,
    accepts_or_rejects,
    asks_what_it_is,
    hands_it_on_in_a_dict,
    closes_over_it,
):
    as_an_argument(function)
for function in (shuffles_by_it, keeps_it, asks_whether_it_is_the_one):
    as_an_argument(function, replayed=False)


@STORIES.add
@REPLAYED.add
def among_settings_that_are_given():
    rng = random.default_rng(3)

    def f(x, settings, *, more):
        return x * settings["rng"].normal() * more[0] + more[1].uniform() * settings["mean"]

    steps = [
        [(x, {"rng": rng, "mean": 0.1 * i}), {"more": (1.0 + i, rng)}]
        for i, (x,) in enumerate(calls(n=12))
    ]
    return f, steps, lambda: rng.random()


@STORIES.add
@REPLAYED.add
def in_a_data_class_that_is_given():
    rng = random.default_rng(3)

    @dataclasses.dataclass(frozen=True)
    class Noise:
        rng: object
        scale: float

    return (
        lambda x, noise: x * noise.rng.normal() * noise.scale,
        [(x, Noise(rng, 1.0 + i)) for i, (x,) in enumerate(calls(n=12))],
        lambda: rng.random(),
    )


@STORIES.add
@REPLAYED.add
def given_and_captured():
    rng = random.default_rng(3)
    return (
        lambda x, r: x * rng.normal() * r.normal(),
        [(x, rng) for (x,) in calls(n=12)],
        lambda: rng.random(),
    )


@STORIES.add
def another_one_in_each_call():
    return (
        lambda x, r: x * r.normal(),
        [(x, random.default_rng(i)) for i, (x,) in enumerate(calls(n=9))],
        lambda: None,
    )


@eager
def by_branch(holder):
    return lambda x: np.sum(x) * holder.rng.normal() if np.sum(x) > 4 else np.sum(x)


@eager
def until_one_suits(holder):
    def f(x):
        while (u := holder.rng.random()) > 0.5:
            pass
        return x * u

    return f


@eager
def bits_taken(holder):
    return lambda x: np.sum(x) * holder.rng.bit_generator.random_raw()


@eager
def children_spawned(holder):
    return lambda x: np.sum(x) * holder.rng.spawn(1)[0].normal()


@eager
def list_shuffled(holder):
    def f(x):
        values = [1.0, 2.0, 3.0]
        holder.rng.shuffle(values)
        return x * values[0]

    return f


@eager
def written_into_an_array(holder):
    def f(x):
        values = onp.zeros(4)
        holder.rng.random(out=values)
        return x * values

    return f


@eager
def bytes_drawn(holder):
    return lambda x: x * holder.rng.bytes(2)[0]


@eager
def copied_deeply(holder):
    return lambda x: x * copy.deepcopy(holder.rng).normal()


@eager
def asked_for_its_very_class(holder):
    return lambda x: x * (holder.rng.normal() if type(holder.rng) is random.Generator else 1.0)


@eager
def of_a_tuple(holder):
    held = (holder.rng,)
    return lambda x: x * held[0].normal() * holder.rng.normal()


@eager
def by_a_method_of_it(holder):
    normal = holder.rng.normal
    return lambda x: x * normal()


@eager
def of_a_partial(holder):
    return functools.partial(lambda rng, x: x * rng.normal(), holder.rng)


@eager
def of_a_slot(holder):
    class Model:
        __slots__ = ("rng",)

    model = Model()
    model.rng = holder.rng
    return lambda x: x * model.rng.normal()


@eager
def made_anew(holder):
    def f(x):
        holder.rng = random.default_rng(1)
        return x * holder.rng.normal()

    return f


@eager
def pullback_called_later(holder):
    given = jit(make_vjp(lambda y: y * holder.rng.normal(size=4)))

    def f(x):
        vjp, value = given(x)
        return vjp(onp.ones(4)), value

    return f
