"""What places share."""

from __future__ import annotations


class Model:
    pass
