"""Fixed costs: bytes a recorded operation, import, a call on plain arrays, the operators.

``python -m benchmarks --costs`` prints them with their targets.
"""

from __future__ import annotations

import gc
import math
import os
import statistics
import subprocess
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import autograd
import autograd.differential_operators
import autograd.numpy
import numpy

import fastad
import fastad.numpy
from fastad import _core

from . import measure
from .measure import Effort, readable
from .running import agree
from .trees import flat


@dataclass
class Figure:
    """One line: `value` is judged by `target`, which it should not exceed."""

    name: str
    value: float
    unit: str
    target: float | None
    note: str = ""

    def line(self) -> str:
        target = "" if self.target is None else f"<= {self.target:g}"
        verdict = "" if self.target is None else "ok" if self.value <= self.target else "short"
        value = f"{self.value:.3g} {self.unit}"
        return f"{self.name:40} {value:>12} {target:>8}  {verdict:5} {self.note}".rstrip()


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


def memory(effort: Effort) -> list[Figure]:
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
        Figure("bytes a scalar operation, tape", own, "B", 40.0),
        Figure(
            "bytes a scalar operation, process",
            grown / count,
            "B",
            None,
            note=f"Python's own allocator: {python_bytes:.2g} B",
        ),
    ]


def plain_call(effort: Effort) -> list[Figure]:
    x = numpy.array([0.1, 0.2, 0.3])
    plain, ours, theirs = numpy.sin, fastad.numpy.sin, autograd.numpy.sin
    # A call costs well under a microsecond, so more samples are taken than elsewhere.
    more = Effort(effort.sample, 4 * effort.rounds, effort.limit)
    taken = measure.samples(
        {"f": lambda: plain(x), "fastad": lambda: ours(x), "autograd": lambda: theirs(x)}, more
    )
    extra = statistics.median(a - b for a, b in zip(taken["fastad"], taken["f"], strict=True))
    return [Figure("sin of a plain array, over NumPy", extra * 1e9, "ns", 60.0)]


def cold_start(effort: Effort) -> list[Figure]:
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
            done = subprocess.run(measure.command(timed), check=True, capture_output=True)
            best[name] = min(best.get(name, math.inf), float(done.stdout))
    first = best.pop("first gradient") - best["fastad"]
    folder = Path(fastad.__file__).parent
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    extra = best["fastad"] - best["f"]
    return [
        Figure("import, over import numpy", extra * 1e3, "ms", 15.0),
        Figure("first gradient, after that", first * 1e3, "ms", None),
        Figure("size of the package", size / 1e6, "MB", 10.0),
    ]


def operators_alone(effort: Effort) -> list[Figure]:
    """The operators themselves: functions that do nothing, so that what is left is their own."""
    x = numpy.array([1.0, 2.0, 3.0])
    tree = {"a": 2.0, "b": [x, 3.0]}

    def cost(workload: str, target: float, make: Callable[[Any, Any], Callable[[], Any]]) -> Figure:
        ours, theirs = make(fastad, fastad.numpy), make(autograd, autograd.numpy)
        if not agree(flat(ours()), flat(theirs())):
            raise SystemExit(f"{workload}: fastad's result is not autograd's")
        taken = measure.samples({"fastad": ours, "autograd": theirs}, effort)
        middle = measure.medians(taken)
        note = f"autograd {readable(middle['autograd'])}"
        return Figure(workload, middle["fastad"] * 1e6, "us", target, note)

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


def costs(effort: Effort) -> list[Figure]:
    """All of them."""
    parts = (memory, plain_call, cold_start, operators_alone)
    return [figure for part in parts for figure in part(effort)]
