"""The packages that are measured beside fastad: how each differentiates a workload.

A peer is a function of a workload and its arguments. It gives the call that is timed, and what
turns that call's result into value and gradient as nests of NumPy's arrays. What it cannot do it
says by raising.
"""

from __future__ import annotations

import importlib.metadata
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

from .kinds import RESULT_ONLY, like_autograd, like_jax, like_torch, whole_run
from .trees import chosen, flat, leaves, mapped, replaced
from .workloads import Workload

__all__ = ["PEERS", "Prepared", "missing", "versions"]


@dataclass(frozen=True)
class Prepared:
    """A call to time, and what reads the gradient out of its result."""

    call: Callable[[], Any]
    gradient: Callable[[Any], numpy.ndarray]


class Cannot(Exception):
    """A peer has no way to do what a workload asks for."""


def _second(result: Any) -> numpy.ndarray:
    return flat(result[1])


def _result(workload: Workload) -> Callable[[Any], numpy.ndarray]:
    return flat if workload.what in RESULT_ONLY else _second


def _prepared(workload: Workload, function: Any, args: tuple[Any, ...]) -> Prepared:
    if workload.what == "minimize":
        return Prepared(*whole_run(function, args[0]))
    return Prepared(lambda: function(*args), _result(workload))


def fastad(workload: Workload, args: tuple[Any, ...]) -> Prepared:
    """Eager, as it is called."""
    import fastad
    import fastad.numpy

    function = like_autograd(fastad, workload, workload.build(fastad.numpy))
    return _prepared(workload, function, args)


