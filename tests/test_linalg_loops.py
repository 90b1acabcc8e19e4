"""Values of linear algebra by loops: NumPy's bits, types, layouts and errors; and our own loops."""

from __future__ import annotations

import sys
import threading
import warnings

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import grad, hessian_vector_product, make_jvp
from fastad.numpy.linalg import determinants, factorizations, hermitian, solving

OF_ONE = {
    "inv": (solving.inv, ()),
    "det": (determinants.det, ()),
    "slogdet": (determinants._slogdet, ()),
    "cholesky": (factorizations._cholesky, (False,)),
    "eigh": (hermitian._eigh, ("L",)),
    "eigh upper": (hermitian._eigh, ("u",)),
    "eigvalsh": (hermitian._eigvalsh, ("U",)),
    "eigvalsh lower": (hermitian._eigvalsh, ("l",)),
}
if onp.lib.NumpyVersion(onp.__version__) >= "2.0.0":
    OF_ONE["cholesky upper"] = (factorizations._cholesky, (True,))
DTYPES = ["float64", "float32", "complex128", "complex64", "int64"]


def matrices(n, dtype="float64", stack=(), seed=0):
    """Positive definite ones."""
    x = onp.random.default_rng(seed).normal(size=(*stack, n, n))
    if "complex" in dtype:
        x = x + 1j * onp.random.default_rng(seed + 1).normal(size=x.shape)
    x = x @ x.conj().swapaxes(-1, -2) + n * onp.eye(n)
    return (10 * x if dtype == "int64" else x).astype(dtype)


def spaced(x):
    room = onp.zeros([2 * length for length in x.shape], x.dtype)
    part = room[(slice(None, None, 2),) * x.ndim]
    part[...] = x
    return part


def backwards(x):
    turn = (slice(None, None, -1),) * x.ndim
    return x[turn].copy()[turn]


def unaligned(x):
    made = onp.empty(x.nbytes + 1, onp.uint8)[1:].view(x.dtype).reshape(x.shape)
    made[...] = x
    return made


LAYOUTS = {
    "C": lambda x: x,
    "Fortran": lambda x: onp.asfortranarray(x),
    "transposed": lambda x: x.swapaxes(-1, -2).copy().swapaxes(-1, -2),
    "spaced": spaced,
    "backwards": backwards,
    "unaligned": unaligned,
    "swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "matrix": lambda x: x.view(type("Own", (onp.ndarray,), {})),
}


