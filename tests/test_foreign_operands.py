"""Frames, series and sparse matrices beside traced values: their numbers, in both modes."""

from __future__ import annotations

import operator
from typing import Any

import numpy as onp
import pandas as pd
import pytest
import scipy.sparse as sps
import scipy.sparse.linalg

import fastad
import fastad.numpy as np
from fastad import grad, jacobian
from fastad.scipy import sparse
from fastad.scipy.sparse import arrays as sparse_arrays
from fastad.test_util import check_grads

X = onp.array([0.5, -1.0, 2.0])
FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0], "group": [0, 1, 0]})
SERIES = FRAME["a"]
NULLABLE = pd.Series([1.0, 2.0, 3.0], dtype="Float64")
INDEX = pd.Index([1.0, 2.0, 3.0])

OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    operator.lt,
    operator.ge,
]


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize("other", [SERIES, NULLABLE, INDEX, FRAME[["a", "b", "group"]]])
@pytest.mark.parametrize("swapped", [False, True])
def test_pandas_operands_are_their_values(op: Any, other: Any, swapped: bool) -> None:
    values = other.to_numpy().astype(float)

    def loss(x: Any, other: Any) -> Any:
        y = np.abs(x) + 0.5
        result = op(y, other) if swapped else op(other, y)
        assert not isinstance(result, (pd.Series, pd.DataFrame, pd.Index))
        return np.sum(np.where(result, x, 0.0) if result.dtype == bool else result)

    assert grad(loss)(X, other).tolist() == grad(loss)(X, values).tolist()
    assert float(loss(X, values)) == float(fastad.value_and_grad(loss)(X, other)[0])


def test_more_of_pandas() -> None:
    columns = FRAME[["a", "b"]]
    matrix = columns.to_numpy()
    for frame, plain in [
        (lambda x: np.dot(columns, x[:2]), lambda x: np.dot(matrix, x[:2])),
        (lambda x: x @ columns, lambda x: x @ matrix),
        (lambda x: SERIES * x[0], lambda x: matrix[:, 0] * x[0]),
        (lambda x: np.exp(SERIES * x[0]), lambda x: np.exp(matrix[:, 0] * x[0])),
        (lambda x: onp.multiply(SERIES, x), lambda x: matrix[:, 0] * x),
        (lambda x: x[FRAME.group], lambda x: x[onp.array([0, 1, 0])]),
        (lambda x: x[FRAME.group == 0], lambda x: x[onp.array([True, False, True])]),
        (
            lambda x: np.bincount(FRAME.group, weights=SERIES * x),
            lambda x: np.bincount(onp.array([0, 1, 0]), weights=matrix[:, 0] * x),
        ),
    ]:
        found = jacobian(frame)(X)
        onp.testing.assert_allclose(found, jacobian(plain)(X), rtol=1e-15)


@pytest.mark.parametrize(
    "use",
    [
        lambda x: pd.Series(x),
        lambda x: FRAME.assign(c=x),
        lambda x: pd.DataFrame({"c": x}),
        lambda x: pd.DataFrame(onp.ones((2, 2000))) @ np.tile(x[:1], 2000),
    ],
)
def test_pandas_does_not_hold_traced_values(use: Any) -> None:
    # Each of these would keep the whole array as one object, once for a row.
    with pytest.raises(TypeError, match=r"to_numpy\(\)"):
        grad(lambda x: np.sum(use(x)))(X)


WIDE = FRAME[["a", "b"]]


@pytest.mark.parametrize(
    "use",
    [
        lambda f, x: f @ x[:2],
        lambda f, x: (f @ x[:2] - x) ** 2,
        lambda f, x: x * (f @ x[:2]),
        lambda f, x: np.exp(f @ x[:2]) - onp.log(1 + (f @ x[:2]) ** 2),
        lambda f, x: (f @ np.outer(x[:2], x)).sum(axis=0),
    ],
)
def test_products_of_a_frame_hold_traced_values(use: Any) -> None:
    found, value = grad(lambda x: np.sum(use(WIDE, x)))(X), WIDE.to_numpy()
    onp.testing.assert_allclose(found, grad(lambda x: np.sum(use(value, x)))(X), rtol=1e-14)
    column = WIDE["a"].iloc[:3]
    assert grad(lambda x: column @ x)(X).tolist() == column.tolist()
    hessian_of = lambda f: jacobian(jacobian(lambda x: np.sum(use(f, x))))(X)
    onp.testing.assert_allclose(hessian_of(WIDE), hessian_of(value), rtol=1e-12, atol=1e-12)


