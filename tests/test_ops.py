"""Every operation of the table: value, VJP, JVP, adjoint identity, order 2, dtypes, kernels."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as onp
import pytest
from cases import (
    DIFFERENTIABLE,
    ELEMENTWISE,
    LAYOUTS,
    NOT_RECORDED,
    Case,
    Fixed,
    cases,
    cases_of,
    cast,
    differences,
    directions,
    flat,
    inner,
    jvp,
    reference,
    strided,
    vjp,
)

import fastad.numpy as np
from fastad import _core, grad, make_jvp

ALL = cases(DIFFERENTIABLE)
CAST = {
    dtype: [made for case in ALL if (made := cast(case, dtype)) is not None]
    for dtype in ("float32", "complex128")
}

# Where a complex argument is no interior point: off the real axis the function is another one.
ONLY_NEAR_REAL = ("real_if_close",)
WITH_COMPLEX = ALL + [case for case in CAST["complex128"] if case.name not in ONLY_NEAR_REAL]


pytestmark = [
    pytest.mark.filterwarnings("ignore:.row_stack. alias:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*deprecated as of NumPy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Casting complex values to real"),
]


def each(chosen: list[Case]) -> Callable[[Callable[[Case], None]], Callable[[str], None]]:
    """Run a test on each case, as one test for each operation; a failure lists all cases in it."""
    by_name: dict[str, list[Case]] = {}
    for case in chosen:
        by_name.setdefault(case.name, []).append(case)

    def decorate(check: Callable[[Case], None]) -> Callable[[str], None]:
        @pytest.mark.parametrize("name", sorted(by_name))
        @functools.wraps(check)
        def test(name):
            failed, last = [], None
            for case in by_name[name]:
                try:
                    check(case)
                except Exception as error:
                    failed.append(f"{case}: {type(error).__name__}: {error}")
                    last = error
            if failed:
                raise AssertionError("\n".join(failed)) from last

        del test.__wrapped__  # pytest would read its parameters
        return test

    return decorate


def same_bits(actual: object, expected: object) -> None:
    """Equal types, dtypes, shapes and bits (NaN equal to NaN, 0.0 not to -0.0)."""
    actual = _core.getval(actual)
    assert type(actual) is type(expected), (type(actual), type(expected))
    a, b = onp.asarray(actual), onp.asarray(expected)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    onp.testing.assert_array_equal(a, b)
    if a.dtype.kind in "fc":
        for part in ("real", "imag"):
            signs = onp.signbit(getattr(a, part)), onp.signbit(getattr(b, part))
            onp.testing.assert_array_equal(*signs)


def close(actual: object, expected: object, rtol: float, atol: float | None = None) -> None:
    scale = max([1.0, *(float(abs(e)) for e in onp.ravel(expected) if onp.isfinite(e))])
    onp.testing.assert_allclose(
        _core.getval(actual), expected, rtol=rtol, atol=(rtol if atol is None else atol) * scale
    )


def in_space_of(leaf: object, cotangent: object) -> None:
    """An array's cotangent is an array, a number's a NumPy scalar, of its dtype and shape."""
    assert isinstance(cotangent, onp.ndarray if isinstance(leaf, onp.ndarray) else onp.generic)
    assert cotangent.shape == onp.shape(leaf)
    assert cotangent.dtype.newbyteorder("=") == onp.asarray(leaf).dtype.newbyteorder("=")


# Complex products that NumPy 1.26 rounds by where the result happens to lie in memory: two calls of
# its own differ in the last bit.
ROUNDED_BY_PLACE = {"cross", "linalg.cross"}


# ---- values --------------------------------------------------------------------------------------


@each(ALL + CAST["float32"] + CAST["complex128"])
def test_value_is_numpys_bit_for_bit(case):
    leaves = case.leaves
    same = same_bits
    if case.name in ROUNDED_BY_PLACE and any(onp.iscomplexobj(leaf) for leaf in leaves):
        same = functools.partial(close, rtol=4 * onp.finfo(float).eps)
    with onp.errstate(all="ignore"):
        expected = case.numpy(*leaves)
        for level in (_core.Tape(), _core.Forward()):
            with level:
                box = level.box if isinstance(level, _core.Tape) else lambda x: level.box(x, x)
                outputs = case.fastad(*(box(leaf) for leaf in leaves))
                assert len(outputs) == len(expected)
                for output, value in zip(outputs, expected):
                    same(output, value)
        for output, value in zip(case.fastad(*leaves), expected):
            same(output, value)


@each(cases(NOT_RECORDED))
def test_derivative_zero_is_not_recorded(case):
    expected = case.numpy(*case.leaves)
    with _core.Tape() as tape:
        boxes = [tape.box(leaf) for leaf in case.leaves]
        before = len(tape)
        outputs = case.fastad(*boxes)
        if isinstance(reference(case.name), onp.ufunc):
            assert len(tape) == before
        for output, value in zip(outputs, expected):
            assert not isinstance(output, _core.Box)
            if case.name == "empty_like":
                assert (output.shape, output.dtype) == (value.shape, value.dtype)
            elif isinstance(value, onp.ndarray | onp.generic):
                same_bits(output, value)
            else:
                assert type(output) is type(value) and output == value


# ---- first derivatives ---------------------------------------------------------------------------


@each(WITH_COMPLEX)
def test_first_derivatives(case):
    leaves = case.leaves
    outputs = case.numpy(*leaves)
    g = directions(outputs, 1)
    cotangents = vjp(case.fastad, leaves, g)
    for leaf, cotangent in zip(leaves, cotangents):
        in_space_of(leaf, cotangent)
    for seed in (2, 3):
        t = directions(leaves, seed)
        numeric = differences(case.numpy, leaves, t)
        tangents = jvp(case.fastad, leaves, t)
        for tangent, value, output in zip(tangents, numeric, outputs):
            assert onp.shape(tangent) == onp.shape(output)
            close(tangent, value, 4e-8)
        close(inner(cotangents, t), inner(g, numeric), 4e-8)
        close(inner(cotangents, t), inner(g, tangents), 1e-12)


@each(ALL)
def test_one_argument_at_a_time(case):
    """A rule of one argument must not lean on another one's being traced."""
    leaves = case.leaves
    g = directions(case.numpy(*leaves), 1)
    together = vjp(case.fastad, leaves, g)
    for i, leaf in enumerate(leaves):

        def of_one(x, i=i):
            return case.fastad(*leaves[:i], x, *leaves[i + 1 :])

        alone = vjp(of_one, [leaf], g)[0]
        close(alone, together[i], 1e-14)
        in_space_of(leaf, alone)


