"""What fastad does not touch: symbols of other units, packages it does not need, global state."""

from __future__ import annotations

import os
import pathlib
import platform
import shutil
import subprocess
import sys
import textwrap

import pytest

import fastad
from fastad import _core

SOURCES = pathlib.Path(__file__).resolve().parents[1] / "src"
FLAGS = {
    "kernels/avx2.cpp": ["-mavx2"],
    "kernels/avx512.cpp": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw"],
}
NUMERIC = ["-std=c++20", "-O2", "-fPIC", "-fvisibility=hidden", "-fvisibility-inlines-hidden"]
BUDGET = 0.25  # seconds, far more than what is aimed at: other work on the machine must not fail it


def run(program: str, *options: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def defined_symbols(file: pathlib.Path, *options: str) -> list[tuple[str, str]]:
    """Kind and name of each symbol that an object or a library defines."""
    listing = subprocess.run(
        ["nm", *options, "--defined-only", str(file)], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split() for line in listing.splitlines() if line.strip()]
    return [(words[-2], words[-1]) for words in lines if len(words) >= 2]


compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
needs_nm = pytest.mark.skipif(shutil.which("nm") is None, reason="nm is not installed")
needs_sources = pytest.mark.skipif(
    compiler is None or not SOURCES.is_dir() or platform.machine() not in ("x86_64", "AMD64"),
    reason="needs a C++ compiler, the source tree and x86-64",
)


@needs_nm
@needs_sources
@pytest.mark.parametrize("unit", FLAGS)
def test_kernel_units_share_no_code(unit, tmp_path):
    """A function that the linker may share would bring AVX into baseline code: SIGILL elsewhere.

    W, V and u are definitions of inline functions and templates, T is a function by name.
    """
    made = tmp_path / "unit.o"
    command = [compiler, *NUMERIC, *FLAGS[unit], f"-I{SOURCES}", "-c", str(SOURCES / unit)]
    subprocess.run([*command, "-o", str(made)], check=True, timeout=300)
    symbols = defined_symbols(made)
    assert symbols
    shared = [(kind, name) for kind, name in symbols if kind in "WVuTwv"]
    assert not shared
    # What is left to see from outside is the table of loops.
    visible = [name for kind, name in symbols if kind.isupper()]
    assert len(visible) == 1 and "kernels" in visible[0]


@needs_nm
@needs_sources
def test_the_check_of_symbols_can_fail(tmp_path):
    source = tmp_path / "bad.cpp"
    source.write_text("inline int shared(int x) { return x; }\nint (*use)(int) = shared;\n")
    subprocess.run([compiler, "-c", str(source), "-o", str(tmp_path / "bad.o")], check=True)
    assert any(kind in "WV" for kind, _ in defined_symbols(tmp_path / "bad.o"))


@needs_nm
def test_the_extension_exports_its_entry_point_only():
    names = [name for _, name in defined_symbols(pathlib.Path(_core.__file__), "-D")]
    own = [name for name in names if "fastad" in name or name.startswith("Py")]
    assert own == ["PyInit__core"]


def test_neither_scipy_nor_autograd_is_needed():
    """Blocked modules raise at import; a program runs without them."""
    printed = run(
        """
        import sys
        for name in ("scipy", "autograd", "matplotlib", "future", "torch", "jax"):
            sys.modules[name] = None
        import fastad
        import fastad.numpy as np
        import fastad.numpy.linalg
        import fastad.extend, fastad.core, fastad.tracer, fastad.builtins, fastad.test_util
        import fastad.misc
        print(fastad.grad(lambda x: np.sum(np.tanh(x) * x))(np.ones(2)).shape)
        """
    )
    assert printed == "(2,)"


def test_importing_loads_little():
    printed = run(
        """
        import sys, numpy
        before = set(sys.modules)
        import fastad, fastad.numpy
        new = {name for name in set(sys.modules) - before if not name.startswith("fastad")}
        print(*sorted(new))
        """
    )
    heavy = {"scipy", "autograd", "numpy.random", "numpy.testing", "unittest", "asyncio"}
    loaded = set(printed.split())
    assert not loaded & heavy, loaded & heavy


def test_import_time(tmp_path):
    program = """
        import time, numpy
        start = time.perf_counter()
        import fastad.numpy
        print(time.perf_counter() - start)
    """
    # Compiled modules are looked for, and the first run leaves them, in a folder of the test's.
    cached = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    seconds = min(float(run(program, **cached)) for _ in range(4))
    print(f"import fastad.numpy takes {seconds * 1e3:.1f} ms over numpy; aimed at 15, allowed 250")
    assert seconds < BUDGET


def test_importing_changes_nothing_in_numpy():
    printed = run(
        """
        import numpy, warnings
        filters, names = list(warnings.filters), dict(vars(numpy))
        settings = numpy.geterr(), numpy.get_printoptions(), numpy.getbufsize()
        import fastad, fastad.numpy
        assert settings == (numpy.geterr(), numpy.get_printoptions(), numpy.getbufsize())
        changed = [name for name, value in names.items() if vars(numpy)[name] is not value]
        print(changed, filters == list(warnings.filters))
        """
    )
    assert printed == "[] True"


def test_importing_with_warnings_as_errors():
    assert run("import fastad.numpy, fastad.numpy.fft; print('done')", "-W", "error") == "done"


def test_the_version_is_one():
    try:
        from importlib.metadata import version

        assert version("fastad") == fastad.__version__
    except ModuleNotFoundError:
        # A source tree on the path is no installation: nothing to compare with.
        assert fastad.__version__


def test_floating_point_flags_are_not_left_raised():
    """An operation that NumPy would not warn about leaves no warning for the next one."""
    printed = run(
        """
        import warnings
        warnings.simplefilter("error")
        import numpy
        import fastad.numpy as np
        from fastad import grad
        with numpy.errstate(all="ignore"):
            grad(lambda x: np.sum(np.log(x) * 0.0))(numpy.zeros(5))
            grad(np.sqrt)(0.0)
        for x in (numpy.ones(3), 1.0):
            np.exp(x)
            grad(lambda x: np.sum(np.exp(x)))(x)
        print("quiet")
        """
    )
    assert printed == "quiet"
