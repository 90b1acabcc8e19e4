"""Masked arrays beside traced values: numpy.ma's values, and no derivative under the mask."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as onp
import numpy.ma as ma
import pytest

import fastad
import fastad.numpy as np
from fastad import grad, jacobian, jit
from fastad.numpy.masked import TracedMaskedArray
from fastad.test_util import check_grads

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

MASK = onp.array([[0, 1, 0], [1, 0, 0]], bool)
M = ma.array([[0.3, 5.0, 0.6], [-2.0, 0.4, 0.2]], mask=MASK, fill_value=7.0)
BASE = ma.array(onp.abs(M.data), mask=MASK, fill_value=9.0)
X = onp.array([[0.2, 0.7, 0.9], [0.5, 0.1, 0.4]])
V = onp.array([0.3, 0.8, 0.6])


def plain(result: Any) -> Any:
    """What is compared: numbers, with zeros under the mask."""
    if isinstance(result, TracedMaskedArray):
        return result.filled(0.0)
    return ma.filled(result, 0.0) if isinstance(result, ma.MaskedArray) else result


def check(function: Any, x: Any, order: int = 2, fill: bool = True) -> None:
    """numpy.ma's value, mask and fill value, and derivatives that agree with differences."""
    expected = function(x)
    found: list[Any] = []

    def numbers(x: Any) -> Any:
        found.append(function(x))
        return plain(found[-1])

    value, gradient = fastad.value_and_grad(lambda x: np.sum(numbers(x)))(x)
    onp.testing.assert_allclose(value, onp.sum(plain(expected)), rtol=1e-13)
    assert onp.shape(expected) == np.shape(found[-1])
    onp.testing.assert_array_equal(ma.getmaskarray(expected), _mask_of(found[-1]))
    with fastad._core.Tape() as tape:
        traced = function(tape.box(x))
        onp.testing.assert_allclose(
            fastad.getval(plain(traced)), plain(expected), rtol=1e-13, atol=1e-15
        )
        if fill and isinstance(expected, ma.MaskedArray) and expected is not ma.masked:
            filled = fastad.getval(traced.filled())
            onp.testing.assert_allclose(filled, expected.filled(), rtol=1e-13, atol=1e-15)
            assert traced.fill_value == expected.fill_value
    assert onp.isfinite(gradient).all()
    check_grads(numbers, modes=["fwd", "rev"], order=order)(x)


def _mask_of(result: Any) -> Any:
    if isinstance(result, TracedMaskedArray):
        return ma.getmaskarray(ma.array(onp.zeros(result.shape), mask=result.mask))
    return ma.getmaskarray(result) if isinstance(result, ma.MaskedArray) else False


OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize("x", [X, V, onp.float64(0.7)], ids=["same", "row", "number"])
def test_operators(op: Any, x: Any) -> None:
    check(lambda x: op(BASE, x), x)
    # Of a power that has its masked array on the right, numpy.ma forgets the fill value, unless
    # numpy.power has been asked: as a number of NumPy's asks it.
    fill = op is not operator.pow or onp.ndim(x) > 0
    check(lambda x: op(x, BASE), x, fill=fill)
    check(lambda x: op(BASE * x, x), x)
    check(lambda x: op(x * 2.0, BASE * x), x, fill=fill)
    check(lambda x: op(BASE * x, BASE), x)
    check(lambda x: op(BASE, BASE * x), x)
    check(lambda x: op(BASE[0] * x, 2.0), x)
    check(lambda x: op(2.0, BASE[0] * x), x)
    check(lambda x: op(onp.full(3, 1.5), BASE[0] * x), x)


