"""Containers as arguments and results: types, order and constants come back."""

import collections
import dataclasses
from typing import NamedTuple

import autograd
import autograd.numpy as anp
import numpy as onp
import pytest

import fastad.numpy as np
from fastad import builtins, grad, hessian, jacobian, make_jvp, make_vjp, value_and_grad
from fastad._impl.spaces.containers import flatten, register_container, tree_map
from fastad.extend import VSpace, defvjp, primitive, vspace
from fastad.test_util import check_grads

X = onp.array([0.5, -1.0, 2.0])


def close(actual, expected):
    onp.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


class Point(NamedTuple):
    x: float
    y: object


@dataclasses.dataclass
class Layer:
    weight: object
    bias: float
    activation: str = "tanh"
    width: int = 3
    index: object = None


@dataclasses.dataclass(frozen=True)
class Frozen:
    scale: float
    layers: list

    def __post_init__(self):
        if not isinstance(self.scale, float):
            raise TypeError("a check that a traced value would not pass")


@dataclasses.dataclass
class Derived:
    a: float
    b: float = dataclasses.field(init=False)

    def __post_init__(self):
        self.b = 2 * self.a


@dataclasses.dataclass(slots=True)
class Slotted:
    a: float
    name: str


def test_list_tuple_dict():
    assert grad(lambda p: p[0] * p[1])([2.0, 3.0]) == [3.0, 2.0]
    assert grad(lambda p: p[0] * p[1])((2.0, 3.0)) == (3.0, 2.0)
    assert grad(lambda p: p["a"] * p["b"])({"b": 2.0, "a": 3.0}) == {"b": 3.0, "a": 2.0}
    assert type(grad(lambda p: p[0])([1.0])) is list


def test_nested():
    p = {"layers": [(X, 1.0), (2 * X, 2.0)], "scale": 3.0}

    def f(np, p):
        total = 0.0
        for weight, bias in p["layers"]:
            total = total + np.sum(np.tanh(weight * p["scale"] + bias))
        return total

    got = grad(lambda p: f(np, p))(p)
    expected = autograd.grad(lambda p: f(anp, p))(p)
    assert list(got) == ["layers", "scale"]
    for ours, theirs in zip(got["layers"], expected["layers"]):
        assert type(ours) is tuple
        close(ours[0], theirs[0])
        close(ours[1], theirs[1])
    close(got["scale"], expected["scale"])


def test_order_of_dict_keys_is_kept():
    keys = ["z", "a", "m", 3, (1, 2)]
    p = {key: float(i) for i, key in enumerate(keys)}
    assert list(grad(lambda p: sum(p.values()) ** 2)(p)) == keys


def test_dict_methods_work_inside_the_function():
    def f(p):
        assert len(p) == 2
        assert "a" in p
        assert p.get("c", 5.0) == 5.0
        return sum(v**2 for v in p.values()) + p["a"] * sum(v for k, v in p.items() if k == "b")

    assert grad(f)({"a": 2.0, "b": 3.0}) == {"a": 7.0, "b": 8.0}


def test_ordered_dict_and_defaultdict():
    p = collections.OrderedDict([("b", 2.0), ("a", 3.0)])
    g = grad(lambda p: p["a"] * p["b"])(p)
    assert type(g) is collections.OrderedDict
    assert list(g.items()) == [("b", 3.0), ("a", 2.0)]

    d = collections.defaultdict(float, a=3.0)
    g = grad(lambda p: p["a"] ** 2 + p["missing"])(d)
    assert type(g) is collections.defaultdict
    assert g.default_factory is float
    assert dict(g) == {"a": 6.0}
    assert dict(d) == {"a": 3.0}  # the default was read from a copy


def test_named_tuple():
    g = grad(lambda p: p.x * np.sum(p.y**2))(Point(2.0, X))
    assert type(g) is Point
    close(g.x, onp.sum(X**2))
    close(g.y, 4 * X)


