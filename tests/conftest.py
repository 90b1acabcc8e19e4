"""Settings that hold for all tests: one BLAS thread, no display, Hypothesis without a clock."""

from __future__ import annotations

import os
from collections.abc import Iterator

# Read when NumPy is loaded, so before anything imports it.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import jitted  # noqa: E402
import numpy  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

# Machines that run the tests differ in speed, so no example is judged by its time; in continuous
# integration the same examples are drawn each time.
settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run choose the kernels: each instruction set must pass the same tests."""
    parser.addoption(
        "--kernels", default=None, help="run on these kernels: baseline, avx2 or avx512"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Put the chosen kernels, and every rule, in place before any test is collected."""
    if config.getoption("--kernels"):
        from fastad import _core

        try:
            _core.use_kernels(config.getoption("--kernels"))
        except ValueError as error:
            raise pytest.UsageError(str(error)) from error
    # What is loaded late is tested in processes of its own (test_late.py); here it is in the table.
    from fastad.numpy import registry

    registry.load_all()


def pytest_report_header() -> str:
    """Name what the results depend on."""
    from fastad import __version__, _core

    return f"fastad {__version__}, {_core.kernels()} kernels, NumPy {numpy.__version__}"


@pytest.fixture(scope="session", autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run in an empty folder: in a checkout, programs that tests start would import its sources."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield
    os.chdir(before)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of operators once more with `jit` around the operators."""
    name = metafunc.function.__name__
    if (
        metafunc.module.__name__.rpartition(".")[2] in jitted.MODULES
        and name not in jitted.NOT_OF_RESULTS
    ):
        metafunc.parametrize("_operators", ["eager", "jit"], indirect=True)


@pytest.fixture(autouse=True)
def _operators(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put `jit` around the operators in the test's module."""
    if getattr(request, "param", "eager") == "jit":
        for name, operator in jitted.operators_of(request.module).items():
            monkeypatch.setattr(request.module, name, jitted.replayed(operator))
    yield


@pytest.fixture
def random() -> numpy.random.Generator:
    """Return a generator that draws the same numbers in every run."""
    return numpy.random.default_rng(20260101)
