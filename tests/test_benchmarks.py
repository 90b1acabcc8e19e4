"""The benchmark suite: its programs are right, and it runs from the picking to the plots."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

ROOT = Path(__file__).resolve().parent.parent


def _find_suite() -> None:
    """Import the suite from beside the tests; the folder that it lies in stays out of sys.path."""
    folder = ROOT / "benchmarks"
    spec = importlib.util.spec_from_file_location(
        "benchmarks", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    sys.modules["benchmarks"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["benchmarks"])


_find_suite()

from benchmarks import __main__ as suite  # noqa: E402
from benchmarks import kinds, measure, peers, report, running  # noqa: E402
from benchmarks.trees import flat  # noqa: E402
from benchmarks.workloads import Workload, adbench, hand, load  # noqa: E402

SMALL = [name for name, one in load().items() if one.quick and one.n <= 1000]


@pytest.mark.parametrize("name", SMALL)
def test_gradients_agree(name: str) -> None:
    workload = load()[name]
    args = workload.make()
    found = {}
    for peer in ("fastad", "autograd", "hand"):
        try:
            prepared = peers.PEERS[peer](workload, args)
        except peers.Cannot:
            continue
        found[peer] = prepared.gradient(prepared.call())
    assert "autograd" in found
    for other in found.values():
        assert running.agree(found["fastad"], other)


def test_adbench_s_own_results() -> None:
    import fastad
    import fastad.numpy as np

    args = adbench._mixture("1k_gmm_d2_K5")
    value, gradient = fastad.value_and_grad(adbench.mixture(np), (0, 1, 2))(*args)
    numpy.testing.assert_allclose(value, -5240.590562549577, rtol=1e-12)
    known = numpy.loadtxt(adbench.DATA / "1k_gmm_d2_K5.gradient.txt")
    numpy.testing.assert_allclose(flat(gradient), known, rtol=1e-8, atol=1e-8)
    args = adbench._lstm()
    value, gradient = fastad.value_and_grad(adbench.diagonal_lstm(np), (0, 1))(*args)
    numpy.testing.assert_allclose(value, 0.6666651795588522, rtol=1e-12)
    known = numpy.loadtxt(adbench.DATA / "lstm_l2_c1024.gradient.txt")
    numpy.testing.assert_allclose(flat(gradient), known, rtol=1e-7, atol=1e-12)
    known = numpy.loadtxt(adbench.DATA / "hand_c192.jacobian.txt")
    jacobian = fastad.jacobian(hand.hand(np))(*hand._hand())
    numpy.testing.assert_allclose(jacobian, known, rtol=0, atol=1e-7)


def test_a_jacobian_by_columns_and_by_rows_is_the_same() -> None:
    import fastad
    import fastad.numpy as np

    args = hand._observation()
    found = []
    for what in ("jacobian", "columns", "rows"):
        workload = Workload(what, "hand", hand.observation, hand._observation, what=what)
        function = kinds.like_autograd(fastad, workload, hand.observation(np))
        found.append(function(*args))
    assert found[0].shape == (2, 15)
    assert running.agree(found[0], found[1])
    assert running.agree(found[0], found[2])


def test_a_whole_run_ends_at_the_minimum_and_f_is_as_many_evaluations() -> None:
    workload = load()["l-bfgs-2"]
    args = workload.make()
    runs = [
        peers.PEERS[peer](workload, args).call() for peer in ("fastad", "fastad.jit", "autograd")
    ]
    for found in (*runs, peers.PEERS["hand"](workload, args).call()):
        numpy.testing.assert_allclose(found.x, numpy.ones(2), atol=1e-4)
    assert len(kinds.evaluation(workload, args)()) == runs[0].nfev


def test_from_names_to_table_json_and_plots(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "QUICK", measure.Effort(0.0002, 2, 0.05, 1))
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    names = ["indexed-squares-100", "indexed-squares-1000", "logistic-4x3"]
    for file in files:
        status = suite.main(
            [*names, "--quick", "--peers", "hand", "--json", str(file)]
            + ["--plots", str(tmp_path), "--table", str(tmp_path / "table.md")]
        )
        assert status == 0
    assert len(list(tmp_path.glob("*.png"))) == len(list(tmp_path.glob("*.svg"))) == 2
    results = json.loads(files[0].read_text())
    assert [one["workload"] for one in results["results"]] == [names[2], *names[:2]]
    for one in results["results"]:
        assert one["seconds"]["f"] > 0
        assert set(one["ratios"]) - {"hand"} == {"fastad", "fastad.jit"}
        assert not one["differs"]
    assert {"cpu", "python"} <= set(results["machine"])
    table = (tmp_path / "table.md").read_text()
    assert table.count("**") == 2 * 3
    capsys.readouterr()
    assert suite.main(["--compare", *map(str, files)]) == 0
    assert capsys.readouterr().out.count("fastad.jit") == 3


def test_another_gradient_is_not_timed_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = peers.by_hand

    def wrong(workload: Workload, args: Any) -> Any:
        prepared = right(workload, args)
        return peers.Prepared(prepared.call, lambda result: 1.001 * prepared.gradient(result))

    monkeypatch.setitem(peers.PEERS, "hand", wrong)
    monkeypatch.setattr(measure, "QUICK", measure.Effort(0.0002, 2, 0.05, 1))
    assert suite.main(["logistic-4x3", "--quick", "--peers", "hand"]) == 1
    shown = capsys.readouterr()
    assert "another gradient" in shown.out
    assert "logistic-4x3 (hand)" in shown.err


@pytest.mark.parametrize("option", ["--json", "--table", "--plots"])
def test_places_that_cannot_be_written_are_named_before_anything_is_measured(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "_measure", lambda *_: pytest.fail("it measured"))
    file = tmp_path / "file"
    file.write_text("")
    place = file if option == "--plots" else tmp_path / "missing" / "file"
    with pytest.raises(SystemExit, match="cannot be"):
        suite.main(["fifty-sines", option, str(place)])
    if option != "--plots":
        with pytest.raises(SystemExit, match="is a folder"):
            suite.main(["fifty-sines", option, str(tmp_path)])


def test_files_that_are_no_results(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="cannot be read: No such file"):
        suite.main(["--compare", str(tmp_path / "a.json"), str(tmp_path / "a.json")])
    for text in ("no JSON", "[]", "{}"):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(SystemExit, match="is no result of this suite"):
            suite.main(["--compare", str(tmp_path / "a.json"), str(tmp_path / "a.json")])


def test_names_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="no workload"):
        suite.main(["nothing"])
    with pytest.raises(SystemExit, match="no peer is called 'theano'"):
        suite.main(["--peers", "theano"])
    monkeypatch.setattr(suite, "missing", lambda: ["casadi", "xad", "jax"])
    with pytest.raises(SystemExit, match="not installed: casadi, xad; pip install casadi xad"):
        suite.main(["--peers", "casadi,xad"])
    assert running.agree(numpy.ones(2), numpy.ones(2) + 1e-12)
    assert not running.agree(numpy.ones(2), numpy.ones(2) + 1e-6)
    with pytest.raises(SystemExit, match="no workload in common"):
        report.compare({"results": []}, {"results": []})


def test_it_runs_beside_sources_that_are_not_compiled(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "benchmarks", tmp_path / "benchmarks")
    (tmp_path / "fastad").mkdir()
    (tmp_path / "fastad" / "__init__.py").write_text("raise ImportError('not compiled')")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "taylor-sine", "--quick", "--peers", "fastad"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "| taylor-sine |" in done.stdout, done.stderr
