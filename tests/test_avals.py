"""The rules for dtype and shape in the table, beside what NumPy gives."""

from __future__ import annotations

import itertools
import subprocess
import sys
import textwrap

import cases
import numpy as np
import pytest
from cases import OPERATIONS, cases_of

import fastad.numpy as fnp
from fastad import _core
from fastad.misc.tracers import const_graph

COMPILED = _core.operations()
STRUCTURAL = sorted(name for name, op in COMPILED.items() if op.kind == "structural")
ELEMENTWISE = sorted(
    name for name, op in COMPILED.items() if op.kind in ("elementwise", "zero", "test")
)

# Types that the rules know; beside them they may say that NumPy has to be asked.
KNOWN = [np.dtype(t) for t in "?ilqefdgFDG"]
OLD = int(np.__version__.split(".", 1)[0]) < 2


def plain(value):
    return value.value if isinstance(value, cases.Fixed) else value


def check(name, args, kwargs, must=True):
    """The rule says what NumPy's result is; False where it says nothing."""
    with np.errstate(all="ignore"):
        try:
            result = cases.reference(name)(*args, **kwargs)
        except Exception:
            result = None
    told = _core.aval(COMPILED[name], *args, **kwargs)
    assert told is not NotImplemented, f"give {name} a rule (Structural::aval)"
    if told is None:
        assert not must, f"{name}{args}: the rule says nothing"
        return False
    if result is not None:
        found = np.asarray(result)
        assert told == (found.shape, found.dtype), (name, args, kwargs)
    return True


@pytest.mark.parametrize("name", STRUCTURAL)
def test_structural_operations_have_a_rule(name):
    assert _core.aval(COMPILED[name], np.ones(3)) is not NotImplemented


def calls(name):
    """The calls of the table's cases, with each floating operand in every type."""
    for case in cases_of(name):
        args = tuple(map(plain, case.arguments(case.leaves)))
        yield args, case.kwargs
        for dtype in KNOWN:
            yield (
                tuple(
                    value.astype(dtype)
                    if isinstance(value, np.ndarray) and value.dtype.kind in "fc"
                    else value
                    for value in args
                ),
                case.kwargs,
            )


# Of lists, whose elements are operands of another operation.
JOINS = ("concatenate_args", "stack_args", "scatter", "concatenate", "array")


@pytest.mark.parametrize("name", [name for name in STRUCTURAL if name not in JOINS])
@pytest.mark.filterwarnings("ignore")
def test_structural_rules(name):
    known = [check(name, *call, must=False) for call in calls(name)]
    assert sum(known) > 0.6 * len(known), "most calls are of known types"
    for case in cases_of(name):
        check(name, tuple(map(plain, case.arguments(case.leaves))), case.kwargs, must=not OLD)


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.filterwarnings("ignore")
def test_elementwise_rules(name):
    ufunc = cases.reference(name)
    operands = [
        *(np.ones(shape, dtype) for shape in ((3,), (2, 3), (0, 3), ()) for dtype in KNOWN),
        *(dtype.type(1) for dtype in KNOWN),
        1.0,
        1,
        True,
        1 + 0j,
        100_000,
        1e300,
        np.float64(1e300),
        np.ones((2, 1)),
        np.ones(4),
    ]
    some = operands if ufunc.nin == 1 else operands[:: 1 if name in ("add", "divide") else 5]
    known = []
    for args in itertools.product(some, repeat=ufunc.nin):
        known.append(check(name, args, {}, must=False))
    least = 0.2 if OLD else 0.5
    assert sum(known) > least * len(known)


PLAIN = [
    np.ones((2, 3)),
    np.ones((2, 3), np.float32),
    np.ones((2, 3), complex),
    np.eye(2, 3, dtype=int),
]


@pytest.mark.parametrize("axis", [0, 1, -1, -2, None, 2])
def test_rules_of_joins(axis):
    for parts in itertools.product(PLAIN, repeat=2):
        for more in ((), (np.ones((2, 1)),), (np.float64(2.0),), (2.0,)):
            args = (*parts, *more)
            for name, function in (("concatenate_args", np.concatenate), ("stack_args", np.stack)):
                try:
                    wanted = function(args, axis)
                except Exception:
                    wanted = None
                told = _core.aval(COMPILED[name], axis, *args)
                if wanted is None or (OLD and told is None):
                    assert told is None
                else:
                    assert told == (wanted.shape, wanted.dtype)
    assert _core.aval(COMPILED["stack_args"], 0, 1.0, 2.0) == ((2,), np.float64)
    assert _core.aval(COMPILED["stack_args"], 0, np.float32(1), 2.0) == ((2,), np.float64)


