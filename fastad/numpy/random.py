"""`numpy.random`: NumPy's generators; permutation and choice of traced values are differentiable.

What is drawn has no derivative by its distribution's parameters, so these are refused if traced.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import holds_box, read
from .._impl.draws import drawn
from .namespace import fill
from .registry import Array, Primitive, as_value, by_function, named, refused

_OF_PARAMETERS = (
    "draw standard values and transform them (x = mean + scale * fastad.numpy.random.normal(size=n)"
    " for normal ones), or draw from fastad.getval of the parameter"
)
_REMEDIES = {
    "shuffle": "it writes into its argument; use permutation",
    "bytes": "the length is whole; use fastad.getval of it",
    "seed": "a seed is whole; use fastad.getval of it",
}


def _permutation(x: Array) -> Array:
    """Return traced values in random order."""
    x = as_value(x)
    if x.ndim == 0:
        raise TypeError(
            "numpy.random.permutation: a traced number is no length; use fastad.getval of it"
        )
    return x[np.random.permutation(x.shape[0])]  # noqa: NPY002


def _choice(a: Array, size: Any = None, replace: bool = True, p: Any = None) -> Array:
    """Return traced values that are drawn with given probabilities, which cannot be traced."""
    if holds_box(p):
        raise TypeError(f"numpy.random.choice cannot take traced probabilities: {_OF_PARAMETERS}")
    a = as_value(a)
    if a.ndim != 1:
        np.random.choice(read(a, "text"), size, replace, p)  # noqa: NPY002 (raises, but for a length)
        raise TypeError("numpy.random.choice: a traced number is no length; use fastad.getval")
    return a[np.random.choice(a.shape[0], size, replace, p)]  # noqa: NPY002


def _refuse_parameters() -> None:
    for name in sorted(vars(np.random)):
        value = vars(np.random)[name]
        if name.startswith("_") or isinstance(value, type) or not callable(value):
            continue
        if name not in ("permutation", "choice", "default_rng", "get_state", "set_state"):
            refused(f"random.{name}", _REMEDIES.get(name, _OF_PARAMETERS))


for _name, _traced in (("permutation", _permutation), ("choice", _choice)):
    # Not in the table: what is drawn differs from call to call.
    _function = getattr(np.random, _name)
    _primitive = Primitive(_function, f"random.{_name}", traced=_traced)
    by_function[_function] = named(_primitive, _function)

_refuse_parameters()
__all__: list[str] = []
__all__ += fill(globals(), np.random, "random")

# What does more than to draw numbers from the global generator, or something else.
_NO_DRAWS = frozenset(
    """
    bytes default_rng get_bit_generator get_state seed set_bit_generator set_state shuffle test
    """.split()
)
for _name, _function in list(globals().items()):
    if isinstance(_function, Primitive) and _name in __all__ and _name not in _NO_DRAWS:
        globals()[_name] = drawn(_function, _name, __name__)
