"""Plots of results: ratio to the plain evaluation by workload, time against size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .report import columns

__all__ = ["plot"]

MARKS = {
    "fastad": ("o", "#0b6e4f"),
    "fastad.jit": ("D", "#08a045"),
    "fastad.into": ("d", "#6cc551"),
    "autograd": ("s", "#b23a48"),
    "torch": ("^", "#ee8434"),
    "jax": ("v", "#335c98"),
    "casadi": ("P", "#7d5ba6"),
    "xad": ("X", "#8d6b48"),
    "mygrad": ("<", "#c98bb9"),
    "hand": ("|", "#222222"),
}


def plot(results: Sequence[dict[str, Any]], folder: str | Path) -> list[Path]:
    """Draw both plots as PNG and SVG into a folder; gives the files."""
    import matplotlib

    matplotlib.use("Agg")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, figure in (("ratios", _ratios(results)), ("sizes", _sizes(results))):
        if figure is None:
            continue
        for kind in ("png", "svg"):
            files.append(folder / f"{name}.{kind}")
            figure.savefig(files[-1], bbox_inches="tight", dpi=120)
    return files


def _ratios(results: Sequence[dict[str, Any]]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 1.2 + 0.24 * len(results)))
    axes = figure.subplots()
    for peer in columns(results):
        marker, colour = MARKS[peer]
        rows = [row for row, result in enumerate(results) if peer in result["ratios"]]
        ratios = [results[row]["ratios"][peer] for row in rows]
        front = 3 if peer.startswith("fastad") else 2
        axes.plot(ratios, rows, marker, color=colour, label=peer, markersize=6, zorder=front)
    axes.axvline(1.0, color="0.6", linewidth=1.0)
    axes.set_xscale("log")
    axes.set_yticks(range(len(results)), [result["workload"] for result in results])
    axes.set_ylim(len(results) - 0.5, -0.5)
    axes.grid(axis="y", color="0.92")
    axes.set_axisbelow(True)
    axes.set_xlabel("time of value and gradient over that of plain evaluation (less is better)")
    axes.legend(ncols=5, loc="lower center", bbox_to_anchor=(0.4, 1.0), frameon=False)
    return figure


def _sizes(results: Sequence[dict[str, Any]]) -> Any:
    families: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        if result["family"]:
            families.setdefault(result["family"], []).append(result)
    families = {name: rows for name, rows in families.items() if len(rows) > 1}
    if not families:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * min(3, len(families)), 2.8 * -(-len(families) // 3)))
    grid = figure.subplots(-(-len(families) // 3), min(3, len(families)), squeeze=False)
    for axes in grid.ravel()[len(families) :]:
        axes.set_visible(False)
    for axes, (name, rows) in zip(grid.ravel(), families.items()):
        for peer in ["f", *columns(rows)]:
            marker, colour = MARKS.get(peer, (".", "0.6"))
            timed = [row for row in rows if peer in row["seconds"]]
            known = sorted((row["n"], row["seconds"][peer]) for row in timed)
            axes.loglog(*zip(*known), marker=marker, color=colour, label=peer, markersize=4)
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("n", fontsize=8)
        axes.set_ylabel("seconds", fontsize=8)
        axes.tick_params(labelsize=7)
    figure.tight_layout()
    handles = {}
    for axes in grid.ravel():
        handles.update(zip(*reversed(axes.get_legend_handles_labels())))
    place: dict[str, Any] = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0)}
    figure.legend(handles.values(), handles, ncols=5, frameon=False, **place)
    return figure
