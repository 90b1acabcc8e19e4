"""Results as a table, as JSON, and two of them compared."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .measure import readable
from .peers import PEERS, versions

__all__ = ["compare", "read", "table", "write"]


def machine() -> dict[str, Any]:
    """What the figures depend on beside the packages."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
            model = next(line.split(":")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "time": time.strftime("%Y-%m-%d %H:%M"),
    }


def write(results: Sequence[dict[str, Any]], path: str | Path) -> None:
    """Write the figures, with machine and versions, to a JSON file."""
    whole = {"machine": machine(), "versions": versions(), "results": list(results)}
    Path(path).write_text(json.dumps(whole, indent=1) + "\n", "utf-8")


def read(path: str | Path) -> dict[str, Any]:
    """Read a file that `write` made."""
    try:
        whole = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise SystemExit(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        whole = None
    if not isinstance(whole, dict) or "results" not in whole:
        raise SystemExit(f"{path} is no result of this suite (python -m benchmarks --json {path})")
    return whole


def columns(results: Sequence[dict[str, Any]]) -> list[str]:
    """The peers that any workload has a figure of."""
    return [peer for peer in PEERS if any(peer in result["ratios"] for result in results)]


def table(results: Sequence[dict[str, Any]]) -> str:
    """Markdown: time of f, and every peer's time over it; the least of a row in bold."""
    peers = columns(results)
    lines = ["| workload | f | " + " | ".join(peers) + " |", "|---" * (len(peers) + 2) + "|"]
    for result in results:
        ratios = result["ratios"]
        least = min(ratios.values(), default=0.0)
        cells = []
        for peer in peers:
            if peer in ratios:
                text = f"{ratios[peer]:.3g}"
                cells.append(f"**{text}**" if ratios[peer] == least else text)
            else:
                cells.append("differs" if peer in result["differs"] else "")
        name = result["workload"]
        lines.append(f"| {name} | {readable(result['seconds']['f'])} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def compare(before: dict[str, Any], after: dict[str, Any]) -> str:
    """How ratios to the plain evaluation changed from one result to another."""
    old = {result["workload"]: result["ratios"] for result in before["results"]}
    lines = [f"{'workload':28} {'peer':12} {'before':>9} {'after':>9} {'after/before':>13}"]
    for result in after["results"]:
        for peer, ratio in result["ratios"].items():
            known = old.get(result["workload"], {}).get(peer)
            if known is None:
                continue
            change = ratio / known
            mark = "slower" if change > 1.1 else "faster" if change < 1 / 1.1 else ""
            figures = f"{known:9.3g} {ratio:9.3g} {change:13.3f} {mark}"
            lines.append(f"{result['workload']:28} {peer:12} {figures}".rstrip())
    if len(lines) == 1:
        raise SystemExit("the two results have no workload in common")
    return "\n".join(lines)
