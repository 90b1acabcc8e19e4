"""docs/errors.md explains every message that the sources raise, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import ModuleType

import numpy
import pytest
import scipy

import fastad

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(fastad.__file__).resolve().parent
EXPLAINED = (ROOT / "docs" / "errors.md").read_text("utf-8")
# Where an expression stands in a message.
GAP = "\0"


def phrases() -> list[list[str]]:
    """The messages that the page quotes, in the parts between what varies."""
    quoted = re.findall(r'\*\*"(.*?)"\*\*', EXPLAINED, re.DOTALL)
    varies = r"\.\.\.|'\w+'|\b\d[\d.]*|\(f\)|[VJ][JV]P of|grad:|debug_mutation:"
    split = [re.split(varies, " ".join(one.split())) for one in quoted]
    return [[part.strip(" ,:;.") for part in parts if part.strip(" ,:;.")] for parts in split]


PHRASES = [parts for parts in phrases() if parts]

# Of Python, NumPy and SciPy: the functions that stand for theirs raise what theirs raise. Beside
# these are the messages whose words are found in NumPy's or SciPy's sources; here are those of
# compiled code, with other names in them, or of newer versions.
THEIRS = [
    f"{GAP}() got an unexpected keyword argument",
    f"{GAP}() got multiple values for argument",
    f"{GAP}() missing a required argument",
    f"{GAP}() takes at most",
    f"{GAP}() takes no keyword arguments",
    "'list' object cannot be interpreted as an integer",
    "List at arrays cannot be empty",
    "Maximum allowed dimension exceeded",
    "At least one array has zero dimension",
    "Both input arrays must be (arrays of) 3-dimensional vectors",
    "Cannot cast ufunc",
    "Input array must be at least",
    "Input arrays must be one-dimensional",
    "Shape of weights must be consistent with shape of a",
    "acceptable modes are",
    'average must be "median" or "mean"',
    "footprint array has incorrect shape",
    f"padtype {GAP} is none of",
    "arrays to stack must be passed as a sequence type",
    "can only convert an array of size 1 to a Python scalar",
    "clipmode must be one of",
    "condition must be a 1-d array",
    "convolve() got an unexpected keyword argument",
    "for 'valid' one array must be at least as long",
    "ddof and correction can't be provided simultaneously",
    "incompatible dimensions for cross product",
    "inconsistent shapes",
    "list depths are mismatched",
    "non-broadcastable output operand",
    "numpy.einsum:",
    "only 'C' or 'F' order is permitted",
    "only lists can be used to arrange blocks",
    "repeats may not contain negative values",
    "start arg requires",
    "unsupported keyword arguments for mode",
    "when axis=None, `indices` must have a single dimension",
    "__array_ufunc__ takes a ufunc",
    f"numpy.{GAP}: axis is required for more than one dimension",
    "tolerances must be non-negative",
]

# What no program of a user's meets: misuse of parts of fastad by fastad itself, and autograd's
# helpers that only its own rules call.
INTERNAL = [
    "a form is None or a tuple",
    "a dict's form has keys and parts",
    "a form's parts are a tuple",
    "a formula's step has more than four operands",
    "a recording takes floats",
    "add() takes a Program",
    "add(): a program is planned before it is added",
    "convolve: axes and dot_axes must pair",
    "convolve: too many arguments",
    "error without exception",
    "exception of unknown type",
    "fingerprint() takes an array",
    "install() takes a Signature",
    "is not elementwise",
    "items() takes a list",
    "make_diagonal: axis1 and axis2",
    "no kernels called",
    "no operation is called",
    "operands of different sizes",
    "position: not a traced value of this tape",
    "programs are made by Recording.finish()",
    "programs of one signature have the same inputs",
    "remove() takes a Signature",
    "run(): the wrong number of inputs",
    "Signature(): lifted is",
    "there is no slot",
    "this operation is run by the core",
    "this program has",
    "this recording is",
    "transpose: its axes were changed after it was called",
]


def written(node: ast.expr, constants: dict[str, str]) -> str:
    """The text of an expression, with a gap for each part that varies."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(written(value, constants) for value in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return written(node.left, constants) + written(node.right, constants)
    if isinstance(node, ast.Name):
        return constants.get(node.id, GAP)
    return GAP


