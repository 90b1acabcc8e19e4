"""Primitives from Python and their rules, at every order and in both modes."""

import functools
import inspect
import pickle

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import deriv, egrad, grad, hessian, jacobian, make_jvp, make_vjp
from fastad._core import Around
from fastad._impl.namespaces import helper
from fastad.core import backward_pass
from fastad.extend import (
    Box,
    VJPNode,
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
    restore_rules,
)
from fastad.numpy.numpy_boxes import ArrayBox
from fastad.test_util import check_grads
from fastad.tracer import new_box, trace_stack

X = onp.array([0.5, -1.0, 2.0])


def close(actual, expected):
    onp.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-12)


@primitive
def logsumexp(x):
    """Logarithm of the sum of exponentials."""
    top = onp.max(x)
    return top + onp.log(onp.sum(onp.exp(x - top)))


defvjp(logsumexp, lambda ans, x: lambda g: g * np.exp(x - ans))
defjvp(logsumexp, lambda g, ans, x: np.sum(g * np.exp(x - ans)))


def softmax(x):
    e = onp.exp(x - onp.max(x))
    return e / e.sum()


@primitive
def product(x, y, scale=1.0):
    return x * y * scale


defvjp(
    product,
    lambda ans, x, y, scale=1.0: lambda g: g * y * scale,
    lambda ans, x, y, scale=1.0: lambda g: g * x * scale,
)
defjvp(
    product,
    lambda g, ans, x, y, scale=1.0: g * y * scale,
    lambda g, ans, x, y, scale=1.0: g * x * scale,
)


def test_on_plain_values_it_is_the_function_itself():
    assert product(2.0, 3.0) == 6.0
    assert product(2, 3, scale=2) == 12
    assert isinstance(logsumexp(X), float)


def test_first_and_second_order():
    p = softmax(X)
    close(grad(logsumexp)(X), p)
    close(hessian(logsumexp)(X), onp.diag(p) - onp.outer(p, p))
    close(jacobian(grad(logsumexp))(X), onp.diag(p) - onp.outer(p, p))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_every_order_in_both_modes(order):
    check_grads(logsumexp, order=order)(X)
    check_grads(product, (0, 1), order=order)(2.0, 3.0)
    check_grads(product, (0, 1), order=order)(X, X[::-1].copy())


def test_broadcasting_is_undone_for_rules_too():
    check_grads(product, (0, 1), order=2)(X, 2.0)
    check_grads(product, (0, 1), order=2)(X[:, None], X[None, :])
    gx, gy = grad(lambda x, y: np.sum(product(x, y)), (0, 1))(X, 2.0)
    assert type(gy) is onp.float64
    close(gx, onp.full(3, 2.0))
    close(gy, X.sum())


def test_rules_keep_float32():
    g = grad(lambda x: np.sum(product(x, 2.0)))(X.astype(onp.float32))
    assert g.dtype == onp.float32


def test_closure_over_an_outer_box():
    # d/dx [d/dy x y at 3] = d/dx x
    assert grad(lambda x: grad(lambda y: product(x, y))(3.0) * x)(2.0) == 4.0


def test_mixed_with_built_in_operations():
    def f(x):
        return np.sum(np.sin(product(x, np.exp(x)))) * logsumexp(x * 2)

    check_grads(f, order=2)(X)


def test_same_argument_twice():
    assert grad(lambda x: product(x, x))(3.0) == 6.0


@pytest.mark.filterwarnings("ignore:Output seems independent")
def test_none_means_no_derivative():
    @primitive
    def shifted(x, n):
        return x + n

    defvjp(shifted, lambda ans, x, n: lambda g: g, None)
    defjvp(shifted, lambda g, ans, x, n: g, None)
    assert grad(shifted, (0, 1))(1.0, 2.0) == (1.0, 0.0)
    assert make_jvp(shifted, 1)(1.0, 2.0)(1.0)[1] == 0.0


