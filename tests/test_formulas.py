"""Derivatives of SciPy's elementwise functions by formulas, beside the rules behind them."""

from __future__ import annotations

import numpy as onp
import pytest

pytest.importorskip("scipy.special")

from test_scipy_special import DOMAINS

import fastad.numpy as np
import fastad.scipy.special as special
from fastad import _core, elementwise_grad, grad, jacobian, jit, make_jvp, make_vjp
from fastad._impl.formulas import formulas
from fastad.extend import defjvp, defvjp, restore_rules
from fastad.scipy.registry import attach_partials, everywhere, helper, nowhere

FAR = onp.array([-onp.inf, -40.0, -1.5, -0.0, 0.0, 0.3, 1.0, 7.5, 40.0, onp.inf, onp.nan, 0.6])


def _makers(name):
    rules = getattr(special, name).vjps
    return {} if rules is None or rules.joint or rules.rest else rules.by_argnum


RULED = [name for name in DOMAINS if hasattr(special, name) and _makers(name)]


def _drawn(name, size, dtype=float):
    rng = onp.random.default_rng(7)
    return [rng.uniform(low, high, size).astype(dtype) for low, high in DOMAINS[name]]


def _compare(name, args, g, rtol=1e-14):
    """Both modes and rows of a Jacobian beside the rule itself, called on plain arrays."""
    function = getattr(special, name)
    with onp.errstate(all="ignore"):
        ans = function(*args)
        for argnum, maker in _makers(name).items():
            if maker is None or type(args[argnum]) is float:
                continue
            expected = maker(ans, *args)(g)
            vjp, value = make_vjp(function, argnum)(*args)
            assert onp.array_equal(value, ans, equal_nan=True)
            got = vjp(g)
            assert got.dtype == args[argnum].dtype
            onp.testing.assert_allclose(got, expected.astype(got.dtype), rtol=rtol)
            tangent = make_jvp(function, argnum)(*args)(g)[1]
            onp.testing.assert_allclose(tangent, expected.astype(got.dtype), rtol=rtol)
            if (
                args[argnum].size < 100
                and args[argnum].dtype == float
                and onp.isfinite(expected).all()
            ):
                rows = jacobian(function, argnum)(*args)
                onp.testing.assert_allclose(rows @ g, expected, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("name", RULED)
def test_formulas_give_what_the_rules_give(name):
    for size in (5, 700):  # one block, and several
        args = _drawn(name, size)
        _compare(name, args, onp.linspace(-1, 2, size))
    for k in range(1, len(args)):
        some = [float(x[0]) if i == k else x for i, x in enumerate(args)]
        _compare(name, some, onp.linspace(-1, 2, size))


@pytest.mark.parametrize("name", RULED)
def test_formulas_where_their_conditions_fail(name):
    g = onp.linspace(-1, 2, FAR.size)
    for turn in range(3):
        _compare(name, [onp.roll(FAR, turn * k) for k in range(len(DOMAINS[name]))], g)


@pytest.mark.parametrize("name", RULED)
def test_formulas_in_single_precision(name):
    _compare(name, _drawn(name, 9, onp.float32), onp.ones(9, onp.float32), rtol=2e-5)


@pytest.mark.parametrize("name", RULED)
def test_formulas_of_numbers(name):
    args = [float(x[0]) for x in _drawn(name, 1)]
    for argnum, maker in _makers(name).items():
        if maker is None:
            continue
        ans = getattr(special, name)(*args)
        got = grad(getattr(special, name), argnum)(*args)
        onp.testing.assert_allclose(got, maker(ans, *args)(1.0), rtol=1e-14)


def test_most_rules_have_formulas():
    def noted(name):
        """Whether the rule is not called any more."""
        calls = []
        own = getattr(special, name)
        before = dict(own.vjps.by_argnum)
        try:
            for argnum, maker in before.items():
                own.vjps.by_argnum[argnum] = maker and (
                    lambda *a, maker=maker: calls.append(1) or maker(*a)
                )
            args = _drawn(name, 5)
            make_vjp(own, len(args) - 1)(*args)[0](onp.ones(5))
        finally:
            own.vjps.by_argnum.update(before)
        return not calls

    ours = "ndtr erf erfc logit expit psi loggamma gamma gammainc j0 i0e xlogy log_ndtr".split()
    assert [name for name in ours if name in RULED and not noted(name)] == []


def test_the_users_rules_come_first_and_can_be_taken_back():
    x = onp.array([0.2, 0.7])
    plain = elementwise_grad(special.ndtr)(x)
    try:
        defvjp(special.ndtr, lambda ans, x: lambda g: 10.0 * g)
        assert onp.array_equal(elementwise_grad(special.ndtr)(x), [10.0, 10.0])
        defjvp(special.ndtr, lambda g, ans, x: 20.0 * g)
        assert onp.array_equal(make_jvp(special.ndtr)(x)(x)[1], 20.0 * x)
    finally:
        restore_rules(special.ndtr)
    assert onp.array_equal(elementwise_grad(special.ndtr)(x), plain)


def test_second_derivatives_run_the_rules():
    x = onp.array([0.2, 0.7])
    density = onp.exp(-(x**2) / 2) / onp.sqrt(2 * onp.pi)
    second = elementwise_grad(elementwise_grad(special.ndtr))(x)
    onp.testing.assert_allclose(second, -x * density, rtol=1e-13)


def test_conditions_are_noted_with_both_answers():
    def partial(ans, x):
        if nowhere(x < 0):
            return 2.0 * x
        if everywhere(x < 0):
            return -3.0 * x
        return onp.where(x < 0, -5.0 * x, 7.0)

    found, whole = formulas(partial, 1, "d")
    assert len(found) == 3 and whole
    made = attach_partials(helper(lambda x: onp.abs(x)), partial)
    positive, negative, mixed = onp.ones(600), -onp.ones(600), onp.ones(600)
    mixed[500] = -2.0
    for x in (positive, negative, mixed):
        got = elementwise_grad(made)(x)
        assert onp.array_equal(got, partial(None, x))


@pytest.mark.parametrize("size", [1, 5, 700])
def test_conditions_on_what_is_the_result(size):
    def partial(ans, x):
        slope = 2.0 * x
        return slope if nowhere(slope < 0) else slope * 100.0

    made = attach_partials(helper(lambda x: onp.abs(x)), partial)
    for x in (onp.ones(size), -onp.ones(size)):
        for _ in range(2):  # whatever stood there before
            assert onp.array_equal(elementwise_grad(made)(x), partial(None, x))


@pytest.mark.parametrize(
    "partial",
    [
        lambda ans, x: onp.sum(x) * x,
        lambda ans, x: x[0] * x,
        lambda ans, x: x * onp.arange(3.0),
        lambda ans, x: x.reshape(-1),
        lambda ans, x: onp.asarray(x) * 2,
        lambda ans, x: 1.0 if x > 0 else 2.0,
        lambda ans, x: float(x),
        lambda ans, x: onp.cumsum(x),
        lambda ans, x: onp.add.reduce(x),
        lambda ans, x: onp.exp(x, where=x > 0),
        lambda ans, x: x > 0,
        lambda ans, x: onp.float64(2.0) * onp.linalg.norm(x) * x,
        lambda ans, x: onp.where(x, x, 1.0),
        lambda ans, x: 1j * x,
        lambda ans, x: max(x, 0.0),
        lambda ans, x: x * (10**400),
    ],
)
def test_what_is_no_formula(partial):
    assert formulas(partial, 1, "d") == ((), False)


def test_constants_of_double_precision_beside_single():
    assert formulas(lambda ans, x: onp.float64(2.0) * x, 1, "d")[1]
    assert formulas(lambda ans, x: onp.float64(2.0) * x, 1, "f") == ((), False)


def test_broadcast_and_strided_arguments_run_the_rules():
    x = onp.linspace(0.1, 0.9, 12).reshape(3, 4)
    got = elementwise_grad(special.ndtr)(x.T)
    onp.testing.assert_allclose(got, elementwise_grad(special.ndtr)(x).T, rtol=1e-15)
    y = onp.array([0.5, 1.0, 2.0, 3.0])
    got = make_vjp(special.xlogy, (0, 1))(x, y)[0](onp.ones((3, 4)))
    onp.testing.assert_allclose(got[0], onp.broadcast_to(onp.log(y), (3, 4)), rtol=1e-15)
    onp.testing.assert_allclose(got[1], (x / y).sum(0), rtol=1e-14)


def test_a_cotangent_that_is_one_number_for_all():
    import fastad.numpy as np

    x = onp.linspace(0.1, 0.9, 7)
    got = grad(lambda x: np.sum(special.ndtr(x)) + np.sum(special.ndtr(x) * 2.0))(x)
    onp.testing.assert_allclose(got, 3 * elementwise_grad(special.ndtr)(x), rtol=1e-14)


def test_an_array_changed_after_it_was_used():
    x, y = onp.array([0.2, 0.7]), onp.array([1.0, 2.0])
    vjp, _ = make_vjp(lambda x: special.xlogy(x, y))(x)
    y[0] = 5.0
    with pytest.raises(RuntimeError, match="argument 1 of xlogy"):
        vjp(onp.ones(2))
    assert _core.Primitive is type(special.xlogy)


@pytest.mark.parametrize("name", RULED)
def test_arrays_changed_where_the_rule_itself_is_called(name):
    """What only the rule reads, not the formulas that are known beside it."""
    drawn, turns = _drawn(name, FAR.size), len(DOMAINS[name])
    rolled = [onp.roll(FAR, k) for k in range(turns)]
    g = onp.ones(FAR.size)
    with onp.errstate(all="ignore"):
        for start in (rolled, [onp.append(x[5:], FAR[3:8]) for x in drawn]):
            for argnum, maker in _makers(name).items():
                for changed in range(turns + 1):
                    args = [x.copy() for x in start]
                    if maker is None:
                        continue
                    vjp, ans = make_vjp(getattr(special, name), argnum)(*args)
                    before = onp.array(vjp(g))
                    (*args, ans)[changed][:] = drawn[changed] if changed < turns else 0.123
                    try:
                        after = vjp(g)
                    except RuntimeError as error:
                        assert "changed" in str(error)
                    else:
                        assert onp.array_equal(after, before, equal_nan=True)


@pytest.mark.parametrize("name", ["kl_div", "rel_entr", "beta", "betaln"])
def test_the_short_way_of_a_rule_is_the_careful_one(name):
    """Rules that go by ufuncs alone for ordinary numbers, beside one element that is none."""
    rng = onp.random.default_rng(1)
    x = 10.0 ** rng.uniform(-6, 4, 300)
    y = onp.where(rng.uniform(size=300) < 0.5, x * rng.uniform(0.4, 1.7, 300), 10 / x)
    function = getattr(special, name)
    # A number that the short way leaves alone keeps the whole array from it.
    beside = {"kl_div": (0.0, 1.0), "rel_entr": (0.0, 1.0), "beta": (90.0, 1.0)}.get(
        name, (9e3, 1.0)
    )
    longer = onp.append(x, beside[0]), onp.append(y, beside[1])
    for argnum in (0, 1):
        short = onp.array([elementwise_grad(function, argnum)(*pair) for pair in zip(x, y)])
        careful = elementwise_grad(function, argnum)(*longer)[:-1]
        tolerance = 1e-14 if "beta" not in name else 2e-14
        onp.testing.assert_allclose(short, careful, rtol=tolerance, atol=1e-300)


@pytest.mark.parametrize("name", ["j1", "y1", "i1", "k1"])
def test_slopes_of_bessel_functions_of_order_one_by_either_form(name):
    x = onp.random.default_rng(2).uniform(0.51, 20.0, 300)
    derivative = elementwise_grad(getattr(special, name))
    by_quotient = derivative(x)
    for beside in (1e-3, 600.0):  # one that the quotient leaves alone
        with onp.errstate(all="ignore"):
            smooth = derivative(onp.append(x, beside))[:-1]
        onp.testing.assert_allclose(by_quotient, smooth, rtol=2e-15, atol=4e-16)
    if name in ("j1", "i1"):
        onp.testing.assert_allclose(derivative(onp.array([0.0, 1e-300])), 0.5, rtol=1e-15)
    second = elementwise_grad(derivative)(x)
    h = 1e-5
    slope = (derivative(x + h) - derivative(x - h)) / (2 * h)
    onp.testing.assert_allclose(second, slope, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("first", ["formulas", "composition", "target"])
def test_what_a_primitive_is_given_stays_in_any_order(first):
    """What it is composed of, its formulas, and where calls go."""
    made = helper(onp.sin)
    other = helper(onp.sin)
    give = {
        "formulas": lambda: attach_partials(made, lambda ans, x: np.cos(x)),
        "composition": lambda: _core.give_composition(made, np.sin),
        "target": lambda: _core.give_target(made, other, ("x",), (), traced=()),
    }
    give.pop(first)()
    for rest in give.values():
        rest()
    x = onp.linspace(0.1, 0.9, 5)
    fast = jit(lambda x: made(x))
    for _ in range(4):
        assert fast(x) == pytest.approx(onp.sin(x), rel=1e-14)
    assert " 0 host calls" in str(fast.programs[0])
    assert elementwise_grad(made)(x) == pytest.approx(onp.cos(x), rel=1e-14)
