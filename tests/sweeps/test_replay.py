"""Every operation recorded at one input and replayed at others: it equals the eager call.

Value, gradient and second derivative, on the two levels that only record: a graph of Python's nodes
(`const_graph`), which takes no notice of Python's own branches, and a program, which guards them or
says that it does not know.
"""

from __future__ import annotations

import copy
import warnings

import numpy as onp
import pytest
from calls_scipy import CALLS, SPACES, without_call
from cases import DIFFERENTIABLE, NOT_RECORDED, cases_of, directions, flat, vjp

from fastad._core import Recording, isbox
from fastad.misc.tracers import const_graph
from fastad.numpy.registry import table

pytestmark = pytest.mark.filterwarnings("ignore")

# Where a graph is not the eager call at inputs moved by up to a half: what Python decided.
BRANCHES = {
    "allclose": "the answer is a bool of Python's",
    "array_equal": "the answer is a bool of Python's",
    "roots": "whether some roots are complex, which decides NumPy's dtype",
}
if onp.linalg.eigvals(onp.eye(2)).dtype.kind == "c":  # NumPy 2.5 and later
    del BRANCHES["roots"]
# Elements that are not determined.
UNDETERMINED = {"empty_like"}
# What cannot be in a program: text and types, made of values; its results are no numbers.
NO_PROGRAM = {
    "array2string", "array_repr", "array_str", "common_type", "einsum_path", "min_scalar_type",
    "result_type", "typename",
}  # fmt: skip
GIVE_NO_NUMBERS = set(
    "array2string array_repr array_str common_type min_scalar_type result_type".split()
)
# No argument of theirs is traced.
TAKE_NO_FLOATS = set(
    "bitwise_and bitwise_count bitwise_not bitwise_or bitwise_xor can_cast gcd isnat lcm "
    "left_shift mintypecode promote_types ravel_multi_index right_shift typename "
    "unravel_index".split()
) & {*DIFFERENTIABLE, *NOT_RECORDED}
SIZES = (0.0, 0.05, 0.5)


def moved(leaf, size, seed):
    factor = 1.0 + size * onp.random.default_rng(seed).uniform(-1.0, 1.0, onp.shape(leaf))
    if not isinstance(leaf, onp.ndarray):
        return type(leaf)(leaf * float(factor))
    return onp.asarray(leaf * factor, leaf.dtype)


def inputs(leaves):
    for size in SIZES:
        yield [moved(leaf, size, seed) for seed, leaf in enumerate(leaves)]


def numbers(outputs):
    """The outputs that are numbers or arrays."""
    kinds = (bool, int, float, complex, onp.ndarray, onp.number, onp.bool_)
    return [one for one in flat(outputs) if isinstance(one, kinds) or isbox(one)]


def outcome(function, leaves):
    """The outputs of a call; None where it raises, which is another sweep's."""
    with warnings.catch_warnings(), onp.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return numbers(function(*copy.deepcopy(leaves)))
        except Exception:
            return None


def same(got, expected):
    assert len(got) == len(expected)
    for a, b in zip(map(onp.asarray, got), map(onp.asarray, expected), strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        if b.dtype.kind not in "fc":
            onp.testing.assert_array_equal(a, b)
            continue
        finite = onp.isfinite(b)
        assert onp.array_equal(onp.isfinite(a), finite)
        scale = max(1.0, float(onp.max(onp.abs(b[finite]), initial=0.0)))
        assert onp.max(onp.abs(a[finite] - b[finite]), initial=0.0) <= 1e-9 * scale


def orders(function, leaves):
    """The function, and its first and second derivative where the outputs have one."""
    yield function
    outputs = outcome(function, leaves)
    if outputs is None or not outputs:
        return
    if any(onp.asarray(one).dtype.kind not in "fc" for one in outputs):
        return
    if len(outputs) != len(flat(function(*leaves))):
        return
    outer, inner = directions(outputs, 3), directions(leaves, 4)

    def first(*given):
        return vjp(function, given, outer)

    yield first
    yield lambda *given: vjp(first, given, inner)


def check_graph(function, leaves):
    again = const_graph(lambda *given: numbers(function(*given)))
    try:
        again(*leaves)
    except ValueError as error:
        # Nothing was recorded: then it must be the same everywhere.
        assert "independent" in str(error)
        again = lambda *given: outcome(function, leaves)
    for given in inputs(leaves):
        expected = outcome(function, given)
        if expected is not None:
            with onp.errstate(all="ignore"):
                same(flat(again(*given)), expected)


def check_program(function, leaves):
    with Recording() as recording, onp.errstate(all="ignore"):
        outputs = numbers(function(*[recording.box(leaf) for leaf in leaves]))
        assert recording.dead is None, recording.dead
        program = recording.finish(outputs)
    for given in inputs(leaves):
        expected = outcome(function, given)
        if expected is None:
            continue
        got = program.run(given)
        if not isinstance(got, int):  # else: f is asked, for an infinity, another shape or branch
            same(got, expected)


def check(function, leaves, graph=True, program=True):
    """True if there was anything to compare."""
    for one in orders(function, leaves):
        if outcome(one, leaves) is None:
            break
        if graph:
            check_graph(one, leaves)
        if program:
            check_program(one, leaves)
    return bool(outcome(function, leaves))


def boxable(case):
    kinds = (float, complex, onp.float64, onp.complex128, onp.ndarray)
    return bool(case.leaves) and all(type(leaf) in kinds for leaf in case.leaves)


RECORDED = {*DIFFERENTIABLE, *NOT_RECORDED} - UNDETERMINED - TAKE_NO_FLOATS


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_operation(name):
    cases = list(filter(boxable, cases_of(name)))
    compared = [
        check(case.fastad, case.leaves, name not in BRANCHES, name not in NO_PROGRAM)
        for case in cases
    ]
    assert any(compared) == (name not in GIVE_NO_NUMBERS)


@pytest.mark.parametrize("name", sorted(TAKE_NO_FLOATS))
def test_operations_of_whole_numbers_or_types_alone(name):
    assert not any(map(boxable, cases_of(name)))


def test_every_operation_of_numpy_is_in_the_sweep():
    assert RECORDED | UNDETERMINED | TAKE_NO_FLOATS == set(table)


def test_the_list_of_branches_is_no_longer_than_it_must_be():
    for name in BRANCHES:
        with pytest.raises(AssertionError):
            for case in filter(boxable, cases_of(name)):
                for one in orders(case.fastad, case.leaves):
                    check_graph(one, case.leaves)


# ---- SciPy ---------------------------------------------------------------------------------------


ZERO = {"special.gammasgn of x", "special.round of x"}


@pytest.mark.parametrize("name", [name for name in CALLS if name != "stats.vonmises.std"])
def test_scipy(name):
    call = CALLS[name]

    def function(*leaves):
        return numbers(call.function(*leaves))

    assert check(function, call.leaves)
    if name not in ZERO:  # else no comparison of derivatives was left out
        assert all(outcome(one, call.leaves) is not None for one in orders(function, call.leaves))


def test_every_function_of_scipy_with_a_derivative_is_in_the_sweeps():
    assert without_call() == []
    assert len(SPACES) > 20
