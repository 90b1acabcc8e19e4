"""The multivariate normal distribution: pdf, logpdf and entropy, by point, mean and covariance."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as onp
from scipy.stats import multivariate_normal as _mvn

from ... import _core
from ... import numpy as np
from ..registry import (
    Array,
    Namespace,
    Primitive,
    as_float,
    defjvp,
    defvjp,
    primal,
    printed,
    shape_of,
)
from .frozen import Frozen, make_callable

space = Namespace(_mvn, "fastad.scipy.stats.multivariate_normal")


def _precision(cov: Array, singular: bool) -> Array:
    """Inverse of the covariance; of a singular one the pseudoinverse, a constant."""
    if not singular:
        return np.linalg.inv(cov)
    return onp.linalg.pinv(primal(cov), hermitian=True)


def rows(x: Array, size: int) -> Array:
    """Points in rows, as SciPy reads x: a vector is one point, or many of size one."""
    if len(shape_of(x)) == 0:
        return np.reshape(x, (1, 1))
    if len(shape_of(x)) == 1:
        return np.reshape(x, (-1, 1) if size == 1 else (1, -1))
    return x


def spread(x: Array, size: int) -> Array:
    """Points that have fewer coordinates than the mean, which SciPy repeats."""
    shape = shape_of(x)
    fewer = size > 1 and (shape == () or shape[-1] == 1)
    return np.broadcast_to(x, (*shape[:-1], size)) if fewer else x


def _is_regular(cov: Any) -> bool:
    """Whether no eigenvalue counts as zero, by SciPy's measure."""
    values = onp.linalg.eigvalsh(cov)
    return bool(values[0] > 1e6 * onp.finfo(values.dtype).eps * abs(values[-1]))


def _refuse_singular() -> Any:
    raise NotImplementedError(
        "multivariate_normal: the density is not differentiable by a singular covariance "
        "(allow_singular=True); by x and mean it is"
    )


def _fields(x: Array, mean: Array, cov: Array, singular: bool) -> tuple[Array, Array]:
    """The precision, and precision (x - mean) for each point; the logarithm's slope by mean."""
    precision = _precision(cov, singular)
    away = rows(x, shape_of(mean)[0]) - mean
    # Symmetric, so that the order of rows and columns does not matter.
    return precision, np.matmul(away, (precision + np.swapaxes(precision, -1, -2)) / 2)


def _make(name: str, scaled: bool) -> None:
    """Enter pdf or logpdf; the slopes of pdf are those of logpdf times the value."""
    function = getattr(_mvn, name)

    def value(x: Any, mean: Any, cov: Any, singular: bool) -> Any:
        return function(x, mean, cov, allow_singular=singular)

    recorded = Primitive(value, f"multivariate_normal.{name}")

    def weight(g: Array, ans: Array) -> Array:
        return g * ans if scaled else g

    def pull(argnums: tuple[int, ...], ans: Array, args: Any, kwargs: Any) -> Any:
        x, mean, cov, singular = args
        if singular and 2 in argnums:
            _refuse_singular()

        def vjp(g: Array) -> Any:
            precision, slope = _fields(x, mean, cov, singular)
            size = shape_of(slope)[-1]
            lead = np.reshape(weight(g, ans), (*shape_of(slope)[:-1], 1))
            scaled = lead * slope
            result = []
            for argnum in argnums:
                if argnum == 0:
                    result.append(np.reshape(-scaled, shape_of(x)))
                elif argnum == 1:
                    result.append(np.sum(scaled, axis=tuple(range(len(shape_of(slope)) - 1))))
                else:
                    flat = np.reshape(slope, (-1, size))
                    outer = np.matmul(np.swapaxes(np.reshape(scaled, (-1, size)), -1, -2), flat)
                    turned = np.swapaxes(precision, -1, -2)
                    result.append(0.5 * (outer - np.sum(lead) * turned))
            return result

        return vjp

    _core.defvjp_argnums(recorded, pull)

    def along(t: Array, ans: Array) -> Array:
        # One point alone has a number for its value, many have an array.
        return weight(np.reshape(t, shape_of(ans)), ans)

    def jvp_x(t: Array, ans: Array, x: Array, mean: Array, cov: Array, singular: bool) -> Array:
        _, slope = _fields(x, mean, cov, singular)
        return along(-np.sum(rows(t, shape_of(mean)[0]) * slope, axis=-1), ans)

    def jvp_mean(t: Array, ans: Array, x: Array, mean: Array, cov: Array, singular: bool) -> Array:
        _, slope = _fields(x, mean, cov, singular)
        return along(np.sum(t * slope, axis=-1), ans)

    def jvp_cov(t: Array, ans: Array, x: Array, mean: Array, cov: Array, singular: bool) -> Array:
        if singular:
            _refuse_singular()
        precision, slope = _fields(x, mean, cov, singular)
        quadratic = np.sum(np.matmul(slope, np.swapaxes(t, -1, -2)) * slope, axis=-1)
        return along(0.5 * (quadratic - np.sum(np.swapaxes(precision, -1, -2) * t)), ans)

    defjvp(recorded, jvp_x, jvp_mean, jvp_cov)

    @space.composite(name)
    def traced(
        x: Array, mean: Any = None, cov: Any = 1, allow_singular: bool = False, **rest: Any
    ) -> Any:
        if rest or not _is_array(cov):
            given = map(printed, (x, mean, cov))
            return function(*given, allow_singular=allow_singular, **rest)
        x = as_float(x)
        mean, cov = vector_and_matrix(mean, cov, (x, mean, cov), function)
        singular = bool(allow_singular) and not _is_regular(primal(cov))
        return recorded(spread(x, shape_of(mean)[0]), mean, cov, singular)


