"""Print the table of operations: python docs/print_operations.py > docs/operations.md."""

from __future__ import annotations

import importlib
import types
from collections.abc import Iterator

import numpy as np

from fastad import _core
from fastad._impl.remedies import differentiates
from fastad.numpy import registry

WORDS = {
    "elementwise": "C++, elementwise",
    "structural": "C++, structural",
    "rule": "Python rule",
    "composite": "composed of others",
}


def derivative(primitive: object) -> str:
    """The derivative as the table prints it, or how it comes about."""
    formulas = getattr(primitive, "formulas", ())
    if formulas:
        return "; ".join(f"`{formula}`" for formula in formulas)
    return ""


SCIPY = (
    "special linalg signal fft ndimage integrate interpolate optimize spatial spatial.distance "
    "stats sparse sparse.linalg"
).split()


def dtypes(primitive: object) -> str:
    """Of a ufunc, what it takes; other functions take what NumPy's take."""
    types_ = getattr(getattr(primitive, "fun", None), "types", None)
    if types_ is None:
        return "as NumPy"
    return "float, complex" if any("D" in one for one in types_) else "float"


def modes(primitive: _core.Primitive) -> str:
    """Which modes there are rules for; a composite has those of what it is made of: both."""
    if primitive.kind != "rule":
        return "yes | yes"
    have = [rules is not None for rules in (primitive.vjps, primitive.jvps)]
    return " | ".join("yes" if one else "no" for one in have)


def scipy_functions(module: types.ModuleType, prefix: str) -> Iterator[str]:
    """The differentiable functions of a module of fastad.scipy, its distributions' too."""
    for name in sorted(module.__all__):
        value = getattr(module, name)
        if isinstance(value, types.ModuleType):
            if f"{prefix}.{name}" in SCIPY:
                continue
            yield from scipy_functions(value, f"{prefix}.{name}")
        elif isinstance(value, _core.Primitive):
            if getattr(value, "refuses", False):
                continue
            if value.kind in ("composite", "elementwise") or value.vjps is not None:
                yield f"{prefix}.{name}"
        elif callable(value) and getattr(value, "__module__", "").startswith("fastad"):
            yield f"{prefix}.{name}"


def without_rule(module: types.ModuleType) -> Iterator[str]:
    """The elementwise functions of a module of fastad.scipy that refuse traced values."""
    theirs = importlib.import_module(module.__name__.partition(".")[2])
    for name in sorted(module.__all__):
        value = getattr(module, name)
        if isinstance(getattr(theirs, name, None), np.ufunc) and not differentiates(value):
            yield name


def main() -> None:
    """Print one line for each differentiable operation, and the names of derivative zero."""
    print("# Operations\n")
    print(
        "Printed from the operation table by `python docs/print_operations.py`. Every operation "
        "here has a VJP and a JVP, at every order; float32 in gives float32 out, complex numbers "
        "follow autograd's convention. A formula is the derivative by each argument (elementwise) "
        "or the VJP (structural), in terms of `x`, `y`, `ans` and `g`.\n"
    )
    registry.load_all()
    print("| operation | how | VJP | JVP | order | dtype | derivative |")
    print("|---|---|---|---|---|---|---|")
    zero = []
    for name, primitive in sorted(registry.table.items()):
        kind = registry.kinds.get(name, primitive.kind)
        if kind in WORDS:
            print(
                f"| `{name}` | {WORDS[kind]} | {modes(primitive)} | any | {dtypes(primitive)} "
                f"| {derivative(primitive)} |"
            )
        else:
            zero.append(name)
    print("\n## `fastad.scipy`\n")
    print(
        "Each has a VJP and a JVP by its real arguments, at every order, unless its text says so.\n"
    )
    for module in SCIPY:
        functions = scipy_functions(importlib.import_module(f"fastad.scipy.{module}"), module)
        print(f"- {', '.join(f'`{name}`' for name in functions)}")
    special = importlib.import_module("fastad.scipy.special")
    print(
        "\nElementwise functions of `scipy.special` without a rule take plain values; a traced one "
        "is an error that names the function, and says to write the computation with other "
        "functions or to give it a rule:\n"
    )
    print(f"- {', '.join(f'`special.{name}`' for name in without_rule(special))}")
    print("\n## Derivative zero, or no number as result\n")
    print("Not recorded: " + ", ".join(f"`{name}`" for name in zero) + ".")


if __name__ == "__main__":
    main()