UNARY = """
    exp sqrt log log2 log10 sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arctanh negative
    absolute fabs conjugate
""".split()
BINARY = "add subtract multiply divide true_divide power hypot arctan2 maximum minimum".split()


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one(name: str) -> None:
    ours, theirs = getattr(np, name), getattr(ma, name)
    check(lambda x: ours(M * x) if fastad.isbox(x) else theirs(M * x), X)
    check(lambda x: theirs(M * x), X)
    # Beyond the function's domain, which numpy.ma masks.
    check(lambda x: theirs(ma.array(x - 0.45, mask=MASK)), X)
    check(lambda x: theirs(x - 0.45), X)
    check(lambda x: theirs(x * 3.0), X)


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two(name: str) -> None:
    ours, numpys = getattr(np, name), getattr(onp, name)
    fill = name != "power"  # as above
    check(lambda x: ours(BASE, x) if fastad.isbox(x) else numpys(BASE, x), X)
    check(lambda x: ours(x, BASE) if fastad.isbox(x) else numpys(x, BASE), X, fill=fill)
    for theirs in (numpys, getattr(ma, name, numpys)):
        check(lambda x: theirs(BASE * x, x), X)
        check(lambda x: theirs(BASE, M * x), X)
        check(lambda x: theirs(x, M * x), X, fill=fill or theirs is not numpys)
    check(lambda x: getattr(ma, name, numpys)(BASE, x), X)


def test_quotients_that_numpy_ma_masks() -> None:
    zeros = ma.array([1.0, 0.0, 2.0], mask=[0, 0, 1])
    check(lambda x: x / zeros, V)
    check(lambda x: x / (zeros * x), V)
    check(lambda x: zeros / (x * [1.0, 0.0, 1.0] * (zeros + 1.0)), V)


REDUCTIONS = "sum prod mean var std min max ptp cumsum cumprod".split()


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_reductions(name: str, axis: Any) -> None:
    method = lambda x: getattr(BASE * x, name)(axis=axis)
    check(method, X)
    check(lambda x: getattr(ma, name)(BASE * x, axis=axis), X)
    ours, theirs = getattr(np, name), getattr(onp, name)
    if name != "ptp":  # numpy.ptp does not know of masks
        check(lambda x: (ours if fastad.isbox(x) else theirs)(BASE * x, axis=axis), X)
        check(lambda x: theirs(BASE * x, axis=axis), X)
    whole = ma.array(onp.ones((2, 3)), mask=[[0, 1, 0], [0, 1, 0]])  # nothing is left of a column
    check(lambda x: getattr(whole * x, name)(axis=axis), X)
    if name not in ("ptp", "cumsum", "cumprod"):
        check(lambda x: getattr(BASE * x, name)(axis=axis, keepdims=True), X)
    if name in ("var", "std"):
        check(lambda x: getattr(BASE * x, name)(axis=axis, ddof=1), X)


def test_shapes_and_parts() -> None:
    for function in (
        lambda a: a[0],
        lambda a: a[:, 1],
        lambda a: a[::-1, [0, 2]],
        lambda a: a[1, 2],
        lambda a: a.T,
        lambda a: a.reshape(3, 2),
        lambda a: a.reshape((3, -1)).ravel(),
        lambda a: a[None].squeeze(),
        lambda a: a.filled(3.0) ** 2,
        lambda a: a.compressed(),
        lambda a: ma.compressed(a),
        lambda a: ma.filled(a, 2.0),
        lambda a: a.clip(0.1, 0.3),
        lambda a: a.anom(),
        lambda a: a.astype(float),
        lambda a: a.astype(float, copy=False) + a.astype(dtype="f8", order="C"),
        lambda a: a.astype(complex).imag + a.real,
        lambda a: ma.dot(a, a.T),
        lambda a: a.dot(V),
        lambda a: abs(-a),
        lambda a: sum(row.sum() for row in a),
        lambda a: ma.where(a.mask, 1.0, a),
        lambda a: ma.where(MASK[:, ::-1], a, X * a),
    ):
        check(lambda x, function=function: function(M * x), X)
    with fastad._core.Tape() as tape:
        found = M * tape.box(X)
        assert len(found) == 2 and found.ndim == 2 and found.size == 6 and found.dtype == float
        assert found[0, 1] is ma.masked and fastad.isbox(found[0, 0])
        assert found.count() == 4 and list(found.count(axis=1)) == [2, 2]
        assert (found.mask == MASK).all() and fastad.isbox(found.data)
        assert fastad.isbox(found.filled()) and fastad.getval(found.filled())[0, 1] == 7.0
        onp.testing.assert_array_equal(fastad.getval(found.data), (M * X).data)  # under it as well
        onp.testing.assert_array_equal(fastad.getval((X * found).data), (X * (M * X)).data)
        assert "mask" in repr(found)
        assert (M[0, 1] * tape.box(1.0)) is ma.masked


