"""What the tests of autograd's programs share."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as onp

from fastad.tracer import Node

X = onp.array([0.5, -1.0, 2.0])


def close(actual, expected):
    onp.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-12)


def python(*arguments, cwd=None, status=0):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stdout + done.stderr


def code(text):
    return textwrap.dedent(text)


class Counted(Node):
    """How many operations lie between a value and the argument, at most."""

    def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
        self.depth = 1 + max(parent.depth for parent in parents)
        self.name = fun.__name__
        self.parents = parents

    def initialize_root(self):
        self.depth = 0
        self.parents = ()
