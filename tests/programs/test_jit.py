"""`jit`: realistic programs, kinds of functions and arguments, derivatives and nesting."""

import functools
import gc
import pickle
import warnings
from typing import NamedTuple

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import (
    elementwise_grad,
    grad,
    grad_and_aux,
    hessian,
    hessian_vector_product,
    jacobian,
    jit,
    strict_zero,
    value_and_grad,
)
from fastad.extend import defvjp, primitive
from fastad.programs.report import ProgramWarning

from .agreement import agree, counted, taylor_sine


def rng():
    return onp.random.default_rng(0)


def logistic(w, x, y):
    z = np.dot(x, w)
    return np.mean(np.log(1 + np.exp(-y * z))) + 0.01 * np.sum(w**2)


class Layer:
    def __init__(self, n, m, seed):
        self.w = onp.random.default_rng(seed).normal(size=(n, m))
        self.b = onp.zeros(m)

    def __call__(self, x):
        return np.tanh(np.dot(x, self.w) + self.b)


class Network:
    def __init__(self):
        self.layers = [Layer(3, 4, 1), Layer(4, 2, 2)]
        self.activation = "tanh"

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return getattr(np, self.activation)(x)

    def loss(self, x):
        return np.sum(self.forward(x) ** 2)


NETWORK = Network()
DATA = rng().normal(size=(5, 3))
LABELS = onp.array([1.0, -1.0, 1.0, 1.0, -1.0])


def newton_root(x):
    y = x
    for _ in range(20):
        step = (y * y - x) / (2 * y)
        y = y - step
        if abs(step) < 1e-12:
            break
    return y


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rk4(x):
    def slope(y):
        return np.array([y[1], -np.sin(y[0])])

    for _ in range(5):
        k1 = slope(x)
        k2 = slope(x + 0.05 * k1)
        k3 = slope(x + 0.05 * k2)
        k4 = slope(x + 0.1 * k3)
        x = x + 0.1 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum(x)


def gaussian_process(p):
    x = onp.linspace(0, 1, 6)
    k = p[0] ** 2 * np.exp(-((x[:, None] - x[None, :]) ** 2) / p[1] ** 2) + 0.1 * onp.eye(6)
    chol = np.linalg.cholesky(k)
    a = np.linalg.solve(chol, onp.sin(x))
    return np.sum(a**2) + 2 * np.sum(np.log(np.diagonal(chol)))


def kalman(q):
    mean, var, total = 0.0, 1.0, 0.0
    for y in [0.1, 0.3, -0.2, 0.5]:
        var = var + q
        gain = var / (var + 0.1)
        total = total + np.log(var + 0.1) + (y - mean) ** 2 / (var + 0.1)
        mean = mean + gain * (y - mean)
        var = (1 - gain) * var
    return total


def mixture(means):
    x = DATA[:, 0]
    z = -0.5 * (x[:, None] - means[None, :]) ** 2
    top = np.max(z, axis=1)
    return -np.sum(top + np.log(np.sum(np.exp(z - top[:, None]), axis=1)))


def mlp(parameters, x):
    for w, b in parameters:
        x = np.tanh(np.dot(x, w) + b)
    return np.sum(x**2)


def recursive_power(x, n=5):
    return x if n == 1 else x * recursive_power(x, n - 1)


def option_price(s):
    k, t, v, r = 1.0, 1.0, 0.2, 0.01
    d1 = (np.log(s / k) + (r + v**2 / 2) * t) / (v * np.sqrt(t))
    return s * np.tanh(d1) - k * np.exp(-r * t) * np.tanh(d1 - v * np.sqrt(t))


def piecewise(x):
    return np.where(x > 0, x**2, np.exp(x)).sum()


def settings_of_a_dict(p):
    h = p["scale"] * np.sin(p["x"])
    return np.sum(h) + p["shift"]


class Weights(NamedTuple):
    a: object
    b: object


def vectors(x):
    return np.sum(np.concatenate([x, x[::-1] ** 2]) * onp.arange(8.0))


