"""Bad input: each error names function, argument and remedy, and leaves the state whole."""

import math
import opcode
import pathlib
import re
import sys
import traceback

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import (
    _core,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_vector_product,
    jacobian,
    jit,
    make_jvp,
    make_vjp,
    multigrad_dict,
    value_and_grad,
)
from fastad.extend import defvjp, primitive
from fastad.numpy.in_place import IN_PLACE

X = onp.array([0.5, -1.0, 2.0])


@pytest.fixture(autouse=True)
def state_stays_whole():
    yield
    assert grad(lambda x: x**3)(2.0) == 12.0
    assert grad(grad(lambda x: x**3))(2.0) == 12.0
    assert grad(lambda x: np.sum(x**2))(X).tolist() == (2 * X).tolist()
    assert deriv(lambda x: x**2)(3.0) == 6.0


def loss(x, y=None):
    return np.sum(x**2)


def vector(x):
    return x * 2.0


# ---- arguments

OPERATORS = [grad, value_and_grad, elementwise_grad, deriv, jacobian, hessian, make_vjp]


@pytest.mark.parametrize("op", OPERATORS)
def test_integer_scalar(op):
    with pytest.raises(TypeError) as info:
        op(loss)(1)
    text = str(info.value)
    assert "argument 0 of loss is the int 1" in text
    assert "1.0" in text
    assert text.startswith(op.__name__)


def test_integer_scalar_in_forward_mode():
    with pytest.raises(TypeError, match=r"argument 0 of loss is the int 1.*pass 1\.0"):
        make_jvp(loss)(1)(1.0)


def test_bool():
    with pytest.raises(TypeError, match=r"argument 0 of loss is the bool True"):
        grad(loss)(True)


@pytest.mark.parametrize("bad", ["text", b"bytes", object(), len, {1, 2}, range(3)])
def test_argument_without_derivative(bad):
    with pytest.raises(TypeError, match=r"grad: argument 0 of loss is .* of type .*differentiate"):
        grad(loss)(bad)


def test_array_of_strings():
    with pytest.raises(TypeError, match=r"argument 0 of loss is an array of dtype <U1"):
        grad(loss)(onp.array(["a"]))


def test_argument_inside_a_container_is_located():
    with pytest.raises(TypeError, match=r"argument 0 of <lambda>, at \['w'\]\[1\], is the int 2"):
        grad(lambda p: p["w"][0])({"w": [1.0, 2]})
    with pytest.raises(TypeError, match=r"argument 1 of <lambda> is the int 2"):
        grad(lambda a, b: a * b, (0, 1))(1.0, 2)
    with pytest.raises(TypeError, match=r"argument 'b' of <lambda> is the int 2"):
        multigrad_dict(lambda a, b: a * b)(1.0, 2)
    with pytest.raises(TypeError, match=r"argument 'b' of <lambda> is the int 2"):
        grad(lambda a, b: a * b, "b")(1.0, b=2)


# ---- argnum


def test_argnum_out_of_range():
    with pytest.raises(
        IndexError, match=r"grad: argnum is 2, but loss was called with 1 positional"
    ):
        grad(loss, 2)(1.0)
    with pytest.raises(IndexError, match=r"argnum is -3"):
        grad(loss, -3)(1.0, 2.0)
    with pytest.raises(IndexError, match=r"argnum is 5"):
        grad(loss, (0, 5))(1.0, 2.0)
    with pytest.raises(IndexError, match=r"without positional arguments"):
        grad(loss)()


@pytest.mark.parametrize("bad", [1.0, None, True, {0}, (0, 1.5), object()])
def test_argnum_of_wrong_type(bad):
    with pytest.raises(TypeError, match=r"grad: argnum must be an int"):
        grad(loss, bad)


def test_unknown_argument_name():
    with pytest.raises(ValueError, match=r"grad: loss has no argument 'z'; its arguments are x, y"):
        grad(loss, "z")(1.0)
    with pytest.raises(ValueError, match=r"grad_named: loss has no argument 'z'"):
        grad_named(loss, "z")
    with pytest.raises(TypeError, match=r"without its argument 'x'"):
        grad(loss, "x")()


