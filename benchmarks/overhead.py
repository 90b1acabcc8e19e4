"""Measures fastad beside autograd and plain NumPy, and prints ratios with their targets.

    python benchmarks/overhead.py            the figures that have a target in every release
    python benchmarks/overhead.py --all      the larger problems too
    python benchmarks/overhead.py S1 A3      some of them
    python benchmarks/overhead.py --quick    short samples, for continuous integration

"f" is the plain evaluation without differentiation: on Python floats for programs of numbers, with
NumPy for programs of arrays. Every gradient is compared with autograd's before it is timed.
"""

# ruff: noqa: E402
from __future__ import annotations

import os

# One thread for every BLAS; it is read when NumPy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import gc
import importlib.metadata
import json
import math
import platform
import statistics
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import autograd
import autograd.numpy
import measure
import numpy
import workloads
from measure import Effort, readable

import fastad
import fastad.numpy
from fastad import _core


@dataclass
class Figure:
    """One line of the table: `value` is judged by `target`; lower is better unless `at_least`."""

    id: str
    workload: str
    value: float
    unit: str
    target: float | None
    at_least: bool = False
    f: float | None = None
    autograd: float | None = None
    fastad: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        reached = self.value >= self.target if self.at_least else self.value <= self.target
        return "ok" if reached else "short"

    def line(self) -> str:
        def time(seconds: float | None) -> str:
            return "" if seconds is None else readable(seconds)

        autograd_ratio = ""
        if self.unit == "x f" and self.autograd is not None and self.f:
            autograd_ratio = f"{self.autograd / self.f:.3g} x f"
        target = ""
        if self.target is not None:
            target = f"{'>=' if self.at_least else '<='} {self.target:g}"
        return (
            f"{self.id:4} {self.workload:34} {time(self.f):>9} {time(self.autograd):>9} "
            f"{time(self.fastad):>9} {autograd_ratio:>10} {f'{self.value:.3g} {self.unit}':>14} "
            f"{target:>9}  {self.verdict:5} {self.note}".rstrip()
        )


HEADER = (
    f"{'id':4} {'workload':34} {'f':>9} {'autograd':>9} {'fastad':>9} {'autograd':>10} "
    f"{'fastad':>14} {'target':>9}"
)


def flat(value: Any) -> numpy.ndarray:
    """Return all numbers in a nest of containers as one array."""
    if isinstance(value, (list, tuple)):
        return numpy.concatenate([flat(v) for v in value]) if value else numpy.zeros(0)
    return numpy.ravel(numpy.asarray(value, dtype=float))


def same(name: str, ours: Any, theirs: Any) -> None:
    """Stop where the two results differ by more than 1e-10 of the largest entry."""
    a, b = flat(ours), flat(theirs)
    scale = float(numpy.max(numpy.abs(b), initial=0.0)) or 1.0
    if a.shape != b.shape or not numpy.allclose(a, b, rtol=1e-10, atol=1e-10 * scale):
        raise SystemExit(f"{name}: fastad's result is not autograd's:\n{ours}\n{theirs}")


def over_f(
    id: str,
    workload: str,
    program: Callable[[Any], Callable[..., Any]],
    arguments: Sequence[Any],
    target: float | None,
    effort: Effort,
    with_value: bool = False,
) -> Figure:
    """Time a gradient (or value and gradient) over the plain evaluation."""
    plain = program(numpy)
    operator = "value_and_grad" if with_value else "grad"
    ours = getattr(fastad, operator)(program(fastad.numpy))
    theirs = getattr(autograd, operator)(program(autograd.numpy))
    same(f"{id} {workload}", ours(*arguments), theirs(*arguments))
    taken = measure.samples(
        {
            "f": lambda: plain(*arguments),
            "fastad": lambda: ours(*arguments),
            "autograd": lambda: theirs(*arguments),
        },
        effort,
    )
    ratio = measure.ratio(taken, "fastad", "f")
    return Figure(id, workload, ratio, "x f", target, **measure.medians(taken))


