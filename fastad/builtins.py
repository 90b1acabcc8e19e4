"""The names of autograd's module `builtins`: containers, `isinstance`, `type`."""

from ._impl.boxed_types import (
    DictBox,
    DictVSpace,
    ListBox,
    ListVSpace,
    NamedTupleVSpace,
    SequenceBox,
    SequenceVSpace,
    TupleBox,
    TupleVSpace,
    container_take,
    container_untake,
    dict,
    dict_,
    isinstance,
    isinstance_,
    list,
    list_,
    make_sequence,
    sequence_extend_left,
    sequence_extend_right,
    tuple,
    tuple_,
    type,
    type_,
)
from ._impl.late import late as _late

__all__ = ["dict", "isinstance", "list", "tuple", "type"]

__getattr__ = _late(
    __name__,
    Box="~_core:Box",
    ContainerVSpace="~_impl.spaces.vector_spaces:ContainerVSpace",
    SparseObject="~extend:SparseObject",
    VSpace="~extend:VSpace",
    defjvp="~extend:defjvp",
    defjvp_argnum="~extend:defjvp_argnum",
    defvjp="~extend:defvjp",
    defvjp_argnum="~extend:defvjp_argnum",
    getval="~_core:getval",
    isbox="~_core:isbox",
    notrace_primitive="~extend:notrace_primitive",
    primitive="~extend:primitive",
    subvals="~util:subvals",
    vspace="~extend:vspace",
)