@pytest.mark.parametrize("op", ["lt", "le", "gt", "ge", "eq", "ne"])
def test_comparisons(op: str) -> None:
    compare = getattr(operator, op)
    with fastad._core.Tape() as tape:
        x = tape.box(X)
        for found, expected in (
            (compare(M, x), compare(M, X)),
            (compare(M * x, 0.3), compare(M * X, 0.3)),
            (compare(M * x, M), compare(M * X, M)),
        ):
            assert type(found) is ma.MaskedArray
            onp.testing.assert_array_equal(found.mask, expected.mask)
            onp.testing.assert_array_equal(found.filled(False), expected.filled(False))
        onp.testing.assert_array_equal(
            compare(x, M).filled(False), compare(ma.array(X), M).filled(False)
        )


def test_making_them() -> None:
    check(lambda x: ma.array(x, mask=MASK).mean(), X)
    check(lambda x: ma.masked_array(x**2, MASK, fill_value=7.0).mean(axis=0), X)
    check(lambda x: ma.array(M * x, mask=MASK[:, ::-1]).sum(), X)
    check(lambda x: ma.masked_where(x > 0.45, x**2), X)
    check(lambda x: ma.masked_where(MASK, M * x), X)
    check(lambda x: ma.masked_invalid(onp.where(MASK, onp.nan, x)).mean(), X)
    check(lambda x: ma.masked_greater(x, 0.45).std(), X)
    check(lambda x: ma.masked_less_equal(M * x, 0.1).sum(axis=0), X)
    check(lambda x: ma.masked_inside(x, 0.15, 0.45).sum(), X)
    check(lambda x: ma.masked_equal(x, 5.0).prod(), X)
    check(lambda x: ma.average(M * x, weights=X, axis=0), X)
    check(lambda x: ma.average(M * x, axis=1), X)
    check(lambda x: ma.sum(x, axis=0), X)
    check(lambda x: ma.median(M) * x, X)


def test_what_filled_has_under_the_mask() -> None:
    seen = ma.array(onp.ones(3), mask=[0, 1, 0], fill_value=7.0)
    x = onp.array([1.0, 2.0, 3.0])
    for function in (
        lambda x: seen * x,
        lambda x: (x * seen)[::1].reshape(3, 1),
        lambda x: ma.array(x * seen),
        lambda x: (x * seen).astype(float),
        lambda x: (x * seen).copy().ravel(),
        lambda x: +(x * seen),
        lambda x: ma.masked_where([0, 1, 0], seen * x),
        lambda x: ma.array(x, mask=[0, 1, 0], fill_value=7),
    ):
        slope = grad(lambda x, function=function: np.prod(function(x).filled()))
        onp.testing.assert_array_equal(slope(x), [21.0, 0.0, 7.0])
    whole = ma.array([1, 2, 3], mask=[0, 1, 0])  # its default is no default of floats
    check(lambda x: whole * x, V)
    check(lambda x: ma.array([1, 2, 3], mask=[0, 1, 0], fill_value=4) * x, V)
    check(lambda x: (M * x).astype(complex).real, X)
    check(lambda x: ma.array(M * x, fill_value=3).T, X)
    check(lambda x: ma.masked_greater(M * x, 0.1), X)


def test_a_fill_value_changed_between_calls_of_jit() -> None:
    seen = ma.array(onp.ones(3), mask=[0, 1, 0], fill_value=7.0)
    slope = grad(lambda x: np.prod((seen * x).filled()) * np.prod(x * seen.filled()))
    fast = jit(slope)
    for fill_value in (7.0, 3.0, None, 2.0):
        seen.fill_value = fill_value
        for k in range(4):
            onp.testing.assert_allclose(fast(V + k), slope(V + k))


def test_a_copy_and_its_original_are_two() -> None:
    mask = onp.array([False, True, False])

    def total(x: Any) -> Any:
        a = ma.array(x, mask=mask)
        b = a.copy()
        b.fill_value = 5.0
        ma.set_fill_value(b, 6.0)
        assert a.fill_value == 1e20 and b.fill_value == 6.0
        return np.sum(a.filled(0.0)) + np.prod(b.filled())

    onp.testing.assert_allclose(grad(total)(V), [1.0 + 6.0 * 0.6, 0.0, 1.0 + 6.0 * 0.3])


