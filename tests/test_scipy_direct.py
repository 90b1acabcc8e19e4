"""SciPy's own functions, called with traced values: led to fastad's, until `uninstall()`."""

from __future__ import annotations

import functools
import importlib
import inspect
import pickle
import subprocess
import sys
import textwrap
import traceback
import types
import warnings
from pathlib import Path

import numpy as onp
import pytest

pytest.importorskip("scipy")

import scipy.fft
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse.linalg
import scipy.spatial.distance
import scipy.special
import scipy.stats
from scipy.signal import convolve

import fastad
import fastad.numpy as np
import fastad.scipy
from fastad import _core as core
from fastad import grad, jacobian, jit
from fastad._impl import first_step
from fastad.scipy.led import LED
from fastad.test_util import check_grads

X = onp.array([0.5, 1.2, 2.0])
M = 3 * onp.eye(3) + 0.1


def _beyond(a, z):
    return z * z - a


CALLS = {
    "convolve": lambda x: convolve(x, [1.0, 2.0]),
    "trapezoid": lambda x: scipy.integrate.trapezoid(x**2),
    "simpson": lambda x: scipy.integrate.simpson(y=x**2),
    "logsumexp": lambda x: scipy.special.logsumexp(x),
    "softmax": lambda x: scipy.special.softmax(x, axis=0),
    "solve": lambda x: scipy.linalg.solve(M, b=x),
    "expm": lambda x: scipy.linalg.expm(x * M),
    "fft": lambda x: scipy.fft.fft(x),
    "dct": lambda x: scipy.fft.dct(x, norm="ortho"),
    "lfilter": lambda x: scipy.signal.lfilter([1.0], [1.0, 0.2], x),
    "interpn": lambda x: scipy.interpolate.interpn(([0, 1, 3.0],), x, [0.4]),
    "cdist": lambda x: scipy.spatial.distance.cdist(x[None], M),
    "gaussian": lambda x: scipy.ndimage.gaussian_filter(x, 1.0),
    "spsolve": lambda x: scipy.sparse.linalg.spsolve(scipy.sparse.csc_array(M), x),
    "brentq": lambda x: scipy.optimize.brentq(lambda z, a: z * z - a, 0, 2, args=(x[0],)),
    "zscore": lambda x: scipy.stats.zscore(x) ** 3,
    "pearsonr": lambda x: scipy.stats.pearsonr(x, x**2).statistic,
    "law": lambda x: scipy.stats.norm.logpdf(x, scale=x[0]),
    "another law": lambda x: scipy.stats.gumbel_r.sf(x),
    "frozen law": lambda x: scipy.stats.norm(x[0], 2.0).logpdf(x),
    "vectors": lambda x: scipy.stats.multivariate_normal.logpdf(x, onp.zeros(3), M),
    "by name": lambda x: convolve(in2=[1.0, 2.0], in1=x, mode="same"),
    "condition": lambda x: scipy.optimize.brentq(functools.partial(_beyond, x[0]), 0, 2),
    "law of vectors": lambda x: scipy.stats.multivariate_normal(x, M).logpdf(onp.zeros(3)),
    "product of elements": lambda x: scipy.sparse.csr_array(M).multiply(x).toarray(),
    "product of a matrix": lambda x: scipy.sparse.coo_matrix(M).multiply(x[:, None]).toarray(),
    "diagonals": lambda x: scipy.sparse.diags(x).toarray(),
    "iterations": lambda x: scipy.sparse.linalg.cg(M, x, atol=1e-14)[0],
    "counts": lambda x: scipy.stats.poisson.logpmf([1, 2, 4], x),
}


@pytest.fixture
def uninstalled():
    fastad.scipy.uninstall()
    yield
    fastad.scipy.install()


@pytest.mark.parametrize("name", CALLS)
def test_traced_values_lead_to_the_rules(name):
    call = CALLS[name]
    check_grads(call, order=2)(X)


