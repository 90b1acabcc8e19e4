"""Programs of the kinds people write are replayed by their fifth call, and give what f gives."""

import dataclasses
import warnings

import numpy as onp
import pytest

import fastad.numpy as np
from fastad import jit

from .agreement import counted
from .realistic import models, numerics, ways_of_writing

PROGRAMS = {**models.PROGRAMS, **numerics.PROGRAMS, **ways_of_writing.PROGRAMS}

# Their derivatives look at values.
EAGER = frozenset(
    """
    mixture_of_gaussians multilayer_perceptron hidden_markov_model bayesian_log_density
    """.split()
)


def leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    elif hasattr(value, "__dataclass_fields__"):
        value = list(vars(value).values())
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def same(wanted, found):
    assert type(wanted) is type(found)
    for a, b in zip(leaves(wanted), leaves(found), strict=True):
        assert type(a) is type(b)
        onp.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-9 * (1.0 + onp.max(onp.abs(a))))


@pytest.mark.parametrize("name", PROGRAMS)
def test_is_replayed_by_the_fifth_call(name):
    f, arguments = PROGRAMS[name]()
    fast = jit(f, check="off")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if name in EAGER else "error")
        for i in range(4):
            same(f(*arguments(i)), fast(*arguments(i)))
        given = arguments(4)
        before = repr(given)
        assert not counted(fast, *given)[1] or name in EAGER, f"{name} is not replayed"
        assert repr(given) == before
        for i in range(4, 8):
            same(f(*arguments(i)), fast(*arguments(i)))


def test_ints_that_vary_are_inputs():
    fast = jit(lambda x, n: x * n + 0.5**n if n % 2 else n * (n + 1) / x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in (*range(1, 40), 2**52, 2**53, 2**70, -7, -8, 0, 5):
            wanted = 3.0 * n + 0.5**n if n % 2 else n * (n + 1) / 3.0
            assert fast(3.0, n) == wanted, n
    assert 2 <= len(fast.programs) < 8


def test_ints_that_are_read_are_kinds_of_arguments():
    def f(x, n):
        total = x
        for _ in range(n):
            total = total * x
        return total

    fast = jit(f)
    for x in (1.5, 1.6, 1.7, 1.8):
        for n in range(6):
            assert fast(x, n) == f(x, n)
    assert len(fast.programs) == 6


def test_ints_that_meet_arrays_of_integers():
    keys = onp.array([3, 2**40 + 1, 7])

    def f(x, n):
        return x * np.sum(keys * n % 1_000_003)

    fast = jit(f)
    for n in (1, 2, 3, 4, 5, 6, 2**30 + 1, 2**22 + 7, 12345678):
        assert fast(1.5, n) == f(1.5, n)


def test_ints_beyond_what_floats_hold():
    def f(x, seed):
        return x * ((1103515245 * seed + 12345) % 2**31)

    fast = jit(f)
    seed = 1
    for _ in range(50):
        assert fast(1.5, seed) == f(1.5, seed)
        seed = (1103515245 * seed + 12345) % 2**31


@dataclasses.dataclass
class Counted:
    w: float
    calls: int = 0

    def loss(self, x):
        return self.w * x


def test_a_data_class_that_is_changed_by_the_call_stays_eager():
    def f(p, x):
        p.calls += 1
        return p.loss(x)

    fast, plain, other = jit(f), Counted(2.0), Counted(2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(8):
            assert fast(plain, 1.0 + i) == f(other, 1.0 + i)
    assert plain == other and not fast.programs


def test_a_method_of_a_data_class_that_is_replaced(monkeypatch):
    fast = jit(lambda p, x: p.loss(x) + p.w)
    for i in range(6):
        assert fast(Counted(1.0 + i), 2.0) == 3.0 * (1.0 + i)
    assert fast.programs
    monkeypatch.setattr(Counted, "loss", lambda self, x: x)
    for i in range(6):
        assert fast(Counted(1.0 + i), 2.0) == 3.0 + i
    odd = Counted(1.0)
    odd.loss = lambda x: 10.0 * x  # an attribute that is no field
    for _ in range(4):
        assert fast(odd, 2.0) == 21.0
