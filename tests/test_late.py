"""Rules that are loaded late: nothing is loaded that nobody asked for, and nobody sees when it is.

Each test runs in a process of its own, since in this one everything is loaded.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as onp
import pytest

from fastad._core import Primitive
from fastad.numpy import late, registry

# What `import fastad.numpy` may load of fastad's own modules; a new one costs 0.2 ms.
MOST_MODULES = 30

# Functions of each module of rules, called by NumPy's own name with a traced value `x` of shape
# (3, 3), symmetric and positive definite.
CALLS = {
    "creation.conversions": "numpy.asarray_chkfinite(x)",
    "creation.ranges": "numpy.linspace(x[0, 0], 2.0, 5, like=None)",
    "functional": "numpy.apply_along_axis(lambda row: row * row, 0, x)",
    "linalg.determinants": "numpy.linalg.det(x)",
    "linalg.eigen": "numpy.linalg.eigvals(x).real",
    "linalg.einsum": "numpy.einsum('ij,jk', x, x)",
    "linalg.factorizations": "numpy.linalg.cholesky(x)",
    "linalg.hermitian": "numpy.linalg.eigvalsh(x)",
    "linalg.least_squares": "numpy.linalg.pinv(x)",
    "linalg.matrix_products": "numpy.linalg.matrix_power(x, 3)",
    "linalg.norms": "numpy.linalg.norm(x)",
    "linalg.products": "numpy.kron(x, x)",
    "linalg.singular_values": "numpy.linalg.svd(x, compute_uv=False)",
    "linalg.solving": "numpy.linalg.solve(x, numpy.ones(3))",
    "manipulation.joining": "numpy.vstack([x, x])",
    "manipulation.padding": "numpy.pad(x, 1, 'edge')",
    "manipulation.shaping": "numpy.roll(x, 1)",
    "mathematics.differences": "numpy.gradient(x, axis=0)",
    "mathematics.elementwise": "numpy.sinc(x)",
    "mathematics.nan_functions": "numpy.nansum(x * x)",
    "mathematics.reductions": "numpy.prod(x)",
    "mathematics.scans": "numpy.cumsum(x * x)",
    "mathematics.sequences": "numpy.convolve(x[0], x[1])",
    "mathematics.variances": "numpy.var(x)",
    "polynomials": "numpy.polyval(x[0], 2.0) ** 2",
    "sorting.selection": "numpy.sort(x * x)",
    "sorting.sets": "numpy.trim_zeros(x[0]) ** 2",
    "statistics.averages": "numpy.average(x * x)",
    "statistics.correlations": "numpy.cov(x)",
    "statistics.histograms": "numpy.histogram(numpy.arange(9), 3, weights=x.ravel())[0] ** 2",
    "statistics.order_statistics": "numpy.median(x * x)",
    "fft": "abs(numpy.fft.fft(x))",
    # no function of its own, and asked for by others
    "ufuncs": "numpy.multiply.accumulate(x)",
    "general_calls": "numpy.sum(x * x, where=numpy.eye(3) > 0)",
}
# What cannot be called through NumPy's protocol: its functions do not ask the argument.
OURS = {
    "creation.conversions": "np.asarray_chkfinite(x) ** 2",
    "creation.ranges": "np.linspace(x[0, 0], 2.0, 5)",
}

SETTING = """
import sys, numpy
import fastad.numpy as np
from fastad import grad

A = numpy.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 5.0]])

def loaded():
    return {name.removeprefix("fastad.numpy.") for name in sys.modules}

def slope(f):
    analytic = numpy.sum(grad(lambda x: np.sum(f(x)))(A) * D)
    h = 1e-6
    numeric = (numpy.sum(f(A + h * D)) - numpy.sum(f(A - h * D))) / (2 * h)
    assert abs(analytic - numeric) < 1e-5 * (1 + abs(numeric)), (analytic, numeric)
    return analytic

