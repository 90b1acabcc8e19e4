"""Drawn programs over every operation of the table: how they are drawn, run, printed and shrunk.

A program is a list of steps on a pool of vectors. A step runs one call of an operation, at the
call's sample point moved a little by values of the pool, and puts its outputs into the pool: on its
own, in a loop, in a branch, within an inner gradient or tangent that closes over outer values, or
within an inner gradient that raises. What a program returns is a weighted sum over its pool.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as onp
from cases import DIFFERENTIABLE, Case, cases_of

import fastad.numpy as np
from fastad import grad, make_jvp

SIZE = 5
KINDS = ("call", "call", "call", "loop", "branch", "gradient", "tangent", "container", "raise")

# A sample point is moved so little that it stays in an operation's domain.
STEP = 0.02

# Operations that are no smooth function of their arguments near each of their sample points.
NOT_SMOOTH = {"real_if_close": "it is another function off the real axis"}


class Interruption(Exception):
    """What a function of a program's raises in the middle of a gradient."""


@dataclass(frozen=True)
class Step:
    """One step: the call, the places of the pool that it reads, and what is around it."""

    kind: str
    case: Case
    reads: tuple[int, ...]  # for each leaf a place of the pool, negative: the leaf stays as it is
    outputs: tuple[int, ...]

    def __str__(self) -> str:
        fed = ", ".join(f"v[{i}]" if i >= 0 else "-" for i in self.reads)
        return f"{self.kind:9} {self.case}  leaves moved by: {fed}"


def _usable(case: Case) -> tuple[int, ...]:
    """The outputs of a call that are floating or complex, finite and not empty."""
    with onp.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs = [onp.asarray(one) for one in case.numpy(*copy.deepcopy(case.leaves))]
    return tuple(
        i
        for i, one in enumerate(outputs)
        if one.dtype.kind in "fc" and one.size and onp.all(onp.isfinite(one))
    )


CALLS = {
    name: calls
    for name in DIFFERENTIABLE
    if name not in NOT_SMOOTH
    and (
        calls := [(case, out) for case in cases_of(name) if case.leaves and (out := _usable(case))]
    )
}


def drawn(seed: int) -> list[Step]:
    """The program of a seed; its first operation goes through the table as the seeds do."""
    random = onp.random.default_rng([20261126, seed])
    names = sorted(CALLS)
    steps: list[Step] = []
    size = 2
    for k in range(int(random.integers(2, 6))):
        name = names[seed % len(names)] if k == 0 else names[int(random.integers(len(names)))]
        case, outputs = CALLS[name][int(random.integers(len(CALLS[name])))]
        reads = [int(random.integers(-1, size)) for _ in case.leaves]
        if max(reads) < 0:
            reads[int(random.integers(len(reads)))] = size - 1
        kind = KINDS[int(random.integers(len(KINDS)))]
        steps.append(Step(kind, case, tuple(reads), outputs))
        size += 1
    return steps


def _moved(leaf: Any, value: Any) -> Any:
    """The leaf, moved by values of the pool that are laid out in its shape."""
    size, shape = onp.size(leaf), onp.shape(leaf)
    length = onp.shape(value)[0]
    by = STEP * value[onp.arange(size) % length]
    by = np.reshape(by, shape) if shape else by[0]
    return leaf + by * (1.0 + 0.5j) if onp.iscomplexobj(leaf) else leaf + by


def _called(step: Step, pool: Sequence[Any], value: Any = None) -> Any:
    """The outputs of a step's call as one vector of bounded values."""
    leaves = [
        leaf if i < 0 else _moved(leaf, pool[i] if value is None else value)
        for leaf, i in zip(step.case.leaves, step.reads)
    ]
    outputs = step.case.fastad(*leaves)
    parts = []
    for i in step.outputs:
        flat = np.ravel(outputs[i])[:SIZE]
        if _is_complex(flat):
            flat = np.real(flat) + 0.5 * np.imag(flat)
        # Linear algebra takes no half or long precision.
        parts.append(np.tanh(0.3 * flat).astype(onp.float64))
    return np.concatenate(parts)[:SIZE]


def _is_complex(x: Any) -> bool:
    return x.dtype.kind == "c"