@pytest.mark.parametrize("name", CALLS)
def test_plain_values_are_scipys(name, uninstalled):
    before = CALLS[name](X)
    fastad.scipy.install()
    onp.testing.assert_array_equal(CALLS[name](X), before)
    fastad.scipy.uninstall()
    onp.testing.assert_array_equal(CALLS[name](X), before)
    if name in ("solve", "expm", "logsumexp", "cdist", "law", "counts"):
        with pytest.raises(TypeError, match=r"use fastad\.scipy.*by fastad\.scipy\.install"):
            grad(lambda x: np.sum(np.abs(CALLS[name](x))))(X)


def _seen(function):
    """What can be read of a function beside its code's instructions."""
    code = function.__code__
    counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
    count = sum(counts) - counts[1]
    return (
        inspect.signature(function),
        str(inspect.getfullargspec(function)),
        function.__defaults__,
        function.__kwdefaults__,
        vars(function).copy(),
        (code.co_name, Path(code.co_filename).name, code.co_firstlineno, code.co_freevars, counts),
        code.co_varnames[:count],
        inspect.getsource(function),
        pickle.dumps(function),
    )


def test_everything_is_put_back_and_signatures_stay(uninstalled):
    functions = [scipy.signal.convolve, scipy.special.logsumexp, scipy.linalg.solve]
    functions += [scipy.integrate.simpson, scipy.optimize.minimize, scipy.stats.rv_continuous.ppf]
    functions += [scipy.ndimage.gaussian_filter, scipy.sparse.diags, scipy.stats.zscore]
    before = [f.__code__ for f in functions]
    seen = list(map(_seen, functions))
    fastad.scipy.install()
    fastad.scipy.install()  # once is enough
    assert all(f.__code__ is not code for f, code in zip(functions, before))
    assert list(map(_seen, functions)) == seen
    fastad.scipy.uninstall()
    assert all(f.__code__ is code for f, code in zip(functions, before))


def test_every_led_function_keeps_its_parameters(uninstalled):
    found = {}
    for name, names in LED.items():
        module = importlib.import_module(f"scipy.{name}")
        for one in names:
            function = getattr(module, one, None)
            if isinstance(function, types.FunctionType):
                found[f"{name}.{one}"] = function, function.__code__, inspect.signature(function)
    assert len(found) > 250
    fastad.scipy.install()
    for name, (function, code, signature) in found.items():
        assert function.__code__ is not code, name
        assert str(inspect.signature(function)) == str(signature), name
        assert function.__code__.co_flags & 0x0C == code.co_flags & 0x0C, name


def test_every_led_class_keeps_its_signature(uninstalled):
    code = """
import importlib, inspect
import fastad.scipy
from fastad.scipy.led import LED
kinds = {}
for name, names in LED.items():
    module = importlib.import_module("scipy." + name)
    kinds.update((k, str(inspect.signature(k))) for n in names
                 if isinstance(k := getattr(module, n, None), type))
assert len(kinds) > 10, len(kinds)
fastad.scipy.install()
for kind, signature in kinds.items():
    assert "fastad" in kind.__new__.__code__.co_filename
    assert str(inspect.signature(kind)) == signature, kind
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_code_that_somebody_else_put_there_stays(uninstalled):
    def own(x):
        return "own"

    theirs = scipy.special.multigammaln
    before = theirs.__code__
    fastad.scipy.install()
    try:
        theirs.__code__ = own.__code__
        fastad.scipy.uninstall()
        assert theirs(1.0) == "own"
    finally:
        theirs.__code__ = before
    assert theirs(2.0, 1) == scipy.special.gammaln(2.0)


def test_tracebacks_name_the_line_where_the_function_begins():
    code = scipy.special.multigammaln.__code__
    assert code.co_consts[-1] is not None and {line for *_, line in code.co_lines()} == {
        code.co_firstlineno
    }
    with pytest.raises(ValueError) as info:
        scipy.special.multigammaln(1.0, 2.5)
    step = info.traceback[1]
    assert step.lineno + 1 == code.co_firstlineno
    assert "    def multigammaln(a, d):" in "".join(traceback.format_exception(info.value))


def test_warnings_are_said_of_the_caller():
    """The frame of the step is not counted where a function warns of its caller's line."""

    def inner(a):
        warnings.warn("of the caller's caller", stacklevel=3)
        warnings.warn("of the caller", stacklevel=2)
        warnings.warn("of itself", stacklevel=1)

    def outer(a):
        inner(a)

    def lines():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            outer(1.0)
        return [(one.filename, one.lineno) for one in caught]

    before = lines()
    assert [file for file, _ in before] == [__file__] * 3
    for function in (inner, outer):
        first_step.lead(function, lambda args: None)
    assert lines() == before


