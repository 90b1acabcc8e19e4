"""The order of steps, and where values lie: many small arrays, and what is joined."""

import numpy
import pytest
from test_program_engine import check, normal

import fastad.numpy as np
from fastad import grad, hessian, jit, value_and_grad


def rows_of(count):
    """Rows that are elementwise, then moved, then elementwise again: none needs another."""

    def f(x):
        rows = []
        for k in range(count):
            a = np.sin(x[1:] * float(k + 1)) * x[:-1]
            b = np.concatenate((a * a, a[:1]))
            rows.append(np.tanh(b - x) + a[k % 3])
        return np.stack(rows)

    return f


@pytest.mark.parametrize("size", [40, 1000, 3000])
def test_wide_programs_are_computed_some_rows_at_a_time(size):
    x = numpy.linspace(0.1, 1.0, size)
    program = check(rows_of(200), (x,), (x[::-1].copy(),), (x * 1.7,), tolerance=1e-13)
    result = 200 * size * 8
    # Without an order that is kind to the cache everything before the last rows lies there at once.
    assert program.nbytes < result + 500_000


def test_a_wide_hessian_needs_little_memory():
    def rosenbrock(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    x = numpy.linspace(-1.0, 1.0, 400)
    program = check(hessian(rosenbrock), (x,), (x + 0.3,), tolerance=1e-12)
    assert program.nbytes < 1_500_000


def test_what_is_joined_is_computed_in_its_place():
    def f(x, y):
        a, b = np.sin(x), np.exp(y)
        return np.concatenate((a * b, a - b, np.dot(x, y) + a))

    x, y = normal(300), normal(300)
    program = check(f, (x, y), (y, x), (x * 2, y - 1))
    assert "copy" not in str(program)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.concatenate((np.sin(x), x, np.cos(x))),  # an input between
        lambda x: (lambda s: np.concatenate((s, s)))(np.sin(x)),  # the same twice
        lambda x: (lambda s: (np.stack((s, x * x)), s))(np.sin(x)),  # a part that is a result
        lambda x: (lambda s: np.sum(np.stack((s, x * x)) * s))(np.sin(x)),  # read later as well
        lambda x: np.concatenate((np.stack((np.sin(x), x * x)), np.stack((x - 1, np.exp(x))))),
        lambda x: (lambda s: (np.concatenate((s, x * x)), np.concatenate((x - 1, s))))(np.sin(x)),
        lambda x: np.stack((np.sin(x), x * x), axis=1),  # in no one piece
        lambda x: np.concatenate((np.sin(x)[None, :], (x * x)[None, :]), axis=1),
        lambda x: np.concatenate((np.sin(x)[::-1], np.exp(x)[3:])),
        lambda x: np.concatenate((np.reshape(np.sin(x), (2, -1)), np.reshape(x * x, (-1, 2)).T)),
        lambda x: np.concatenate((np.cumsum(np.sin(x)), np.flip(x * x), np.where(x > 0, x, 0.0))),
        lambda x: np.concatenate((np.sin(x) + 1j * x, np.exp(1j * x))),
        lambda x: np.vstack([np.dot(np.outer(x, x), k * x) for k in range(1, 5)]),
        lambda x: np.concatenate((np.zeros(3) * x[0], np.sin(x), np.ones(2) * x[1])),
        lambda x: np.concatenate((np.sin(x), np.concatenate((x * x, np.cos(x)))[2:])),
        lambda x: np.stack(  # views that show the elements in another order
            (np.reshape(np.sin(x), (2, -1), order="F"), np.reshape(x * x, (2, -1)))
        ),
        lambda x: np.concatenate(
            (np.reshape(x * x, (1, -1, 2), order="F"), np.reshape(np.sin(x), (1, -1, 2)))
        ),
        lambda x: np.array([1j, np.sum(x) * 1j, x[0]]),  # numbers, one of them constant
        lambda x: np.array([np.sum(x) * 1j, 2.0, 1j]),
        lambda x: np.stack([x]),
    ],
)
@pytest.mark.parametrize("size", [6, 600])
def test_parts_of_all_kinds(f, size):
    x = normal(size)
    check(f, (x,), (x * 1.5,), (x - 0.5,), tolerance=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parts_in_both_precisions(dtype):
    x = normal(50).astype(dtype)
    check(lambda x: np.stack((np.sin(x), x * x, x)), (x,), (x * 2,), tolerance=1e-6)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_part_that_is_infinite_is_noticed(part):
    plain = jit(lambda x: np.concatenate([np.sin(x), 1.0 / x, np.exp(x)][: part + 1]))
    x = numpy.linspace(0.5, 1.0, 40)
    for k in range(6):
        plain(x + 0.1 * k)
    x[3] = 0.0
    with numpy.errstate(divide="raise"):
        if part >= 1:
            with pytest.raises(FloatingPointError):
                plain(x)
        else:
            plain(x)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.concatenate((np.sin(x), np.cos(x))),
        lambda x: np.stack((np.reshape(np.cos(x), (2, -1)), np.reshape(np.tan(x), (2, -1)))),
        lambda x: np.concatenate((np.concatenate((np.sin(x), np.cos(x))), np.tanh(x))),
    ],
)
def test_parts_that_are_finite_of_what_is_finite_are_looked_at(f):
    replayed, x = jit(f), numpy.linspace(0.5, 1.0, 40)
    for k in range(6):
        replayed(x + 0.1 * k)
    x[3] = numpy.inf
    with pytest.warns(RuntimeWarning, match="invalid value"):
        f(x)
    with pytest.warns(RuntimeWarning, match="invalid value"):
        replayed(x)


