"""Primitives on containers: dicts, lists, nested tuples, dataclasses, in and out."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import deriv, grad, hessian, jacobian, make_jvp, make_vjp
from fastad.extend import defjvp, defvjp, defvjp_argnum, defvjp_argnums, primitive
from fastad.test_util import check_grads

X = onp.array([0.5, 1.5, -2.0])


@primitive
def quadratic(d):
    assert isinstance(d["a"], (float, onp.ndarray))  # the function sees plain values
    return {"y": d["a"] * d["b"][0], "z": [d["a"] ** 2]}


defvjp(
    quadratic,
    lambda ans, d: (
        lambda g: {
            "a": g["y"] * d["b"][0] + 2 * d["a"] * g["z"][0],
            "b": [g["y"] * d["a"]],
        }
    ),
)
defjvp(
    quadratic,
    lambda g, ans, d: {
        "y": g["a"] * d["b"][0] + d["a"] * g["b"][0],
        "z": [2 * d["a"] * g["a"]],
    },
)


def fifth_power(x):
    q = quadratic({"a": x, "b": [x * x]})
    return q["y"] * q["z"][0]


def test_dicts_in_and_out_at_every_order():
    assert grad(fifth_power)(2.0) == 80.0
    assert grad(grad(fifth_power))(2.0) == 160.0
    assert grad(grad(grad(fifth_power)))(2.0) == 240.0
    assert deriv(fifth_power)(2.0) == 80.0
    assert make_jvp(grad(fifth_power))(2.0)(1.0) == (80.0, 160.0)
    assert grad(deriv(fifth_power))(2.0) == 160.0
    check_grads(lambda x: fifth_power(x), order=2)(X)
    assert quadratic({"a": 2.0, "b": [3.0]}) == {"y": 6.0, "z": [4.0]}


def test_the_argument_itself_is_a_container():
    g = grad(lambda d: quadratic(d)["y"])({"a": 2.0, "b": [3.0]})
    assert g == {"a": 3.0, "b": [2.0]}
    g = grad(lambda d: quadratic(d)["z"][0])({"a": 2.0, "b": [3.0]})
    assert g == {"a": 4.0, "b": [0.0]}


@primitive
def total(xs, scale=1.0):
    return scale * sum(onp.sum(x) for x in xs)


defvjp(
    total,
    lambda ans, xs, scale=1.0: lambda g: [g * scale * onp.ones_like(x) for x in xs],
    lambda ans, xs, scale=1.0: lambda g: g * ans / scale,
)


def test_lists_ragged_and_named():
    assert grad(total)([1.0, 2.0]) == [1.0, 1.0]
    g = grad(total)([onp.ones(2), 2.0])
    onp.testing.assert_array_equal(g[0], [1.0, 1.0])
    assert g[1] == 1.0
    # The rule gives a list where a tuple went in: one kind of sequence for another will do.
    assert grad(total)((1.0, 2.0)) == (1.0, 1.0)
    assert grad(lambda x: total([x, 3.0, x]))(2.0) == 2.0
    assert grad(lambda x: total(scale=4.0, xs=[x, x]))(2.0) == 8.0
    assert grad(lambda s: total([1.0, 2.0], scale=s))(2.0) == 3.0
    assert grad(lambda x: total([x, x], scale=x))(2.0) == 8.0
    onp.testing.assert_array_equal(jacobian(lambda x: total([x[0], x[1:]]) * x)(X).shape, (3, 3))
    onp.testing.assert_array_equal(hessian(lambda x: total([x[0] * x[1], x[2]]))(X)[0], [0, 1, 0])


@primitive
def nested(x):
    return (x, (x * 2.0, [x * x])), "text", None


defvjp(nested, lambda ans, x: lambda g: g[0][0] + 2.0 * g[0][1][0] + 2.0 * x * g[0][1][1][0])
defjvp(nested, lambda g, ans, x: ((g, (2.0 * g, [2.0 * x * g])), "text", None))


def test_nested_results():
    (value, (twice, squares)), text, nothing = nested(3.0)
    assert (value, twice, squares, text, nothing) == (3.0, 6.0, [9.0], "text", None)
    assert grad(lambda x: nested(x)[0][0])(3.0) == 1.0
    assert grad(lambda x: nested(x)[0][1][0])(3.0) == 2.0
    assert grad(lambda x: nested(x)[0][1][1][0])(3.0) == 6.0
    assert grad(grad(lambda x: nested(x)[0][1][1][0]))(3.0) == 2.0
    assert grad(lambda x: nested(x)[0][0] * nested(x)[0][1][0])(3.0) == 12.0
    assert deriv(lambda x: nested(x)[0][1][1][0])(3.0) == 6.0

    def sees_text(x):
        result = nested(x)
        assert result[1] == "text" and result[2] is None
        return result[0][0]

    assert grad(sees_text)(3.0) == 1.0


class Pair(NamedTuple):
    low: float
    high: float


@dataclasses.dataclass
class Model:
    weights: object
    name: str


@primitive
def spread_of(pair, model):
    return (pair.high - pair.low) * onp.sum(model.weights)


defvjp(
    spread_of,
    lambda ans, pair, model: lambda g: Pair(-g * np.sum(model.weights), g * np.sum(model.weights)),
    lambda ans, pair, model: lambda g: Model(g * (pair.high - pair.low) * np.ones(3), model.name),
)


def test_named_tuples_and_dataclasses():
    pair, model = Pair(1.0, 3.0), Model(X, "m")
    g = grad(spread_of, (0, 1))(pair, model)
    assert g[0] == Pair(-onp.sum(X), onp.sum(X))
    onp.testing.assert_array_equal(g[1].weights, onp.full(3, 2.0))
    assert g[1].name == "m"
    mixed = grad(grad(lambda t: spread_of(Pair(t, t * t), Model(t * X, "m"))))
    onp.testing.assert_allclose(mixed(0.5), onp.sum(X) * (6 * 0.5 - 2.0))


def test_other_ways_to_give_rules():
    @primitive
    def dot(xs, ys):
        return sum(x * y for x, y in zip(xs, ys))

    defvjp_argnum(
        dot, lambda argnum, ans, args, kwargs: lambda g: [g * one for one in args[1 - argnum]]
    )
    f = lambda x: dot([x, 2.0 * x], [x, 3.0])
    assert grad(f)(2.0) == 10.0
    defvjp_argnums(
        dot,
        lambda argnums, ans, args, kwargs: (
            lambda g: tuple([g * one for one in args[1 - argnum]] for argnum in argnums)
        ),
    )
    assert grad(f)(2.0) == 10.0
    assert grad(grad(f))(2.0) == 2.0


def test_many_sweeps_of_one_trace():
    vjp, value = make_vjp(lambda x: quadratic({"a": x, "b": [x]})["y"])(X)
    onp.testing.assert_array_equal(value, X * X)
    for row in onp.eye(3):
        onp.testing.assert_array_equal(vjp(row), 2.0 * X * row)


# ---- errors


def test_errors_name_the_primitive():
    @primitive
    def unruled(xs):
        return xs[0]

    with pytest.raises(NotImplementedError, match="unruled"):
        grad(lambda x: unruled([x]))(2.0)

    @primitive
    def wrong(d):
        return d["a"] * 2.0

    for returned in ({"b": 1.0}, [1.0, 2.0], {"a": onp.ones(5)}):
        defvjp(wrong, lambda ans, d: lambda g: returned)
        with pytest.raises((TypeError, ValueError), match="wrong"):
            grad(lambda x: wrong({"a": x}))(2.0)
    defvjp(wrong, lambda ans, d: lambda g: {"a": 2.0 * g})
    assert grad(lambda x: wrong({"a": x}))(2.0) == 2.0

    def raises(d):
        raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        grad(lambda x: _with_rule(raises)({"a": x}))(2.0)
    assert grad(lambda x: x**3)(2.0) == 12.0


def _with_rule(function):
    made = primitive(function)
    defvjp(made, lambda ans, d: lambda g: d)
    return made


def test_containers_without_a_rule_are_parameters():
    @primitive
    def scaled(table, x):
        return table["w"] * x

    defvjp(scaled, None, lambda ans, table, x: lambda g: g * table["w"])
    assert grad(lambda x: scaled({"w": 3.0}, x))(2.0) == 3.0
    # What the function does with a traced parameter is recorded ...
    assert grad(lambda w: scaled({"w": w}, 2.0))(3.0) == 2.0
    # ... and both at once cannot be: an error, and no wrong number.
    with pytest.raises(TypeError, match="scaled"):
        grad(lambda w: scaled({"w": w}, w))(3.0)
