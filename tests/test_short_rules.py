"""Rules that take a short way for plain numbers, compared with what they stand for."""

from __future__ import annotations

import numpy as onp
import pytest

import fastad.numpy as np
import fastad.scipy.special as special
from fastad import _core, elementwise_grad, grad, jacobian, jit, make_jvp, make_vjp
from fastad.numpy.linalg import einsum as contractions
from fastad.numpy.mathematics import scans, sequences
from fastad.numpy.sorting import selection
from fastad.scipy.special import quadrature

RANDOM = onp.random.default_rng(3)

SHAPES = [(0,), (1,), (5,), (24,), (25,), (300,), (4095,), (5000,), (3, 0), (5, 7), (30, 40)]


def lines(shape, dtype, kind):
    """Values that are spread, tied, close together, far apart, or infinite."""
    tiny, near, far = (1e-300, 1e-14, 300) if dtype is float else (1e-38, 1e-7, 30)
    x = RANDOM.standard_normal(shape)
    if kind == "tied":
        x = onp.round(3 * x)
    elif kind == "tiny":
        x = tiny * x
    elif kind == "near":
        x = 1 + near * x
    elif kind == "far":
        x = x * 10.0 ** RANDOM.integers(-far, far, shape)
    elif kind == "infinite":
        x = onp.where(RANDOM.random(shape) < 0.3, onp.inf, x)
    return x.astype(dtype) + dtype(0)  # no negative zero


@pytest.mark.parametrize("dtype", [float, onp.float32])
@pytest.mark.parametrize("kind", ["spread", "tied", "tiny", "near", "far", "infinite"])
@pytest.mark.parametrize("shape", [*SHAPES, (3, 4, 5), (2, 3000), (3000, 2)])
def test_places_of_sorted_elements(shape, kind, dtype):
    x = lines(shape, dtype, kind)
    numbers = onp.arange(x.size).reshape(shape)
    for axis in range(x.ndim):
        places = _core.sorted_places(x, axis)
        order = onp.argsort(x, axis, kind="stable")
        onp.testing.assert_array_equal(places, onp.take_along_axis(numbers, order, axis))
        assert x.ravel()[places].tobytes() == onp.sort(x, axis).tobytes()
        if x.shape[axis] > 2:
            parted = onp.partition(x, x.shape[axis] // 2, axis)
            places = _core.matched_places(x, parted, axis)
            assert x.ravel()[places].tobytes() == parted.tobytes()
            onp.testing.assert_array_equal(onp.sort(places, None), onp.arange(x.size))


@pytest.mark.parametrize("odd", [onp.nan, -0.0])
@pytest.mark.parametrize("length", [3, 100])
def test_what_an_order_does_not_say(odd, length):
    x = RANDOM.standard_normal(length)
    x[1] = odd
    assert _core.sorted_places(x, 0) is None
    assert _core.sorted_places(x[::-1], 0) is None  # not in C order
    # By another way: equal values keep their order.
    x[2] = 0.0
    order = onp.argsort(x, kind="stable")
    slope = RANDOM.standard_normal(length)
    found = grad(lambda x: np.sum(np.where(np.isnan(x), 0.0, np.sort(x)) * slope))(x)
    expected = onp.zeros(length)
    expected[order] = onp.where(onp.isnan(x), 0.0, slope)
    onp.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_sliding_products(name, mode):
    function = getattr(np, name)
    composed = getattr(sequences, name).derivative
    for n in range(1, 6):
        for m in range(1, 6):
            pair = RANDOM.standard_normal(n), RANDOM.standard_normal(m)
            slope = RANDOM.standard_normal(function(*pair, mode).shape)
            for k in (0, 1):
                found, expected = (
                    grad(lambda a, v, one=one: np.sum(slope * one(a, v, mode)), k)(*pair)
                    for one in (function, composed)
                )
                onp.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
                found, expected = (
                    jacobian(
                        grad(lambda a, v, one=one: np.sum(slope * one(a, v, mode) ** 2), k), k
                    )(*pair)
                    for one in (function, composed)
                )
                onp.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [float, onp.float32])
def test_sliding_adjoints(dtype):
    g, w = (RANDOM.standard_normal(n).astype(dtype) for n in (6, 4))
    for start, count in ((0, 3), (3, 6), (2, 9), (-2, 5), (9, 4), (0, 0)):
        for w_reversed in (False, True):
            given = w[::-1] if w_reversed else w
            expected = [
                sum(g[i + j - start] * given[j] for j in range(4) if 0 <= i + j - start < 6)
                for i in range(count)
            ]
            for reverse in (False, True):
                found = _core.sliding_adjoint(g, w, start, count, w_reversed, reverse)
                assert found.dtype == dtype
                close = onp.testing.assert_allclose
                close(found, expected[::-1] if reverse else expected, rtol=1e-5, atol=1e-6)
    assert _core.sliding_adjoint(g[::-1], w, 0, 3, False, False) is None
    assert _core.sliding_adjoint(g.astype(complex), w, 0, 3, False, False) is None
    assert _core.sliding_adjoint(g.astype("f2"), w, 0, 3, False, False) is None
    assert _core.sliding_adjoint(1.0, w, 0, 3, False, False) is None