def scan(x):
    carry = 0.0
    outs = []
    for i in range(4):
        carry = 0.9 * carry + x[i]
        outs.append(carry)
    return np.sum(np.stack(outs) ** 2)


def moving(scale):
    return lambda *args: tuple(_moved(a, scale) for a in args)


def _moved(value, scale):
    if isinstance(value, dict):
        return {k: _moved(v, scale) for k, v in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_moved(v, scale) for v in value)
    return value * scale


X4 = onp.array([0.3, -0.2, 0.7, 0.1])
PARAMETERS = [(rng().normal(size=(3, 4)), onp.zeros(4)), (rng().normal(size=(4, 1)), onp.ones(1))]


REALISTIC = {
    "logistic": (value_and_grad(logistic), (onp.array([0.1, -0.2, 0.3]), DATA, LABELS)),
    "network": (value_and_grad(NETWORK.loss), (DATA,)),
    "network_forward": (NETWORK.forward, (DATA,)),
    "taylor_sine": (value_and_grad(taylor_sine), (0.9,)),
    "newton_root": (value_and_grad(newton_root), (2.0,)),
    "rosenbrock": (value_and_grad(rosenbrock), (X4,)),
    "rosenbrock_hessian": (hessian(rosenbrock), (X4,)),
    "rosenbrock_jacobian": (jacobian(lambda x: x[1:] * np.sin(x[:-1])), (X4,)),
    "hessian_vector_product": (hessian_vector_product(rosenbrock), (X4, onp.ones(4))),
    "rk4": (grad(rk4), (onp.array([0.3, 0.1]),)),
    "gaussian_process_value": (gaussian_process, (onp.array([1.0, 0.7]),)),
    "kalman": (value_and_grad(kalman), (0.3,)),
    "mixture": (value_and_grad(mixture), (onp.array([0.1, 0.5]),)),
    "mlp": (value_and_grad(mlp), (PARAMETERS, DATA)),
    "recursion": (grad(recursive_power), (1.1,)),
    "second_derivative": (grad(grad(lambda x: x**3 * np.sin(x))), (0.4,)),
    "option": (grad(option_price), (1.1,)),
    "piecewise": (value_and_grad(piecewise), (X4,)),
    "dict": (
        value_and_grad(settings_of_a_dict),
        ({"scale": 2.0, "x": onp.ones(3), "shift": 0.5},),
    ),
    "elementwise": (elementwise_grad(np.tanh), (X4,)),
    "concatenate": (grad(vectors), (X4,)),
    "scan": (value_and_grad(scan), (X4,)),
    "aux": (grad_and_aux(lambda x: (np.sum(x**2), {"size": x * 2})), (X4,)),
    "plain": (lambda x: np.sum(np.sin(x)), (X4,)),
    "two_arguments": (grad(lambda x, y: np.sum(x * y), (0, 1)), (X4, X4 + 1)),
    "partial": (functools.partial(logistic, x=DATA, y=LABELS), (onp.array([0.1, -0.2, 0.3]),)),
}


@pytest.mark.parametrize("name", REALISTIC)
@pytest.mark.parametrize("moves", [True, False], ids=["moving", "same"])
def test_realistic_programs_replay_by_the_fifth_call(name, moves):
    fun, args = REALISTIC[name]
    fast = jit(fun)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(12):
            call = moving(1 + 0.001 * i * moves)(*args)
            result, seen = counted(fast, *call)
            agree(result, fun(*call))
            if i == 4:  # later calls may be spot checks
                assert not seen, f"f's own code ran: {set(seen)}"
    assert moves is False or fast.programs


def test_other_inputs_of_the_same_kind():
    fast = jit(value_and_grad(lambda x: np.sum(np.sin(x) * np.exp(-(x**2)))), check="off")
    generator = rng()
    for _ in range(20):
        x = generator.normal(size=(3, 4)) * generator.integers(1, 5)
        agree(fast(x), value_and_grad(lambda x: np.sum(np.sin(x) * np.exp(-(x**2))))(x))


