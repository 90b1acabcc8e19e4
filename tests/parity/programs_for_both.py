"""Programs for autograd and fastad alike: how they are listed, and how results are compared.

Each program takes a namespace with NumPy's names and a package with the operators' names, and
returns a nest of numbers and arrays; both runs must agree.
"""

from __future__ import annotations

from types import SimpleNamespace

import autograd
import autograd.differential_operators as theirs
import autograd.extend
import autograd.numpy
import numpy

import fastad
import fastad.extend
import fastad.numpy
from fastad.differential_operators import (
    grad_and_aux,
    grad_named,
    hessian_tensor_product,
    make_ggnvp,
    make_jvp_reversemode,
    tensor_jacobian_product,
)

_NAMES = (
    "grad value_and_grad elementwise_grad deriv jacobian hessian make_vjp make_jvp make_hvp "
    "holomorphic_grad checkpoint hessian_vector_product vector_jacobian_product"
).split()


OURS = SimpleNamespace(
    extend=fastad.extend,
    grad_and_aux=grad_and_aux,
    grad_named=grad_named,
    hessian_tensor_product=hessian_tensor_product,
    make_ggnvp=make_ggnvp,
    make_jvp_reversemode=make_jvp_reversemode,
    tensor_jacobian_product=tensor_jacobian_product,
    **{name: getattr(fastad, name) for name in _NAMES},
)
THEIRS = SimpleNamespace(extend=autograd.extend, **vars(theirs))


for _name in _NAMES:
    setattr(THEIRS, _name, getattr(autograd, _name, None) or getattr(theirs, _name))


PROGRAMS = {}


def program(function):
    """Add a program to the list."""
    PROGRAMS[function.__name__] = function
    return function


def assert_same(ours, reference, where="result", rtol=1e-10):
    """Compare two nests: containers by kind and keys, numbers by value, shape and being complex."""
    if isinstance(reference, dict):
        assert isinstance(ours, dict) and list(ours) == list(reference), where
        for key in reference:
            assert_same(ours[key], reference[key], f"{where}[{key!r}]", rtol)
    elif isinstance(reference, (list, tuple)):
        assert isinstance(ours, (list, tuple)) and len(ours) == len(reference), where
        assert isinstance(ours, list) == isinstance(reference, list), where
        for i, (a, b) in enumerate(zip(ours, reference)):
            assert_same(a, b, f"{where}[{i}]", rtol)
    elif isinstance(reference, str):
        assert ours == reference
    else:
        a, b = numpy.asarray(ours), numpy.asarray(reference)
        assert a.dtype != object, where
        assert a.shape == b.shape, where
        assert numpy.iscomplexobj(a) == numpy.iscomplexobj(b), where
        scale = float(numpy.max(numpy.abs(b), initial=0.0))
        numpy.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale, err_msg=where)


def draw(*shape):
    """Return the same smooth numbers between -1 and 1 for the same shape."""
    count = int(numpy.prod(shape, dtype=int))
    return numpy.sin(1.0 + 2.3 * numpy.arange(count)).reshape(shape)
