"""The stubs of the wrapped namespaces are in step with the table."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy

import fastad
from fastad.numpy import registry
from fastad.scipy.led import LED

ROOT = Path(fastad.__file__).parent
SCRIPT = Path(__file__).parents[1] / ".ci" / "make_stubs.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_stubs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def defined(place: str) -> set[str]:
    """Names that a stub gives."""
    names = set()
    for node in ast.parse((ROOT / place).read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
        elif isinstance(node, ast.ImportFrom):
            names.update(one.asname for one in node.names if one.asname)
    return names


@pytest.mark.parametrize("prefix", ["", "linalg", "fft"])
def test_every_operation_of_the_table_is_in_a_stub(prefix):
    place = f"numpy/{prefix}/__init__.pyi" if prefix else "numpy/__init__.pyi"
    names = {
        name.rpartition(".")[2]
        for name in registry.table
        if name.rpartition(".")[0] == prefix and registry.numpy_function(name) is not None
    }
    assert len(names) > 10
    assert names - set(registry.NOT_FUNCTIONS) <= defined(place)


@pytest.mark.parametrize("name", ["special", "linalg", "signal", "integrate", "stats"])
def test_every_wrapped_function_of_scipy_is_in_a_stub(name):
    module = importlib.import_module(f"fastad.scipy.{name}")
    place = f"scipy/{name}.pyi"
    place = place if (ROOT / place).exists() else f"scipy/{name}/__init__.pyi"
    wrapped = {
        one for one in module.__all__ if getattr(getattr(module, one), "vjps", None) is not None
    }
    assert wrapped <= defined(place)


def test_the_stubs_are_what_the_script_writes(script):
    made = script.stubs()
    installed = tuple(".".join(v.split(".")[:2]) for v in (np.__version__, scipy.__version__))
    if installed != script.VERSIONS:
        pytest.skip(f"made with NumPy and SciPy {script.VERSIONS}, here are {installed}")
    for place, text in made.items():
        assert text == (ROOT / place).read_text("utf-8"), f"run .ci/make_stubs.py: {place}"


def test_the_list_of_led_functions_has_all_of_this_scipys(script):
    for name, listed in LED.items():
        assert script.differentiated(name) <= listed, f"run .ci/make_stubs.py: {name}"


def test_the_script_sees_rules_that_nothing_else_has_loaded():
    """In a process of its own, as it is run."""
    program = f"""
import importlib.util
spec = importlib.util.spec_from_file_location("make_stubs", {str(SCRIPT)!r})
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)
print(script.stubs()["numpy/__init__.pyi"], end="")
"""
    made = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert "def median(" in made and "import median" not in made