def test_a_traced_array_is_iterable_for_who_asks_it_and_a_number_is_not() -> None:
    def loss(x: Any) -> Any:
        assert hasattr(x, "__iter__")
        assert not hasattr(x[0], "__iter__")
        return sum(x.__iter__())

    assert grad(loss)(X).tolist() == [1.0, 1.0, 1.0]


class Values:
    """An array of another library, by protocol alone."""

    def __init__(self, values: Any, declines: bool) -> None:
        self.values = onp.asarray(values)
        self.declines = declines

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return onp.asarray(self.values, dtype)

    def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
        return NotImplemented

    def __mul__(self, other: Any) -> Any:
        return NotImplemented if self.declines else ("mine", other)

    __rmul__ = __mul__


def test_who_declines_is_its_values_and_who_answers_is_asked() -> None:
    for use in (lambda x, y: x * y, lambda x, y: y * x):
        declining = Values([1.0, 2.0, 3.0], True)
        assert grad(lambda x: np.sum(use(x, declining)))(X).tolist() == [1.0, 2.0, 3.0]

        def loss(x: Any) -> Any:
            word, same = use(x, Values([1.0, 2.0, 3.0], False))
            assert word == "mine"
            assert same is x
            return np.sum(x)

        grad(loss)(X)
    text = Values(["a", "b", "c"], True)
    with pytest.raises(TypeError, match="unsupported operand"):
        grad(lambda x: np.sum(x * text))(X)


def test_functions_take_the_values_of_other_arrays() -> None:
    other = Values([1.0, 2.0, 3.0], True)
    for function in (
        lambda x, y: np.concatenate([y, x]) ** 2,
        lambda x, y: np.dot(y, x),
        lambda x, y: np.outer(y, x) ** 2,
        lambda x, y: np.where(x > 0, x, y),
    ):
        expected = grad(lambda x: np.sum(function(x, other.values)))(X)
        assert grad(lambda x: np.sum(function(x, other)))(X).tolist() == expected.tolist()


class Plain:
    """Converts to an array, and no more."""

    def __init__(self, values: Any) -> None:
        self.values = onp.asarray(values)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return onp.asarray(self.values, dtype)

    def __rmul__(self, other: Any) -> Any:
        return other * self.values * 2.0  # an array of NumPy's does not leave `array * plain` to it


class Ranking(Plain):
    """One that an array leaves operators to."""

    __array_priority__ = 100.0


class Apart(Plain):
    """One that no ufunc takes."""

    __array_ufunc__ = None


class Scaled(Plain):
    """Answers ufuncs and functions of NumPy's: twice what its values give."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*map(_plain, inputs), **kwargs) * 2.0

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is onp.vstack:
            return NotImplemented
        return function(*_plain(args), **{name: _plain(x) for name, x in kwargs.items()}) * 2.0


def _plain(x: Any) -> Any:
    if isinstance(x, list | tuple):
        return type(x)(map(_plain, x))
    return x.values if isinstance(x, Plain) else x


BESIDE = {
    "x * c": lambda m, x, c: x * c,
    "x + c": lambda m, x, c: x + c,
    "c - x": lambda m, x, c: c - x,
    "x @ c": lambda m, x, c: x @ c,
    "c @ x": lambda m, x, c: c @ x,
    "x ** c": lambda m, x, c: x**c,
    "add": lambda m, x, c: m.add(x, c),
    "matmul": lambda m, x, c: m.matmul(c, x),
    "dot": lambda m, x, c: m.dot(x, c),
    "concatenate": lambda m, x, c: m.concatenate([c, x]) ** 2,
    "where": lambda m, x, c: m.where(MASK, x, c) ** 2,
    "stack": lambda m, x, c: m.stack([x, c]) ** 2,
    "einsum": lambda m, x, c: m.einsum("i,i->i", x, c),
    "append": lambda m, x, c: m.append(x, c) ** 2,
    "sum": lambda m, x, c: m.sum(x) * m.sum(c),
}
MASK = onp.array([True, False, True])


@pytest.mark.parametrize("make", [Plain, Ranking, Apart, Scaled])
@pytest.mark.parametrize("name", BESIDE)
def test_value_and_derivative_are_those_of_numpy_and_the_other_array(name: str, make: Any) -> None:
    """Where an array of NumPy's in the traced one's place has a value, it is this one's."""
    other, x = make([1.0, 2.0, 3.0]), onp.array([1.5, 0.4, 2.0])

    def total(m: Any, x: Any) -> Any:
        return m.sum(BESIDE[name](m, x, other))  # the last one that was made

    try:
        value = total(onp, x)
    except TypeError:  # what NumPy refuses may be taken by its values, or refused
        try:
            found = grad(lambda x: total(np, x))(x)
        except TypeError:
            return
        other = Plain(other.values)
        assert found.tolist() == grad(lambda x: total(np, x))(x).tolist()
        return
    step = 1e-6
    slopes = [(total(onp, x + e) - total(onp, x - e)) / (2 * step) for e in step * onp.eye(3)]
    for m in (np, onp):
        try:
            found, by_x = fastad.value_and_grad(lambda x, m=m: total(m, x))(x)
        except TypeError as refusal:
            assert "arithmetic of its own" in str(refusal)
            assert make is Scaled
            continue
        onp.testing.assert_allclose(found, value, rtol=1e-14)
        onp.testing.assert_allclose(by_x, slopes, rtol=1e-6)
        forward = [fastad.make_jvp(lambda x, m=m: total(m, x))(x)(e)[1] for e in onp.eye(3)]
        onp.testing.assert_allclose(forward, slopes, rtol=1e-6)


