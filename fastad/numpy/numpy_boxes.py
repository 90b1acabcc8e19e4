"""The traced array, under autograd's path."""

from .._core import ArrayBox
from .._impl.late import late

__all__ = ["ArrayBox"]


__getattr__ = late(
    __name__,
    Box="~_core:Box",
    SequenceBox="~builtins:SequenceBox",
    anp="~numpy:",
    np="numpy:",
    primitive="~extend:primitive",
    trace_primitives_map="~tracer:trace_primitives_map",
    type_="~builtins:type_",
)
