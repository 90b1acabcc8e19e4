"""Running an autograd program: `python -m fastad script.py`, `python -m fastad -m module`."""

from __future__ import annotations

import os
import runpy
import sys

from . import compat

_USAGE = """\
usage: python -m fastad script.py [argument ...]
       python -m fastad -m module [argument ...]
       python -m fastad --version

Run a Python program with every import of autograd answered by fastad; or name the versions
that a report of a defect needs."""


def _versions() -> str:
    """Versions of fastad and of what its results depend on, in one line each."""
    import platform

    import numpy

    from . import __version__, _core

    lines = [
        f"fastad {__version__} ({_core.kernels()} kernels)",
        f"NumPy {numpy.__version__}",
        f"{platform.python_implementation()} {platform.python_version()}",
        f"{platform.system()} {platform.machine()}",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run the program that the command line names, as Python itself would."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_USAGE)
        raise SystemExit(0 if arguments else 2)
    if arguments[0] in ("-V", "--version"):
        print(_versions())
        return
    if arguments[0] == "-m" and len(arguments) == 1:
        raise SystemExit(f"python -m fastad: -m needs the name of a module\n{_USAGE}")
    if arguments[0] != "-m" and arguments[0].startswith("-"):
        raise SystemExit(f"python -m fastad: unknown option {arguments[0]}\n{_USAGE}")
    compat.install()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        # `python -m` looks for modules in the working directory first.
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return
    script = arguments[0]
    if not os.path.exists(script):
        raise SystemExit(f"python -m fastad: there is no file {script!r}")
    sys.argv = arguments
    # Python puts the script's folder where `-m fastad` has put the working directory.
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