def test_argnums_of_defvjp_and_defjvp():
    @primitive
    def second(n, x):
        return n * x

    defvjp(second, lambda ans, n, x: lambda g: g * n, argnums=[1])
    defjvp(second, lambda g, ans, n, x: g * n, argnums=(1,))
    assert grad(second, 1)(3, 2.0) == 3.0
    assert deriv(second, 1)(3, 2.0) == 3.0
    with pytest.raises(NotImplementedError, match="second"):
        grad(second, 0)(3.0, 2.0)


def test_defvjp_argnum_and_defjvp_argnum():
    @primitive
    def total(*args):
        return sum(args)

    seen = []

    def vjp(argnum, ans, args, kwargs):
        seen.append((argnum, len(args), dict(kwargs)))
        return lambda g: g

    defvjp_argnum(total, vjp)
    defjvp_argnum(total, lambda argnum, g, ans, args, kwargs: g)
    assert grad(total, (0, 2))(1.0, 2.0, 3.0) == (1.0, 1.0)
    assert sorted(seen) == [(0, 3, {}), (2, 3, {})]
    check_grads(total, (0, 1, 2))(1.0, X, 3.0)


def test_defvjp_argnums_and_defjvp_argnums():
    @primitive
    def weighted(a, x, b):
        return a * x + b

    def vjps(argnums, ans, args, kwargs):
        a, x, _ = args
        factors = {0: x, 1: a, 2: 1.0}
        return lambda g: [g * factors[n] for n in argnums]

    def jvps(argnums, gs, ans, args, kwargs):
        a, x, _ = args
        factors = {0: x, 1: a, 2: 1.0}
        return sum(g * factors[n] for n, g in zip(argnums, gs))

    defvjp_argnums(weighted, vjps)
    defjvp_argnums(weighted, jvps)
    check_grads(weighted, (0, 1, 2))(2.0, X, 1.0)
    check_grads(weighted, (1,))(2.0, X, 1.0)


def test_vjp_maker_may_return_a_generator():
    @primitive
    def pair(x, y):
        return x * y

    defvjp_argnums(
        pair, lambda argnums, ans, args, kw: lambda g: (g * args[1 - n] for n in argnums)
    )
    assert grad(pair, (0, 1))(2.0, 3.0) == (3.0, 2.0)


def test_def_linear_and_same():
    @primitive
    def mix(x, y):
        return 2 * x - 3 * y

    defvjp(mix, lambda ans, x, y: lambda g: 2 * g, lambda ans, x, y: lambda g: -3 * g)

    @primitive
    def scaled(x, n):
        return n * x

    defvjp(scaled, lambda ans, x, n: lambda g: scaled(g, n))
    defjvp(scaled, "same")
    assert deriv(scaled)(2.0, 3) == 3.0
    check_grads(scaled, order=2)(X, 3)

    @primitive
    def bilinear(x, y):
        return x * y

    def_linear(bilinear)  # linear in each argument
    defvjp(bilinear, lambda ans, x, y: lambda g: g * y, lambda ans, x, y: lambda g: g * x)
    check_grads(bilinear, (0, 1), order=2)(2.0, 3.0)


def test_derivative_from_its_own_value_on():
    """The step of Newton's method from the root of x^3 = a: `ans` and `held` are constants."""
    calls = []

    def step(ans, held, a, scale):
        calls.append(held)
        return ans - scale * (ans**3 - a) / (3 * ans**2)

    root = helper(lambda a, scale: onp.cbrt(a), Around(step))
    check_grads(root, order=2)(onp.array([2.0, 5.0]), 1)
    close(grad(root)(8.0, 1), 1 / 12)
    close(deriv(root)(8.0, 1), 1 / 12)
    close(grad(grad(root))(8.0, 1), -2 / 9 * 8.0 ** (-5 / 3))
    close(grad(lambda a: root(scale=1, a=a))(8.0), 1 / 12)

    calls.clear()
    vjp, ans = make_vjp(root)(8.0, 1)
    assert ans == 2.0 and not calls  # it runs when a cotangent has come
    vjp(1.0)
    assert calls == [(8.0, 1)]
    defvjp(root, lambda ans, a, scale: lambda g: 7.0 * g)  # rules of a user's stand before it
    assert grad(root)(8.0, 1) == 7.0
    restore_rules(root)
    close(grad(root)(8.0, 1), 1 / 12)


