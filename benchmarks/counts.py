"""Guards by counts: instructions of a recorded scalar operation, an array operation, a replay.

``python -m benchmarks --counts`` runs each program twice under Valgrind's callgrind, with few and
with many turns; the difference is what a turn costs, whatever else the machine does.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

from . import measure

__all__ = ["GUARDS", "Guard", "count"]


@dataclass(frozen=True)
class Guard:
    """A program of `turns` turns, and the most instructions that a turn may take."""

    name: str
    program: str
    few: int
    many: int
    most: float
    each: int = 1  # what is counted, in a turn


START = "import sys, numpy, fastad, fastad.numpy as np\nturns = int(sys.argv[1])\n"
GUARDS = [
    Guard(
        "scalar operation, value and gradient",
        START
        + """
def f(x):
    y = x
    for _ in range(turns):
        y = y * x + x
    return y
fastad.grad(f)(0.5)
""",
        1000,
        21_000,
        600.0,
        2,
    ),
    Guard(
        "operation on 3 elements, value and gradient",
        START
        + """
def f(x):
    for _ in range(turns):
        x = np.sin(x)
    return np.sum(x)
fastad.grad(f)(numpy.ones(3))
""",
        100,
        4100,
        6200.0,
    ),
    Guard(
        "replayed instruction of a program of numbers",
        START
        + """
def f(x):
    y = x
    for _ in range(500):
        y = y * x + x
    return y
g = fastad.jit(fastad.value_and_grad(f))
for k in range(8):
    g(0.5 + 0.01 * k)
for _ in range(turns):
    g(0.7)
""",
        100,
        2100,
        65.0,
        1000,
    ),
]


def _instructions(program: str, turns: int) -> int:
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        + measure.command(program, str(turns)),
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    if done.returncode or not found:
        raise SystemExit(f"callgrind failed:\n{done.stderr[-2000:]}")
    return int(found.group(1))


def count(guard: Guard) -> float:
    """Instructions of one of what the guard counts."""
    if shutil.which("valgrind") is None:
        raise SystemExit("counts need Valgrind: install it with the system's packages (valgrind)")
    difference = _instructions(guard.program, guard.many) - _instructions(guard.program, guard.few)
    return difference / (guard.many - guard.few) / guard.each