def test_defaults_are_not_handed_on(uninstalled):
    def theirs(a, b=2, *, c=(3,), d=None):
        return "theirs", a, b, c, d

    asked = []
    first_step.lead(theirs, lambda args: (lambda *a, **k: asked.append((a, k)) or "ours", args))
    assert theirs(1) == ("theirs", 1, 2, (3,), None)
    assert theirs(1, d=5, b=7) == ("theirs", 1, 7, (3,), 5)
    with pytest.raises(TypeError, match=r"theirs\(\) missing 1 required positional argument: 'a'"):
        theirs()
    box = core.Tape().box(1.0)
    for call in (
        lambda: theirs(box),
        lambda: theirs(1, box),
        lambda: theirs(b=1, a=box),
        lambda: theirs(box, c=2),
        lambda: theirs(1, d=[box]),
    ):
        assert call() == "ours"
    assert asked == [
        ((box,), {}),
        ((1, box), {}),
        ((box, 1), {}),
        ((box,), {"c": 2}),
        ((1,), {"d": [box]}),
    ]


def test_what_has_no_rule_still_says_so():
    with pytest.raises(TypeError, match="schur"):
        grad(lambda x: scipy.linalg.schur(x * M)[0])(X)
    with pytest.raises(TypeError, match="^scipy.stats.spearmanr reads .* no rules for it"):
        grad(lambda x: scipy.stats.spearmanr(x, x**2)[0])(X)
    with pytest.raises(TypeError, match="^scipy.linalg.pascal"):
        grad(lambda x: scipy.linalg.pascal(x))(2.0)


CLASSES = {
    "CubicSpline": lambda x: scipy.interpolate.CubicSpline([0, 1, 3.0], x)(0.4),
    "interp1d": lambda x: scipy.interpolate.interp1d([0, 1, 3.0], x)(0.4),
    "PchipInterpolator": lambda x: scipy.interpolate.PchipInterpolator([0, 1, 3.0], x)(x),
}


@pytest.mark.parametrize("name", CLASSES)
def test_classes_lead_too(name, uninstalled):
    call = CLASSES[name]
    kind = getattr(scipy.interpolate, name)
    before, signature = call(X), str(inspect.signature(kind))
    for _ in range(2):
        fastad.scipy.install()
        check_grads(call, order=2)(X)
        onp.testing.assert_array_equal(call(X), before)
        assert str(inspect.signature(kind)) == signature
        own = type("Own", (kind,), {})([0, 1, 3.0], X)
        assert isinstance(own, kind)
        assert type(pickle.loads(pickle.dumps(kind([0, 1, 3.0], X)))) is kind
        fastad.scipy.uninstall()
        onp.testing.assert_array_equal(call(X), before)
        # Which class it is, CPython tells from 3.11 on.
        with pytest.raises(TypeError, match=rf"fastad\.scipy\.interpolate\b.*\b{name}\b"):
            grad(lambda x: np.sum(call(x)))(X)


PLACES = onp.array([0.0, 0.7, 1.5, 2.2, 3.0])
PLAIN_OBJECTS = {
    "CubicSpline": scipy.interpolate.CubicSpline(PLACES, onp.sin(PLACES)),
    "a column of several": scipy.interpolate.CubicSpline(
        PLACES, onp.ones((2, 5)) * PLACES**2, axis=1
    ),
    "derivative": scipy.interpolate.PchipInterpolator(PLACES, PLACES**3).derivative(),
    "BSpline": scipy.interpolate.make_interp_spline(PLACES, onp.cos(PLACES)),
    "UnivariateSpline": scipy.interpolate.UnivariateSpline(PLACES, onp.sin(PLACES), s=0),
    "gaussian_kde": scipy.stats.gaussian_kde(PLACES, 0.4),
}


