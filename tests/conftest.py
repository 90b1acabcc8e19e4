"""Settings that hold for all tests: one BLAS thread, no display, Hypothesis without a clock."""

from __future__ import annotations

import os

# Read when NumPy is loaded, so before anything imports it.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

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


@pytest.fixture
def random() -> numpy.random.Generator:
    """Return a generator that draws the same numbers in every run."""
    return numpy.random.default_rng(20260101)
