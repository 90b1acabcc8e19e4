"""Statistics of samples: means, moments, scores, correlations and distances, by the samples.

Values are SciPy's own. What a formula here computes is what is differentiated, up to rounding;
orders, masks and counts are constants.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as onp
import scipy.stats

from ... import numpy as np
from ...numpy.mathematics.lengths import unit_of
from ...numpy.registry import normalized_axis
from ..registry import (
    Array,
    Namespace,
    Primitive,
    as_float,
    helper,
    primal,
    shape_of,
)
from ..special.space import sp
from . import beta

space = Namespace(scipy.stats, "fastad.scipy.stats")

Formula = Callable[..., Array]


# ---- axes ----------------------------------------------------------------------------------------


def _to_last(x: Array, axis: Any) -> Array:
    """x with the axes that are summed over as one, the last; None for all of them."""
    if axis is None:
        return np.reshape(x, (-1,))
    if isinstance(axis, tuple):
        places = [normalized_axis(one, x.ndim) for one in axis]
        x = np.moveaxis(x, places, range(-len(places), 0))
        return np.reshape(x, (*shape_of(x)[: x.ndim - len(places)], -1))
    return np.moveaxis(x, axis, -1)


def _kept(ans: Array, shape: tuple[int, ...], axis: Any) -> Array:
    """A result with axes of one where an array of this shape was summed over."""
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    gone = {normalized_axis(one, len(shape)) for one in axes}
    several = shape_of(ans)[: len(shape_of(ans)) - (len(shape) - len(gone))]  # moments' orders
    return np.reshape(ans, several + tuple(1 if i in gone else n for i, n in enumerate(shape)))


def _refuse_omission(name: str, policy: Any, samples: Any) -> None:
    if policy == "omit" and any(onp.any(onp.isnan(primal(x))) for x in samples):
        raise NotImplementedError(
            f"scipy.stats.{name}: nan_policy='omit' has no derivative rule in fastad; leave out "
            "the points that are not numbers first"
        )


# What parameters were called before, and are called now.
_RENAMED = {"moment": "order"}


def _along_an_axis(
    *names: str, samples: int = 1, elementwise: bool = False
) -> Callable[[Formula], Any]:
    """Enter functions of samples along an axis; the formula sees that axis as the last one.

    Parameters
    ----------
    *names : str
        SciPy's names.
    samples : int
        How many of the first arguments are samples.
    elementwise : bool
        The result has the first sample's shape, and no axis is lost.
    """

    def register(formula: Formula) -> Any:
        for name in names:
            function = space.find(name)
            if function is not None:
                space.derivative_of(name)(_laid_out(name, function, formula, samples, elementwise))
        return formula

    return register


def _laid_out(
    name: str, function: Any, formula: Formula, samples: int, elementwise: bool
) -> Formula:
    signature = inspect.signature(function)

    @functools.wraps(formula)
    def derivative(*args: Any, **kwargs: Any) -> Array:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = {_RENAMED.get(key, key): value for key, value in bound.arguments.items()}
        given.update(given.pop("kwargs", {}))
        first = [as_float(given.pop(key)) for key in list(given)[:samples]]
        axis = given.pop("axis", None)
        keep = given.pop("keepdims", False)
        _refuse_omission(name, given.pop("nan_policy", None), first)
        whole = onp.broadcast_shapes(*map(shape_of, first)) if samples > 1 else shape_of(first[0])
        laid = [_to_last(x, axis) for x in first]
        if elementwise:
            ans = formula(*laid, **given)
            shape = shape_of(first[0])
            return np.reshape(ans, shape) if axis is None else np.moveaxis(ans, -1, axis)
        if given.get("weights") is not None:
            weights = as_float(given["weights"])
            if shape_of(weights) == whole:
                weights = _to_last(weights, axis)
            given["weights"] = weights
        ans = formula(*laid, **given)
        return _kept(ans, whole, axis) if keep else ans

    derivative.__signature__ = signature  # type: ignore[attr-defined]
    return derivative


def _mean(x: Array, weights: Any = None) -> Array:
    """The mean along the last axis, which stays."""
    if weights is None:
        return np.mean(x, axis=-1, keepdims=True)
    weights = weights / _unit(weights)
    total = np.sum(weights * np.ones(shape_of(x)), axis=-1, keepdims=True)
    return np.sum(x * weights, axis=-1, keepdims=True) / total


def _unit(x: Array) -> Any:
    """A power of two near the largest number of each sample, a constant."""
    return unit_of(np.max(np.abs(primal(x)), axis=-1, keepdims=True, initial=0.0))


def _central(x: Array, order: Any) -> Array:
    """The central moment along the last axis."""
    return np.mean((x - _mean(x)) ** order, axis=-1)


def _spread(x: Array, ddof: Any) -> Array:
    """The standard deviation along the last axis, which stays."""
    size = _unit(x)
    return size * np.std(x / size, axis=-1, ddof=ddof, keepdims=True)


# ---- means ---------------------------------------------------------------------------------------


def _typed(x: Array, dtype: Any) -> Array:
    return x if dtype is None else np.asarray(x).astype(dtype)


@_along_an_axis("gmean")
def gmean(a: Array, dtype: Any = None, weights: Any = None) -> Array:
    """The geometric mean, by samples and weights."""
    return np.exp(_mean(np.log(_typed(a, dtype)), weights)[..., 0])


@_along_an_axis("hmean")
def hmean(a: Array, dtype: Any = None, weights: Any = None) -> Array:
    """The harmonic mean, by samples and weights."""
    a = _typed(a, dtype)
    size = _unit(a)
    return (size / _mean(size / a, weights))[..., 0]


@_along_an_axis("pmean")
def pmean(a: Array, p: Any, dtype: Any = None, weights: Any = None) -> Array:
    """The power mean, by samples, weights and the power, if that is not zero."""
    if bool(onp.all(primal(p) == 0)):
        return gmean(a, dtype, weights)
    a = _typed(a, dtype)
    size = _unit(a)
    return (size * _mean((a / size) ** p, weights) ** (1.0 / p))[..., 0]


@_along_an_axis("trim_mean")
def trim_mean(a: Array, proportiontocut: Any) -> Array:
    """The mean of the middle of the sorted sample."""
    n = shape_of(a)[-1]
    cut = int(proportiontocut * n)
    return np.mean(np.sort(a, axis=-1)[..., cut : n - cut], axis=-1)


@_along_an_axis("expectile")
def expectile(a: Array, alpha: Any = 0.5, *, weights: Any = None) -> Array:
    """The expectile, by sample, weights and alpha: a mean with alpha for the weights above it."""
    plain = None if weights is None else primal(weights)
    scaled = primal(a) / _unit(a)
    shares = np.where(scaled > _expectile(scaled, primal(alpha), plain), alpha, 1.0 - alpha)
    return _mean(a, shares if weights is None else shares * weights)[..., 0]


@helper
def _expectile(a: Any, alpha: Any, weights: Any) -> Any:
    return scipy.stats.expectile(a, alpha, weights=weights)


# ---- moments -------------------------------------------------------------------------------------


@_along_an_axis("moment")
def moment(a: Array, order: Any = 1, *, center: Any = None) -> Array:
    """Central moments, or those about a center, by sample and center."""
    about = _mean(a) if center is None else center
    away = a - about

    def one(power: Any) -> Array:
        if power == 0:
            return np.mean(a * 0.0 + 1.0, axis=-1)
        return np.mean(away ** int(power), axis=-1)

    if onp.ndim(order) == 0:
        return one(order)
    return np.stack([one(power) for power in order])


@_along_an_axis("skew")
def skew(a: Array, bias: Any = True) -> Array:
    """The third central moment over the second to the power 1.5."""
    a, n = a / _unit(a), shape_of(a)[-1]
    value = _central(a, 3) / _central(a, 2) ** 1.5
    return value if bias or n < 3 else value * onp.sqrt((n - 1.0) * n) / (n - 2.0)


@_along_an_axis("kurtosis")
def kurtosis(a: Array, fisher: Any = True, bias: Any = True) -> Array:
    """The fourth central moment over the square of the second, less three."""
    a, n = a / _unit(a), shape_of(a)[-1]
    value = _central(a, 4) / _central(a, 2) ** 2
    if not bias and n > 3:
        value = ((n**2 - 1.0) * value - 3.0 * (n - 1.0) ** 2) / ((n - 2.0) * (n - 3.0)) + 3.0
    return value - 3.0 if fisher else value


@_along_an_axis("kstat")
def kstat(data: Array, n: Any = 2) -> Array:
    """The unbiased estimate of the n-th cumulant, n at most four."""
    count = 1.0 * shape_of(data)[-1]
    if n == 1:
        return np.mean(data, axis=-1)
    second = count * _central(data, 2)
    if n == 2:
        return second / (count - 1)
    if n == 3:
        return count**2 * _central(data, 3) / ((count - 1) * (count - 2))
    fourth = count * (count + 1) * _central(data, 4) - 3 * (count - 1) * _central(data, 2) ** 2
    return count**2 * fourth / ((count - 1) * (count - 2) * (count - 3))


@_along_an_axis("variation")
def variation(a: Array, ddof: Any = 0) -> Array:
    """The standard deviation over the mean."""
    return (_spread(a, ddof) / _mean(a))[..., 0]


@_along_an_axis("sem")
def sem(a: Array, ddof: Any = 1) -> Array:
    """The standard error of the mean."""
    return _spread(a, ddof)[..., 0] / shape_of(a)[-1] ** 0.5


@_along_an_axis("gstd")
def gstd(a: Array, ddof: Any = 1) -> Array:
    """The geometric standard deviation."""
    return np.exp(_spread(np.log(a), ddof)[..., 0])


def _within(x: Array, limits: Any, inclusive: Any) -> Any:
    """Which entries lie within limits."""
    x, inside = primal(x), True
    low, high = (None, None) if limits is None else limits
    if low is not None:
        inside = inside & (x >= low if inclusive[0] else x > low)
    if high is not None:
        inside = inside & (x <= high if inclusive[1] else x < high)
    return inside & (x == x)


def _trimmed(
    a: Array, limits: Any, inclusive: Any, ddof: Any
) -> tuple[Array, tuple[Any, Array], Any]:
    """Mean, variance (over the square of a size, which is beside it) and count within limits."""
    inside = _within(a, limits, inclusive)
    count = 1.0 * np.sum(inside, axis=-1, keepdims=True)
    mean = np.sum(np.where(inside, a, 0.0), axis=-1, keepdims=True) / count
    away = np.where(inside, a - mean, 0.0)
    size = _unit(away)
    variance = np.sum((away / size) ** 2, axis=-1) / (count[..., 0] - ddof)
    return mean[..., 0], (size[..., 0], variance), count[..., 0]


@_along_an_axis("tmean")
def tmean(a: Array, limits: Any = None, inclusive: Any = (True, True)) -> Array:
    """The mean of what lies within limits."""
    return _trimmed(a, limits, inclusive, 0)[0]


@_along_an_axis("tvar")
def tvar(a: Array, limits: Any = None, inclusive: Any = (True, True), ddof: Any = 1) -> Array:
    """The variance of what lies within limits."""
    size, variance = _trimmed(a, limits, inclusive, ddof)[1]
    return size**2 * variance


@_along_an_axis("tstd")
def tstd(a: Array, limits: Any = None, inclusive: Any = (True, True), ddof: Any = 1) -> Array:
    """The standard deviation of what lies within limits."""
    size, variance = _trimmed(a, limits, inclusive, ddof)[1]
    return size * np.sqrt(variance)


@_along_an_axis("tsem")
def tsem(a: Array, limits: Any = None, inclusive: Any = (True, True), ddof: Any = 1) -> Array:
    """The standard error of the mean of what lies within limits."""
    _, (size, variance), count = _trimmed(a, limits, inclusive, ddof)
    return size * np.sqrt(variance / count)


# ---- quantiles -----------------------------------------------------------------------------------


@_along_an_axis("iqr")
def iqr(x: Array, rng: Any = (25, 75), scale: Any = 1.0, interpolation: str = "linear") -> Array:
    """The distance between two percentiles."""
    if shape_of(x)[-1] == 0:
        return np.sum(x, axis=-1) + onp.nan
    low, high = np.percentile(x, sorted(rng), axis=-1, method=interpolation)
    if isinstance(scale, str):
        scale = 2 * onp.sqrt(2) * scipy.special.erfinv(0.5)
    return (high - low) / scale


@_along_an_axis("median_abs_deviation")
def median_abs_deviation(x: Array, center: Any = onp.median, scale: Any = 1.0) -> Array:
    """The median distance from the center."""
    middle = (np.median if center in (None, onp.median) else center)(x, axis=-1)
    if isinstance(scale, str):
        scale = scipy.special.ndtri(0.75)
    return np.median(np.abs(x - np.expand_dims(middle, -1)), axis=-1) / scale


# ---- scores --------------------------------------------------------------------------------------


def _score(x: Array, compare: Array, ddof: Any) -> Array:
    return (x - _mean(compare)) / _spread(compare, ddof)


@_along_an_axis("zscore", elementwise=True)
def zscore(a: Array, ddof: Any = 0) -> Array:
    """How many standard deviations each entry is from the mean."""
    return _score(a, a, ddof)


@_along_an_axis("gzscore", elementwise=True)
def gzscore(a: Array, ddof: Any = 0) -> Array:
    """The score of the logarithms."""
    a = np.log(a)
    return _score(a, a, ddof)


@space.derivative_of("zmap")
def zmap(
    scores: Array, compare: Array, axis: Any = 0, ddof: Any = 0, nan_policy: Any = "propagate"
) -> Array:
    """The scores by mean and standard deviation of another sample."""
    scores, compare = as_float(scores), as_float(compare)
    _refuse_omission("zmap", nan_policy, (scores, compare))
    if axis is None:
        return _score(scores, np.reshape(compare, (-1,)), ddof)
    places = np.moveaxis(compare, axis, -1)
    return np.moveaxis(_score(np.moveaxis(scores, axis, -1), places, ddof), -1, axis)


# ---- entropy -------------------------------------------------------------------------------------


@space.derivative_of("entropy")
def entropy(
    pk: Array,
    qk: Any = None,
    base: Any = None,
    axis: Any = 0,
    *,
    nan_policy: Any = "propagate",
    keepdims: bool = False,
) -> Array:
    """The entropy of shares, or relative to others, by both and the base."""
    pk = as_float(pk)
    qk = None if qk is None else as_float(qk)
    _refuse_omission("entropy", nan_policy, (pk,) if qk is None else (pk, qk))
    whole = shape_of(pk) if qk is None else onp.broadcast_shapes(shape_of(pk), shape_of(qk))
    p = _to_last(pk, axis)
    p = p / np.sum(p, axis=-1, keepdims=True)
    if qk is None:
        terms = sp.entr(p)
    else:
        q = _to_last(qk, axis)
        terms = sp.rel_entr(p, q / np.sum(q, axis=-1, keepdims=True))
    ans = np.sum(terms, axis=-1)
    ans = ans if base is None else ans / np.log(base)
    return _kept(ans, whole, axis) if keepdims else ans


# ---- transformations to normality ----------------------------------------------------------------


def _yeojohnson(x: Array, lmbda: Any) -> Array:
    """Box and Cox's transformation of 1 + |x|, with 2 - lambda below zero."""
    up = primal(x) >= 0
    above = sp.boxcox1p(np.where(up, x, 0.0), lmbda)
    return np.where(up, above, -sp.boxcox1p(np.where(up, 0.0, -x), 2.0 - lmbda))


