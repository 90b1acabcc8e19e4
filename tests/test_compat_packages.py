"""What packages do with traced values, primitives and other libraries' arrays."""

from __future__ import annotations

import collections.abc
import functools
import types

import numpy as onp
import pytest
from compat_runs import Counted, X, close, code, python

import fastad.numpy as np
from fastad import compat, deriv, grad
from fastad.builtins import DictBox, SequenceBox
from fastad.core import primitive_jvps, vspace
from fastad.extend import (
    Box,
    defjvp,
    defvjp,
    notrace_primitive,
    primitive,
)
from fastad.numpy.numpy_boxes import ArrayBox
from fastad.tracer import getval, isbox, new_box, trace, trace_stack


def test_ufuncs_leave_room_for_other_libraries():
    class Wrapped:
        def __init__(self, value):
            self.value = value

        def __array__(self, dtype=None, copy=None):
            raise AssertionError("must not be converted")

        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            plain = [x.value if isinstance(x, Wrapped) else x for x in inputs]
            return Wrapped(ufunc(*plain))

        __mul__ = lambda self, other: onp.multiply(self, other)
        __rmul__ = lambda self, other: onp.multiply(other, self)

    for f in (
        lambda x: x * Wrapped(X),
        lambda x: Wrapped(X) * x,
        lambda x: np.multiply(x, Wrapped(X)),
        lambda x: np.multiply(Wrapped(X), x),
        lambda x: onp.multiply(x, Wrapped(X)),
        lambda x: np.abs(np.exp(Wrapped(X * 0) * x)) * Wrapped(X) * x,
    ):
        assert grad(lambda x: np.sum(f(x).value))(2.0) == X.sum()


def test_notrace_primitive_is_constant_for_python_nodes():
    f = notrace_primitive(lambda x: x * 2.0)
    _, node = trace(Counted.new_root(), lambda x: x + f(x), 3.0)
    assert node.depth == 1


def test_defjvp_on_a_built_in():
    original = primitive_jvps[np.cosh]
    try:
        defjvp(np.cosh, lambda g, ans, x: 9.0 * g)
        assert deriv(np.cosh)(1.0) == 9.0
        close(grad(np.cosh)(1.0), onp.sinh(1.0))
    finally:
        primitive_jvps[np.cosh] = original
    close(deriv(np.cosh)(1.0), onp.sinh(1.0))


def test_containers_made_by_new_box():
    with trace_stack.new_trace() as t:
        for value in ((2.0, X), [2.0, X], {"a": 2.0, "b": X}):
            box = new_box(value, t, Counted.new_root())
            assert isinstance(box, type(value))
            assert isinstance(box, DictBox if isinstance(value, dict) else SequenceBox)
            assert box._value is value
            assert box._trace == t
            parts = list(box.values()) if isinstance(box, dict) else list(box)
            assert all(isbox(part) and part._trace == t for part in parts)
            assert (parts[0] * 2.0)._node.depth == 2


@pytest.mark.parametrize(
    "name", ["concatenate", "stack", "vstack", "hstack", "dstack", "column_stack"]
)
def test_joining_takes_a_dicts_values_and_generators(name):
    join = getattr(np, name)
    d = {"a": X, "b": 2 * X}
    close(join(d.values()), getattr(onp, name)(list(d.values())))
    close(join(x for x in d.values()), join(list(d.values())))
    g = grad(lambda d: np.sum(np.sin(join(d.values()))) + np.sum(join(iter([d["a"]]))))(d)
    close(g["a"], onp.cos(X) + 1)
    close(g["b"], onp.cos(2 * X))
    assert getattr(np, name) is np.numpy_wrapper.__getattr__(name)


