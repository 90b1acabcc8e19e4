"""Completeness: each public name of NumPy is in the table, passed through or refused."""

from __future__ import annotations

import copy
import inspect
import io
import types

import numpy as onp
import pytest
from cases import (
    DIFFERENTIABLE,
    FUNCTIONS,
    INTERNAL,
    NOT_RECORDED,
    OPERATIONS,
    ZERO,
    A,
    cases_of,
    flat,
    kind,
    reference,
)

import fastad.numpy as np
from fastad import _core, grad
from fastad.numpy import namespace, registry

# Functions that refuse a traced value, and why. A name that gets a rule leaves this list.
REFUSED = {
    "they write into an argument": "copyto fill_diagonal place put put_along_axis putmask",
    "what they count or pack is whole": """
        histogram histogram2d histogram_bin_edges histogramdd packbits unpackbits""",
    "they make numpy.matrix objects": "asmatrix bmat mat",
}
REFUSED_NAMES = {name for names in REFUSED.values() for name in names.split()}

# Objects that are called or indexed and are no functions.
OBJECTS = {"c_", "r_", "s_", "index_exp", "mgrid", "ogrid"}


def is_operation(value: object) -> bool:
    return any(value is primitive for primitive in registry.table.values())


def classify(name: str) -> str:
    """Return which of the four a public name of NumPy is."""
    plain, here = getattr(onp, name), getattr(np, name)
    if is_operation(here):
        return "operation"
    if isinstance(here, _core.Primitive):
        return "refused"
    if not callable(plain) or isinstance(plain, type | types.ModuleType) or name in OBJECTS:
        return "object"
    return "passed" if here is plain else "replaced"


FUNCTION_NAMES = [
    name for name in namespace.public_names(onp) if classify(name) not in ("object", "operation")
]


def names_of(module: types.ModuleType) -> list[str]:
    return [
        name
        for name in namespace.public_names(module)
        if callable(getattr(module, name)) and not isinstance(getattr(module, name), type)
    ]


@pytest.mark.parametrize("name", namespace.public_names(onp))
def test_every_name_of_numpy_is_here(name):
    assert hasattr(np, name)
    assert name in dir(np)
    assert classify(name) in ("operation", "refused", "object", "passed")


@pytest.mark.parametrize("name", FUNCTION_NAMES)
def test_what_is_not_differentiable_is_listed(name):
    """Passed through where it takes no values; otherwise refused, with a reason."""
    if classify(name) == "passed":
        assert name in namespace.PASSED
        assert name not in REFUSED_NAMES
    else:
        assert name in REFUSED_NAMES, f"numpy.{name} has no rule, and no list says why"


@pytest.mark.parametrize("name", sorted(REFUSED_NAMES))
def test_lists_are_not_out_of_date(name):
    assert not hasattr(onp, name) or classify(name) == "refused"


@pytest.mark.parametrize("name", [name for name in FUNCTION_NAMES if name in REFUSED_NAMES])
@pytest.mark.parametrize("value", [onp.array([0.5, 1.5]), 0.5], ids=["array", "number"])
def test_refusals_name_the_function_and_fastad(name, value):
    with _core.Tape() as tape:
        box = tape.box(value)
        with pytest.raises((TypeError, NotImplementedError)) as refusal:
            getattr(np, name)(box)
        text = str(refusal.value)
        assert name in text and "fastad" in text, text


@pytest.mark.parametrize("name", ["histogram", "packbits"])
def test_numpys_own_functions_refuse_alike(name):
    """`import numpy as np` as well; each argument is looked at, not only the first."""
    function = getattr(onp, name)
    with _core.Tape() as tape:
        box = tape.box(onp.array([0.5, 1.5]))
        count = {"histogram": 2}.get(name, 1)
        for place in range(count):
            arguments = [onp.array([1.0, 2.0])] * count
            arguments[place] = box
            with pytest.raises((TypeError, NotImplementedError), match=f"{name}.*fastad"):
                function(*arguments)


