"""Operations in layers as an SVG picture."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .recording import Node, in_bytes, reached

_HEIGHT, _GAP_X, _GAP_Y, _MARGIN, _CHARACTER = 46, 26, 44, 16, 6.6
_PASS = 8  # the width of an edge that passes a layer
_COLOURS = {"input": "#dcebfb", "output": "#fbe7d3", "other": "#f4f4f4"}
_STYLE = (
    "text{font:11px monospace;text-anchor:middle;fill:#222}.name{font-weight:bold}"
    "rect{stroke:#888}.forward,.backward{fill:none}.forward{stroke:#555}"
    ".backward{stroke:#b03030;stroke-dasharray:4 3}"
)


class _Layout:
    """Places of the nodes, and the ways of the edges between them.

    Layers by longest paths, an argument just above what uses it first; an edge that crosses layers
    has a place in each of them, so that it goes around boxes; orders by barycentres (Sugiyama,
    Tagawa and Toda 1981), places by least squares.
    """

    def __init__(self, nodes: Sequence[Node], widths: Sequence[float]) -> None:
        self._widths = list(widths)
        self._depth: list[int] = []
        first = [0] * len(nodes)  # the layer of what uses a node first
        for node in nodes:
            self._depth.append(max((self._depth[k] + 1 for k in node.parents), default=0))
            for k in node.parents:
                first[k] = min(first[k] or self._depth[-1], self._depth[-1])
        for i, node in enumerate(nodes):
            if not node.parents:
                self._depth[i] = max(first[i] - 1, 0)
        self._above: list[list[int]] = [[] for _ in nodes]
        self._below: list[list[int]] = [[] for _ in nodes]
        self.ways: dict[tuple[int, int], list[int]] = {}
        passed: dict[tuple[int, int], int] = {}
        for i, node in enumerate(nodes):
            for k in node.parents:
                self.ways[k, i] = self._way(k, i, passed)
        self._layers: list[list[int]] = [[] for _ in range(max(self._depth) + 1)]
        for i, level in enumerate(self._depth):
            self._layers[level].append(i)
        self._order()
        self.centres = self._place()
        self.width = max(x + w / 2 for x, w in zip(self.centres, self._widths)) + _MARGIN
        self.height = len(self._layers) * (_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _MARGIN

    def top(self, i: int) -> int:
        return _MARGIN + self._depth[i] * (_HEIGHT + _GAP_Y)

    def _way(self, k: int, i: int, passed: dict[tuple[int, int], int]) -> list[int]:
        way = [k]
        for level in range(self._depth[k] + 1, self._depth[i]):
            if (k, level) not in passed:  # edges from one node share their places
                passed[k, level] = len(self._depth)
                self._depth.append(level)
                self._widths.append(_PASS)
                self._above.append([])
                self._below.append([])
                self._link(way[-1], passed[k, level])
            way.append(passed[k, level])
        self._link(way[-1], i)
        return [*way, i]

    def _link(self, upper: int, lower: int) -> None:
        self._below[upper].append(lower)
        self._above[lower].append(upper)

    def _order(self) -> None:
        position = {i: float(x) for layer in self._layers for x, i in enumerate(layer)}
        for turn in range(8):
            down = turn % 2 == 0
            for layer in self._layers if down else reversed(self._layers):
                near = self._above if down else self._below
                layer.sort(key=lambda i: _mean([position[k] for k in near[i]], position[i]))
                position.update({i: float(x) for x, i in enumerate(layer)})

    def _place(self) -> list[float]:
        centres = [0.0] * len(self._depth)
        # What begins nowhere gives way: a chain of operations stays straight.
        weights = [1.0 if above else 0.1 for above in self._above]
        for turn in range(16):
            for layer in self._layers if turn % 2 == 0 else reversed(self._layers):
                gaps = [0.0]
                for left, right in zip(layer, layer[1:]):
                    gaps.append(gaps[-1] + (self._widths[left] + self._widths[right]) / 2 + _GAP_X)
                near = [self._above[i] + (self._below[i] if turn else []) for i in layer]
                wanted = []
                for i, others, gap in zip(layer, near, gaps):
                    total = sum(weights[k] for k in others)
                    moment = sum(weights[k] * centres[k] for k in others)
                    wanted.append((moment / total if total else centres[i]) - gap)
                for i, x, gap in zip(layer, _rising(wanted, [weights[i] for i in layer]), gaps):
                    centres[i] = x + gap
        edge = min(x - w / 2 for x, w in zip(centres, self._widths)) - _MARGIN
        return [x - edge for x in centres]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _rising(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The nearest values, by weighted least squares, of which none is below the one before."""
    pools: list[tuple[float, float, int]] = []  # of those that share one: mean, weight, count
    for value, weight in zip(values, weights):
        count = 1
        while pools and pools[-1][0] > value:
            other, more, joined = pools.pop()
            value = (value * weight + other * more) / (weight + more)
            weight, count = weight + more, count + joined
        pools.append((value, weight, count))
    return [value for value, _, count in pools for _ in range(count)]


