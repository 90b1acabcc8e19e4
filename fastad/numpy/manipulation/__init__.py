"""Array manipulation: shapes, joining and splitting, padding."""

from . import joining, padding, shaping