def against_autograd(
    id: str,
    workload: str,
    make: Callable[[Any, Any], Callable[[], Any]],
    target: float | None,
    effort: Effort,
) -> Figure:
    """Time the same call under both packages; the value is how many times faster fastad is."""
    ours, theirs = make(fastad, fastad.numpy), make(autograd, autograd.numpy)
    same(f"{id} {workload}", ours(), theirs())
    taken = measure.samples({"fastad": ours, "autograd": theirs}, effort)
    ratio = measure.ratio(taken, "autograd", "fastad")
    return Figure(id, workload, ratio, "x faster", target, True, **measure.medians(taken))


def s1(effort: Effort) -> list[Figure]:
    return [over_f("S1", "taylor_sine(pi)", workloads.taylor_sine, [math.pi], 2.5, effort)]


def s2(effort: Effort) -> list[Figure]:
    return [
        over_f("S2", "fan_out_fan_in(1.0)", workloads.fan_out_fan_in, [1.0], 3.0, effort),
        over_f("S2", "fifty sines", workloads.long_chain, [2.0], 1.0, effort),
    ]


def s3(effort: Effort) -> list[Figure]:
    """Autograd's time grows with the square of n, so its part is measured at n <= 1000."""
    figures = []
    sizes = (100, 1000, 10_000)
    for n in sizes:
        x = numpy.linspace(0.1, 1.0, n)
        if n <= 1000:
            figures.append(
                over_f("S3", f"x[i] * x[i], n = {n}", workloads.indexed_squares, [x], 3.0, effort)
            )
        else:
            plain = workloads.indexed_squares(numpy)
            ours = fastad.grad(workloads.indexed_squares(fastad.numpy))
            same(f"S3 n = {n}", ours(x), 2 * x)
            taken = measure.samples(
                {"f": lambda: plain(x), "fastad": lambda: ours(x)},  # noqa: B023
                effort,
            )
            ratio = measure.ratio(taken, "fastad", "f")
            times = measure.medians(taken)
            figures.append(Figure("S3", f"x[i] * x[i], n = {n}", ratio, "x f", 3.0, **times))
    # Least squares of log(time) over log(n): 1 is linear, 2 quadratic; 1.15 leaves room for caches.
    times = numpy.log([figure.fastad for figure in figures])
    slope = float(numpy.polyfit(numpy.log(sizes), times, 1)[0])
    figures.append(Figure("S3", "growth: time ~ n^k, k", slope, "", 1.15))
    return figures


def s4(effort: Effort) -> list[Figure]:
    rows = [[2.0, 1.0, 0.5], [-1.0, 3.0, 0.25], [0.5, 1.5, 4.0]]
    parameters = [1.1, 0.4, 0.1, 0.4]
    return [
        over_f("S4", "det by minors, 3x3", workloads.determinant, [rows], 4.0, effort),
        over_f("S4", "RK4, 20 steps", workloads.runge_kutta, [parameters], 4.0, effort),
    ]


def a1(effort: Effort) -> list[Figure]:
    data = workloads.small_logistic()
    return [over_f("A1", "logistic 4x3", workloads.logistic_loss, data, 1.0, effort, True)]


def a2(effort: Effort) -> list[Figure]:
    return [
        over_f(
            "A2",
            f"logistic {rows}x20",
            workloads.logistic_loss,
            workloads.random_logistic(rows, 20),
            1.3,
            effort,
            True,
        )
        for rows in (1000, 100_000)
    ]


def elementwise(id: str, n: int, target: float, effort: Effort) -> Figure:
    x = numpy.linspace(-2.0, 2.0, n)
    return over_f(
        id, f"elementwise sum, n = {n}", workloads.elementwise_sum, [x], target, effort, True
    )


def a3(effort: Effort) -> list[Figure]:
    return [elementwise("A3", 10, 1.0, effort)]


def a4(effort: Effort) -> list[Figure]:
    return [elementwise("A4", n, 1.6, effort) for n in (1000, 100_000, 3_000_000)]


def a5(effort: Effort) -> list[Figure]:
    x = numpy.linspace(-3.0, 3.0, 200)

    def make(package: Any, np: Any) -> Callable[[], Any]:
        function = workloads.tanh(np)
        for _ in range(6):
            function = package.elementwise_grad(function)
        return lambda: function(x)

    return [against_autograd("A5", "tanh, sixth derivative, n = 200", make, 30.0, effort)]