def test_an_array_that_declines_a_function_is_refused() -> None:
    with pytest.raises(TypeError, match="vstack.*Scaled, an array of another library"):
        grad(lambda x: np.sum(np.vstack([x, Scaled([1.0, 2.0, 3.0])])))(X)
    with pytest.raises(TypeError, match="array.*or a part of it.*Scaled"):
        grad(lambda x: np.sum(np.array([x, Scaled([1.0, 2.0, 3.0])])))(X)


# ---- sparse constants

DENSE = onp.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0], [4.0, 0.0, 5.0], [0.0, 6.0, 0.0]])
BATCH = onp.array([[0.5, 1.5], [-1.0, 0.3], [2.0, -0.7]])
MATRICES = [sps.csr_array, sps.csc_array, sps.coo_array, sps.csr_matrix, sps.csc_matrix]


def product(A: Any, x: Any) -> Any:
    return A @ np.sin(x)


def from_left(A: Any, x: Any) -> Any:
    return np.sin(x).T @ A.T


def transposed(A: Any, x: Any) -> Any:
    return A.T @ (A @ x**2)


def by_dot(A: Any, x: Any) -> Any:
    if isinstance(A, onp.ndarray):
        return np.dot(A, x**3)
    if A.format == "coo":
        A = A.tocsr()  # coo_array.dot takes no operand but NumPy's, and says so
    return A.dot(x**3)


@pytest.mark.parametrize("kind", MATRICES)
@pytest.mark.parametrize("function", [product, from_left, transposed, by_dot])
@pytest.mark.parametrize("x", [X, BATCH], ids=["vector", "batch"])
def test_products_with_a_sparse_constant(kind: Any, function: Any, x: Any) -> None:
    A = kind(DENSE)
    value = function(A, x)
    onp.testing.assert_allclose(value, function(DENSE, x), rtol=1e-15)
    onp.testing.assert_allclose(
        jacobian(lambda x: function(A, x))(x),
        jacobian(lambda x: function(DENSE, x))(x),
        rtol=1e-13,
    )
    check_grads(lambda x: function(A, x), modes=["fwd", "rev"], order=2)(x)


def test_complex_sparse_constants_are_as_dense_ones() -> None:
    A = sps.csr_array(DENSE * (1.0 + 2.0j))
    found, expected = (
        grad(lambda x: np.sum(np.abs(matrix @ x) ** 2))(X) for matrix in (A, A.toarray())
    )
    onp.testing.assert_allclose(found, expected, rtol=1e-14)


def check_where_scipy_is_asked_first(found: Any, right: Any, x: Any) -> None:
    """`constant * traced` by elements: older versions do not leave it to the operand on the right.

    It must be an error that says what to write then.
    """
    if sparse_arrays._leaves_products():
        onp.testing.assert_allclose(jacobian(found)(x), jacobian(right)(x))
    else:
        with pytest.raises((TypeError, AttributeError), match=r"multiply\("):
            jacobian(found)(x)