def _is_array(cov: Any) -> bool:
    return isinstance(cov, (list, tuple, int, float)) or hasattr(cov, "dtype")


def vector_and_matrix(mean: Any, cov: Any, given: Any, function: Any) -> tuple[Array, Array]:
    """Mean and covariance as a vector and a matrix: SciPy takes numbers and diagonals as well."""
    cov = as_float(cov)
    mean = None if mean is None else as_float(mean)
    if cov.ndim > 2 or (mean is not None and mean.ndim > 1):
        function(*map(printed, given))  # raises SciPy's own error
    size = 1
    if mean is not None:
        size = max(size, mean.size)
    size = max(size, shape_of(cov)[0] if cov.ndim else 1)
    if mean is None:
        mean = onp.zeros(size)
    elif mean.ndim == 0:
        mean = np.reshape(mean, (1,))
    if cov.ndim == 0:
        cov = cov * onp.eye(size)
    elif cov.ndim == 1:
        cov = np.reshape(cov, (-1, 1)) * onp.eye(shape_of(cov)[0])
    return mean, cov


_make("logpdf", False)
_make("pdf", True)


def _entropy_function(mean: Any, cov: Any) -> Any:
    return _mvn.entropy(mean, cov)


entropy_value = Primitive(_entropy_function, "multivariate_normal.entropy")
# log(det(2 pi e cov)) / 2: its slope by cov is the inverse's transpose over two.
defvjp(
    entropy_value,
    None,
    lambda ans, mean, cov: lambda g: 0.5 * g * np.swapaxes(np.linalg.inv(cov), -1, -2),
)
defjvp(
    entropy_value,
    None,
    lambda t, ans, mean, cov: 0.5 * np.sum(t * np.swapaxes(np.linalg.inv(cov), -1, -2)),
)


@space.composite("entropy")
def entropy(mean: Any = None, cov: Any = 1) -> Array:
    """Differential entropy, which the mean has no part in."""
    mean, cov = vector_and_matrix(mean, cov, (mean, cov), _mvn.entropy)
    return entropy_value(primal(mean), cov)


def freeze(*args: Any, **kwds: Any) -> Frozen:
    """Fix mean and covariance."""
    return Frozen(_mvn, _methods, _bind, args, kwds)


def _bind(name: str, args: Any, kwds: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Mean and cov, for the densities allow_singular; the seed is for random variates."""
    taken = ("mean", "cov") if name == "entropy" else ("mean", "cov", "allow_singular")
    given = {**dict(zip(("mean", "cov", "allow_singular"), args)), **kwds}
    return (), {key: value for key, value in given.items() if key in taken}


_methods = dict(space.entries)

for _name in ("cdf", "logcdf", "rvs", "fit", "marginal"):
    if hasattr(_mvn, _name):
        space.rule(_name)

globals().update(space.entries, __all__=sorted(space.entries))
make_callable(sys.modules[__name__], freeze)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
