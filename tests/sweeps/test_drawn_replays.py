"""Drawn programs with branches and loops on values, under `jit`: each call is the eager one."""

from __future__ import annotations

import os
import warnings

import numpy as onp
from drawing import SIZE, close, drawn, step_of
from hypothesis import given, settings
from hypothesis import strategies as st

import fastad.numpy as np
from fastad import grad, jit, make_hvp, make_jvp, make_vjp, value_and_grad

EXAMPLES = int(os.environ.get("FASTAD_REPLAYS", "40"))
CALLS = 12


def function_of(steps, bounds):
    """A drawn program whose values shrink while they are large, and turn by others' values."""

    def program(x):
        pool = [x[:3], np.sin(x)]
        for step, bound in zip(steps, bounds):
            value = step_of(step, pool)
            k = 0
            while np.sum(np.abs(value)) > bound and k < 6:
                value = 0.6 * value - 0.01 * pool[0][0]
                k += 1
            if k % 2 and value[0] < x[1]:
                value = value[::-1]
            elif np.max(value) > bound / 3:
                value = np.cos(value) * k
            pool.append(value)
        return sum(
            np.sum(v * (0.7 + onp.cos(onp.arange(v.shape[0]) + k))) for k, v in enumerate(pool)
        )

    return program


V = onp.cos(onp.arange(SIZE))
# The operator, and what is done with what it makes of a function.
OPERATORS = {
    "value": (lambda f: f, lambda made, x: made(x)),
    "value_and_grad": (value_and_grad, lambda made, x: made(x)),
    "second": (lambda f: grad(lambda x: np.dot(grad(f)(x), V)), lambda made, x: made(x)),
    "pullback": (make_vjp, lambda made, x: made(x)[0](1.5)),
    "pushforward": (make_jvp, lambda made, x: made(x)(V)),
    "product": (make_hvp, lambda made, x: made(x)[0](V)),
}


def outcome(use, fun, x):
    """What a call gives, as one vector; or the kind of error."""
    try:
        result = use(fun, x)
    except Exception as error:
        return type(error).__name__
    parts = result if isinstance(result, tuple) else (result,)
    return onp.concatenate([onp.ravel(part) for part in parts])


@settings(max_examples=EXAMPLES)
@given(
    seed=st.integers(0, 10**6),
    bounds=st.lists(st.sampled_from([0.3, 1.0, 2.5]), min_size=6, max_size=6),
    operator=st.sampled_from(sorted(OPERATORS)),
    outside=st.booleans(),
    inputs=st.lists(st.integers(0, 5), min_size=CALLS, max_size=CALLS),
)
def test_drawn_programs_are_replayed_as_they_are(seed, bounds, operator, outside, inputs):
    steps = drawn(seed)
    apply, use = OPERATORS[operator]
    fun = function_of(steps, bounds)
    plain, fast = apply(fun), jit(apply(fun)) if outside else apply(jit(fun))
    random = onp.random.default_rng(seed)
    points = random.uniform(-1.2, 1.2, (6, SIZE))
    with onp.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in inputs:
            x = points[i] + 1e-3 * random.uniform(-1.0, 1.0, SIZE)
            wanted, found = outcome(use, plain, x), outcome(use, fast, x)
            if isinstance(wanted, str) or isinstance(found, str):
                assert wanted is found or wanted == found, (wanted, found)
            elif onp.all(onp.isfinite(wanted)):
                assert close(found, wanted, 1e-9), f"{found} instead of {wanted}:\n" + "\n".join(
                    map(str, steps)
                )
            else:
                onp.testing.assert_array_equal(onp.isnan(found), onp.isnan(wanted))
