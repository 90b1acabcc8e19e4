"""`scipy.misc` as autograd had it: logsumexp, which SciPy keeps in `special`."""

from __future__ import annotations

from .special import logsumexp

__all__ = ["logsumexp"]