@pytest.mark.parametrize("name", ["convolve", "correlate"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_sliding_products_replayed_and_in_single_precision(name, mode):
    function = getattr(np, name)
    for n, m in ((5, 3), (3, 5), (4, 4)):
        value = lambda a, v: np.sum(function(a, v, mode) ** 2)
        replayed = jit(grad(value, (0, 1)))
        for k in range(5):
            pair = RANDOM.standard_normal(n) + k, RANDOM.standard_normal(m)
            expected = grad(value, (0, 1))(*pair)
            for one, other in zip(replayed(*pair), expected, strict=True):
                onp.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
        single = grad(value, (0, 1))(*(one.astype(onp.float32) for one in pair))
        for one, other in zip(single, expected, strict=True):
            assert one.dtype == onp.float32
            onp.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("ends", [{}, {"left": 3.0}, {"right": 2.0}, {"left": 1.0, "right": 2.0}])
@pytest.mark.parametrize("convert", [onp.asarray, list])
def test_interpolation(convert, ends):
    xp, fp = onp.sort(RANDOM.random(6)), RANDOM.standard_normal(6)
    inside = RANDOM.random(8) * 1.4 - 0.2
    odd = [xp[0], xp[-1], xp[2], onp.nan, onp.inf, -onp.inf]
    x = onp.concatenate([inside, odd])
    slope = RANDOM.standard_normal(x.shape)
    composed = sequences.interp.derivative
    for k in range(3):
        args: list = [x, xp, fp]
        others = [one if i == k or i == 0 else convert(one) for i, one in enumerate(args)]
        with onp.errstate(all="ignore"):
            found = grad(lambda *args: np.sum(slope * np.interp(*args, **ends)), k)(*others)
            expected = grad(lambda *args: np.sum(slope * composed(*args, **ends)), k)(*args)
        onp.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
        args[0] = inside
        for i in range(3):
            found, expected = (
                jacobian(grad(lambda *args, one=one: np.sum(one(*args, **ends) ** 2), k), i)(*args)
                for one in (np.interp, composed)
            )
            onp.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    found, expected = (grad(one)(0.5, xp, fp) for one in (np.interp, composed))
    onp.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(1,), (7,), (4, 5), (3, 4, 2), (2, 0), (0, 2)])
def test_recurrences(shape):
    a, b = RANDOM.standard_normal(shape), RANDOM.standard_normal(shape)
    for axis in range(len(shape)):
        rows = zip(onp.moveaxis(a, axis, 0), onp.moveaxis(b, axis, 0), strict=True)
        y: list = []
        for own, start in rows:
            y.append(start + own * y[-1] if y else start)
        expected = onp.moveaxis(onp.array(y), 0, axis) if y else b
        onp.testing.assert_array_equal(_core.recurrence(a, b, axis, False), expected)
        # The transposed map, by its definition.
        g = RANDOM.standard_normal(shape)
        back = scans.recurrence_adjoint(a, g, axis)
        onp.testing.assert_allclose(
            onp.sum(g * expected), onp.sum(back * b), rtol=1e-12, atol=1e-12
        )
        backwards = scans.recurrence_adjoint(a[..., ::1].astype(onp.longdouble), g, axis)
        onp.testing.assert_allclose(back, backwards.astype(float), rtol=1e-12, atol=1e-13)
    assert _core.recurrence(a[:, None], b, 0, False) is None


def test_shape_of_the_incomplete_gamma_function():
    a = 10 ** RANDOM.uniform(-6, 2.2, 500)
    a[::5] = onp.ceil(a[::5])
    x = a * 10 ** RANDOM.uniform(-3, 1.3, 500)
    found = quadrature.gamma_shape_derivative(1, a, x)
    expected = quadrature.in_blocks(lambda a, x: quadrature._gamma_block(1, a, x), a, x)
    onp.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)
    odd = onp.array([[1.0, 0.0], [1.0, onp.inf], [-1.0, 1.0], [1.0, -1.0], [onp.nan, 1.0]]).T
    found = quadrature.gamma_shape_derivative(1, *odd)
    onp.testing.assert_array_equal(found, [0.0, 0.0, onp.nan, onp.nan, onp.nan])
    mixed = onp.array([[0.5, 3.0, 1e4], [1.0, 900.0, 1e4]])
    found = quadrature.gamma_shape_derivative(1, *mixed)
    expected = quadrature.in_blocks(lambda a, x: quadrature._gamma_block(1, a, x), *mixed)
    onp.testing.assert_allclose(found, expected, rtol=1e-12)
    slope = elementwise_grad(special.gammainc)
    onp.testing.assert_array_equal(slope(a, x), quadrature.gamma_shape_derivative(1, a, x))
    for args in (mixed, odd):
        onp.testing.assert_array_equal(slope(*args), quadrature.gamma_shape_derivative(1, *args))