def test_decorator_with_and_without_options():
    @jit
    def f(x):
        """Twice."""
        return 2 * x

    @jit(check="always")
    def g(x):
        return 3 * x

    assert f.__name__ == "f" and f.__doc__ == "Twice."
    for x in (1.0, 2.0, 3.0, 4.0):
        assert f(x) == 2 * x and g(x) == 3 * x
    assert f.programs and g.programs


def test_methods():
    class Model:
        def __init__(self, scale):
            self.scale = scale

        @jit
        def value(self, x):
            return self.scale * x

    a, b = Model(2.0), Model(3.0)
    for x in (1.0, 2.0, 3.0, 4.0, 5.0):
        assert a.value(x) == 2 * x and b.value(x) == 3 * x
    a.scale = 5.0
    assert [a.value(x) for x in (1.0, 2.0, 3.0)] == [5.0, 10.0, 15.0]


@jit
def module_level(x):
    return np.sin(x) * 2


def plain_level(x):
    return np.sin(x) * 2


def test_pickling():
    assert pickle.loads(pickle.dumps(module_level)) is module_level
    again = pickle.loads(pickle.dumps(jit(grad(plain_level), check="off")))
    for x in (0.1, 0.2, 0.3, 0.4):
        agree(again(x), grad(plain_level)(x))


def test_keywords_and_defaults():
    fast = jit(lambda x, *, scale=2.0, shift=0.0: x * scale + shift)
    for x in (1.0, 2.0, 3.0, 4.0):
        assert fast(x) == 2 * x
        assert fast(x, shift=1.0) == 2 * x + 1
        assert fast(x, scale=3.0) == 3 * x


def test_integers_that_are_compared_by_identity_are_no_inputs():
    one = 1
    fast = jit(lambda n, x: x if n is one else 2 * x)
    for i in range(24):
        agree(fast(i % 4, 1.0 + i), 1.0 + i if i % 4 == 1 else 2.0 + 2 * i)


def test_integers_and_strings_belong_to_the_kind():
    fast = jit(lambda x, n, name: x**n if name == "power" else n * x)
    for n in (2, 3, 2, 3, 2, 3, 4):
        for x in (1.5, 2.5):
            assert fast(x, n, "power") == x**n
            assert fast(x, n, "product") == n * x


def test_bools_floats_subclasses_are_kinds_of_their_own():
    class Number(float):
        pass

    fast = jit(lambda x: x * 2)
    for x in (1.0, True, 1, onp.float64(1), onp.float32(1), Number(1.0), onp.ones(1)) * 5:
        result = fast(x)
        assert type(result) is type(x * 2) and result == x * 2


@pytest.mark.parametrize("dtype", [float, int, bool, "f4", "i1", "i4", ">f8"])
@pytest.mark.parametrize("shape", [(5,), (3, 5), (5, 1, 2), (700,)])
def test_captured_arrays_in_reductions(dtype, shape):
    held = (onp.arange(1, 1 + onp.prod(shape)) % 7).astype(dtype).reshape(shape)

    def f(x):
        y = held * x
        return np.sum(y), np.mean(np.sin(y) + x), np.sum(y + held, axis=0), np.max(y, axis=-1)

    for op in (f, value_and_grad(lambda x: np.sum(f(x)[2]) * f(x)[0])):
        fast = jit(op, check="off")
        for x in (0.5, 0.7, 0.9, 1.1, -1.3, 1.5):
            agree(fast(x), op(x), 1e-5 if dtype == "f4" else 1e-11)
        assert fast.programs


def test_captured_values_that_become_another_kind():
    held = 2.0

    def f(x):
        return x * held

    fast = jit(f)
    for held in (2.0, 3.0, True, 4.0, 5, onp.float32(2), onp.bool_(True), 6.0, None, "a", 7.0):
        for x in (0.5, 0.7, 0.9, 1.1):
            if held is None or held == "a":
                with pytest.raises(TypeError):
                    fast(x)
            else:
                agree(fast(x), f(x))


def test_the_same_array_twice():
    fast = jit(grad(lambda x, y: np.sum(x * y)))
    x, y = onp.ones(3), onp.arange(3.0)
    for _ in range(5):
        agree(fast(x, x), onp.ones(3))
        agree(fast(x, y), y)