@pytest.mark.parametrize("module", ["linalg", "fft"])
def test_submodules_differentiate_or_refuse(module):
    plain, here = getattr(onp, module), getattr(np, module)
    for name in names_of(plain):
        function = getattr(here, name)
        if name in namespace.PASSED:
            continue
        assert isinstance(function, _core.Primitive), name
        if is_operation(function) or function in registry.by_function.values():
            continue
        with _core.Tape() as tape, pytest.raises((TypeError, NotImplementedError), match=name):
            function(tape.box(onp.eye(3)))


# ---- the table itself ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_has_cases(name):
    if name in INTERNAL:
        return
    cases = cases_of(name)
    assert cases, f"add sample calls of {name} to FUNCTIONS or ZERO in tests/cases.py"
    if name in DIFFERENTIABLE:
        assert all(case.leaves for case in cases)


def test_no_cases_without_an_operation():
    for name in [*FUNCTIONS, *ZERO]:
        missing_in_numpy = name not in ("getitem", "astype") and reference(name) is None
        alias = not missing_in_numpy and registry.numpy_function(name) in registry.by_function
        assert name in OPERATIONS or missing_in_numpy or alias, name
    assert set(INTERNAL) <= set(OPERATIONS)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_facts_of_an_operation(name):
    operation = OPERATIONS[name]
    assert isinstance(operation, _core.Primitive)
    if name not in INTERNAL:
        assert operation.__name__ == name
    assert kind(name) in ("elementwise", "structural", "rule", "composite", "zero", "test")
    assert operation.__name__ in repr(operation)


@pytest.mark.parametrize(
    "name",
    [name for name, op in _core.operations().items() if op.kind in ("elementwise", "structural")],
)
def test_compiled_operations_print_their_formulas(name):
    formulas = _core.operations()[name].formulas
    assert formulas and all(isinstance(text, str) and text.strip() for text in formulas)
    function = reference(name)
    if isinstance(function, onp.ufunc) and function.signature is None:
        assert len(formulas) == function.nin


@pytest.mark.parametrize("name", sorted(registry.table))
def test_documentation_is_numpys(name):
    function = registry.numpy_function(name)
    if function is not None:
        # Importing SciPy re-indents some docstrings of NumPy's and adds sections to them.
        theirs = inspect.cleandoc(function.__doc__ or "")
        for primitive in (registry.table[name], registry.by_function[function]):
            assert inspect.cleandoc(primitive.__doc__ or "")[:100] == theirs[:100]


def test_zero_and_differentiable_are_apart():
    assert not set(DIFFERENTIABLE) & set(NOT_RECORDED)
    assert "sin" in DIFFERENTIABLE and "floor" in NOT_RECORDED and "less" in NOT_RECORDED


def test_aliases_are_one_operation():
    for first, second in (("abs", "absolute"), ("conj", "conjugate"), ("true_divide", "divide")):
        assert getattr(np, first) is getattr(np, second)
    for name in namespace.public_names(onp):
        value = getattr(onp, name)
        if isinstance(value, onp.ufunc) and value in registry.by_function:
            assert getattr(np, name) is registry.by_function[value]


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="fastad.numpy"):
        np.no_such_function  # noqa: B018


# ---- ndarray's attributes and methods ------------------------------------------------------------

ARGUMENTS: dict[str, tuple[object, ...]] = {
    "argpartition": (1,),
    "astype": (onp.complex128,),
    "choose": ([A(2, 2), A(2, 2)],),
    "clip": (-0.5, 0.5),
    "compress": ([True, False], 1),
    "dot": (A(2, 3),),
    "fill": (0.0,),
    "getfield": (onp.float64,),
    "item": (2,),
    "itemset": (0, 1.0),
    "partition": (1,),
    "put": (0, 1.0),
    "repeat": (2,),
    "reshape": (4, 1),
    "resize": ((4,),),
    "searchsorted": (0.5,),
    "setfield": (0.0, onp.float64),
    "swapaxes": (0, 1),
    "take": ([1, 0], 1),
    "to_device": ("cpu",),
    "tofile": (io.BytesIO(),),
    "dump": (io.BytesIO(),),
}
# Real results whose derivative is zero.
CONSTANT = {"round"}
PUBLIC = [name for name in dir(onp.ndarray) if not name.startswith("_")]


