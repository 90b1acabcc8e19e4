"""Sample points of every operation in the table, and the derivatives that the tests compare.

The operations are read from the table. A ufunc needs nothing here: points are found by trying
intervals on NumPy itself. Any other operation needs an entry in `FUNCTIONS` (or `ZERO`), and
test_table fails for one that has none.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import calls_fft
import calls_linalg
import calls_long_tail
import numpy as np
from points import FLAGS, A, Call, Fixed, P, X, Z, c, holed, products, reductions, scans, spread

from fastad import _core
from fastad.numpy import registry


@dataclass(frozen=True, eq=False)
class Case:
    """One call of an operation.

    Its leaves are the floating and complex numbers and arrays among the positional arguments,
    also in lists; everything else, and what stands in `Fixed`, is a constant.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    def __str__(self) -> str:
        parts = [_text(arg) for arg in self.args]
        parts += [f"{key}={_text(value)}" for key, value in self.kwargs.items()]
        return f"{self.name}({','.join(parts)}){self.note}"

    @property
    def leaves(self) -> list[Any]:
        return list(_leaves(self.args))

    @property
    def is_real(self) -> bool:
        return not any(np.iscomplexobj(leaf) for leaf in self.leaves)

    def arguments(self, leaves: Any) -> tuple[Any, ...]:
        """The positional arguments with other leaves."""
        return _rebuilt(self.args, iter(leaves))

    def with_leaves(self, leaves: Any, note: str) -> Case:
        return Case(self.name, self.arguments(leaves), self.kwargs, self.note + note)

    def fastad(self, *leaves: Any) -> list[Any]:
        """The outputs of fastad's operation, flattened."""
        return self._outputs(OPERATIONS[self.name], leaves)

    def numpy(self, *leaves: Any) -> list[Any]:
        """The outputs of NumPy's function, flattened."""
        return self._outputs(reference(self.name), leaves)

    def _outputs(self, function: Callable[..., Any], leaves: Any) -> list[Any]:
        arguments = _plain(self.arguments(leaves))
        around = AROUND.get(self.name)
        if around is None:
            return flat(function(*arguments, **self.kwargs))
        return flat(around(function, *arguments, **self.kwargs))


def _text(value: Any) -> str:
    if isinstance(value, Fixed):
        return _text(value.value)
    if isinstance(value, np.ndarray):
        return f"{value.dtype.char}{'x'.join(map(str, value.shape)) or '0d'}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, (bool, int, str, type(None))):
        return str(value)
    if isinstance(value, (float, complex, np.generic)):
        return type(value).__name__
    return getattr(value, "__name__", type(value).__name__)


def is_leaf(value: Any) -> bool:
    """Tell whether a value is a floating or complex number or array, or a box."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "fc"
    return isinstance(value, (float, complex, _core.Box))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    elif is_leaf(value):
        yield value


def _rebuilt(value: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_rebuilt(item, leaves) for item in value)
    return next(leaves) if is_leaf(value) else value


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value)
    return value.value if isinstance(value, Fixed) else value


def flat(outputs: Any) -> list[Any]:
    """Outputs in (nested) lists and tuples, in one list."""
    if isinstance(outputs, (list, tuple)):
        return [leaf for item in outputs for leaf in flat(item)]
    return [outputs]


# ---- the table -----------------------------------------------------------------------------------

OPERATIONS: dict[str, Any] = {**_core.operations(), **registry.table}
INTERNAL = {
    "scatter": "the adjoint of getitem: run by the core alone, tested by getitem's order 2",
    "stack_args": "what array becomes when something is traced: tested as array and stack",
    "concatenate_args": "what concatenate becomes when something is traced: tested as concatenate",
}

# Operations that NumPy has no function for.
REFERENCES: dict[str, Callable[..., Any]] = {
    "getitem": lambda a, index: a[index],
    "astype": lambda a, dtype: a.astype(dtype),
}


# Operations that are tested within a function: of Hermitian matrices, or up to a vector's phase.
AROUND: dict[str, Callable[..., Any]] = {**calls_linalg.AROUND, **calls_long_tail.AROUND}


def reference(name: str) -> Callable[..., Any]:
    """NumPy's function of a name in the table."""
    return REFERENCES.get(name) or registry.numpy_function(name)