def test_layouts_and_sizes():
    fast = jit(value_and_grad(lambda x: np.sum(np.sin(x) ** 2)))
    base = rng().normal(size=(6, 8))
    for _ in range(5):
        for x in (base, base.T, base[::2], base[:, ::-1], base[:0], base[0], base.astype("f4")):
            agree(fast(x), value_and_grad(lambda x: np.sum(np.sin(x) ** 2))(x), 1e-6)


def test_results_of_all_kinds():
    def f(x):
        return {"a": (x, None, "text", 3, True), "b": [x * 2], "c": onp.arange(3)}

    fast = jit(f)
    for x in (1.0, 2.0, 3.0, 4.0, 5.0):
        agree(fast(x), f(x))
    first = fast(1.0)["c"]
    first[:] = 9
    agree(fast(1.0), f(1.0))


def test_gradients_of_a_jitted_function_at_every_order():
    fast = jit(lambda x: np.sin(x) * x)
    for x in (0.3, 0.4, 0.5, 0.6):
        fast(x)
        agree(grad(fast)(x), grad(lambda x: np.sin(x) * x)(x))
        agree(grad(grad(fast))(x), grad(grad(lambda x: np.sin(x) * x))(x))


def test_jit_inside_jit_sees_what_the_inner_one_reads():
    scale = 2.0

    @jit
    def inner(x):
        return x * scale

    for x in (1.0, 2.0, 3.0, 4.0, 5.0):
        assert inner(x) == 2 * x
    outer = jit(lambda x: inner(x) + 1)
    for x in (1.0, 2.0, 3.0, 4.0, 5.0):
        assert outer(x) == 2 * x + 1
    scale = 3.0
    for x in (1.0, 2.0, 3.0, 4.0, 5.0):
        assert outer(x) == 3 * x + 1
    assert outer.programs


def test_jit_in_grad_in_jit():
    inner = jit(lambda x: x**3)
    outer = jit(grad(lambda x: inner(x) * 2))
    for x in (1.0, 2.0, 3.0, 4.0, 5.0):
        agree(outer(x), grad(lambda x: x**3 * 2)(x))
    assert outer.programs


def test_a_traced_value_of_an_outer_function():
    def outer(a):
        fast = jit(lambda x: x * a)
        return sum(fast(x) for x in (1.0, 2.0, 3.0, 4.0, 5.0))

    agree(grad(outer)(2.0), onp.float64(15.0))


def test_primitives_of_ones_own_and_their_rules():
    @primitive
    def cube(x):
        return x**3

    defvjp(cube, lambda ans, x: lambda g: g * 3 * x**2)
    fast = jit(grad(lambda x: cube(x) * 2))
    for x in (1.0, 2.0, 3.0, 4.0, 5.0):
        assert fast(x) == 6 * x**2
    defvjp(cube, lambda ans, x: lambda g: g * 10)
    for x in (1.0, 2.0, 3.0, 4.0, 5.0):
        assert fast(x) == 20


def _doubled(x):
    return 2.0 * x


def test_primitives_that_nothing_but_a_program_names():
    def f(x):
        return primitive(_doubled)(x) * x

    fast = jit(f)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ProgramWarning)
        for x in (0.5, 0.5, 0.5, 0.5, 0.7, 0.7, 0.7, 0.9):
            found.append(fast(x) == f(x))
            gc.collect()
            others = [primitive(lambda x: -x) for _ in range(50)]  # where freed ones stood
            assert len(others) == 50
    assert all(found)


def test_strict_zero_is_not_what_was_recorded():
    fast = jit(grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0))))
    x = onp.array([1.0, 4.0])
    for i in range(6):
        fast(x + i)
    zero = onp.array([0.0, 4.0])
    with strict_zero(), onp.errstate(all="ignore"):
        agree(fast(zero), onp.array([0.0, 0.25]))
    with onp.errstate(all="ignore"):
        assert onp.isnan(fast(zero)[0])
