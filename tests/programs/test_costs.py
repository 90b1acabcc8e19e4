"""What a program costs: bytes an instruction, the first call, the time until it is replayed."""

import time

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import _core, jit, value_and_grad


def by_elements(points):
    total = 0.0
    for x in points:
        inner = 0.0
        for j in range(5):
            inner = inner + np.exp(-((x - 0.1 * j) ** 2)) * (j + 1)
        total = total + np.log(inner)
    return total


def steps(y):
    for _ in range(300):
        y = y + 0.01 * np.sin(y) * np.exp(-y * y)
    return np.sum(y)


CASES = {
    "numbers": (by_elements, lambda i: [0.1 + 0.001 * k + 0.01 * i for k in range(400)]),
    "arrays": (steps, lambda i: onp.linspace(0.1, 1.0, 50) + 0.01 * i),
}


def seconds(function, argument):
    start = time.thread_time()  # others use the machine too
    function(argument)
    return time.thread_time() - start


def recorded(both, argument):
    """A program, and the seconds from the last recorded operation until it can run."""
    with _core.Recording() as recording:
        if isinstance(argument, list):
            value, slope = both([recording.box(x) for x in argument])
        else:
            value, slope = both(recording.box(argument))
        outputs = [value, *slope] if isinstance(slope, list) else [value, slope]
        start = time.thread_time()
        program = recording.finish(outputs)
        return program, time.thread_time() - start


@pytest.mark.parametrize("name", CASES)
def test_costs_of_a_program(name):
    fun, argument = CASES[name]
    both = value_and_grad(fun)
    both(argument(0))
    eager, first, finishing = [], [], []
    for i in range(5):
        fast = jit(both, check="off")
        eager += [seconds(both, argument(i)) for _ in range(3)]
        first.append(seconds(fast, argument(0)))
        program, taken = recorded(both, argument(i))
        finishing.append(taken / len(program))
    each = program.nbytes / len(program)
    print(
        f"{name}: {len(program)} instructions, {each:.1f} bytes each; first call "
        f"{min(first) / min(eager):.2f} of eager; {min(finishing) * 1e6:.2f} us an instruction "
        "to replay"
    )
    if name == "numbers":  # that of arrays has the memory of their elements
        assert each <= 48
    assert min(first) <= 3 * min(eager)
    assert min(finishing) <= 5e-6