def test_copying_the_namespace_copies_functions_only():
    # As PennyLane does with autograd.numpy.
    copied = {name: value for name, value in vars(np).items() if callable(value)}
    special = {name for name in copied if name.startswith("__")}
    assert special <= {"__loader__", "__getattr__", "__dir__"}
    assert not any(isinstance(copied[name], types.FunctionType) for name in special)
    # A class of its own would make every look-up of np.sin several times slower.
    assert type(np) is types.ModuleType
    # Wrapped like any function and put into another module, they still answer.
    late = copied["__getattr__"]
    wrapped = functools.wraps(late)(lambda *args: late(*args))
    assert wrapped("testing") is onp.testing
    assert copied["sin"] is np.sin
    assert "numpy_boxes" in dir(np.numpy_wrapper) or hasattr(np, "numpy_boxes")
    assert "sin" in dir(np)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = np.no_such_name


def test_rules_for_what_is_no_primitive():
    def plain(x):
        return x

    with pytest.raises(TypeError, match="primitive"):
        defvjp(plain, lambda ans, x: lambda g: g)
    # autograd keeps such a rule and never uses it; a program that relies on that must start.
    python(
        "-c",
        code("""
        import warnings
        from fastad import compat
        compat.install()
        from autograd.extend import defjvp, defvjp
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            defvjp(lambda x: x, None)
            defjvp(lambda x: x, None)
        assert len(caught) == 2 and "no primitive" in str(caught[0].message)
        """),
    )


def test_types_of_traced_values_can_be_given_methods():
    """Packages put methods on ArrayBox, and attributes on Box."""
    ArrayBox.doubled = lambda self: self * 2.0
    Box.marked = "yes"
    try:
        assert grad(lambda x: x.doubled() * x)(3.0) == 12.0
        assert grad(lambda x: x if x.marked == "yes" else 0.0)(3.0) == 1.0
    finally:
        del ArrayBox.doubled, Box.marked
    kinds = [ArrayBox, onp.ndarray, float, complex, onp.float64, onp.float32, onp.complex128]
    assert all(Box.type_mappings[kind] is ArrayBox for kind in kinds)
    assert ArrayBox in Box.types


def test_a_traced_number_is_not_iterable():
    def f(x):
        assert not isinstance(x, collections.abc.Iterable)
        assert not hasattr(x, "__iter__")
        assert not onp.iterable(x)
        with pytest.raises(TypeError, match="0-d"):
            iter(x)
        return x * x

    assert grad(f)(3.0) == 6.0
    close(grad(lambda x: sum(t * t for t in x))(X), 2 * X)
    first, *rest = grad(lambda x: x[0] * x[1])(X)
    assert first == X[1]


def test_arrays_of_objects_hold_traced_values():
    """With dtype=object always; without a dtype where autograd's imports are answered by fastad."""
    for call in (
        lambda x: onp.array([x[0], x[1] * x[0]], dtype=object).sum(),
        lambda x: onp.array([x[0], x[1] * x[0]], dtype=object).dot(onp.ones(2)),
        lambda x: np.sum(np.array(onp.array([x[0], x[1] * x[0]], dtype=object))),
        lambda x: np.sum(np.vectorize(lambda t: t, otypes=[object])(np.array([x[0], x[1] * x[0]]))),
    ):
        close(grad(call)(X[:2]), [1.0 + X[1], X[0]])
    plain = lambda x: onp.array([x[0], x[1] * x[0]]).sum()
    with pytest.raises(TypeError, match="fastad.numpy.array"):
        grad(plain)(X[:2])
    compat.install()
    try:
        close(grad(plain)(X[:2]), [1.0 + X[1], X[0]])
        close(grad(lambda x: np.sum(np.vectorize(lambda t: t * t)(x)))(X), 2 * X)
        places = grad(lambda x: sum(v * i[0] for i, v in onp.ndenumerate(x)))(X)
        close(places, onp.arange(len(X)))
        with pytest.raises(TypeError, match="fastad.numpy.array"):
            grad(lambda x: onp.array(x, dtype=float).sum())(X)
    finally:
        compat.uninstall()


