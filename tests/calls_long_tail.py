"""Sample calls of the long tail: statistics, polynomials, sequences, sets, special functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from points import A, Call, Fixed, P, X, Z, c, holed

HOLED = holed(A(3, 4), 1, 6)
METHODS = (
    "inverted_cdf averaged_inverted_cdf closest_observation interpolated_inverted_cdf hazen "
    "weibull linear median_unbiased normal_unbiased lower higher midpoint nearest"
).split()


def _quantiles(scale: float, points: Any) -> list[Call]:
    """Calls of quantile and its kin, whose q is a share of scale."""
    q = np.array([0.13, 0.52, 0.87]) * scale
    calls = [
        c(points(5), 0.3 * scale),
        c(points(5), q),
        c(points(3, 4), q, 0),
        c(points(3, 4), 0.4 * scale, axis=1, keepdims=True),
        c(points(2, 3, 2), q, (0, 2)),
        c(points(4), Fixed(0.0)),
        c(points(4), Fixed(1.0 * scale)),
        c(points(4), [0.3 * scale, 0.6 * scale]),
    ]
    calls += [c(points(6), Fixed(q), method=method) for method in METHODS]
    continuous = ("hazen", "weibull", "median_unbiased")
    return calls + [c(points(6), q, method=method) for method in continuous]


def _medians(points: Any) -> list[Call]:
    return [
        c(points(5)),
        c(points(4)),
        c(points()),
        c(points(3, 4)),
        c(points(3, 4), 0),
        c(points(3, 4), axis=-1, keepdims=True),
        c(points(2, 3, 2), axis=(0, 2)),
    ]


WEIGHTS: list[Call] = (
    [c(A(5), Fixed(0.3), method="inverted_cdf", weights=P(5))]
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0"
    else []
)
PLACES = np.array([0.0, 0.7, 1.3, 2.9])
POINTS = np.array([-0.5, 0.31, 0.9, 2.2, 3.4, 1.1])
PAIRS = [c(A(4), A(2)), c(A(2), A(4)), c(A(3), A(3)), c(Z(4), A(3)), c(A(4), Z(3))]
MODES = [
    c(A(n), A(m, seed=1), mode)
    for n, m in ((5, 2), (2, 5), (4, 3), (3, 4), (3, 3), (4, 1))
    for mode in ("full", "same", "valid")
]

# Exact in every type, so that each leaves a remainder of the same length.
EIGHTHS = np.array([1.5, -0.625, 0.5, 1.25])


def _with_a_part(function: Any, a: Any, **kwargs: Any) -> Any:
    """For the set routines: some of the values of the first array are in the second."""
    return function(a, a.ravel()[1:3], **kwargs)


def _last_of_remainder(function: Any, u: Any, v: Any) -> Any:
    """For polydiv: how many of the leading zeros NumPy drops depends on rounding."""
    quotient, remainder = function(u, v)
    return quotient, remainder[-1:]


AROUND = {"polydiv": _last_of_remainder, "intersect1d": _with_a_part, "setdiff1d": _with_a_part}

CALLS: dict[str, list[Call]] = {
    # statistics
    "median": _medians(A),
    "nanmedian": [*_medians(A), c(HOLED, axis=1), c(HOLED)],
    "quantile": [*_quantiles(1.0, A), *WEIGHTS, c(X, np.array([[0.2], [0.7]]), (0, -1))],
    "percentile": _quantiles(100.0, A),
    "nanquantile": [
        *_quantiles(1.0, A),
        c(HOLED, 0.4, 1),
        c(HOLED, [0.3, 0.6], 0),
        c(HOLED, np.array([[0.2], [0.7]]), 1),
        c(X, np.array([[0.2, 0.7]]), (0, -1)),
    ],
    "nanpercentile": [*_quantiles(100.0, A), c(HOLED, 40.0, 1), c(HOLED, np.array([[20.0]]), 0)],
    "cov": [
        c(A(3, 4)),
        c(A(5)),
        c(A(4), A(4, seed=1)),
        c(A(2, 4), A(3, 4, seed=1), bias=True),
        c(A(4, 2), None, False),
        c(A(2, 4), ddof=0),
        c(A(2, 4), None, True, False, 1, np.array([1, 2, 1, 3])),
        c(A(2, 4), None, True, False, None, None, P(4)),
        c(A(2, 4), None, True, False, 2, np.array([1, 2, 1, 3]), P(4)),
    ],
    "corrcoef": [c(A(3, 4)), c(A(5), A(5, seed=1)), c(A(4, 2), None, False)],
    # polynomials
    "polyval": [c(A(3), A(2, 3)), c(A(3), 0.7), c([0.5, 1.5], A(2)), c(Z(3), A(2)), c(A(3), Z(2))],
    "polyadd": PAIRS,
    "polysub": PAIRS,
    "polymul": PAIRS,
    "polydiv": [c(A(2), A(3)), c(EIGHTHS, EIGHTHS[2:]), c(EIGHTHS, EIGHTHS[1:])],
    "polyder": [c(A(4)), c(A(4), 2), c(Z(3)), c(A(2), 2)],
    "polyint": [c(A(3)), c(A(3), 2, [0.5, 1.5]), c(A(3), 1, 0.5), c(A(2), 2, A(1))],
    "polyfit": [
        c(A(5), A(5, seed=1), 2),
        c(A(5), A(5, 2, seed=1), 1),
        c(A(6), A(6, seed=1), 2, Fixed(1e-13), True),
        c(A(6), A(6, seed=1), 1, None, False, P(6)),
        c(A(6), A(6, seed=1), 1, None, False, None, True),
        c(A(6), A(6, 2, seed=1), 1, None, False, P(6), True),
        c(A(6), A(6, seed=1), 1, cov="unscaled"),
    ],
    "poly": [c(A(3)), c(A(3, 3) + np.diag([0.0, 3.0, 6.0])), c(Z(3))],
    "roots": [
        c(np.array([1.0, -6.5, 11.0, -4.2])),
        c(np.array([1.0, 0.5, 2.0])),
        c(np.array([2.0, 1.5])),
    ],
    "vander": [c(A(3)), c(A(3), 5), c(A(3), 4, True), c(A(3), 1)],
    # sequences
    "convolve": [*MODES, c(Z(4), A(2)), c(A(3), 0.5)],
    "correlate": [*MODES, c(Z(4), A(2)), c(A(4), Z(2), "same"), c(Z(2), Z(4, seed=1), "same")],
    "interp": [
        c(POINTS, PLACES, A(4)),
        c(0.9, PLACES, A(4)),
        c(POINTS.reshape(2, 3), PLACES, A(4), -1.5, 2.5),
        c(POINTS, PLACES, A(4), None, None, 3.7),
        c(POINTS, np.array([1.5]), np.array([0.5])),
        c(Fixed(POINTS), Fixed(PLACES), Z(4)),
    ],
    "unwrap": [
        c(A(5) * 4.0),
        c(A(3, 4) * 5.0, axis=0),
        c(A(5) * 4.0, Fixed(3.5)),
        c(A(6), period=1.0),
    ],
    # selections
    "unique": [c(A(4)), c(A(2, 3)), c(A(5), True, True, True), c(A(3, 2), axis=0)],
    "unique_all": [c(A(5))],
    "unique_counts": [c(A(5))],
    "unique_inverse": [c(A(5))],
    "unique_values": [c(A(1))],
    "union1d": [c(A(3), A(2, seed=1))],
    "intersect1d": [c(A(4)), c(A(2, 3), return_indices=True)],
    "setdiff1d": [c(A(4)), c(A(2, 3))],
    "setxor1d": [c(A(4), Fixed(np.array([0.5, 0.7])))],
    "trim_zeros": [c(A(3)), c(A(4), "f")],
    "ix_": [c(A(2), A(3)), c(np.array([True, False, True]), A(2))],
    # elementwise
    "sinc": [c(A(5)), c(np.array([0.0, 0.05, -0.2, 0.3, 1.0, 2.5])), c(0.0), c(0.7), c(A(2, 3))],
    "i0": [c(A(5)), c(np.array([0.0, 9.5, -20.0, 0.3])), c(A(2, 3))],
    "ldexp": [c(A(4), np.array([1, -2, 0, 3])), c(A(3, 1), np.array([1, 2])), c(0.7, 3)],
    "frexp": [c(A(5)), c(0.7), c(A(2, 3) * 40.0)],
    "modf": [c(A(5) * 3.0), c(1.7), c(A(2, 3))],
    "divmod": [c(A(5) * 3.0, P(5)), c(A(2, 3), 0.7), c(1.7, 0.3)],
    # spacing and application
    "logspace": [
        c(0.5, 1.5, 4),
        c(A(2), 0.5, 3),
        c(0.5, 1.5, 4, False, 2.5),
        c(0.5, A(2), 3, True, P(2), axis=-1),
    ],
    "arange": [c(0.3, 3), c(0.3, 3, 0.5), c(2.0, -2, -0.7), c(0.3, stop=3)],
    "geomspace": [
        c(0.5, 2.0, 4),
        c(P(2), 3.0, 3),
        c(-0.5, -2.0, 4, False),
        c(P(2), P(2, seed=1) + 2.0, 3, axis=1),
        c(0.5 + 0.5j, 1.0 - 2.0j, 4),
    ],
    "apply_along_axis": [
        c(lambda x: x * x, 0, A(2, 3)),
        c(lambda x: x.sum(), 1, A(2, 3)),
        c(lambda x: x.reshape(2, 2) * x[0], 2, X),
    ],
    "apply_over_axes": [
        c(lambda x, axis: x.sum(axis), X, (0, 2)),
        c(lambda x, axis: x * x, X, 1),
    ],
    "bincount": [c(np.array([0, 2, 2, 1]), A(4)), c(np.array([0, 3]), A(2), 6)],
}
