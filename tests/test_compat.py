"""Programs written for autograd: alias, command line, pytest plugin, and autograd's contract."""

from __future__ import annotations

import collections.abc
import functools
import importlib
import subprocess
import sys
import textwrap
import types

import numpy as onp
import pytest

import fastad
import fastad.numpy as np
from fastad import compat, core, deriv, grad, make_jvp, make_vjp
from fastad.builtins import DictBox, ListBox, SequenceBox, TupleBox
from fastad.core import JVPNode, VJPNode, backward_pass, primitive_jvps, primitive_vjps, vspace
from fastad.extend import (
    Box,
    SparseObject,
    VSpace,
    defjvp,
    defvjp,
    notrace_primitive,
    primitive,
    register_notrace,
)
from fastad.misc.tracers import const_graph, full_graph
from fastad.numpy.numpy_boxes import ArrayBox
from fastad.numpy.numpy_jvps import broadcast
from fastad.numpy.numpy_vjps import (
    balanced_eq,
    dot_adjoint_0,
    dot_adjoint_1,
    match_complex,
    matmul_adjoint_0,
    matmul_adjoint_1,
    repeat_to_match_shape,
    replace_zero,
    tensordot_adjoint_0,
    tensordot_adjoint_1,
    unbroadcast,
    unbroadcast_f,
    untake,
)
from fastad.numpy.numpy_wrapper import make_diagonal, metadata, wrap_namespace
from fastad.test_util import check_grads
from fastad.tracer import Node, getval, isbox, new_box, trace, trace_stack

X = onp.array([0.5, -1.0, 2.0])


def close(actual, expected):
    onp.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-12)


def python(*arguments, cwd=None, status=0):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stdout + done.stderr


def code(text):
    return textwrap.dedent(text)


# ---- the contract: what is imported from where


CONTRACT = {
    "": """
        checkpoint deriv dict elementwise_grad grad grad_and_aux grad_named hessian
        hessian_tensor_product hessian_vector_product holomorphic_grad isinstance jacobian list
        make_ggnvp make_hvp make_jvp make_vjp multigrad_dict primitive tensor_jacobian_product tuple
        type value_and_grad vector_jacobian_product __version__""",
    "builtins": """
        isinstance type tuple list dict DictBox SequenceBox ListBox TupleBox container_take
        container_untake make_sequence ContainerVSpace SequenceVSpace ListVSpace TupleVSpace
        DictVSpace NamedTupleVSpace isinstance_ type_ tuple_ list_ dict_""",
    "core": """
        make_vjp make_jvp VJPNode JVPNode backward_pass VSpace vspace SparseObject SparseBox
        primitive primitive_vjps primitive_jvps defvjp defvjp_argnum defvjp_argnums defjvp
        defjvp_argnum defjvp_argnums def_linear add_outgrads sum_outgrads sparse_add Node Box getval
        isbox toposort trace func subval primitive_with_deprecation_warnings""",
    "tracer": """
        Box Node trace new_box isbox getval trace_stack primitive notrace_primitive toposort
        register_notrace notrace_primitives trace_primitives_map box_types box_type_mappings
        TraceStack subval subvals""",
    "extend": """
        Box primitive register_notrace notrace_primitive VSpace vspace SparseObject VJPNode JVPNode
        defvjp defvjp_argnum defvjp_argnums defjvp defjvp_argnum defjvp_argnums def_linear""",
    "wrap_util": "unary_to_nary wraps wrap_nary_f get_name get_doc",
    "util": "subvals subval func toposort quick_grad_check",
    "differential_operators": "grad make_vjp make_jvp jacobian hessian make_jvp_reversemode egrad",
    "test_util": """
        check_grads check_vjp check_jvp check_equivalent combo_check scalar_close make_numerical_jvp
        TOL RTOL EPS""",
    "misc": "flatten const_graph",
    "misc.flatten": "flatten flatten_func",
    "misc.optimizers": "sgd rmsprop adam unflatten_optimizer",
    "misc.fixed_points": "fixed_point",
    "misc.tracers": "const_graph const_graph_unary full_graph ConstGraphNode FullGraphNode",
    "numpy": """
        sin array concatenate linalg fft random numpy_boxes numpy_vspaces numpy_vjps numpy_jvps
        numpy_wrapper make_diagonal metadata array_from_args concatenate_args wrap_namespace
        parse_einsum_input _astype __version__""",
    "numpy.linalg": "inv det solve",
    "numpy.fft": "fft",
    "numpy.random": "randn RandomState seed rand normal",
    "numpy.numpy_boxes": "ArrayBox",
    "numpy.numpy_vspaces": "ArrayVSpace ComplexArrayVSpace SVDResultVSpace",
    "numpy.numpy_vjps": """
        unbroadcast unbroadcast_f unbroadcast_einsum replace_zero balanced_eq match_complex
        repeat_to_match_shape untake dot_adjoint_0 dot_adjoint_1 matmul_adjoint_0 matmul_adjoint_1
        tensordot_adjoint_0 tensordot_adjoint_1 nograd_functions unpermuter reverse_axis defvjp
        primitive ArrayBox vspace""",
    "numpy.numpy_jvps": "broadcast",
    "numpy.numpy_wrapper": """
        sin array wrap_namespace wrap_intdtype concatenate_args array_from_args make_diagonal
        metadata notrace_functions numpy_version parse_einsum_input _astype""",
}


