"""Programs replayed beside the plain evaluation, the eager gradient, and jax.jit.

``python benchmarks/replay.py [name ...]`` prints, for each workload, microseconds a call of plain
f, of the eager value and gradient, and of the replay, and the ratio replay / f. A gradient that
differs from the eager one is an error. Set OPENBLAS_NUM_THREADS=1 for one thread; peers are
compiled and warmed first.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from typing import Any

import measure
import numpy
import workloads

import fastad
import fastad.numpy as np
from fastad._core import Jitted, Paths, Recording, Signature

random = numpy.random.default_rng(0)


def normal(*shape: int) -> numpy.ndarray:
    return random.standard_normal(shape)


def logsumexp(np: Any) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        top = np.max(x)
        return top + np.log(np.sum(np.exp(x - top)))

    return f


def mixture(np: Any) -> Callable[..., Any]:
    """A Gaussian mixture with diagonal covariances: the sum over points of a log-sum-exp."""

    def f(weights: Any, means: Any, logs: Any, points: Any) -> Any:
        apart = (points[:, None, :] - means[None, :, :]) * np.exp(logs)[None, :, :]
        terms = weights + np.sum(logs, axis=1) - 0.5 * np.sum(apart**2, axis=2)
        top = np.max(terms, axis=1, keepdims=True)
        return np.sum(top[:, 0] + np.log(np.sum(np.exp(terms - top), axis=1)))

    return f


def network(np: Any) -> Callable[..., Any]:
    def f(parameters: Any, inputs: Any, targets: Any) -> Any:
        h = inputs
        for w, b in parameters[:-1]:
            h = np.tanh(np.dot(h, w) + b)
        w, b = parameters[-1]
        out = np.dot(h, w) + b
        return np.mean(np.sum((out - targets) ** 2, axis=1))

    return f


def recurrent(np: Any) -> Callable[..., Any]:
    def f(w: Any, u: Any, b: Any, inputs: Any) -> Any:
        h = np.dot(inputs[0], u) * 0.0
        total = 0.0
        for x in inputs:
            h = np.tanh(np.dot(h, w) + np.dot(x, u) + b)
            total = total + np.sum(h * h)
        return total

    return f


layers = [(784, 200), (200, 100), (100, 10)]
cases: dict[str, tuple[Callable[[Any], Callable[..., Any]], tuple[Any, ...]]] = {
    "number": (lambda np: lambda x: x * x, (3.0,)),
    "S1 taylor": (workloads.taylor_sine, (3.14,)),
    "S2 fan-out": (workloads.fan_out_fan_in, (1.5,)),
    "S3 n=1000": (workloads.indexed_squares, (normal(1000),)),
    "S4 rk4": (workloads.runge_kutta, (numpy.array([1.5, 1.0, 3.0, 1.0]),)),
    "A1 logistic": (workloads.logistic_loss, workloads.small_logistic()),
    "A3 n=10": (workloads.elementwise_sum, (normal(10),)),
    "A4 n=1000": (workloads.elementwise_sum, (normal(1000),)),
    "A4 n=100000": (workloads.elementwise_sum, (normal(100_000),)),
    "A4 n=3000000": (workloads.elementwise_sum, (normal(3_000_000),)),
    "A6 rosenbrock": (workloads.rosenbrock, (normal(100),)),
    "lse n=1000": (logsumexp, (normal(1000),)),
    "lse n=100000": (logsumexp, (normal(100_000),)),
    "gmm 1k d10K25": (
        mixture,
        (normal(25), normal(25, 10), 0.1 * normal(25, 10), normal(1000, 10)),
    ),
    "mlp b256": (
        network,
        (
            [(0.05 * normal(a, b), normal(b)) for a, b in layers],
            normal(256, 784),
            normal(256, 10),
        ),
    ),
    "rnn 100 b20": (
        recurrent,
        (0.3 * normal(20, 20), normal(10, 20), normal(20), normal(100, 20, 10)),
    ),
}


def leaves(tree: Any) -> list[Any]:
    if isinstance(tree, (list, tuple)):
        return [leaf for item in tree for leaf in leaves(item)]
    return [tree]


def replayer(function: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    """The function recorded at these arguments: the engine alone, no watch over its state."""

    def again(*_: object) -> Any:
        raise SystemExit("the program does not hold for the arguments that it was recorded at")

    signature, paths = Signature(args, {}), Paths()
    with Recording() as recording:
        boxed, _ = signature.rebuild([recording.box(x) for x in signature.leaves(args, {}) or []])
        paths.add(recording.finish(leaves(function(*boxed))))
    jitted = Jitted(again, function)
    jitted.install(signature, paths, None, True, sys.maxsize)
    return jitted


def compare(name: str, effort: measure.Effort, peer: bool) -> None:
    build, args = cases[name]
    plain, gradient = build(numpy), fastad.value_and_grad(build(np))
    replayed = replayer(gradient, args)
    for a, b in zip(leaves(replayed(*args)), leaves(gradient(*args)), strict=True):
        scale = max(1.0, float(numpy.max(numpy.abs(b))))
        if not numpy.max(numpy.abs(numpy.subtract(a, b))) <= 1e-10 * scale:
            raise SystemExit(f"{name}: the replay differs from the eager gradient")
    candidates: dict[str, Callable[[], object]] = {
        "f": lambda: plain(*args),
        "eager": lambda: gradient(*args),
        "program": lambda: replayed(*args),
    }
    if peer:
        import jax

        jax.config.update("jax_enable_x64", True)
        compiled = jax.jit(jax.value_and_grad(build(jax.numpy)))
        try:
            jax.block_until_ready(compiled(*args))
            candidates["jax"] = lambda: jax.block_until_ready(compiled(*args))
        except Exception as error:
            print(f"# jax cannot: {name}: {type(error).__name__}", file=sys.stderr)
    figures = {
        key: statistics.median(values) * 1e6
        for key, values in measure.samples(candidates, effort).items()
    }
    line = f"{name:16}" + "".join(f"{key} {value:11.2f}  " for key, value in figures.items())
    print(line + f"program/f {figures['program'] / figures['f']:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names to run; all if none")
    parser.add_argument("--jax", action="store_true", help="time jax.jit beside it")
    parser.add_argument("--full", action="store_true", help="longer samples")
    options = parser.parse_args()
    for name in cases:
        if not options.names or any(part in name for part in options.names):
            compare(name, measure.FULL if options.full else measure.QUICK, options.jax)


if __name__ == "__main__":
    main()
