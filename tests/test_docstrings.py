"""The examples in docstrings run, and every public function has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pydoc
import re
from pathlib import Path

import numpy
import pytest
import scipy.stats
from scipy import special

import fastad

MODULES = """
    fastad extend misc misc.flatten misc.optimizers misc.fixed_points misc.tracers test_util
""".split()
# Classes that are only named, in `isinstance` and as bases.
NAMED_ONLY = {
    "Array",
    "Box",
    "ConstGraphNode",
    "FullGraphNode",
    "JVPNode",
    "ProgramError",
    "ProgramWarning",
    "SparseObject",
    "VJPNode",
}


# Ours, in modules that have SciPy's names.
AMONG_SCIPYS = """
    scipy.sparse.SparseArray scipy.sparse.multiply
    scipy.sparse.linalg.spsolve scipy.sparse.linalg.factorized
""".split()


def public() -> dict[str, object]:
    """Every function and class that users are meant to call."""
    found = {}
    for name in MODULES:
        module = fastad if name == "fastad" else importlib.import_module(f"fastad.{name}")
        for one in module.__all__:
            value = getattr(module, one)
            if callable(value) and one not in NAMED_ONLY:
                found[f"{module.__name__}.{one}"] = value
    for full in AMONG_SCIPYS:
        name, _, one = full.rpartition(".")
        found[f"fastad.{full}"] = getattr(importlib.import_module(f"fastad.{name}"), one)
    return found


def own_among_scipys() -> dict[str, object]:
    """Functions of SciPy's that have a text of ours."""
    found = {}
    for name in "signal integrate interpolate optimize sparse".split():
        ours, theirs = (importlib.import_module(f"{p}scipy.{name}") for p in ("fastad.", ""))
        for one in ours.__all__:
            value, other = getattr(ours, one), getattr(theirs, one, None)
            if callable(value) and other is not None and value.__doc__ != other.__doc__:
                found[f"fastad.scipy.{name}.{one}"] = value
    return found


PUBLIC = {**public(), **own_among_scipys()}


def test_help_fits_a_screen_or_two_and_names_everything():
    text = pydoc.render_doc(fastad, renderer=pydoc.plaintext)
    assert len(text.splitlines()) < 100
    for name in fastad.__all__:
        if name != "primitive":  # deprecated; fastad.extend has it
            assert re.search(rf"\b{name}\b", text), name
    assert {"grad", "numpy", "jit", "__version__"} <= set(dir(fastad))


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_the_example_runs(name):
    run_example(name, PUBLIC[name].__doc__ or "")


def run_example(name: str, text: str) -> None:
    tests = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    assert tests.examples, "it has no example"
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    runner.run(tests, out=report.append)
    assert not runner.failures, "".join(report)


FAMILIES = """
    bernoulli beta binom cauchy chi2 expon gamma laplace logistic lognorm multinomial nbinom norm
    poisson skewnorm t uniform weibull_min
""".split()
SHAPES = {"a": 1.7, "b": 2.3, "c": 1.6, "s": 0.6, "df": 3.4, "p": 0.3, "n": 6, "mu": 1.9}


@pytest.mark.parametrize("name", FAMILIES)
def test_distributions_say_their_density(name):
    module = importlib.import_module(f"fastad.scipy.stats.{name}")
    run_example(name, module.__doc__)
    found = re.search(r"`(pdf|pmf)\((.*?)\)\s+=\s+(.*?)`", module.__doc__, re.S)
    kind, signature, formula = found.groups()
    given = dict(SHAPES, x=0.9, k=2, loc=0.2 if kind == "pdf" else 0, scale=1.5)
    if name == "bernoulli":
        given["k"] = 1
    if name == "multinomial":
        given.update(x=numpy.array([1, 5]), p=numpy.array([0.3, 0.7]))
    given["z"] = (given["x"] - given["loc"]) / given["scale"]
    known = {**vars(numpy), **{one: getattr(special, one) for one in ("gamma", "beta", "binom")}}
    by_formula = eval(formula, {**known, "erfc": special.erfc}, given)
    names = [one.partition("=")[0] for one in signature.split(", ")]
    density = getattr(getattr(scipy.stats, name), kind)
    assert by_formula == pytest.approx(density(*(given[one] for one in names)), rel=1e-12)


def section(text: str, title: str) -> str:
    """The lines of one section of numpydoc's."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\w[^\n]*\n---|\Z)", text, re.M | re.S)
    return found[1] if found else ""


FUNCTIONS = {name: value for name, value in public().items() if not isinstance(value, type)}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_each_parameter_and_the_result_are_described(name):
    function = FUNCTIONS[name]
    text = inspect.getdoc(function) or ""
    described = {
        one.strip(" *")
        for line in re.findall(r"^(\S[^:\n]*)", section(text, "Parameters"), re.M)
        for one in line.split(",")
    }
    taken = inspect.signature(function).parameters.keys() - {"unknown"}  # it is named in an error
    assert taken == described
    # What nothing is said of gives nothing.
    if not section(text, "Returns"):
        assert name in WITHOUT_RESULT


# Statements, and contexts for `with`.
WITHOUT_RESULT = {
    f"fastad.{name}"
    for name in """
    debug_mutation debug_nans strict_zero set_num_threads extend.defvjp extend.defvjp_argnum
    extend.defvjp_argnums extend.defjvp extend.defjvp_argnum extend.defjvp_argnums extend.def_linear
    extend.restore_rules extend.register_container extend.register_notrace
    test_util.check_grads test_util.check_equivalent test_util.check_jvp test_util.check_vjp
    """.split()
}


REFERENCE = (Path(__file__).resolve().parent.parent / "docs/api/index.md").read_text("utf-8")
# autograd's paths stand in a table.
TABLED = dict(re.findall(r"^\| `fastad\.(\w+)` \| (.*) \|$", REFERENCE, re.M))


@pytest.mark.parametrize("name", [*MODULES, "compat", *TABLED])
def test_the_reference_has_every_public_name(name):
    module = fastad if name == "fastad" else importlib.import_module(f"fastad.{name}")
    if name in TABLED:
        listed = set(re.findall(r"`(\w+)`", TABLED[name]))
        assert set(module.__all__) == listed
        return
    parts = [name, "misc.flatten", "misc.tracers"] if name == "misc" else [name]
    blocks = "".join(
        block
        for place, block in re.findall(
            r"currentmodule:: ([\w.]+)\n(.*?)(?=\.\. currentmodule|\Z)", REFERENCE, re.DOTALL
        )
        if place in (module.__name__, *(f"fastad.{part}" for part in parts))
    )
    names = {*re.findall(r"^   (\w+)$", blocks, re.M), *re.findall(r"`(\w+)`", blocks)}
    names |= set(re.findall(r"`fastad\.(\w+)`", REFERENCE))
    missing = set(module.__all__) - names
    assert not missing, f"docs/api/index.md is to list {sorted(missing)} of {module.__name__}"


def test_help_says_what_jit_warns_of():
    assert issubclass(fastad.ProgramWarning, UserWarning)
    assert fastad.ProgramError.__module__ == "fastad"