D = numpy.array([[0.3, 0.1, 0.2], [0.1, -0.4, 0.6], [0.2, 0.6, 0.5]])
"""


def run(program: str, *arguments: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", SETTING + textwrap.dedent(program), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_import_loads_no_rules_that_nobody_asked_for():
    printed = run(
        """
        own = sorted(name for name in sys.modules if name.partition(".")[0] == "fastad")
        print(*own)
        """
    )
    loaded = {name.removeprefix("fastad.numpy.") for name in printed.split()}
    assert not loaded & {*late.MODULES, "fft", "random", "ufuncs", "general_calls", "masked"}
    assert len(loaded) <= MOST_MODULES, loaded


def test_a_first_gradient_loads_little():
    printed = run(
        """
        before = {*sys.modules}
        grad(lambda x: np.sum(np.tanh(x) ** 2))(numpy.ones(3))
        print("own", *(name for name in {*sys.modules} - before if name.startswith("fastad")))
        np.linalg.solve(A, A), np.median(A), np.sort(A), numpy.linalg.solve(A, A), np.sum(A)
        print(*loaded())
        """
    )
    first, _, then = printed.partition("\n")
    assert first == "own"
    assert not {*then.split()} & {*late.MODULES}


def test_every_module_of_rules_is_called():
    assert {*CALLS} == {*late.MODULES, "fft", "ufuncs", "general_calls"}


@pytest.mark.parametrize("module", CALLS)
def test_rules_are_loaded_by_the_first_traced_value(module):
    """By NumPy's own function and by fastad's, each in a process that had nothing of them."""
    # These are asked for by the name alone, or have a way of their own with plain values.
    plain = ("fft", "ufuncs", "manipulation.joining")
    numpys = OURS.get(module, CALLS[module])
    for call in {numpys, numpys.replace("numpy.", "np.", 1)}:
        printed = run(
            f"""
            def f(x):
                return {call}

            assert {module!r} not in loaded()
            f(A)
            assert {module!r} in {plain} or {module!r} not in loaded()
            slope(f)
            print({module!r} in loaded())
            """
        )
        assert printed == "True", call


def test_methods_of_traced_arrays_load_their_rules():
    printed = run(
        """
        before = loaded()
        for f in (
            lambda x: (x * x).cumsum(), lambda x: x.cumprod(), lambda x: x.prod(),
            lambda x: x.trace() ** 2, lambda x: x.diagonal() ** 2, lambda x: x.repeat(2) ** 2,
            lambda x: x.take([0, 1]) ** 2, lambda x: x.var(), lambda x: x.std(),
        ):
            slope(f)
        print(len(loaded() - before) > 3)
        """
    )
    assert printed == "True"


def test_the_objects_stay_the_same():
    """A copied namespace, a reference and a pickle from before know the rules afterwards."""
    printed = run(
        """
        import pickle, types
        names = [name for name in np.__all__ if hasattr(np, name)]
        copied = types.SimpleNamespace(**{n: v for n, v in vars(np).items() if callable(v)})
        before = {name: getattr(np, name) for name in names if name not in ("fft", "random")}
        inner = {name: getattr(np.linalg, name) for name in np.linalg.__all__}
        text = pickle.dumps([np.median, np.linalg.solve, np.vstack])
        listed = dir(np), dir(np.linalg)
        assert len(loaded() & {"statistics.order_statistics", "linalg.solving"}) == 0
        slope(lambda x: copied.median(x * x))
        slope(lambda x: inner["solve"](x, numpy.ones(3)))
        from fastad.numpy import registry
        registry.load_all()
        assert all(getattr(np, name) is value for name, value in before.items())
        assert all(getattr(np.linalg, name) is value for name, value in inner.items())
        assert pickle.loads(text) == [np.median, np.linalg.solve, np.vstack]
        public = [[n for n in names if not n.startswith("_")] for names in (listed[0], dir(np))]
        assert public[0] == public[1]
        print("same")
        """
    )
    assert printed == "same"


def test_star_imports_and_help_load_nothing():
    printed = run(
        """
        from fastad.numpy import *
        import inspect, pydoc
        assert "solve" in pydoc.render_doc(np.linalg.solve)
        assert [*inspect.signature(np.median).parameters][0] == "a"
        assert np.median.__doc__ == numpy.median.__doc__ and np.median.__name__ == "median"
        assert not loaded() & {"statistics.order_statistics", "linalg.solving"}
        print(median is np.median)
        """
    )
    assert printed == "True"


def test_looking_at_rules_loads_them():
    printed = run(
        """
        assert np.median.kind == "composite" and np.median.derivative is not None
        assert np.linalg.det.vjps is not None and np.linalg.det.jvps is not None
        assert np.sort.traced is not None
        from fastad.numpy import registry
        watched = {"statistics.order_statistics", "linalg.determinants", "linalg.norms"}
        print(sorted(loaded() & watched))
        """
    )
    assert printed == "['linalg.determinants', 'statistics.order_statistics']"


@pytest.mark.parametrize("first", ["rules", "a call"])
def test_rules_of_the_users_win_whenever_they_are_given(first):
    printed = run(
        """
        from fastad import make_jvp
        from fastad.extend import defvjp, restore_rules
        if sys.argv[1] == "a call":
            slope(numpy.linalg.det)
        defvjp(np.linalg.det, lambda ans, x: lambda g: 7.0 * g * numpy.ones((3, 3)))
        for det in (np.linalg.det, numpy.linalg.det):
            assert (grad(det)(A) == 7.0).all()
        value, tangent = make_jvp(np.linalg.det)(A)(D)  # the package's, still
        restore_rules(np.linalg.det)
        assert abs(slope(np.linalg.det) - tangent) < 1e-9
        print("won")
        """,
        first,
    )
    assert printed == "won"


def test_threads_load_them_once_and_wait():
    printed = run(
        """
        import threading
        sys.setswitchinterval(1e-6)
        for round, f in enumerate((
            lambda x: np.linalg.norm(np.linalg.solve(x, x * x)), lambda x: numpy.median(x * x),
            lambda x: numpy.polyfit(numpy.arange(3.0), x, 1) ** 2,
            lambda x: np.multiply.accumulate(x), lambda x: np.vstack([x, x * x]),
            lambda x: abs(numpy.fft.fft(x)), lambda x: np.nanvar(x),
        )):
            start = threading.Barrier(8)
            found, errors = [], []
            def work():
                try:
                    start.wait()
                    found.append(slope(f))
                except BaseException as error:
                    errors.append(error)
            workers = [threading.Thread(target=work) for _ in range(8)]
            for worker in workers: worker.start()
            for worker in workers: worker.join()
            assert not errors, (round, errors)
            assert len(found) == 8 and len(set(found)) == 1, (round, found)
        print("once")
        """
    )
    assert printed == "once"


def test_threads_that_load_different_modules_at_once():
    calls = [OURS.get(name, call) for name, call in CALLS.items()]
    functions = ",\n            ".join(f"lambda x: {call}" for call in calls)
    printed = run(
        f"""
        import threading
        functions = [
            {functions}
        ]
        start = threading.Barrier(len(functions))
        errors = []
        def work(f):
            try:
                start.wait()
                slope(f)
            except BaseException as error:
                errors.append(error)
        sys.setswitchinterval(1e-6)
        workers = [threading.Thread(target=work, args=(f,)) for f in functions]
        for worker in workers: worker.start()
        for worker in workers: worker.join()
        assert not errors, errors
        print("all")
        """
    )
    assert printed == "all"


def test_a_module_that_could_not_be_loaded_is_loaded_by_the_next_call():
    """As by an interrupt: what it had entered until then is not taken for all."""
    printed = run(
        """
        import builtins
        def interrupted(name, globals=None, *more, **named):
            if name == "matrices" and globals["__name__"].endswith("solving"):
                raise KeyboardInterrupt
            return plain(name, globals, *more, **named)
        plain = builtins.__import__
        builtins.__import__ = interrupted
        try:
            grad(lambda x: np.sum(np.linalg.solve(x, numpy.ones(3))))(A)
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError
        builtins.__import__ = plain
        assert "linalg.solving" not in loaded()
        slope(lambda x: np.linalg.solve(x, numpy.ones(3)))
        print("again")
        """
    )
    assert printed == "again"


@pytest.mark.parametrize(
    "call",
    [
        "np.linalg.solve(x, b)",
        "numpy.linalg.solve(x, b)",
        "np.add.reduce(x @ b)",
        "np.median(x * x)",
        "np.vstack([x, x])",
        "np.fft.fft(x).real",
    ],
)
@pytest.mark.parametrize("kind", ["grad(f)", "f"])
def test_programs_record_what_is_loaded_while_they_do(call, kind):
    """Loading is no state of the program's: it replays, and stays as it is when more is loaded."""
    printed = run(
        f"""
        import warnings
        warnings.simplefilter("error")
        from fastad import jit, value_and_grad
        b = numpy.ones(3)
        def f(x):
            return np.sum(({call}) ** 2)
        other = jit(value_and_grad(lambda x: np.sum(np.tanh(x))))
        for i in range(5):
            other(A + i)
        quick, plain = jit({kind}), {kind}
        for i in range(12):
            x = A + 0.01 * i
            assert numpy.allclose(quick(x), plain(x), rtol=1e-12)
        count = str(quick.programs)
        recorded = len(quick.programs)
        from fastad.numpy import registry
        registry.load_all()
        for i in range(12):
            x = A - 0.01 * i
            assert numpy.allclose(quick(x), plain(x), rtol=1e-12)
            other(A + i)
        print(len(quick.programs) == recorded > 0, len(other.programs))
        """
    )
    assert printed == "True 1"


