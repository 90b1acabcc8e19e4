"""The names of autograd's module `differential_operators`."""

from ._impl.checkpointing import checkpoint
from ._impl.late import late as _late
from ._impl.operators.gradients import (
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
from ._impl.operators.jacobians import hessian, jacobian
from ._impl.operators.products import (
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

__getattr__ = _late(
    __name__,
    np="~numpy:",
    atuple="~builtins:tuple",
    defvjp_argnum="~extend:defvjp_argnum",
    primitive="~core:primitive",
    unary_to_nary="~wrap_util:unary_to_nary",
    vspace="~extend:vspace",
)
