"""`jit`: what a user sees of it, and realistic programs that must replay."""

import _thread
import functools
import gc
import pickle
import signal
import sys
import threading
import time
import warnings
import weakref
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
    make_hvp,
    make_jvp,
    make_vjp,
    strict_zero,
    value_and_grad,
)
from fastad.extend import defvjp, primitive
from fastad.programs.report import ProgramError, ProgramWarning

X10 = onp.linspace(0.5, 1.5, 10)


def rng():
    return onp.random.default_rng(0)


def leaves(value):
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def agree(found, wanted, tolerance=1e-11):
    for a, b in zip(leaves(found), leaves(wanted), strict=True):
        assert type(a) is type(b), (type(a), type(b))
        assert onp.shape(a) == onp.shape(b)
        assert getattr(a, "dtype", None) == getattr(b, "dtype", None)
        if isinstance(a, (str, bool, type(None))):
            assert a == b
        else:
            scale = max(1.0, float(onp.max(onp.abs(b), initial=0)))
            assert onp.max(onp.abs(onp.subtract(a, b)), initial=0) <= tolerance * scale


def counted(fast, *args):
    """The result, and whether any code of the test's own ran."""
    seen = []

    def notice(frame, event, argument):
        if event == "call" and frame.f_code.co_filename == __file__:
            seen.append(frame.f_code.co_name)

    sys.setprofile(notice)
    try:
        result = fast(*args)
    finally:
        sys.setprofile(None)
    return result, seen


# -- realistic programs --


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


def taylor_sine(x):
    total = term = x
    i = 0
    while abs(term) > 1e-8:
        term = -term * x * x / ((2 * i + 3) * (2 * i + 2))
        total = total + term
        i += 1
    return total


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
            if i == 4 or i in (5, 6, 8, 9, 10):
                checked = len(seen) > 0
                assert not checked or i in (5, 6, 8, 9, 10), f"f's own code ran: {set(seen)}"
    assert moves is False or fast.programs


def test_other_inputs_of_the_same_kind():
    fast = jit(value_and_grad(lambda x: np.sum(np.sin(x) * np.exp(-(x**2)))), check="off")
    generator = rng()
    for _ in range(20):
        x = generator.normal(size=(3, 4)) * generator.integers(1, 5)
        agree(fast(x), value_and_grad(lambda x: np.sum(np.sin(x) * np.exp(-(x**2))))(x))


# -- kinds of functions --


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


# -- derivatives, nesting --


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


# -- values decide --


def test_loops_whose_length_depends_on_values():
    fast = jit(value_and_grad(taylor_sine), check="off")
    for _ in range(3):
        for x in (0.1, 0.5, 1.0, 2.0, 3.0, -1.0):
            agree(fast(x), value_and_grad(taylor_sine)(x))
    assert 1 < len(fast.programs) <= 32


def test_too_many_paths_end_in_eager_calls_and_one_warning():
    def f(x):
        i = 0
        while x > 1:
            x = x / 1.01
            i += 1
        return x + i

    fast = jit(f)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(200):
            x = 1.5 + i * 0.05
            assert fast(x) == pytest.approx(f(x))
    said = [w for w in caught if issubclass(w.category, ProgramWarning)]
    assert len(said) == 1
    assert "ways" in str(said[0].message) and "test_jit.py" in str(said[0].message)
    assert not fast.programs


def test_too_many_kinds_of_arguments():
    fast = jit(lambda x, text: x * len(text))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in range(100):
            assert fast(2.0, n * "a") == 2.0 * n
    assert len(caught) == 1 and "kinds of arguments" in str(caught[0].message)


