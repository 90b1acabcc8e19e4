"""SciPy's modules, differentiable: special, stats, linalg, sparse, optimize, integrate and more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._impl.loading import module_of

try:
    import scipy as _scipy
except ImportError as error:  # pragma: no cover - depends on the installation
    raise ImportError(
        "fastad.scipy needs SciPy, which is not installed: pip install 'fastad[scipy]'"
    ) from error

if TYPE_CHECKING:
    from . import (
        fft,
        integrate,
        interpolate,
        linalg,
        misc,
        ndimage,
        optimize,
        signal,
        sparse,
        spatial,
        special,
        stats,
    )
    from .direct import install, uninstall

_MODULES = tuple(
    "fft integrate interpolate linalg misc ndimage optimize signal sparse spatial special "
    "stats".split()
)

_OF_DIRECT = ("install", "uninstall")

__all__ = [
    "fft",
    "install",
    "integrate",
    "interpolate",
    "linalg",
    "misc",
    "ndimage",
    "optimize",
    "signal",
    "sparse",
    "spatial",
    "special",
    "stats",
    "uninstall",
]


def __getattr__(name: str) -> Any:
    """Load a module when it is asked for: scipy.stats alone takes longer than all of fastad."""
    if name in _OF_DIRECT:
        return getattr(module_of(f"{__name__}.direct"), name)
    if name in _MODULES:
        return module_of(f"{__name__}.{name}")
    raise AttributeError(f"module 'fastad.scipy' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the modules."""
    return sorted((*_MODULES, *_OF_DIRECT))
