"""`jit` around each operator that a test module uses: its tests once more, by replays."""

from __future__ import annotations

import copy
import functools
import types
from collections.abc import Callable
from typing import Any

import fastad
from fastad import jit

MODULES = frozenset(
    """test_containers test_gradients test_helpers test_jacobians test_levels test_operator_objects
    test_operators""".split()
)
# Tests of what calls of the function do, or of the operator itself, not of what it gives.
NOT_OF_RESULTS = frozenset(
    """
    test_an_argument_changed_by_the_function_gives_the_gradient_of_what_it_was
    test_checkpoint_recomputes_in_the_backward_pass
    test_checkpoint_refuses_a_traced_closure
    test_jacobian_traces_once
    test_names_and_signature
    test_plain_values_reach_the_function_once
    test_the_warning_of_an_independent_output_is_at_the_users_line
    """.split()
)
CALLS = 4  # plainly, recorded, recorded at values close by, replayed

_OPERATORS = frozenset(
    """
    deriv egrad elementwise_grad grad grad_and_aux grad_named hessian hessian_tensor_product
    hessian_vector_product holomorphic_grad jacobian make_ggnvp make_hvp make_jvp
    make_jvp_reversemode make_vjp multigrad_dict tensor_jacobian_product value_and_grad
    vector_jacobian_product
    """.split()
)


class Replayed:
    """An operator applied to a function, called again and again: the last result is a replay's."""

    def __init__(self, applied: Callable[..., Any]) -> None:
        self.__dict__["applied"] = applied
        self.__dict__["fast"] = jit(applied)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for _ in range(CALLS - 1):
            self.fast(*args, **kwargs)
        return self.fast(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.applied, name)

    def __repr__(self) -> str:
        return repr(self.applied)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __reduce__(self) -> Any:
        return Replayed, (self.applied,)

    def __copy__(self) -> Replayed:
        return Replayed(copy.copy(self.applied))


@functools.cache
def replayed(operator: Callable[..., Any]) -> Callable[..., Any]:
    """The operator with `jit` around what it makes."""

    def make(*args: Any, **kwargs: Any) -> Any:
        return Replayed(operator(*args, **kwargs))

    return make


def operators_of(module: types.ModuleType) -> dict[str, Callable[..., Any]]:
    """The operators among a module's names, by name."""
    return {
        name: vars(module)[name]
        for name in _OPERATORS
        if vars(module).get(name) is getattr(fastad, name)
    }