def test_the_whole_may_be_given():
    f = jit(lambda x: np.stack((np.sin(x), x * x, np.exp(x))))
    x = numpy.linspace(0.1, 1.0, 64)
    for k in range(6):
        f(x + k)
    out = numpy.empty((3, 64))
    for k in range(4):
        numpy.testing.assert_allclose(f.into(out, x - k), f(x - k))
        assert f.into(out, x - k) is out
    # What is given must not be read for the rest.
    shared = numpy.zeros((3, 64))
    shared[0] = x
    wanted = f(shared[0].copy())
    numpy.testing.assert_allclose(f.into(shared, shared[0]), wanted)


@pytest.mark.parametrize("last", range(1, 11))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_short_rows_of_any_layout(last, dtype):
    def f(x, y, z):
        a = np.transpose(x, (1, 2, 0)) * y[:, :, None] + z  # strided, spread along the last axis
        b = np.transpose(a, (0, 1, 2))[:, ::2] - y[:, ::2, None]
        c = np.concatenate((b[:, :, ::-1], np.swapaxes(b, 0, 1)[:7, :5].transpose(1, 0, 2)), axis=1)
        return a, b, c, np.sum(a * np.transpose(x, (1, 2, 0)), axis=0), np.swapaxes(a, 0, 2)

    def arrays():
        shapes = (last, 5, 30), (5, 30), (5, 1, last)
        return tuple(normal(*shape).astype(dtype) for shape in shapes)

    check(f, arrays(), arrays(), arrays(), tolerance=1e-13 if dtype == "float64" else 1e-5)


@pytest.mark.parametrize("last", [1, 2, 3, 4, 5])
def test_short_rows_that_are_added(last):
    def f(x):
        a = np.sin(x) * x
        return np.sum(a[1::2, :, :] * a[::2, ::-1, :]) + np.sum(a[:, 2:, ::-1] ** 2)

    x = normal(6, 20, last)
    check(value_and_grad(f), (x,), (x * 1.5,), (x - 0.5,), tolerance=1e-12)


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: np.sum(np.dot(a, b)),
        lambda a, b: np.mean(np.dot(a, b)) + np.sum(a * a),
        lambda a, b: np.sum(np.dot(a, b)) ** 2,  # the cotangent is a number, spread
        lambda a, b: np.sum(np.dot(a, b).T + np.sum(b)),
        lambda a, b: np.sum(np.sin(np.sum(np.dot(a, b), axis=0))),  # rows are alike
        lambda a, b: np.sum(np.sin(np.sum(np.dot(a, b), axis=1))),  # columns are alike
        lambda a, b: np.sum(np.dot(a, np.dot(a.T, a)) @ b),
        lambda a, b: np.sum(np.dot(np.ones((9, a.shape[0])), np.dot(a, b)) ** 2),
    ],
)
@pytest.mark.parametrize("shape", [(2, 3, 4), (30, 20, 30), (1, 40, 50), (50, 40, 1)])
def test_products_of_rows_and_columns_that_are_alike(f, shape):
    rows, inner, columns = shape

    def arrays():
        return normal(rows, inner), normal(inner, columns)

    g = value_and_grad(f, (0, 1))
    check(g, arrays(), arrays(), arrays(), tolerance=1e-12)
    h = grad(lambda a, b: np.sum(a * np.tanh(g(a, b)[1][0])))
    check(h, arrays(), arrays(), tolerance=1e-10)


def test_ones_of_the_users_are_read_at_each_call():
    ones, x = numpy.ones((40, 40)), normal(40, 40)
    f = jit(lambda x: np.dot(ones, x))
    for k in range(6):
        numpy.testing.assert_allclose(f(x + k), ones @ (x + k))
    ones[3] = normal(40)
    numpy.testing.assert_allclose(f(x), ones @ x)