def test_elementwise_with_a_sparse_constant() -> None:
    square = DENSE[:3]
    for A in (sps.csr_array(square), sps.csr_matrix(square)):
        for function, same in [
            (lambda x: sparse.multiply(A, x).toarray(), lambda x: square * x),
            (lambda x: sparse.multiply(A, x[:, None]).toarray(), lambda x: square * x[:, None]),
            (lambda x: (x[1] * A).toarray(), lambda x: square * x[1]),
            (lambda x: (A / x[2]).toarray(), lambda x: square / x[2]),
            (lambda x: A + np.outer(x, x), lambda x: square + np.outer(x, x)),
            (lambda x: np.outer(x, x) - A, lambda x: np.outer(x, x) - square),
            (lambda x: A - np.outer(x, x), lambda x: square - np.outer(x, x)),
        ]:
            onp.testing.assert_allclose(jacobian(function)(X), jacobian(same)(X), rtol=1e-14)
    array, matrix = sps.csr_array(square), sps.csr_matrix(square)
    for found, right in [
        (lambda x: (array * x[0]).toarray(), lambda x: square * x[0]),
        (lambda x: (array * x).toarray(), lambda x: square * x),
    ]:
        check_where_scipy_is_asked_first(found, right, X)
    onp.testing.assert_allclose(jacobian(lambda x: (matrix * x[0]).toarray())(X),
                                jacobian(lambda x: square * x[0])(X))  # fmt: skip
    onp.testing.assert_allclose(jacobian(lambda x: matrix * x)(X), square)
    onp.testing.assert_allclose(jacobian(lambda x: x * matrix)(X), square.T)


def test_shapes_that_do_not_fit_are_errors() -> None:
    A = sps.csr_array(DENSE)
    with pytest.raises(ValueError, match=r"dimension|shape"):
        grad(lambda x: np.sum(A @ x[:2]))(X)
    with pytest.raises((ValueError, TypeError), match=r"inconsistent shapes|multiply\("):
        grad(lambda x: (A * x[:2]).sum())(X)
    with pytest.raises(TypeError, match="unsupported operand"):
        grad(lambda x: np.sum(A + x[0]))(X)
    onp.testing.assert_allclose(grad(lambda x: A.multiply(x).sum())(X), DENSE.sum(axis=0))


# ---- sparse arrays with traced entries

ROW = onp.array([0, 0, 1, 2, 2, 0])
COL = onp.array([0, 2, 1, 0, 2, 0])  # one place twice
ENTRIES = onp.array([3.0, 0.5, 2.0, -1.0, 4.0, 1.0])


def dense(data: Any) -> Any:
    return np.reshape(np.bincount(ROW * 3 + COL, weights=data, minlength=9), (3, 3))


def coo(data: Any) -> Any:
    return sparse.coo_array((data, (ROW, COL)), shape=(3, 3))


@pytest.mark.parametrize(
    "function",
    [
        lambda A, x: A @ x,
        lambda A, x: x @ A,
        lambda A, x: A.T @ np.stack([x, x**2], axis=1),
        lambda A, x: (A * 2.0 - A / 3.0) @ x,
        lambda A, x: -A @ x + (1.0 + A @ x),
        lambda A, x: A @ X * x,
        lambda A, x: X @ A,
    ],
)
def test_traced_entries(function: Any) -> None:
    for name in ("coo_array", "csr_array", "csc_array"):
        made = getattr(sparse, name)

        def sparsely(data: Any, x: Any) -> Any:
            return function(made((data, (ROW, COL)), shape=(3, 3)), x)

        for argnum in (0, 1):
            onp.testing.assert_allclose(
                jacobian(sparsely, argnum)(ENTRIES, X),
                jacobian(lambda data, x: function(dense(data), x), argnum)(ENTRIES, X),
                rtol=1e-13,
                atol=1e-15,
            )
    check_grads(lambda data: function(coo(data), X), modes=["fwd", "rev"], order=2)(ENTRIES)


