"""The multivariate normal distribution: pdf, logpdf and entropy, by point, mean and covariance."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as onp
import scipy.stats
from scipy.linalg import lapack
from scipy.stats import multivariate_normal as _mvn

from ... import _core
from ... import numpy as np
from ...numpy.registry import isbox
from ..registry import (
    ARRAYS,
    REFUSED,
    Array,
    Namespace,
    Primitive,
    as_float,
    as_value,
    attach_along,
    defjvp,
    defvjp,
    helper,
    primal,
    printed,
    shape_of,
)
from .family import refuse_call
from .frozen import Frozen, make_callable

DOUBLE = onp.dtype(float)
EPSILON = float(onp.finfo(float).eps)
LOG_2PI = onp.log(2 * onp.pi)

space = Namespace(_mvn, "fastad.scipy.stats.multivariate_normal")


@helper
def symmetric(cov: Any) -> Any:
    """The symmetric matrix that SciPy takes a matrix for: it reads the lower triangle.

    Its slopes belong to both triangles alike, as those of a symmetric matrix do.
    """
    return onp.tril(cov) + onp.swapaxes(onp.tril(cov, -1), -1, -2)


defvjp(symmetric, lambda ans, cov: lambda g: g)
defjvp(symmetric, lambda t, ans, cov: t)


def _precision(cov: Array, singular: bool) -> Array:
    """Inverse of the covariance; of a singular one the pseudoinverse, a constant."""
    if not singular:
        return np.linalg.inv(symmetric(cov))
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


_lapack: Any = lapack  # SciPy's stubs leave routines out
# What `cov` may be beside a matrix, from SciPy 1.10 on.
_COVARIANCE: Any = getattr(scipy.stats, "Covariance", ())


def _is_regular(cov: Any) -> bool:
    """Whether no eigenvalue counts as zero, by SciPy's measure."""
    values = onp.linalg.eigvalsh(cov)
    return bool(values[0] > 1e6 * onp.finfo(values.dtype).eps * abs(values[-1]))


@functools.lru_cache(maxsize=64)
def _work(size: int) -> tuple[int, int]:
    """Lengths of LAPACK's work arrays, as `scipy.linalg.eigh` asks for them."""
    work, integers, _ = _lapack.dsyevr_lwork(size, lower=1)
    return int(work), int(integers)


def _summed(function: Callable[[Any], Any], name: str) -> Any:
    """The sum of a function's values along the last axis, by a formula for small arrays."""
    primitive = Primitive(lambda x, axis, keepdims: onp.add.reduce(function(x), axis=axis), name)
    return attach_along(
        primitive,
        ("x", "axis", "keepdims"),
        lambda x, axis: onp.sum(function(x), axis=axis, keepdims=True),
        lambda g, ans, x, axis: REFUSED,
    )


_squares = _summed(lambda x: x * x, "sum_of_squares")
_logarithms = _summed(onp.log, "sum_of_logarithms")


def _are_doubles(x: Any, mean: Any, cov: Any) -> bool:
    """Tell whether these are plain arrays of float64."""
    return (
        type(x) is type(mean) is type(cov) is onp.ndarray
        and x.dtype is DOUBLE
        and mean.dtype is DOUBLE
        and cov.dtype is DOUBLE
    )


def _of_regular(x: Any, mean: Any, cov: Any) -> Any:
    """SciPy's logarithm of the density by SciPy's arithmetic, without its checks and objects.

    And a matrix that whitens: its product with its transpose is the precision. For points, vector
    and regular matrix of float64; None for all others.
    """
    if not _are_doubles(x, mean, cov):
        return None
    size = mean.shape[0] if mean.ndim == 1 else 0
    if size < 2 or cov.shape != (size, size) or x.shape[-1:] != (size,):
        return None
    work, integers = _work(size)
    # Sums of infinities and NaN are no number: SciPy's own error for these follows.
    if not math.isfinite(onp.add.reduce(cov, None)):
        return None
    values, vectors, _, _, failed = _lapack.dsyevr(cov, lower=1, lwork=work, liwork=integers)
    if failed or not values.item(0) > 1e6 * EPSILON * abs(values.item(-1)):
        return None
    whitening = vectors * onp.sqrt(1 / values)
    whitened = (x - mean) @ whitening
    distance = _squares(whitened, -1, False)
    value = -0.5 * (size * LOG_2PI + _logarithms(values, 0, False) + distance)
    return value if value.ndim == 0 else value.squeeze()[()], whitening


@functools.cache
def _is_scipys() -> bool:
    """Tell whether `_of_regular` gives the bits of the installed SciPy's."""
    x = onp.array([[0.3, -1.1, 0.8], [1.7, 0.2, -0.4], [0.1, 0.9, 2.3]])
    for points in (x, x[0]):
        ours = _of_regular(points, x[1], x @ x.T)
        if ours is None or not onp.array_equal(ours[0], _mvn.logpdf(points, x[1], x @ x.T)):
            return False
    return True


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
    return precision, away @ ((precision + precision.T) / 2)


