"""What a user sees of the package: its names, what `import *` takes, what is loaded when."""

from __future__ import annotations

import pathlib
import platform
import re
import subprocess
import sys
import types

import numpy as onp
import pytest

import fastad
from fastad import _core, grad

CPU_INFO = pathlib.Path("/proc/cpuinfo")


def run(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize(
    "name",
    "scipy misc misc.optimizers misc.fixed_points compat test_util extend core util".split(),
)
def test_modules_are_there_without_an_import_of_their_own(name):
    assert run(f"import fastad; print(fastad.{name}.__name__)").strip() == f"fastad.{name}"


def test_nothing_of_it_is_loaded_before():
    loaded = run("import sys, fastad; print(*sys.modules)").split()
    late = {"scipy", "fastad.scipy", "fastad.misc", "fastad.test_util", "fastad.programs"}
    assert not late & {*loaded}
    assert not [name for name in loaded if "inspection" in name and "fastad" in name]


def test_import_loads_little_beside_numpy():
    program = "import sys, numpy; a = {*sys.modules}; import fastad; print(*{*sys.modules} - a)"
    loaded = {name.partition(".")[0] for name in run(program).split()}
    late = {"dataclasses", "html", "pathlib", "urllib", "difflib", "decimal", "random"}
    # NumPy's own submodules bring some of them, by version.
    brought = "import sys, numpy, numpy.fft; print(*sys.modules)"
    assert not late & loaded - {*run(brought).split()}


def test_dir_shows_what_is_for_users():
    names = [name for name in dir(fastad) if not name.startswith("_")]
    assert {*fastad.__all__, "numpy", "scipy", "misc", "extend", "compat", "test_util"} == {*names}
    assert all(hasattr(fastad, name) for name in names)


def test_help_where_there_is_no_scipy():
    program = """
import sys
sys.modules["scipy"] = None
import inspect, pydoc, fastad
assert "scipy" not in dir(fastad)
assert dict(inspect.getmembers(fastad))["grad"] is fastad.grad
assert "gradient" in pydoc.render_doc(fastad)
try:
    fastad.scipy
except ImportError as error:
    print(error)
"""
    assert "pip install 'fastad[scipy]'" in run(program)


@pytest.mark.skipif(not CPU_INFO.exists(), reason="Linux says there what the processor has")
def test_the_kernels_are_those_of_the_processor():
    has = set(re.findall(r"\bavx2\b|\bavx512(?:f|dq|vl|bw)\b", CPU_INFO.read_text()))
    if platform.machine() != "x86_64":
        has = set()
    wanted = "avx512" if len(has - {"avx2"}) == 4 else "avx2" if "avx2" in has else "baseline"
    assert run("from fastad import _core; print(_core.kernels())").strip() == wanted


def test_import_star_hides_no_built_in_name():
    program = "from fastad import *; print(dict, list, tuple, type, isinstance, grad.__module__)"
    assert (
        run(program).split()
        == (
            "<class 'dict'> <class 'list'> <class 'tuple'> <class 'type'> "
            "<built-in function isinstance> fastad"
        ).split()
    )


def test_unknown_name():
    with pytest.raises(AttributeError, match="module 'fastad' has no attribute 'gradd'"):
        _ = fastad.gradd  # type: ignore[attr-defined]


def test_public_functions_are_found_where_they_say_they_are():
    for name in fastad.__all__:
        value = getattr(fastad, name)
        if isinstance(value, types.FunctionType):
            assert getattr(sys.modules[value.__module__], value.__name__) is value, name


def test_array_stands_for_plain_and_traced_arrays():
    seen = []
    grad(lambda x: seen.append(isinstance(x, fastad.Array)) or (x * x).sum())(onp.ones(3))
    assert seen == [True]
    assert isinstance(onp.ones(3), fastad.Array)
    assert not isinstance([1.0], fastad.Array)


def test_the_core_takes_its_hooks_once():
    users = {"set_module", "set_num_threads"}
    assert not [name for name in dir(_core) if name.startswith("set_") and name not in users]