# ---- second derivatives --------------------------------------------------------------------------


@each(WITH_COMPLEX)
def test_second_derivatives(case):
    leaves = case.leaves
    g, w = directions(case.numpy(*leaves), 1), directions(leaves, 4)
    t = directions(leaves, 2)

    def gradient(*xs):
        return vjp(case.fastad, xs, g)

    def tangent(*xs):
        return jvp(case.fastad, xs, w)

    numeric = differences(gradient, leaves, t)
    for actual, expected in zip(jvp(gradient, leaves, t), numeric):
        close(actual, expected, 1e-7)
    expected = inner(w, numeric)
    close(inner(vjp(gradient, leaves, w), t), expected, 1e-7)
    # The derivative of <g, jvp(w)> along t is the same number.
    close(inner(vjp(tangent, leaves, g), t), expected, 1e-7)
    close(inner(g, jvp(tangent, leaves, t)), expected, 1e-7)


# ---- dtypes and layouts --------------------------------------------------------------------------


@each(CAST["float32"])
def test_float32_stays_float32(case):
    leaves = case.leaves
    outputs = case.numpy(*leaves)
    g = determined(case, directions(outputs, 1))
    cotangents = vjp(case.fastad, leaves, g)
    wide = [onp.asarray(leaf).astype(onp.result_type(leaf, float))[()] for leaf in leaves]
    exact = vjp(case.fastad, wide, determined(case, directions(case.numpy(*wide), 1)))
    for leaf, cotangent, value in zip(leaves, cotangents, exact):
        in_space_of(leaf, cotangent)
        close(cotangent, value, 2e-4)
    for tangent, output in zip(jvp(case.fastad, leaves, directions(leaves, 2)), outputs):
        assert onp.asarray(tangent).dtype == onp.asarray(output).dtype


def determined(case: Case, cotangents: list[object]) -> list[object]:
    """Cotangents that are zero at the places whose order NumPy chooses by dtype and machine."""
    if case.name != "partition":
        return cotangents
    axis = case.kwargs.get("axis", case.args[2] if len(case.args) > 2 else -1)
    (g,) = map(onp.asarray, cotangents)
    places = (slice(None),) * ((axis or 0) % g.ndim) + (case.args[1],)
    kept = onp.zeros_like(g)
    kept[places] = g[places]
    return [kept]