BINARY = ["maximum", "minimum", "logaddexp", "logaddexp2", "hypot", "subtract", "divide", "fmax"]


@pytest.mark.parametrize("name", [*BINARY, "arctan2", "power", "float_power", "copysign"])
def test_methods_of_ufuncs(name, recwarn):
    function, plain = getattr(np, name), getattr(onp, name)
    for shape in ((2,), (5,), (4, 3)):
        x = 0.5 + RANDOM.random(shape)
        for axis in range(len(shape)):
            stages = [onp.moveaxis(x, axis, 0)[0]]
            for line in onp.moveaxis(x, axis, 0)[1:]:
                stages.append(plain(stages[-1], line))
            slope = RANDOM.standard_normal(shape)

            def folded(x, axis=axis):
                made = [np.moveaxis(x, axis, 0)[0]]
                for k in range(1, x.shape[axis]):
                    made.append(function(made[-1], np.moveaxis(x, axis, 0)[k]))
                return np.stack(made, axis)

            with _core.Tape() as tape:
                found = function.accumulate(tape.box(x), axis)
                expected = onp.moveaxis(onp.array(stages), 0, axis)
                onp.testing.assert_allclose(_core.getval(found), expected, rtol=1e-12)
            found, expected = (
                grad(lambda x, one=one: np.sum(slope * one(x)))(x)
                for one in (lambda x, axis=axis: function.accumulate(x, axis), folded)
            )
            onp.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
            last = onp.take(slope, -1, axis)
            found, expected = (
                grad(lambda x, one=one: np.sum(last * one(x)))(x)
                for one in (
                    lambda x, axis=axis: function.reduce(x, axis),
                    lambda x, axis=axis: np.take(folded(x), -1, axis),
                )
            )
            onp.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", [*BINARY, "arctan2", "power", "float_power", "copysign"])
def test_scans_of_nothing(name):
    function = getattr(np, name)
    for shape, axis in (((0,), 0), ((2, 0), 1), ((0, 2), 0), ((2, 0), 0)):
        x = onp.zeros(shape)
        found = grad(lambda x, axis=axis: np.sum(function.accumulate(x, axis)))(x)
        assert found.shape == shape
        assert found.dtype == x.dtype


@pytest.mark.parametrize("name", ["maximum", "logaddexp", "divide", "arctan2"])
def test_what_comes_back_from_scans(name):
    """In one pass over memory, and by the recurrence that traced cotangents take."""
    function = getattr(np, name)
    for shape, axis in (((5,), 0), ((3, 4, 2), 1), ((3, 4), 0), ((2, 3), 1)):
        x = 0.5 + RANDOM.random(shape)
        stages = getattr(onp, name).accumulate(x, axis)
        for reduces in (False, True):
            ends = onp.take(stages, -1, axis) if reduces else stages
            g = RANDOM.standard_normal(ends.shape)[()]
            method = function.reduce if reduces else function.accumulate
            if reduces:
                start = onp.zeros(1, onp.intp)
                found = _core.segments_adjoint(function, ends, x, start, g, axis, False)
            else:
                found = _core.scan_adjoint(function, stages, x, g, axis)
            # The Jacobian of the vjp by g is traced: its cotangents are boxes.
            vjp = lambda g: make_vjp(lambda x: method(x, axis))(x)[0](g)
            onp.testing.assert_allclose(found, vjp(g), rtol=1e-12)
            slow = onp.tensordot(jacobian(vjp)(g), g, onp.ndim(g))
            onp.testing.assert_allclose(found, slow, rtol=1e-12, atol=1e-14)
            replayed = jit(grad(lambda x: np.sum(g * method(x, axis))))
            for _ in range(4):
                onp.testing.assert_allclose(replayed(x), found, rtol=1e-12, atol=1e-14)
    assert _core.scan_adjoint(function, stages.T, x.T, stages.T, 0) is None
    assert _core.scan_adjoint(function, stages, x, g[:1], 1) is None
    assert _core.scan_adjoint(np.matmul, stages, x, stages, 0) is None
    assert _core.scan_adjoint(onp.add, stages, x, stages, 0) is None
    assert _core.segments_adjoint(function, ends, x, start + 3, g, 1, False) is None
    assert _core.segments_adjoint(function, ends, x, start, g[:1], 1, False) is None


