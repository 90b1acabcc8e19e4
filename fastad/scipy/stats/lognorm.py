"""The log-normal distribution."""

from __future__ import annotations

from math import e, log, pi, sqrt
from typing import TYPE_CHECKING, Any

from scipy.stats import lognorm as _lognorm

from ... import numpy as np
from ..registry import Array
from ..special.error import normal_ratio
from .continuous import Continuous


def _score(z: Array, s: Array) -> tuple[Array, Array]:
    """Of the density exp(-(log(z) / s)^2 / 2) / (s z sqrt(2 pi))."""
    u = np.log(z) / s
    return -(1 + u / s) / z, (u * u - 1) / s


def _by_shape(z: Array, s: Array) -> tuple[Array]:
    u = np.log(z) / s
    return (-u / s * np.exp(-0.5 * (u * u)) / sqrt(2 * pi),)


def _log_cdf_by_shape(z: Array, s: Array) -> tuple[Array]:
    u = np.log(z) / s
    return (-u / s * normal_ratio(u),)


def _log_sf_by_shape(z: Array, s: Array) -> tuple[Array]:
    u = np.log(z) / s
    return (u / s * normal_ratio(-u),)


family = Continuous(
    _lognorm,
    _score,
    _by_shape,
    support=(0, float("inf")),
    ratios=(
        lambda z, s: normal_ratio(np.log(z) / s) / (s * z),
        lambda z, s: normal_ratio(-np.log(z) / s) / (s * z),
    ),
    log_shapes=(_log_cdf_by_shape, _log_sf_by_shape),
    flat=True,
    by_scale=lambda z, s: -np.log(z) / (s * s),
    moments=lambda s: (np.exp(s * s / 2), np.expm1(s * s) * np.exp(s * s)),
    entropy=lambda s: np.log(s) + log(2 * pi * e) / 2,
)

family.fill(globals())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
