"""The names of autograd's module `util`."""

from ._impl.late import late as _late
from ._impl.ordering import func, subval, subvals, toposort

__all__ = ["func", "subval", "subvals", "toposort"]

__getattr__ = _late(__name__, quick_grad_check="~_impl.deprecated:quick_grad_check")
