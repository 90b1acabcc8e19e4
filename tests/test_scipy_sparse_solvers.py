"""Iterative and factored solvers of sparse systems, and nested integrals."""

from __future__ import annotations

import inspect

import numpy as onp
import pytest

pytest.importorskip("scipy")

import scipy.integrate
import scipy.sparse
import scipy.sparse.linalg as theirs

import fastad.numpy as np
from fastad import grad, jit
from fastad.scipy import integrate, linalg, sparse
from fastad.scipy.sparse import linalg as ours
from fastad.scipy.sparse.iterations import SOLVERS
from fastad.test_util import check_grads

A = scipy.sparse.random(6, 6, 0.4, format="csr", random_state=0) + 4 * scipy.sparse.identity(6)
B = onp.linspace(0.5, 1.5, 6)


def case(name):
    """A matrix and options of a solver, and how a matrix of its kind is made of any."""
    symmetric = name in ("cg", "minres")
    named = inspect.signature(getattr(theirs, name)).parameters
    options = {"rtol" if "rtol" in named else "tol": 1e-13}  # SciPy 1.11 says tol
    options.update({"atol": 0.0} if "atol" in named else {})
    matrix = scipy.sparse.csr_matrix((A + A.T) / 2 if symmetric else A)
    return matrix, options, (lambda x: (x + x.T) / 2) if symmetric else (lambda x: x)


@pytest.mark.parametrize("name", SOLVERS)
def test_iterations_by_both(name):
    matrix, options, made = case(name)
    solve = getattr(ours, name)
    want = getattr(theirs, name)(matrix, B, **options)
    onp.testing.assert_array_equal(solve(matrix, B, **options)[0], want[0])
    traced = []
    grad(lambda b: traced.append(solve(matrix, b, **options)) or np.sum(traced[-1][0]))(B)
    assert traced[0][1] == want[1] == 0
    check_grads(lambda b: solve(matrix, b, **options)[0], order=2)(B)
    check_grads(lambda b: solve(matrix, b[:, None], **options)[0], order=2)(B)
    dense = matrix.toarray()
    check_grads(lambda d: solve(made(d), B, **options)[0], order=2)(dense)
    check_grads(lambda b: solve(dense, b, **options)[0], order=1)(B)
    coo = matrix.tocoo()

    def by_entries(d):
        array = sparse.coo_array((d, (coo.row, coo.col)), shape=coo.shape)
        other = array.T if name in ("cg", "minres") else array
        return solve((array + other).multiply(0.5), B, **options)[0]

    check_grads(by_entries, order=2)(coo.data)


@pytest.mark.parametrize("name", SOLVERS)
def test_iterations_with_operators_preconditioners_and_starts(name):
    matrix, options, _ = case(name)
    solve = getattr(ours, name)
    operator = theirs.aslinearoperator(matrix)
    if name in ("cg", "minres"):
        operator = theirs.LinearOperator(matrix.shape, matvec=matrix.dot, dtype=float)
    check_grads(lambda b: solve(operator, b, **options)[0], order=2)(B)
    scale = scipy.sparse.diags(1 / matrix.diagonal())
    seen = []
    if name == "gmres":
        options["callback_type"] = "x"
    watch = lambda _: seen.append(1)
    call = lambda b: solve(matrix, b, x0=B, M=scale, callback=watch, **options)
    check_grads(lambda b: call(b)[0], order=1)(B)
    assert seen or name == "gcrotmk"
    want = onp.linalg.solve(matrix.toarray().T, onp.ones(6))
    onp.testing.assert_allclose(grad(lambda b: np.sum(call(b)[0]))(B), want, rtol=1e-9)


def test_iterations_in_programs_and_where_they_do_not_converge():
    matrix, options, _ = case("gmres")
    slope = grad(lambda b: np.sum(ours.gmres(matrix, b, **options)[0] ** 2))
    program = jit(slope)
    for k in range(4):
        onp.testing.assert_allclose(program(B + k), slope(B + k))
    found = []
    grad(lambda b: np.sum(found.append(ours.cg(matrix, b, maxiter=1)) or found[0][0]))(B)
    assert found[0][1] == 1