def of_python(text: str) -> list[str]:
    """The messages of the errors and warnings that a module makes."""
    tree = ast.parse(text)
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }
    return [
        written(node.args[0], constants)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and re.search(r"(Error|Warning|Unwatchable|Refused)$", ast.unparse(node.func))
        and node.args
    ]


def of_cython(text: str) -> list[str]:
    """The same of a part of the binding."""
    literal = r'(f?)"((?:\\.|[^"\\])*)"'
    return [
        "".join(
            re.sub(r"\{[^{}]*\}", GAP, words) if formatted else words
            for formatted, words in re.findall(literal, found[1])
        )
        for found in re.finditer(r'\b[A-Z]\w+Error\(\s*((?:f?"(?:\\.|[^"\\])*"\s*)+)', text)
    ]


def of_cpp(text: str) -> list[str]:
    """The same of a C++ source."""
    found = []
    for call in re.finditer(
        r"(?:PyErr_(?:SetString|Format)|throw [\w:]+)\s*\(([^;]*?)\);", text, re.S
    ):
        pieces = re.findall(r'"((?:\\.|[^"\\])*)"|([^\s"])', call[1])
        words = "".join(literal or GAP for literal, _ in pieces)
        found.append(re.sub(f"{GAP}+", GAP, re.sub(r"%\w+", GAP, words)))
    return found


def messages() -> list[str]:
    """Every message of the sources that says something itself."""
    found = []
    for folder, ending, read in (
        (PACKAGE, "*.py", of_python),
        (ROOT / "src", "*.p[xy][ix]", of_cython),
        (ROOT / "src", "*.[ch]pp", of_cpp),
    ):
        for file in sorted(folder.rglob(ending)):
            found += read(file.read_text("utf-8"))
    return sorted({one for one in found if re.search(r"[a-z] [a-z]", one)})


MESSAGES = messages()


def test_each_explanation_follows_its_message():
    # A term of a definition list that goes on in a second line is no term.
    for found in re.finditer(r'^(\*\*".*)\n(.*)$', EXPLAINED, re.MULTILINE):
        assert found[2].startswith(": "), found[1]


def test_each_message_explained_is_raised():
    files = [*(ROOT / "src").rglob("*.[cp]*"), *PACKAGE.rglob("*.py")]
    text = "\n".join(file.read_text("utf-8") for file in files if file.is_file())
    text = re.sub(r'"\s*\n\s*[rf]?"', "", text)  # literals that are joined
    assert len(PHRASES) > 150
    for parts in PHRASES:
        if any("Numba" in part or "cannot convert Python type" in part for part in parts):
            continue  # of other packages
        for part in parts:
            assert part in text, part


def explained(message: str) -> bool:
    return any(all(part in message for part in parts) for parts in PHRASES)


def sources_of(package: ModuleType) -> str:
    return "\n".join(
        re.sub(r"""(["'])\s*\n\s*[rf]?\1""", "", file.read_text("utf-8", errors="ignore"))
        for file in Path(str(package.__file__)).parent.rglob("*.py")
        if "tests" not in file.parts
    )


def without_words_of(package: ModuleType, found: list[str]) -> list[str]:
    """The messages that the package's sources do not have."""
    sources = sources_of(package) if found else ""
    split = {
        one: [part.strip() for part in one.split(GAP) if len(part.strip()) > 3] for one in found
    }
    return [one for one, parts in split.items() if not all(part in sources for part in parts)]


def test_each_message_raised_is_explained():
    assert len(MESSAGES) > 250  # they are seen at all
    missing = [
        message
        for message in MESSAGES
        if not explained(message) and not any(known in message for known in [*THEIRS, *INTERNAL])
    ]
    missing = without_words_of(scipy, without_words_of(numpy, missing))
    text = "\n".join(missing).replace(GAP, "...")
    assert not missing, f"explain them in docs/errors.md:\n{text}"


@pytest.mark.parametrize("known", [*THEIRS, *INTERNAL])
def test_what_needs_no_explanation_is_raised(known):
    assert any(known in message for message in MESSAGES)