def _of_lambda(name: str, transformed: Formula, slope: Formula) -> None:
    function = space.find(name)
    if function is None:
        return
    signature = inspect.signature(function)

    @space.derivative_of(name)
    def likelihood(lmb: Any, data: Array, *args: Any, **kwargs: Any) -> Array:
        bound = signature.bind(lmb, data, *args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        axis, data = given.get("axis", 0), as_float(data)
        _refuse_omission(name, given.get("nan_policy"), (data,))
        x = _to_last(data, axis)
        n = shape_of(x)[-1]
        ans = slope(x, lmb) - n / 2.0 * np.log(_central(transformed(x, lmb), 2))
        return _kept(ans, shape_of(data), axis) if given.get("keepdims") else ans


_of_lambda("boxcox_llf", sp.boxcox, lambda x, lmb: (lmb - 1.0) * np.sum(np.log(x), axis=-1))
_of_lambda(
    "yeojohnson_llf",
    _yeojohnson,
    lambda x, lmb: (lmb - 1.0) * np.sum(np.sign(primal(x)) * np.log1p(np.abs(x)), axis=-1),
)


def _with_lambda(name: str, transformed: Formula) -> None:
    function = space.find(name)

    def traced(x: Array, lmbda: Any = None, *args: Any, **kwargs: Any) -> Array:
        if lmbda is None:
            raise NotImplementedError(
                f"scipy.stats.{name}: the lambda that it finds has no derivative rule in fastad; "
                f"give lmbda, or find it by fastad.scipy.optimize.minimize_scalar of -{name}_llf"
            )
        return recorded(as_float(x), lmbda)

    recorded = Primitive(
        lambda x, lmbda: function(x, lmbda), f"stats.{name}", derivative=transformed
    )
    space.composite(name)(traced)


_with_lambda("boxcox", sp.boxcox)
_with_lambda("yeojohnson", _yeojohnson)


# ---- angles --------------------------------------------------------------------------------------


def _angles(samples: Array, high: Any, low: Any) -> tuple[Array, Array]:
    """Means of sine and cosine."""
    turned = (samples - low) * (2.0 * onp.pi) / (high - low)
    return np.mean(np.sin(turned), axis=-1), np.mean(np.cos(turned), axis=-1)


@_along_an_axis("circmean")
def circmean(samples: Array, high: Any = 2 * onp.pi, low: Any = 0) -> Array:
    """The mean of angles."""
    angle = np.arctan2(*_angles(samples, high, low))
    return np.mod(angle, 2.0 * onp.pi) * (high - low) / 2.0 / onp.pi + low


@_along_an_axis("circvar")
def circvar(samples: Array, high: Any = 2 * onp.pi, low: Any = 0) -> Array:
    """One less the length of the mean of unit vectors."""
    return 1.0 - np.hypot(*_angles(samples, high, low))


@_along_an_axis("circstd")
def circstd(
    samples: Array, high: Any = 2 * onp.pi, low: Any = 0, *, normalize: bool = False
) -> Array:
    """The standard deviation of angles."""
    square = -2.0 * np.log(np.hypot(*_angles(samples, high, low)))
    some = primal(square) > 0  # where there is no spread its slope counts as zero
    value = np.where(some, np.sqrt(np.where(some, square, 1.0)), 0.0)
    return value if normalize else value * (high - low) / (2.0 * onp.pi)


# ---- two samples ---------------------------------------------------------------------------------


@functools.partial(helper, zero=True)
def _order(x: Any) -> Any:
    return onp.argsort(x, kind="stable")


def _shares(values: Array, weights: Any) -> Array:
    if weights is None:
        count = shape_of(values)[0]
        return onp.full(count, 1.0 / count)
    weights = np.ravel(as_float(weights))
    return weights / np.sum(weights)


def _distance(power: int) -> Formula:
    """The distance of two distribution functions: the integral of |U - V| ** power."""

    def distance(
        u_values: Array, v_values: Array, u_weights: Any = None, v_weights: Any = None
    ) -> Array:
        u, v = np.ravel(as_float(u_values)), np.ravel(as_float(v_values))
        every = np.concatenate([u, v])
        # In their order, also among equal ones: the interval between two of these is empty, but
        # grows where one moves.
        order = _order(primal(every))
        steps = np.concatenate([_shares(u, u_weights), -_shares(v, v_weights)])
        between = np.cumsum(np.take(steps, order))[:-1]
        gaps = np.diff(np.take(every, order))
        if power == 1:
            return np.sum(np.abs(between) * gaps)
        return np.sqrt(2.0) * np.sqrt(np.sum(between**2 * gaps))

    return distance


space.derivative_of("wasserstein_distance")(_distance(1))
space.derivative_of("energy_distance")(_distance(2))


def _correlation(x: Array, y: Array) -> Array:
    """The cosine of the angle between what x and y are off their means, along the last axis."""
    x, y = x / _unit(x), y / _unit(y)
    x, y = x - _mean(x), y - _mean(y)
    lengths = np.sqrt(np.sum(x * x, axis=-1)) * np.sqrt(np.sum(y * y, axis=-1))
    return np.sum(x * y, axis=-1) / lengths


def _chance(r: Array, n: int, alternative: str) -> Array:
    """The probability of a correlation as large by chance, of n normal pairs."""
    if n == 2:
        return 0.0 * r + 1.0
    half = n / 2.0 - 1.0
    if alternative == "two-sided":
        return 2.0 * beta.sf(np.abs(r), half, half, -1.0, 2.0)
    return (beta.sf if alternative == "greater" else beta.cdf)(r, half, half, -1.0, 2.0)


def _pearson_value(x: Any, y: Any, alternative: str, axis: Any) -> Any:
    options = {} if axis is None else {"axis": axis}
    found: Any = scipy.stats.pearsonr(x, y, alternative=alternative, **options)
    return found.statistic, found.pvalue


def _pearson_formula(x: Array, y: Array, alternative: str, axis: Any) -> tuple[Array, Array]:
    x, y = (np.moveaxis(one, 0 if axis is None else axis, -1) for one in (x, y))
    r = _correlation(x, y)
    return r, _chance(r, shape_of(x)[-1], alternative)


_pearson = helper(_pearson_value, _pearson_formula)


@space.composite("pearsonr")
def pearsonr(
    x: Array, y: Array, *, alternative: str = "two-sided", method: Any = None, axis: Any = None
) -> Any:
    """The correlation of two samples and its probability by chance, by both."""
    if method is not None:
        raise NotImplementedError(
            "scipy.stats.pearsonr: method= draws samples anew and has no derivative rule in "
            "fastad; leave it out"
        )
    x, y = as_float(x), as_float(y)
    statistic, pvalue = _pearson(x, y, alternative, axis)
    plain: Any = scipy.stats.pearsonr([0.0, 1.0, 3.0], [0.0, 2.0, 1.0])
    given = {"alternative": alternative, "n": shape_of(x)[axis or 0], "x": x, "y": y}
    if "axis" in inspect.signature(type(plain)).parameters:
        given["axis"] = axis or 0
    return type(plain)(statistic=statistic, pvalue=pvalue, **given)


def _line_value(x: Any, y: Any, alternative: str) -> Any:
    found: Any = scipy.stats.linregress(x, y, alternative=alternative)
    return (*found, found.intercept_stderr)


def _line_formula(x: Array, y: Array, alternative: str) -> tuple[Array, ...]:
    n = shape_of(x)[-1]
    across, up = x - np.mean(x), y - np.mean(y)
    spread = np.mean(across * across)
    slope = np.mean(across * up) / spread
    intercept = np.mean(y) - slope * np.mean(x)
    r = _correlation(x, y)
    error = np.sqrt((1.0 - r**2) * np.mean(up * up) / spread / (n - 2.0))
    return (
        slope,
        intercept,
        r,
        _chance(r, n, alternative),
        error,
        error * np.sqrt(spread + np.mean(x) ** 2),
    )


_line = helper(_line_value, _line_formula)


@space.composite("linregress")
def linregress(x: Array, y: Array, alternative: str = "two-sided") -> Any:
    """The straight line of least squares, its correlation and errors, by places and values."""
    x, y = as_float(x), as_float(y)
    slope, intercept, r, pvalue, error, of_intercept = _line(x, y, alternative)
    kind: Any = type(scipy.stats.linregress([0.0, 1.0, 3.0], [0.0, 2.0, 1.0]))
    return kind(slope, intercept, r, pvalue, error, intercept_stderr=of_intercept)