def outcome(function, args):
    """The result, or the error, and the warnings; both of the same for the same call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args)
        except Exception as error:
            result = error
    return result, sorted(str(one.message) for one in caught)


def assert_same(primitive, args):
    found, warned = outcome(primitive, args)
    expected, expected_warnings = outcome(primitive.fun, args)
    assert type(found) is type(expected)
    assert warned == expected_warnings
    if isinstance(expected, Exception):
        assert str(found) == str(expected)
        return
    several = isinstance(expected, tuple)
    for one, other in zip(found, expected) if several else [(found, expected)]:
        assert type(one) is type(other)
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        if isinstance(other, onp.ndarray):
            assert one.strides == other.strides or one.size <= 1
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_ONE)
def test_values_are_numpys_bit_for_bit(name, dtype):
    primitive, options = OF_ONE[name]
    for n in (0, 1, 2, 3, 7, 40):
        assert_same(primitive, (matrices(n, dtype), *options))
    for stack in ((2,), (2, 3), (1,), (0,), (2, 0)):
        assert_same(primitive, (matrices(3, dtype, stack), *options))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", OF_ONE)
def test_values_in_every_layout(name, layout):
    primitive, options = OF_ONE[name]
    for stack in ((), (2,), (2, 3)):
        for dtype in ("float64", "float32", "complex128"):
            assert_same(primitive, (LAYOUTS[layout](matrices(4, dtype, stack)), *options))


@pytest.mark.parametrize("second", ["C", "spaced", "backwards", "unaligned", "swapped"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_solutions_in_every_layout(layout, second):
    for dtypes in (("float64",) * 2, ("float32",) * 2, ("complex128",) * 2, ("float64", "float32")):
        for shape in ((4,), (4, 1), (4, 3)):
            a = LAYOUTS[layout](matrices(4, dtypes[0]))
            b = LAYOUTS[second](onp.random.default_rng(1).normal(size=shape).astype(dtypes[1]))
            assert_same(solving._solve, (a, b))


@pytest.mark.parametrize("dtype", DTYPES)
def test_solutions_of_stacks_and_of_shapes_that_do_not_fit(dtype):
    random = onp.random.default_rng(2)
    for stack in ((), (2,), (3,), (2, 3), (0,), (1,)):
        a = matrices(3, dtype, stack)
        for shape in (
            (3,),
            (3, 2),
            (2, 3),
            (2, 3, 2),
            (2, 3, 3, 2),
            (3, 3),
            (4,),
            (0,),
            (3, 0),
            (),
        ):
            assert_same(solving._solve, (a, random.normal(size=shape).astype(dtype)))
    assert_same(solving._solve, (matrices(0, dtype), onp.zeros(0, dtype)))
    assert_same(solving._solve, (matrices(3, dtype)[:2], onp.zeros(2, dtype)))


@pytest.mark.parametrize("name", OF_ONE)
def test_what_is_no_square_matrix_is_answered_by_numpy(name):
    primitive, options = OF_ONE[name]
    for a in (1.0, onp.ones(3), onp.ones((2, 3)), "text", None, [[2.0, 0.0], [0.0, 3.0]]):
        assert_same(primitive, (a, *options))


def bad_matrices():
    singular, indefinite = onp.ones((3, 3)), onp.diag([1.0, -1.0, 2.0])
    nan, infinite = matrices(3), matrices(3)
    nan[1, 1], infinite[2, 0] = onp.nan, onp.inf
    stack = onp.stack([matrices(3), singular, matrices(3)])
    return [singular, indefinite, onp.zeros((3, 3)), nan, infinite, stack, matrices(3) * 1e200]


@pytest.mark.parametrize("mode", ["warn", "raise", "ignore"])
@pytest.mark.parametrize("name", [*OF_ONE, "solve"])
def test_failures_are_numpys(name, mode):
    for a in bad_matrices():
        for dtype in ("float64", "float32", "complex128"):
            with onp.errstate(all="ignore"):
                given = a.astype(dtype)
            primitive, options = OF_ONE.get(name, (solving._solve, (given[..., :1],)))
            with onp.errstate(all=mode):
                assert_same(primitive, (given, *options))


def test_a_flag_that_stands_already_is_not_taken_for_a_failure():
    a, b = matrices(3), onp.ones(3)
    expected = onp.linalg.solve(a, b)
    with onp.errstate(all="ignore"):
        for _ in range(3):
            onp.float64(0.0) / onp.float64(0.0)
            onp.testing.assert_array_equal(solving._solve(a, b), expected)


# ---- the core's own ------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [1, 2, 7, 8, 9, 40])
@pytest.mark.parametrize("size", [1, 2, 3, 8, 31, 32, 33, 64, 65, 130])
def test_substitution_solves_what_numpy_solves(size, columns):
    random = onp.random.default_rng(size)
    lower = onp.tril(random.normal(size=(size, size))) / size + 2.0 * onp.eye(size)
    b = random.normal(size=(size, columns))
    for a in (lower, lower.T, lower.T.copy(), lower.T.copy().T, spaced(lower), backwards(lower.T)):
        for right in (b, onp.asfortranarray(b), backwards(b), onp.broadcast_to(b[:, :1], b.shape)):
            expected = onp.linalg.solve(a, right)
            found = solving.matrix_solve(a, right)
            assert found.dtype == expected.dtype
            assert found.flags.c_contiguous
            onp.testing.assert_allclose(found, expected, 1e-12, 1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
def test_columns_for_any_matrix(dtype):
    a = matrices(5, dtype)
    b = onp.random.default_rng(3).normal(size=(5, 2)).astype(dtype)
    assert_same(solving.matrix_solve, (a, b))
    assert_same(solving.matrix_solve, (onp.stack([a, a]), onp.stack([b, b])))
    triangle = onp.tril(a)
    expected = onp.linalg.solve(triangle, b)
    found = solving.matrix_solve(triangle, b)
    assert found.dtype == expected.dtype
    onp.testing.assert_allclose(
        found, expected, 1e-5 if "32" in str(expected.real.dtype) else 1e-12
    )


@pytest.mark.parametrize("size", [2, 40])
def test_a_singular_triangle_and_what_is_nearly_one(size):
    a = onp.tril(onp.ones((size, size)))
    b = onp.ones((size, 2))
    a[1, 1] = 0.0
    with pytest.raises(onp.linalg.LinAlgError):
        solving.matrix_solve(a, b)
    a[1, 1], a[0, 1] = 1.0, 1e-3
    assert_same(solving.matrix_solve, (a, b))
    a[0, 1] = onp.nan
    assert onp.isnan(solving.matrix_solve(a, b)).any()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 31, 32, 33, 64, 100])
def test_the_adjoint_of_cholesky_by_blocks_and_by_solves(size):
    a = matrices(size)
    lower = onp.linalg.cholesky(a)
    g = onp.random.default_rng(size).normal(size=(size, size))
    g[onp.triu_indices(size, 1)] = onp.nan  # is not read
    clean = onp.tril(g)
    expected = factorizations._cholesky_adjoint.fun(lower, clean)
    for own in (lower, onp.asfortranarray(lower), spaced(lower)):
        for cotangent in (g, onp.asfortranarray(g), backwards(g)):
            found = factorizations._cholesky_adjoint(own, cotangent)
            onp.testing.assert_allclose(found, expected, 1e-10, 1e-12)
            onp.testing.assert_array_equal(found, found.T)
    pair = factorizations._cholesky_adjoint(onp.stack([lower, 2 * lower]), onp.stack([g, g]))
    onp.testing.assert_array_equal(pair[0], factorizations._cholesky_adjoint(lower, g))
    onp.testing.assert_allclose(
        pair[1], factorizations._cholesky_adjoint.fun(2 * lower, clean), 1e-10, 1e-12
    )


@pytest.mark.parametrize("size", [4, 110])
def test_rules_with_triangles_at_both_orders(size):
    random = onp.random.default_rng(8)
    x = random.normal(size=(size, size))
    a, b = x @ x.T + size * onp.eye(size), random.normal(size=size)
    t = x + x.T

    def f(a):
        factor = np.linalg.cholesky(a)
        y = np.linalg.solve(factor, b)
        return np.sum(np.linalg.solve(factor.T, y) ** 2) + np.sum(np.log(np.diag(factor)))

    def by_hand(a):
        inverse = onp.linalg.inv(a)
        y = inverse @ b
        outer = -2.0 * onp.outer(inverse @ y, y)
        return 0.5 * (outer + outer.T) + 0.5 * inverse

    step = 1e-5
    moved = (by_hand(a + step * t) - by_hand(a - step * t)) / (2.0 * step)
    onp.testing.assert_allclose(grad(f)(a), by_hand(a), 1e-8, 1e-12)
    onp.testing.assert_allclose(make_jvp(f)(a)(t)[1], onp.sum(by_hand(a) * t), 1e-8)
    scale = onp.abs(moved).max()
    onp.testing.assert_allclose(hessian_vector_product(f)(a, t), moved, 1e-5, 1e-6 * scale)


# ---- threads -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda a: solving.inv(a),
        lambda a: solving._solve(a, a),
        lambda a: solving.matrix_solve(onp.tril(a), a),
        lambda a: factorizations._cholesky(a, False),
        lambda a: factorizations._cholesky_adjoint(onp.tril(a), a),
    ],
)
def test_other_threads_run_meanwhile(call):
    a = matrices(300)
    counted = [0]
    started, stop = threading.Event(), threading.Event()

    def count():
        started.set()
        while not stop.wait(0.0002):
            counted[0] += 1

    before = sys.getswitchinterval()
    sys.setswitchinterval(1000.0)  # a thread runs where another one lets it, and never else
    other = threading.Thread(target=count)
    try:
        other.start()
        started.wait()
        counted[0] = 0
        for _ in range(20):
            call(a)
        assert counted[0] > 0
    finally:
        stop.set()
        other.join()
        sys.setswitchinterval(before)