def fastad_jit(workload: Workload, args: tuple[Any, ...]) -> Prepared:
    """Under fastad.jit, after the calls that it records."""
    import fastad
    import fastad.numpy

    function = fastad.jit(like_autograd(fastad, workload, workload.build(fastad.numpy)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # that it runs without being replayed
        for _ in range(6):
            function(*args)
    return _prepared(workload, function, args)


def fastad_into(workload: Workload, args: tuple[Any, ...]) -> Prepared:
    """Under fastad.jit, with results written into arrays given, as CasADi writes into buffers."""
    import fastad
    import fastad.numpy

    if workload.what == "minimize":
        raise Cannot("SciPy keeps the gradients that it is given")
    function = fastad.jit(like_autograd(fastad, workload, workload.build(fastad.numpy)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for _ in range(6):
            result = function(*args)
    out = _places(result)
    into = function.into
    # As many arguments as there are, since a tuple of others would have to be made for each call.
    calls: dict[int, Callable[..., Any]] = {
        1: lambda a: lambda: into(out, a),
        2: lambda a, b: lambda: into(out, a, b),
        3: lambda a, b, c: lambda: into(out, a, b, c),
    }
    call = calls[len(args)](*args) if len(args) in calls else lambda: into(out, *args)
    return Prepared(call, _result(workload))


def _places(result: Any) -> Any:
    """Arrays for the results: one for each, and one for rows of numbers."""
    if isinstance(result, tuple):
        return tuple(_places(item) for item in result)
    if isinstance(result, list):
        try:
            if not any(isinstance(leaf, numpy.ndarray) for leaf in leaves(result)):
                return numpy.array(result, dtype=float)
        except ValueError:  # of different lengths
            pass
        return [_places(item) for item in result]
    return numpy.array(result)


def autograd(workload: Workload, args: tuple[Any, ...]) -> Prepared:
    """HIPS/autograd."""
    import autograd
    import autograd.numpy

    function = like_autograd(autograd, workload, workload.build(autograd.numpy))
    return _prepared(workload, function, args)


def by_hand(workload: Workload, args: tuple[Any, ...]) -> Prepared:
    """NumPy, the gradient written by hand."""
    function = workload.hand
    if function is None or workload.what in RESULT_ONLY:
        raise Cannot("not written")
    return _prepared(workload, function, args)


def jax(workload: Workload, args: tuple[Any, ...]) -> Prepared:
    """jax.jit of the gradient, in double precision, compiled before."""
    import jax
    import jax.numpy

    jax.config.update("jax_enable_x64", True)
    made = like_jax(jax, workload, workload.build(jax.numpy))
    traced = chosen(args, workload.argnum)
    whole = tuple(
        i for i, arg in enumerate(args) if isinstance(arg, (int, float)) and i not in traced
    )
    compiled = jax.jit(made, static_argnums=whole)
    given = tuple(
        arg if i in whole else mapped(jax.numpy.asarray, arg) for i, arg in enumerate(args)
    )
    jax.block_until_ready(compiled(*given))
    if workload.what == "minimize":
        return _prepared(workload, lambda x: tuple(map(numpy.asarray, compiled(x))), args)
    return Prepared(lambda: jax.block_until_ready(compiled(*given)), _result(workload))


class _TorchNumpy:
    """NumPy's names for what workloads use, on tensors."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.linalg = torch.linalg

    def __getattr__(self, name: str) -> Any:
        return getattr(self.torch, name)

    def log(self, x: Any) -> Any:
        return math.log(x) if isinstance(x, float) else self.torch.log(x)

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.torch.sum(x) if axis is None else self.torch.sum(x, dim=axis, keepdim=keepdims)

    def mean(self, x: Any, axis: Any = None) -> Any:
        return self.torch.mean(x) if axis is None else self.torch.mean(x, dim=axis)

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.torch.amax(x, () if axis is None else axis, keepdim=keepdims)

    def min(self, x: Any, axis: Any = None) -> Any:
        return self.torch.amin(x, () if axis is None else axis)

    def dot(self, a: Any, b: Any) -> Any:
        return a @ (b if isinstance(b, self.torch.Tensor) else self.torch.from_numpy(b))

    def concatenate(self, parts: Any, axis: int = 0) -> Any:
        return self.torch.cat(list(parts), dim=axis)

    def stack(self, parts: Any, axis: int = 0) -> Any:
        return self.torch.stack(list(parts), dim=axis)

    def eye(self, n: int) -> Any:
        return self.torch.eye(n, dtype=self.torch.float64)


def torch(workload: Workload, args: tuple[Any, ...]) -> Prepared:
    """Eager torch, on one thread."""
    import torch

    torch.set_num_threads(1)
    function = workload.build(_TorchNumpy(torch))
    places = chosen(args, workload.argnum)

    def tensor(x: Any, traced: bool) -> Any:
        if isinstance(x, (int, float)) and not traced:
            return x
        given = numpy.asarray(x)
        indices = given.dtype.kind in "iu" and not traced  # an array of indices
        made = torch.as_tensor(given if indices else given.astype(float))
        return made.clone().requires_grad_() if traced else made

    given = [mapped(lambda x, i=i: tensor(x, i in places), arg) for i, arg in enumerate(args)]
    derivative = like_torch(torch, workload, function, given)
    if derivative is not None:
        return Prepared(derivative, lambda made: flat(made.detach().numpy()))
    if workload.what == "minimize":

        def value_and_grad(x: Any) -> Any:
            x = torch.tensor(x, requires_grad=True)
            value = function(x)
            return value.item(), torch.autograd.grad(value, x)[0].numpy()

        return _prepared(workload, value_and_grad, args)
    inputs = leaves([given[i] for i in places])

    def call() -> Any:
        value = function(*given)
        return value, torch.autograd.grad(value, inputs)

    return Prepared(call, lambda made: flat([leaf.numpy() for leaf in made[1]]))


class _MyGradNumpy:
    def __init__(self, mygrad: Any) -> None:
        self.mygrad = mygrad

    def __getattr__(self, name: str) -> Any:
        return getattr(self.mygrad, name)

    def dot(self, a: Any, b: Any) -> Any:
        return self.mygrad.matmul(a, b)


def mygrad(workload: Workload, args: tuple[Any, ...]) -> Prepared:
    """MyGrad: NumPy's names on tensors."""
    import mygrad

    if workload.what != "gradient":
        raise Cannot("gradients alone")
    function = workload.build(_MyGradNumpy(mygrad))
    places = chosen(args, workload.argnum)

    def call() -> Any:
        traced = {i: mapped(lambda x: mygrad.tensor(x, dtype=float), args[i]) for i in places}
        value = function(*replaced(args, traced))
        value.backward()
        return value, [leaf.grad for leaf in leaves(list(traced.values()))]

    return Prepared(call, _second)


class _CasadiNumpy:
    """NumPy's names for what workloads of numbers and vectors use, on CasADi's matrices."""

    def __init__(self, casadi: Any) -> None:
        self.casadi = casadi

    def __getattr__(self, name: str) -> Any:
        if name in ("sin", "cos", "exp", "log", "tanh", "sqrt"):
            return getattr(self.casadi, name)
        raise Cannot(f"no {name} of matrices")

    def sum(self, x: Any) -> Any:
        return self.casadi.sum1(self.casadi.sum2(x)) if hasattr(x, "shape") else x

    def dot(self, a: Any, b: Any) -> Any:
        return self.casadi.mtimes(self.casadi.DM(a), b)


def casadi(workload: Workload, args: tuple[Any, ...]) -> Prepared:
    """CasADi: a Function of scalar instructions (SX), run through its buffers."""
    import casadi

    if workload.what in RESULT_ONLY or isinstance(workload.argnum, tuple):
        raise Cannot("not written")
    if len(leaves(args[1:])) and max(numpy.size(leaf) for leaf in leaves(args[1:])) > 1000:
        raise Cannot("as many instructions as elements of the data")
    place = workload.argnum
    symbols: list[Any] = []

    def symbol(x: Any) -> Any:
        shape = numpy.shape(x)
        if len(shape) > 1 or numpy.size(x) > 10_000:
            raise Cannot("as many instructions as elements")
        symbols.append(casadi.SX.sym(f"x{len(symbols)}", *shape))
        return symbols[-1]

    traced = mapped(symbol, args[place])
    arrays = [i for i, arg in enumerate(args) if isinstance(arg, numpy.ndarray)]
    others = {i: casadi.DM(args[i]) for i in arrays}
    value = workload.build(_CasadiNumpy(casadi))(*replaced(args, {**others, place: traced}))
    inputs = casadi.vertcat(*symbols)
    made = casadi.Function("g", [inputs], [value, casadi.gradient(value, inputs)])
    buffer, run = made.buffer()
    given = flat(args[place])
    results = numpy.zeros(1), numpy.zeros(given.size)
    buffer.set_arg(0, memoryview(given))
    for i, result in enumerate(results):
        buffer.set_res(i, memoryview(result))

    def call() -> Any:
        run()
        return results

    if workload.what == "minimize":

        def value_and_grad(x: Any) -> Any:
            given[:] = x
            run()
            return results[0][0], results[1].copy()

        value_and_grad.kept = buffer  # type: ignore[attr-defined]
        return _prepared(workload, value_and_grad, args)
    # `run` reads the arguments from where they lie, and keeps neither them nor the buffer alive.
    call.kept = buffer, given  # type: ignore[attr-defined]
    return Prepared(call, _second)


class _XadNumpy:
    def __init__(self, math: Any) -> None:
        self.math = math

    def __getattr__(self, name: str) -> Any:
        return getattr(self.math, name)

    def sum(self, x: Any) -> Any:
        return x


def xad(workload: Workload, args: tuple[Any, ...]) -> Prepared:
    """XAD: a tape of numbers, from Python."""
    import xad.adj_1st
    import xad.math

    if workload.group != "numbers" or workload.what != "gradient":
        raise Cannot("it has numbers only")
    function = workload.build(_XadNumpy(xad.math))
    (place,) = chosen(args, workload.argnum)

    def numbers(x: Any) -> Any:
        return x.tolist() if isinstance(x, numpy.ndarray) else x

    given = mapped(numbers, args[place])

    def call() -> Any:
        with xad.adj_1st.Tape() as tape:
            traced = mapped(xad.adj_1st.Real, given)
            inputs = leaves(traced)
            for x in inputs:
                tape.registerInput(x)
            tape.newRecording()
            value = function(*replaced(args, {place: traced}))
            tape.registerOutput(value)
            value.derivative = 1.0
            tape.computeAdjoints()
            return value.value, [x.derivative for x in inputs]

    return Prepared(call, _second)


PEERS: dict[str, Callable[[Workload, tuple[Any, ...]], Prepared]] = {
    "fastad": fastad,
    "fastad.jit": fastad_jit,
    "fastad.into": fastad_into,
    "autograd": autograd,
    "torch": torch,
    "jax": jax,
    "casadi": casadi,
    "xad": xad,
    "mygrad": mygrad,
    "hand": by_hand,
}
PACKAGES = {"hand": "numpy", "fastad.jit": "fastad", "fastad.into": "fastad"}


def versions() -> dict[str, str]:
    """The installed version of every peer's package, and of NumPy."""
    found = {}
    for name in ["numpy", *(PACKAGES.get(peer, peer) for peer in PEERS)]:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if name == "fastad":  # run from a checkout
                import fastad

                found[name] = fastad.__version__
    return found


def missing() -> list[str]:
    """The peers whose package is not installed."""
    have = versions()
    return [peer for peer in PEERS if PACKAGES.get(peer, peer) not in have]