def _but_last(rule: Callable[..., Array]) -> Callable[..., Array]:
    """A forward rule of the operation for a call of the one whose value is known."""

    def known(t: Array, ans: Array, x: Array, mean: Array, cov: Array, *given: Any) -> Array:
        return rule(t, ans, x, mean, cov, False)

    return known


def _make(name: str, scaled: bool) -> None:
    """Enter pdf or logpdf; the slopes of pdf are those of logpdf times the value."""
    function = getattr(_mvn, name)

    def value(x: Any, mean: Any, cov: Any, singular: bool) -> Any:
        quick = _of_regular(x, mean, cov) if _is_scipys() else None
        if quick is None:
            return function(x, mean, cov, allow_singular=singular)
        return onp.exp(quick[0]) if scaled else quick[0]

    @functools.wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != 3:
            return function(*args, **kwargs)
        return value(*args, False)

    recorded = Primitive(value, f"multivariate_normal.{name}")

    def weight(g: Array, ans: Array) -> Array:
        return g * ans if scaled else g

    def pull(argnums: tuple[int, ...], ans: Array, args: Any, kwargs: Any) -> Any:
        x, mean, cov, singular = args
        if singular and 2 in argnums:
            _refuse_singular()

        def vjp(g: Array) -> Any:
            precision, slope = _fields(x, mean, cov, singular)
            slope = slope.reshape(-1, shape_of(mean)[0])
            lead = as_value(weight(g, ans)).reshape(-1)
            scaled = lead.reshape(-1, 1) * slope
            result = []
            for argnum in argnums:
                if argnum == 0:
                    result.append(-scaled.reshape(shape_of(x)))
                elif argnum == 1:
                    result.append(lead @ slope)
                else:
                    result.append(0.5 * (scaled.T @ slope - np.sum(lead) * precision.T))
            return result

        return vjp

    _core.defvjp_argnums(recorded, pull)

    def pull_known(argnums: tuple[int, ...], ans: Array, args: Any, kwargs: Any) -> Any:
        x, mean, cov, _, whitening = args
        general = pull(argnums, ans, (x, mean, cov, False), kwargs)
        if not _are_doubles(x, mean, cov):
            return general

        def vjp(g: Array) -> Any:
            if isbox(g):
                return general(g)
            lead = weight(g, ans)
            slope = (x - mean) @ whitening @ whitening.T
            if x.ndim > 1:
                slope = slope.reshape(-1, slope.shape[-1])
                lead = onp.reshape(lead, (-1, 1))
            scaled = lead * slope
            result = []
            for argnum in argnums:
                if argnum == 0:
                    result.append(-scaled.reshape(x.shape))
                elif argnum == 1:
                    result.append(scaled if x.ndim == 1 else onp.add.reduce(scaled, 0))
                else:
                    times = onp.add.reduce(lead, None)
                    outer = scaled.T @ slope if x.ndim > 1 else onp.multiply.outer(scaled, slope)
                    result.append(0.5 * (outer - times * (whitening @ whitening.T)))
            return result

        return vjp

    known = Primitive(lambda x, mean, cov, value, whitening: value, f"multivariate_normal.{name}")
    _core.defvjp_argnums(known, pull_known)

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

    rules = (jvp_x, jvp_mean, jvp_cov)
    defjvp(recorded, *rules)
    # Of those whose value is known, and never of a singular covariance.
    defjvp(known, *[_but_last(rule) for rule in rules])

    @space.composite(name, plain=plain)
    def traced(
        x: Array, mean: Any = None, cov: Any = 1, allow_singular: bool = False, **rest: Any
    ) -> Any:
        quick = _of_regular(primal(x), primal(mean), primal(cov)) if _is_scipys() else None
        if quick is not None and not rest:
            value, whitening = quick
            return known(x, mean, cov, onp.exp(value) if scaled else value, whitening)
        if rest:
            refuse_call(function, f"multivariate_normal.{name}", (x, mean, cov), rest)
        if isinstance(cov, _COVARIANCE):
            cov, allow_singular = cov.covariance, True
        elif cov is None:
            cov = 1.0
        x = as_float(x)
        if not _are_given_so(mean, cov):
            mean, cov = vector_and_matrix(mean, cov, (x, mean, cov), function)
        singular = bool(allow_singular) and not _is_regular(primal(cov))
        return recorded(spread(x, shape_of(mean)[0]), mean, cov, singular)


def _are_given_so(mean: Any, cov: Any) -> bool:
    """Tell whether these are a vector and a matrix of double precision, not tables."""
    return (
        type(cov) in ARRAYS
        and type(mean) in ARRAYS
        and cov.ndim == 2
        and mean.ndim == 1
        and cov.dtype == mean.dtype == DOUBLE
    )


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
    lambda ans, mean, cov: lambda g: 0.5 * g * np.swapaxes(np.linalg.inv(symmetric(cov)), -1, -2),
)
defjvp(
    entropy_value,
    None,
    lambda t, ans, mean, cov: 0.5 * np.sum(t * np.swapaxes(np.linalg.inv(symmetric(cov)), -1, -2)),
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
