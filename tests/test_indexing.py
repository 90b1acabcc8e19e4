"""Indexing: basic, advanced, boolean; repeated places add up; order 2; loops linear in n."""

from __future__ import annotations

import tracemalloc

import numpy as onp
import pytest
from cases import A, Z, differences, directions, inner, jvp, vjp

import fastad.numpy as np
from fastad import _core, getval, grad, hessian, jacobian, make_jvp, make_vjp, value_and_grad

CUBE = A(4, 3, 5)
MASK = CUBE > 0.3
INDICES = {
    "integer": 2,
    "negative integer": -1,
    "numpy integer": onp.int64(1),
    "small numpy integer": onp.uint8(3),
    "0d integer array": onp.array(2),
    "integers": (1, 2, -3),
    "numpy integers": (onp.int32(1), 2, onp.intp(-3)),
    "slice": slice(1, 3),
    "numpy slice": slice(onp.int64(1), onp.int64(3)),
    "steps": (slice(None, None, 2), slice(None), slice(1, None, 3)),
    "backwards": (slice(None, None, -1), slice(2, None, -2)),
    "beyond the end": slice(2, 99),
    "empty slice": slice(3, 3),
    "empty inside": (slice(None), slice(2, 1)),
    "ellipsis": Ellipsis,
    "ellipsis then integer": (Ellipsis, 1),
    "integer then ellipsis": (0, Ellipsis, slice(1, 3)),
    "newaxis": (None, slice(None), None, 1),
    "newaxis and ellipsis": (None, Ellipsis, None),
    "nothing": (),
    "list": [0, 2, 2],
    "negative list": [-1, 0, -1, 3],
    "empty list": [],
    "array of two dimensions": onp.array([[0, 1], [1, 1]]),
    "unsigned array": onp.array([3, 3, 0], onp.uint16),
    "two lists": ([0, 1, 0], [2, 2, 2]),
    "two lists and a slice": ([0, 1, 0], slice(1, None), [2, 2, 4]),
    "list after integer": (1, [0, 0, 2]),
    "list after slice": (slice(None, None, 2), [0, 0, 2]),
    "list between slices": (slice(None), [2, 0], slice(None, None, -1)),
    "lists apart": ([0, 3, 3], slice(None), [1, 1, 1]),
    "broadcast lists": (onp.array([[0], [1]]), onp.array([0, 2, 2])),
    "list and newaxis": ([1, 1], None, slice(0, 2)),
    "ix_": onp.ix_([0, 2], [1, 1], [0, 4]),
    "ogrid": tuple(onp.ogrid[0:2, 0:3, 0:2]),
    "mask": MASK,
    "list mask": [True, False, False, True],
    "mask of the first axis": onp.array([False, True, True, False]),
    "mask of two axes": MASK[:, :, 0],
    "mask after slice": (slice(None), onp.array([True, False, True])),
    "mask and list": (onp.array([True, False, True, False]), [0, 2]),
    "mask of nothing": onp.zeros((4, 3, 5), bool),
    "true": True,
    "false": False,
    "numpy true": onp.bool_(True),
    "nonzero": onp.nonzero(MASK),
}
BAD = {
    "too many": ((0, 0, 0, 0), IndexError),
    "out of range": (4, IndexError),
    "negative out of range": ((0, -4), IndexError),
    "list out of range": ([0, 7], IndexError),
    "a float": (1.0, IndexError),
    "an array of floats": (onp.array([0.0, 1.0]), IndexError),
    "a string": ("a", IndexError),
    "two ellipses": ((Ellipsis, Ellipsis), IndexError),
    "a mask of the wrong length": (onp.array([True, False]), IndexError),
    "a step of zero": (slice(None, None, 0), ValueError),
    "lists that do not broadcast": (([0, 1], [0, 1, 2]), IndexError),
}


def scattered(g: onp.ndarray, index: object, shape: tuple[int, ...]) -> onp.ndarray:
    """The adjoint of x[index], by NumPy's own unbuffered addition."""
    result = onp.zeros(shape, g.dtype)
    onp.add.at(result, index, g)
    return result