def test_a_rule_may_leave_a_call_to_the_own_derivative():
    """NotImplemented: a rule of special cases, over a composite's and over the table's."""
    power = helper(lambda x, n: x**n, lambda x, n: x**n)
    for operation in (power, np.power):
        defvjp(operation, lambda ans, x, n: (lambda g: 3.0 * g) if n == 1.0 else NotImplemented)
        defjvp(operation, lambda t, ans, x, n: 3.0 * t if n == 1.0 else NotImplemented)
        try:
            for derivative in (grad, deriv):
                assert derivative(operation)(2.0, 1.0) == 3.0
                close(derivative(operation)(2.0, 4.0), 32.0)
                close(derivative(operation, 1)(2.0, 4.0), 16.0 * onp.log(2.0))
                close(derivative(derivative(operation))(2.0, 4.0), 48.0)
        finally:
            restore_rules(operation)


@pytest.mark.parametrize("around", [False, True])
def test_a_result_with_a_zero_cotangent_is_not_swept(around):
    def pair(x):
        return x * x, np.sqrt(x - x)

    derivative = Around(lambda ans, held, x: pair(x)) if around else pair
    both = helper(lambda x: (x * x, onp.sqrt(x - x)), derivative)
    vjp, _ = make_vjp(both)(X)
    onp.testing.assert_array_equal(vjp((onp.ones(X.shape), onp.zeros(X.shape))), 2 * X)
    onp.testing.assert_array_equal(grad(lambda x: np.sum(both(x)[0]))(X), 2 * X)


def test_complex_rule():
    @primitive
    def square(z):
        return z * z

    defvjp(square, lambda ans, z: lambda g: g * 2 * z)
    defjvp(square, lambda g, ans, z: g * 2 * z)
    check_grads(square, order=2)(1.0 - 0.5j)
    check_grads(lambda x: np.real(square(x + 1j)), order=2)(X)


def test_rule_may_be_given_again():
    @primitive
    def f(x):
        return x**2

    defvjp(f, lambda ans, x: lambda g: g)
    assert grad(f)(3.0) == 1.0
    defvjp(f, lambda ans, x: lambda g: g * 2 * x)
    assert grad(f)(3.0) == 6.0


def test_primitive_with_integer_and_other_arguments():
    @primitive
    def rolled(x, shift, mode="wrap"):
        assert mode == "wrap"
        return onp.roll(x, shift)

    defvjp(rolled, lambda ans, x, shift, mode: lambda g: rolled(g, -shift, mode=mode))
    close(grad(lambda x: np.sum(rolled(x, 1, mode="wrap") * X))(X), onp.roll(X, -1))


def test_vjp_is_evaluated_only_when_swept():
    made, swept = [], []

    @primitive
    def f(x):
        return x * 2

    def maker(ans, x):
        made.append(1)

        def vjp(g):
            swept.append(1)
            return g * 2

        return vjp

    defvjp(f, maker)
    vjp, value = make_vjp(f)(3.0)
    assert (len(made), len(swept)) == (1, 0)
    assert vjp(1.0) == vjp(1.0) == 2.0
    assert len(swept) == 2
    assert f(3.0) == 6.0
    assert len(made) == 1


def test_a_result_not_used_is_not_swept():
    @primitive
    def root(x):
        return onp.sqrt(x)

    defvjp(root, lambda ans, x: lambda g: g / 0.0)

    def f(x):
        root(x)
        return x * 3

    assert grad(f)(4.0) == 3.0


