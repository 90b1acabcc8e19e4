"""Running programs written for autograd: every `autograd[.x.y]` import is answered by fastad.

`install()` from code, `python -m fastad script.py` for a program, `pytest -p fastad.compat` for a
test suite. The modules and classes are fastad's own, not copies: `autograd.numpy is fastad.numpy`.
"""

from __future__ import annotations

import sys
from typing import Any

from ._impl.alias import install, installed, uninstall

__all__ = ["install", "installed", "uninstall"]


# ---- pytest: `-p fastad.compat`


def pytest_addoption(parser: Any) -> None:
    """Install the alias as soon as pytest knows of the plugin, before any conftest is imported."""
    install()


def pytest_report_header() -> str:
    """Say which package answers."""
    return f"autograd is answered by fastad {sys.modules['fastad'].__version__}"