@pytest.mark.parametrize("dtype", ["float16", "longdouble", "complex64", "clongdouble"])
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_other_dtypes_are_kept(name, dtype):
    case = cast(next(case for case in cases_of(name) if case.is_real), dtype)
    if case is None:
        # NumPy itself has no loop for it.
        return
    if name == "arange" and onp.dtype(dtype).kind == "c" and onp.__version__ < "2":
        # NumPy 1 counts steps by the smaller of real and imaginary part, which rounding decides.
        return
    leaves = case.leaves
    outputs = case.numpy(*leaves)
    cotangents = vjp(case.fastad, leaves, determined(case, directions(outputs, 1)))
    for leaf, cotangent in zip(leaves, cotangents):
        in_space_of(leaf, cotangent)
    tangents = jvp(case.fastad, leaves, directions(leaves, 2))
    for tangent, output in zip(tangents, outputs):
        assert onp.asarray(tangent).dtype == onp.asarray(output).dtype
    # numpy.linalg has no long double.
    wide = ("clongdouble", "complex128") if onp.dtype(dtype).kind == "c" else ("longdouble", "f8")
    wider = cast(case, wide[0]) or cast(case, wide[1])
    g = determined(case, directions(wider.numpy(*wider.leaves), 1))
    exact = vjp(wider.fastad, wider.leaves, g)
    for cotangent, value in zip(cotangents, exact):
        close(cotangent, value, 30 * float(onp.finfo(onp.asarray(cotangent).dtype).eps))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_layouts_change_nothing(name, layout):
    for case in cases_of(name):
        leaves = case.leaves
        laid = [strided(leaf, layout) for leaf in leaves]
        g = directions(case.numpy(*leaves), 1)
        t = directions(leaves, 2)
        laid_g = [strided(one, layout) for one in g]
        for other in (laid_g, g):
            found = vjp(case.fastad, laid, other)
            for leaf, actual, expected in zip(leaves, found, vjp(case.fastad, leaves, g)):
                in_space_of(leaf, actual)
                close(actual, expected, 1e-13)
        laid_t = [strided(one, layout) for one in t]
        for actual, expected in zip(jvp(case.fastad, laid, laid_t), jvp(case.fastad, leaves, t)):
            close(actual, expected, 1e-13)


# ---- fast paths against slow ones ----------------------------------------------------------------


@each(ALL + CAST["float32"])
def test_fused_kernels_equal_the_generic_rule(case):
    """Operands that are boxes of an outer level make every rule run on Value, through the gate."""
    leaves = case.leaves
    g = directions(case.numpy(*leaves), 1)
    fused = vjp(case.fastad, leaves, g)
    with _core.Tape() as outer:
        generic = vjp(case.fastad, [outer.box(leaf) for leaf in leaves], g)
    eps = float(onp.finfo(onp.result_type(*leaves, onp.float16)).eps)
    for leaf, one, other in zip(leaves, fused, generic):
        in_space_of(leaf, _core.getval(other))
        close(other, one, 16 * eps)


@each(ALL)
def test_batch_rules_equal_one_row_after_the_other(case):
    """Cotangents with one more axis in front, all at once, against as many sweeps."""
    for width in (3, 6):  # from four on a derivative is computed once for all rows
        batches_are_rows(case, width)


def batches_are_rows(case, width):
    operation = _core.operations().get(case.name)
    in_table = operation is not None and operation.kind in ("structural", "elementwise")
    with onp.errstate(all="ignore"), _core.Tape() as tape:
        boxes = [tape.box(leaf) for leaf in case.leaves]
        for output in case.fastad(*[+box for box in boxes]):
            if not tape.owns(output):
                continue
            value = _core.getval(output)
            seeds = [directions([value], salt)[0] for salt in range(width)]
            batch = tape.sweep_many([output], [onp.stack(seeds)], boxes)
            if batch is None:
                assert not (in_table and case.is_real and value.dtype == float)
                continue
            rows = [tape.sweep([output], [seed], boxes) for seed in seeds]
            for box, many, *single in zip(boxes, batch, *rows):
                if many is None:
                    assert all(one is None for one in single)
                    continue
                assert many.shape == (width, *box.shape)
                for one, other in zip(many, single):
                    close(one, other, 1e-13)