@pytest.mark.parametrize(
    "name", ["add", "multiply", "maximum", "minimum", "hypot", "logaddexp", "subtract", "fmax"]
)
@pytest.mark.parametrize("starts", [[0], [0, 2], [0, 3, 1, 1, 4], [4, 0], [2], []])
def test_what_comes_back_from_segments(name, starts):
    """In one pass over memory, and by what each segment is composed of."""
    function, plain = getattr(np, name), getattr(onp, name)
    for shape, axis in (((5,), 0), ((5, 3), 0), ((2, 5), 1), ((2, 5, 3), 1)):
        x = onp.round(4 * RANDOM.random(shape) + 0.5)  # with ties
        value = plain.reduceat(x, onp.array(starts, onp.intp), axis)
        slope = RANDOM.standard_normal(value.shape)

        def total(x):
            return np.sum(slope * function.reduceat(x, starts, axis))

        found = grad(total)(x)
        vjp = lambda g: make_vjp(lambda x: function.reduceat(x, starts, axis))(x)[0](g)
        onp.testing.assert_allclose(vjp(slope), found, rtol=1e-12)
        # The Jacobian of the vjp by g is traced: its cotangents are boxes.
        slow = onp.tensordot(jacobian(vjp)(slope), slope, slope.ndim)
        onp.testing.assert_allclose(found, slow, rtol=1e-12, atol=1e-14)
        strided = onp.asfortranarray(onp.repeat(x, 2, 0))[::2]
        onp.testing.assert_allclose(grad(total)(strided), found, rtol=1e-12, atol=1e-14)
        direction = RANDOM.standard_normal(shape)
        moved = make_jvp(total)(x)(direction)[1]
        onp.testing.assert_allclose(onp.sum(found * direction), moved, rtol=1e-10, atol=1e-12)
        replayed = jit(grad(total))
        for _ in range(4):
            onp.testing.assert_allclose(replayed(x), found, rtol=1e-12, atol=1e-14)


def test_places_of_segments_are_our_own():
    starts = onp.array([0, 2])
    vjp, _ = make_vjp(lambda x: np.add.reduceat(x, starts))(onp.ones(4))
    starts[:] = 0
    onp.testing.assert_array_equal(vjp(onp.array([1.0, 2.0])), [1.0, 1.0, 2.0, 2.0])
    with pytest.raises(TypeError):
        grad(lambda x: np.sum(np.add.reduceat(x, [0.5])))(onp.ones(3))


@pytest.mark.parametrize("dtype", [float, onp.float32])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (300,), (3, 4), (2, 3, 4)])
def test_euclidean_norms_have_numpys_bits(shape, dtype):
    x = RANDOM.standard_normal(shape).astype(dtype)
    for one in (x, onp.asfortranarray(x), x[..., ::2] if x.ndim else x, x * 1e30, x * onp.nan):
        with _core.Tape() as tape, onp.errstate(over="ignore"):
            found, value = np.linalg.norm(tape.box(one))._value, onp.linalg.norm(one)
        assert type(found) is type(value)
        onp.testing.assert_array_equal(found, value)


@pytest.mark.parametrize("count", [None, 0, 1, 2, 4])
@pytest.mark.parametrize("increasing", [False, True])
def test_powers(count, increasing):
    """The rule from the powers themselves, and products."""

    def composed(x):
        powers = [np.ones_like(x), x]
        while len(powers) < 5:
            powers.append(powers[-1] * x)
        powers = powers[: 3 if count is None else count]
        return np.stack(powers if increasing else powers[::-1], 1)

    x = onp.array([0.5, 0.0, -1.5])
    for point in (x, x + 0.5j, x.astype(onp.float32)):
        slope = RANDOM.standard_normal((3, 3 if count is None else count)).astype(point.dtype)
        if count == 0:
            assert not onp.any(grad(lambda x: np.sum(np.vander(x, 0)))(x))
            continue

        def total(function, slope=slope):
            return lambda x: np.real(np.sum(slope * function(x) ** 2))

        ours, theirs = total(lambda x: np.vander(x, count, increasing)), total(composed)
        onp.testing.assert_allclose(grad(ours)(point), grad(theirs)(point), rtol=1e-5)
        direction = onp.array([1.0, 2.0, 3.0], point.dtype)
        found = make_jvp(ours)(point)(direction)[1]
        onp.testing.assert_allclose(found, make_jvp(theirs)(point)(direction)[1], rtol=1e-5)
    if count != 0:
        slope = RANDOM.standard_normal(slope.shape)
        found, expected = (
            jacobian(grad(lambda x, one=one: np.sum(slope * one(x) ** 2)))(x)
            for one in (lambda x: np.vander(x, count, increasing), composed)
        )
        onp.testing.assert_allclose(found, expected, rtol=1e-12)


SUBSCRIPTS = {
    "ij,j->i": "mx", "i,i->": "xx", "ij,jk->ik": "mm", "i,j->ij": "xx", "i,j->ji": "xx",
    "ij->ji": "m", "ii->i": "m", "ii": "m", "ij->i": "m", "ij->j": "m", "ij->": "m",
    "ij,ij->": "mm", "ij,ij->i": "mm", "ij,ji->": "mm", "ij,ji->ij": "mm", "i,ij,j->": "xmx",
    "ij,jk->": "mm", "ij,kl->il": "mm", "iij->j": "c", "ijk->kj": "c", "iii": "c", "ii,j->": "mx",
    "ij,i->ij": "mx", "i...,i->...": "mx", "ij,ij,ij->j": "mmm", ",ij->ij": "nm", "ij,k->": "mx",
}  # fmt: skip