# ---- traced values given by keyword or inside containers


def test_a_traced_keyword_is_differentiated():
    """By the rule of its parameter's position, whatever stands between and after it."""

    @primitive
    def affine(x, slope=2.0, offset=1.0, *, scale=1.0, **rest):
        return (x * slope + offset) * scale

    defvjp(
        affine,
        lambda ans, x, slope=2.0, offset=1.0, scale=1.0: lambda g: g * slope * scale,
        lambda ans, x, slope=2.0, offset=1.0, scale=1.0: lambda g: g * x * scale,
    )
    defjvp(affine, lambda g, ans, x, slope=2.0, offset=1.0, scale=1.0: g * slope * scale)
    assert grad(lambda x: affine(x=x))(3.0) == 2.0
    assert grad(lambda x: affine(slope=5.0, x=x))(3.0) == 5.0
    assert grad(lambda s: affine(3.0, slope=s, offset=4.0, scale=10.0))(1.0) == 30.0
    assert grad(lambda x: affine(x, slope=x))(3.0) == 6.0
    assert grad(grad(lambda x: affine(x=x, slope=x)))(3.0) == 2.0
    assert make_jvp(lambda x: affine(x=x, scale=3.0))(3.0)(1.0) == (21.0, 6.0)
    x = onp.array([1.0, 2.0])
    onp.testing.assert_array_equal(grad(lambda x: np.sum(affine(x=x)))(x), [2.0, 2.0])

    def refused(call, error, *words):
        with pytest.raises(error) as refusal:
            grad(call)(1.0)
        for word in ("affine", *words):
            assert word in str(refusal.value)
        assert grad(lambda x: x**2)(3.0) == 6.0

    refused(lambda x: affine(1.0, scale=x), TypeError, "'scale'", "by position")
    refused(lambda x: affine(1.0, other=x), TypeError, "'other'", "by position")
    refused(lambda x: affine(1.0, offset=x), NotImplementedError, "wrt argnums (2,)", "defvjp")
    refused(lambda x: affine(x, x=x), TypeError, "multiple values", "'x'")
    refused(lambda x: affine(slope=x), TypeError, "missing", "'x'")


def test_traced_value_inside_an_object_is_never_silently_lost():
    @primitive
    def dig(table, x):
        return table["w"] * x

    defvjp(dig, None, lambda ans, table, x: lambda g: g * table["w"])

    def f(w):
        return dig({"w": w}, 2.0)

    # Nothing among the arguments shows the traced value, so the function itself runs on it.
    assert grad(f)(3.0) == 2.0

    def both(w):
        return dig({"w": w}, w)

    # Here the primitive is recorded for its second argument, but depends on the first too.
    try:
        g = grad(both)(3.0)
    except (TypeError, NotImplementedError):
        pass
    else:
        assert not isinstance(g, Box)
        assert g == 6.0


# ---- errors


def test_missing_vjp_names_the_primitive_and_the_remedy():
    @primitive
    def unruled(x):
        return x * 2

    with pytest.raises(NotImplementedError, match=r"unruled(.|\n)*defvjp"):
        grad(unruled)(1.0)
    with pytest.raises(NotImplementedError, match=r"unruled(.|\n)*defjvp"):
        deriv(unruled)(1.0)
    assert unruled(2.0) == 4.0
    assert grad(lambda x: x * 2)(1.0) == 2.0


def wrong_rule(make_cotangent):
    @primitive
    def suspicious(x):
        return x * 2

    defvjp(suspicious, lambda ans, x: lambda g: make_cotangent(g))
    return suspicious


def test_vjp_of_wrong_shape_is_named_with_both_shapes():
    f = wrong_rule(lambda g: onp.ones(4))
    with pytest.raises(ValueError, match=r"suspicious") as info:
        grad(lambda x: np.sum(f(x)))(X)
    assert "(4,)" in str(info.value)
    assert "(3,)" in str(info.value)
    close(grad(lambda x: np.sum(x))(X), onp.ones(3))