def test_factors_solve_with_each_transpose():
    factors = ours.splu(A.tocsc())
    for trans in "NTH":
        onp.testing.assert_allclose(
            factors.solve(B, trans), theirs.splu(A.tocsc()).solve(B, trans), rtol=1e-14
        )
        check_grads(lambda b, trans=trans: factors.solve(b, trans), order=2)(B)
        check_grads(lambda b, t=trans: factors.solve(np.outer(b, b), t), order=1)(B)
    assert factors.L.shape == (6, 6)
    coo = A.tocoo()

    array_of = lambda d: sparse.coo_array((d, (coo.row, coo.col)), shape=coo.shape)
    by_entries = lambda d, trans: ours.splu(array_of(d)).solve(B, trans)

    for trans in "NTH":
        check_grads(lambda d, trans=trans: by_entries(d, trans), order=2)(coo.data)
    turned = lambda z: np.real(ours.splu(A.tocsc() * (1 + 0.5j)).solve(z + 0j, "H"))
    check_grads(turned, order=1)(B)
    with pytest.raises(AttributeError, match="only solve, and shape"):
        grad(lambda d: ours.splu(sparse.coo_array((d, (coo.row, coo.col)), coo.shape)).nnz)(
            coo.data
        )


def test_products_with_exponentials():
    small = (0.3 * A).tocoo()
    check_grads(lambda b: ours.expm_multiply(small, b), order=2)(B)
    made = lambda d: sparse.coo_array((d, (small.row, small.col)), shape=small.shape)
    onp.testing.assert_allclose(
        grad(lambda d: np.sum(ours.expm_multiply(made(d), B)))(small.data),
        grad(lambda d: np.sum(linalg.expm(made(d).toarray()) @ B))(small.data),
    )
    with pytest.raises(NotImplementedError, match="scale A by the time"):
        grad(lambda d: np.sum(ours.expm_multiply(made(d), B, start=0, stop=1, num=3)))(small.data)


# ---- nested integrals ----------------------------------------------------------------------------


def test_nested_integrals_by_ends_and_arguments():
    f = lambda y, x, a: np.exp(-a * x * y) * x
    over = lambda module, a, low, high: module.dblquad(
        f, low, high, lambda x: x * x, 2.0, args=(a,)
    )[0]
    assert over(integrate, 0.7, 0.2, 1.3) == over(scipy.integrate, 0.7, 0.2, 1.3)
    check_grads(lambda *p: over(integrate, *p), (0, 1, 2), order=2)(0.7, 0.2, 1.3)
    # x y over 0 < x < 1, 0 < y < h: h^2 / 4
    number = lambda h: integrate.dblquad(lambda y, x: x * y, 0.0, 1.0, 0.0, h)[0]
    assert grad(number)(2.0) == pytest.approx(1.0, rel=1e-12)
    assert grad(grad(number))(2.0) == pytest.approx(0.5, rel=1e-12)
    with pytest.raises(TypeError, match="args="):
        grad(lambda h: integrate.dblquad(lambda y, x: x * y, 0, 1, 0, lambda x: h * x)[0])(2.0)
    # ranges of nquad see the arguments: x over (0, a y), y over (0, h): a^2 h^4 / 8
    call = lambda a, h: integrate.nquad(
        lambda x, y, a: x * y, [lambda y, a: (0, a * y), (0, h)], args=(a,)
    )[0]
    check_grads(call, (0, 1), order=2)(0.7, 1.1)
    assert grad(call)(0.7, 1.1) == pytest.approx(0.7 * 1.1**4 / 4, rel=1e-9)
    inner = lambda k: integrate.tplquad(
        lambda z, y, x, k: k * z, 0, 1, lambda x: 0, lambda x: x, 0, lambda x, y: x + y, args=(k,)
    )[0]
    assert grad(inner)(2.0) == pytest.approx(7 / 24, rel=1e-9)
    with pytest.raises(NotImplementedError, match="opts"):
        grad(lambda a: integrate.nquad(lambda x, a: a * x, [(0, 1)], (a,), opts={"limit": 9})[0])(
            1.0
        )
