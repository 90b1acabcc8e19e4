"""Sparse arrays that are put together, eigenvalues and least squares of sparse matrices."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy.sparse")

import scipy.sparse as sps
import scipy.sparse.linalg as spl

import fastad.numpy as np
from fastad import grad, jacobian, jit, make_jvp, make_vjp
from fastad.scipy import sparse
from fastad.scipy.sparse.linalg import eigsh, lsmr, lsqr
from fastad.test_util import check_grads

_draw = onp.random.default_rng(0)
N = 8
MAIN, OFF = onp.arange(1.0, N + 1), _draw.uniform(0.2, 0.6, N - 1)
START = onp.ones(N)
TALL = sps.coo_array(_draw.uniform(0.1, 1, (9, 4)) * (_draw.uniform(0, 1, (9, 4)) < 0.6))
TALL = sps.coo_array(TALL + sps.eye(9, 4) * 2)
SIDE = _draw.standard_normal(9)
ROW, COL = onp.array([0, 1, 1, 2]), onp.array([0, 0, 2, 1])
ENTRIES = onp.array([1.3, -0.4, 0.7, 2.1])


def chain(main, off, module=sparse):
    return module.diags([main, off, off], offsets=[0, 1, -1])


def small(entries, module=sparse):
    return module.coo_array((entries, (ROW, COL)), shape=(3, 3))


CONSTANT = sps.csr_array([[1.0, 0, 2], [0, 3, 0], [4, 0, 0]])
ASSEMBLED = {
    "hstack": lambda m, a: m.hstack([a, CONSTANT, a]),
    "vstack": lambda m, a: m.vstack([CONSTANT, a]),
    "block_diag": lambda m, a: m.block_diag([a, onp.ones((1, 2)), CONSTANT]),
    "kron": lambda m, a: m.kron(a, CONSTANT),
    "kron of two": lambda m, a: m.kron(a, a),
    "tril": lambda m, a: m.tril(a),
    "triu above": lambda m, a: m.triu(a, 1),
    "hstack by keyword": lambda m, a: m.hstack(blocks=(CONSTANT, a), format="csr"),
    "kron by keywords": lambda m, a: m.kron(A=CONSTANT, B=a),
}


@pytest.mark.parametrize("name", ASSEMBLED)
def test_put_together(name):
    make = ASSEMBLED[name]
    dense = lambda e: make(sparse, small(e)).toarray()
    expected = make(sps, small(ENTRIES, sps)).toarray()
    onp.testing.assert_array_equal(make_vjp(dense)(ENTRIES)[1], expected)
    check_grads(dense, order=2)(ENTRIES)
    x = _draw.standard_normal(expected.shape[1])
    check_grads(lambda e: np.sum(np.sin(make(sparse, small(e)) @ x)), order=2)(ENTRIES)
    plain = make(sparse, small(ENTRIES, sps))
    assert sps.issparse(plain)
    onp.testing.assert_array_equal(plain.toarray(), expected)
    replayed = jit(grad(lambda e: np.sum(np.sin(make(sparse, small(e)) @ x))))
    for _ in range(4):
        replayed(ENTRIES)
    eager = grad(lambda e: np.sum(np.sin(make(sparse, small(e)) @ x)))(ENTRIES + 0.1)
    onp.testing.assert_allclose(replayed(ENTRIES + 0.1), eager, rtol=1e-12)


def test_dense_blocks():
    d = onp.array([1.0, 2.0, 3.0])
    for make in (
        lambda m, x: m.hstack([CONSTANT, x]),
        lambda m, x: m.block_diag([x, CONSTANT]),
        lambda m, x: m.kron(onp.ones((2, 2)), x),
        lambda m, x: m.tril(x),
    ):
        dense = lambda d: make(sparse, np.outer(d, d)).toarray()
        expected = make(sps, onp.outer(d, d)).toarray()
        onp.testing.assert_array_equal(make_vjp(dense)(d)[1], expected)
        check_grads(dense, order=2)(d)
    with pytest.raises(ValueError, match="two axes"):
        grad(lambda d: sparse.hstack([CONSTANT, d]).sum())(d)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="incompatible shapes"):
        grad(lambda e: sparse.hstack([small(e), onp.ones((2, 2))]).sum())(ENTRIES)


@pytest.mark.parametrize("which", ["LA", "SA", "LM", "BE"])
@pytest.mark.parametrize("vectors", [True, False])
def test_eigenvalues(which, vectors):
    options = {"which": which, "v0": START, "return_eigenvectors": vectors}

    def values(main, off):
        found = eigsh(chain(main, off), 3, **options)
        return found[0] if vectors else found

    theirs = spl.eigsh(chain(MAIN, OFF, sps).tocsc(), 3, **options)
    expected = theirs[0] if vectors else theirs
    onp.testing.assert_allclose(make_vjp(values)(MAIN, OFF)[1], expected, rtol=1e-12)
    check_grads(values, (0, 1), order=2)(MAIN, OFF)


def test_eigenvectors_and_dense_matrices():
    squares = lambda main, off: eigsh(chain(main, off), 2, which="SA", v0=START)[1] ** 2
    check_grads(squares, (0, 1), order=2)(MAIN, OFF)
    inner = lambda main, off: eigsh(chain(main, off), 2, sigma=2.2, v0=START)[0]
    check_grads(inner, (0, 1), order=2)(MAIN, OFF)
    full = _draw.standard_normal((N, N))
    check_grads(lambda a: eigsh(a + a.T, 2, v0=START)[0], order=2)(full)
    # Of two that coincide the sum has a derivative.
    twice = onp.array([1.0, 2, 3, 5, 5, 0.5, 0.2, 0.1])
    total = lambda d: np.sum(
        eigsh(sparse.diags(d), 2, which="LA", v0=START, return_eigenvectors=False)
    )
    assert onp.round(grad(total)(twice), 9).tolist() == [0, 0, 0, 1, 1, 0, 0, 0]
    with pytest.raises(NotImplementedError, match="'M'"):
        grad(lambda d: eigsh(sparse.diags(d), 2, sps.eye(N))[0][0])(MAIN)
    with pytest.raises(NotImplementedError, match="'M'"):
        grad(lambda d: eigsh(sps.eye(N), 2, sparse.diags(d))[0][0])(MAIN)
    with pytest.raises(onp.linalg.LinAlgError, match="coincide"):
        grad(lambda d: eigsh(sparse.diags(d), 2, which="LA", v0=START)[1][0, 0])(twice)
    with pytest.raises(NotImplementedError, match="complex"):
        grad(lambda d: eigsh(sparse.diags(d * (1 + 0j)), 2)[0][0])(MAIN)
    shifted = lambda s: np.sum(eigsh(chain(MAIN, OFF), 2, sigma=s, v0=START)[0])
    assert grad(shifted)(2.2) == 0.0


@pytest.mark.parametrize("solve", [lsqr, lsmr])
def test_least_squares(solve):
    tight = {"atol": 1e-14, "btol": 1e-14}
    of = lambda e: sparse.coo_array((e, (TALL.row, TALL.col)), shape=TALL.shape)
    check_grads(lambda b: solve(TALL, b, **tight)[0], order=2)(SIDE)
    check_grads(lambda b: solve(TALL, b, 0.7, **tight)[0])(SIDE)
    check_grads(lambda e, b: solve(of(e), b, **tight)[0], (0, 1), order=2)(TALL.data, SIDE)
    theirs = getattr(spl, solve.__name__)(TALL, SIDE)
    ours = make_vjp(lambda b: solve(TALL, b)[0])(SIDE)[1]
    onp.testing.assert_array_equal(ours, theirs[0])
    assert len(solve(TALL, SIDE)) == len(theirs)
    check_grads(lambda damp, b: solve(TALL, b, damp=damp, **tight)[0], (0, 1), order=2)(0.7, SIDE)
    wide = TALL.T.tocsr()
    check_grads(lambda b: solve(wide, b, damp=0.3, **tight)[0])(SIDE[:4])
    double = sps.hstack([TALL, TALL]).tocsr()
    for matrix, side in ((wide, SIDE[:4]), (double, SIDE)):
        with pytest.raises(onp.linalg.LinAlgError, match="full column rank"):
            grad(lambda b: np.sum(solve(matrix, b)[0]))(side)
    with pytest.raises(NotImplementedError, match="complex"):
        grad(lambda b: np.sum(np.real(solve(TALL, b * 1j)[0])))(SIDE)
    with pytest.raises(NotImplementedError, match="an operator"):
        grad(lambda b: np.sum(solve(spl.aslinearoperator(TALL), b)[0]))(SIDE)


@pytest.mark.filterwarnings("ignore::fastad.ProgramWarning")
def test_compiled_functions_refuse_or_agree():
    for function, x in (
        (lambda d: eigsh(chain(d, OFF), 2, v0=START)[0][0], MAIN),
        (lambda b: lsqr(TALL, b)[0][0], SIDE),
    ):
        replayed = jit(grad(function))
        for _ in range(4):
            replayed(x)
        onp.testing.assert_allclose(replayed(x + 0.1), grad(function)(x + 0.1), rtol=1e-9)


def test_sparse_results_are_no_constants():
    pattern = sps.csr_array(onp.eye(3))

    def scaled(x):
        return pattern.multiply(x)

    x = onp.array([0.5, 0.6, 0.7])
    for operator in (
        lambda: make_vjp(scaled)(x),
        lambda: make_jvp(lambda x: (x, scaled(x)))(x)(x),
        lambda: jacobian(scaled)(x),
    ):
        with pytest.raises(TypeError, match=r"cannot be differentiated; return \.toarray\(\)"):
            operator()
    assert jacobian(lambda x: scaled(x).toarray())(x).any()
