"""Fixed points of a parametrised map, differentiated by the implicit function theorem."""

from .._impl.misc.fixed_points import fixed_point

__all__ = ["fixed_point"]
