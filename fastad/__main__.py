"""Running an autograd program: `python -m fastad script.py`, `python -m fastad -m module`."""

from __future__ import annotations

import os
import runpy
import sys

from . import compat

_USAGE = """\
usage: python -m fastad script.py [argument ...]
       python -m fastad -m module [argument ...]

Run a Python program with every import of autograd answered by fastad."""


def main() -> None:
    """Run the program that the command line names, as Python itself would."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_USAGE)
        raise SystemExit(0 if arguments else 2)
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