@pytest.mark.parametrize("subscripts", SUBSCRIPTS)
def test_contractions(subscripts):
    shapes = {"m": (3, 3), "x": (3,), "c": (3, 3, 3), "n": ()}
    operands = [RANDOM.standard_normal(shapes[one]) for one in SUBSCRIPTS[subscripts]]
    value = onp.einsum(subscripts, *operands)
    slope = RANDOM.standard_normal(onp.shape(value))
    for k, operand in enumerate(operands):

        def function(*args):
            return np.sum(slope * np.einsum(subscripts, *args))

        found = grad(function, k)(*operands)
        # Linear in each operand: by the elements of a basis.
        expected = onp.empty(operand.shape)
        for place in onp.ndindex(operand.shape):
            changed = list(operands)
            changed[k] = onp.zeros(operand.shape)
            changed[k][place] = 1.0
            expected[place] = onp.sum(slope * onp.einsum(subscripts, *changed))
        onp.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
        assert onp.shape(found) == operand.shape
    with _core.Tape() as tape:
        result = _core.getval(np.einsum(subscripts, *[tape.box(one) for one in operands]))
        assert onp.asarray(result).tobytes() == onp.asarray(value).tobytes()


def test_contractions_of_axes_of_length_one():
    for shapes in (((1, 3), (2, 3)), ((2, 1), (2, 3)), ((2, 3), (1, 1)), ((1, 1), (0, 3))):
        a, b = (RANDOM.standard_normal(shape) for shape in shapes)
        for subscripts in ("ij,ij->ij", "ij,ij->i", "ij,ij->"):
            for k in (0, 1):
                found = grad(lambda a, b: np.sum(np.einsum(subscripts, a, b)), k)(a, b)
                expected = grad(lambda a, b: np.sum(a * b), k)(a, b)
                onp.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_diagonal_of_length_one_that_is_broadcast():
    """Its axes have the other operand's length in the contraction, and one in the cotangent."""
    a, b = RANDOM.standard_normal((1, 1)), RANDOM.standard_normal((3, 2))
    for subscripts in ("ii,ij->ij", "ii,ij->j", "ii,ij->"):
        slope = RANDOM.standard_normal(onp.einsum(subscripts, a, b).shape)
        found = grad(lambda a: np.sum(slope * np.einsum(subscripts, a, b)))(a)
        expected = onp.sum(slope * onp.einsum(subscripts, onp.ones((1, 1)), b))
        onp.testing.assert_allclose(found, [[expected]], rtol=1e-12)


def test_a_number_without_labels_is_in_the_machines_byte_order():
    number = onp.array(2.5).astype(onp.dtype(float).newbyteorder("S"))
    with _core.Tape() as tape:
        found = _core.getval(np.einsum("", tape.box(number)))
    assert found.dtype == onp.einsum("", number).dtype


def test_a_form_of_subscripts_is_kept_by_dimensions():
    assert contractions._form("...->...", (2,)) != contractions._form("...->...", (1,))


@pytest.mark.parametrize("dtype", [float, onp.float32, complex])
@pytest.mark.parametrize("order", ["C", "F"])
def test_full_is_the_number_bit_for_bit(dtype, order):
    like = onp.zeros((2, 3), order=order)
    for number in (0.1, -0.0, onp.inf, -onp.inf, onp.nan, 5e-324):
        value = dtype(number)
        with _core.Tape() as tape:
            box = tape.box(onp.asarray(value)[()])
            pairs = [
                (np.full((2, 3), box, order=order), onp.full((2, 3), value, order=order)),
                (np.full(3, box), onp.full(3, value)),
                (np.full_like(like, box, dtype), onp.full_like(like, value, dtype)),
                (np.full_like(like, box, dtype, "C"), onp.full_like(like, value, dtype, "C")),
                (
                    np.full_like(like, box, dtype, shape=4),
                    onp.full_like(like, value, dtype, shape=4),
                ),
            ]
            for found, expected in pairs:
                plain = _core.getval(found)
                assert plain.tobytes("A") == expected.tobytes("A")
                assert (plain.strides, plain.dtype) == (expected.strides, expected.dtype)
    slope = RANDOM.standard_normal((2, 3))
    found = grad(lambda x: np.sum(np.real(np.full((2, 3), x, dtype)) * slope))(1.5)
    onp.testing.assert_allclose(found, onp.sum(slope), rtol=1e-6)


