"""The differential operators: `grad`, `jacobian`, `make_vjp` and the rest.

Each public function returns an `Operator`, which selects the argument and calls the rule
(`gradient_of`, ...) on a function of that argument alone. A rule traces the function once
(`ReverseTrace`, `make_jvp`) and sweeps.
"""

from ..checkpointing import checkpoint
from .gradients import (
    compiled_rules,
    deriv,
    egrad,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    holomorphic_grad,
    multigrad_dict,
    value_and_grad,
)
from .jacobians import (
    hessian,
    jacobian,
)
from .products import (
    hessian_tensor_product,
    hessian_vector_product,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_jvp_reversemode,
    make_vjp,
    tensor_jacobian_product,
    vector_jacobian_product,
)

__all__ = [
    "checkpoint",
    "compiled_rules",
    "deriv",
    "egrad",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "jacobian",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_jvp_reversemode",
    "make_vjp",
    "multigrad_dict",
    "tensor_jacobian_product",
    "value_and_grad",
    "vector_jacobian_product",
]