@pytest.mark.parametrize("module", sorted(CONTRACT))
def test_names_that_packages_import(module):
    name = f"fastad.{module}".rstrip(".")
    found = importlib.import_module(name)
    missing = [entry for entry in CONTRACT[module].split() if not hasattr(found, entry)]
    assert not missing


def test_the_same_classes_under_every_path():
    assert core.Box is fastad.tracer.Box is fastad.extend.Box
    assert np.numpy_boxes.ArrayBox is ArrayBox
    assert core.VSpace is fastad.extend.VSpace
    assert core.primitive is fastad.primitive


# ---- the alias


def test_alias_gives_the_same_modules_and_classes():
    python(
        "-c",
        code("""
        from fastad import compat
        compat.install()
        import sys
        import autograd, autograd.numpy as np, autograd.core, autograd.numpy.numpy_boxes
        import autograd.numpy.linalg as la
        from autograd.misc.optimizers import adam
        from autograd.numpy.numpy_wrapper import *
        from autograd.numpy import *
        import fastad, fastad.numpy.linalg, fastad.misc.optimizers
        assert autograd is fastad and np is fastad.numpy and la is fastad.numpy.linalg
        assert autograd.core.Box is fastad.core.Box and adam is fastad.misc.optimizers.adam
        assert autograd.__version__ == fastad.__version__
        assert sin is fastad.numpy.sin
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] in ("autograd", "fastad") and module.__spec__ is not None:
                assert module.__spec__.name == module.__name__, name
                assert module.__name__.startswith("fastad")
        import importlib.util
        assert importlib.util.find_spec("autograd.no_such_module") is None
        try:
            import autograd.no_such_module
        except ModuleNotFoundError as error:
            assert "autograd.no_such_module" in str(error)
        else:
            raise AssertionError
        importlib.reload(autograd.util)
        """),
    )


def test_alias_without_autograd_installed():
    python(
        "-c",
        code("""
        import sys
        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "autograd":
                    raise ModuleNotFoundError(name)
        sys.meta_path.insert(0, Absent())
        from fastad import compat
        for _ in range(2):
            try:
                import autograd
            except ModuleNotFoundError:
                pass
            else:
                raise AssertionError
            compat.install()
            compat.install()
            import autograd.numpy as np
            from autograd import grad
            assert compat.installed() and grad(np.sin)(0.0) == 1.0
            compat.uninstall()
            compat.uninstall()
            assert not compat.installed()
            assert not [name for name in sys.modules if name.startswith("autograd")]
        import multiprocessing.spawn
        assert multiprocessing.spawn.get_preparation_data.__module__ == "multiprocessing.spawn"
        """),
    )


