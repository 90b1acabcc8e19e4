"""Programs written for autograd: what is imported from where, the alias, the command line."""

from __future__ import annotations

import importlib
import subprocess
import sys

import numpy as onp
import pytest
from compat_runs import code, python

import fastad
import fastad.numpy as np
from fastad import compat, core
from fastad.numpy.numpy_boxes import ArrayBox

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