def test_programs_see_a_namespace_that_is_loaded_meanwhile():
    """`np.fft` is there when it is asked for: one branch asks for it after the first recordings."""
    printed = run(
        """
        import warnings
        warnings.simplefilter("error")
        from fastad import grad, jit
        def f(x, wanted):
            return np.sum(abs(np.fft.fft(x)) if wanted else np.tanh(x))
        quick = jit(grad(f))
        for i in range(6):
            assert numpy.allclose(quick(A + i, False), grad(f)(A + i, False))
        for i in range(6):
            assert numpy.allclose(quick(A + i, True), grad(f)(A + i, True))
            assert numpy.allclose(quick(A + i, False), grad(f)(A + i, False))
        print(len(quick.programs) >= 2)
        """
    )
    assert printed == "True"


def test_names_of_the_package_itself_are_loaded_late():
    printed = run(
        """
        import fastad
        assert "fastad._impl.operators.jacobians" not in sys.modules
        from fastad import *
        assert jacobian is fastad.jacobian and fastad.jacobian.__module__ == "fastad"
        assert fastad.isinstance(3.0, float) and fastad.dict is dict
        assert fastad.checkpoint.__module__ == "fastad" and fastad.getval(3.0) == 3.0
        print("late")
        """
    )
    assert printed == "late"