@pytest.mark.parametrize("name", PLAIN_OBJECTS)
def test_objects_of_plain_values_are_asked_at_traced_places(name):
    one = PLAIN_OBJECTS[name]
    check_grads(one, order=2)(X)
    assert onp.array_equal(one(X), fastad.getval(one(X)))
    with core.Tape() as tape:
        onp.testing.assert_allclose(fastad.getval(one(tape.box(X))), one(X), rtol=1e-14)
    with core.Tape() as tape:
        if name == "gaussian_kde":
            onp.testing.assert_allclose(fastad.getval(one.logpdf(tape.box(X))), one.logpdf(X))
        if name == "CubicSpline":
            onp.testing.assert_allclose(fastad.getval(one(tape.box(X), nu=1)), one(X, 1))
    polynomials = scipy.interpolate.BPoly([[1.0], [2.0]], [0.0, 1.0])  # the same method, no rule
    with pytest.raises(TypeError, match="BPoly"):
        grad(lambda x: np.sum(polynomials(x)))(X)


def test_densities_of_traced_data():
    check_grads(lambda x: scipy.stats.gaussian_kde(x)(0.4)[0], order=2)(X)
    assert type(scipy.stats.gaussian_kde(X)) is scipy.stats.gaussian_kde


def test_fourier_transforms_ask_by_scipys_own_protocol():
    check_grads(lambda x: np.abs(scipy.fft.fft(x)) ** 2, order=2)(X)
    for first, second in (("fastad", "scipy.fft"), ("scipy.fft", "fastad")):
        code = f"""
            import {first}, {second}
            import numpy
            assert "fastad.scipy.fft" not in sys.modules
            scipy.fft.fft(numpy.ones(2))
            assert "fastad.scipy.fft" not in sys.modules
            print(*fastad.grad(lambda x: scipy.fft.fft(x)[0].real * 2)(numpy.ones(2)))
            """
        ran = subprocess.run(
            [sys.executable, "-c", "import sys\n" + textwrap.dedent(code)],
            capture_output=True,
            text=True,
        )
        assert ran.stdout.split() == ["2.0", "2.0"], ran.stderr


LATER = """
import sys
import numpy as onp
import fastad.numpy as np
import fastad.scipy
from fastad import grad
{start}
assert "scipy.signal" not in sys.modules and "scipy.stats" not in sys.modules
import scipy.signal, scipy.stats, scipy.fft
from scipy.interpolate import CubicSpline
from scipy.special import logsumexp
loader = type(scipy.signal.__spec__.loader).__module__
assert "fastad" not in loader, loader
assert "fastad.scipy.signal" not in sys.modules and "fastad.scipy.stats" not in sys.modules
x = onp.array([0.5, 1.2, 2.0])
def f(x):
    y = scipy.signal.convolve(x, [1.0, 2.0]).sum() + logsumexp(x) + CubicSpline([0, 1, 3.0], x)(3.0)
    return y + np.sum(scipy.stats.norm.logpdf(x)) + np.real(scipy.fft.fft(x)[0])
print(*(grad(f)(x) - onp.exp(x) / onp.exp(x).sum() + x))
{end}
def refused(f):
    try:
        grad(f)(x)
    except TypeError as error:
        return "fastad.scipy" in str(error)
assert refused(logsumexp) and refused(lambda x: np.sum(scipy.stats.norm.logpdf(x)))
"""


@pytest.mark.parametrize(
    "start",
    [
        "",
        "import fastad.scipy; fastad.scipy.install()",
        "import fastad.compat; fastad.compat.install()",
        "grad(lambda x: x**2)(1.0)",
        "import fastad.scipy; fastad.scipy.uninstall(); fastad.scipy.install()",
    ],
    ids=["untouched", "install", "alias", "after a gradient", "on again"],
)
def test_modules_that_are_imported_later_are_led_and_load_nothing_of_ours(start):
    end = "import fastad.compat; fastad.compat.uninstall(); fastad.scipy.uninstall()"
    code = LATER.format(start=start, end=end)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    onp.testing.assert_allclose([float(v) for v in ran.stdout.split()], [4, 4, 5])