def test_namespaces_have_what_programs_copy():
    compat.install()
    try:
        import autograd.numpy as anp

        assert "random" in vars(onp) and "random" in vars(anp)
        import autograd.builtins
        import autograd.differential_operators as operators

        assert autograd.builtins.vspace is operators.vspace is vspace
        assert autograd.builtins.primitive is not None
        for name in ("defvjp_argnum", "np", "primitive", "unary_to_nary"):
            assert getattr(operators, name) is not None
        with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
            _ = operators.nonsense
        from autograd.numpy.numpy_boxes import Box as same
        from autograd.numpy.numpy_vjps import anp as theirs
        from autograd.numpy.numpy_vjps import onp as plain

        assert same is Box and theirs is anp and plain is onp
    finally:
        compat.uninstall()


@pytest.mark.parametrize("order", [1, 2])
def test_a_rule_may_take_the_value_out_of_a_box_of_the_swept_level(order):
    """Packages keep traced values in objects, and unwrap one level of what a rule made of them."""

    class Record:
        pass

    @primitive
    def run(p, record):
        return onp.sin(getval(record.p))

    def vjp_of(unwraps):
        def vjp(ans, p, record):
            def back(g):
                v = g * np.cos(record.p)
                return v._value if isinstance(v, ArrayBox) and unwraps else v

            return back

        return vjp

    def f(x):
        record = Record()
        record.p = x
        return run(x, record)

    for unwraps in (False, True):
        defvjp(run, vjp_of(unwraps), argnums=[0])
        if order == 1:
            close(grad(f)(0.7), onp.cos(0.7))
        else:
            close(grad(grad(f))(0.7), -onp.sin(0.7))


def test_a_box_of_an_ended_trace_is_a_constant_to_autograds_programs():
    kept = []

    def f(x):
        kept.append(x)
        return np.sum(x * x)

    grad(f)(X)
    with pytest.raises(ValueError, match="ended"):
        kept[0] * 2.0
    compat.install()
    try:
        close(getval(kept[0] * 2.0), 2 * X)
        close(grad(lambda x: np.sum(x * kept[0]))(X), X)  # a constant, of any later level
        close(grad(lambda x: np.sum(grad(lambda y: np.sum(y * y * kept[0]))(x)))(X), 2 * X)
        close(grad(lambda x: np.dot(kept[0], x) * np.sum(x))(X), X * X.sum() + X @ X)
    finally:
        compat.uninstall()
    with pytest.raises(ValueError, match="ended"):
        np.sum(kept[0])


def test_levels_keep_their_order_beside_ended_ones():
    """A rule opens levels of its own, with boxes of the swept level as constants in them."""

    class Record:
        pass

    @primitive
    def run(p, record):
        return onp.sin(getval(record.p))

    def vjp(ans, p, record):
        # cos(p) by a derivative of its own, with the swept box in its function
        return lambda g: g * grad(lambda t: np.sin(record.p + t))(0.0)

    defvjp(run, vjp, argnums=[0])

    def f(x):
        record = Record()
        record.p = x
        return run(x, record)

    close(grad(f)(0.7), onp.cos(0.7))
    close(grad(grad(f))(0.7), -onp.sin(0.7))
    close(grad(grad(grad(f)))(0.7), -onp.cos(0.7))


def test_where_of_python_values_gives_python_values_to_autograds_programs():
    assert type(np.where(True, 1, 2)) is onp.ndarray
    compat.install()
    try:
        assert type(np.where(True, 1, 2)) is int and np.where(False, 1, 2) == 2
        assert np.where([True, False], [1.0, 2.0], [3.0, 4.0]) == [1.0, 4.0]
        assert np.where(x=[1.0], y=(2.0,), condition=[False]) == [2.0]
        for array in (onp.ones(2), [onp.float64(1.0), 2.0]):
            assert type(np.where([True, False], array, [3.0, 4.0])) is onp.ndarray
        assert type(np.where([True, False])) is tuple
        assert grad(lambda x: np.where(True, x, 2.0) * x)(3.0) == 6.0
    finally:
        compat.uninstall()