@each(ALL)
def test_boxed_cotangents_and_repeated_sweeps(case):
    """A tape can be swept again, also with cotangents that are traced themselves."""
    leaves = case.leaves
    g = directions(case.numpy(*leaves), 1)
    with _core.Tape() as outer, _core.Tape() as tape:
        boxes = [tape.box(leaf) for leaf in leaves]
        outputs = case.fastad(*boxes)
        first = tape.sweep(outputs, g, boxes)
        traced = tape.sweep(outputs, [outer.box(one) for one in g], boxes)
        again = tape.sweep(outputs, g, boxes)
    for one, other, repeated in zip(first, traced, again):
        if one is None:
            assert other is None and repeated is None
            continue
        same_bits(repeated, one)
        close(other, one, 1e-13)


def kernel_sets() -> list[str]:
    found, current = [], _core.kernels()
    for name in ("baseline", "avx2", "avx512"):
        try:
            _core.use_kernels(name)
        except ValueError:
            continue
        found.append(name)
    _core.use_kernels(current)
    return found


@pytest.fixture
def kernel_set():
    current = _core.kernels()
    yield _core.use_kernels
    _core.use_kernels(current)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_instruction_sets_agree(name, kernel_set):
    """Bit for bit: they are compiled without contraction, and sums have the same eight lanes."""
    makes = [case for case in cases_of(name) if isinstance(case.leaves[0], onp.ndarray)]
    # Long enough for the vectors' body and their tail.
    long = [
        case.with_leaves([onp.tile(leaf, 37) for leaf in case.leaves], "[long]")
        for case in makes[:1]
    ]
    for case in [*makes, *long]:
        for made in (case, cast(case, "float32")):
            if made is None:
                continue
            results = []
            for instruction_set in kernel_sets():
                kernel_set(instruction_set)
                assert _core.kernels() == instruction_set
                g = directions(made.numpy(*made.leaves), 1)
                results.append(vjp(made.fastad, made.leaves, g))
            for other in results[1:]:
                for one, two in zip(results[0], other):
                    same_bits(two, one)


def test_unknown_kernels_are_refused():
    current = _core.kernels()
    with pytest.raises(ValueError):
        _core.use_kernels("mmx")
    assert _core.kernels() == current
    assert "baseline" in kernel_sets()


# ---- where there are two derivatives, or none ----------------------------------------------------


@pytest.mark.parametrize("name", ["maximum", "minimum", "fmax", "fmin"])
def test_ties_share_the_cotangent(name):
    function, x = getattr(np, name), onp.array([1.0, 2.0])
    for argnum in (0, 1):
        gradient = grad(lambda a, b: np.sum(function(a, b)), argnum)(x, x)
        onp.testing.assert_array_equal(gradient, [0.5, 0.5])
        assert grad(function, argnum)(1.0, 1.0) == 0.5


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "nanmax", "nanmin"])
def test_tied_extrema_share_the_cotangent(name):
    function = getattr(np, name)
    x = onp.array([[1.0, 1.0, 1.0, 1.0], [2.0, 3.0, 2.0, 3.0]])
    gradient = grad(lambda x: np.sum(function(x, axis=1)))(x)
    onp.testing.assert_array_equal(gradient[0], [0.25] * 4)
    onp.testing.assert_array_equal(sorted(gradient[1]), [0.0, 0.0, 0.5, 0.5])


@pytest.mark.parametrize("name", ["absolute", "fabs"])
def test_absolute_at_zero(name):
    function = getattr(np, name)
    assert grad(function)(0.0) == 0.0
    onp.testing.assert_array_equal(grad(lambda x: np.sum(function(x)))(onp.zeros(3)), onp.zeros(3))


@pytest.mark.parametrize("lane", ["number", "array"])
def test_powers_at_their_edges(lane):
    wrap = float if lane == "number" else lambda x: onp.array([x])

    def derivatives(x, y):
        f = lambda x, y: np.sum(np.power(x, y))
        return [float(onp.squeeze(grad(f, i)(wrap(x), wrap(y)))) for i in (0, 1)]

    assert derivatives(0.0, 2.0) == [0.0, 0.0]
    assert derivatives(0.0, 1.0) == [1.0, 0.0]
    assert derivatives(0.0, 0.0) == [0.0, 0.0]
    assert derivatives(3.0, 0.0) == pytest.approx([0.0, onp.log(3.0)], rel=4e-16)
    assert derivatives(-2.0, 3.0)[0] == 12.0
    f = lambda x: np.sum(x**2.0)
    assert onp.squeeze(grad(lambda x: np.sum(grad(f)(x)))(wrap(0.0))) == 2.0
    assert onp.squeeze(grad(lambda x: np.sum(grad(lambda x: np.sum(x**3))(x)))(wrap(0.0))) == 0.0