def step_of(step: Step, pool: list[Any]) -> Any:
    """What a step puts into the pool."""
    last = pool[max(step.reads)]
    if step.kind == "loop":
        result = last
        for k in range(3):
            result = _called(step, pool, result) * (0.5 + k)
        return result
    if step.kind == "branch":
        return _called(step, pool) if np.sum(last) > 0.1 else 0.5 * _called(step, pool) - last[0]
    if step.kind == "gradient":  # the inner function closes over the outer values of the pool
        return np.tanh(grad(lambda v: np.sum(_called(step, pool, v * pool[0][0])))(last))
    if step.kind == "tangent":
        direction = np.sin(last)
        return np.tanh(make_jvp(lambda v: _called(step, pool, v))(last)(direction)[1])
    if step.kind == "container":
        held = {"a": [_called(step, pool)], "b": (last, 2.0)}
        return grad(lambda h: np.sum(h["a"][0] ** 3) * h["b"][1])(held)["a"][0]
    if step.kind == "raise":

        def raising(v: Any) -> Any:
            _called(step, pool, v)
            raise Interruption

        try:
            grad(raising)(last)
        except Interruption:
            pass
    return _called(step, pool)


def function_of(steps: Sequence[Step]) -> Callable[[Any], Any]:
    """The program as a function of one vector."""

    def program(x: Any) -> Any:
        pool = [x[:3], np.sin(x)]
        for step in steps:
            pool.append(step_of(step, pool))
        return sum(
            np.sum(v * (0.7 + onp.cos(onp.arange(v.shape[0]) + k))) for k, v in enumerate(pool)
        )

    return program


def close(a: Any, b: Any, rtol: float) -> bool:
    a, b = onp.asarray(a), onp.asarray(b)
    scale = max(1.0, float(onp.max(onp.abs(b))))
    return bool(onp.all(onp.isfinite(a)) and onp.max(onp.abs(a - b)) <= rtol * scale)


def fault_of(steps: Sequence[Step], seed: int) -> str | None:
    """What is wrong with a program's derivatives; None if nothing is."""
    random = onp.random.default_rng(seed)
    x = random.uniform(0.2, 1.2, SIZE)
    t, w = random.uniform(-1.0, 1.0, (2, SIZE))
    f = function_of(steps)
    try:
        with onp.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _fault(f, x, t, w)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _fault(f: Callable[[Any], Any], x: Any, t: Any, w: Any) -> str | None:
    value = f(x)
    gradient = grad(f)(x)
    tangent_of = make_jvp(f)
    traced, along = tangent_of(x)(t)
    if value != traced and not close(traced, value, 1e-13):
        return f"the value is {value}, traced {traced}"
    if not close(onp.dot(gradient, t), along, 1e-9):
        return f"reverse mode gives {onp.dot(gradient, t)}, forward mode {along}"
    h = 1e-4
    near, far = f(x + h * t) - f(x - h * t), f(x + 2 * h * t) - f(x - 2 * h * t)
    numeric = (8.0 * near - far) / (12.0 * h)
    if not close(along, numeric, 1e-6):
        return f"forward mode gives {along}, differences {numeric}"
    of_gradient = make_jvp(grad(f))(x)(t)[1]  # forward over reverse
    of_tangent = grad(lambda x: tangent_of(x)(t)[1])(x)  # reverse over forward
    if not close(of_tangent, of_gradient, 1e-8):
        return f"forward over reverse gives {of_gradient}, reverse over forward {of_tangent}"
    twice = grad(lambda x: np.dot(grad(f)(x), w))(x)  # reverse over reverse
    if not close(onp.dot(twice, t), onp.dot(of_gradient, w), 1e-8):
        return f"reverse over reverse gives {onp.dot(twice, t)}, others {onp.dot(of_gradient, w)}"
    numeric = (grad(f)(x + h * t) - grad(f)(x - h * t)) / (2.0 * h)
    if not close(of_gradient, numeric, 1e-4):
        return f"the second derivative is {of_gradient}, by differences {numeric}"
    return None


def shrunk(steps: list[Step], seed: int) -> list[Step]:
    """The program without the steps that its fault does not need, each as plain as can be."""
    smaller = True
    while smaller:
        smaller = False
        for k in range(len(steps)):
            rest = steps[:k] + [_without(step, k) for step in steps[k + 1 :]]
            plainer = [*steps[:k], _plain(steps[k]), *steps[k + 1 :]]
            for candidate in (rest, plainer):
                if candidate and candidate != steps and fault_of(candidate, seed):
                    steps, smaller = candidate, True
                    break
            if smaller:
                break
    return steps


def _without(step: Step, k: int) -> Step:
    """A step whose reads of what step k put into the pool go to the first entry."""
    place = k + 2
    reads = [i - 1 if i > place else 0 if i == place else i for i in step.reads]
    return Step(step.kind, step.case, tuple(reads), step.outputs)


def _plain(step: Step) -> Step:
    return Step("call", step.case, step.reads, step.outputs)


def report(seed: int, steps: list[Step]) -> str:
    """A failing program, shrunk, with what is wrong with it."""
    small = shrunk(steps, seed)
    lines = [f"program {seed}: {fault_of(small, seed)}"]
    lines += [f"    v[{k + 2}] = {step}" for k, step in enumerate(small)]
    return "\n".join(lines)