@pytest.mark.parametrize(
    "fun, text",
    [
        (lambda x: x * float(x), "float()"),
        (lambda x: x * len(f"{x}"), "format"),
        (lambda x: x if x not in {} else 1.0, "hash"),
        (lambda x: x * 2 if type(x) is float else x, "another way"),
        (lambda x: [print, x][1] if print("", end="") is None else x, "print"),
    ],
)
def test_values_that_leave_are_named_once(fun, text):
    fast = jit(fun)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for x in (0.5, 0.6, 0.7, 0.8, 0.9):
            assert fast(x) == fun(x)
    said = [str(w.message) for w in caught if issubclass(w.category, ProgramWarning)]
    assert len(said) == 1 and text in said[0] and "test_jit.py" in said[0]
    assert not fast.programs


def test_a_key_that_is_not_there_yet():
    table = {0.9: 5.0}
    fast = jit(lambda x: x * table.get(x, 3.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for x in (0.5, 0.6, 0.7, 0.8, 0.9):
            assert fast(x) == x * table.get(x, 3.0)


def test_exceptions_are_those_of_the_function():
    def f(x):
        if x > 3:
            raise KeyError(x)
        return 1 / x

    fast = jit(f)
    for x in (1.0, 2.0, 2.5, 3.0):
        assert fast(x) == f(x)
    with pytest.raises(ZeroDivisionError):
        fast(0.0)
    with pytest.raises(KeyError):
        fast(4.0)
    assert fast(2.0) == 0.5


@pytest.mark.parametrize(
    "count",
    [
        lambda x: x[x > 0.5].shape[0],
        lambda x: x[x > 0.5, None].shape[0],
        lambda x: np.nonzero(x > 0.5)[0].shape[0],
        lambda x: np.unique(x).shape[0],
    ],
)
def test_shapes_that_depend_on_values_are_seen_where_nothing_else_is_read(count):
    def f(x):
        return np.sum(x) * count(x)

    x = onp.array([0.6, 0.7, 0.2, 0.3])
    for function in (f, grad(f)):
        again = jit(function, check="off")
        for i in range(6):
            again(x * (1.0 + 0.001 * i))
        assert again.programs
        for moved in (x + 0.25, x - 0.15, x * 0.0):
            onp.testing.assert_allclose(again(moved), function(moved), rtol=1e-14)


def test_an_operation_that_raises_leaves_the_programs_of_other_calls():
    def f(x):
        if x > 2.0:
            try:
                return np.linalg.cholesky(np.array([[x - 5.0, 0.1], [0.1, 2.0]]))[1, 1]
            except onp.linalg.LinAlgError:
                return x * 3.0
        return np.sin(x)

    again = jit(f)
    for i in range(6):
        again(1.0 + 0.01 * i)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(100):
            x = 3.0 + 0.01 * i
            assert again(x) == f(x)
            assert again(6.0 + x) == f(6.0 + x)
    assert again.programs
    assert again(0.7) == f(0.7)


def test_errors_that_a_rule_catches():
    def f(a):
        return np.linalg.det(a) * 1.0

    fast = jit(value_and_grad(f), check="off")
    small = onp.array([[2.0, -0.4, -1.3], [0.3, 1.1, -0.7], [0.9, 0.2, 1.6]]) * 1e-200
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ProgramWarning)
        for a in (onp.eye(3), onp.eye(3), small, small, onp.zeros((3, 3)), onp.zeros((3, 3))):
            agree(fast(a), value_and_grad(f)(a))


def test_not_a_number_and_infinity():
    fast = jit(lambda x: np.log(x) * 2)
    for x in (1.0, 2.0, 3.0, 4.0):
        fast(x)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert fast(0.0) == -onp.inf
    with pytest.warns(RuntimeWarning, match="invalid"):
        assert onp.isnan(fast(-1.0))


# -- checks --


def test_a_failed_check_is_an_error_and_the_function_stays_eager():
    fast = jit(lambda x: x * 2, check="always")
    for x in (1.0, 2.0, 3.0, 4.0):
        assert fast(x) == 2 * x
    # Stands for state that only compiled code sees: nothing else makes a replay differ.
    entry = next(iter(fast._entries.values()))
    other = jit(lambda x: x * 3)
    for x in (1.0, 2.0, 3.0, 4.0):
        other(x)
    entry.worlds[0].paths = next(iter(other._entries.values())).worlds[0].paths
    with pytest.raises(ProgramError, match="another result"):
        fast(4.0)
    assert fast(4.0) == 8.0 and not fast.programs


def test_bad_options_and_functions():
    with pytest.raises(ValueError, match="check must be"):
        jit(lambda x: x, check="sometimes")
    with pytest.raises(TypeError, match="function"):
        jit(3)


def test_clear_and_programs():
    fast = jit(lambda x: np.sin(x) * 2)
    for x in (0.1, 0.2, 0.3, 0.4):
        fast(x)
    assert len(fast.programs) == 1 and "sin" in str(fast.programs[0])
    fast.clear()
    assert fast.programs == ()
    for x in (0.1, 0.2, 0.3, 0.4):
        agree(fast(x), onp.sin(x) * 2)


def test_into_writes_into_arrays():
    fun = value_and_grad(lambda x: np.sum(x**2))
    fast = jit(fun)
    out = onp.zeros(3)
    for i in range(6):
        x = onp.arange(3.0) + i
        value, gradient = fast.into((None, out), x)
        assert gradient is out
        agree((value, out.copy()), fun(x))
    with pytest.raises(TypeError, match="into"):
        fast.into([out], onp.ones(3))


@pytest.mark.parametrize("x", [0.7, 0.0, onp.zeros(3), onp.arange(4.0)[::-1], onp.float32(2)])
def test_the_same_values_again_and_again_are_replayed(x):
    fun = value_and_grad(lambda x: np.sum(np.sin(x) * x))
    fast = jit(fun)
    for _ in range(6):
        agree(fast(x), fun(x))
    if not (isinstance(x, onp.ndarray) and not x.flags.c_contiguous):
        assert len(fast.programs) == 1
    agree(fast(x + 1), fun(x + 1))


def test_values_that_only_hold_at_one_place_are_waited_for():
    def f(x):
        if x != 0.5:
            raise ValueError("half only")
        return x * x

    fast = jit(f)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(8):
            assert fast(0.5) == 0.25
    with pytest.raises(ValueError, match="half only"):
        fast(0.75)


def test_into_where_memory_overlaps():
    def fun(x, y):
        return {
            "sum": [x + np.flip(y), np.cumsum(y)],
            "dot": np.dot(x, y),
            "x": x,
            "one": 1.0 * y[0],
        }

    fast = jit(fun)

    def places(a, b, c, d):
        return {"sum": [a, b], "dot": onp.zeros(()), "x": c, "one": d}

    for i in range(6):
        fresh = [onp.zeros(4) for _ in range(3)]
        x, y = onp.arange(4.0) + i, onp.arange(4.0) ** 2 - i
        wanted = fun(x, y)
        out = places(*fresh, onp.zeros(()))
        given = fast.into(out, x, y)
        assert given["sum"][0] is fresh[0] and given["one"] is out["one"]
        for a, b in zip(leaves(out), leaves(wanted), strict=True):
            assert onp.array_equal(a, b)
        # The results lie where the arguments do, and are written all the same.
        z = y.copy()
        assert onp.array_equal(
            fast.into(places(z, None, None, None), x, z)["sum"][0], wanted["sum"][0]
        )
        whole = onp.concatenate([x, y])
        got = fast.into(places(whole[2:6], whole[4:8], None, None), whole[:4], whole[4:])
        assert onp.array_equal(got["sum"][1], wanted["sum"][1])
        backwards = onp.zeros(8)[::-2]
        assert onp.array_equal(
            fast.into(places(backwards, None, None, None), x, y)["sum"][0], wanted["sum"][0]
        )
    assert fast.programs


def test_into_with_arrays_that_are_no_places():
    fast = jit(lambda x: (np.sum(x**2), 2 * x))
    x = onp.arange(3.0)
    for _ in range(6):
        with pytest.raises(ValueError, match="shape"):
            fast.into((None, onp.zeros(4)), x)
        with pytest.raises(TypeError, match="kind of numbers"):
            fast.into((None, onp.zeros(3, int)), x)
        with pytest.raises(TypeError, match="into"):
            fast.into((1.0, None), x)
        with pytest.raises(ValueError, match="read-only"):
            fast.into((None, onp.broadcast_to(0.0, 3)), x)
        narrow = onp.zeros(3, onp.float32)
        fast.into((None, narrow), x)
        assert onp.array_equal(narrow, 2 * x)
    with pytest.raises(TypeError, match="into"):
        fast.into()


def test_captured_values_that_vary_are_replayed_in_c(monkeypatch):
    monkeypatch.setattr("fastad.programs.lifting.alone", lambda: True)

    class Model:
        def __init__(self):
            self.w, self.rate = onp.ones(3), 0.1

        def loss(self, x):
            return np.sum((self.w * x) ** 2) * self.rate

    model = Model()
    fast, plain = jit(value_and_grad(model.loss)), value_and_grad(model.loss)
    x = onp.arange(3.0)
    for i in range(40):
        agree(fast(x + i), plain(x + i))
        agree(fast(model.w), plain(model.w))  # the argument is the captured array
        model.w = model.w - 0.1
        model.rate = 0.1 + 0.01 * i
        if i == 20:
            model.w[1] = 7.0
        if i == 25:
            model.w = model.w.astype(onp.float32)
        if i == 30:
            model.w = onp.zeros((2, 3)) + 0.5
    assert fast.programs


# -- what must not be left behind --


def test_writes_into_arguments_are_not_lost():
    def f(x, y):
        y[0] += 1
        return np.sum(x) * y[0]

    fast = jit(f)
    y, z = onp.zeros(2), onp.zeros(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(6):
            agree(fast(onp.ones(2) * i, y), f(onp.ones(2) * i, z))
    assert y[0] == z[0] == 6


def test_a_captured_weight_that_is_rebound_replays(monkeypatch):
    # The test's own runner may have a thread, which does not read the weight.
    monkeypatch.setattr("fastad.programs.lifting.alone", lambda: True)

    class Model:
        pass

    model = Model()
    model.w = onp.ones(3)
    loss = jit(value_and_grad(lambda x: np.sum((x * model.w) ** 2)))
    ran = 0
    for i in range(12):
        x = onp.arange(3.0) + i
        (value, gradient), seen = counted(loss, x)
        agree(value, onp.sum((x * model.w) ** 2))
        ran += bool(seen)
        model.w = model.w - 0.01 * gradient
    assert ran <= 9
    assert type(model.w) is onp.ndarray


def test_memory_does_not_grow_and_cycles_are_freed():
    fast = jit(lambda x: np.sum(np.sin(x)))
    for i in range(10):
        fast(onp.ones(10) * i)

    class Owner:
        pass

    owner = Owner()
    owner.scale = 2.0
    owner.fast = jit(lambda x, owner=owner: x * owner.scale)
    for x in (1.0, 2.0, 3.0, 4.0):
        owner.fast(x)
    assert owner.fast.programs
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None


def test_sums_that_cancel_differ_by_their_terms_rounding():
    # Odd functions at points that lie symmetrically: the sum is rounding alone.
    functions = (
        lambda x: np.sum(np.sin(x) * np.exp(-x * x) + np.tanh(x) / (1 + x**2)),
        lambda x: np.sum(x**3) + np.mean(np.sinh(3 * x)),
        lambda x: np.dot(np.tanh(x), np.cos(x)) * 1e-3,
    )
    for fun in functions:
        for n in (10, 1000, 100_001):
            fast, x = jit(value_and_grad(fun), check="always"), onp.linspace(-3.0, 3.0, n)
            for _ in range(6):
                fast(x)
            assert fast.programs


def test_a_small_difference_beside_large_values_is_no_rounding():
    def replayed(slope):
        fast, x = jit(lambda x: np.sum(1e3 * x - 1e3 * x + slope * x), check="always"), X10
        for i in range(4):
            fast(x + i)
        return fast, next(iter(fast._entries.values()))

    (fast, entry), (_, other) = replayed(1.0), replayed(1.0 + 1e-4)
    entry.worlds[0].paths = other.worlds[0].paths
    with pytest.raises(ProgramError, match="another result"):
        fast(X10)


def test_replays_leave_nothing_behind():
    x, out = onp.arange(50.0), {"value": onp.zeros(()), "gradient": onp.zeros(50)}
    rate = 0.1

    def f(x, n):
        value, gradient = value_and_grad(lambda x: np.sum(np.tanh(x) * rate) ** n)(x)
        return {"value": value, "gradient": gradient}

    fast = jit(f, check="off")
    for i in range(8):
        fast(x + i, 2)
        fast.into(out, x + i, 2)
    assert fast.programs
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(50_000):
        fast(x, 2)
        fast.into(out, x, 2)
    gc.collect()
    assert sys.getallocatedblocks() - before < 100


def test_an_interrupt_among_replays_leaves_everything_whole():
    fun = value_and_grad(lambda x: np.sum(np.sin(x) ** 2))
    fast = jit(fun)
    x = onp.linspace(0.0, 1.0, 20_000)
    for i in range(6):
        fast(x + i)

    # Where the tests run in the background, the signal may be ignored.
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for _ in range(3):
            timer = threading.Timer(0.02, _thread.interrupt_main)
            with pytest.raises(KeyboardInterrupt):
                timer.start()
                end = time.monotonic() + 5.0
                while time.monotonic() < end:
                    fast(x)
            timer.join()
            agree(fast(x), fun(x))
    finally:
        signal.signal(signal.SIGINT, old)


def test_operators_that_give_functions_are_right():
    fun = lambda x: np.sum(np.sin(x) * x**2)
    x, v = onp.array([0.3, 0.7]), onp.array([1.0, -2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for wrapped in (lambda op: jit(op(fun)), lambda op: op(jit(fun))):
            vjp, jvp, hvp = wrapped(make_vjp), wrapped(make_jvp), wrapped(make_hvp)
            for i in range(6):
                y = x + i
                pullback, value = vjp(y)
                agree((pullback(1.0), value), (grad(fun)(y), fun(y)))
                agree(jvp(y)(v), make_jvp(fun)(y)(v))
                agree(hvp(y)[0](v), make_hvp(fun)(y)[0](v))


def test_many_threads():
    scale = onp.arange(5.0)
    fast = jit(value_and_grad(lambda x: np.sum(np.sin(x) * scale)))
    plain = value_and_grad(lambda x: np.sum(np.sin(x) * scale))
    inputs = [onp.ones(5) * i for i in range(16)]
    wanted = [plain(x) for x in inputs]
    wrong = []

    def work(i):
        for _ in range(100_000 // 16):
            value, gradient = fast(inputs[i])
            if abs(value - wanted[i][0]) > 1e-12 or abs(gradient - wanted[i][1]).max() > 1e-12:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and fast.programs


def test_an_interrupt_while_recording_leaves_everything_whole():
    state = {"interrupt": False}

    def f(x):
        if state["interrupt"]:
            raise KeyboardInterrupt
        return x * 2

    fast = jit(f)
    fast(1.0)
    state["interrupt"] = True
    with pytest.raises(KeyboardInterrupt):
        fast(2.0)
    state["interrupt"] = False
    assert [fast(x) for x in (1.0, 2.0, 3.0, 4.0, 5.0)] == [2.0, 4.0, 6.0, 8.0, 10.0]
    assert fast.programs