def test_choices_of_doubles():
    for shape in ((5,), (2, 3), (1, 1)):
        which = RANDOM.integers(0, 3, shape)
        arrays = [RANDOM.standard_normal(shape) for _ in range(3)]
        slope = RANDOM.standard_normal(shape)
        value = onp.choose(which, arrays)
        with _core.Tape() as tape:
            found = np.choose(which, [tape.box(arrays[0]), *arrays[1:]])
            assert _core.getval(found).tobytes() == value.tobytes()
        for k in range(3):
            found = grad(lambda *args: np.sum(slope * np.choose(which, list(args))), k)(*arrays)
            onp.testing.assert_array_equal(found, onp.where(which == k, slope, 0.0))
    with pytest.raises(ValueError, match="invalid entry in choice array"):
        grad(lambda x: np.sum(np.choose(onp.array([0, 2]), [x, x])))(onp.ones(2))
    with pytest.raises(ValueError, match="invalid entry in choice array"):
        grad(lambda x: np.sum(np.choose(onp.array([0, -1]), [x, x])))(onp.ones(2))


def test_parts_of_numbers():
    x = onp.array([2.75, -1.5, 0.3, -7.25])
    y = onp.array([0.7, 2.0, -0.4, 3.0])
    slope = RANDOM.standard_normal(4)
    onp.testing.assert_array_equal(grad(lambda x: np.sum(slope * np.modf(x)[0]))(x), slope)
    onp.testing.assert_allclose(
        grad(lambda x: np.sum(slope * np.frexp(x)[0]))(x), slope / 2.0 ** onp.frexp(x)[1]
    )
    for k in (0, 1):
        found = grad(lambda x, y: np.sum(slope * np.divmod(x, y)[1]), k)(x, y)
        expected = grad(lambda x, y: np.sum(slope * np.remainder(x, y)), k)(x, y)
        onp.testing.assert_allclose(found, expected)
        # Both results, one of a broadcast argument, and to the second order.
        one = onp.array([[0.7], [2.0]])
        found = grad(lambda x, y: np.sum(np.divmod(x, y)[0] * x + np.divmod(x, y)[1] ** 2), k)(
            x, one
        )
        expected = grad(lambda x, y: np.sum(np.floor(x / y) * x + np.remainder(x, y) ** 2), k)(
            x, one
        )
        onp.testing.assert_allclose(found, expected)
        found, expected = (
            jacobian(grad(lambda x, y, part=part: np.sum(part(x, y) ** 2), k), k)(x, y)
            for part in (lambda x, y: np.divmod(x, y)[1], np.remainder)
        )
        onp.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("dtype", [float, onp.float32])
def test_one_number_added_at_places(dtype):
    places = onp.array([0, 3, 0, -1, 2, 0])
    whole = onp.zeros((4, 3), dtype)
    for index, shape in ((places, (6, 3)), ((slice(None), places[:2] % 3), (4, 2))):
        spread = onp.broadcast_to(dtype(2.5), shape)
        with _core.Tape() as tape:
            box = tape.box(whole)
            out = box[index]
            tape.stop()
            found, expected = (
                tape.sweep([out], [g], [box])[0] for g in (spread, onp.ascontiguousarray(spread))
            )
        plain = onp.zeros((4, 3), dtype)
        onp.add.at(plain, index, spread)
        onp.testing.assert_array_equal(found, plain)
        onp.testing.assert_array_equal(expected, plain)