def test_parts_of_arrays_with_traced_entries() -> None:
    constant = sps.csr_array(DENSE[:3])
    for function, same in [
        (lambda A: A.toarray(), lambda A: A),
        (lambda A: A.sum(), lambda A: np.sum(A)),
        (lambda A: np.sum(A), lambda A: np.sum(A)),
        (lambda A: A.sum(axis=0), lambda A: np.sum(A, axis=0)),
        (lambda A: A.sum(axis=1), lambda A: np.sum(A, axis=1)),
        (lambda A: A.diagonal(), lambda A: np.diag(A)),
        (lambda A: (A + constant).toarray(), lambda A: A + DENSE[:3]),
        (lambda A: (constant - A).toarray(), lambda A: DENSE[:3] - A),
        (lambda A: A + DENSE[:3], lambda A: A + DENSE[:3]),
        (lambda A: A.multiply(X).toarray(), lambda A: A * X),
    ]:
        onp.testing.assert_allclose(
            jacobian(lambda data: function(coo(data)))(ENTRIES),
            jacobian(lambda data: same(dense(data)))(ENTRIES),
        )
    check_where_scipy_is_asked_first(
        lambda data: (constant * coo(data)).toarray(), lambda data: DENSE[:3] * dense(data), ENTRIES
    )


def test_constructors() -> None:
    indptr, indices = onp.array([0, 2, 3, 5]), onp.array([0, 2, 1, 0, 2])
    data = ENTRIES[:5]
    for name in ("csr", "csc"):
        plain = getattr(sps, f"{name}_array")((data, indices, indptr), shape=(3, 3)).toarray()
        made = getattr(sparse, f"{name}_array")
        value, gradient = fastad.value_and_grad(
            lambda d: np.sum(made((d, indices, indptr), shape=(3, 3)).toarray() * DENSE[:3])
        )(data)
        assert value == onp.sum(plain * DENSE[:3])
        rows = onp.repeat(onp.arange(3), onp.diff(indptr))
        places = (rows, indices) if name == "csr" else (indices, rows)
        assert gradient.tolist() == DENSE[:3][places].tolist()
    for name in ("diags", "diags_array"):
        if hasattr(sps, name):  # the second is younger than SciPy 1.11
            onp.testing.assert_allclose(
                jacobian(lambda x: getattr(sparse, name)(x, offsets=1).toarray())(X),
                jacobian(lambda x: np.diag(x, 1))(X),
            )
    onp.testing.assert_allclose(
        jacobian(lambda x: sparse.diags([x, x[:2]], [0, -1]) @ X)(X),
        jacobian(lambda x: (np.diag(x) + np.diag(x[:2], -1)) @ X)(X),
    )
    assert isinstance(sparse.csr_array(DENSE), sps.csr_array)
    assert isinstance(sparse.diags(X), type(sps.diags(X)))
    with pytest.raises(TypeError, match="no constant pattern"):
        grad(lambda x: sparse.csr_array(np.outer(x, x)).sum())(X)
    with pytest.raises(TypeError, match="two sparse arrays"):
        grad(lambda d: (coo(d) @ sps.csr_array(DENSE[:3])).sum())(ENTRIES)
    with pytest.raises(TypeError, match="two sparse arrays"):
        grad(lambda d: (sps.csr_array(DENSE[:3]) @ coo(d)).sum())(ENTRIES)


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("b", [X, BATCH], ids=["vector", "batch"])
def test_spsolve(b: Any) -> None:
    def both(data: Any, b: Any) -> Any:
        return sparse.linalg.spsolve(coo(data), b)

    def same(data: Any, b: Any) -> Any:
        return np.linalg.solve(dense(data), b)

    for argnum in (0, 1):
        onp.testing.assert_allclose(
            jacobian(both, argnum)(ENTRIES, b), jacobian(same, argnum)(ENTRIES, b), rtol=1e-12
        )
    check_grads(both, argnum=(0, 1), modes=["fwd", "rev"], order=2)(ENTRIES, b)
    for A in (sps.csc_array(dense(ENTRIES)), sps.csr_matrix(dense(ENTRIES))):
        onp.testing.assert_allclose(
            jacobian(lambda b: sparse.linalg.spsolve(A, b))(b), jacobian(same, 1)(ENTRIES, b)
        )
        solve = sparse.linalg.factorized(A)
        onp.testing.assert_allclose(
            jacobian(lambda b: solve(b))(b), jacobian(same, 1)(ENTRIES, b), rtol=1e-12
        )


