"""The parts of the binding: src/cython/*.pxi, which share the scope of one module.

Each says in its head what it takes from the others ("# from boxes: Box, ArrayBox"), takes nothing
else, and only from parts that are included before it; its imports are its own.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PARTS = ROOT / "src" / "cython"
MODULE = PARTS / "_core.pyx"


def stripped(text: str) -> str:
    """The code without comments and strings; of f-strings the expressions stay."""

    def inside(match: re.Match[str]) -> str:
        if match[0].startswith("#"):
            return ""
        lines = "\n" * match[0].count("\n")
        if "f" in (match["kind"] or ""):
            return " ".join(re.findall(r"\{([^{}]*)\}", match[0])) + lines
        return lines

    return re.sub(
        r'#[^\n]*|(?<!\w)(?P<kind>[fbr]*)(?:"""(?:\\.|[^\\])*?"""|"(?:\\.|[^"\\\n])*")',
        inside,
        text,
    )


def chunks(code: str) -> list[str]:
    """What stands at module level, one statement or definition with its body each."""
    found: list[str] = []
    depth = 0
    for line in code.splitlines():
        if line.strip() and not line[0].isspace() and depth == 0:
            found.append(line)
        elif found and line.strip():
            found[-1] += "\n" + line
        depth += sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))
    return found


def imported(chunk: str) -> list[str]:
    """The names that an import binds."""
    match = re.match(r"(?:from [\w.]+ )?c?import\s+(.*)", chunk, re.S)
    if match is None:
        return []
    names = match[1].replace("(", " ").replace(")", " ").split(",")
    return [name.split()[-1] for name in names if name.strip()]


def declared(line: str) -> list[str]:
    """What a line of an `extern` block, or the head of a definition, declares."""
    match = re.match(r"\s*(?:cdef |cpdef )?(?:enum|struct|cppclass|class)(?: class)? (\w+)", line)
    if match:
        return [match[1]]
    before = re.match(r"[^(=]*", line)
    words = re.findall(r"\w+", before[0]) if before else []
    return words[-1:]


def defined(chunk: str) -> list[str]:
    """The names that a statement at module level defines."""
    lines = chunk.splitlines()
    if re.match(r"cdef extern\b", chunk):
        names = [name for line in lines[1:] if re.match(r"    \S", line) for name in declared(line)]
        return [*names, *members(lines, 8)]
    if re.match(r"(cdef|cpdef|def|class)\b", chunk):
        return [*declared(lines[0]), *members(lines, 4)]
    match = re.match(r"(?:\w+\s*=(?!=)\s*)+", chunk)
    return re.findall(r"\w+", match[0]) if match else []


def members(lines: list[str], indent: int) -> list[str]:
    """The members of plain enumerations, which stand beside them."""
    found, within = [], False
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if depth < indent:
            within = re.match(r"\s*(cdef )?enum \w+:", line) is not None
        elif within:
            found.append(line.strip())
    return found


def parameters(head: str) -> set[str]:
    """The names of a function's parameters, or of a declaration's."""
    inner = head[head.find("(") + 1 : head.rfind(")")] if "(" in head else ""
    parts = [part.partition("=")[0] for part in inner.split(",")]
    words = [re.findall(r"\w+", part) for part in parts]
    return {part[-1] for part in words if part}


def functions(chunk: str) -> list[str]:
    """A statement's functions, or methods, with what stands between them."""
    found: list[str] = [""]
    for line in chunk.splitlines():
        if re.match(r"(    )?(async )?(def|cdef|cpdef)\b[^=(]*\(", line):
            found.append("")
        found[-1] += line + "\n"
    return found


def local(function: str) -> set[str]:
    """The names that a function binds for itself."""
    head = re.match(r"\s*(?:async )?(?:def|cdef|cpdef)\b[^\n]*\(.*?\)[^()\n]*:", function, re.S)
    if head is None:
        return set()
    found = parameters(head[0])
    body = function[head.end() :]
    shared = {name for line in re.findall(r"\bglobal (.*)", body) for name in line.split(", ")}
    found |= set(re.findall(r"^\s+(?:cdef [\w* ]*?)?(\w+) = ", body, re.M))
    found |= set(re.findall(r"\b(?:for|as|def|lambda) (\w+)", body))
    for names in re.findall(r"(?:\bfor |^\s+|\blambda )((?:\w+, )+\w+)(?: in | = |:)", body, re.M):
        found |= set(names.split(", "))
    return found - shared


def used(chunk: str) -> set[str]:
    """The names that a statement at module level reads."""
    if re.match(r"(from|c?import)\b", chunk):
        return set()
    found: set[str] = set()
    for function in functions(chunk):
        names = re.findall(r"(?<![\w.])[A-Za-z_]\w*(?!\w|=[^=])", function)
        found |= set(names) - local(function)
    if chunk.startswith("cdef extern"):
        # Of declarations the types count.
        for line in chunk.splitlines()[1:]:
            found -= set(re.findall(r"\(\*(\w+)\)", line) or declared(line))
            found -= {
                name for name in parameters(line) if re.search(rf"[\w*&] ?{name}\b[,)]", line)
            }
    return found