@pytest.mark.parametrize("mask", [onp.ones(3, bool), False, [1, 0, 0], ma.nomask])
def test_entries_and_mask_are_kept(mask: Any) -> None:
    with fastad._core.Tape() as tape:
        a = ma.array(tape.box(V), mask=[0, 1, 0])
        b = a.copy()
        with pytest.raises(
            TypeError, match=r"keeps its .*: make another by numpy.ma.array\(a.data, mask=mask\)"
        ):
            b.mask = mask
        with pytest.raises(TypeError, match="keeps its entries and its mask"):
            b[0] = ma.masked
        with pytest.raises(AttributeError):
            b.data = a.data
        with pytest.raises(AttributeError):
            b.masks = mask
        with pytest.raises(ValueError, match="read-only"):
            b.mask[0] = True
        with pytest.raises(TypeError, match="fill value"):
            b.fill_value = "text"
        assert list(a.mask) == list(b.mask) == [False, True, False]
        again = ma.array(a.data, mask=mask)
        assert (ma.getmaskarray(again) == ma.getmaskarray(ma.array(V, mask=mask))).all()
        onp.testing.assert_array_equal(
            TracedMaskedArray(a.data, [1, 0, 0]).mask, [True, False, False]
        )


def test_elements_and_reductions_without_a_mask_are_numbers() -> None:
    for function in (
        lambda x: ma.array(onp.ones((0, 3)) * x).sum(axis=1),
        lambda x: ma.array(onp.ones((3, 0)) * x[:, None]).sum(axis=1),
        lambda x: ma.array(onp.ones((3, 0)) * x[:, None]).prod(axis=1),
        lambda x: ma.array(onp.ones((2, 3)) * x).mean(axis=0),
        lambda x: ma.array(onp.ones((2, 3)) * x).var(axis=1, ddof=1, keepdims=True),
        lambda x: ma.array(onp.ones((2, 3)) * x).std(1, None, None, 1),
        lambda x: ma.array(x)[1],
        lambda x: ma.array(x).mean(),
        lambda x: ma.array(x).std(),
        lambda x: ma.sin(x[0]) + (ma.array(x) * x).max(),
        lambda x: ma.array(x[0]) * 2.0,
    ):
        check(function, V)


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std"])
@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("mask", [ma.nomask, False])
def test_reductions_of_no_entries(name: str, axis: Any, mask: Any) -> None:
    none_left = [{"ddof": 4}] if name in ("var", "std") and mask is False else []
    for options in ({}, *none_left):
        for shape in ((2, 0), (2, 3)):
            of = lambda x: getattr(ma.array(x, mask=mask), name)(axis=axis, **options)
            expected = of(onp.ones(shape) * onp.arange(float(shape[1])))
            with fastad._core.Tape() as tape:
                found = of(tape.box(onp.ones(shape) * onp.arange(float(shape[1]))))
                assert (found is ma.masked) == (expected is ma.masked)
                onp.testing.assert_array_equal(ma.getmaskarray(expected), _mask_of(found))
                onp.testing.assert_allclose(fastad.getval(plain(found)), plain(expected))


def test_conditions_have_the_shape_of_what_they_mask() -> None:
    for condition in (MASK[0], onp.ones((1, 1), bool), onp.ones((2, 2, 3), bool)):
        for call in (ma.masked_where, lambda c, x: ma.masked_where(c, M * x)):
            with pytest.raises(IndexError, match="Inconsistent shape"):
                grad(lambda x: np.sum(call(condition, x)))(X)
    check(lambda x: ma.masked_where(False, x), X)