def test_spsolve_factors_once_and_refuses_what_does_not_fit(monkeypatch: Any) -> None:
    A = sps.csc_array(dense(ENTRIES))
    calls = []
    splu = scipy.sparse.linalg.splu
    monkeypatch.setattr(scipy.sparse.linalg, "splu", lambda a: calls.append(1) or splu(a))
    grad(lambda b: np.sum(sparse.linalg.spsolve(A, b) ** 2))(X)
    assert len(calls) == 1
    with pytest.raises(ValueError, match="dimension mismatch"):
        grad(lambda b: np.sum(sparse.linalg.spsolve(A, b[:2])))(X)
    singular = sps.csc_array(onp.array([[1.0, 1.0], [1.0, 1.0]]))
    with pytest.warns(scipy.sparse.linalg.MatrixRankWarning):
        assert onp.isnan(grad(lambda b: np.sum(sparse.linalg.spsolve(singular, b)))(X[:2])).all()
    assert sparse.linalg.spsolve(A, X).tolist() == scipy.sparse.linalg.spsolve(A, X).tolist()


def test_sparse_constants_in_programs() -> None:
    A = sps.csr_array(DENSE)
    fast = fastad.jit(grad(lambda x: np.sum((A @ x) ** 2)))
    for k in range(5):
        onp.testing.assert_allclose(fast(X + k), 2 * DENSE.T @ (DENSE @ (X + k)))
    assert fast.programs
    A.data *= 2.0
    onp.testing.assert_allclose(fast(X), 8 * DENSE.T @ (DENSE @ X))


def test_indices_of_other_libraries_are_positions_as_they_were() -> None:
    polars = pytest.importorskip("polars")
    places = onp.array([2, 0, 2])
    wanted = grad(lambda x: np.sum(np.exp(x[places])))(X)
    series = pd.Series(places.copy())

    def changed(x: Any) -> Any:
        taken = np.exp(x[series])
        series.iloc[:] = 1  # what it was when it was used counts
        return np.sum(taken)

    onp.testing.assert_array_equal(grad(changed)(X), wanted)
    series.iloc[:] = places
    for index in (polars.Series(places), pd.Index(places), series, pd.Series(places, list("abc"))):
        loss = lambda x, index=index: np.sum(np.exp(x[index]))
        onp.testing.assert_array_equal(grad(loss)(X), wanted)
        check_grads(loss, order=2)(X)
    mask = pd.Series([True, False, True])
    rows = lambda x: np.outer(x, x)[mask, pd.Series([0, 1])]
    onp.testing.assert_array_equal(rows(X), onp.outer(X, X)[[0, 2], [0, 1]])
    check_grads(rows, order=2)(X)


@pytest.mark.parametrize("op", OPERATORS)
def test_polars_on_the_right_is_its_values(op: Any) -> None:
    polars = pytest.importorskip("polars")
    values = onp.array([1.0, 2.0, 3.0])

    def loss(x: Any, other: Any) -> Any:
        result = op(np.abs(x) + 0.5, other)
        return np.sum(np.where(result, x, 0.0) if result.dtype == bool else result)

    assert grad(loss)(X, polars.Series(values)).tolist() == grad(loss)(X, values).tolist()


def test_an_array_of_xarrays_that_holds_traced_values_is_told_about() -> None:
    xarray = pytest.importorskip("xarray")
    array = xarray.DataArray([1.0, 2.0, 3.0], dims="t")
    with pytest.raises(TypeError, match=r"fastad.numpy.asarray .* take \.data of an array"):
        grad(lambda x: np.sum(np.asarray(x * array)))(X)
    assert grad(lambda x: np.sum((x * array).data))(X).tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("kind", ["coo_array", "csr_array", "coo_matrix"])
@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (1, 1), (2, 3)])
def test_products_of_one_row_or_column(kind: str, shape: tuple[int, int]) -> None:
    # SciPy's coo_array of one row times a vector is a number, not a vector of one.
    dense = onp.arange(1.0, 1 + shape[0] * shape[1]).reshape(shape)
    A = getattr(sps, kind)(dense)
    for x in (onp.ones(shape[1]) * 0.3, onp.ones((shape[1], 1)) * 0.3, onp.ones((shape[1], 2))):
        check_grads(lambda x: np.sum(np.sin(A @ x)), modes=["fwd", "rev"], order=2)(x)
        onp.testing.assert_allclose(
            grad(lambda x: np.sum(np.sin(A @ x)))(x), grad(lambda x: np.sum(np.sin(dense @ x)))(x)
        )
        y = onp.ones(shape[:1] + x.shape[1:]).T * 0.3
        onp.testing.assert_allclose(
            grad(lambda y: np.sum(np.sin(y @ A)))(y), grad(lambda y: np.sum(np.sin(y @ dense)))(y)
        )