@pytest.mark.parametrize("dtype", [float, onp.float32, int, bool, complex, onp.longdouble])
def test_plain_arrays_take_the_short_way_as_numpy_would(dtype):
    x = (RANDOM.standard_normal((3, 1, 4)) * 5).astype(dtype)
    for a in (x, x.T, x[::-1], onp.asfortranarray(x)):
        calls = [
            (np.reshape, onp.reshape, (a, (4, 3)), {}),
            (np.reshape, onp.reshape, (a, -1), {"order": "F"}),
            (np.ravel, onp.ravel, (a,), {}),
            (np.ravel, onp.ravel, (a, "K"), {}),
            (np.transpose, onp.transpose, (a,), {}),
            (np.transpose, onp.transpose, (a, [1, 2, 0]), {}),
            (np.swapaxes, onp.swapaxes, (a, 0, -1), {}),
            (np.moveaxis, onp.moveaxis, (a, 0, 1), {}),
            (np.moveaxis, onp.moveaxis, (a, (0, 1), (2, 0)), {}),
            (np.squeeze, onp.squeeze, (a,), {}),
            (np.expand_dims, onp.expand_dims, (a, (0, 2)), {}),
            (np.broadcast_to, onp.broadcast_to, (a, (2, *a.shape)), {}),
            (np.sum, onp.sum, (a,), {}),
            (np.sum, onp.sum, (a, 1), {"keepdims": True}),
            (np.sum, onp.sum, (a,), {"axis": (0, 2)}),
            (np.sum, onp.sum, (a,), {"dtype": complex}),
            (np.sum, onp.sum, (a,), {"initial": 2}),
            (np.sum, onp.sum, (a,), {"out": onp.zeros((), a.dtype)} if dtype is not bool else {}),
            (np.copy, onp.copy, (a,), {}),
            (np.copy, onp.copy, (a, "F"), {}),
            (np.dot, onp.dot, (a, onp.ones(a.shape[-1], dtype)), {}),
            (np.where, onp.where, (a > 0, a, 0 * a), {}),
            (np.where, onp.where, (a > 0,), {}),
        ]
        for ours, plain, args, options in calls:
            found, expected = ours(*args, **options), plain(*args, **options)
            if isinstance(expected, tuple):
                assert [one.tobytes() for one in found] == [one.tobytes() for one in expected]
                continue
            assert type(found) is type(expected)
            assert found.dtype == expected.dtype
            onp.testing.assert_array_equal(found, expected)
            assert found.strides == expected.strides
            assert found.flags.writeable == expected.flags.writeable
            assert onp.shares_memory(found, a) == onp.shares_memory(expected, a)
    for ours, plain, args in (
        (np.reshape, onp.reshape, (x, (5, 5))),
        (np.transpose, onp.transpose, (x, (0, 0, 1))),
        (np.squeeze, onp.squeeze, (x, 0)),
        (np.sum, onp.sum, (x, 3)),
        (np.broadcast_to, onp.broadcast_to, (x, (2, 2))),
    ):
        with pytest.raises(Exception) as expected_error:
            plain(*args)
        with pytest.raises(type(expected_error.value)) as error:
            ours(*args)
        assert str(error.value) == str(expected_error.value)


def test_plain_arrays_that_numpy_gives_back_or_refuses():
    """The short way is no other function: the array itself, and NumPy's own words."""
    x = RANDOM.standard_normal((3, 4))
    assert np.squeeze(x) is x and np.squeeze(x, ()) is x
    assert np.expand_dims(x, ()) is not x
    for name, args in {
        "reshape": ((3.0,),),
        "transpose": ((1.0, 0),),
        "broadcast_to": ((2.0,),),
        "squeeze": (1,),
        "dot": (onp.ones(3),),
    }.items():
        with pytest.raises((TypeError, ValueError)) as plain:
            getattr(onp, name)(x, *args)
        with pytest.raises(plain.type) as ours:
            getattr(np, name)(x, *args)
        assert str(ours.value) == str(plain.value)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_choices(count, monkeypatch):
    """By conditions, by places in all arrays, and by NumPy's own check of the indices."""
    places = RANDOM.integers(0, count, (4, 3))
    arrays = [RANDOM.standard_normal((4, 3)) for _ in range(count)]
    slope = RANDOM.standard_normal((4, 3))
    value = lambda *x, a=places: np.sum(slope * np.choose(a, list(x)) ** 3)
    found = {}
    for way, most, given in (("conditions", 9, places), ("places", 0, places)):
        monkeypatch.setattr(selection, "MANY", most)
        run = lambda *x, given=given: value(*x, a=given)
        args = tuple(range(count))
        found[way] = grad(run, args)(*arrays)
        onp.testing.assert_array_equal(
            make_vjp(lambda *x: np.choose(places, list(x)), 0)(*arrays)[1],
            onp.choose(places, arrays),
        )
        replayed = jit(grad(run, args))
        for _ in range(4):
            onp.testing.assert_array_equal(replayed(*arrays), found[way])
        found[way] = *found[way], *jacobian(grad(run), 0)(*arrays)
    found["general"] = grad(lambda *x: value(*x, a=places.tolist()), args)(*arrays)
    for one, other, third in zip(*found.values(), strict=False):
        onp.testing.assert_allclose(one, other, rtol=1e-14)
        onp.testing.assert_allclose(one, third, rtol=1e-14)
    chosen = make_vjp(lambda x: np.choose(onp.zeros((4, 3), int), [x]))(arrays[0])[1]
    assert not onp.shares_memory(chosen, arrays[0])


@pytest.mark.parametrize("starts", [[0, 2], [1, 3], [3, 1, 1, 0], [0], [4, 4], [2, 0, 4]])
@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "logaddexp"])
def test_sums_between_places(name, starts):
    function = getattr(np, name)
    for shape, axis in (((5,), 0), ((5, 3), 0), ((2, 5), 1)):
        x = 0.5 + RANDOM.random(shape)
        expected = getattr(onp, name).reduceat(x, starts, axis)
        slope = RANDOM.standard_normal(expected.shape)

        def folded(x, axis=axis):
            lines, parts = np.moveaxis(x, axis, 0), []
            for start, stop in zip(starts, [*starts[1:], 5], strict=True):
                part = lines[start]
                for i in range(start + 1, stop):
                    part = function(part, lines[i])
                parts.append(part)
            return np.stack(parts, axis)

        short = lambda x, axis=axis: function.reduceat(x, starts, axis)
        vjp, value = make_vjp(short)(x)
        onp.testing.assert_array_equal(value, expected)
        close = onp.testing.assert_allclose
        close(vjp(slope), make_vjp(folded)(x)[0](slope), rtol=1e-12)
        close(make_jvp(short)(x)(x)[1], make_jvp(folded)(x)(x)[1], rtol=1e-12)
        cubes = [
            jacobian(grad(lambda x, one=one: np.sum(slope * one(x) ** 3)))
            for one in (short, folded)
        ]
        close(*(one(x) for one in cubes), rtol=1e-11, atol=1e-13)
        replayed = jit(grad(lambda x, short=short: np.sum(slope * short(x) ** 2)))
        for k in range(4):
            close(
                replayed(x + k), grad(lambda x: np.sum(slope * folded(x) ** 2))(x + k), rtol=1e-11
            )