def a6(effort: Effort) -> list[Figure]:
    x = numpy.linspace(-1.0, 1.0, 100)

    def gradient(package: Any, np: Any) -> Callable[[], Any]:
        function = package.grad(workloads.rosenbrock(np))
        return lambda: function(x)

    def hessian(package: Any, np: Any) -> Callable[[], Any]:
        function = package.hessian(workloads.rosenbrock(np))
        return lambda: function(x)

    return [
        against_autograd("A6", "Rosenbrock n = 100, gradient", gradient, 25.0, effort),
        against_autograd("A6", "Rosenbrock n = 100, Hessian", hessian, 25.0, effort),
    ]


def resident() -> int:
    """Return the resident bytes of this process, 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    except OSError:
        return 0


def record(operations: int) -> tuple[Any, Any]:
    """Record that many scalar operations, both of whose operands are traced."""
    tape = _core.Tape()
    x, y = tape.box(1.0), tape.box(1e-9)
    for _ in range(operations // 2):
        x = x + y
        x = x * y
    return tape, x


def p1(effort: Effort) -> list[Figure]:
    count = 200_000 if effort is measure.QUICK else 2_000_000
    record(1000)
    gc.collect()
    before = resident()
    tape, last = record(count)
    grown = resident() - before
    own = float(tape.nbytes) / count
    del last
    tape.close()
    del tape
    gc.collect()
    tracemalloc.start()
    tape, last = record(count // 10)
    python_bytes = tracemalloc.get_traced_memory()[0] / (count // 10)
    tracemalloc.stop()
    tape.close()
    return [
        Figure("P1", "bytes a scalar operation, tape", own, "B", 40.0),
        Figure(
            "P1",
            "bytes a scalar operation, process",
            grown / count,
            "B",
            None,
            note=f"Python's own allocator: {python_bytes:.2g} B",
        ),
    ]


def p3(effort: Effort) -> list[Figure]:
    x = numpy.array([0.1, 0.2, 0.3])
    plain, ours, theirs = numpy.sin, fastad.numpy.sin, autograd.numpy.sin
    # A call costs well under a microsecond, so more samples are taken than elsewhere.
    more = Effort(effort.sample, 4 * effort.rounds, effort.limit)
    taken = measure.samples(
        {"f": lambda: plain(x), "fastad": lambda: ours(x), "autograd": lambda: theirs(x)}, more
    )
    middle = measure.medians(taken)
    extra = statistics.median(a - b for a, b in zip(taken["fastad"], taken["f"], strict=True))
    return [Figure("P3", "sin of a plain array, over NumPy", extra * 1e9, "ns", 60.0, **middle)]


def p2(effort: Effort) -> list[Figure]:
    """Cold start in processes of their own, each the best of several: caches warm, nothing else."""
    programs = {
        "f": "import numpy",
        "autograd": "import numpy, autograd.numpy; from autograd import grad",
        "fastad": "import numpy, fastad.numpy; from fastad import grad",
        "first gradient": "import numpy, fastad.numpy as np; from fastad import grad; "
        "grad(lambda x: np.sum(np.tanh(x) ** 2))(numpy.ones(3))",
    }
    best: dict[str, float] = {}
    for _ in range(3 if effort is measure.QUICK else 20):
        for name, program in programs.items():
            timed = (
                f"import time; t = time.perf_counter(); {program}; print(time.perf_counter() - t)"
            )
            done = subprocess.run([sys.executable, "-c", timed], check=True, capture_output=True)
            best[name] = min(best.get(name, math.inf), float(done.stdout))
    first = best.pop("first gradient") - best["fastad"]
    folder = Path(fastad.__file__).parent
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    extra = best["fastad"] - best["f"]
    return [
        Figure("P2", "import, over import numpy", extra * 1e3, "ms", 25.0, **best),
        Figure("P2", "first gradient, after that", first * 1e3, "ms", None),
        Figure("P2", "size of the package", size / 1e6, "MB", 10.0),
    ]


def o1(effort: Effort) -> list[Figure]:
    """The operators themselves: functions that do nothing, so that what is left is their own."""
    x = numpy.array([1.0, 2.0, 3.0])
    tree = {"a": 2.0, "b": [x, 3.0]}

    def cost(workload: str, target: float, make: Callable[[Any, Any], Callable[[], Any]]) -> Figure:
        ours, theirs = make(fastad, fastad.numpy), make(autograd, autograd.numpy)
        same(f"O1 {workload}", ours(), theirs())
        taken = measure.samples({"fastad": ours, "autograd": theirs}, effort)
        middle = measure.medians(taken)
        return Figure("O1", workload, middle["fastad"] * 1e6, "us", target, **middle)

    def operators(package: Any) -> Any:
        return package if package is fastad else autograd.differential_operators

    def vjp(package: Any, np: Any) -> Callable[[], Any]:
        made = operators(package).make_vjp(lambda x: x)
        return lambda: made(x)[0](x)

    def vjp_tree(package: Any, np: Any) -> Callable[[], Any]:
        made = operators(package).make_vjp(lambda p: p["a"])
        return lambda: made(tree)[0](1.0)["a"]

    def jvp(package: Any, np: Any) -> Callable[[], Any]:
        made = operators(package).make_jvp(lambda x: x)
        return lambda: made(x)(x)[1]

    def jacobian(package: Any, np: Any) -> Callable[[], Any]:
        made = package.jacobian(lambda x: x)
        return lambda: made(x)

    def several(package: Any, np: Any) -> Callable[[], Any]:
        made = package.grad(lambda x, y: x * y, (0, 1))
        return lambda: made(2.0, 3.0)

    def product(package: Any, np: Any) -> Callable[[], Any]:
        made = operators(package).hessian_vector_product(lambda x: x * x)
        return lambda: made(2.0, 1.0)

    def hessian(package: Any, np: Any) -> Callable[[], Any]:
        made = package.hessian(lambda x: x * x)
        return lambda: made(2.0)

    return [
        cost("make_vjp, 3 elements", 4.0, vjp),
        cost("make_vjp, containers", 4.0, vjp_tree),
        cost("make_jvp, 3 elements", 4.0, jvp),
        cost("jacobian, 3 x 3", 4.0, jacobian),
        cost("grad by two arguments", 4.0, several),
        cost("Hessian times vector, a number", 8.0, product),
        cost("Hessian, a number", 8.0, hessian),
    ]


CORE = {"S1": s1, "S2": s2, "S3": s3, "A1": a1, "A3": a3, "A5": a5, "P1": p1, "P3": p3, "O1": o1}
EXTRA = {"S4": s4, "A2": a2, "A4": a4, "A6": a6, "P2": p2}


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("ids", nargs="*", metavar="ID", help="which figures: S1 ... P3")
    options.add_argument("--all", action="store_true", help="the larger problems too")
    options.add_argument("--quick", action="store_true", help="short samples")
    options.add_argument("--strict", action="store_true", help="fail where a target is missed")
    options.add_argument("--json", metavar="FILE", help="write the figures to a file")
    args = options.parse_args(arguments)

    everything = {**CORE, **EXTRA}
    unknown = [name for name in args.ids if name not in everything]
    if unknown:
        options.error(
            f"no figure is called {', '.join(unknown)}; there are {', '.join(everything)}"
        )
    chosen = args.ids or (everything if args.all else CORE)
    effort = measure.QUICK if args.quick else measure.FULL
    print(
        f"fastad {fastad.__version__}, autograd {importlib.metadata.version('autograd')}, "
        f"NumPy {numpy.__version__}, Python {platform.python_version()}, {platform.machine()}"
    )
    print(HEADER)
    figures: list[Figure] = []
    for name in sorted(chosen):
        for figure in everything[name](effort):
            figures.append(figure)
            print(figure.line(), flush=True)
    short = [figure for figure in figures if figure.verdict == "short"]
    print(f"{len(figures)} figures, {len(short)} short of their target")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump([{**asdict(f), "verdict": f.verdict} for f in figures], file, indent=1)
    return 1 if args.strict and short else 0


if __name__ == "__main__":
    sys.exit(main())
