"""`draw`: a computation as a picture, operations in layers, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..operator import Argnum, Operator
from .recording import Node, Recording, reached, record
from .svg import picture

__all__ = ["Drawing", "draw"]


class Drawing:
    """A picture of one recorded call; a notebook shows it.

    Attributes
    ----------
    nodes : list of Node
        Operations in the order of execution, as they are drawn.
    svg : str
        The picture.
    """

    def __init__(self, recording: Recording, limit: int) -> None:
        self.function = recording.function
        self._count = sum(node.name != "input" for node in recording.nodes)
        self.nodes, self.outputs = _merged(recording.nodes, recording.outputs, limit)
        self.svg = picture(self.function, self.nodes, self.outputs)

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> None:
        """Write the picture as an SVG file."""
        Path(path).write_text(self.svg, encoding="utf-8")

    def dot(self) -> str:
        """The same graph in Graphviz's language."""
        lines = [f'digraph "{self.function}" {{', "  node [shape=box, fontname=monospace];"]
        swept = reached(self.nodes, self.outputs)
        for i, node in enumerate(self.nodes):
            label = "\\n".join([f"{node.name} {node.path}".strip(), node.size, node.line]).replace(
                '"', "'"
            )
            lines.append(f'  n{i} [label="{label}"];')
            lines += [f"  n{k} -> n{i};" for k in node.parents]
            lines += [
                f"  n{i} -> n{k} [style=dashed, color=firebrick, constraint=false];"
                for k in node.parents
                if i in swept
            ]
        return "\n".join([*lines, "}"])

    def __str__(self) -> str:
        drawn = sum(node.name != "input" for node in self.nodes)
        merged = "" if drawn == self._count else f", drawn as {drawn}"
        lines = [f"{self.function}: {self._count} operations{merged}"]
        for i, node in enumerate(self.nodes):
            operands = ", ".join("const" if k is None else f"%{k}" for k in node.operands)
            operands = operands or node.path
            lines.append(f"%{i} = {node.name}({operands})  {node.size}  {node.line}".rstrip())
        return "\n".join(lines)

    __repr__ = __str__


def _merged(nodes: list[Node], outputs: list[int], limit: int) -> tuple[list[Node], list[int]]:
    """Operations of one line, or of a loop, as one node, while there are too many."""
    if len(nodes) <= limit:
        return nodes, outputs
    merged = _turns(nodes)
    if len(merged) > limit:
        merged = _loops(nodes, merged)
    if len(merged) > limit:
        raise ValueError(
            f"draw: {len(nodes)} operations on {len(merged)} lines are too many for a "
            f"picture (limit={limit}); draw a smaller problem, or use fastad.profile"
        )
    place = [0] * len(nodes)
    for number, members in enumerate(merged):
        for i in members:
            place[i] = number
    drawn = []
    for number, members in enumerate(merged):
        operands = {
            place[k]
            for i in members
            for k in nodes[i].operands
            if k is not None and place[k] != number
        }
        names = list(dict.fromkeys(nodes[i].name for i in members))
        name = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        lines = dict.fromkeys(nodes[i].line for i in members)
        more = "" if len(lines) == 1 else f", and {len(lines) - 1} more"
        drawn.append(
            replace(
                nodes[members[-1]],
                name=f"{name} ({len(members)} operations)" if len(members) > 1 else name,
                operands=tuple(sorted(operands)),
                kept=sum(nodes[i].kept for i in members),
                formula="" if len(members) > 1 else nodes[members[0]].formula,
                line=next(iter(lines)) + more,
            )
        )
    return drawn, sorted({place[i] for i in outputs})


def _turns(nodes: list[Node]) -> list[list[int]]:
    """Operations of one line that follow each other."""
    turns: list[list[int]] = []
    for i, node in enumerate(nodes):
        last = nodes[turns[-1][-1]] if turns else None
        if last is None or node.line != last.line or "input" in (node.name, last.name):
            turns.append([])
        turns[-1].append(i)
    return turns


def _loops(nodes: list[Node], turns: list[list[int]]) -> list[list[int]]:
    """The turns of a loop together: from the first turn of a line to its last one."""
    first = [nodes[turn[0]] for turn in turns]
    last = {node.line: k for k, node in enumerate(first) if node.name != "input"}
    loops: list[list[int]] = []
    start = 0
    while start < len(turns):
        end = k = start
        while k <= end and first[start].name != "input":
            end = max(end, last[first[k].line])
            k += 1
        loops.append([i for turn in turns[start : end + 1] for i in turn])
        start = end + 1
    return loops


def _draw(fun: Callable[[Any], Any], x: Any, limit: int = 120) -> Drawing:
    return Drawing(record(fun, x), limit)


def draw(fun: Callable[..., Any], argnum: Argnum = 0, limit: int = 120) -> Callable[..., Drawing]:
    """Draw what a function computes from an argument, and how its gradient flows back.

    Parameters
    ----------
    fun : callable
        The function; its result may be a container.
    argnum : int, str, or sequence of these
        The argument that the gradient would be taken by.
    limit : int
        Above this many operations, those of one line that follow each other are drawn as one, and
        if these are still too many, those of all turns of a loop.

    Returns
    -------
    callable
        Called with `fun`'s arguments, it gives a `Drawing`: a notebook shows it, `save` writes an
        SVG file, `str` prints it and `dot` gives Graphviz's language. Boxes show the operation, the
        result's dtype and shape and the bytes kept for the derivative; the user's line and the
        derivative's formula appear under the pointer.

    Raises
    ------
    ValueError
        If there are too many operations for a picture.

    Examples
    --------
    >>> import numpy
    >>> import fastad.numpy as np
    >>> from fastad import draw
    >>> picture = draw(lambda x: np.sum(np.sin(x) * x))(numpy.ones(3))
    >>> [node.name for node in picture.nodes]
    ['input', 'sin', 'multiply', 'sum']
    """
    return Operator(_draw, draw, fun, argnum, limit=limit)
