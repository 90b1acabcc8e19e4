"""The examples run without a display, in seconds, and learn what they should."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
pytestmark = pytest.mark.skipif(
    not EXAMPLES.is_dir(), reason="the examples are not beside the tests"
)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Return a function that runs an example's main and gives its result."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.chdir(tmp_path)

    def main(name, *arguments):
        spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.main([str(argument) for argument in arguments])

    return main


def test_logistic_regression_on_the_bundled_data(run, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    result = run("logistic_regression", "--steps", 200)
    assert result["history"][0] == pytest.approx(numpy.log(2))
    assert result["history"][-1] < 0.26
    assert numpy.all(numpy.diff(result["history"]) < 0)
    assert result["accuracy"] > 0.88
    out = capsys.readouterr().out
    assert "step     0" in out and "trained: loss 0.693147 ->" in out and "test accuracy" in out
    assert (tmp_path / "logistic_regression.png").stat().st_size > 5000


def test_logistic_regression_on_a_file_of_the_users(run, tmp_path):
    random = numpy.random.default_rng(0)
    x = random.normal(size=(200, 2))
    label = numpy.where(x @ [2.0, -1.0] > 0, "yes", "no")
    lines = ["a,b,kind,answer"]
    lines += [f"{a},{b},{'pq'[i % 2]},{c}" for i, ((a, b), c) in enumerate(zip(x, label))]
    lines.append("1.0,,p,yes")
    data = tmp_path / "data.csv"
    data.write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = run("logistic_regression", data, "--no-plot")
    assert result["names"] == ["a", "b", "kind=q"]
    assert result["accuracy"] > 0.95
    weights = result["parameters"]["weights"]
    assert weights[0] > 0 > weights[1]
    assert not (tmp_path / "logistic_regression.png").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n1,3\n1,4\n", "has 3 classes, not two"),
        ("a,b\n1,2\n1\n", "row 3 has 1 fields, not 2"),
        ("a,b\n", "a header and at least one row"),
        ("a,b\n,2\n", "every row has an empty field"),
        ("a,b\n1,2\n1,3\n", "no column varies"),
    ],
)
def test_logistic_regression_names_what_is_wrong_with_a_file(run, tmp_path, text, message):
    data = tmp_path / "data.csv"
    data.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match=message):
        run("logistic_regression", data, "--no-plot")


def test_logistic_regression_names_a_missing_file_and_column(run, tmp_path):
    with pytest.raises(SystemExit, match="nowhere.csv"):
        run("logistic_regression", tmp_path / "nowhere.csv")
    with pytest.raises(SystemExit, match="no column is named 'age'"):
        run("logistic_regression", "--target", "age")


def test_logistic_regression_as_a_program(tmp_path):
    """The main job as a user starts it, from a folder of their own."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "logistic_regression.py"), "--steps", "20", "--no-plot"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "trained: loss 0.693147" in done.stdout


def test_tanh_derivatives(run, tmp_path):
    pytest.importorskip("matplotlib")
    result = run("tanh_derivatives", "--output", tmp_path / "tanh.png")
    centre = [curve[100] for curve in result["curves"]]
    assert centre == pytest.approx([0, 1, 0, -2, 0, 16, 0], abs=1e-9)
    t = numpy.tanh(result["x"])
    numpy.testing.assert_allclose(result["curves"][2], -2 * t * (1 - t * t), atol=1e-12)
    assert (tmp_path / "tanh.png").stat().st_size > 5000


def test_neural_net(run):
    result = run("neural_net", "--steps", 100, "--no-plot")
    assert result["history"][-1] < 0.05 < result["history"][0]
    assert result["accuracy"] > 0.95


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_recurrent_net(run, cell):
    options = ["--cell", cell, "--steps", 40, "--hidden", 24, "--length", 15, "--batch", 16]
    result = run("rnn", *options, "--no-plot")
    assert result["history"][-1] < 0.8 * result["history"][0]


def test_convolutional_net(run):
    result = run("convolutional_net", "--steps", 80, "--no-plot")
    assert result["history"][-1] < 0.7 * result["history"][0]
    assert result["accuracy"] > 0.6


def test_custom_primitive(run):
    result = run("custom_primitive", "--no-plot")
    numpy.testing.assert_allclose(result["gradient"], result["softmax"], rtol=1e-14)
    numpy.testing.assert_allclose(result["hessian"], result["expected"], atol=1e-15)
    numpy.testing.assert_allclose(result["large"], [0.7310585786300049, 0.2689414213699951])


def test_gaussian_process(run):
    result = run("gaussian_process", "--steps", 120, "--no-plot")
    assert result["history"][-1] < result["history"][0] - 20
    inside = numpy.abs(result["grid"]) < 2.5
    truth = numpy.sin(2.0 * result["grid"])
    assert numpy.sqrt(numpy.mean((result["mean"] - truth)[inside] ** 2)) < 0.15


def test_variational_inference(run):
    result = run("variational_inference", "--steps", 250, "--no-plot")
    assert result["history"][-1] > result["history"][0] + 4
    numpy.testing.assert_allclose(result["mean"], 0.0, atol=0.2)
    assert numpy.all((result["deviation"] > 0.4) & (result["deviation"] < 0.9))


def test_bayesian_neural_net(run):
    result = run("bayesian_neural_net", "--steps", 600, "--no-plot")
    assert result["history"][-1] < 0.2 * result["history"][0]
    assert result["error"] < 0.2
    # It is surer between the data than beyond them.
    assert result["spread"][abs(result["grid"]) > 3].mean() > result["spread"].min() * 3


def test_ode_net(run):
    result = run("ode_net", "--steps", 120, "--no-plot")
    assert result["history"][-1] < 0.3 * result["history"][0]


def test_hidden_markov_model(run):
    result = run("hidden_markov_model", "--steps", 100, "--length", 200, "--no-plot")
    numpy.testing.assert_allclose(result["means"], [-2.0, 0.5, 3.0], atol=0.3)
    numpy.testing.assert_allclose(result["probabilities"].sum(axis=1), 1.0, rtol=1e-12)
    assert result["accuracy"] > 0.95


def test_fluid_simulation(run):
    result = run("fluid_simulation", "--size", 24, "--frames", 8, "--steps", 30, "--no-plot")
    assert result["history"][-1] < 0.4 * result["history"][0]


def test_sinkhorn(run):
    result = run("sinkhorn", "--points", 40, "--steps", 15, "--no-plot")
    assert result["history"][-1] < 0.5 * result["history"][0]
    assert result["distance"].mean() < 0.1