def test_what_is_under_the_mask_has_no_derivative() -> None:
    hole = ma.array([1.0, -1.0, 0.0], mask=[0, 1, 1])
    for function in (np.sqrt, np.log, lambda a: 1.0 / a, lambda a: a**0.5):
        slope = grad(lambda x: np.sum(function(ma.array(x, mask=hole.mask))))(hole.data.copy())
        assert onp.isfinite(slope).all() and (slope[1:] == 0.0).all() and slope[0] != 0.0
    hessian = fastad.hessian(lambda x: np.sum(np.log(ma.array(x, mask=hole.mask))))(
        hole.data.copy()
    )
    onp.testing.assert_array_equal(hessian, onp.diag([-1.0, 0.0, 0.0]))


def test_masked_constants_in_programs() -> None:
    m = ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])
    functions = [
        lambda x: np.mean((m - x) ** 2),
        lambda x: np.sum(np.log(ma.array(x, mask=m.mask))),
        lambda x: np.sum(ma.masked_greater(x * m, 2.0)),
        lambda x: np.sum(m / (x - 0.3)),
    ]
    for function in functions:
        m.mask = [0, 1, 0]
        m.data[:] = [1.0, 2.0, 3.0]
        slope = grad(function)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fastad.ProgramWarning)
            fast = jit(slope)
            for k in range(5):
                onp.testing.assert_allclose(fast(V + 0.3 * k), slope(V + 0.3 * k))
            m.mask = [1, 0, 0]
            for k in range(4):
                onp.testing.assert_allclose(fast(V + 0.3 * k), slope(V + 0.3 * k))
            m[2] = ma.masked
            onp.testing.assert_allclose(fast(V), slope(V))
            m.mask[1] = True
            onp.testing.assert_allclose(fast(V), slope(V))
            m.mask = ma.nomask
            m.data[0] = 9.0
            for k in range(4):
                onp.testing.assert_allclose(fast(V + 0.3 * k), slope(V + 0.3 * k))


def test_numpy_ma_loaded_later_and_in_autograds_programs() -> None:
    import subprocess
    import sys

    code = """
import sys
{start}
import numpy, fastad
fastad.grad(lambda x: x * x)(1.0)
import numpy.ma as ma
m = ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])
call = lambda x: (m * x).mean() + ma.masked_greater(x, 0.5).sum()
print(*fastad.grad(call)(numpy.array([0.0, 1, 0])))
"""
    for start in ("", "import fastad.compat; fastad.compat.install()"):
        ran = subprocess.run(
            [sys.executable, "-c", code.format(start=start)], capture_output=True, text=True
        )
        assert ran.stdout.split() == ["1.5", "0.0", "2.5"], ran.stderr


