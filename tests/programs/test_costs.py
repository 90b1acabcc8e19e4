"""What a program costs, and what that is held to.

- 48 bytes an instruction, of programs of numbers;
- a first call: three times an eager one;
- from the last recorded operation until it can be replayed: 5 us an instruction;
- a call of a replay: value and gradient of x * x take 0.4 us beyond an empty function, written into
  arrays 0.25 us. Times of that size differ from machine to machine; here it is less than an eager
  call, which takes about 0.5 us: 0.15 and 0.2 were measured beside it.
"""

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


def least_seconds(call, times=2000, samples=15):
    """Seconds a call, of the sample that was disturbed least."""
    taken = []
    for _ in range(samples):
        start = time.perf_counter()
        for _ in range(times):
            call()
        taken.append((time.perf_counter() - start) / times)
    return min(taken)


def test_costs_of_a_call():
    both = value_and_grad(lambda x: x * x)
    fast = jit(both, check="off")
    for i in range(6):
        fast(1.5 + i)
    places = (onp.zeros(()), onp.zeros(()))
    eager = least_seconds(lambda: both(1.5))
    call = least_seconds(lambda: fast(1.5))
    into = least_seconds(lambda: fast.into(places, 1.5))
    print(f"a call {call / eager:.2f}, into {into / eager:.2f} of eager, {eager * 1e9:.0f} ns")
    assert call <= 0.7 * eager
    assert into <= 0.9 * eager