def test_functions_of_elements():
    """`vectorize` beside a loop over the elements, of one and of several broadcast arrays."""
    column, row = RANDOM.random((3, 1)), RANDOM.random(4)
    number = lambda a, b=2.0: a * a * b if a > 0.5 else np.sin(a) + b
    for args in ((column,), (row,), (column, row), (row, 1.5), (2.5, column), (column.T, column)):
        shape = onp.broadcast_shapes(*map(onp.shape, args))
        each = lambda *x, shape=shape: [
            number(*(np.broadcast_to(one, shape)[place] for one in x))
            for place in onp.ndindex(*shape)
        ]
        slope = RANDOM.standard_normal(shape)
        short = lambda *x, slope=slope: np.sum(slope * np.vectorize(number)(*x))
        slow = lambda *x, slope=slope, each=each: np.sum(slope.ravel() * np.array(each(*x)))
        which = tuple(range(len(args)))
        for one, other in zip(grad(short, which)(*args), grad(slow, which)(*args), strict=True):
            onp.testing.assert_allclose(one, other, rtol=1e-13)
        onp.testing.assert_allclose(
            jacobian(grad(short))(*args), jacobian(grad(slow))(*args), rtol=1e-12, atol=1e-14
        )
        found = make_vjp(lambda *x: np.vectorize(number)(*x), 0)(*args)[1]
        onp.testing.assert_array_equal(found, onp.vectorize(number)(*args))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_stacks(axis):
    parts = [RANDOM.standard_normal((3, 2)), RANDOM.standard_normal((3, 2)).astype("f4")]
    parts.append(onp.asfortranarray(RANDOM.standard_normal((3, 2))))
    slope = RANDOM.standard_normal(onp.stack(parts, axis).shape)
    joined = lambda *x: np.concatenate([np.expand_dims(one, axis) for one in x], axis)
    for function in (lambda *x: np.stack(x, axis), joined):
        found = make_vjp(function, 0)(*parts)[1]
        assert found.flags.c_contiguous
        onp.testing.assert_array_equal(found, onp.stack(parts, axis))
    gradients = [
        grad(lambda *x, one=one: np.sum(slope * one(*x) ** 2), (0, 1, 2))(*parts)
        for one in (lambda *x: np.stack(x, axis), joined)
    ]
    for one, other in zip(*gradients, strict=True):
        assert one.dtype == other.dtype
        onp.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.skipif(not hasattr(onp, "vecdot"), reason="NumPy has it from 2.0 on")
@pytest.mark.parametrize("dtype", [float, onp.float32])
def test_products_of_two_vectors(dtype):
    """A number times the other vector, beside the rule of stacks of vectors."""
    a, b = (RANDOM.standard_normal(4).astype(dtype) for _ in range(2))
    for k in (0, 1):
        found = make_vjp(np.vecdot, k)(a, b)[0](dtype(1.7))
        rows = make_vjp(np.vecdot, k)(a[None], b[None])[0](onp.array([1.7], dtype))[0]
        assert found.dtype == dtype
        onp.testing.assert_allclose(found, rows, rtol=1e-6)
        cubes = [
            jacobian(grad(lambda *x, one=one: np.sum(one(*x) ** 3), k), k)(a, b)
            for one in (np.vecdot, lambda x, y: np.vecdot(x[None], y[None]))
        ]
        onp.testing.assert_allclose(*cubes, rtol=1e-5)
        replayed = jit(grad(lambda x, y: np.vecdot(x, y) ** 2, k))
        for _ in range(4):
            expected = grad(lambda x, y: np.vecdot(x, y) ** 2, k)(a, b)
            onp.testing.assert_allclose(replayed(a, b), expected, rtol=1e-6)
    other = b.astype(complex)
    g = onp.vecdot(a, other).dtype.type(1)
    rows = make_vjp(np.vecdot)(a[None], other[None])[0](onp.array([g]))
    onp.testing.assert_allclose(make_vjp(np.vecdot)(a, other)[0](g), rows[0], rtol=1e-6)
