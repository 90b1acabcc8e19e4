"""What the tests of `jit` share: results compared with the function's own, calls counted."""

import os
import sys

import numpy as onp

FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep


def leaves(value):
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def agree(found, wanted, tolerance=1e-11):
    for a, b in zip(leaves(found), leaves(wanted), strict=True):
        assert type(a) is type(b), (type(a), type(b))
        assert onp.shape(a) == onp.shape(b)
        assert getattr(a, "dtype", None) == getattr(b, "dtype", None)
        if isinstance(a, (str, bool, type(None))):
            assert a == b
        else:
            scale = max(1.0, float(onp.max(onp.abs(b), initial=0)))
            assert onp.max(onp.abs(onp.subtract(a, b)), initial=0) <= tolerance * scale


def counted(fast, *args):
    """The result, and the names of functions of these tests' own whose code ran."""
    seen = []

    def notice(frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(FOLDER):
            seen.append(frame.f_code.co_name)

    sys.setprofile(notice)
    try:
        result = fast(*args)
    finally:
        sys.setprofile(None)
    return result, seen


def taylor_sine(x):
    total = term = x
    i = 0
    while abs(term) > 1e-8:
        term = -term * x * x / ((2 * i + 3) * (2 * i + 2))
        total = total + term
        i += 1
    return total