@pytest.mark.parametrize("argnum", [(0, 0), (0, -2), (1, 0, 1), ("x", 0), (-1, "y"), (0, 1, "x")])
@pytest.mark.parametrize(
    "operator", [grad, value_and_grad, jacobian, hessian, make_vjp, make_jvp, elementwise_grad]
)
def test_an_argument_named_twice(operator, argnum):
    def loss(x, y):
        return x * x * y

    with pytest.raises(ValueError, match=r"argnum is .*, which names one argument twice"):
        operator(loss, argnum)(2.0, 3.0)
    assert operator(loss, (1, 0))(2.0, 3.0) is not None


def test_operator_of_something_not_callable():
    with pytest.raises(TypeError, match=r"grad: the first argument must be a function"):
        grad(3.0)


# ---- outputs


# The output depends on the argument: a warning that it does not would mislead.
@pytest.mark.filterwarnings("error:Output seems independent")
@pytest.mark.parametrize("op", [grad, value_and_grad])
def test_output_that_is_not_scalar(op):
    with pytest.raises(TypeError) as info:
        op(vector)(X)
    text = str(info.value)
    assert op.__name__ in text
    assert "vector" in text
    assert "(3,)" in text
    for remedy in ("jacobian", "elementwise_grad", "np.sum"):
        assert remedy in text


def test_complex_output():
    with pytest.raises(TypeError, match=r"complex.*holomorphic_grad"):
        grad(lambda z: z**2)(1 + 1j)
    with pytest.raises(TypeError, match=r"real-output.*holomorphic_grad"):
        elementwise_grad(lambda z: z**2)(X + 1j)


@pytest.mark.parametrize("bad", ["text", 1, True, None, (1.0, 2.0), {"a": 1.0}, [], object()])
@pytest.mark.filterwarnings("ignore:Output seems independent")
def test_output_that_cannot_be_differentiated(bad):
    with pytest.raises(TypeError, match=r"grad: f returned "):

        def f(x):
            return bad

        grad(f)(1.0)


def test_traced_output_in_a_container():
    with pytest.raises(TypeError, match=r"returned a tuple.*has_aux"):
        grad(lambda x: (x, x))(1.0)


def test_test_result_as_output():
    with pytest.warns(UserWarning), pytest.raises(TypeError, match="cannot be differentiated"):
        grad(lambda x: x > 0)(1.0)


@pytest.mark.filterwarnings("ignore:Output seems independent")
def test_jacobian_of_text():
    with pytest.raises(TypeError, match=r"jacobian: <lambda> returned 'text'"):
        jacobian(lambda x: "text")(X)


def test_aux_without_a_pair():
    with pytest.raises(
        TypeError, match=r"grad: loss must return a pair \(value, aux\), not a real scalar"
    ):
        grad(loss, has_aux=True)(X)
    with pytest.raises(TypeError, match=r"grad_and_aux: loss must return a pair"):
        grad_and_aux(loss)(X)


# ---- tangents and cotangents


def test_cotangent_of_wrong_shape():
    vjp, _ = make_vjp(vector)(X)
    with pytest.raises(ValueError, match=r"vector.*cotangent has shape \(4,\).*\(3,\)"):
        vjp(onp.ones(4))
    with pytest.raises(TypeError, match=r"cotangent must be a number or an array"):
        vjp("text")
    assert vjp(onp.ones(3)).tolist() == [2.0, 2.0, 2.0]


def test_tangent_of_wrong_shape():
    with pytest.raises(ValueError, match=r"vector.*tangent has shape \(2,\).*\(3,\)"):
        make_jvp(vector)(X)(onp.ones(2))


def test_hessian_product_of_wrong_shape():
    with pytest.raises(ValueError, match=r"tensor has shape \(2,\).*\(3,\)"):
        hessian_vector_product(loss)(X, onp.ones(2))
    with pytest.raises(TypeError, match=r"and then the tensor"):
        hessian_vector_product(loss)()


# ---- operations


def test_shapes_that_do_not_broadcast():
    with pytest.raises(ValueError) as theirs:
        onp.ones(3) + onp.ones(2)
    with pytest.raises(ValueError) as ours:
        grad(lambda x: np.sum(x + onp.ones(2)))(X)
    assert str(theirs.value).strip() in str(ours.value)
    assert str(ours.value).startswith("add: ") and "reshape" in str(ours.value)
    with pytest.raises(ValueError):
        grad(lambda x: np.sum(np.dot(x, onp.ones((2, 2)))))(X)
    with pytest.raises(ValueError):
        grad(lambda x: np.sum(np.reshape(x, (2, 2))))(X)