def test_nothing_is_done_until_something_is_traced():
    code = """
        import sys
        import fastad, fastad.numpy, fastad.compat
        assert "scipy" not in sys.modules
        fastad.grad(lambda x: x**2)(1.0)
        assert not any(name.startswith(("scipy", "fastad.scipy")) for name in sys.modules)
        """
    assert _run(code) == []
    code = """
        import sys
        import scipy.signal, scipy.special
        code = scipy.signal.convolve.__code__
        import fastad
        assert scipy.signal.convolve.__code__ is code and "fastad.scipy.direct" not in sys.modules
        {first}
        assert scipy.signal.convolve.__code__ is not code
        assert "fastad.scipy.signal" not in sys.modules
        assert "fastad.scipy.special" not in sys.modules
        """
    for first in (
        "fastad.grad(lambda x: x**2)(1.0)",
        "fastad.make_jvp(lambda x: x**2)(1.0)(1.0)",
        "fastad.jit(lambda x: x**2)(1.0)",
    ):
        assert _run(textwrap.dedent(code).format(first=first)) == []


def test_uninstalled_before_the_first_gradient():
    code = """
        import scipy.signal
        code = scipy.signal.convolve.__code__
        import numpy, fastad, fastad.scipy
        fastad.scipy.uninstall()
        try:
            fastad.grad(lambda x: scipy.signal.convolve(x, [1.0, 2.0]).sum())(numpy.ones(2))
        except TypeError as error:
            print(*str(error).split()[-4:])
        import scipy.special
        assert scipy.signal.convolve.__code__ is code
        """
    assert _run(code) == "undo fastad.scipy.uninstall() by fastad.scipy.install()".split()


def test_threads_that_trace_first_find_everything_led():
    code = """
        import sys, threading
        import numpy, scipy.signal, scipy.special, scipy.stats
        import fastad
        sys.setswitchinterval(1e-5)
        gate = threading.Barrier(4)
        found = []

        def work():
            gate.wait()
            call = lambda x: scipy.stats.zscore(x)[0] + scipy.special.logsumexp(x)
            found.append(fastad.grad(call)(numpy.array([1.0, 2.0, 4.0])))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(len(found), all((one == found[0]).all() for one in found))
        """
    for _ in range(3):
        assert _run(code) == ["4", "True"]


def test_programs_are_recorded_anew_when_it_is_switched(uninstalled):
    fastad.scipy.install()
    slope = grad(lambda x: scipy.special.logsumexp(x) * 2)
    fast = jit(slope)
    for k in range(4):
        onp.testing.assert_allclose(fast(X + k), slope(X + k))
    assert fast.programs
    fastad.scipy.uninstall()
    with pytest.raises(TypeError, match="logsumexp"):
        fast(X)
    fastad.scipy.install()
    for k in range(5):
        onp.testing.assert_allclose(fast(X + k), slope(X + k))
    assert fast.programs


@pytest.mark.parametrize(
    "call", ["scipy.linalg.solve(numpy.eye(2) * 3.0, x)", "scipy.special.expit(x)"]
)
def test_a_program_of_a_process_that_traced_nothing_is_replayed(call):
    code = f"""
        import numpy, scipy.linalg, scipy.special
        import fastad
        plain = lambda x: {call} * 2
        fast = fastad.jit(plain)
        x = numpy.array([1.0, 2.0])
        for k in range(5):
            fast(x + k)
        print(len(fast.programs), *numpy.unique(fast(x) == plain(x)))
        """
    assert _run(code) == ["1", "True"]


def test_what_comes_back_to_scipy_is_scipys():
    A = scipy.sparse.csr_array(M)
    call = lambda x: np.sum(scipy.sparse.linalg.expm_multiply(A, x))
    onp.testing.assert_allclose(grad(call)(X), scipy.linalg.expm(M).sum(axis=0))
    # A container that nothing is known of: SciPy's own error, not a recursion without end.
    for argument in ({"a": 1}, {"a": X}):
        with pytest.raises((TypeError, ValueError)) as plain:
            scipy.special.softmax(argument)
        with pytest.raises((TypeError, ValueError)) as traced:
            grad(lambda x, argument=argument: scipy.special.softmax({**argument, "b": x}))(X)
        assert type(plain.value) is type(traced.value)


