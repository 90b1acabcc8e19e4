"""`fastad.scipy.linalg`: SciPy's values, derivatives against finite differences, errors."""

from __future__ import annotations

import re

import numpy as onp
import pytest

scipy_linalg = pytest.importorskip("scipy.linalg")

from matrices import (  # noqa: E402
    BATCH,
    COLUMNS,
    COMPLEX,
    HERMITIAN,
    POSITIVE,
    VECTOR,
    A,
    C,
    R,
    S,
    check,
    check_named,
)

import fastad.numpy as np  # noqa: E402
import fastad.scipy.linalg as linalg  # noqa: E402
from fastad import grad, make_vjp  # noqa: E402
from fastad.test_util import check_grads  # noqa: E402


@pytest.fixture(autouse=True)
def _seeded():
    onp.random.seed(20260101)


@pytest.mark.parametrize("matrix", [A, C], ids=["real", "complex"])
@pytest.mark.parametrize("name", ["inv", "det", "expm"])
def test_functions_of_a_matrix(name, matrix):
    check_named(name, matrix / 2)


SIDES, ROWS = R.standard_normal((3, 4, 2)), R.standard_normal((3, 4))
BAND = R.standard_normal((3, 3, 4)) + 8 * onp.array([0.0, 1.0, 0.0])[:, None]
HALF_BAND = onp.stack([0.3 * R.standard_normal((3, 4)), R.standard_normal((3, 4)) + 8], 1)
UPPER = onp.linalg.cholesky(POSITIVE).swapaxes(1, 2)
LU = onp.stack([scipy_linalg.lu_factor(one)[0] for one in BATCH])
PIVOTS = onp.stack([scipy_linalg.lu_factor(one)[1] for one in BATCH])
BATCHES = {
    "inv": ("inv", BATCH),
    "det": ("det", BATCH),
    "expm": ("expm", BATCH / 4),
    "cosm": ("cosm", BATCH / 4),
    "logm": ("logm", POSITIVE),
    "sqrtm": ("sqrtm", POSITIVE),
    "solve": ("solve", BATCH, SIDES),
    "solve, positive": (
        lambda m: lambda a, b: m.solve(a, b, assume_a="pos", lower=True),
        POSITIVE,
        SIDES,
    ),
    "solve, Hermitian": (lambda m: lambda a, b: m.solve(a, b, assume_a="her"), HERMITIAN, SIDES),
    "solve, one right hand side": ("solve", BATCH, SIDES[0]),
    "solve, one matrix": ("solve", BATCH[0], SIDES),
    "solve_triangular": ("solve_triangular", BATCH, SIDES),
    "solve_banded": (lambda m: lambda a, b: m.solve_banded((1, 1), a, b), BAND, SIDES),
    "solveh_banded": ("solveh_banded", HALF_BAND, SIDES),
    "solve_sylvester": ("solve_sylvester", BATCH, BATCH, BATCH),
    "cholesky": ("cholesky", POSITIVE),
    "cholesky, complex": ("cholesky", HERMITIAN),
    "cho_factor": (lambda m: lambda a: m.cho_factor(a)[0], POSITIVE),
    "cho_factor, complex": (lambda m: lambda a: m.cho_factor(a, lower=True)[0], HERMITIAN),
    "cho_solve": (lambda m: lambda c, b: m.cho_solve((c, False), b), UPPER, SIDES),
    "lu_factor": (lambda m: lambda a: m.lu_factor(a)[0], BATCH),
    "lu_solve": (lambda m: lambda a, b: m.lu_solve((a, PIVOTS), b), LU, SIDES),
    "block_diag": ("block_diag", BATCH, SIDES),
    "toeplitz": ("toeplitz", ROWS),
    "toeplitz, column and row": ("toeplitz", ROWS, ROWS + 1),
    "hankel": ("hankel", ROWS),
    "circulant": ("circulant", ROWS),
    "companion": ("companion", ROWS + 3),
}


@pytest.mark.filterwarnings("ignore:.*ravel:FutureWarning", "ignore:Beginning in SciPy")
@pytest.mark.parametrize("name", BATCHES)
def test_functions_of_batches(name):
    """Batches where the installed SciPy takes them; its own error where it does not."""
    maker, *args = BATCHES[name]
    if name.startswith("lu") and scipy_linalg.lu_factor(BATCH)[1].shape != BATCH.shape[:-1]:
        pytest.skip("this version of SciPy takes a batch for one matrix")
    if isinstance(maker, str):
        mine, theirs = getattr(linalg, maker), getattr(scipy_linalg, maker)
    else:
        mine, theirs = maker(linalg), maker(scipy_linalg)
    try:
        theirs(*args)
    except ValueError as error:
        with pytest.raises(ValueError) as own:
            make_vjp(mine)(*args)
        assert str(own.value) == str(error)
    else:
        check(mine, theirs, *args)