def test_index_out_of_range():
    with pytest.raises(IndexError):
        grad(lambda x: x[3])(X)
    with pytest.raises((TypeError, IndexError)):
        grad(lambda x: x[0])(1.0)


HUGE = (10**400, -(10**400), 2**63, -(2**63) - 1)


@pytest.mark.parametrize("number", HUGE, ids=["great", "low", "above", "below"])
@pytest.mark.parametrize(
    "function",
    [
        lambda m, x, n: x[n],
        lambda m, x, n: x[0, n],
        lambda m, x, n: m.sum(x, axis=n),
        lambda m, x, n: m.reshape(x, (3, n)),
        lambda m, x, n: m.transpose(x, (0, n)),
        lambda m, x, n: m.broadcast_to(x, (2**62, 2, 3) if n > 0 else (n, 2, 3)),
        lambda m, x, n: m.concatenate([x, x], axis=n),
    ],
    ids=["row", "element", "axis", "shape", "axes", "length", "joined"],
)
def test_whole_numbers_that_no_c_type_holds(function, number):
    """They are refused with an error of NumPy's kind, and no exception is left set."""
    x = onp.arange(6.0).reshape(2, 3)
    kinds = (IndexError, OverflowError, TypeError, ValueError)
    with pytest.raises(kinds) as plain:
        function(onp, x, number)
    with pytest.raises(kinds) as traced:
        grad(lambda x: np.sum(function(np, x, number)))(x)
    with pytest.raises(kinds):
        jit(lambda x: np.sum(function(np, x, number)))(x)
    if "non-negative" not in str(plain.value):
        assert traced.type is plain.type


def test_operation_without_a_rule():
    @primitive
    def mystery(x):
        return x * 2.0

    for x in (2.0, X):
        with pytest.raises(NotImplementedError, match=r"mystery(.|\n)*defvjp"):
            grad(lambda x: np.sum(mystery(x) * x))(x)
        with pytest.raises(NotImplementedError, match=r"mystery(.|\n)*defjvp"):
            deriv(lambda x: np.sum(mystery(x) * x))(x)


@pytest.mark.parametrize("x", [2.5, X[:1]])
@pytest.mark.parametrize("convert", [float, int, complex, math.sin])
def test_conversion_to_a_python_number(convert, x):
    with pytest.raises(TypeError) as info:
        grad(lambda x: np.sum(x * convert(x)))(x)
    assert "fastad" in str(info.value)


def test_math_functions_name_the_replacement():
    with pytest.raises(TypeError, match=r"fastad\.numpy"):
        grad(lambda x: math.sin(x))(1.0)
    with pytest.raises(TypeError, match=r"fastad\.numpy"):
        grad(lambda x: math.exp(x) * x)(1.0)


@pytest.mark.parametrize("x", [2.5, X])
def test_numpy_array_of_a_traced_value(x):
    with pytest.raises(TypeError, match=r"fastad\.numpy"):
        grad(lambda x: np.sum(onp.array(x, dtype=float)))(x)
    with pytest.raises(TypeError, match=r"fastad\.numpy"):
        grad(lambda x: np.sum(onp.array([x, x], dtype=float)))(x)


def test_assignment_into_a_plain_array():
    def f(x):
        z = onp.zeros(3)
        z[0] = x
        return np.sum(z)

    with pytest.raises((TypeError, ValueError)) as info:
        grad(f)(1.0)
    assert "fastad" in str(info.value) or "setting an array element" in str(info.value)

    def g(x):
        z = onp.zeros(3)
        z[:2] = x[1:]
        return np.sum(z)

    with pytest.raises((TypeError, ValueError)):
        grad(g)(X)


def test_assignment_into_a_traced_value():
    def f(x):
        x[0] = 1.0
        return np.sum(x)

    with pytest.raises(TypeError, match=r"assign|where"):
        grad(f)(X)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="they are instructions of their own")
def test_operators_in_place_are_told_from_others():
    in_place = [i for i, (_, sign) in enumerate(opcode._nb_ops) if sign.endswith("=")]
    assert in_place == list(IN_PLACE)


