"""What else than a gradient a workload asks for, of packages whose operators are autograd's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from .trees import flat
from .workloads import Workload

__all__ = ["RESULT_ONLY", "evaluation", "like_autograd", "like_jax", "like_torch", "whole_run"]

Function = Callable[..., Any]

# Kinds whose call gives derivatives alone, without the value.
RESULT_ONLY = {"hessian", "derivative6", "jacobian", "columns", "rows", "per-sample", "hvp"}


def like_autograd(package: Any, workload: Workload, function: Function) -> Function:
    """The function to call, by the operators that autograd and fastad share."""
    what = workload.what
    if what == "hessian":
        return package.hessian(function)
    if what == "jacobian":
        return package.jacobian(function)
    if what == "columns":
        return _columns(package, function)
    if what == "rows":
        return _rows(package, function)
    if what == "hvp":
        return package.hessian_vector_product(function)
    if what == "per-sample":
        gradient = package.grad(function)
        return lambda w, xs, ys: [gradient(w, x, y) for x, y in zip(xs, ys)]
    if what == "derivative6":
        for _ in range(6):
            function = package.elementwise_grad(function)
        return function
    return package.value_and_grad(function, workload.argnum)


def _columns(package: Any, function: Function) -> Function:
    """The Jacobian by a pass forwards for each component of the argument."""

    def jacobian(x: Any, *rest: Any) -> Any:
        jvp = package.make_jvp(function)(x, *rest)
        return numpy.stack([jvp(unit)[1] for unit in numpy.eye(x.size)], axis=-1)

    return jacobian


def _rows(package: Any, function: Function) -> Function:
    """The Jacobian by a sweep backwards for each component of the value."""

    def jacobian(x: Any, *rest: Any) -> Any:
        vjp, value = package.make_vjp(function)(x, *rest)
        return numpy.stack([vjp(unit) for unit in numpy.eye(value.size)])

    return jacobian


def like_jax(jax: Any, workload: Workload, function: Function) -> Function:
    """The same by jax's transformations, to be compiled."""
    what = workload.what
    if what == "hessian":
        return jax.hessian(function)
    if what in ("jacobian", "columns"):
        return jax.jacfwd(function)
    if what == "rows":
        return jax.jacrev(function)
    if what == "per-sample":
        return jax.vmap(jax.grad(function), (None, 0, 0))
    if what == "hvp":

        def product(x: Any, *rest: Any) -> Any:
            *others, v = rest
            return jax.jvp(lambda x: jax.grad(function)(x, *others), (x,), (v,))[1]

        return product
    if what == "derivative6":
        for _ in range(6):
            function = _of_elements(jax, function)
        return function
    return jax.value_and_grad(function, workload.argnum)


def _of_elements(jax: Any, function: Function) -> Function:
    return jax.grad(lambda x: function(x).sum())


def like_torch(torch: Any, workload: Workload, function: Function, given: Any) -> Any:
    """A call that gives the derivative as a tensor; None for gradients."""
    what, (first, *rest) = workload.what, given
    functional = torch.autograd.functional
    if what == "hessian":
        return lambda: functional.hessian(function, first)
    if what in ("jacobian", "columns"):
        forwards = {"strategy": "forward-mode", "vectorize": True}
        return lambda: functional.jacobian(lambda x: function(x, *rest), first, **forwards)
    if what == "rows":
        return lambda: functional.jacobian(lambda x: function(x, *rest), first)
    if what == "per-sample":
        many = torch.func.vmap(torch.func.grad(function), (None, 0, 0))
        return lambda: many(first.detach(), *rest)
    if what == "hvp":
        *others, v = rest
        return lambda: functional.hvp(lambda x: function(x, *others), first, v)[1]
    if what == "derivative6":

        def sixth() -> Any:
            y = function(first)
            for order in range(6):
                (y,) = torch.autograd.grad(y.sum(), first, create_graph=order < 5)
            return y

        return sixth
    return None


def whole_run(function: Function, start: Any) -> tuple[Function, Function]:
    """A minimisation by SciPy's L-BFGS, and what reads from it the gradient to compare.

    That is the one at the start: two runs part in their last bits, and so in what follows.
    """
    from scipy.optimize import minimize

    def run() -> Any:
        found = minimize(function, start, jac=True, method="L-BFGS-B")
        if not found.success:
            raise ArithmeticError(f"L-BFGS: {found.message}")
        return found

    return run, lambda found: flat(function(start)[1])


def evaluation(workload: Workload, args: tuple[Any, ...]) -> Callable[[], Any]:
    """The plain evaluation that a workload's times are compared with."""
    plain = workload.build(numpy)
    if workload.what == "per-sample":
        w, xs, ys = args
        return lambda: [plain(w, x, y) for x, y in zip(xs, ys)]
    if workload.what == "hvp":
        return lambda: plain(*args[:-1])
    if workload.what == "minimize":  # as often as the run asks for it
        import fastad
        import fastad.numpy

        run, _ = whole_run(fastad.value_and_grad(workload.build(fastad.numpy)), args[0])
        times = range(run().nfev)
        return lambda: [plain(args[0]) for _ in times]
    return lambda: plain(*args)