@pytest.mark.parametrize("lower", [False, True])
def test_cholesky_of_complex_matrices(lower):
    check_named("cholesky", HERMITIAN[0], lower=lower)
    check(
        lambda a: linalg.cholesky(a @ np.conj(a.T), lower=lower),
        lambda a: scipy_linalg.cholesky(a @ onp.conj(a.T), lower=lower),
        COMPLEX[0],
    )
    factor = scipy_linalg.cholesky(HERMITIAN[0], lower=lower)
    check(
        lambda c, b: linalg.cho_solve((c, lower), b),
        lambda c, b: scipy_linalg.cho_solve((c, lower), b),
        factor,
        SIDES[0] + 1j,
    )


@pytest.mark.parametrize("name", ["cosm", "sinm", "coshm", "sinhm", "tanhm"])
def test_trigonometric(name):
    check_named(name, A / 5)


@pytest.mark.filterwarnings("ignore:logm result may be inaccurate")
def test_roots_logarithms_and_powers():
    check_named("sqrtm", S)
    check_named("logm", S)
    check(linalg.fractional_matrix_power, scipy_linalg.fractional_matrix_power, S, 0.3)


def test_expm_frechet():
    check_named("expm_frechet", A / 4, S / 9, compute_expm=False, rtol=1e-12)


# Matrices that are not what is assumed of them, so that it shows which entries are read.
UNEQUAL = S + onp.triu(R.standard_normal((4, 4)), 1) / 9
COMPLEX_UNEQUAL = HERMITIAN[0] + onp.triu(R.standard_normal((4, 4)), 1) / 9
STRUCTURES = ["diagonal", "tridiagonal", "banded", "upper triangular", "lower triangular"]
STRUCTURES += ["sym", "symmetric", "her", "hermitian", "pos", "positive definite", "gen", "general"]
STRUCTURES += [None]


@pytest.mark.parametrize("b", [VECTOR, COLUMNS], ids=["vector", "columns"])
class TestSolve:
    @pytest.mark.parametrize(
        ("matrix", "options"),
        [
            (A, {}),
            (A, {"transposed": True}),
            (S, {"assume_a": "pos"}),
            (S, {"assume_a": "sym", "lower": True}),
            (C, {}),
        ],
    )
    def test_solve(self, b, matrix, options):
        check_named("solve", matrix, b + 0 * matrix[0, 0], **options)

    @pytest.mark.parametrize("lower", [False, True])
    @pytest.mark.parametrize("kind", STRUCTURES)
    @pytest.mark.parametrize("matrix", [UNEQUAL, COMPLEX_UNEQUAL], ids=["real", "complex"])
    def test_structures(self, b, matrix, kind, lower):
        """Entries that SciPy does not read have derivative zero, and do not count in others."""
        b = b + 0 * matrix[0, 0]
        try:
            scipy_linalg.solve(matrix, b, assume_a=kind)
        except (KeyError, ValueError):
            pytest.skip("this version of SciPy has no such structure")
        check_named("solve", matrix, b, assume_a=kind, lower=lower)
        if matrix is UNEQUAL:
            check_named("solve", matrix, b, assume_a=kind, lower=lower, transposed=True)

    @pytest.mark.parametrize("lower", [False, True])
    @pytest.mark.parametrize("trans", [0, 1, 2, "T"])
    @pytest.mark.parametrize("matrix", [A, C], ids=["real", "complex"])
    def test_triangular(self, b, matrix, trans, lower):
        b = b + 0 * matrix[0, 0]
        check_named("solve_triangular", matrix, b, trans=trans, lower=lower)
        check_named("solve_triangular", matrix, b, trans=trans, lower=lower, unit_diagonal=True)

    @pytest.mark.parametrize("widths", [(1, 2), (0, 1), (2, 0), (0, 0)])
    def test_banded(self, b, widths):
        band = R.standard_normal((sum(widths) + 1, 4))
        band[widths[1]] += 5
        check(
            lambda ab, x: linalg.solve_banded(widths, ab, x),
            lambda ab, x: scipy_linalg.solve_banded(widths, ab, x),
            band,
            b,
        )

    def test_banded_symmetric(self, b):
        band = R.standard_normal((3, 4)) * 0.3
        band[-1] += 5
        check_named("solveh_banded", band, b)
        check_named("solveh_banded", band[::-1].copy(), b, lower=True)

    @pytest.mark.parametrize("lower", [False, True])
    def test_cholesky(self, b, lower):
        check(
            lambda c, x: linalg.cho_solve((c, lower), x),
            lambda c, x: scipy_linalg.cho_solve((c, lower), x),
            A,
            b,
        )
        check(
            lambda a, x: linalg.cho_solve(linalg.cho_factor(a, lower), x),
            lambda a, x: scipy_linalg.cho_solve(scipy_linalg.cho_factor(a, lower), x),
            S,
            b,
        )

    @pytest.mark.parametrize("trans", [0, 1, 2])
    def test_lu(self, b, trans):
        for matrix in (A, C):
            pivots = onp.array([2, 3, 2, 3])
            check(
                lambda lu, x: linalg.lu_solve((lu, pivots), x, trans=trans),
                lambda lu, x: scipy_linalg.lu_solve((lu, pivots), x, trans=trans),
                matrix,
                b + 0 * matrix[0, 0],
            )
        check(
            lambda a, x: linalg.lu_solve(linalg.lu_factor(a), x, trans),
            lambda a, x: scipy_linalg.lu_solve(scipy_linalg.lu_factor(a), x, trans),
            A[::-1].copy(),
            b,
        )


