"""Progress of the loops that fastad itself runs."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

import fastad.numpy as np
from fastad import grad, hessian, jacobian
from fastad._impl import progress
from fastad._impl.operators import jacobians
from fastad.misc import optimizers

X = numpy.linspace(0.1, 1.0, 30)


def f(x: Any) -> Any:
    return np.sin(x) * np.sum(x**2)


def test_a_function_is_called_with_how_far_it_is() -> None:
    for op, rows in ((jacobian, 30), (hessian, 30)):
        calls: list[tuple[int, int]] = []
        function = f if op is jacobian else lambda x: np.sum(f(x))
        found = op(function, progress=lambda *at: calls.append(at))(X)
        numpy.testing.assert_allclose(found, op(function)(X), rtol=1e-14)
        assert len(calls) >= 10
        assert calls == sorted(calls)
        assert calls[-1] == (rows, rows)


def test_few_columns_are_pushed_forwards_with_progress_too(monkeypatch: Any) -> None:
    monkeypatch.setattr(jacobians, "_sweep_basis", lambda *_: pytest.fail("rows were swept"))
    calls: list[tuple[int, int]] = []
    function = lambda x: np.outer(x, np.sin(x))
    found = jacobian(function, progress=lambda *at: calls.append(at))(X)
    numpy.testing.assert_array_equal(found, jacobian(function)(X))
    assert calls == [(900, 900)]


def test_the_line_names_the_operator(capsys: pytest.CaptureFixture[str]) -> None:
    jacobian(f, progress=True)(X)
    hessian(lambda x: np.sum(f(x)), progress=True)(X)
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        "jacobian",
        "hessian",
    ]


def test_several_outputs_count_on() -> None:
    calls: list[tuple[int, int]] = []
    function = lambda x: {"a": x[:10] ** 2, "b": np.sum(x), "c": 1j * x[:5]}
    found = jacobian(function, progress=lambda *at: calls.append(at))(X)
    expected = jacobian(function)(X)
    for key in expected:
        numpy.testing.assert_allclose(found[key], expected[key])
    assert calls[-1] == (16, 16)
    assert calls == sorted(calls)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam"])
def test_optimizers(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    optimize = getattr(optimizers, name)
    loss = grad(lambda p, i: (p["a"] - 1.0) ** 2)
    calls: list[tuple[int, int]] = []
    seen = optimize(loss, {"a": 0.0}, num_iters=7, progress=lambda *at: calls.append(at))
    assert calls == [(i + 1, 7) for i in range(7)]
    assert seen == optimize(loss, {"a": 0.0}, num_iters=7)
    assert capsys.readouterr().err == ""
    optimize(loss, {"a": 0.0}, num_iters=7, progress=True)
    assert capsys.readouterr().err.startswith(f"{name}: 7 of 7, ")


def test_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    assert list(progress.counted(6, "work", True)) == list(range(6))
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["work: 3 of 6, 6 s, 6 s left", "work: 6 of 6, 12 s"]
