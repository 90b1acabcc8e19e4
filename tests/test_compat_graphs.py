"""What autograd's programs do by hand: graphs of Python nodes."""

from __future__ import annotations

import numpy as onp
import pytest
from compat_runs import Counted, X, close

import fastad
import fastad.numpy as np
from fastad import core, deriv, grad, make_jvp, make_vjp
from fastad.core import JVPNode, VJPNode, backward_pass
from fastad.extend import (
    primitive,
)
from fastad.misc.tracers import const_graph, full_graph
from fastad.numpy.numpy_boxes import ArrayBox
from fastad.tracer import isbox, new_box, trace, trace_stack


def test_a_node_of_ones_own():
    value, node = trace(Counted.new_root(), lambda x: np.sum(np.sin(x) * 2.0 + x[0]), X)
    close(value, onp.sum(onp.sin(X) * 2.0 + X[0]))
    assert node.depth == 4
    assert node.name == "sum"
    names = {n.name for n in core.toposort(node) if n.parents}
    assert names == {"sum", "add", "multiply", "sin", "getitem"}


def test_attributes_of_a_traced_value():
    with trace_stack.new_trace() as t:
        root = Counted.new_root()
        box = new_box(2.0, t, root)
        assert isbox(box)
        assert box._value == 2.0
        assert box._trace == t
        assert box._node is root
        assert isinstance(box, ArrayBox)
        assert (box * 3.0)._node.depth == 1
    # A trace is a number to autograd's programs: one that has ended, or their own, starts anew.
    for number in (t, 0, 0):
        box = new_box(onp.array([1.0, 2.0]), number, VJPNode.new_root())
        value = np.sum(box**2 * 3.0)
        close(backward_pass(1.0, value._node), [6.0, 12.0])
    with trace_stack.new_trace() as t:
        late = np.sin(new_box(2.0, t, VJPNode.new_root()))
    close(backward_pass(1.0, late._node), onp.cos(2.0))
    seen = []

    def f(x):
        seen.append((x._value, type(x._node), x._trace))
        return x * 1.0

    grad(f)(3.0)
    deriv(f)(3.0)
    assert [value for value, _, _ in seen] == [3.0, 3.0]
    assert issubclass(seen[0][1], VJPNode)
    assert seen[1][1] is JVPNode
    assert seen[0][2] != seen[1][2]


def test_an_exception_inside_leaves_the_next_trace_right():
    def fails(x):
        raise KeyError(x)

    with pytest.raises(KeyError):
        trace(Counted.new_root(), fails, 1.0)
    assert trace(Counted.new_root(), lambda x: x * x, 3.0)[0] == 9.0


def test_independent_output():
    with pytest.warns(UserWarning, match="independent"):
        assert trace(Counted.new_root(), lambda x: 5.0, 3.0) == (5.0, None)


def rich(x):
    parts = np.concatenate([np.sin(x[:2]), x**2])
    rows = np.reshape(np.dot(np.outer(parts, parts), parts), (5, 1))
    return np.sum(np.where(rows > 0, np.exp(-rows), rows)) + np.mean(x, axis=0) * np.max(x)


@pytest.mark.parametrize(
    "f", [rich, lambda x: np.tanh(x)[1] / x[0], lambda x: np.linalg.det(np.outer(x, x) + np.eye(3))]
)
def test_reverse_and_forward_over_python_nodes(f):
    value, end = trace(VJPNode.new_root(), f, X)
    close(value, f(X))
    close(backward_pass(1.0, end), grad(f)(X))
    v = onp.array([0.3, 0.2, -1.0])
    value, end = trace(JVPNode.new_root(v), f, X)
    close(end.g, make_jvp(f)(X)(v)[1])


def test_python_nodes_inside_and_around_the_operators():
    def by_hand(x):
        return backward_pass(1.0, trace(VJPNode.new_root(), rich, x)[1])

    close(fastad.jacobian(by_hand)(X), fastad.hessian(rich)(X))
    _, end = trace(VJPNode.new_root(), lambda x: np.sum(grad(rich)(x)), X)
    close(backward_pass(1.0, end), grad(lambda x: np.sum(grad(rich)(x)))(X))


def test_python_nodes_over_containers():
    def f(p):
        return {"a": p[0] * p[1]["k"], "b": (p[1]["k"], 3.0)}

    p = (2.0, {"k": X, "none": 5.0})
    value, end = trace(VJPNode.new_root(), f, p)
    close(value["a"], 2.0 * X)
    seed = {"a": onp.ones(3), "b": (onp.ones(3), 0.0)}
    actual, expected = backward_pass(seed, end), make_vjp(f)(p)[0](seed)
    close(actual[0], expected[0])
    close(actual[1]["k"], expected[1]["k"])
    close(actual[1]["none"], 0.0)


def test_const_graph_runs_the_code_once():
    calls = []

    def f(x, y):
        calls.append(None)
        return np.sum(np.sin(x) * y) + grad(lambda z: z * z * y)(2.0)

    g = const_graph(f)
    close(g(X, 2.0), f(X, 2.0))
    assert len(calls) == 2
    close(g(2 * X, 3.0), f(2 * X, 3.0))
    assert len(calls) == 3
    close(grad(g)(X, 3.0), grad(f)(X, 3.0))
    assert len(calls) == 4
    with pytest.raises(ValueError, match="independent"), pytest.warns(UserWarning):
        const_graph(lambda x: 1.0)(2.0)


def test_full_graph():
    node = full_graph(lambda x, y: np.sin(x) * y, 2.0, 3.0)
    close(node.value, onp.sin(2.0) * 3.0)
    fun, args, kwargs, parents = node.recipe
    assert fun is np.multiply
    close(fun(*args, **kwargs), node.value)
    assert [argnum for argnum, _ in parents] == [0, 1]


def test_primitives_without_rules_are_recorded():
    @primitive
    def mystery(x):
        return x + 1.0

    _, node = trace(Counted.new_root(), mystery, 1.0)
    assert node.name == "mystery"
    with pytest.raises(NotImplementedError, match="VJP of mystery"):
        trace(VJPNode.new_root(), mystery, 1.0)
    with pytest.raises(NotImplementedError, match="JVP of mystery"):
        trace(JVPNode.new_root(1.0), mystery, 1.0)