@pytest.mark.parametrize("lower", [False, True])
def test_factors(lower):
    check_named("cholesky", S, lower=lower)
    check(
        lambda a: linalg.cho_factor(a, lower)[0],
        lambda a: scipy_linalg.cho_factor(a, lower)[0],
        S,
    )
    check(
        lambda a: linalg.lu_factor(a)[0],
        lambda a: scipy_linalg.lu_factor(a)[0],
        A[::-1].copy(),
    )


def test_cholesky_of_a_symmetric_function():
    # Through a symmetric matrix the gradient does not depend on which triangle is read.
    value = lambda lower: lambda x: np.sum(np.log(np.diag(linalg.cholesky(x @ x.T, lower=lower))))
    expected = onp.linalg.inv(A).T
    for lower in (False, True):
        onp.testing.assert_allclose(grad(value(lower))(A), expected, rtol=1e-10)


def test_sylvester():
    b = R.standard_normal((3, 3)) + 2 * onp.eye(3)
    check_named("solve_sylvester", A, b, R.standard_normal((4, 3)))


def test_structured():
    check_named("block_diag", A, VECTOR, COLUMNS)
    check_named("toeplitz", VECTOR)
    check_named("toeplitz", VECTOR, COLUMNS[:, 0])
    check_named("hankel", VECTOR)
    check_named("hankel", VECTOR, COLUMNS[:, 0])
    check_named("circulant", VECTOR)
    check_named("companion", VECTOR)
    check_named("norm", A, rtol=1e-14)


@pytest.mark.parametrize("name", ["sqrtm", "solve_triangular", "solve_banded", "solve_sylvester"])
@pytest.mark.filterwarnings("ignore")
def test_agrees_with_autograd(name):
    autograd = pytest.importorskip("autograd")
    theirs = pytest.importorskip("autograd.scipy.linalg")
    total, their_total = np.sum, autograd.numpy.sum
    args = {
        "sqrtm": (S,),
        "solve_triangular": (A, COLUMNS),
        "solve_banded": ((1, 1), R.standard_normal((3, 4)) + 2, VECTOR),
        "solve_sylvester": (A, S, R.standard_normal((4, 4))),
    }[name]
    for i in range(name == "solve_banded", len(args)):
        got = grad(lambda *a: total(getattr(linalg, name)(*a) ** 2), i)(*args)
        expected = autograd.grad(lambda *a: their_total(getattr(theirs, name)(*a) ** 2), i)(*args)
        if name == "solve_banded" and i == 1:
            # Entries outside the matrix are not read; autograd has them as zeros as well.
            expected = expected * (got != 0)
        onp.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


BAD = [
    onp.zeros((3, 3)),
    onp.ones((3, 2)),
    onp.full((2, 2), onp.nan),
    onp.zeros((0, 0)),
    onp.array(1.0),
]