def test_in_place_operators_rebind():
    def f(x):
        y = x
        y += 1.0
        y *= x
        return np.sum(y)

    x = X.copy()
    assert grad(f)(x).tolist() == (2 * X + 1).tolist()
    assert x.tolist() == X.tolist()


@pytest.mark.parametrize("op", [grad, deriv])
@pytest.mark.parametrize("x", [2.0, X])
def test_box_used_after_its_trace_ended(op, x):
    kept = []

    def f(x):
        kept.append(x)
        return np.sum(x * x)

    op(f)(x)
    with pytest.raises((RuntimeError, ValueError, TypeError), match=r"trace|ended|level|closed"):
        kept[0] * 2.0
    with pytest.raises((RuntimeError, ValueError, TypeError), match=r"trace|ended|level|closed"):
        op(lambda y: np.sum(y * kept[0]))(x)


def test_box_in_a_set_or_as_a_key_is_consistent():
    def f(x):
        with pytest.raises(TypeError):
            x[None][0]["key"]
        return x * 2

    assert grad(f)(1.0) == 2.0


# ---- NaN and infinity


def test_nan_and_infinity_travel_as_in_numpy():
    with onp.errstate(all="ignore"):
        g = grad(lambda x: np.sum(np.log(x)))(onp.array([0.0, -1.0, onp.inf, onp.nan, 2.0]))
        assert g.tolist()[:3] == [onp.inf, -1.0, 0.0]
        assert math.isnan(g[3])
        assert g[4] == 0.5
        assert grad(np.sqrt)(0.0) == onp.inf
        assert math.isnan(grad(lambda x: 0.0 * np.sqrt(x))(0.0))
        assert math.isnan(grad(lambda x: x * onp.nan)(1.0))
        assert grad(lambda x: x * onp.inf)(1.0) == onp.inf


def test_an_unused_infinity_does_not_spread():
    def f(x):
        with onp.errstate(all="ignore"):
            np.log(x - 1.0)
        return x * 3.0

    assert grad(f)(1.0) == 3.0


def test_errstate_holds_for_forward_values():
    with onp.errstate(all="raise"), pytest.raises(FloatingPointError):
        grad(lambda x: np.log(x))(0.0)
    with onp.errstate(all="raise"), pytest.raises(FloatingPointError):
        grad(lambda x: np.sum(np.log(x)))(onp.zeros(3))
    with onp.errstate(divide="warn"), pytest.warns(RuntimeWarning):
        grad(lambda x: np.log(x))(0.0)


# ---- lines of tracebacks

HEAD = re.compile(r"\s*(?:cp?def|def)\b[^=(]*?(\w+)\(")
SOURCES = pathlib.Path(__file__).parent.parent

FAILING = {
    "float": lambda x: float(x),
    "int": lambda x: int(x),
    "array": lambda x: onp.asarray(x),
    "attribute": lambda x: x.__array_interface__,
    "unknown attribute": lambda x: x.no_such_thing,
    "assignment": lambda x: x.__setitem__(0, 1.0),
    "index": lambda x: np.sum(x)[0],
    "operator": lambda x: x + {},
    "leaf": lambda x: grad(lambda y: y)("text"),
    "jvp": lambda x: deriv(lambda y: y)("text"),
    "read": lambda x: _core.read(x, "index"),
    "rule": lambda x: defvjp(1.0, None),
    "keyword": lambda x: primitive(lambda y=None: y)(y=x),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_traceback_points_into_the_function_that_it_names(name):
    with pytest.raises(Exception) as info:
        grad(lambda x: np.sum(x * FAILING[name](x)))(X)
    seen = 0
    for frame, line in traceback.walk_tb(info.value.__traceback__):
        file = frame.f_code.co_filename
        if not file.endswith((".pxi", ".pyx")):
            continue
        seen += 1
        text = (SOURCES / file).read_text().splitlines()
        assert 0 < line <= len(text)
        # Backwards from the line, the first head of a function that is not nested in another one.
        heads = (HEAD.match(one) for one in text[line - 1 :: -1])
        head = next(head for head in heads if head)
        assert head[1] == frame.f_code.co_name.rpartition(".")[2], (file, line)
    assert seen  # grad's own at least
