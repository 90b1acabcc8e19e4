"""What may be taken out of a box: what is static, the plain value, and what a rule may see."""

from __future__ import annotations

import ast
import pathlib

import numpy
import pytest

import fastad
import fastad.numpy as np
from fastad import _core, grad
from fastad.misc.tracers import const_graph

x = numpy.array([0.3, -1.2, 0.9])
y = numpy.array([-0.7, 0.8, 1.9])


def kinked(x):
    inside = (x > -1.0) & (x < 1.5)
    return np.sum(np.where(inside, x * x, x * np.floor(x)) + np.maximum(x, 0.5) * x)


def picking(x):
    order = np.argsort(x)
    matrix = np.reshape(x[order] * x, (1, 3)) * np.ones((2, 1))
    return np.sum(matrix[np.arange(2), order[:2]] * 3.0) + x[0] * np.max(x)


def joining(x):
    joined = np.concatenate([x, x * x]) * np.concatenate([np.stack([x[1], x[0], x[2]]), x])
    total = 0.0
    for i in range(3):
        total = total + joined[i] * x[-1]
    return total + np.sum(np.array([x[0], x[1] * x[2]]) * x[1:])


@pytest.mark.parametrize("fun", [kinked, picking, joining])
def test_a_graph_of_everything_is_right_at_other_inputs(fun):
    for recorded in (fun, grad(fun), grad(lambda x: np.sum(grad(fun)(x) * x))):
        again = const_graph(recorded)
        numpy.testing.assert_allclose(again(x), recorded(x), rtol=1e-13)
        numpy.testing.assert_allclose(again(y), recorded(y), rtol=1e-13)


def test_primal_takes_off_the_levels_that_differentiate_and_no_other():
    with _core.Graph(everything=True) as below, _core.Tape() as tape:
        low = below.box(x, None)
        high = tape.box(low)
        assert _core.primal(high) is low
        assert _core.primal(low) is low
        assert _core.primal(tape.box(x)) is x
    assert _core.primal(2.0) == 2.0


def test_meta_is_what_does_not_depend_on_the_input():
    with _core.Tape() as tape:
        box = tape.box(numpy.ones((2, 3), numpy.float32))
        assert _core.meta(box) == ((2, 3), numpy.dtype(numpy.float32), True)
        assert (_core.meta(box).ndim, _core.meta(box).size) == (2, 6)
        assert _core.meta(tape.box(1.5)) == ((), numpy.dtype(float), False)
    assert _core.meta(numpy.float32(1.0)).dtype == numpy.float32


def test_a_read_that_would_lose_a_derivative_is_refused_and_remembered():
    with _core.Tape() as tape:
        box = tape.box(2.0)
        assert _core.read(box, "truth") == _core.read(box, "text") == _core.read(box) == 2.0
        assert tape.losses == ""
        for why in ("index", "int", "float", "complex", "array"):
            with pytest.raises(TypeError, match="derivative would be lost"):
                _core.read(box, why)
        assert "a plain number was asked for" in tape.losses
    with _core.Tape() as tape:
        assert _core.read(tape.box(2.0), "user") == 2.0
        assert "fastad.getval" in tape.losses
    assert fastad.getval(2.0) == 2.0


# Where fastad.numpy and fastad.scipy take a plain value out of a box, and why: anything else would
# be lost to a program. Values that a rule looks at go through `primal`.
READS = {
    ("numpy/methods.py", "text"): "methods that tell of the number: tolist, tobytes, dump",
    ("numpy/random.py", "text"): "NumPy's own error about an argument",
    ("_impl/namespaces.py", "text"): "NumPy's or SciPy's own error about an argument",
    ("scipy/integrate/quadrature.py", "text"): "SciPy's own error about an argument",
    ("numpy/registry.py", "index"): "the length of a result that depends on values: a guard",
    ("scipy/ndimage/filters.py", "index"): "the length of a filter that depends on values",
    ("scipy/host_calls.py", "rule"): "a solver's arguments where nothing is recorded",
    ("scipy/host_calls.py", "index"): "the texts and truth values of a solver's result: a branch",
}


def test_the_wrapped_namespaces_read_no_values_but_these():
    package = pathlib.Path(fastad.__file__).parent
    found = set()
    files = [path for folder in ("numpy", "scipy") for path in (package / folder).rglob("*.py")]
    for path in [*files, package / "_impl" / "namespaces.py"]:
        tree = ast.parse(path.read_text())
        place = path.relative_to(package).as_posix()
        for node in ast.walk(tree):
            name = getattr(node, "id", None) or getattr(node, "attr", None)
            if name in ("getval", "take_value"):
                found.add((place, name))
            if name == "read" and isinstance(node, (ast.Name, ast.Attribute)):
                found.add((place, _reason(tree, node)))
    assert found == set(READS)


def _reason(tree, read):
    """The reason that a call of `read` gives; without a call or a reason, 'rule'."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.func is read and len(node.args) > 1:
            return node.args[1].value
    return "rule"