def plain_results(value: object) -> list[object]:
    return [_core.getval(one) for one in flat(value)]


@pytest.mark.parametrize("name", PUBLIC)
@pytest.mark.parametrize("shape", [(2, 2), (3,), ()], ids=str)
def test_attributes_of_ndarray(name, shape):
    """Each works as ndarray's does, or says by name that it does not; none loses the derivative."""
    x = A(*shape)
    arguments = ARGUMENTS.get(name, ())

    def read(value):
        found = getattr(value, name)
        return found(*copy.copy(arguments)) if callable(getattr(x, name)) else found

    try:
        expected = read(x.copy())
    except Exception as error:
        expected = error
    with _core.Tape() as tape:
        box = tape.box(x)
        if isinstance(expected, Exception):
            with pytest.raises((AttributeError, TypeError, ValueError, IndexError, OSError)):
                read(box)
            return
        try:
            result = read(box)
        except (AttributeError, TypeError) as error:
            assert name in str(error), str(error)
            return
        if name == "flat":
            result, expected = list(result), list(expected)
        elif name == "flags":
            result, expected = result.c_contiguous, expected.c_contiguous
        found, wanted = plain_results(result), flat(expected)
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted):
            if isinstance(other, float | onp.generic | onp.ndarray):
                one, other = onp.asarray(one), onp.asarray(other)
                assert (one.shape, one.dtype) == (other.shape, other.dtype)
            assert onp.array_equal(one, other)
        floating = [onp.asarray(one).dtype.kind in "fc" for one in wanted]
        if any(floating) and name not in CONSTANT:
            assert all(isinstance(one, _core.Box) for one in flat(result)), "the derivative is lost"


@pytest.mark.parametrize("name", PUBLIC)
@pytest.mark.parametrize("value", [0.5, onp.float64(0.5), 0.5 + 1j], ids=repr)
def test_attributes_of_traced_numbers(name, value):
    """A traced number has the attributes of the NumPy scalar that it stands for."""
    with _core.Tape() as tape:
        try:
            getattr(tape.box(value), name)
        except AttributeError as error:
            assert name in str(error)
        except ValueError:
            with pytest.raises(ValueError, match="matrix"):
                getattr(onp.asarray(value), name)


def test_methods_are_differentiated():
    x = A(2, 3)
    for function in (
        lambda x: x.sum(),
        lambda x: x.mean(axis=1).sum() * 6 / 2,
        lambda x: x.reshape(3, 2).T.sum(),
        lambda x: x.ravel().dot(onp.ones(6)),
        lambda x: x.flatten().cumsum()[-1],
        lambda x: x.transpose(1, 0).copy().sum(),
        lambda x: x.astype(complex).real.sum(),
        lambda x: x.repeat(2).sum() / 2,
        lambda x: x.swapaxes(0, 1).squeeze().take([0, 1, 2], axis=0).sum(),
        lambda x: sum(x.flat),
        lambda x: sum(value for row in x.tolist() for value in row),
        lambda x: sum(x.item(i) for i in range(6)),
        lambda x: x.conj().clip(-9, 9).sum(),
        lambda x: x.diagonal().sum() + x[0, 1] + x[0, 2] + x[1, 0] + x[1, 2],
    ):
        onp.testing.assert_allclose(grad(function)(x), onp.ones((2, 3)), rtol=1e-14)


def test_unknown_attributes_are_attribute_errors():
    with _core.Tape() as tape:
        box = tape.box(onp.ones(2))
        assert not hasattr(box, "no_such_attribute")
        assert getattr(box, "no_such_attribute", None) is None
