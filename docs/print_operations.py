"""Print the table of operations: python docs/print_operations.py > docs/operations.md."""

from __future__ import annotations

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


def main() -> None:
    """Print one line for each differentiable operation, and the names of derivative zero."""
    print("# Operations\n")
    print(
        "Printed from the operation table by `python docs/print_operations.py`. Every operation "
        "here has a VJP and a JVP, at every order; float32 in gives float32 out, complex numbers "
        "follow autograd's convention. A formula is the derivative by each argument (elementwise) "
        "or the VJP (structural), in terms of `x`, `y`, `ans` and `g`.\n"
    )
    print("| operation | how | derivative |\n|---|---|---|")
    zero = []
    for name, primitive in sorted(registry.table.items()):
        kind = registry.kinds.get(name, primitive.kind)
        if kind in WORDS:
            print(f"| `{name}` | {WORDS[kind]} | {derivative(primitive)} |")
        else:
            zero.append(name)
    print("\n## Derivative zero, or no number as result\n")
    print("Not recorded: " + ", ".join(f"`{name}`" for name in zero) + ".")


if __name__ == "__main__":
    main()
