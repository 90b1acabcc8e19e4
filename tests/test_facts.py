"""What is known of an operation stands in its table entry; no other file asks which it is."""

from __future__ import annotations

import re
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src"

ENTRY = re.compile(r"^(?:UNARY|BINARY|ZERO|TEST|STRUCTURAL)\s*\((\w+)", re.MULTILINE)
NAMES = [
    name
    for table in ("elementwise.def", "structural.def")
    for name in ENTRY.findall((SOURCE / "ops" / table).read_text("utf-8"))
]

# Whoever computes with an operation names it, by a call, by its entry or by its kernel (which an
# instruction of a program holds); behind a comparison or a case even that is a question.
NAMED = re.compile(rf"\bCode::(?:{'|'.join(NAMES)}|foreign)\b")
COMPUTED = re.compile(
    rf"\b(?:apply|operation|elementwise_adjoint<T>)\(\s*{NAMED.pattern}"
    rf"|\binstruction\.code = {NAMED.pattern};"
)
ASKED = re.compile(r"(?:[!=]=\s*&?|\bcase\s+)(?:operation\(|Code::)")

# The files outside of src/ops that name operations otherwise, and why.
ALLOWED = {
    "program/reductions.hpp": "the loops by which max and min compare, with all other reductions",
}


def questions(text: str) -> list[str]:
    """The lines that name an operation for anything but to compute with it."""
    text = re.sub(r"//[^\n]*", "", text)
    found = []
    for line in re.split(r"(?<=[;{}])", text):
        rest = line if ASKED.search(line) else COMPUTED.sub("", line)
        if NAMED.search(rest):
            found.append(" ".join(line.split()))
    return found


FOUND = {
    path.relative_to(SOURCE).as_posix(): lines
    for path in sorted(SOURCE.rglob("*.[ch]pp"))
    if path.parent.name != "ops" and (lines := questions(path.read_text("utf-8")))
}


def test_facts_of_operations_stand_in_the_table():
    wrong = [f"{name}: {line}" for name in FOUND if name not in ALLOWED for line in FOUND[name]]
    assert not wrong, "give the operation a fact (src/ops/op.hpp), or say why here:\n" + "\n".join(
        wrong
    )


def test_what_is_allowed_is_needed():
    assert not set(ALLOWED) - set(FOUND), "take these files off the list"


def test_the_search_sees_what_it_is_for():
    assert len(NAMES) > 90
    assert not questions("x = apply(Code::add, a, b); f(operation(Code::getitem)); // Code::add")
    assert not questions("operation(Code::sum).forward = forward_sum;")
    assert not questions("if (plain) instruction.code = Code::multiply;")
    for asking in (
        "if (op.code == Code::power) {",
        "switch (code) { case Code::sum: return 1; }",
        "if (&op == &operation(Code::where)) {",
        "const bool halves = instruction.code == Code::multiply;",
        "if (code == Code::sum) instruction.code = Code::multiply;",
        "const Code code = code_of(op) ? Code::max : Code::min;",
        "if (op.code != Code::foreign) {",
    ):
        assert questions(asking), asking