def test_the_list_is_what_the_modules_enter():
    """The list, by which primitives are made, against what each module says when it is loaded."""
    listed = {
        name: f"fastad.numpy.{module}"
        for module, names in late.MODULES.items()
        for name in names.split()
    }
    for name, module in registry.space.declared.items():
        if not module.startswith(("fastad.numpy.fft", "fastad.numpy.random")):
            assert listed.get(name) == module, f"run .ci/make_stubs.py: {name}"
    assert registry.space.called <= late.CALLED
    assert registry.space.beside <= late.BESIDE
    made = [registry.space.entries.get(name) for name in listed]
    assert sum(isinstance(one, Primitive) for one in made) > 150
    for name in listed:
        function = registry.numpy_function(name)
        if function is not None and function not in registry.by_function:
            raise AssertionError(name)


def test_the_rules_of_a_late_primitive_are_told_from_none():
    """Of what the list has each has rules once it is loaded: a name without would be refused."""
    for names in late.MODULES.values():
        for name in names.split():
            primitive = registry.space.late.get(name)
            if primitive is not None and name not in late.BESIDE:
                assert primitive.derivative is not None or primitive.vjps is not None, name
    assert onp.median in registry.by_function


def test_what_stands_in_numpys_place_while_rules_are_loaded_is_not_kept():
    """As where a test replaces a function of NumPy's, and the first derivative is taken then."""
    calls = [OURS.get(name, call) for name, call in CALLS.items() if name != "fft"]
    functions = ",\n            ".join(f"lambda x: {call}" for call in calls)
    printed = run(
        f"""
        from unittest import mock
        from fastad.numpy import registry
        replaced = []
        def impostor(function):
            def call(*args, **kwargs):
                assert not done, function
                return function(*args, **kwargs)
            call.__name__, call.__wrapped__ = function.__name__, function
            return call
        done = False
        for module in (numpy, numpy.linalg):
            for name, value in list(vars(module).items()):
                if isinstance(value, (type, numpy.ufunc)) or not value.__hash__:
                    continue
                if value in registry.by_function:
                    replaced.append(mock.patch.object(module, name, impostor(value)))
        for one in replaced: one.start()
        registry.load_all()
        import fastad.numpy.ufuncs, fastad.numpy.general_calls
        for one in replaced: one.stop()
        done = True
        assert len(replaced) > 200
        for f in (
            {functions},
            lambda x: np.nanmax(x, axis=0), lambda x: np.sum(x, where=x < 2.5), lambda x: np.std(x),
            lambda x: np.quantile(x * x, 0.3), np.nan_to_num,
            lambda x: np.modf(x * 0.7)[0],
            lambda x: np.divmod(x, 3.3)[1], lambda x: np.cross(x, x[::-1]), np.linalg.cond,
            lambda x: np.mean(x * x, where=x < 2.5), lambda x: np.arange(0.0, 3.0, 0.1) * x[0, 0],
            lambda x: np.prod(x, initial=2.0), lambda x: np.var(x, where=x < 2.5),
        ):
            slope(f)
        print("NumPy's")
        """
    )
    assert printed == "NumPy's"


def test_attributes_that_a_program_gave_a_ufunc_stay():
    printed = run(
        """
        mine = lambda *args: "mine"
        np.add.reduce, np.multiply.nin, np.sin.more = mine, 7, 3
        assert np.add.accumulate is not None and "ufuncs" in loaded()
        assert np.multiply.reduce(A[0]) == numpy.multiply.reduce(A[0])
        print(np.add.reduce is mine, np.multiply.nin, np.sin.more, np.sin.nin)
        """
    )
    assert printed == "True 7 3 1"


def test_rules_of_the_users_stay_where_modules_are_forgotten():
    """As where a test puts `sys.modules` back: other functions of the module are asked for then."""
    printed = run(
        """
        from unittest import mock
        from fastad.extend import defvjp
        with mock.patch.dict("sys.modules"):
            slope(np.linalg.det)
        assert "linalg.determinants" not in loaded()
        defvjp(np.linalg.det, lambda ans, x: lambda g: 7.0 * g * numpy.ones((3, 3)))
        slope(lambda x: np.linalg.slogdet(x)[1])
        print((grad(np.linalg.det)(A) == 7.0).all(), (grad(numpy.linalg.det)(A) == 7.0).all())
        """
    )
    assert printed == "True True"
