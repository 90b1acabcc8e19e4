"""Correlations of variables: cov, corrcoef."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..registry import (
    Array,
    as_value,
    cast,
    constant,
    derivative_of,
    ops,
    primal,
)


@derivative_of("cov")
def cov(
    m: Array,
    y: Array | None = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Array:
    """Covariances of variables, with (traced) weights of the observations."""
    m = as_value(m)
    x = _variables(m, rowvar or (ROWS_BY_NDIM and m.ndim == 1))
    if not x.shape[0]:  # whatever y is
        return np.zeros((0, 0), x.dtype)
    if y is not None:
        y = as_value(y)
        x = ops.concatenate([x, _variables(y, rowvar or ops.atleast_2d(y).shape[0] == 1)], 0)
    ddof = ddof if ddof is not None else int(not bias)
    weights = 1.0 if fweights is None else as_value(constant(fweights)).astype(np.float64)
    if aweights is not None:
        aweights = cast(ops.real(as_value(aweights)), np.dtype(np.float64))
        weights = weights * aweights
    if fweights is None and aweights is None:
        total, factor = x.shape[1], x.shape[1] - ddof
    else:
        total = factor = ops.sum(weights)
        if aweights is not None:
            factor = total - ddof * ops.sum(weights * aweights) / total
        else:
            factor = total - ddof
    x = x - ops.sum(x * weights, axis=1, keepdims=True) / total
    with np.errstate(all="ignore"):
        result = ops.matmul(x * weights, ops.transpose(ops.conj(x))) / factor
    if primal(factor) <= 0:
        result = result * np.nan
    return ops.squeeze(result)


# Earlier, one row was taken for one variable whatever rowvar says.
ROWS_BY_NDIM = np.lib.NumpyVersion(np.__version__) >= "2.2.0"


def _variables(x: Array, rowvar: bool) -> Array:
    """Shape data as (variables, observations)."""
    rowvar = rowvar or not (ROWS_BY_NDIM or ops.atleast_2d(x).shape[0] != 1)
    x = cast(ops.atleast_2d(x), np.result_type(x.dtype, np.float64))
    return x if rowvar else ops.transpose(x)


@derivative_of("corrcoef")
def corrcoef(
    x: Array,
    y: Array | None = None,
    rowvar: bool = True,
    *deprecated: Any,
    dtype: Any = None,
    **more: Any,
) -> Array:
    """Correlation coefficients of variables."""
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    deviation = ops.sqrt(ops.real(ops.diag(c)))
    return c / ops.reshape(deviation, (-1, 1)) / ops.reshape(deviation, (1, -1))