def test_sparse_arrays_with_traced_entries_in_scipys_functions():
    A = scipy.sparse.csr_array(M)
    for function, same in (
        (lambda x: scipy.sparse.hstack([A, A * x[0]]), lambda x: np.hstack([M, M * x[0]])),
        (lambda x: scipy.sparse.vstack([A * x[1], A]), lambda x: np.vstack([M * x[1], M])),
        (lambda x: scipy.sparse.tril(A * x[2]), lambda x: np.tril(M * x[2])),
        (lambda x: scipy.sparse.kron(A, A * x[2]), lambda x: np.kron(M, M * x[2])),
    ):
        onp.testing.assert_allclose(
            jacobian(lambda x: function(x).toarray())(X), jacobian(same)(X), rtol=1e-13
        )
    for call in (
        lambda x: scipy.sparse.csr_matrix(np.outer(x, x)).sum(),
        lambda x: scipy.sparse.coo_array((x, ([0, 1, 2], [0, 1, 2]))).sum(),
        lambda x: scipy.sparse.csc_array(A * x[0]).sum(),
    ):
        with pytest.raises(
            TypeError, match=r"scipy\.sparse\.c.._\w+ keeps plain numbers.*use fastad"
        ):
            grad(call)(X)
    with pytest.raises(
        TypeError, match=r"scipy\.sparse\.lil_array .*use fastad.scipy.sparse.coo_array"
    ):
        grad(lambda x: scipy.sparse.lil_array(np.outer(x, x)).sum())(X)


class _Own(scipy.stats.rv_continuous):
    def _pdf(self, x):
        return 2 * onp.exp(-2 * x)


def test_a_distribution_of_the_users_is_not_scipys_of_that_name():
    for law in (
        _Own(name="norm", a=0.0),
        _Own(),
        type(scipy.stats.norm)(name="norm", a=0.0),
        scipy.stats.rv_histogram(onp.histogram(X)),
    ):
        assert law.pdf(0.4) >= 0
        with pytest.raises(TypeError, match="reads the plain number"):
            grad(law.pdf)(0.4)


def test_a_function_is_called_by_its_name():
    with pytest.raises(TypeError, match=r"convolve\(\)"):
        convolve(X)
    assert convolve.__code__.co_name == "convolve"
    assert getattr(convolve.__code__, "co_qualname", "convolve") == "convolve"


def test_functions_that_close_over_traced_values():
    rest = lambda x: scipy.optimize.minimize(lambda z: np.sum((z - x) ** 2), onp.zeros(3)).x[0]
    onp.testing.assert_allclose(grad(rest)(X), [1.0, 0.0, 0.0], atol=1e-6)
    equal = lambda x: [{"type": "eq", "fun": lambda z: z[0] - x[0]}]
    least = lambda x: scipy.optimize.minimize(lambda z: z[0] ** 2, [1.0], constraints=equal(x)).x[0]
    onp.testing.assert_allclose(grad(least)(X), [1.0, 0.0, 0.0], atol=1e-6)
    with pytest.raises(TypeError, match=r"scipy\.integrate\.quad .*by args="):
        grad(lambda x: scipy.integrate.quad(lambda t: t * x[0], 0, 1)[0])(X)


def test_code_without_source_is_told_as_well(uninstalled):
    scope = {"logsumexp": scipy.special.logsumexp, "scipy": scipy, "np": np}
    call = eval("lambda x: logsumexp(x)", scope)
    with pytest.raises(TypeError, match=r"^scipy\.special\.logsumexp .*use fastad\.scipy\.special"):
        grad(call)(X)
    call = eval("lambda x: np.sum(scipy.stats.norm.logpdf(x))", scope)
    with pytest.raises(TypeError, match=r"use fastad\.scipy\.stats\.norm\.logpdf"):
        grad(call)(X)


@pytest.mark.parametrize("name", ["convolve", "logsumexp", "solve", "expm", "lfilter"])
def test_led_functions_are_replayed(name):
    slope = grad(lambda x: np.sum(np.abs(CALLS[name](x)) ** 2))
    program = jit(slope)
    for k in range(4):
        onp.testing.assert_allclose(program(X + 0.1 * k), slope(X + 0.1 * k), rtol=1e-12)
    assert program.programs