@pytest.mark.parametrize("bad", ["text", None, object(), onp.array(["a", "b", "c"])])
def test_vjp_of_wrong_type_or_dtype_is_named(bad):
    f = wrong_rule(lambda g: bad)
    with pytest.raises((TypeError, ValueError), match=r"suspicious"):
        grad(lambda x: np.sum(f(x)))(X)


def test_primitive_that_returns_something_not_differentiable():
    @primitive
    def words(x):
        return "text"

    defvjp(words, lambda ans, x: lambda g: g)
    with pytest.raises(TypeError, match=r"words"):
        grad(lambda x: words(x))(1.0)


def test_bad_rules_are_refused_when_given():
    @primitive
    def f(x):
        return x

    with pytest.raises((TypeError, ValueError), match="f"):
        defvjp(f, "other")
    with pytest.raises((TypeError, ValueError), match="f"):
        defjvp(f, "other")


# ---- the primitive as an object


def test_name_doc_signature_and_pickle():
    assert logsumexp.__name__ == "logsumexp"
    assert "exponentials" in logsumexp.__doc__
    assert list(inspect.signature(product).parameters) == ["x", "y", "scale"]
    assert pickle.loads(pickle.dumps(logsumexp)) is logsumexp


def test_primitive_binds_as_a_method():
    class Model:
        factor = 3.0

        @primitive
        def times(self, x):
            return self.factor * x

    defvjp(Model.times, None, lambda ans, self, x: lambda g: g * self.factor)
    assert Model().times(2.0) == 6.0
    assert grad(Model().times)(2.0) == 3.0


def test_primitive_of_partial_and_callable_object():
    f = primitive(functools.partial(onp.power, 2.0))
    assert f(3.0) == 8.0
    defvjp(f, lambda ans, x: lambda g: g * ans * onp.log(2.0))
    close(grad(f)(3.0), 8 * onp.log(2.0))


def test_notrace_primitive_sees_plain_values():
    seen = []

    @notrace_primitive
    def look(x):
        seen.append(type(x))
        return x > 1.0

    def f(x):
        return x**2 if look(x) else x

    assert grad(f)(3.0) == 6.0
    assert grad(grad(f))(3.0) == 2.0
    assert not any(issubclass(t, Box) for t in seen)


def test_box_is_the_type_of_traced_values():
    seen = []

    def f(x):
        seen.append(isinstance(x, Box))
        return x * 2

    grad(f)(1.0)
    egrad(f)(X)
    assert seen == [True, True]
    assert not isinstance(1.0, Box)


@pytest.mark.parametrize("maker", ["new_box", "ArrayBox"])
def test_a_box_made_beside_a_value_of_our_own(maker):
    make = {"new_box": new_box, "ArrayBox": ArrayBox}[maker]
    same = lambda x: np.sum(make(x._value, x._trace, x._node) ** 2)
    scaled = lambda x: np.sum(make(1.5 * x._value, x._trace, x._node) ** 2)
    x = onp.array([1.0, 2.0])
    assert grad(same)(x).tolist() == [2.0, 4.0]
    assert grad(scaled)(x).tolist() == [3.0, 6.0]  # of the value, as autograd has it
    assert grad(grad(lambda x: x * same(x)))(3.0) == 18.0
    v = onp.array([1.0, 10.0])
    assert make_jvp(same)(x)(v) == (5.0, 42.0)
    assert make_jvp(scaled)(x)(v) == (11.25, 63.0)


def test_a_box_made_on_a_trace_by_hand():
    with trace_stack.new_trace() as t:
        box = ArrayBox(onp.array([1.0, 2.0]), t, VJPNode.new_root())
        assert type(box) is ArrayBox and box._trace == t
        end = np.sum(box**2)
        assert backward_pass(1.0, end._node).tolist() == [2.0, 4.0]
