"""Operations in layers as an SVG picture."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .recording import Node

_HEIGHT, _GAP_X, _GAP_Y, _MARGIN, _CHARACTER = 46, 26, 44, 16, 6.6
_COLOURS = {"input": "#dcebfb", "output": "#fbe7d3", "other": "#f4f4f4"}
_STYLE = (
    "text{font:11px monospace;text-anchor:middle;fill:#222}.name{font-weight:bold}"
    "rect{stroke:#888}path{fill:none}.forward{stroke:#555}"
    ".backward{stroke:#b03030;stroke-dasharray:4 3}"
)


def _layers(nodes: Sequence[Node]) -> list[list[int]]:
    """Nodes by layer: longest paths, ordered by barycentres (Sugiyama et al. 1981)."""
    depth: list[int] = []
    for node in nodes:
        depth.append(max((depth[k] + 1 for k in node.parents), default=0))
    layers: list[list[int]] = [[] for _ in range(max(depth, default=0) + 1)]
    for i, level in enumerate(depth):
        layers[level].append(i)
    children: dict[int, list[int]] = {i: [] for i in range(len(nodes))}
    for i, node in enumerate(nodes):
        for k in node.parents:
            children[k].append(i)
    position = {i: float(x) for layer in layers for x, i in enumerate(layer)}
    for turn in range(4):
        down = turn % 2 == 0
        for layer in layers if down else reversed(layers):
            centre = {}
            for i in layer:
                near = nodes[i].parents if down else children[i]
                centre[i] = sum(position[k] for k in near) / len(near) if near else position[i]
            layer.sort(key=centre.__getitem__)
            position.update({i: float(x) for x, i in enumerate(layer)})
    return layers


def _edge(style: str, start: tuple[float, float], end: tuple[float, float]) -> str:
    middle = (start[1] + end[1]) / 2
    path = (
        f"M{start[0]:.1f},{start[1]:.1f} C{start[0]:.1f},{middle:.1f} "
        f"{end[0]:.1f},{middle:.1f} {end[0]:.1f},{end[1]:.1f}"
    )
    return f"<path class='{style}' d='{path}' marker-end='url(#{style})'/>"


def _box(number: int, node: Node, colour: str, place: tuple[float, float], width: float) -> str:
    x, y = place
    lines = [f"%{number} = {node.name}", node.line]
    if node.formula:
        lines.append(f"derivative: {node.formula}")
    if node.kept:
        lines.append(f"keeps {node.kept} bytes for it")
    details = "\n".join(filter(None, lines))
    middle = x + width / 2
    return (
        f"<g><title>{escape(details)}</title>"
        f"<rect x='{x:.1f}' y='{y}' width='{width:.1f}' height='{_HEIGHT}' rx='5' fill='{colour}'/>"
        f"<text x='{middle:.1f}' y='{y + 19}' class='name'>{escape(node.name)}</text>"
        f"<text x='{middle:.1f}' y='{y + 36}'>{escape(_size(node))}</text></g>"
    )


def _size(node: Node) -> str:
    return node.size + (f", keeps {node.kept} B" if node.kept else "")


def picture(title: str, nodes: Sequence[Node], outputs: Sequence[int]) -> str:
    """SVG of a graph whose nodes are in the order of execution."""
    if not nodes:
        text = f"<text x='180' y='36'>{escape(title)}: the result does not depend on it</text>"
        return _frame(title, 360, 60, [text])
    widths = [max(len(n.name), len(_size(n))) * _CHARACTER + 18 for n in nodes]
    layers = _layers(nodes)
    rows = [sum(widths[i] for i in layer) + _GAP_X * (len(layer) - 1) for layer in layers]
    width = max(rows) + 2 * _MARGIN
    boxes: dict[int, tuple[float, float]] = {}
    for level, (layer, row) in enumerate(zip(layers, rows)):
        x = (width - row) / 2
        for i in layer:
            boxes[i] = (x, _MARGIN + level * (_HEIGHT + _GAP_Y))
            x += widths[i] + _GAP_X
    parts = []
    for i, node in enumerate(nodes):
        x, y = boxes[i][0] + widths[i] / 2, boxes[i][1]
        for k in node.parents:
            above, bottom = boxes[k][0] + widths[k] / 2, boxes[k][1] + _HEIGHT
            parts.append(_edge("forward", (above - 4, bottom), (x - 4, y)))
            parts.append(_edge("backward", (x + 4, y), (above + 4, bottom)))
    for i, node in enumerate(nodes):
        kind = "input" if node.name == "input" else "output" if i in outputs else "other"
        parts.append(_box(i, node, _COLOURS[kind], boxes[i], widths[i]))
    height = len(layers) * (_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _MARGIN
    return _frame(title, width, height, parts)


def _frame(title: str, width: float, height: float, parts: Sequence[str]) -> str:
    markers = "".join(
        f"<marker id='{name}' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' "
        f"markerHeight='7' orient='auto'><path d='M0,0 L8,4 L0,8 z' fill='{colour}'/></marker>"
        for name, colour in (("forward", "#555"), ("backward", "#b03030"))
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width:.0f}' height='{height:.0f}' "
        f"viewBox='0 0 {width:.0f} {height:.0f}'><title>{escape(title)}</title>"
        f"<style>{_STYLE}</style><defs>{markers}</defs>{''.join(parts)}</svg>"
    )