def test_clip_passes_the_cotangent_inside_only():
    x = onp.array([-2.0, 0.5, 3.0])
    onp.testing.assert_array_equal(grad(lambda x: np.sum(np.clip(x, -1, 1)))(x), [0.0, 1.0, 0.0])


def test_poles_give_infinity_or_nan_as_in_numpy():
    with onp.errstate(all="ignore"):
        assert grad(np.sqrt)(0.0) == onp.inf
        assert grad(np.log)(0.0) == onp.inf
        assert onp.isnan(grad(lambda x: np.sqrt(x) * 0.0)(0.0))
        # Untouched is not zero: no cotangent reaches the square root here.
        assert grad(lambda x: (np.sqrt(x), x * 2.0)[1])(0.0) == 2.0


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_a_slope_of_nan_is_nan_by_every_way(dtype):
    """The generic rule of tanh cut its operand where cosh overflows, and NaN with it."""
    x = onp.full(2, onp.nan, dtype)
    with onp.errstate(all="ignore"):
        for name in ("tanh", "expm1", "arctan", "log1p", "sinh", "cosh", "arcsinh", "exp2"):
            function = getattr(np, name)

            def summed(x, function=function):
                return np.sum(function(x))

            assert onp.isnan(grad(summed)(x)).all(), name
            assert onp.isnan(grad(function)(x[0])), name
            assert onp.isnan(make_jvp(function)(x)(onp.ones(2, dtype))[1]).all(), name
            assert onp.isnan(grad(lambda x, f=summed: np.sum(grad(f)(x)))(x)).all(), name


def test_one_box_in_both_places():
    x = onp.array([0.5, -1.5])
    for function, derivative in (
        (np.multiply, 2 * x),
        (np.add, onp.full(2, 2.0)),
        (np.subtract, onp.zeros(2)),
        (np.divide, onp.zeros(2)),
        (np.hypot, onp.sign(x) * onp.sqrt(2.0)),
        (np.dot, 2 * x),
        (np.matmul, 2 * x),
    ):
        close(grad(lambda x: np.sum(function(x, x)))(x), derivative, 1e-15)


def test_ravel_in_memory_order():
    """Order 'K' depends on the layout, so its sample points cannot be moved about."""
    w = onp.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    x = onp.ones((2, 3))
    for view in (x, onp.ones((3, 2)).T, x[::-1], onp.ones((2, 6))[:, ::2]):
        places = onp.empty_like(view)  # of x's own layout
        places[...] = onp.arange(6.0).reshape(2, 3)
        with _core.Tape() as tape:
            same_bits(np.ravel(tape.box(places), "K"), onp.ravel(places, "K"))
        expected = onp.empty((2, 3))
        expected.flat[onp.ravel(places, "K").astype(int)] = w
        for order in "KA":
            if order == "K" or places.flags.forc:
                gradient = grad(lambda x: np.sum(np.ravel(x, order) * w))(places)
                onp.testing.assert_array_equal(gradient, expected)


def test_real_if_close_of_real_points():
    z = onp.array([0.5, -1.5]) + 0j
    with _core.Tape() as tape:
        ans = np.real_if_close(tape.box(z))
        same_bits(ans, onp.real_if_close(z))
    assert grad(lambda x: np.sum(np.real_if_close(x * (1.0 + 0j))))(0.5) == 1.0


def test_r_and_c_join_traced_parts():
    x = onp.array([1.0, 2.0])
    weights = onp.array([1.0, 2.0, 3.0, 4.0, 5.0])
    f = lambda x: np.dot(np.r_[x, 0.5, x * x], weights)
    close(grad(f)(x), [1.0 + 2 * 4 * 1.0, 2.0 + 2 * 5 * 2.0], 1e-15)
    f = lambda x: np.sum(np.c_[x, x**2] * onp.array([[1.0, 2.0], [3.0, 4.0]]))
    close(grad(f)(x), [1.0 + 2 * 2.0, 3.0 + 2 * 4 * 2.0], 1e-15)