def _run(code):
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()


def test_loaders_of_modules_that_are_watched_answer_as_their_own():
    code = """
        import importlib, importlib.util, pkgutil, sys
        import fastad, fastad.scipy
        assert "scipy.fft" not in sys.modules
        finders = list(sys.meta_path)
        importlib.reload(fastad)
        assert sys.meta_path == finders
        fastad.scipy.install()
        for name in ("scipy.fft", "scipy.ndimage"):
            loader = importlib.util.find_spec(name).loader
            assert loader.is_package(name) and loader.get_source(name), loader
            assert pkgutil.get_data(name, "__init__.py")
            module = importlib.import_module(name)
            own = type(sys.modules["scipy"].__loader__)
            assert type(module.__loader__) is type(module.__spec__.loader) is own
        import scipy.fft
        assert type(importlib.reload(scipy.fft).__loader__) is own
        print(fastad.grad(lambda x: module.gaussian_filter(x, 1.0).sum())(fastad.numpy.ones(2))[0])
        """
    assert [float(line) for line in _run(code)] == [pytest.approx(1.0, rel=1e-12)]


def test_modules_that_another_thread_is_loading_are_led():
    code = """
        import importlib, importlib.util, sys, threading, types
        import numpy
        import scipy
        # A module of SciPy's that takes its time, found before anything is watched.
        begun, go = threading.Event(), threading.Event()

        class Slow:
            def find_spec(self, name, path, target=None):
                if name != "scipy.signal":
                    return None
                sys.meta_path.remove(self)
                spec = importlib.util.find_spec(name)
                own = spec.loader.exec_module

                def exec_module(module):
                    begun.set()
                    go.wait(30)
                    own(module)

                spec.loader.exec_module = exec_module
                return spec

        {early}
        sys.meta_path.insert(0, Slow())
        loading = threading.Thread(target=importlib.import_module, args=("scipy.signal",))
        loading.start()
        assert begun.wait(30)
        threading.Timer(0.2, go.set).start()
        import fastad, fastad.scipy
        found = []

        def work():
            fastad.grad(lambda x: x**2)(1.0)
            import scipy.signal
            call = lambda x: scipy.signal.convolve(x, [1.0, 2.0]).sum()
            found.append(fastad.grad(call)(numpy.ones(2)))

        working = [threading.Thread(target=work) for _ in range(2)]
        for thread in working:
            thread.start()
        for thread in (loading, *working):
            thread.join()
        print(*found[0], *found[1])
        code = scipy.signal.convolve.__code__
        fastad.scipy.uninstall()
        assert scipy.signal.convolve.__code__ is not code
        """
    for early in ("", "import fastad"):
        assert _run(code.replace("{early}", early)) == ["3.0"] * 4


def test_operators_of_sparse_arrays_in_autograds_programs():
    code = """
        import numpy
        import fastad.compat
        fastad.compat.install()
        import autograd.numpy as np
        import scipy.sparse
        from autograd import grad
        x = numpy.array([1.0, 2.0])
        dense = numpy.array([[1.0, 0.0], [3.0, 2.0]])
        for kind in ("csr_array", "csc_matrix", "coo_array", "dia_matrix"):
            A = getattr(scipy.sparse, kind)(dense)
            other = numpy.ones((2, 2))
            for ours, same in (
                (lambda x: A @ x, lambda x: dense @ x),
                (lambda x: A.dot(x), lambda x: dense @ x),
                (lambda x: x @ A, lambda x: x @ dense),
                (lambda x: A + x * other, lambda x: dense + x * other),
                (lambda x: A - x * other, lambda x: dense - x * other),
                (lambda x: (A / x[0]).toarray(), lambda x: dense / x[0]),
                (lambda x: (A * x[0]).toarray(), lambda x: dense * x[0]),
            ):
                got, want = (grad(lambda x: np.sum(f(x) ** 2))(x) for f in (ours, same))
                numpy.testing.assert_allclose(got, want)
        assert scipy.sparse.csr_array(dense).dot(x)[1] == 7.0
        """
    assert _run(code) == []