def kind(name: str) -> str:
    """The kind of an operation: elementwise, structural, rule, composite, zero or test."""
    return registry.kinds.get(name) or OPERATIONS[name].kind


ZERO_KINDS = ("zero", "test")
DIFFERENTIABLE = sorted(
    name for name in OPERATIONS if name not in INTERNAL and kind(name) not in ZERO_KINDS
)
NOT_RECORDED = sorted(name for name in OPERATIONS if kind(name) in ZERO_KINDS)
ELEMENTWISE = [name for name in DIFFERENTIABLE if kind(name) == "elementwise"]


# ---- ufuncs: points found by trying --------------------------------------------------------------

INTERVALS = ((-1.3, 1.3), (-0.75, 0.75), (0.4, 2.0), (1.3, 3.0))


def accepts(function: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
    """Tell whether NumPy takes these arguments and all its results are finite."""
    try:
        with np.errstate(all="ignore"):
            results = flat(function(*copy.deepcopy(args), **kwargs))
        return all(bool(np.all(np.isfinite(result))) for result in results)
    except TypeError:
        return False


def interval(name: str) -> tuple[float, float]:
    """The first interval on which a ufunc is finite."""
    ufunc = reference(name)
    for low, high in INTERVALS:
        if accepts(ufunc, *(spread((12,), low, high, seed) for seed in range(ufunc.nin))):
            return low, high
    raise LookupError(f"{name} is finite on no interval of cases.INTERVALS: add one")


SHAPES = {
    1: [((5,),), ((2, 3),), ((0, 3),), ((),)],
    2: [
        ((4,), (4,)),
        ((2, 3), (3,)),
        ((2, 1), (1, 3)),
        ((3,), (2, 1, 3)),
        ((), (3,)),
        ((2, 2), ()),
        ((0, 3), (1, 3)),
        ((), ()),
    ],
}


def ufunc_cases(name: str) -> list[Case]:
    """Shapes, broadcasting pairs, numbers of every kind and complex points of a ufunc."""
    ufunc, (low, high) = reference(name), interval(name)
    seeds = range(ufunc.nin)
    cases = [
        Case(name, tuple(spread(shape, low, high, seed) for seed, shape in enumerate(shapes)))
        for shapes in SHAPES[ufunc.nin]
    ]
    vector = [spread((3,), low, high, seed) for seed in seeds]
    numbers = [float(spread((1,), low, high, seed)[0]) for seed in seeds]
    cases.append(Case(name, tuple(numbers)))
    cases.append(Case(name, tuple(np.float64(number) for number in numbers)))
    if ufunc.nin == 2:
        cases.append(Case(name, (vector[0], numbers[1])))
        cases.append(Case(name, (numbers[0], vector[1])))
        cases.append(Case(name, (np.float64(numbers[0]), vector[1])))
        cases.append(Case(name, (np.float64(numbers[0]), numbers[1])))
        cases.append(Case(name, (vector[0], Fixed(vector[1])), note="constant"))
        cases.append(Case(name, (Fixed(numbers[0]), numbers[1]), note="constant"))
        cases.append(Case(name, (vector[0], Fixed(np.array([1, 2, 3]))), note="integers"))
    points = [Z(3, seed=seed) for seed in seeds]
    if accepts(ufunc, *points):
        cases.append(Case(name, tuple(points)))
        cases.append(Case(name, tuple(complex(point[0]) for point in points)))
        if ufunc.nin == 2:
            cases.append(Case(name, (points[0], vector[1])))
            cases.append(Case(name, (numbers[0], points[1])))
    return cases


# ---- functions: calls by name --------------------------------------------------------------------

SAME = [c(A(2, 3)), c(A(3)), c(A())]

FUNCTIONS: dict[str, list[Call]] = {
    # reductions and scans
    "sum": reductions(c(A(0, 3), axis=0), c(A(0))),
    "mean": reductions(),
    "prod": reductions(c(A(0, 3), axis=0), c(np.array([[0.0, 2.0], [3.0, 0.0]]), axis=0)),
    "max": reductions(),
    "min": reductions(),
    "amax": reductions(),
    "amin": reductions(),
    "ptp": reductions(c(A(2, 3, 2), axis=(0, 2)), tuples=False),
    "var": reductions(c(A(4), ddof=1), c(A(2, 3), axis=1, ddof=1.5)),
    "std": reductions(c(A(4), ddof=1), c(A(2, 3), axis=1, ddof=1.5))[2:],
    "nansum": reductions(c(holed(A(2, 3), 1, 5), axis=0)),
    "nanprod": reductions(c(holed(A(2, 3), 1, 5), axis=0)),
    "nanmean": reductions(c(holed(A(2, 3), 1, 5), axis=0)),
    "nanvar": reductions(c(holed(A(2, 3), 1), axis=1), c(holed(A(5), 1), ddof=1)),
    "nanstd": reductions(c(holed(A(2, 3), 1), axis=1), c(holed(A(5), 1), ddof=1))[2:],
    "nanmax": reductions(c(holed(A(2, 3), 1, 5), axis=0)),
    "nanmin": reductions(c(holed(A(2, 3), 1, 5), axis=0)),
    "cumsum": scans(c(A())),
    "cumprod": scans(c(np.array([2.0, 0.0, 3.0, 0.0, 1.0]))),
    "nancumsum": scans(c(holed(A(5), 2))),
    "nancumprod": scans(c(holed(A(5), 2))),
    "cumulative_sum": [c(A(5)), c(A(2, 3), axis=1), c(A(2, 3), axis=0, include_initial=True)],
    "cumulative_prod": [c(A(5)), c(A(2, 3), axis=1), c(A(2, 3), axis=0, include_initial=True)],
    "trace": [c(A(3, 3)), c(A(2, 3), 1), c(X, offset=-1, axis1=2, axis2=0), c(A(2, 2), 5)],
    "average": reductions(
        c(A(3), weights=P(3)),
        c(A(2, 3), 1, P(3)),
        c(A(2, 3), None, P(2, 3)),
        c(A(2, 3), 0, P(2, 3), True),
    ),
    # calculus
    "diff": [c(A(5)), c(A(2, 4), 2), c(A(3, 2), axis=0), c(A(2, 3), 1, 1, 0.5, A(2, 2, seed=1))],
    "ediff1d": [c(A(2, 3)), c(A(4), A(2, seed=1), 0.5), c(A(4), to_begin=1.0)],
    "gradient": [
        c(A(5)),
        c(A(3, 4)),
        c(A(3, 4), 0.5, 2.0),
        c(A(5), 0.3, edge_order=2),
        c(A(5), np.array([0.0, 1.0, 1.5, 3.5, 4.0])),
        c(A(3, 4), np.array([0.0, 1.0, 1.5, 3.5]), axis=1, edge_order=2),
    ],
    "trapezoid": [c(A(5)), c(A(2, 3), A(3)), c(A(2, 3), A(2, 3, seed=1), axis=0), c(A(4), dx=0.5)],
    "trapz": [c(A(5)), c(A(2, 3), A(3)), c(A(2, 3), A(2, 3, seed=1), axis=0)],
    "linspace": [
        c(0.5, 2.0, 4),
        c(A(2), 3.0, 5),
        c(A(2), A(3, 2, seed=1), 4, False),
        c(0.5, A(3), 3, axis=-1),
        c(0.5, 2.0, 1),
        c(0.5, 2.0, 4, retstep=True),
    ],
    # shapes
    "reshape": [
        c(A(2, 3), (3, 2)),
        c(A(2, 3), -1),
        c(A(2, 3), (3, -1), order="F"),
        c(A(), (1, 1)),
        c(A(2, 3), (2, 3)),
        c(A(0, 3), (3, 0)),
    ],
    "ravel": [*SAME, c(A(2, 3), order="F"), c(A(0, 3))],
    "transpose": [*SAME, c(X, (2, 0, 1)), c(X, axes=(-1, 0, 1)), c(A(0, 3))],
    "swapaxes": [c(X, 0, 2), c(X, -1, 1), c(A(2, 3), 0, 0)],
    "moveaxis": [c(X, 0, -1), c(X, [0, 1], [-1, 0]), c(X, (2,), (0,))],
    "rollaxis": [c(X, 2), c(X, -1, 1), c(X, 0, 3)],
    "squeeze": [c(A(1, 3, 1)), c(A(1, 3, 1), 0), c(A(1, 3, 1), axis=(0, -1)), c(A(3))],
    "expand_dims": [c(A(3), 0), c(A(2, 3), -1), c(A(2, 3), (0, 2)), c(A(), 0)],
    "broadcast_to": [c(A(3), (2, 3)), c(A(2, 1), (4, 2, 3)), c(A(), (2,)), c(0.5, (2, 2))],
    "atleast_1d": [*SAME, c(A(2), 1.5)],
    "atleast_2d": [*SAME, c(A(2), 1.5)],
    "atleast_3d": [*SAME, c(A(2), 1.5)],
    "matrix_transpose": [c(A(2, 3)), c(X)],
    "linalg.matrix_transpose": [c(A(2, 3)), c(X)],
    "flip": [*SAME[:2], c(X, 1), c(X, (0, -1))],
    "flipud": [c(A(2, 3))],
    "fliplr": [c(A(2, 3))],
    "rot90": [c(A(2, 3)), c(A(2, 3), 2), c(X, 3, (1, 2)), c(A(2, 3), -4)],
    "roll": [c(A(5), 2), c(A(2, 3), 1), c(A(2, 3), -1, 1), c(A(2, 3), (1, 5), (0, 1))],
    "repeat": [c(A(3), 2), c(A(2, 3), 2, 1), c(A(3), [1, 0, 3]), c(A(2, 2), [2, 1], axis=0)],
    "tile": [c(A(3), 2), c(A(2, 3), (2, 1)), c(A(2), (2, 2, 2)), c(A(2, 2), 0)],
    "resize": [c(A(2, 3), (3, 4)), c(A(5), 2)],
    "diagonal": [c(A(3, 3)), c(A(2, 3), 1), c(X, -1, 2, 0)],
    "linalg.diagonal": [c(A(3, 3)), c(X, offset=1)],
    "linalg.trace": [c(A(3, 3)), c(X, offset=1)],
    "diag": [c(A(3)), c(A(3), -1), c(A(2, 3)), c(A(3, 3), 1)],
    "diagflat": [c(A(2, 2)), c(A(3), 1)],
    "tril": [c(A(3, 3)), c(X, 1), c(A(2, 3), -1)],
    "triu": [c(A(3, 3)), c(X, 1), c(A(2, 3), -1)],
    "pad": [
        c(A(3), 2),
        c(A(), 1),
        c(A(2, 3), ((1, 0), (2, 1)), constant_values=0.5),
        c(A(2, 2), 1, "constant", constant_values=((1, 2), (3, 4))),
        c(A(2, 3), 1, "edge"),
        c(A(3), (2, 3), mode="reflect"),
        c(A(3), 2, "symmetric"),
        c(A(3), 4, "wrap"),
        c(A(2, 3), 1, "maximum"),
        c(A(4), 2, "minimum", stat_length=2),
    ],
    # joining and splitting
    "concatenate": [
        c([A(2, 3), A(1, 3, seed=1)]),
        c((A(2, 3), Fixed(A(2, 1, seed=1))), 1),
        c([A(2, 3), A(4, seed=1)], axis=None),
        c([A(2), A(0)], -1),
        c([A(2), Z(2)]),
    ],
    "array": [
        c([0.5, 1.5]),
        c([[0.5, 1.5], [A(), 2.5]]),
        c([A(2), A(2, seed=1)]),
        c(A(2, 3)),
        c([1.0, 2]),
        c(A(3), ndmin=2),
        c([0.5, 1.0 + 2.0j]),
        c([0.5, 2.5], dtype=complex),
    ],
    "stack": [c([A(2, 3), A(2, 3, seed=1)]), c((A(2), A(2, seed=1)), 1), c([A(2, 3)] * 2, axis=-1)],
    "vstack": [c([A(3), A(2, 3, seed=1)]), c((A(), 1.5))],
    "row_stack": [c([A(3), A(2, 3, seed=1)])],
    "hstack": [c([A(3), A(2, seed=1)]), c([A(2, 3), A(2, 1, seed=1)])],
    "dstack": [c([A(3), A(3, seed=1)]), c([A(2, 3), A(2, 3, seed=1)])],
    "column_stack": [c([A(3), A(3, 2, seed=1)])],
    "append": [c(A(3), 1.5), c(A(2, 3), A(1, 3, seed=1), 0)],
    "block": [c([[A(2, 2), A(2, 1, seed=1)], [A(1, 3)]]), c([A(2), A(3, seed=1)]), c(A(2))],
    "array_split": [c(A(5), 3), c(A(2, 5), [1, 3], 1)],
    "split": [c(A(4), 2), c(A(2, 5), [1, 3], -1)],
    "vsplit": [c(A(4, 2), 2)],
    "hsplit": [c(A(2, 4), 2), c(A(4), [1])],
    "dsplit": [c(X, 2)],
    "unstack": [c(A(2, 3)), c(X, axis=-1)],
    "delete": [c(A(5), 2), c(A(2, 3), [0, 2], 1), c(A(5), slice(1, 4))],
    "insert": [c(A(4), 1, 0.5), c(A(2, 3), [0, 2], A(2, 1, seed=1), 1), c(A(2, 2), 1, A(2), 0)],
    "broadcast_arrays": [c(A(3), A(2, 1, seed=1)), c(A(2), 1.5)],
    "meshgrid": [
        c(A(2), A(3, seed=1)),
        c(A(2), A(3, seed=1), indexing="ij"),
        c(A(2), A(3, seed=1), A(2, seed=2), sparse=True),
    ],
    # creation
    **{
        name: [*SAME, c([0.5, A()]), c(0.5)]
        for name in ("asarray", "asanyarray", "asarray_chkfinite")
    },
    **{name: [*SAME] for name in ("ascontiguousarray", "asfortranarray", "asfarray", "require")},
    "copy": SAME,
    "astype": [c(A(2, 3), np.complex128), c(A(3), np.float64), c(Z(3), np.clongdouble)],
    "full": [c((2, 3), 0.5), c((2, 3), A(3)), c(2, 1.5 + 0.5j)],
    "full_like": [c(Fixed(A(2, 3)), 0.5), c(Fixed(A(2, 3)), A(3))],
    # selection
    "getitem": [
        c(A(5), 2),
        c(A(5), -1),
        c(A(2, 3), (1, 2)),
        c(A(2, 3), 1),
        c(A(2, 3), (slice(None), slice(2, None, -1))),
        c(X, (Ellipsis, None, 1)),
        c(A(5), [1, 1, 3]),
        c(A(2, 3), ([0, 1, 0], [2, 2, 2])),
        c(X, (slice(1, None), [0, 2, 2])),
        c(A(2, 3), FLAGS),
        c(A(), ()),
        c(A(5), slice(3, 3)),
    ],
    "take": [
        c(A(5), [1, 1, -1]),
        c(A(2, 3), 1, 1),
        c(A(5), [4, 7], mode="wrap"),
        c(A(2, 3), [[0]]),
    ],
    "take_along_axis": [
        c(A(2, 3), np.array([[0, 0, 1]]), 0),
        c(A(2, 3), np.array([[0, 2], [1, 1]]), axis=1),
    ],
    "compress": [c([True, False, True], A(3)), c([False, True], A(2, 3), 0)],
    "extract": [c(FLAGS, A(2, 3))],
    "where": [
        c(FLAGS, A(2, 3), A(2, 3, seed=1)),
        c(FLAGS, A(3), 0.5),
        c(FLAGS[0], 1.5, A(2, 3)),
        c(True, 0.5, 1.5),
        c(FLAGS, Z(3), A(3)),
    ],
    "clip": [
        c(A(2, 3), Fixed(-0.7), Fixed(0.9)),
        c(A(2, 3), Fixed(-0.7), None),
        c(A(6), None, Fixed(0.33)),
        c(0.5, Fixed(-1.0), Fixed(2.0)),
        c(A(2, 3), A(3, seed=1) - 1.5, 0.77),
    ],
    "select": [
        c([FLAGS, ~FLAGS], [A(2, 3), A(2, 3, seed=1)]),
        c([FLAGS], [A(3)], 0.5),
        c([FLAGS[0]], [1.5], A(3)),
    ],
    "choose": [c(np.array([0, 1, 0]), [A(3), A(3, seed=1)]), c(np.array([[1], [0]]), [A(3), 0.5])],
    "piecewise": [
        c(A(5), [A(5) < 0.0, A(5) > 0.9], [np.negative, lambda x: x * x, 1.5]),
        c(A(3), [A(3) < 0.0], [lambda x: 2.0 * x]),
    ],
    "sort": [c(A(5)), c(A(2, 3), 0), c(A(2, 3), axis=None), c(A(2, 3), kind="stable")],
    "msort": [c(A(2, 3))],
    "partition": [c(A(5), 2), c(A(3, 4), [1, 2], 0), c(A(2, 3), 4, axis=None)],
    "sort_complex": [c(A(5)), c(Z(5))],
    "nan_to_num": [c(holed(A(5), 2)), c(np.array([np.inf, 1.0, -np.inf]), posinf=5.0, neginf=-5.0)],
    # complex parts
    "real": [*SAME, c(Z(3)), c(1.0 + 2.0j)],
    "imag": [*SAME, c(Z(3)), c(1.0 + 2.0j)],
    "conjugate": [*SAME, c(Z(3)), c(1.0 + 2.0j)],
    "angle": [c(Z(3)), c(A(3)), c(Z(2, 2), deg=True), c(1.0 + 2.0j)],
    "real_if_close": [c(A(3)), c(Z(3))],
    # products
    "dot": products(c(A(2, 3), 0.5), c(0.5, A(2)), c(X, A(2, 4, 3)), c(1.5, 0.5), c(X, A(4))),
    "matmul": products(
        c(X, A(2, 4, 3)), c(X, A(4, 2)), c(A(3), X), c(X, A(4)), c(A(1, 2, 3), A(4, 1, 3, 2))
    ),
    "linalg.matmul": [c(A(2, 3), A(3, 4, seed=1)), c(X, A(4, 2))],
    "inner": [c(A(3), A(3, seed=1)), c(A(2, 3), A(4, 3, seed=1)), c(0.5, A(3)), c(X, A(3, 4))],
    "outer": [c(A(2), A(3)), c(A(2, 2), A(3)), c(0.5, A(2))],
    "linalg.outer": [c(A(2), A(3))],
    "tensordot": [
        c(X, A(3, 4, 2), 2),
        c(X, A(4, 3, 2), ([1, 2], [1, 0])),
        c(A(2), A(3), 0),
        c(A(2, 3), A(3, 2), axes=(1, 0)),
        c(A(2, 3), A(2, 3, seed=1)),
    ],
    "linalg.tensordot": [c(X, A(3, 4, 2), axes=2)],
    "einsum": [
        c("ij,jk->ik", A(2, 3), A(3, 4, seed=1)),
        c("ij,jk", A(2, 3), A(3, 4, seed=1)),
        c("ii->i", A(3, 3)),
        c("ii", A(3, 3)),
        c("i,i,i->", A(3), A(3, seed=1), A(3, seed=2)),
        c("...ij,j->...i", X, A(4)),
        c("ij->ji", A(2, 3)),
        c("ij->", A(2, 3)),
        c("iij->j", A(2, 2, 3)),
        c("i,j->ij", A(2), A(3)),
        c("ij,ij->j", A(1, 3), A(2, 3)),
        c("...,...", A(2, 3), A(3)),
        c(A(2, 3), [0, 1], A(3, 4), [1, 2], [0, 2]),
        c(A(2, 3), [0, 1], A(3, 4), [1, 2]),
        c("ij,jk,kl->il", A(2, 3), A(3, 2), A(2, 2), optimize=True),
    ],
    "kron": [c(A(2), A(3)), c(A(2, 2), A(1, 3)), c(A(2), A(2, 2, seed=1)), c(0.5, A(2))],
    "cross": [
        c(A(3), A(3, seed=1)),
        c(A(2, 3), A(3, seed=1)),
        c(A(3, 2), A(3, 2, seed=1), axis=0),
        c(A(3, 2), A(2, 3, seed=1), 0, -1, 0),
    ],
    "linalg.cross": [c(A(3), A(3, seed=1)), c(A(3, 2), A(3, 2, seed=1), axis=0)],
    "vdot": [c(A(3), A(3, seed=1)), c(A(2, 3), A(2, 3, seed=1)), c(Z(3), Z(3, seed=1))],
    "vecdot": [c(A(2, 3), A(3, seed=1)), c(A(3, 2), A(3, 1, seed=1), axis=0), c(Z(3), A(2, 3))],
    "linalg.vecdot": [c(A(2, 3), A(3, seed=1)), c(Z(3), Z(3, seed=1))],
    "matvec": [c(A(2, 3), A(3, seed=1)), c(X, A(2, 4, seed=1)), c(A(2, 3), A(4, 3, seed=1))],
    "vecmat": [c(A(2), A(2, 3, seed=1)), c(A(2, 3), X), c(Z(2), A(2, 3))],
    **calls_linalg.CALLS,
    **calls_fft.CALLS,
    **calls_long_tail.CALLS,
}

# Names that NumPy 1.26 still has.
FUNCTIONS["product"], FUNCTIONS["cumproduct"] = FUNCTIONS["prod"], FUNCTIONS["cumprod"]

INTS = np.array([[3, 1, 2], [6, 5, 4]])
PAIR = c(A(2, 3), A(3, seed=1))

# Derivative zero: one matrix unless another call stands here.
ZERO: dict[str, list[Call]] = {
    "allclose": [PAIR, c(A(3), A(3))],
    "argpartition": [c(A(5), 2)],
    "array_equal": [PAIR, c(A(3), A(3))],
    "array_equiv": [PAIR],
    "can_cast": [c(np.float64, np.float32)],
    "digitize": [c(A(4), np.array([-1.0, 0.0, 1.0]))],
    "diag_indices_from": [c(A(3, 3))],
    "einsum_path": [c("ij,j", A(2, 3), A(3))],
    "isclose": [PAIR],
    "isin": [c(A(2, 3), Fixed([0.5, 0.7]))],
    "in1d": [c(A(3), Fixed([0.5, 0.7]))],
    "isnat": [c(np.array(["NaT", "2000-01-01"], "M8[D]"))],
    "isscalar": [c(0.5), c(A(3))],
    "lexsort": [c([A(3), A(3, seed=1)])],
    "linalg.matrix_rank": [c(A(3, 3))],
    "may_share_memory": [PAIR],
    "mintypecode": [c(["f", "d"])],
    "nonzero": [c(A(2, 3))],
    "promote_types": [c("f4", "f8")],
    "ravel_multi_index": [c((np.array([1, 0]), np.array([2, 1])), (2, 3))],
    "result_type": [PAIR],
    "searchsorted": [c(np.array([-1.0, 0.0, 1.0]), A(4))],
    "shares_memory": [PAIR],
    "tril_indices_from": [c(A(3, 3))],
    "triu_indices_from": [c(A(3, 3))],
    "typename": [c("d")],
    "unravel_index": [c(np.array([4, 1]), (2, 3))],
}


def cases_of(name: str) -> list[Case]:
    """Every case of an operation; none if it has no entry and no default."""
    listed = FUNCTIONS.get(name, ZERO.get(name))
    if listed is not None:
        return [Case(name, args, kwargs) for args, kwargs in listed]
    function = reference(name)
    if kind(name) not in ZERO_KINDS:
        is_plain = isinstance(function, np.ufunc) and function.signature is None
        return ufunc_cases(name) if is_plain else []
    if not isinstance(function, np.ufunc):
        return [Case(name, (A(2, 3),)), Case(name, (A(),))]
    points = [A(2, 3, seed=seed) for seed in range(function.nin)]
    if not accepts(function, *points):
        return [Case(name, (INTS, INTS[:1])[: function.nin])]
    return [Case(name, tuple(points)), Case(name, tuple(float(p[0, 0]) for p in points))]


def cases(names: list[str]) -> list[Case]:
    return [case for name in names for case in cases_of(name)]


# ---- variants of a case --------------------------------------------------------------------------


def cast(case: Case, dtype: Any) -> Case | None:
    """The same call on other floating or complex types; None if NumPy does not take them."""
    target = np.dtype(dtype)

    def converted(leaf: Any) -> Any:
        if np.iscomplexobj(leaf) and target.kind == "f":
            return np.asarray(leaf).astype(np.result_type(target, np.complex64))
        value = np.asarray(leaf)
        if target.kind == "c" and value.dtype.kind == "f":
            value = value + 1j * (0.3 + 0.7 * np.roll(np.cos(np.nan_to_num(value)), 1))
        value = np.asarray(value).astype(target)
        return value if isinstance(leaf, np.ndarray) else value[()]

    made = case.with_leaves([converted(leaf) for leaf in case.leaves], f"[{target.name}]")
    return made if made.leaves and _runs(made) else None


def _runs(case: Case) -> bool:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            case.numpy(*copy.deepcopy(case.leaves))
        return True
    except (TypeError, ValueError):
        return False


def strided(leaf: Any, layout: str) -> Any:
    """The same array in another memory layout."""
    if not isinstance(leaf, np.ndarray) or leaf.ndim == 0:
        return leaf
    if layout == "fortran":
        return np.asfortranarray(leaf)
    if layout == "reversed":
        return leaf[..., ::-1].copy()[..., ::-1]
    if layout == "foreign":
        return leaf.astype(leaf.dtype.newbyteorder())
    gaps = np.full((*leaf.shape[:-1], 2 * leaf.shape[-1]), np.nan, leaf.dtype)
    gaps[..., ::2] = leaf
    return gaps[..., ::2]


LAYOUTS = ("fortran", "reversed", "gaps", "foreign")


# ---- derivatives ---------------------------------------------------------------------------------


def vjp(function: Callable[..., list[Any]], leaves: Any, cotangents: Any) -> list[Any]:
    """One sweep of a tape; zeros for a leaf that nothing reached."""
    with _core.Tape() as tape:
        boxes = [tape.box(leaf) for leaf in leaves]
        found = tape.sweep(function(*boxes), cotangents, boxes)
    return [_zeros(leaf) if g is None else g for leaf, g in zip(leaves, found)]


def jvp(function: Callable[..., list[Any]], leaves: Any, tangents: Any) -> list[Any]:
    """Forward mode; zeros for an output that no tangent reached."""
    with _core.Forward() as level:
        boxes = [level.box(leaf, t) for leaf, t in zip(leaves, tangents)]
        pairs = [level.tangent(output) for output in function(*boxes)]
    return [_zeros(value) if t is None else t for value, t in pairs]


def _zeros(like: Any) -> Any:
    meta = _core.meta(like)
    return np.zeros(meta.shape, meta.dtype)


def differences(
    function: Callable[..., list[Any]], leaves: Any, tangents: Any, step: float = 1e-3
) -> list[Any]:
    """The derivative along tangents by central differences of fourth order."""

    def moved(by: float) -> list[Any]:
        with np.errstate(all="ignore"):
            return function(*(leaf + by * t for leaf, t in zip(leaves, tangents)))

    near = zip(moved(step), moved(-step))
    far = zip(moved(2 * step), moved(-2 * step))
    return [
        (8.0 * (a - b) - (c - d)) / (12.0 * step) for (a, b), (c, d) in zip(near, far, strict=True)
    ]


def directions(values: Any, seed: int) -> list[Any]:
    """Random vectors, one in the space of each value."""
    random = np.random.default_rng(seed)
    made = []
    for value in values:
        value = np.zeros(_core.meta(value).shape, _core.meta(value).dtype)
        t = random.uniform(-1.0, 1.0, value.shape)
        if value.dtype.kind == "c":
            t = t + 1j * random.uniform(-1.0, 1.0, value.shape)
        made.append(t.astype(value.dtype if value.dtype.kind in "fc" else float)[()])
    return made


def inner(xs: Any, ys: Any) -> float:
    """The real pairing of cotangents with tangents; no conjugate, by autograd's convention."""
    return float(sum(np.sum(np.real(np.asarray(x) * np.asarray(y))) for x, y in zip(xs, ys)))