def test_plain_calls_are_numpy_mas() -> None:
    import inspect

    assert grad(lambda x: x * x)(1.0) == 2.0
    assert "_fastad" not in str(inspect.signature(ma.masked_where))
    assert type(ma.array([1.0], mask=[1]) * onp.ones(1)) is ma.MaskedArray
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        ma.masked_where(True)


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda x: np.linalg.norm(M * x), "numpy.linalg.norm of a masked array of traced values"),
        (lambda x: np.concatenate([M * x, X]), "concatenate of a masked array of traced"),
        (lambda x: onp.asarray(M * x), "is no plain array: take .filled"),
        (lambda x: M @ V @ x[:, 0] + M[0] @ x[0], "numpy.matmul of a masked array"),
        (lambda x: (M * x).sum(out=onp.zeros(())), "takes no out"),
        (lambda x: ma.multiply(M, x, onp.zeros((2, 3))), "multiply of .* takes no positional out"),
        (lambda x: ma.log(M * x, out=onp.zeros((2, 3))), "log of .* takes no out"),
        (lambda x: ma.divide(x, M, dtype=float), "divide of .* takes no dtype"),
        (lambda x: ma.power(M, x, 3), "power of .* takes no third"),
        (lambda x: np.ptp(M * x), "numpy.ptp of a masked array of traced values"),
        (lambda x: np.kron(M, x), "kron: argument 0 is a numpy.ma.MaskedArray, .*compressed"),
        (lambda x: np.add.reduce(M * x), "reduce"),
    ],
)
def test_what_has_no_rule_says_so(call: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        grad(lambda x: np.sum(call(x)))(X)


def test_jacobians_of_masked_results() -> None:
    expected = onp.diag(ma.filled(M, 0.0).ravel()).reshape(2, 3, 2, 3)
    onp.testing.assert_array_equal(jacobian(lambda x: (M * x).filled(0.0))(X), expected)


def _product(x: Any) -> Any:
    return M * x


@pytest.mark.parametrize("returned", [_product, lambda x: [2 * x, _product(x)]])
def test_masked_results_are_no_constants(returned: Any) -> None:
    for operator_ in (
        lambda: fastad.make_vjp(returned)(X),
        lambda: fastad.make_jvp(returned)(X)(X),
        lambda: jacobian(returned)(X),
        lambda: jacobian(jit(lambda x: jacobian(returned)(x)))(X),
        lambda: fastad.elementwise_grad(_product)(X),
        lambda: grad(_product)(X),
    ):
        with pytest.raises(TypeError, match=r"cannot be differentiated; return \.filled\(value\)"):
            operator_()


@pytest.mark.parametrize("mask", [ma.nomask, False])
def test_numpys_ufuncs_of_no_dimensions_keep_masked_arrays(mask: Any) -> None:
    for function in (onp.sin, np.exp, onp.isfinite, operator.neg, operator.pos, abs):
        kinds = []

        def filled(x: Any, function: Any = function, kinds: Any = kinds) -> Any:
            result = function(ma.array(x, mask=mask))
            kinds.append((isinstance(result, (TracedMaskedArray, ma.MaskedArray)), result.shape))
            return x * result.filled(3.0)

        plain_value = filled(onp.float64(0.6))
        value, gradient = fastad.value_and_grad(filled)(0.6)
        assert value == plain_value and kinds[0] == kinds[1] == (True, ())
        check_grads(filled, order=1)(0.6)
        assert gradient == grad(lambda x, function=function: x * function(x))(0.6)
    assert grad(lambda x: x * ma.allclose(x, 0.6))(0.6) == 1.0


WEIGHTS = onp.array([[0.5, 1.0, 2.0], [1.0, 0.2, 3.0]])
OF_NUMPY: dict[str, tuple[bool, Callable[[Any, Any], Any]]] = {
    # Whether it is answered.
    "sum": (True, lambda lib, a: lib.sum(a, axis=0)),
    "average": (True, lambda lib, a: lib.average(a, axis=0)),
    "weighted": (False, lambda lib, a: lib.average(a, weights=WEIGHTS)),
    "weighting": (False, lambda lib, a: lib.average(WEIGHTS, weights=a)),
    "dot": (False, lambda lib, a: lib.dot(a, WEIGHTS.T)),
    "dotted": (False, lambda lib, a: lib.dot(WEIGHTS.T, a)),
    "taken": (False, lambda lib, a: lib.where(WEIGHTS > 0.7, a, WEIGHTS)),
    "chosen": (True, lambda lib, a: lib.where(a > 0.3, WEIGHTS, 2 * WEIGHTS)),
    "equal": (True, lambda lib, a: lib.where(a == 0.3, WEIGHTS, 2 * WEIGHTS)),
    "equal to a masked one": (True, lambda lib, a: lib.where(a == M, WEIGHTS, 2 * WEIGHTS)),
    "inner": (False, lambda lib, a: lib.inner(a, WEIGHTS)),
    "concatenate": (False, lambda lib, a: lib.concatenate([a, WEIGHTS])),
}


@pytest.mark.parametrize("namespace", [onp, np])
@pytest.mark.parametrize("name", OF_NUMPY)
def test_functions_of_numpys_that_pass_over_the_mask_are_refused(name: str, namespace: Any) -> None:
    """NumPy's dot and where of masked arrays are not numpy.ma's, which have to be asked for."""
    answered, function = OF_NUMPY[name]
    call = lambda a: function(namespace, a)
    for make in (lambda x: ma.array(x, mask=MASK), lambda x: M * x):
        expected = call(make(X))
        with fastad._core.Tape() as tape:
            if not answered:
                with pytest.raises(TypeError, match="has no rule in fastad"):
                    call(make(tape.box(X)))
                continue
            found = call(make(tape.box(X)))
            onp.testing.assert_array_equal(ma.getmaskarray(expected), _mask_of(found))
            onp.testing.assert_allclose(fastad.getval(plain(found)), plain(expected))
