"""Sample calls of `numpy.linalg`, and what of their results is determined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from points import A, Call, Fixed, M, P, X, Z, c, reductions

Around = Callable[..., Any]


def hermitian(x: Any) -> Any:
    """Return the Hermitian part."""
    return (x + x.swapaxes(-1, -2).conj()) * 0.5


def _of_hermitian(function: Around, a: Any, **kwargs: Any) -> Any:
    """For cholesky: NumPy reads one triangle, and the derivative is that within such matrices."""
    return function(hermitian(a), **kwargs)


def _eigenvectors(function: Around, a: Any, *args: Any) -> Any:
    """For eigh: each complex vector times the conjugate of one component, which fixes its phase."""
    w, v = function(a, *args)
    return (w, v) if v.dtype.kind == "f" else (w, v * v[..., :1, :].conj())


def _singular_vectors(function: Around, a: Any, *args: Any, **kwargs: Any) -> Any:
    """For svd: products that fix the phases of pairs, and projectors on what completes a basis."""
    result = function(a, *args, **kwargs)
    if not isinstance(result, tuple):
        return result
    u, s, vh = result
    n = s.shape[-1]
    u1, u2, v1, v2 = u[..., :n], u[..., n:], vh[..., :n, :], vh[..., n:, :]
    if u.dtype.kind == "c":
        u1, v1 = (
            u1 * v1[..., :, 0][..., None, :],
            v1 * u1[..., 0, :][..., :, None],
        )
    projectors = [u2 @ u2.swapaxes(-1, -2).conj()] if u2.shape[-1] else []
    projectors += [v2.swapaxes(-1, -2).conj() @ v2] if v2.shape[-2] else []
    return [u1, s, v1, *projectors]


def _completed_q(function: Around, a: Any, *args: Any, **kwargs: Any) -> Any:
    """For qr: a projector in place of the columns that complete a basis."""
    result = function(a, *args, **kwargs)
    if not isinstance(result, tuple):
        return result
    q, r = result
    n = min(a.shape[-2:])
    q1, q2 = q[..., :n], q[..., n:]
    return [q1, r] + ([q2 @ q2.swapaxes(-1, -2).conj()] if q2.shape[-1] else [])


AROUND: dict[str, Around] = {
    "linalg.cholesky": _of_hermitian,
    "linalg.eigh": _eigenvectors,
    "linalg.svd": _singular_vectors,
    "linalg.qr": _completed_q,
}

WEIGHED = X * np.array([1.0, 1.5, 2.0, 2.5])
ROTATION = np.array([[0.5, -1.2, 0.3], [0.9, 0.7, -0.2], [0.1, 0.4, -1.5]])
SEPARATED = A(4, 4) + np.diag([0.0, 2.0, 4.0, 6.0])
UPPER = {"upper": True} if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else {}
SPD = M(3) + 3.0 * np.eye(3)
CUT = np.array([[3.0, 1.0, 0.2], [0.5, 0.4, 0.1]])

CALLS: dict[str, list[Call]] = {
    "linalg.norm": [
        *reductions(points=P, tuples=False)[:1],
        c(A(2, 3)),
        c(A(2, 3), axis=1, keepdims=True),
        c(A(4), 3),
        c(A(4), 1),
        c(A(4), 2),
        c(A(4), Fixed(-2.5)),
        c(A(4), Fixed(np.inf)),
        c(A(4), Fixed(-np.inf)),
        c(A(2, 3, 2), axis=(0, 2)),
        c(A(2, 3), "fro"),
        c(A(2, 3), "nuc", keepdims=True),
        c(A(2, 3), 2),
        c(A(3, 2), -2),
        c(X, 2, (2, 0)),
        c(X, "nuc", (0, 2), True),
        c(WEIGHED, 1, (0, 2)),
        c(WEIGHED, -1, (1, 2), True),
        c(A(2, 3), Fixed(np.inf)),
        c(A(2, 3), Fixed(-np.inf)),
    ],
    "linalg.vector_norm": [
        c(A(3)),
        c(A(2, 3)),
        c(A(2, 3), axis=0, keepdims=True),
        c(X, axis=(2, 0), ord=3),
        c(X, axis=(2, 0), keepdims=True),
        c(A(2, 3), keepdims=True, ord=1),
        c(A(2, 3), ord=np.inf),
    ],
    "linalg.matrix_norm": [
        c(A(2, 3)),
        c(X, ord=2),
        c(M(2, 2), keepdims=True, ord="nuc"),
        c(WEIGHED, ord=1),
    ],
    "linalg.cond": [
        *(c(M(3), p) for p in (None, 2, -2, 1, -1, "fro", "nuc")),
        c(M(3), Fixed(np.inf)),
        c(M(2, 2)),
        c(M(2, 2), 1),
        c(A(2, 3)),
    ],
    "linalg.inv": [c(M(3)), c(M(2, 2))],
    "linalg.det": [c(M(3)), c(M(2, 2)), c(Z(3, 3))],
    "linalg.slogdet": [c(M(3)), c(M(2, 2)), c(-M(3)), c(Z(3, 3))],
    "linalg.solve": [
        c(M(3), A(3)),
        c(M(3), A(3, 2)),
        c(M(2, 3), A(3, 2, 1)),
        c(M(2, 1), A(3, 2, 2)),
    ],
    "linalg.tensorsolve": [
        c(M(6).reshape(2, 3, 6), A(2, 3)),
        c(M(4).reshape(2, 2, 4), A(2, 2)),
        c(M(6).reshape(2, 6, 3), A(6), axes=(0,)),
    ],
    "linalg.tensorinv": [c(M(6).reshape(2, 3, 6)), c(M(4).reshape(4, 2, 2), ind=1)],
    "linalg.pinv": [c(A(4, 2)), c(A(2, 4)), c(M(3)), c(A(2, 3, 2))]
    + [c(A(4, 2), Fixed(1e-10)), c(CUT, Fixed(0.3)), c(CUT.T, Fixed(0.3))]
    + [c(np.stack([CUT, 2 - CUT]), Fixed(0.3)), c(M(3) + M(3, seed=1), hermitian=True)],
    "linalg.lstsq": [
        c(CUT, A(2, seed=1), Fixed(0.3)),
        c(CUT.T, A(3, 2, seed=1), Fixed(0.3)),
        c(A(4, 2), A(4, seed=1)),
        c(A(4, 2), A(4, 3, seed=1), None),
        c(A(2, 4), A(2, 2, seed=1), None),
        c(M(3), A(3, seed=1), Fixed(1e-12)),
    ],
    "linalg.eigh": [c(M(3)), c(M(2, 2), "U"), c(A(4, 4), "l")],
    "linalg.eigvalsh": [c(M(3)), c(M(2, 2), "U"), c(A(4, 4))],
    "linalg.eig": [c(M(3)), c(M(2, 2)), c(ROTATION), c(SEPARATED)],
    "linalg.eigvals": [c(M(3)), c(M(2, 2)), c(ROTATION), c(SEPARATED)],
    "linalg.svd": [
        c(M(3)),
        c(A(4, 2), False),
        c(A(2, 4), full_matrices=False),
        c(A(4, 2)),
        c(A(2, 4)),
        c(A(2, 3, 2)),
        c(A(3, 2), compute_uv=False),
        c(A(3, 3), compute_uv=False, hermitian=True),
    ],
    "linalg.svdvals": [c(A(3, 2)), c(A(2, 2, 3))],
    "linalg.qr": [
        c(M(3)),
        c(A(4, 2)),
        c(A(2, 4)),
        c(A(2, 3, 2)),
        c(A(2, 2, 3)),
        c(A(4, 2), "complete"),
        c(A(2, 4), "complete"),
        c(A(4, 2), mode="r"),
    ],
    "linalg.cholesky": [c(SPD), c(np.stack([SPD, SPD + M(3, seed=1)])), c(SPD, **UPPER)],
    "linalg.matrix_power": [c(M(3), n) for n in (-3, -1, 1, 2, 3, 5, 6)] + [c(M(2, 2), 4)],
    "linalg.multi_dot": [
        c([A(2, 3), A(3, 4, seed=1)]),
        c([A(2, 3), A(3, 2, seed=1), A(2, 4, seed=2)]),
        c([A(3), A(3, 2, seed=1), A(2, 4, seed=2), A(4, seed=3)]),
        c([A(3), A(3, 2, seed=1), A(2, 4, seed=2)]),
        c((A(2, 3), Fixed(A(3, 2, seed=1)), A(2, seed=2))),
        c([A(3), A(3, seed=1)]),
    ],
}
