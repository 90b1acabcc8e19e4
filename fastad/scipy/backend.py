"""`scipy.fft` asks registered backends first: one that answers where traced values are given."""

from __future__ import annotations

from typing import Any

import scipy.fft

from .._core import holds_box


class _Backend:
    """Answers the functions of `scipy.fft` that are given traced values, and no others."""

    __ua_domain__ = "numpy.scipy.fft"

    @staticmethod
    def __ua_function__(method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not holds_box(args) and not (kwargs and holds_box(kwargs)):
            return NotImplemented
        from . import fft

        return getattr(fft, method.__name__)(*args, **kwargs)


scipy.fft.register_backend(_Backend)
