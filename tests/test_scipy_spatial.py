"""`fastad.scipy.spatial` against SciPy: distances of points, of every metric."""

from __future__ import annotations

import warnings

import numpy as onp
import pytest

pytest.importorskip("scipy")

import scipy.spatial as all_theirs
import scipy.spatial.distance as theirs
from against_scipy import agrees

import fastad.numpy as np
from fastad import grad
from fastad.scipy import spatial
from fastad.scipy.spatial import distance
from fastad.scipy.spatial.space import METRICS

BOTH = distance, theirs
A = onp.random.default_rng(1).random((4, 3)) + 0.1
B = onp.random.default_rng(2).random((5, 3)) + 0.1
WEIGHTS = onp.array([0.3, 0.9, 0.6])
WEIGHTED = sorted({*METRICS} - {"jensenshannon", "mahalanobis", "seuclidean"})


@pytest.mark.parametrize("name", METRICS)
def test_pairs(name):
    agrees(lambda m, a, b: m.cdist(a, b, name), BOTH, A, B)
    points = onp.concatenate([A, B]) if name == "mahalanobis" else A
    agrees(lambda m, a: m.pdist(a, name), BOTH, points)


@pytest.mark.parametrize("name", WEIGHTED)
def test_two_points_and_weights(name):
    agrees(lambda m, u, v: getattr(m, name)(u, v), BOTH, A[0], B[1])
    agrees(lambda m, u, v: getattr(m, name)(u, v, w=WEIGHTS), BOTH, A[0], B[1])
    agrees(lambda m, a, b: m.cdist(a, b, name, w=WEIGHTS), BOTH, A, B, order=1)
    agrees(lambda m, a, b: m.cdist(a, b, getattr(theirs, name)), BOTH, A, B, order=1)


def test_parameters_of_metrics():
    inverse = onp.eye(3) + 0.1
    agrees(lambda m, u, v, s: m.mahalanobis(u, v, s), BOTH, A[0], B[0], inverse)
    agrees(lambda m, u, v, s: m.seuclidean(u, v, s), BOTH, A[0], B[0], WEIGHTS)
    agrees(lambda m, a, b: m.cdist(a, b, "minkowski", p=3.0), BOTH, A, B)
    agrees(lambda m, u, v, p: m.minkowski(u, v, p), BOTH, A[0], B[0], 2.5)
    agrees(lambda m, p, q: m.jensenshannon(p, q), BOTH, A[0], B[0])
    agrees(lambda m, p, q: m.jensenshannon(p, q, 2.0, axis=1), BOTH, A, B[:4])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from SciPy 1.18 on: cdist instead
        # What warns is not replayed.
        call = lambda m, x, y: m.distance_matrix(x, y, 3.0)
        agrees(call, (spatial, all_theirs), A, B, replayed=False)


def test_forms():
    agrees(lambda m, x: m.squareform(x), BOTH, onp.arange(1.0, 7.0))
    agrees(lambda m, x: m.squareform(x, checks=False), BOTH, A @ B[:4].T)


def test_a_metric_of_the_user():
    kernel = lambda u, v: np.sum(np.exp(-((u - v) ** 2)))
    agrees(lambda m, a, b: m.cdist(a, b, kernel), BOTH, A, B, replayed=False)


def test_one_point_twice_counts_as_zero():
    points = onp.array([[0.0, 1.0], [0.0, 1.0], [2.0, 3.0]])
    for name in ("euclidean", "minkowski", "canberra"):
        total = lambda x: np.sum(distance.cdist(x, x, name))
        assert onp.all(onp.isfinite(grad(total)(points)))


def test_what_has_no_rule():
    with pytest.raises(NotImplementedError, match="hamming.*euclidean"):
        grad(lambda a: np.sum(distance.cdist(a, B, "hamming")))(A)
    with pytest.raises(NotImplementedError, match="procrustes"):
        grad(lambda a: spatial.procrustes(a, A)[2])(A)