@pytest.mark.parametrize("x", BAD, ids=["singular", "rectangular", "nan", "empty", "number"])
@pytest.mark.parametrize("name", ["inv", "det", "cholesky", "expm", "sqrtm", "lu_factor"])
@pytest.mark.filterwarnings("ignore")
def test_scipys_own_error(name, x):
    def outcome(function):
        try:
            function(x)
        except NotImplementedError:
            return None
        except Exception as error:
            return type(error), str(error)

    mine = outcome(lambda x: make_vjp(getattr(linalg, name))(x))
    theirs = outcome(getattr(scipy_linalg, name))
    if name == "lu_factor":
        # Returns a pair: make_vjp takes the first of it.
        mine = outcome(lambda x: make_vjp(lambda a: linalg.lu_factor(a)[0])(x))
        theirs = theirs if mine is not None else None
    assert mine == theirs
    onp.testing.assert_allclose(
        grad(lambda a: linalg.det(a))(A), linalg.det(A) * onp.linalg.inv(A).T
    )


def test_hermitian_systems_by_a_parameter():
    h = onp.array([[2, 0.5 + 0.5j], [0.5 - 0.5j, 3]])
    k, b = onp.array([[0, 1j], [-1j, 0]]), onp.array([1, 1j])
    value = lambda t: np.real(np.sum(linalg.solve(h + t * k, b, assume_a="pos")))
    onp.testing.assert_allclose(grad(value)(0.0), 0.2809917355371901, rtol=1e-12)


@pytest.mark.parametrize(
    "x",
    [
        onp.zeros((2, 2)),
        onp.diag([1.0, 1.0, 0.0]),
        onp.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.5, 0.7, 0.9]]),
        onp.ones((2, 3, 3)),
    ],
)
def test_det_of_singular_matrices(x):
    for order in (1, 2):
        check_grads(lambda a: np.sum(linalg.det(a)), order=order)(x)
    onp.testing.assert_allclose(
        grad(lambda a: np.sum(linalg.det(a)))(x),
        grad(lambda a: np.sum(np.linalg.det(a)))(x),
        atol=1e-15,
    )