def _edge(style: str, points: Sequence[tuple[float, float]]) -> str:
    """A line through pairs of points: curved from one pair to the next, straight within."""
    path = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for start, end in zip(points[::2], points[1::2]):
        middle = (start[1] + end[1]) / 2
        path += (
            f" L{start[0]:.1f},{start[1]:.1f} C{start[0]:.1f},{middle:.1f} "
            f"{end[0]:.1f},{middle:.1f} {end[0]:.1f},{end[1]:.1f}"
        )
    return f"<path class='{style}' d='{path}' marker-end='url(#{style})'/>"


def _box(number: int, node: Node, colour: str, place: tuple[float, float], width: float) -> str:
    x, y = place
    lines = [f"%{number} = {_name(node)}", node.line]
    if node.formula:
        lines.append(f"derivative: {node.formula}")
    if node.kept:
        lines.append(f"keeps {node.kept} bytes for it")
    details = "\n".join(filter(None, lines))
    middle = x + width / 2
    return (
        f"<g><title>{escape(details)}</title>"
        f"<rect x='{x:.1f}' y='{y}' width='{width:.1f}' height='{_HEIGHT}' rx='5' fill='{colour}'/>"
        f"<text x='{middle:.1f}' y='{y + 19}' class='name'>{escape(_name(node))}</text>"
        f"<text x='{middle:.1f}' y='{y + 36}'>{escape(_size(node))}</text></g>"
    )


def _name(node: Node) -> str:
    return f"{node.name} {node.path}" if node.path else node.name


def _size(node: Node) -> str:
    return node.size + (f", keeps {in_bytes(node.kept)}" if node.kept else "")


def picture(title: str, nodes: Sequence[Node], outputs: Sequence[int]) -> str:
    """SVG of a graph whose nodes are in the order of execution."""
    if not nodes:
        text = f"<text x='180' y='36'>{escape(title)}: the result does not depend on it</text>"
        return _frame(title, 360, 60, [text])
    widths = [max(len(_name(n)), len(_size(n))) * _CHARACTER + 22 for n in nodes]
    layout = _Layout(nodes, widths)
    parts = []
    swept = reached(nodes, outputs)
    for way in layout.ways.values():
        points = []
        for i in way:
            x, top = layout.centres[i], layout.top(i)
            points += [(x, top), (x, top + _HEIGHT)]
        points = points[1:-1]
        parts.append(_edge("forward", [(x - 4, y) for x, y in points]))
        if way[-1] in swept:
            parts.append(_edge("backward", [(x + 4, y) for x, y in reversed(points)]))
    for i, node in enumerate(nodes):
        kind = "input" if node.name == "input" else "output" if i in outputs else "other"
        place = layout.centres[i] - widths[i] / 2, layout.top(i)
        parts.append(_box(i, node, _COLOURS[kind], place, widths[i]))
    return _frame(title, layout.width, layout.height, parts)


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