def test_uninstall_gives_back_the_real_one():
    pytest.importorskip("autograd")
    python(
        "-c",
        code("""
        import autograd, autograd.numpy
        real, spec = autograd, autograd.__spec__
        from fastad import compat
        import fastad
        compat.install()
        import autograd
        assert autograd is fastad
        compat.uninstall()
        import autograd, autograd.numpy, autograd.core
        assert autograd is real and autograd.__spec__ is spec
        assert autograd.numpy.__name__ == autograd.core.__package__ + ".numpy"
        assert fastad.__spec__.name == "fastad"
        assert autograd.grad(autograd.numpy.sin)(0.0) == 1.0
        """),
    )


# ---- the command line


def test_running_a_script(tmp_path):
    (tmp_path / "helper.py").write_text("from autograd import grad\n")
    script = tmp_path / "program.py"
    script.write_text(
        code("""
        import sys
        import autograd.numpy as np
        from helper import grad
        if __name__ == "__main__":
            print(grad(np.sin)(0.0), grad.__module__, sys.argv[1:], sys.argv[0] == __file__)
        """)
    )
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    out = python("-m", "fastad", script, "-x", "two", cwd=folder)
    assert out.split() == "1.0 fastad ['-x', 'two'] True".split()


def test_running_a_module(tmp_path):
    package = tmp_path / "tool"
    package.mkdir()
    (package / "__init__.py").write_text("import autograd.core\n")
    (package / "__main__.py").write_text(
        "import sys, autograd\nprint(autograd.__name__, __name__, sys.argv[1:])\nsys.exit(3)\n"
    )
    out = python("-m", "fastad", "-m", "tool", "a", "-b", cwd=tmp_path, status=3)
    assert out.split() == "fastad __main__ ['a', '-b']".split()


