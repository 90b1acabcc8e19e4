"""Measures fastad beside its peers, and prints a table of ratios to the plain evaluation.

    python -m benchmarks                          every workload, every peer that is installed
    python -m benchmarks taylor-sine elementwise  those whose name begins so; a group's name as well
    python -m benchmarks --quick                  a selection, short samples: under two minutes
    python -m benchmarks --peers autograd,jax     these peers beside fastad
    python -m benchmarks --json r.json --plots d  figures to a file, plots to a folder
    python -m benchmarks --compare a.json b.json  two results side by side; measures nothing
    python -m benchmarks --costs | --counts       fixed costs; instructions, by callgrind

"f" is the plain evaluation: Python floats for programs of numbers, NumPy for programs of arrays. A
gradient that is not fastad's is not timed, and is an error. One thread, samples interleaved.
"""

# ruff: noqa: E402
from __future__ import annotations

import os

# One thread for every BLAS; it is read when NumPy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import argparse
import importlib.util
import sys
import time
from collections.abc import Sequence
from typing import Any

from . import measure, report, running
from .peers import PACKAGES, PEERS, missing
from .workloads import Workload, load


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(
        "python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("names", nargs="*", help="workloads or groups, by the start of the name")
    options.add_argument("--peers", help="names, with commas between; all if none")
    options.add_argument("--list", action="store_true", help="name workloads and peers")
    options.add_argument("--quick", action="store_true", help="a selection, short samples")
    options.add_argument("--strict", action="store_true", help="fail where a target is missed")
    options.add_argument("--json", metavar="FILE", help="write the figures to a file")
    options.add_argument("--table", metavar="FILE", help="write the table to a file as well")
    options.add_argument("--plots", metavar="FOLDER", help="draw plots (PNG and SVG)")
    options.add_argument("--compare", nargs=2, metavar="FILE", help="compare two results")
    options.add_argument("--costs", action="store_true", help="fixed costs")
    options.add_argument("--counts", action="store_true", help="instructions, by callgrind")
    args = options.parse_args(arguments)
    effort = measure.QUICK if args.quick else measure.FULL
    if args.compare:
        print(report.compare(*map(report.read, args.compare)))
        return 0
    if args.costs:
        return _costs(effort, args.strict)
    if args.counts:
        return _counts()
    if args.list:
        for workload in load().values():
            print(f"{workload.name:28} {workload.group:10} {workload.build.__doc__}")
        print("peers:", ", ".join(PEERS))
        return 0
    picked = _pick(args.names, args.quick)
    peers = _peers(args.peers)
    _check_places((args.json, args.table), args.plots)
    results = _measure(picked, peers, effort)
    print()
    table = report.table(results)
    print(table)
    if args.table:
        with open(args.table, "w", encoding="utf-8") as file:
            file.write(table + "\n")
    if args.json:
        report.write(results, args.json)
    if args.plots:
        from . import plots

        print("\nplots:", *plots.plot(results, args.plots))
    return _verdict(results, args.strict)


def _pick(names: Sequence[str], quick: bool) -> list[Workload]:
    workloads = load()
    for name in names:
        if not any(w.name.startswith(name) or w.group == name for w in workloads.values()):
            raise SystemExit(f"no workload's name or group begins with {name!r}; see --list")
    starts = tuple(name for name in names if name not in workloads)
    return [
        w
        for w in workloads.values()
        if (names or w.quick or not quick)
        and (not names or {w.name, w.group} & set(names) or w.name.startswith(starts))
    ]


def _peers(given: str | None) -> list[str]:
    absent = missing()
    if given is None:
        if absent:
            print(f"not installed, and left out: {', '.join(absent)}")
        return [peer for peer in PEERS if peer not in absent]
    named = [name.strip() for name in given.split(",") if name.strip()]
    for name in named:
        if name not in PEERS:
            raise SystemExit(f"no peer is called {name!r}; there are {', '.join(PEERS)}")
    wanting = [name for name in named if name in absent]
    if wanting:
        packages = " ".join(PACKAGES.get(name, name) for name in wanting)
        raise SystemExit(f"not installed: {', '.join(wanting)}; pip install {packages}")
    return [peer for peer in PEERS if peer in {"fastad", "fastad.jit", *named}]


def _check_places(files: Sequence[str | None], plots: str | None) -> None:
    """End now, and not when all is measured, where the results could not be written."""
    for file in filter(None, files):
        folder = os.path.dirname(os.path.abspath(file))
        if os.path.isdir(file):
            raise SystemExit(f"{file} is a folder; give the name of a file in it")
        if not os.access(folder, os.W_OK):
            raise SystemExit(f"{file} cannot be written: there is no such folder, or it is closed")
    if plots is not None:
        if importlib.util.find_spec("matplotlib") is None:
            raise SystemExit("plots need Matplotlib: pip install matplotlib")
        try:
            os.makedirs(plots, exist_ok=True)
        except OSError as error:
            raise SystemExit(f"the folder {plots} cannot be made: {error.strerror}") from None


def _measure(
    picked: Sequence[Workload], peers: Sequence[str], effort: measure.Effort
) -> list[dict[str, Any]]:
    results = []
    for turn, workload in enumerate(picked):
        start = time.perf_counter()
        print(f"[{turn + 1:2}/{len(picked)}] {workload.name:28}", end="", flush=True)
        result = running.run(workload, peers, effort)
        results.append(result)
        shown = [f"{peer} {ratio:.3g}" for peer, ratio in result["ratios"].items()]
        print(f"f {measure.readable(result['seconds']['f'])}; x f: {', '.join(shown)}", end="")
        print(f" ({time.perf_counter() - start:.0f} s)", flush=True)
        for peer, reason in result["cannot"].items():
            if peer != "hand":
                print(f"{'':8}{peer} cannot: {reason}")
        for peer in result["differs"]:
            print(f"{'':8}{peer} gives another gradient, and is not timed")
    return results


def _verdict(results: Sequence[dict[str, Any]], strict: bool) -> int:
    wrong = [f"{r['workload']} ({peer})" for r in results for peer in r["differs"]]
    if wrong:
        print("\ngradients that differ from fastad's:", ", ".join(wrong), file=sys.stderr)
        return 1
    short = [
        f"{r['workload']} {r['ratios']['fastad']:.3g} (target {r['target']:g})"
        for r in results
        if r["target"] is not None and r["ratios"]["fastad"] > r["target"]
    ]
    if short and strict:
        print("\nabove the target:", ", ".join(short), file=sys.stderr)
        return 1
    return 0


def _costs(effort: measure.Effort, strict: bool) -> int:
    from .calls import calls
    from .costs import costs

    short = False
    for figure in (*costs(effort), *calls(effort)):
        print(figure.line(), flush=True)
        short = short or (figure.target is not None and figure.value > figure.target)
    return int(short and strict)


def _counts() -> int:
    from .counts import GUARDS, count

    over = False
    for guard in GUARDS:
        found = count(guard)
        over = over or found > guard.most
        verdict = "ok" if found <= guard.most else "more"
        print(f"{guard.name:46} {found:9.1f} instructions <= {guard.most:g}  {verdict}", flush=True)
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