def test_a_constant_may_be_anything_that_numpy_takes():
    x = onp.array([1.0, 2.0])
    for constant in ([1, 2], (1.0, 2.0), True, onp.array([1, 2]), onp.float32(2), 2, onp.int8(2)):
        expected = onp.broadcast_to(onp.asarray(constant, float), (2,))
        close(grad(lambda x: np.sum(np.multiply(x, constant)))(x), expected, 1e-15)
        close(grad(lambda x: np.sum(np.multiply(constant, x)))(x), expected, 1e-15)


def test_the_checks_can_fail():
    """A wrong rule is noticed by each comparison above."""
    wrong = _core.Primitive(onp.sin, "wrong")
    _core.defvjp(wrong, lambda ans, x: lambda g: g * np.cos(x) * 1.001)
    _core.defjvp(wrong, lambda t, ans, x: t * np.cos(x) * 0.999)
    leaves = [onp.array([0.5, 1.0])]
    function = lambda x: flat(wrong(x))
    plain = lambda x: [onp.sin(x)]
    g, t = directions(plain(*leaves), 1), directions(leaves, 2)
    numeric = differences(plain, leaves, t)
    with pytest.raises(AssertionError):
        close(inner(vjp(function, leaves, g), t), inner(g, numeric), 1e-7)
    with pytest.raises(AssertionError):
        close(jvp(function, leaves, t)[0], numeric[0], 1e-7)
    with pytest.raises(AssertionError):
        same_bits(onp.float64(0.0), onp.float64(-0.0))
    with pytest.raises(AssertionError):
        same_bits(onp.float64(1.0), 1.0)
    assert Case("sin", (Fixed(1.0),)).leaves == []


@each([case for case in ALL + CAST["float32"] if case.name in ELEMENTWISE])
def test_tangents_by_kernels_are_those_by_the_rules(case):
    """Over a tape's boxes the rules on values make the tangent; over plain arrays a kernel does."""
    leaves = case.leaves
    tangents = directions(leaves, 3)
    with onp.errstate(all="ignore"), _core.Forward() as level, _core.Tape() as tape:
        for some in (tangents, *([None] * k + [tangents[k]] for k in range(len(leaves)))):
            given = [*some, *[None] * (len(leaves) - len(some))]

            def boxes(make, given=given):
                return [
                    leaf if t is None else level.box(make(leaf), t)
                    for leaf, t in zip(leaves, given)
                ]

            fast = case.fastad(*boxes(lambda leaf: leaf))
            slow = case.fastad(*boxes(tape.box))
            for one, two in zip(fast, slow):
                one, two = level.tangent(one)[1], level.tangent(two)[1]
                assert (one is None) == (two is None)
                if one is not None:
                    assert onp.result_type(one) == onp.result_type(_core.getval(two))
                    assert onp.shape(one) == onp.shape(_core.getval(two))
                    close(one, _core.getval(two), 2e-6 if case.note else 1e-14)


def in_rows(tape: _core.Tape, output: object, boxes: list[object]) -> list[onp.ndarray]:
    """Derivatives of one output, one sweep backwards for each element."""
    shape = onp.shape(_core.getval(output))
    found = []
    for index in onp.ndindex(*shape):
        seed = onp.zeros(shape)
        seed[index] = 1.0
        grads = tape.sweep([output], [seed[()]], boxes)
        found.append([0.0 if g is None else g for g in grads])
    return [
        onp.reshape(
            [onp.broadcast_to(row[k], onp.shape(_core.getval(box))) for row in found],
            shape + onp.shape(_core.getval(box)),
        )
        for k, box in enumerate(boxes)
    ]


@each(ALL)
def test_columns_from_sweeps_forwards_are_rows_from_sweeps_backwards(case):
    operation = _core.operations().get(case.name)
    in_table = operation is not None and operation.kind in ("structural", "elementwise")
    with onp.errstate(all="ignore"), _core.Tape() as tape:
        boxes = [tape.box(leaf) for leaf in case.leaves]
        copies = [+box for box in boxes]  # the inputs themselves are seeds
        for output in case.fastad(*copies):
            if not tape.owns(output) or onp.size(_core.getval(output)) == 0:
                continue
            for most_bytes in (1 << 24, 1):  # all at a time, and one by one
                columns = tape.columns(output, boxes, most_bytes)
                if columns is None:
                    assert not (in_table and case.is_real and _core.getval(output).dtype == float)
                    continue
                for box, one, two in zip(boxes, columns, in_rows(tape, output, boxes)):
                    assert one.shape == two.shape, (box, one.shape, two.shape)
                    close(one, two, 1e-13)