def test_error_in_a_script_shows_its_own_line(tmp_path):
    script = tmp_path / "wrong.py"
    script.write_text("import autograd\n\nraise KeyError('mine')\n")
    out = python("-m", "fastad", script, status=1)
    assert "wrong.py" in out
    assert "line 3" in out
    assert "KeyError: 'mine'" in out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "usage"),
        (["-m"], "name of a module"),
        (["-q"], "unknown option"),
        (["absent.py"], "no file"),
    ],
)
def test_command_line_mistakes(arguments, text):
    done = subprocess.run(
        [sys.executable, "-m", "fastad", *arguments], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert text in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_versions_for_a_report():
    lines = python("-m", "fastad", "--version").splitlines()
    assert lines[0].startswith(f"fastad {fastad.__version__} ")
    assert f"NumPy {onp.__version__}" in lines


def test_processes_that_a_script_spawns_answer_alike(tmp_path):
    script = tmp_path / "parallel.py"
    script.write_text(
        code("""
        import multiprocessing
        import autograd
        import autograd.numpy as np
        from autograd import grad

        def work(x):
            return autograd.__name__, float(grad(np.sin)(x))

        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(work, [0.0]))
        """)
    )
    assert python("-m", "fastad", script).strip() == "[('fastad', 1.0)]"


def test_pytest_plugin(tmp_path):
    (tmp_path / "conftest.py").write_text("import autograd\nassert autograd.__name__ == 'fastad'\n")
    (tmp_path / "test_it.py").write_text(
        code("""
        import autograd.numpy as np
        from autograd import grad
        def test_it():
            assert grad.__module__.startswith("fastad")
            assert grad(np.sin)(0.0) == 1.0
        """)
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = ["-m", "pytest", "-p", "no:cacheprovider", "-p", "fastad.compat", tmp_path]
    out = python(*command, cwd=tmp_path)
    assert "1 passed" in out
    assert "answered by fastad" in out


def test_importing_compat_changes_nothing():
    assert not compat.installed()


# ---- graphs of Python nodes


class Counted(Node):
    """How many operations lie between a value and the argument, at most."""

    def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
        self.depth = 1 + max(parent.depth for parent in parents)
        self.name = fun.__name__
        self.parents = parents

    def initialize_root(self):
        self.depth = 0
        self.parents = ()


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


# ---- rules as mappings, and rules that replace the built-in ones


def test_rules_of_built_ins_can_be_called():
    assert len(primitive_vjps) > 150
    assert set(primitive_vjps) == set(primitive_jvps)
    (g,) = primitive_vjps[np.sin]((0,), onp.sin(X), (X,), {})(X)
    close(g, X * onp.cos(X))
    gs = primitive_vjps[np.dot]((0, 1), X @ X, (X, 2 * X), {})(1.0)
    close(gs[0], 2 * X)
    close(gs[1], X)
    close(primitive_jvps[np.multiply]((1,), (X,), X * X, (X, X), {}), X * X)
    (g,) = primitive_vjps[np.sum]((0,), onp.sum(X), (X,), {"axis": 0})(2.0)
    close(g, 2 * onp.ones(3))


def test_zero_derivatives_are_not_in_the_mapping():
    assert np.iscomplex not in primitive_vjps
    assert np.floor not in primitive_vjps
    assert primitive_vjps.pop(np.iscomplex, None) is None
    with pytest.raises(KeyError):
        primitive_vjps[len]


def test_rule_of_a_built_in_replaced_taken_out_and_put_back():
    original = primitive_vjps[np.tanh]
    try:
        defvjp(np.tanh, lambda ans, x: lambda g: 100.0 * g)
        assert grad(np.tanh)(1.0) == 100.0
        close(grad(lambda x: np.sum(np.tanh(x)))(X), [100.0] * 3)
        close(primitive_vjps[np.tanh]((0,), 1.0, (1.0,), {})(1.0), [100.0])
        del primitive_vjps[np.tanh]
        assert np.tanh not in primitive_vjps
        with pytest.raises(NotImplementedError, match="tanh"):
            grad(np.tanh)(1.0)
        primitive_vjps[np.tanh] = lambda argnums, ans, args, kwargs: lambda g: (7.0 * g,)
        assert grad(np.tanh)(1.0) == 7.0
        assert make_jvp(np.tanh)(0.0)(1.0)[1] == 1.0
    finally:
        primitive_vjps[np.tanh] = original
    close(grad(np.tanh)(1.0), 1 - onp.tanh(1.0) ** 2)
    assert grad(grad(np.tanh))(0.0) == 0.0


def test_rule_of_an_operator_replaced():
    original = primitive_vjps[np.multiply]
    try:
        defvjp(np.multiply, lambda ans, x, y: lambda g: g * 0.0 + 50.0)
        assert grad(lambda x: x * 2.0)(1.0) == 50.0
        assert grad(lambda x: 2.0 * x)(1.0) == 2.0  # the other argument keeps its rule
    finally:
        primitive_vjps[np.multiply] = original
    assert grad(lambda x: x * 2.0)(1.0) == 2.0


def test_rules_of_primitives_in_the_mapping():
    @primitive
    def f(x, y):
        return x * y

    assert f not in primitive_vjps
    primitive_vjps[f] = lambda argnums, ans, args, kwargs: (
        lambda g: [g * args[1 - argnum] for argnum in argnums]
    )
    primitive_jvps[f] = lambda argnums, gs, ans, args, kwargs: sum(
        g * args[1 - argnum] for argnum, g in zip(argnums, gs)
    )
    check_grads(f, (0, 1))(1.5, X)
    assert f in primitive_vjps


def test_register_notrace():
    @primitive
    def rounded(x):
        return np.round(x)

    register_notrace(VJPNode, rounded)
    register_notrace(JVPNode, rounded)
    close(grad(lambda x: np.sum(x * rounded(x)))(X), onp.round(X))
    close(make_jvp(lambda x: np.sum(x * rounded(x)))(X)(X)[1], onp.sum(X * onp.round(X)))
    _, end = trace(VJPNode.new_root(), lambda x: np.sum(x * rounded(x)), X)
    close(backward_pass(1.0, end), onp.round(X))


# ---- registries of types


class Point:
    """A user's type, with a vector space and a box of its own."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    @property
    def norm(self):
        return norm(self)


class PointSpace(VSpace):
    def __init__(self, value):
        pass

    def zeros(self):
        return Point(0.0, 0.0)

    def _add(self, p, q):
        return Point(p.x + q.x, p.y + q.y)


class PointBox(Box):
    @property
    def norm(self):
        return norm(self)


PointSpace.register(Point)
PointBox.register(Point)


@primitive
def norm(p):
    return onp.hypot(p.x, p.y)


defvjp(norm, lambda ans, p: lambda g: Point(g * p.x / ans, g * p.y / ans))


@primitive
def scaled(p, a):
    return Point(p.x * a, p.y * a)


defvjp(
    scaled,
    lambda ans, p, a: lambda g: Point(g.x * a, g.y * a),
    lambda ans, p, a: lambda g: g.x * p.x + g.y * p.y,
)


def test_a_type_of_ones_own():
    assert Box.type_mappings[Point] is PointBox
    assert PointBox in Box.types
    assert VSpace.mappings[Point] is PointSpace
    g = grad(lambda p: p.norm * 2.0 + norm(scaled(p, 3.0)))(Point(3.0, 4.0))
    assert isinstance(g, Point)
    close([g.x, g.y], [3.0, 4.0])
    close(grad(lambda a: norm(scaled(Point(3.0, 4.0), a)))(2.0), 5.0)
    with pytest.warns(UserWarning, match="independent"):
        zero = grad(lambda p: 1.0)(Point(1.0, 2.0))
    assert (zero.x, zero.y) == (0.0, 0.0)
    vjp, value = make_vjp(lambda a: scaled(Point(3.0, 4.0), a))(2.0)
    assert (value.x, value.y) == (6.0, 8.0)
    assert vjp(Point(1.0, 10.0)) == 43.0


def test_a_type_of_ones_own_in_a_container():
    g = grad(lambda d: d["p"].norm * d["a"])({"p": Point(3.0, 4.0), "a": 2.0})
    close([g["p"].x, g["p"].y, g["a"]], [1.2, 1.6, 5.0])


@primitive
def item(x, i):
    return x[i]


@primitive
def unitem(g, i, vs):
    def mut_add(total):
        onp.add.at(total, i, g)
        return total

    return SparseObject(vs, mut_add)


defvjp(item, lambda ans, x, i: lambda g: unitem(g, i, vspace(x)))
defvjp(unitem, lambda ans, g, i, vs: lambda gg: item(gg, i))


def test_sparse_cotangents():
    def f(x):
        return item(x, 0) * item(x, 0) * item(x, 1) + np.sum(x * x)

    x0, x1, _ = X
    close(grad(f)(X), 2 * X + [2 * x0 * x1, x0 * x0, 0])
    check_grads(f, modes=["rev"])(X)
    _, end = trace(VJPNode.new_root(), f, X)
    close(backward_pass(1.0, end), grad(f)(X))


def test_names_for_containers_with_traced_values():
    def f(x):
        assert isinstance([x], SequenceBox)
        assert isinstance((1.0, [x]), SequenceBox)
        assert isinstance([x], ListBox)
        assert not isinstance([x], TupleBox)
        assert isinstance((x,), TupleBox)
        assert isinstance({"a": x}, DictBox)
        assert not isinstance([1.0], SequenceBox)
        assert not isinstance({"a": 1.0}, DictBox)
        return x

    grad(f)(1.0)


# ---- helpers for rules


def test_unbroadcast():
    g = onp.arange(24.0).reshape(4, 2, 3)
    close(unbroadcast(g, metadata(onp.ones((1, 3)))), g.sum((0, 1)).reshape(1, 3))
    close(unbroadcast(g, metadata(onp.ones((4, 2))), -1), g.sum(-1))
    assert unbroadcast(1j * g, metadata(onp.ones((4, 2, 3)))).dtype == float
    close(unbroadcast_f(2.0, lambda g: g * 2)(X), 2 * X.sum())
    check_grads(lambda g: unbroadcast(g, metadata(onp.ones((1, 3)))))(g)


def test_small_helpers():
    close(replace_zero(onp.array([0.0, 2.0]), 9.0), [9.0, 2.0])
    close(
        balanced_eq(
            onp.array([1.0, 2.0, 3.0]), onp.array([1.0, 3.0, 3.0]), onp.array([1.0, 3.0, 0.0])
        ),
        [0.5, 0.0, 1.0],
    )
    assert match_complex(1.0, 2.0 + 1j) == 2.0
    assert match_complex(1j, 2.0) == 2.0 + 0j
    spread, count = repeat_to_match_shape(onp.array([1.0, 2.0]), (2, 3), float, 1, False)
    close(spread, [[1.0] * 3, [2.0] * 3])
    assert count == 3
    close(broadcast(1.0, X), onp.ones(3))
    close(untake(2.0, [0, 0], vspace(X)), [4.0, 0.0, 0.0])
    check_grads(lambda x: untake(x, slice(0, 2), vspace(X)))(X[:2])


def test_adjoints_of_products(random):
    a, b = random.normal(size=(2, 3, 4)), random.normal(size=(5, 4, 3))
    axes = ([1, 2], [2, 1])
    g = random.normal(size=(2, 5))
    close(tensordot_adjoint_0(b, g, axes, 3, 3), make_vjp(np.tensordot, 0)(a, b, axes)[0](g))
    close(tensordot_adjoint_1(a, g, axes, 3, 3), make_vjp(np.tensordot, 1)(a, b, axes)[0](g))
    a, b, g = random.normal(size=(2, 3)), random.normal(size=(3, 4)), random.normal(size=(2, 4))
    close(tensordot_adjoint_0(b, g, 1, 2, 2), g @ b.T)
    close(tensordot_adjoint_1(a, g, 1, 2, 2), a.T @ g)
    for first, second in ((dot_adjoint_0, dot_adjoint_1), (matmul_adjoint_0, matmul_adjoint_1)):
        close(first(b, g, metadata(a), metadata(b)), g @ b.T)
        close(second(a, g, metadata(a), metadata(b)), a.T @ g)


@pytest.mark.parametrize("offset", [0, 2, -1])
@pytest.mark.parametrize("axes", [(0, 1), (-1, -2), (2, 0)])
def test_make_diagonal(offset, axes):
    d = onp.arange(1.0, 7.0).reshape(2, 3)
    full = make_diagonal(d, offset, *axes)
    close(onp.diagonal(full, offset, *axes), d)
    assert full.sum() == d.sum()
    check_grads(lambda d: make_diagonal(d, offset, *axes))(d)


def test_wrap_namespace():
    import math

    new = {}
    own = lambda x: x * 2.0
    wrap_namespace({"sine": onp.sin, "again": own, "own": own, "pi": math.pi, "m": math}, new)
    assert new["sine"] is np.sin
    assert new["own"] is new["again"]
    assert new["pi"] == math.pi
    assert "m" not in new
    defvjp(new["own"], lambda ans, x: lambda g: g * 2.0)
    assert grad(new["own"])(1.0) == 2.0


# ---- deprecated names


def test_deprecated_methods_of_primitives():
    @core.primitive
    def f(x, y):
        return x * y

    with pytest.warns(DeprecationWarning, match="defvjp"):
        f.defgrad(lambda ans, x, y: lambda g: g * y)
    with pytest.warns(DeprecationWarning, match="defvjp"):
        f.defvjp(lambda g, ans, vs, gvs, x, y: g * x, argnum=1)
    check_grads(f, (0, 1), modes=["rev"])(2.0, 3.0)
    with pytest.warns(DeprecationWarning, match="defvjp"):
        f.defvjp_is_zero([1])
    assert grad(lambda y: f(y, y))(3.0) == 3.0
    with pytest.warns(DeprecationWarning, match="check_grads"):
        fastad.util.quick_grad_check(lambda x, y: x**2 * y, 1.0, (2.0,))


# ---- other libraries' arrays


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


# ---- what packages do with traced values and primitives


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
