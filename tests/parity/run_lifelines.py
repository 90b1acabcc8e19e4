"""The tests of lifelines, a large package on autograd, unmodified, on autograd and on fastad.

    python tests/parity/run_lifelines.py [--quick] [--folder FOLDER]

Makes an environment of its own with lifelines, autograd-gamma and autograd from PyPI, fetches
lifelines' source distribution, which holds its tests, and runs them both ways: under fastad through
the pytest plugin `fastad.compat`. Prints outcomes and times side by side. The exit status is 0 if
every test that passes under autograd passes under fastad. The plotting tests are left out.

--quick runs a part; with it the whole takes under three minutes, all of it about fifteen.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import fastad

LIFELINES = "0.30.3"
PACKAGES = (
    f"lifelines=={LIFELINES}",
    "autograd-gamma==0.5.0",
    "autograd==1.9.1",
    "pandas<3",
    "pytest",
    "flaky",
    "dill",
    "joblib",
    "jinja2",
)
TESTS = (
    "lifelines/tests/test_estimation.py",
    "lifelines/tests/test_statistics.py",
    "lifelines/tests/test_npmle.py",
    "lifelines/tests/test_generate_datasets.py",
    "lifelines/tests/utils",
)
# The parts of lifelines that differentiate: parametric models, univariate and regression.
QUICK = (
    "lifelines/tests/test_estimation.py",
    "-k",
    "ParametricRegression or WeibullAFT or LogNormalAFT or LogLogistic or TestWeibull or"
    " CustomRegression or inverse_weibull",
)


def prepare(folder: Path, spec: str | None) -> Path:
    """Make the environment and unpack the source distribution; return the environment's Python."""
    venv = folder / "venv"
    python = venv / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES, *([spec] if spec else [])], check=True)
    if not spec:
        # The fastad that runs this, found after everything that the environment has of its own.
        command = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        site = Path(
            subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        )
        (site / "fastad-parity.pth").write_text(str(Path(fastad.__file__).parent.parent) + "\n")
    if not (folder / f"lifelines-{LIFELINES}").exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-binary", ":all:"]
        command += ["--no-deps", "--disable-pip-version-check", "--dest", str(folder)]
        subprocess.run([*command, f"lifelines=={LIFELINES}"], check=True)
        shutil.unpack_archive(folder / f"lifelines-{LIFELINES}.tar.gz", folder)
    return python


def run(
    python: Path, folder: Path, name: str, selection: tuple[str, ...], quiet: bool = False
) -> tuple[dict[str, str], float]:
    """Run tests; return test -> outcome, and the seconds that it took."""
    settings = folder / "pytest.ini"
    settings.write_text("[pytest]\n")
    report = folder / f"{name}.xml"
    report.unlink(missing_ok=True)
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    command = [str(python), "-m", "pytest", "-q", "-c", str(settings), "-p", "no:cacheprovider"]
    command += ["-W", "ignore", "--tb=line", "-o", "junit_family=xunit1", f"--junitxml={report}"]
    if name == "fastad":
        command += ["-p", "fastad.compat"]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, *selection],
        cwd=folder / f"lifelines-{LIFELINES}",
        env=environment,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - start
    if not report.exists():
        raise SystemExit(f"pytest did not run:\n{done.stdout}{done.stderr}")
    outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        test = f"{case.get('classname')}::{case.get('name')}"
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "passed"
        outcomes[test] = "skipped" if "skipped" in kinds else outcome
    if not quiet:
        print(f"{name:9}{_counts(outcomes)} ({seconds:.0f} s)", flush=True)
    return outcomes, seconds


def _counts(outcomes: dict[str, str]) -> str:
    kinds = ("passed", "failed", "skipped")
    return ", ".join(f"{sum(o == k for o in outcomes.values())} {k}" for k in kinds)


def main() -> int:
    """Prepare, run both ways, compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a part only")
    parser.add_argument(
        "--folder", type=Path, help="work in this folder and leave it for next time"
    )
    parser.add_argument(
        "--fastad", help="install this fastad (a wheel or folder), not the one here"
    )
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="fastad-lifelines-"))
    folder.mkdir(parents=True, exist_ok=True)
    selection = QUICK if arguments.quick else TESTS
    try:
        folder = folder.resolve()
        python = prepare(folder, arguments.fastad)
        before, seconds = run(python, folder, "autograd", selection)
        after, faster = run(python, folder, "fastad", selection)
        worse = [t for t in before if before[t] == "passed" and after.get(t) != "passed"]
        if worse:
            # Some draw random data: what differs is run once more, both ways.
            names = {test.rpartition("::")[2].partition("[")[0] for test in worse}
            again = (*selection[:1], "-k", " or ".join(sorted(names)))
            again = again if arguments.quick else (*TESTS, *again[1:])
            second, _ = run(python, folder, "fastad", again, quiet=True)
            third, _ = run(python, folder, "autograd", again, quiet=True)
            for test in list(worse):
                if second.get(test) == "passed" or third.get(test) != "passed":
                    print(f"  {test}: depends on random data; passed or failed both ways")
                    worse.remove(test)
    finally:
        if not arguments.folder:
            shutil.rmtree(folder, ignore_errors=True)
    for test in sorted(set(before) | set(after)):
        if before.get(test) != after.get(test):
            print(f"  {test}: {before.get(test)} under autograd, {after.get(test)} under fastad")
    same = sum(before[test] == after.get(test) for test in before)
    print(f"{same} of {len(before)} outcomes alike; {seconds:.0f} s and {faster:.0f} s")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