def test_subclasses_of_list_tuple_and_dict():
    class Parameters(list):
        pass

    class Pair(tuple):
        def __new__(cls, first, second):
            return super().__new__(cls, (first, second))

    class Named(dict):
        def __init__(self, name, **items):
            super().__init__(**items)
            self.name = name

    p = Parameters([2.0, 3.0])
    p.label = "kept"
    g = grad(lambda p: p[0] * p[1])(p)
    assert type(g) is Parameters
    assert g == [3.0, 2.0]
    assert g.label == "kept"
    g = grad(lambda p: p[0] * p[1])(Pair(2.0, 3.0))
    assert type(g) is Pair
    assert g == (3.0, 2.0)
    g = grad(lambda p: p["a"] ** 2)(Named("n", a=3.0))
    assert type(g) is Named
    assert g.name == "n"
    assert g == {"a": 6.0}


def test_empty_containers_and_none():
    assert grad(lambda p: p["x"] ** 2)({"x": 3.0, "none": None, "empty": [], "also": ()}) == {
        "x": 6.0,
        "none": None,
        "empty": [],
        "also": (),
    }


def test_dataclass_constants_come_back_as_given():
    index = onp.array([0, 2])
    layer = Layer(X, 1.0, index=index)

    def f(layer):
        assert layer.activation == "tanh"
        assert layer.width == 3
        return np.sum(layer.weight[layer.index] ** 2) * layer.bias

    g = grad(f)(layer)
    assert type(g) is Layer
    close(g.weight, [1.0, 0.0, 4.0])
    close(g.bias, 4.25)
    assert g.activation == "tanh"
    assert g.width == 3
    assert g.index is index
    assert layer.bias == 1.0


def test_frozen_dataclass_and_constructor_checks():
    model = Frozen(2.0, [Layer(X, 1.0), 7, "text"])
    g = grad(lambda m: m.scale * np.sum(m.layers[0].weight))(model)
    assert type(g) is Frozen
    close(g.scale, X.sum())
    close(g.layers[0].weight, [2.0, 2.0, 2.0])
    assert g.layers[1:] == [7, "text"]


def test_dataclass_field_without_init_is_a_field_like_others():
    g = grad(lambda d: d.a * d.b)(Derived(3.0))
    assert (g.a, g.b) == (6.0, 3.0)


def test_dataclass_with_slots():
    g = grad(lambda s: s.a**2)(Slotted(3.0, "n"))
    assert (g.a, g.name) == (6.0, "n")


def test_dtypes_of_leaves_are_kept():
    p = {"f": onp.float32(2.0), "a": onp.ones(2, onp.float32), "z": 1 + 1j, "n": onp.array(3.0)}
    g = grad(lambda p: np.sum(p["a"]) * p["f"] * np.real(p["z"]) * p["n"])(p)
    assert type(g["f"]) is onp.float32
    assert g["a"].dtype == onp.float32
    assert isinstance(g["z"], complex)
    assert type(g["n"]) is onp.ndarray


def test_the_same_array_twice_is_two_leaves():
    g = grad(lambda p: np.sum(p[0] * p[1]))([X, X])
    close(g[0], X)
    close(g[1], X)


def test_tuple_of_argnums_with_containers():
    g = grad(lambda a, b, c: a[0] * b["x"] * c, (0, 1))([2.0], {"x": 3.0}, 4.0)
    assert g == ([12.0], {"x": 8.0})


def test_containers_built_inside():
    def f(x):
        parts = [x**i for i in range(1, 4)]
        table = {"sum": sum(parts), "last": parts[-1]}
        parts.append(table["sum"])
        return table["last"] * parts[3]

    # x^3 (x + x^2 + x^3)
    assert grad(f)(2.0) == 4 * 8 + 5 * 16 + 6 * 32


def test_autograds_builtins():
    def f(x):
        pair = builtins.tuple((x, 2 * x))
        items = builtins.list([pair[0], pair[1]])
        table = builtins.dict(a=items[0])
        assert builtins.isinstance(x, float)
        assert builtins.isinstance(pair, tuple)
        assert builtins.isinstance(pair, builtins.tuple)
        assert builtins.isinstance(items, builtins.list)
        assert builtins.isinstance(table, builtins.dict)
        assert builtins.type(x) in (float, onp.float64)
        assert builtins.type(items) is list
        return table["a"] * items[1]

    assert grad(f)(3.0) == 12.0