def test_rules_of_products():
    shapes = [(), (3,), (2,), (3, 3), (2, 3), (3, 2), (4, 3, 3), (1, 2, 3), (5, 1, 3, 2), (0, 3)]
    for name in ("dot", "matmul"):
        for a, b in itertools.product(shapes, repeat=2):
            for x, y in itertools.product("fdDl?", repeat=2):
                args = (np.ones(a, x), np.ones(b, y))
                try:
                    wanted = getattr(np, name)(*args)
                except ValueError:
                    assert _core.aval(COMPILED[name], *args) is None
                    continue
                wanted = np.asarray(wanted)
                assert _core.aval(COMPILED[name], *args) == (wanted.shape, wanted.dtype)


INDICES = [
    0,
    -1,
    slice(None, None, 2),
    (..., 0),
    (None, 1),
    np.array([0, 1, 1]),
    np.array([[True, False, True], [False, False, True]]),
    (slice(None), np.array([0, 2])),
    (np.array([0, 1]), np.array([1, 2])),
    np.array([True, False]),
    (0, 1),
    [0, 1],
    5,
    (0, 0, 0),
    "no",
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_rules_of_indices(index):
    x = np.ones((2, 3), np.float32)
    told = _core.aval(COMPILED["getitem"], x, index)
    try:
        wanted = np.asarray(x[index])
    except IndexError:
        assert told is None
        return
    assert told == (wanted.shape, wanted.dtype)
    scattered = _core.aval(COMPILED["scatter"], np.ones((2, 3)), index, wanted)
    assert scattered == ((2, 3), np.float32)


WRONG = [
    ("sum", (PLAIN[0], 2), {}),
    ("sum", (PLAIN[0], (0, 0)), {}),
    ("sum", (PLAIN[0],), {"axis": 0.5}),
    ("sum", (PLAIN[0],), {"dtype": np.float32}),
    ("mean", (PLAIN[0],), {"where": PLAIN[0] > 0}),
    ("max", (PLAIN[0],), {"keepdims": "yes"}),
    ("reshape", (PLAIN[0], (4,)), {}),
    ("reshape", (PLAIN[0], (-1, -1)), {}),
    ("reshape", (PLAIN[0], (-1, 4)), {}),
    ("transpose", (PLAIN[0], (0, 0)), {}),
    ("transpose", (PLAIN[0], (0,)), {}),
    ("swapaxes", (PLAIN[0], 0, 2), {}),
    ("moveaxis", (PLAIN[0], (0, 0), (1, 0)), {}),
    ("moveaxis", (PLAIN[0], 0, (1, 0)), {}),
    ("squeeze", (PLAIN[0], 0), {}),
    ("expand_dims", (PLAIN[0], 5), {}),
    ("broadcast_to", (PLAIN[0], (3,)), {}),
    ("broadcast_to", (PLAIN[0], (2, 2)), {}),
    ("add", (PLAIN[0], np.ones(4)), {}),
    ("where", (PLAIN[0] > 0, np.ones(4), 1.0), {}),
    ("astype", (PLAIN[0], "no type"), {}),
]


@pytest.mark.parametrize(("name", "args", "kwargs"), WRONG)
def test_rules_say_nothing_of_wrong_calls(name, args, kwargs):
    assert _core.aval(COMPILED[name], *args, **kwargs) is None


def test_every_operation_of_the_table_was_asked():
    composite = {name for name, op in COMPILED.items() if op.kind == "composite"}
    assert set(STRUCTURAL) | set(ELEMENTWISE) | composite == set(COMPILED) <= set(OPERATIONS)
    assert composite == {"array", "concatenate"}


# ---- who asks them: memory of the pool for large results -----------------------------------------

LARGE = {
    "sum": "np.sum(x.reshape(50, 40, 50) * 2, axis=1)",
    "mean": "np.mean(x.reshape(2, -1), axis=0)",
    "max": "np.max(x.reshape(2, -1), axis=0, keepdims=True)",
    "clip": "np.clip(x, 0.2, 0.7)",
    "add": "x.reshape(100, -1, 1) + np.ones((100, 1, 3))",
    "less": "(x.reshape(100, -1) < 0.5)",
    "dot": "np.dot(x.reshape(100, -1), x.reshape(-1, 100))",
    "dot3": "np.dot(x.reshape(10, 100, 100), x[:1000].reshape(100, 10))",
    "matmul": "np.matmul(x.reshape(10, 100, 100), x[:1000].reshape(100, 10))",
    "matvec": "np.matmul(x.reshape(-1, 10), x[:10])",
    "where": "np.where(x > 0.5, x, 0.0)",
    "concatenate": "np.concatenate([x, x])",
    "stack": "np.stack([x, x])",
    "astype": "x.astype(np.float32)",
    "copy": "np.copy(x)",
    "conjugate": "np.conjugate(x * 1j)",
    "einsum": "np.einsum('ij,kj->ik', x.reshape(-1, 10), x[:100].reshape(10, 10))",
    "getitem": "x[np.arange(5000)]",
}


def buffered(value):
    while isinstance(value.base, np.ndarray):
        value = value.base
    return type(value.base).__name__ == "Buffer"


def layouts(shape):
    """Arrays of one shape, laid out in every order of axes, with gaps, spread and reversed."""
    for order in itertools.permutations(range(len(shape))):
        x = np.random.default_rng(1).random([shape[axis] for axis in order])
        yield x.transpose(np.argsort(order))
    yield np.random.default_rng(2).random([2 * n for n in shape])[
        (slice(None, None, 2),) * len(shape)
    ]
    yield np.broadcast_to(np.random.default_rng(3).random(shape[-1]), shape)
    yield np.random.default_rng(4).random(shape)[::-1]
    yield np.random.default_rng(5).random((1, *shape[1:]))
    yield (
        np.random.default_rng(6)
        .random((*shape[:-1], 1))
        .transpose(1, 0, 2)
        .copy()
        .transpose(1, 0, 2)
    )


def check_layout(function, theirs, *args):
    with _core.Tape() as tape:
        found = _core.getval(function(*[tape.box(x) for x in args]))
    wanted = theirs(*args)
    assert found.strides == wanted.strides, [x.strides for x in args]
    assert (found.flags.c_contiguous, found.flags.f_contiguous) == (
        wanted.flags.c_contiguous,
        wanted.flags.f_contiguous,
    )
    assert np.array_equal(found, wanted) and found.dtype == wanted.dtype
    return buffered(found) or any(s < 0 for x in args for s in x.strides)


def test_large_results_lie_as_numpys_do():
    """Elementwise ones follow the operands; matrices lie in C order, their stack follows."""
    pooled = []
    for x, y in itertools.product(layouts((30, 20, 40)), repeat=2):
        if np.broadcast(x, y).size < 16384:  # bytes of booleans
            continue
        pooled.append(check_layout(lambda x, y: x - y, np.subtract, x, y))
        pooled.append(check_layout(fnp.less, np.less, x.astype("f4"), y))
        pooled.append(check_layout(fnp.arctan2, np.arctan2, x, y.astype("f4")))
    for x in layouts((30, 20, 40)):
        if x.size < 16384:
            continue
        check_layout(fnp.exp, np.exp, x)  # loops of our own, for plain memory
        check_layout(lambda x: x * 2.0, lambda x: x * 2.0, x)
        check_layout(fnp.conjugate, np.conjugate, x + 1j)
        for y in (np.ones((30, 40, 9)), np.ones((40, 30)), np.ones((1, 40, 12)), np.ones(40)):
            check_layout(fnp.matmul, np.matmul, x, y)
            check_layout(fnp.dot, np.dot, x, y if y.ndim < 3 else y[0])
        for axis in (0, 1, 2, (0, 2)):
            for name in ("sum", "mean", "max"):
                own, theirs = getattr(fnp, name), getattr(np, name)
                wide = np.repeat(x, 4, 1)
                check_layout(lambda x: own(x, axis), lambda x: theirs(x, axis), wide)
    for order in itertools.permutations(range(3)):
        x = np.random.default_rng(1).random((16, 14, 18)).transpose(order)
        for y in (x.swapaxes(1, 2), np.random.default_rng(2).random((x.shape[2], 15))):
            pooled.append(check_layout(fnp.matmul, np.matmul, x, y))
    assert all(pooled), f"{pooled.count(False)} of {len(pooled)} are not in the pool"


@pytest.mark.parametrize("dtype", "fdFDeg")
def test_large_reductions_have_numpys_bits_in_every_type(dtype):
    x = (np.random.default_rng(0).random((7, 5000)) * 9).astype(dtype)
    for name, args in (("sum", (0,)), ("mean", (0,)), ("max", (0,)), ("min", (0,)), ("copy", ())):
        with _core.Tape() as tape:
            found = _core.getval(getattr(fnp, name)(tape.box(x), *args))
        wanted = getattr(np, name)(x, *args)
        assert found.dtype == wanted.dtype and np.array_equal(found, wanted), name
        if dtype not in "eg":
            assert buffered(found)


def test_large_reductions_of_masks():
    """Seen by a level that records tests as well."""
    x = np.random.default_rng(0).random((2, 7, 3000))
    found = []

    def f(x):
        mask = x > 0.5
        counts = np.sum(mask, 0)  # of integers
        for value in (mask, counts):
            for name in ("sum", "mean", "max"):
                found.append(_core.getval(getattr(fnp, name)(value, 0)))
        return fnp.sum(x)

    const_graph(f)(x)
    mask = x > 0.5
    wanted = [
        getattr(np, name)(value, 0)
        for value in (mask, np.sum(mask, 0))
        for name in ("sum", "mean", "max")
    ]
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == other.dtype and np.array_equal(one, other)
        assert buffered(one) or one.nbytes < 16384


@pytest.mark.parametrize(
    "subscripts",
    [
        "ij,kj->ik",
        "ij,jk->ik",
        "ij,jk->ki",
        "kij,nkj->nki",
        "nki,kij->nkj",
        "ij,ij->ji",
        "ij,ij->ij",
        "bij,bjk->bik",
        "ij,j->ij",
        "i,j->ij",
        "ij,k->kij",
        "ij,jk,kl->il",
        "ijk,jkl->il",
        "ii,ij->ij",
    ],
)
def test_large_contractions_have_numpys_bits(subscripts):
    lengths = {"i": 30, "j": 25, "k": 40, "l": 70, "n": 20, "b": 6}
    left = subscripts.split("->")[0].split(",")
    args = [
        np.random.default_rng(k).random([lengths[c] for c in term]) for k, term in enumerate(left)
    ]
    for some in (
        args,
        [np.asfortranarray(x) for x in args],
        [x.astype("f4") for x in args],
        [x[::-1] for x in args],  # turned round by NumPy, unless it is given the result
        [args[0], *[x[..., ::-1] for x in args[1:]]],
    ):
        for _ in range(2):  # how the result lies is known the second time
            check_layout(
                lambda *a: fnp.einsum(subscripts, *a), lambda *a: np.einsum(subscripts, *a), *some
            )


@pytest.mark.parametrize("order", ["C", "F", "A", "K", None, "f"])
def test_copies_of_every_size_lie_in_the_order_asked_for(order):
    for shape in ((3, 4), (30, 40), (1, 900), (10, 11, 12)):
        for x in (np.ones(shape), np.ones(shape).T, np.ones(shape)[:, ::-1]):
            check_layout(lambda x: fnp.copy(x, order), lambda x: np.copy(x, order), x)
            check_layout(lambda x: x.copy(order), lambda x: x.copy(order), x)
            check_layout(lambda x: fnp.array(x, order=order), lambda x: np.array(x, order=order), x)
    x = np.ones((30, 40))
    with _core.Tape() as tape, pytest.raises(ValueError, match="order"):
        fnp.copy(tape.box(x), "bogus")


@pytest.mark.parametrize("call", LARGE.values(), ids=LARGE)
def test_large_results_lie_in_the_pool(call):
    """With the bits and the layout that NumPy's function gives alone."""
    code = f"""
        import numpy as onp
        import fastad.numpy as np
        from fastad import _core

        x = onp.linspace(0.0, 1.0, 100_000)
        with _core.Tape() as tape:
            box = tape.box(x)
            for _ in range(2):  # how a contraction's result lies is known the second time
                result = (lambda x: {call})(box)
            value = _core.getval(result)
            while value.base is not None and isinstance(value.base, onp.ndarray):
                value = value.base
            print(type(value.base).__name__)
            value = _core.getval(result)
        np = onp
        plain = {call}
        assert plain.dtype == value.dtype and plain.shape == value.shape
        assert plain.strides == value.strides, (plain.strides, value.strides)
        assert onp.array_equal(plain, value)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "Buffer"