class Part:
    """One file: what it defines, imports and reads, and what its head says that it takes."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        parts = chunks(stripped(text))
        self.imports = {name for part in parts for name in imported(part)}
        self.defines = [name for part in parts for name in defined(part)]
        reads = set().union(*(used(part) for part in parts)) if parts else set()
        self.reads = reads - set(self.defines) - self.imports
        head = re.match(r"(?:#[^\n]*\n)*", text)
        said = re.sub(r"\n#   +", " ", head[0] if head else "")
        self.says = {
            other: names.split(", ")
            for other, names in re.findall(r"^# from (\w+): (.*)$", said, re.M)
        }


INCLUDED = (
    re.findall(r'^include "(\w+)\.pxi"', MODULE.read_text("utf-8"), re.M) if MODULE.exists() else []
)
FILES = {name: Part(name, (PARTS / f"{name}.pxi").read_text("utf-8")) for name in INCLUDED}
OWNER = {name: part.name for part in FILES.values() for name in part.defines}


def head(part: Part) -> str:
    """What the head of a part is to say."""
    lines = []
    for other in INCLUDED:
        names = sorted(name for name in part.reads if OWNER.get(name) == other)
        if names:
            line = f"# from {other}: " + ", ".join(names)
            lines += textwrap.wrap(line, 118, subsequent_indent="#     ", break_on_hyphens=False)
    return "\n".join(lines)


def test_all_parts_are_included():
    assert sorted(INCLUDED) == sorted(path.stem for path in PARTS.glob("*.pxi"))
    assert len(OWNER) > 250  # the definitions are seen at all


def test_no_name_is_defined_twice():
    seen: dict[str, str] = {}
    wrong = []
    for part in FILES.values():
        for name in part.defines:
            if name in seen:
                wrong.append(
                    f"{name} of {part.name}.pxi is defined in {seen[name]}.pxi already: rename one"
                )
            seen[name] = part.name
        wrong += [
            f"{part.name}.pxi imports {name}, which {OWNER[name]}.pxi defines: rename the import"
            for name in part.imports
            if name in OWNER
        ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", INCLUDED)
def test_a_part_takes_what_its_head_says(name):
    part = FILES[name]
    needed: dict[str, list[str]] = {}
    for read in sorted(part.reads):
        if read in OWNER:
            needed.setdefault(OWNER[read], []).append(read)
    said = {other: sorted(names) for other, names in part.says.items()}
    assert said == needed, f"the head of src/cython/{name}.pxi is to say\n{head(part)}"


@pytest.mark.parametrize("name", INCLUDED)
def test_a_part_takes_from_those_before_it(name):
    part = FILES[name]
    above = set(INCLUDED[INCLUDED.index(name) :])
    wrong = [
        f"{name}.pxi takes {read} from {OWNER[read]}.pxi, which _core.pyx includes after it: "
        "move what both need further up, or change the order"
        for read in sorted(part.reads)
        if OWNER.get(read) in above
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", INCLUDED)
def test_a_part_imports_what_it_uses(name):
    part = FILES[name]
    foreign = {other for one in FILES.values() for other in one.imports}
    missing = sorted(part.reads & foreign - set(OWNER))
    assert not missing, (
        f"{name}.pxi uses {', '.join(missing)} and leaves the import to another part"
    )


def test_the_reading_sees_what_it_is_for():
    text = textwrap.dedent(
        '''\
        # Something.
        # from boxes: Box,
        #     ArrayBox
        from cpython.ref cimport Py_INCREF as grow, Py_DECREF
        cdef extern from "x.hpp" namespace "a":
            """
            static int hidden(void);
            """
            cdef enum class Kind(unsigned char):
                Weak
            Made* make "a::make" (Box other, object value) except NULL
            struct Callbacks:
                Answer* (*own)(Given*, bint)
        cdef enum Form:
            Leaf  # the end
            Inner
        cdef dict known = {}
        _a = _b = outer(
            value
        )
        class One(Above):
            def method(self, x, *, first=start, other=None):
                for item, place in Box.all:
                    z = f"{item} {shown!r}: hidden" + call(key=given).attribute
                return lambda q: x + q
            cdef int more(self, Typed typed) except -1:
                global _a
                _a = 1
                return typed.kind
        '''
    )
    part = Part("some", text)
    assert part.says == {"boxes": ["Box", "ArrayBox"]}
    assert part.imports == {"grow", "Py_DECREF"}
    known = ["known", "_a", "_b", "One"]
    assert part.defines == ["Kind", "make", "Callbacks", "Form", "Leaf", "Inner", *known]
    assert part.reads >= {"Made", "Box", "Answer", "Given", "outer", "value", "Above", "start"}
    assert part.reads >= {"Typed", "shown", "call", "given"}
    assert not part.reads & {"hidden", "item", "place", "z", "q", "x", "attribute", "kind", "key"}
    assert not part.reads & {"own", "other"}
