"""autograd's own test suite, unmodified, on fastad.

    python tests/parity/run_upstream.py [--both] [--sdist FILE] [--keep FOLDER]

Fetches autograd's source distribution from PyPI with pip, runs its tests through the pytest plugin
`fastad.compat`, and prints what passed. The exit status is 0 if every test that passes under
autograd passes under fastad, deliberate differences (below, with reasons) aside. With --both the
tests are run under autograd too, from the same source distribution, instead of taking it that all
of them pass there.

Needs pytest and SciPy; tests that need xarray are skipped without it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

VERSION = "1.9.1"
TOTAL = 631  # tests of this version that pass under autograd with SciPy and xarray

# Tests that assert what is a defect of autograd, and why fastad does otherwise.
DELIBERATE = {
    "test_fft::test_rfftn_odd_not_implemented": (
        "asserts that there is no derivative for an odd last axis; fastad has one"
    ),
}


def fetch(folder: Path) -> Path:
    """Download the source distribution; return its path."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-binary", ":all:"]
    command += ["--no-deps", "--disable-pip-version-check", "--dest", str(folder)]
    subprocess.run([*command, f"autograd=={VERSION}"], check=True)
    return next(folder.glob("autograd-*.tar.gz"))


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack the source distribution; return its root."""
    with tarfile.open(sdist) as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extractall(folder, filter="data")
        else:
            archive.extractall(folder)
    return next(folder.glob("autograd-*/"))


def run(tests: Path, folder: Path, name: str, *options: str, path: Path | None = None) -> dict:
    """Run the tests in a process of their own; return test -> outcome."""
    settings = folder / "pytest.ini"
    settings.write_text("[pytest]\n")
    report = folder / f"{name}.xml"
    environment = dict(os.environ)
    if path is not None:
        rest = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = str(path) + (os.pathsep + rest if rest else "")
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(settings), "-p", "no:cacheprovider"]
    command += ["--continue-on-collection-errors", "-W", "ignore", "--tb=line"]
    command += ["-o", "junit_family=xunit1", f"--junitxml={report}"]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, *options, str(tests)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - start
    if not report.exists():
        raise SystemExit(f"pytest did not run:\n{done.stdout}{done.stderr}")
    outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        test = f"{(case.get('classname') or '').rpartition('.')[2]}::{case.get('name')}"
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "passed"
        outcomes[test] = "skipped" if "skipped" in kinds else outcome
    counts = ", ".join(
        f"{sum(o == kind for o in outcomes.values())} {kind}"
        for kind in ("passed", "failed", "skipped")
    )
    print(f"{name:9}{counts} ({seconds:.0f} s)", flush=True)
    return outcomes


def main() -> int:
    """Fetch, run, compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--both", action="store_true", help="run under autograd too")
    parser.add_argument("--sdist", type=Path, help="the source distribution, if it is here already")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="fastad-upstream-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        root = unpack(arguments.sdist or fetch(folder), folder)
        # Away from the package that they belong to.
        tests = folder / "tests"
        shutil.rmtree(tests, ignore_errors=True)
        shutil.copytree(root / "tests", tests)
        reference = None
        if arguments.both:
            reference = run(tests, folder, "autograd", path=root)
        outcomes = run(tests, folder, "fastad", "-p", "fastad.compat")
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)

    expected = reference if reference is not None else outcomes
    wanted = [t for t in expected if reference is None or expected[t] == "passed"]
    wrong = [test for test in wanted if outcomes.get(test, "missing") not in ("passed", "skipped")]
    skipped = sum(outcomes.get(test) == "skipped" for test in wanted)
    missing = TOTAL - len(wanted)
    unexpected = [test for test in wrong if test not in DELIBERATE]
    for test in wrong:
        print(f"  {test}: {DELIBERATE.get(test, 'FAILED')}")
    for test in DELIBERATE:
        if test in wanted and test not in wrong:
            print(f"  {test}: listed as a deliberate difference, but passes")
    if missing > 0:
        print(f"  {missing} of the {TOTAL} tests were not collected")
    if skipped:
        print(f"  {skipped} skipped: install SciPy and xarray to run them")
    print(
        f"{sum(outcomes.get(test) == 'passed' for test in wanted)} of {TOTAL} pass under fastad; "
        f"{len(wrong) - len(unexpected)} deliberate differences, {len(unexpected)} failures"
    )
    return 1 if unexpected or missing > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