def test_higher_order_through_containers():
    def f(p):
        return p["x"] ** 2 * p["y"] ** 3

    h = hessian(f)({"x": 2.0, "y": 3.0})
    assert h["x"]["x"] == 2 * 27
    assert h["x"]["y"] == h["y"]["x"] == 4 * 27
    assert h["y"]["y"] == 4 * 18

    inner = grad(lambda p: p["x"] ** 2 * p["y"])

    def outer(p):
        g = inner(p)
        return g["x"] * g["y"]  # 2 x y * x^2

    assert grad(outer)({"x": 2.0, "y": 3.0}) == {"x": 72.0, "y": 16.0}


def test_inner_container_holds_an_outer_box():
    # d/dx of [d/dy (x y^2) at y = x] = d/dx 2 x^2
    assert grad(lambda x: grad(lambda p: x * p["y"] ** 2)({"y": x})["y"])(3.0) == 12.0


def test_results_in_containers():
    vjp, value = make_vjp(lambda x: Point(np.sum(x), [x * 2.0]))(X)
    assert type(value) is Point
    close(vjp(Point(1.0, [onp.ones(3)])), onp.full(3, 3.0))
    value, tangent = make_jvp(lambda x: {"a": x, "b": (x**2,), "c": None})(X)(onp.ones(3))
    close(tangent["b"][0], 2 * X)
    assert tangent["c"] is None
    j = jacobian(lambda x: [x[0], x**2])(X)
    close(j[0], [1.0, 0, 0])
    close(j[1], onp.diag(2 * X))


def test_value_and_grad_of_containers():
    value, g = value_and_grad(lambda p: p[0] * p[1])([2.0, 3.0])
    assert value == 6.0
    assert g == [3.0, 2.0]


def test_cotangent_of_another_structure_is_refused():
    vjp, _ = make_vjp(lambda x: {"a": x, "b": [x]})(1.0)
    assert vjp({"b": [1.0], "a": 2.0}) == 3.0  # the order of keys does not matter
    with pytest.raises(TypeError, match="structure"):
        vjp({"a": 1.0, "c": [1.0]})
    with pytest.raises(TypeError, match=r"\['b'\]"):
        vjp({"a": 1.0, "b": [1.0, 2.0]})
    with pytest.raises(TypeError, match="structure"):
        vjp([1.0, 2.0])


def test_registered_container():
    class Interval:
        def __init__(self, low, high, name):
            self.low, self.high, self.name = low, high, name

    register_container(
        Interval, lambda v: ((v.low, v.high), v.name), lambda name, c: Interval(*c, name)
    )
    g = grad(lambda v: v.low * v.high**2)(Interval(2.0, 3.0, "i"))
    assert (g.low, g.high, g.name) == (9.0, 12.0, "i")
    with pytest.raises(TypeError, match="register_container"):
        register_container("Interval", None, None)


def test_tree_map_and_flatten():
    value = {"a": (1.0, [2.0, None]), "b": Point(3.0, 4.0)}
    leaves, structure = flatten(value)
    assert leaves == [1.0, 2.0, 3.0, 4.0]
    assert structure.paths() == ["['a'][0]", "['a'][1][0]", "['b'].x", "['b'].y"]
    assert structure.unflatten(leaves) == value
    assert tree_map(lambda a, b: a + b, value, value)["b"] == Point(6.0, 8.0)


def test_vspace_of_containers():
    p = {"x": X, "s": 2.0}
    space = vspace(p)
    assert space.size == 4
    assert space == vspace({"x": 2 * X, "s": 1.0})
    assert space != vspace({"x": X})
    assert space.zeros()["s"] == 0.0
    close(space.ones()["x"], onp.ones(3))
    assert len(list(space.standard_basis())) == 4
    close(space.inner_prod(p, p), X @ X + 4.0)
    close(space.add(p, p)["x"], 2 * X)
    assert space.scalar_mul(p, 3.0)["s"] == 6.0