@pytest.mark.parametrize("x", [CUBE, Z(4, 3, 5), CUBE.astype("f4")], ids=["real", "complex", "f4"])
@pytest.mark.parametrize("name", INDICES)
def test_value_and_adjoint(name, x):
    index = INDICES[name]
    value = x[index]
    with _core.Tape() as tape:
        box = tape.box(x)
        ans = box[index]
        got = getval(ans)
        assert type(got) is type(value) and got.dtype == value.dtype
        onp.testing.assert_array_equal(got, value)
        g = directions([value], 1)[0].astype(x.dtype)
        (cotangent,) = tape.sweep([ans], [g], [box])
    assert cotangent.dtype == x.dtype and cotangent.shape == x.shape
    onp.testing.assert_allclose(cotangent, scattered(g, index, x.shape), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("x", [CUBE, CUBE.astype("f4")], ids=["real", "f4"])
@pytest.mark.parametrize("name", INDICES)
def test_added_to_what_is_there(name, x):
    """The first contribution is written, others are added where it lies."""
    index = INDICES[name]
    g = [direction.astype(x.dtype) for direction in directions([x[index], x, x[index]], 4)]
    (cotangent,) = vjp(lambda x: [x[index], 2 * x, x[index][()]], [x], g)
    assert cotangent.dtype == x.dtype
    expected = scattered(g[0], index, x.shape) + 2 * g[1] + scattered(g[2], index, x.shape)
    onp.testing.assert_allclose(cotangent, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layout", ["fortran", "reversed", "transposed", "strided"])
@pytest.mark.parametrize("name", INDICES)
def test_layouts(name, layout):
    index = INDICES[name]
    x = {
        "fortran": onp.asfortranarray(CUBE),
        "reversed": CUBE[::-1, :, ::-1].copy()[::-1, :, ::-1],
        "transposed": CUBE.transpose(2, 0, 1).copy().transpose(1, 2, 0),
        "strided": onp.repeat(CUBE, 2, 2)[..., ::2],
    }[layout]
    g = directions([x[index]], 1)[0]
    (cotangent,) = vjp(lambda x: [x[index]], [x], [g])
    onp.testing.assert_allclose(cotangent, scattered(g, index, x.shape), rtol=1e-14)


@pytest.mark.parametrize("name", INDICES)
def test_forward_mode(name):
    index = INDICES[name]
    t = directions([CUBE], 2)[0]
    value, tangent = make_jvp(lambda x: x[index])(CUBE)(t)
    onp.testing.assert_array_equal(value, CUBE[index])
    onp.testing.assert_array_equal(tangent, t[index])


@pytest.mark.parametrize("name", INDICES)
def test_order_two(name):
    """The gradient of sum(x[i]^3 * x.sum()) goes through getitem and through its adjoint."""
    index = INDICES[name]

    def f(x):
        return [x[index] ** 3 * x[0, 0, 0]]

    g = directions(f(CUBE), 1)
    gradient = lambda x: vjp(f, [x], g)
    w, t = directions([CUBE], 3), directions([CUBE], 2)
    numeric = differences(gradient, [CUBE], t)
    onp.testing.assert_allclose(jvp(gradient, [CUBE], t)[0], numeric[0], rtol=1e-7, atol=1e-8)
    onp.testing.assert_allclose(
        inner(vjp(gradient, [CUBE], w), t), inner(w, numeric), rtol=1e-7, atol=1e-8
    )
    tangent = lambda x: jvp(f, [x], t)
    onp.testing.assert_allclose(
        inner(vjp(tangent, [CUBE], g), w), inner(w, numeric), rtol=1e-7, atol=1e-8
    )


@pytest.mark.parametrize("name", BAD)
def test_bad_indices_raise_as_in_numpy(name):
    index, error = BAD[name]
    with pytest.raises(error):
        CUBE[index]
    with _core.Tape() as tape:
        box = tape.box(CUBE)
        with pytest.raises(error):
            box[index]
        # The tape is whole.
        assert tape.sweep([box[0, 0, 0]], [1.0], [box])[0].sum() == 1.0


def test_numbers_are_not_indexed():
    for value in (1.5, onp.float64(1.5)):
        with pytest.raises((TypeError, IndexError)):
            grad(lambda x: x[0])(value)


def test_repeated_places_add_up():
    x = onp.array([1.0, 2.0, 3.0])
    onp.testing.assert_array_equal(grad(lambda x: np.sum(x[[0, 0, 0, 2]]))(x), [3.0, 0.0, 1.0])
    onp.testing.assert_array_equal(grad(lambda x: x[0] + x[0] * x[-3])(x), [3.0, 0.0, 0.0])
    places = onp.random.default_rng(0).integers(0, 3, 5000)
    counts = onp.bincount(places)
    onp.testing.assert_allclose(grad(lambda x: np.sum(x[places]))(x), counts)
    f32 = grad(lambda x: np.sum(x[places]))(x.astype("f4"))
    assert f32.dtype == onp.float32
    onp.testing.assert_allclose(f32, counts)


def test_parts_of_one_array_in_many_ways():
    x = A(4, 4)
    f = lambda x: x[0, 0] * x[1].sum() + (x[:, 2] * x[2]).sum() + x[x > 0.5].sum() * x[-1, -1]
    gradient = grad(f)
    t = directions([x], 1)
    onp.testing.assert_allclose(
        inner([gradient(x)], t), inner([1.0], differences(lambda x: [f(x)], [x], t)), rtol=1e-9
    )
    onp.testing.assert_allclose(
        hessian(f)(x).reshape(16, 16) @ t[0].ravel(),
        differences(lambda x: [gradient(x)], [x], t)[0].ravel(),
        rtol=1e-9,
        atol=1e-9,
    )


def test_index_of_an_index():
    x = A(4, 6)
    f = lambda x: (x[1:][:, ::2][0][[2, 2, 1]] ** 2).sum()
    expected = onp.zeros((4, 6))
    expected[1, 4], expected[1, 2] = 4 * x[1, 4], 2 * x[1, 2]
    onp.testing.assert_allclose(grad(f)(x), expected)


# ---- traced values as places ---------------------------------------------------------------------


def test_a_traced_number_is_no_place():
    x = onp.array([1.0, 2.0, 3.0])
    for place in (1.0, onp.float64(1.0)):
        with _core.Tape() as tape, pytest.raises((TypeError, IndexError)):
            x[tape.box(place)]
        with _core.Tape() as tape, pytest.raises((TypeError, IndexError)):
            tape.box(x)[tape.box(place)]


def test_conditions_on_traced_values_are_plain_masks():
    x = onp.array([-1.0, 2.0, 3.0])
    onp.testing.assert_array_equal(grad(lambda x: np.sum(x[x > 0] ** 2))(x), [0.0, 4.0, 6.0])
    onp.testing.assert_array_equal(grad(lambda x: x[np.argmax(x)] ** 2)(x), [0.0, 0.0, 6.0])
    largest = lambda x: np.sum(x[np.argsort(-x)[:2]])
    onp.testing.assert_array_equal(grad(largest)(x), [0.0, 1.0, 1.0])


def test_traced_arrays_of_integers_are_constants():
    x, places = onp.array([1.0, 2.0, 3.0]), onp.array([2, 0, 2])
    with _core.Tape() as tape:
        box = tape.box(x)
        try:
            ans = box[tape.box(places)]
        except (TypeError, IndexError) as error:
            assert "fastad" in str(error) or "index" in str(error)
            return
        onp.testing.assert_array_equal(getval(ans), x[places])
        (cotangent,) = tape.sweep([ans], [onp.ones(3)], [box])
    onp.testing.assert_array_equal(cotangent, [1.0, 0.0, 2.0])


def test_take_and_its_kin_at_order_two():
    x = A(3, 4)
    along = onp.array([[0, 0, 1, 3], [1, 1, 1, 1], [2, 3, 2, 0]])
    for f in (
        lambda x: np.sum(np.take(x, [1, 1, 7]) ** 3),
        lambda x: np.sum(np.take(x, [[0, 2], [2, 2]], axis=1) ** 3),
        lambda x: np.sum(np.take_along_axis(x, along, 1) ** 3),
        lambda x: np.sum(np.compress([True, False, True], x, axis=0) ** 3),
        lambda x: np.sum(np.extract(x > 0, x) ** 3),
        lambda x: np.sum(x[np.ix_([0, 0, 2], [1, 3])] ** 3),
        lambda x: np.sum(np.diagonal(x) ** 3),
        lambda x: np.sum(x.flat[3] ** 3) if hasattr(x.flat, "__getitem__") else x[0, 3] ** 3,
    ):
        gradient = grad(f)
        t = directions([x], 1)
        numeric = differences(lambda x: [gradient(x)], [x], t)[0]
        onp.testing.assert_allclose(make_jvp(gradient)(x)(t[0])[1], numeric, rtol=1e-8, atol=1e-9)
        through = grad(lambda x: np.sum(gradient(x) * t[0]))(x)
        onp.testing.assert_allclose(through, numeric, rtol=1e-8, atol=1e-9)


# ---- loops ---------------------------------------------------------------------------------------


def loop(x):
    total = 0.0
    for i in range(len(x)):
        total = total + x[i] * x[i]
    return total


@pytest.mark.parametrize("index", [int, onp.int64, onp.int32])
def test_loop_over_elements(index):
    x = A(50)

    def f(x):
        total = 0.0
        for i in range(len(x)):
            total = total + x[index(i)] ** 2
        return total

    onp.testing.assert_allclose(grad(f)(x), 2 * x, rtol=1e-15)
    onp.testing.assert_allclose(grad(lambda x: sum(v * v for v in x))(x), 2 * x, rtol=1e-15)
    onp.testing.assert_allclose(jacobian(grad(f))(x), 2 * onp.eye(50), rtol=1e-14, atol=1e-15)


def test_a_loop_is_linear_in_its_length():
    """Neither tape nor sweep may hold an array of x's size for each x[i]."""
    bytes_each = []
    for n in (1000, 4000):
        with _core.Tape() as tape:
            box = tape.box(onp.ones(n))
            ans = loop(box)
            bytes_each.append(tape.nbytes / n)
            tracemalloc.start()
            (cotangent,) = tape.sweep([ans], [1.0], [box])
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        onp.testing.assert_array_equal(cotangent, onp.full(n, 2.0))
        assert peak < 200 * n
    # x[i] twice, a product and a sum: four records.
    assert max(bytes_each) <= 4 * 40
    # Storage doubles as it grows, hence the factor.
    assert bytes_each[1] < 2.1 * bytes_each[0]


def test_rows_and_slices_in_a_loop_are_linear():
    n = 600
    x = onp.ones((n, 8))
    for f in (
        lambda x: sum(np.sum(x[i] * x[i]) for i in range(n)),
        lambda x: sum(np.sum(x[i : i + 1, ::2]) for i in range(n)),
        lambda x: sum(np.sum(x[[i, i]]) for i in range(n)),
    ):
        with _core.Tape() as tape:
            box = tape.box(x)
            ans = f(box)
            tracemalloc.start()
            tape.sweep([ans], [1.0], [box])
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        # All adjoints at once would be n arrays of x's size: 600 times this.
        assert peak < 12 * x.nbytes, peak / x.nbytes


def test_second_order_loop():
    x = A(30)
    value, gradient = value_and_grad(lambda x: np.sum(grad(lambda x: loop(x) ** 2)(x)))(x)
    s = onp.sum(x * x)
    onp.testing.assert_allclose(value, onp.sum(4 * s * x), rtol=1e-12)
    onp.testing.assert_allclose(gradient, 4 * s + 8 * x * onp.sum(x), rtol=1e-12)


def test_several_cotangents_of_one_trace():
    x = A(5)
    sweep, value = make_vjp(lambda x: x[[4, 0, 4]] * x[1])(x)
    for row in onp.eye(3):
        expected = scattered(row * x[1], [4, 0, 4], (5,))
        expected[1] += onp.sum(row * x[[4, 0, 4]])
        onp.testing.assert_allclose(sweep(row), expected)
    onp.testing.assert_allclose(value, x[[4, 0, 4]] * x[1])


def test_assignment_is_refused_by_name():
    def f(x):
        x[0] = 2.0
        return x

    with pytest.raises(TypeError, match="assigned"):
        grad(f)(onp.ones(3))
    y = onp.zeros(3)
    with _core.Tape() as tape:
        box = tape.box(2.0)
        with pytest.raises(TypeError, match="fastad"):
            y[0] = box
        with pytest.raises(TypeError, match="fastad"):
            y[:] = tape.box(onp.ones(3))


def test_unpacking_and_membership():
    assert grad(lambda x: (lambda a, b, c: a * b + c)(*x))(onp.array([2.0, 3.0, 4.0])).tolist() == [
        3.0,
        2.0,
        1.0,
    ]
    with _core.Tape() as tape:
        box = tape.box(onp.array([2.0, 3.0]))
        assert 2.0 in box and 5.0 not in box
        assert len(box) == 2 and len(list(reversed(box))) == 2
