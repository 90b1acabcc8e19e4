"""The programs of the README and of docs/ run as they stand; commands name what exists."""

from __future__ import annotations

import re
from pathlib import Path

import numpy
import pytest

import fastad
from fastad.numpy import registry

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
pytestmark = pytest.mark.skipif(not README.is_file(), reason="no README beside the tests")


def blocks(language, path=README):
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_example_in_ten_lines(capsys):
    program = next(block for block in blocks("python") if "def loss" in block)
    exec(compile(program, "README.md", "exec"), {})
    shape, second, third = re.fullmatch(r"(\(.*\)) (\S+) (\S+)\n", capsys.readouterr().out).groups()
    t = numpy.tanh(0.5)
    assert shape == "(3, 4)"
    assert float(second) == pytest.approx(-2 * t * (1 - t * t), rel=1e-12)
    assert float(third) == -1.0


def test_the_primitive():
    program = next(block for block in blocks("python") if "@primitive" in block)
    names = {}
    exec(compile(program, "README.md", "exec"), names)
    x = numpy.array([1.0, 2.0, 4.0])
    softmax = numpy.exp(x) / numpy.sum(numpy.exp(x))
    logsumexp = names["logsumexp"]
    numpy.testing.assert_allclose(fastad.grad(logsumexp)(x), softmax, rtol=1e-14)
    expected = numpy.diag(softmax) - numpy.outer(softmax, softmax)
    numpy.testing.assert_allclose(fastad.hessian(logsumexp)(x), expected, atol=1e-15)
    assert fastad.make_jvp(logsumexp)(x)(x)[1] == pytest.approx(softmax @ x, rel=1e-14)


def test_commands_name_files_that_exist():
    commands = "\n".join(blocks("sh"))
    named = re.findall(r"\b(?:examples|benchmarks)/\w+\.py", commands)
    assert "examples/logistic_regression.py" in named
    assert all((ROOT / name).is_file() for name in named)


def test_the_operators_listed_are_there():
    text = README.read_text(encoding="utf-8")
    listed = re.search(r"The operators: (.*?)\n\n", text, re.DOTALL).group(1)
    for name in re.findall(r"`(\w+)`", listed):
        assert callable(getattr(fastad, name)), name


def test_the_page_on_extending(capsys):
    names = {}
    path = ROOT / "docs" / "extending.md"
    with pytest.warns(UserWarning, match="finite|numeric|differences"):
        for block in blocks("python", path):
            exec(compile(block, path.name, "exec"), names)
    printed = capsys.readouterr().out.splitlines()
    x = numpy.array([1.0, 2.0, 3.0])
    softmax = numpy.exp(x) / numpy.sum(numpy.exp(x))
    second = softmax[0] * (numpy.array([1.0, 0.0, 0.0]) - softmax)
    numbers = [numpy.array(line.strip("[]").split(), float) for line in printed]
    numpy.testing.assert_allclose(numbers[0], softmax, atol=1e-8)
    numpy.testing.assert_allclose(numbers[1], second, atol=1e-8)
    assert numbers[2] == pytest.approx(numpy.cos(1.0))
    assert numbers[3] == pytest.approx(4 * numpy.pi, rel=1e-8)
    assert list(numbers[4]) == [-4.0, 4.0]
    assert fastad.grad(numpy.sin)(3.0) == numpy.cos(3.0)  # the built-in rule is back


def test_the_page_of_operations_is_complete():
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    older = {"asfarray", "cumproduct", "in1d", "product", "row_stack", "sometrue", "alltrue"}
    older |= {
        "trapz",
        "round_",
        "fix",
        "msort",
    }  # names that the NumPy of the printed page has no more
    for name in registry.table:
        assert f"`{name}`" in text or name in older, name