NUMBERS = {
    "expm": ("expm", 2.0),
    "cholesky": ("cholesky", 4.0),
    "cho_factor": (lambda m: lambda a: m.cho_factor(a)[0], 4.0),
    "solve": ("solve", 2.0, 3.0),
    "solve, longer": ("solve", onp.full((1, 1), 2.0), VECTOR),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_in_place_of_matrices(name):
    maker, *args = NUMBERS[name]
    if isinstance(maker, str):
        mine, theirs = getattr(linalg, maker), getattr(scipy_linalg, maker)
    else:
        mine, theirs = maker(linalg), maker(scipy_linalg)
    try:
        theirs(*args)
    except (AttributeError, ValueError):
        pytest.skip("this version of SciPy takes no numbers")
    check(mine, theirs, *args)


@pytest.mark.parametrize("shape", [(0,), (0, 2)])
def test_empty_banded_systems(shape):
    for name, given, rows in (("solve_banded", ((1, 1),), 3), ("solveh_banded", (), 2)):
        function = lambda ab, b, name=name, given=given: getattr(linalg, name)(*given, ab, b)
        try:
            expected = getattr(scipy_linalg, name)(*given, onp.ones((rows, 0)), onp.ones(shape))
        except Exception:  # LAPACK's own error
            pytest.skip("this version of SciPy takes no empty systems")
        for i, argument in enumerate((onp.ones((rows, 0)), onp.ones(shape))):
            args = [onp.ones((rows, 0)), onp.ones(shape)]
            vjp, value = make_vjp(function, i)(*args)
            assert value.shape == expected.shape
            assert vjp(value).shape == argument.shape


def test_cho_factor_of_long_doubles():
    value = make_vjp(lambda a: linalg.cho_factor(a)[0])(S.astype(onp.longdouble))[1]
    expected = scipy_linalg.cho_factor(S.astype(onp.longdouble))[0]
    assert value.dtype == expected.dtype
    onp.testing.assert_array_equal(value, expected)


def test_other_modes_of_triangular_systems():
    for trans in ("X", 3, None):
        check_named("solve_triangular", A, VECTOR, trans=trans)


WRONG = {
    "expm": (lambda m, a: m.expm(a, 1), A),
    "widths": (lambda m, a: m.solve_banded(1, a, VECTOR), A),
    "no side": (lambda m, a: m.solve_triangular(a, None), A),
    "mode": (lambda m, a: m.solve_triangular(a, VECTOR, "X"), onp.asfortranarray(A)),
    "structure": (lambda m, a: m.solve(a, VECTOR, assume_a="round"), A),
    "structures": (lambda m, a: m.solve(a, VECTOR, assume_a=["pos"]), A),
    "lengths": (lambda m, a: m.solve(a, VECTOR[:3]), A),
    "factors": (lambda m, a: m.lu_solve(3, a), A),
    "factor": (lambda m, a: m.cho_solve(3, a), A),
    "sylvester": (lambda m, a: m.solve_sylvester(a, a, None), A),
    "order": (lambda m, a: m.norm(a, "round"), A),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_scipys_error(name):
    function, x = WRONG[name]
    with pytest.raises(Exception) as expected:
        function(scipy_linalg, x)
    with pytest.raises(type(expected.value)) as found:
        make_vjp(lambda a: function(linalg, a))(x)
    assert str(found.value) == str(expected.value)


def test_norm_by_its_order():
    check_grads(linalg.norm, (0, 1), order=2)(VECTOR, 2.5)
    with pytest.raises(TypeError, match="norm.*'ord'"):
        grad(lambda p: linalg.norm(A, p))(2.0)


def test_triangular_systems_by_lapack():
    """Every layout of memory gives SciPy's bits, and what it checks is an error here as well."""
    for a in (
        A,
        onp.asfortranarray(A),
        A[::-1, ::-1],
        onp.tile(A, 2)[:, ::2][:, :4] + 4 * onp.eye(4),
    ):
        for b in (VECTOR, COLUMNS, onp.asfortranarray(COLUMNS), COLUMNS[:, :1]):
            for trans in (0, 1):
                for options in ({"lower": True}, {"lower": False, "unit_diagonal": True}):
                    check_named("solve_triangular", a, b, order=1, trans=trans, **options)
    unread = A.copy()
    unread[0, 3] = onp.nan
    for a, kind in ((unread, ValueError), (onp.zeros((4, 4)), scipy_linalg.LinAlgError)):
        with pytest.raises(kind):
            grad(lambda b, a=a: np.sum(linalg.solve_triangular(a, b, lower=True)))(VECTOR)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("lower", [True, False])
def test_cho_solve_by_lapack_is_scipys(order, lower):
    rng = onp.random.default_rng(5)
    half = rng.normal(size=(4, 4))
    c = onp.asarray(scipy_linalg.cho_factor(half @ half.T, lower=lower)[0], order=order)
    for b in (rng.normal(size=4), rng.normal(size=(4, 3)), rng.normal(size=(3, 4)).T):
        kept = c.copy(), b.copy()
        expected = scipy_linalg.cho_solve((c, lower), b)
        value, slope = make_vjp(lambda b: linalg.cho_solve((c, lower), b))(b)[::-1]
        onp.testing.assert_array_equal(value, expected)
        onp.testing.assert_allclose(slope(b), expected, rtol=1e-13)
        assert onp.array_equal(c, kept[0])
        assert onp.array_equal(b, kept[1])
    for wrong in (onp.ones(3), onp.ones((4, 4)) * onp.nan, onp.ones((5, 1))):
        with pytest.raises(ValueError) as theirs:
            scipy_linalg.cho_solve((c, lower), wrong)
        with pytest.raises(ValueError) as ours:
            make_vjp(lambda b: linalg.cho_solve((c, lower), b))(wrong)
        assert str(ours.value) == str(theirs.value)


def test_solve_triangular_of_plain_arrays_is_scipys():
    rng = onp.random.default_rng(4)
    a = rng.normal(size=(4, 4)) + 4 * onp.eye(4)
    for matrix in (a, onp.asfortranarray(a), a.astype(onp.float32), a + 1j, a[::-1]):
        for b in (rng.normal(size=4), rng.normal(size=(4, 3)), onp.arange(4)):
            for trans in (0, 1, 2, "N", "T", "C"):
                for lower in (False, True):
                    for unit in (False, True):
                        given = b.copy()
                        args = (matrix, given, trans, lower, unit)
                        expected = scipy_linalg.solve_triangular(*args)
                        got = linalg.solve_triangular(*args)
                        onp.testing.assert_allclose(
                            got, expected, rtol=1e-6 if expected.dtype == onp.float32 else 1e-14
                        )
                        assert got.dtype == expected.dtype
                        onp.testing.assert_array_equal(given, b)
    wrong = [
        (onp.zeros((2, 2)), onp.ones(2)),
        (onp.ones((2, 3)), onp.ones(2)),
        (onp.ones((2, 2)), onp.ones(3)),
        (onp.array([[1.0, onp.nan], [0.0, 1.0]]), onp.ones(2)),
    ]
    for args in wrong:
        with pytest.raises(Exception) as theirs:
            scipy_linalg.solve_triangular(*args)
        with pytest.raises(theirs.type, match=re.escape(str(theirs.value))):
            linalg.solve_triangular(*args)