def test_vspace_of_arrays_and_scalars():
    assert vspace(1.0) == vspace(onp.array(2.0)) == vspace(onp.float64(3.0))
    assert vspace(X) != vspace(X.astype(onp.float32))
    assert vspace(X).shape == (3,)
    assert vspace(X).size == 3
    assert not vspace(X).iscomplex
    z = vspace(X + 1j)
    assert z.iscomplex
    assert z.size == 6
    assert len(list(z.standard_basis())) == 6
    close(z.covector(X + 1j), X - 1j)
    close(z.inner_prod(X + 1j, X + 2j), X @ X + 6)
    with pytest.raises(TypeError, match="no vector space"):
        vspace("text")
    with pytest.raises(TypeError, match="no vector space"):
        vspace(1)


def test_registered_vspace():
    class Quaternion:
        pass

    class Space(VSpace):
        def zeros(self):
            return "zero"

    Space.register(Quaternion)
    try:
        assert vspace(Quaternion()).zeros() == "zero"
        assert vspace({"q": Quaternion()}).zeros() == {"q": "zero"}
    finally:
        del VSpace.mappings[Quaternion]


def test_check_grads_over_containers():
    check_grads(lambda p: {"u": np.sin(p["x"]) * p["l"][0], "v": p["l"][0] ** 2})(
        {"x": X, "l": [2.0]}
    )


# ---- containers that hold themselves, or nest without end ---------------------------------------


def _itself():
    held = {"a": 1.0}
    held["me"] = held
    return held


def _list_itself():
    held = [1.0]
    held += [held] * 50  # looking into each again would take for ever
    return held


def _tuple_itself():
    inner = [1.0]
    inner.append((inner, 2.0))
    return inner


def _deep():
    held = [1.0]
    for _ in range(100_000):
        held = [held]
    return held


@dataclasses.dataclass
class _Linked:
    a: float
    me: object = None


def _dataclass_itself():
    held = _Linked(1.0)
    held.me = held
    return held


ENDLESS = [_itself, _list_itself, _tuple_itself, _deep, _dataclass_itself]
VISITS = {
    "grad": lambda held: grad(lambda held: 1.0)(held),
    "value_and_grad": lambda held: value_and_grad(lambda held: 1.0)(held),
    "jacobian": lambda held: jacobian(lambda held: 1.0)(held),
    "make_vjp": lambda held: make_vjp(lambda held: 1.0)(held),
    "make_jvp": lambda held: make_jvp(lambda held: 1.0)(held)(held),
    "result": lambda held: make_vjp(lambda x: held)(1.0),
    "gradient's result": lambda held: grad(lambda x: held)(1.0),
    "several": lambda held: grad(lambda a, b: a, (0, 1))(1.0, held),
    "array": lambda held: grad(lambda x: np.sum(np.array([x, held])))(1.0),
    "joined": lambda held: grad(lambda x: np.sum(np.concatenate([x, held])))(onp.ones(2)),
    "cotangent": lambda held: make_vjp(lambda x: x)(1.0)[0](held),
}


@pytest.mark.parametrize("made", ENDLESS)
@pytest.mark.parametrize("visit", VISITS)
def test_endless_containers_are_errors(made, visit):
    with pytest.raises((ValueError, TypeError, RecursionError)):
        VISITS[visit](made())


@pytest.mark.parametrize("made", ENDLESS)
def test_endless_containers_are_parameters_of_a_primitive(made):
    scaled = primitive(lambda x, settings: 2.0 * x)
    defvjp(scaled, lambda ans, x, settings: lambda g: 2.0 * g)
    assert grad(lambda x: scaled(x, made()))(1.5) == 2.0


def test_the_error_says_what_is_wrong():
    with pytest.raises(ValueError, match="dict holds itself"):
        grad(lambda held: held["a"])(_itself())
    with pytest.raises(ValueError, match="nested more than 200 deep"):
        grad(lambda held: 1.0)(_deep())
    shared = [1.0, 2.0]  # twice the same is no circle
    assert grad(lambda p: p[0][0] * p[1][1])([shared, shared]) == [[2.0, 0.0], [0.0, 1.0]]
    nested = 1.0
    for _ in range(150):
        nested = [nested]

    def innermost(p):
        while isinstance(p, list):
            p = p[0]
        return p * 3.0

    assert innermost(grad(innermost)(nested)) == 9.0