# ---- numpy.matrix, and products by name


MATRIX = onp.matrix([[1.0, 2.0, 0.5], [3.0, 4.0, -1.0]])
COLUMNS = onp.array([[0.3, 0.7], [1.1, 0.2], [0.5, 0.9]])


@pytest.mark.parametrize(
    "function, x",
    [
        (lambda m, x: m * x, COLUMNS),
        (lambda m, x: x * m, COLUMNS),
        (lambda m, x: m * x, 0.7),
        (lambda m, x: x * m, onp.array([0.3, 0.7])),
        (lambda m, x: m @ x, X),
        (lambda m, x: m @ x, COLUMNS),
        (lambda m, x: x @ m, onp.array([0.3, 0.7])),
        (lambda m, x: x @ m, COLUMNS),
        (lambda m, x: onp.dot(m, x), X),
        (lambda m, x: onp.dot(x, m), COLUMNS),
        (lambda m, x: onp.matmul(m, x), X),
        (lambda m, x: m + x, X),
        (lambda m, x: x - m, X),
        (lambda m, x: m / x, X),
        (lambda m, x: x / m, X),
        (lambda m, x: onp.multiply(m, x), X),
        (lambda m, x: onp.hypot(x, m), X),
        (lambda m, x: x**m, X),
    ],
)
def test_matrices_as_numpy_has_them(function: Any, x: Any) -> None:
    expected = function(MATRIX, x)
    found = fastad.make_vjp(lambda x: function(MATRIX, x))(x)[1]
    assert onp.shape(found) == onp.shape(expected)
    onp.testing.assert_allclose(found, onp.asarray(expected), rtol=1e-14)
    check_grads(lambda x: function(MATRIX, x), modes=["fwd", "rev"], order=2)(x)


def test_matrices_by_functions_of_ours_and_in_programs() -> None:
    dense = onp.asarray(MATRIX)
    for name in ("dot", "matmul", "add"):
        ours = jacobian(lambda x: getattr(np, name)(MATRIX, x))(X)
        onp.testing.assert_allclose(
            ours.ravel(), jacobian(lambda x: getattr(np, name)(dense, x))(X).ravel()
        )
    m = MATRIX.copy()
    slope = grad(lambda x: np.sum((m * x) ** 2))
    fast = fastad.jit(slope)
    for k in range(5):
        onp.testing.assert_allclose(fast(COLUMNS + k), slope(COLUMNS + k))
    assert fast.programs
    m[0, 0] = 7.0
    onp.testing.assert_allclose(fast(COLUMNS), slope(COLUMNS))
    with pytest.raises(ValueError, match="not aligned"):
        grad(lambda x: np.sum(MATRIX * x))(X)  # as NumPy: a vector is a row
    with pytest.raises(TypeError, match=r"kron: argument 0 is a numpy.matrix"):
        grad(lambda x: np.sum(np.kron(MATRIX, x)))(X)


@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix", "coo_array"])
def test_products_with_sparse_arrays_by_name(kind: str) -> None:
    A = getattr(sps, kind)(DENSE)
    for module in (np, onp):
        for name in ("dot", "matmul"):
            product = getattr(module, name)
            for function, same in (
                (lambda x: product(A, x), lambda x: DENSE @ x),
                (lambda x: product(x, A.T), lambda x: x @ DENSE.T),
                (
                    lambda x: product(A, np.stack([x, x * 2], 1)),
                    lambda x: DENSE @ np.stack([x, x * 2], 1),
                ),
            ):
                onp.testing.assert_allclose(jacobian(function)(X), jacobian(same)(X))
        onp.testing.assert_allclose(
            jacobian(lambda x: module.multiply(sps.csr_array(DENSE), x).toarray())(X),
            jacobian(lambda x: DENSE * x)(X),
        )
    with pytest.raises(TypeError, match=r"kron: argument 0 is a scipy.sparse.*A @ x"):
        grad(lambda x: np.sum(np.kron(A, x)))(X)
