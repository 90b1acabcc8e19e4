"""`draw`: a computation as a picture, operations in layers, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..operator import Argnum, Operator
from .recording import Node, Recording, record
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
        for i, node in enumerate(self.nodes):
            label = "\\n".join([node.name, node.size, node.line]).replace('"', "'")
            lines.append(f'  n{i} [label="{label}"];')
            lines += [f"  n{k} -> n{i};" for k in node.parents]
            lines += [
                f"  n{i} -> n{k} [style=dashed, color=firebrick, constraint=false];"
                for k in node.parents
            ]
        return "\n".join([*lines, "}"])

    def __str__(self) -> str:
        lines = [f"{self.function}: {sum(node.name != 'input' for node in self.nodes)} operations"]
        for i, node in enumerate(self.nodes):
            operands = ", ".join("const" if k is None else f"%{k}" for k in node.operands)
            lines.append(f"%{i} = {node.name}({operands})  {node.size}  {node.line}".rstrip())
        return "\n".join(lines)

    __repr__ = __str__


def _merged(nodes: list[Node], outputs: list[int], limit: int) -> tuple[list[Node], list[int]]:
    """Operations of one line that follow each other as one node, while there are too many."""
    if len(nodes) <= limit:
        return nodes, outputs
    place: list[int] = []
    merged: list[list[int]] = []
    for i, node in enumerate(nodes):
        last = nodes[merged[-1][-1]] if merged else None
        if last is None or node.line != last.line or "input" in (node.name, last.name):
            merged.append([])
        merged[-1].append(i)
        place.append(len(merged) - 1)
    if len(merged) > limit:
        raise ValueError(
            f"draw: {len(nodes)} operations on {len(merged)} turns of lines are too many for a "
            f"picture (limit={limit}); draw a smaller problem, or use fastad.profile"
        )
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
        drawn.append(
            replace(
                nodes[members[-1]],
                name=f"{name} ({len(members)} operations)" if len(members) > 1 else name,
                operands=tuple(sorted(operands)),
                kept=sum(nodes[i].kept for i in members),
                formula="" if len(members) > 1 else nodes[members[0]].formula,
            )
        )
    return drawn, sorted({place[i] for i in outputs})


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
        Above this many operations, those of one line that follow each other are drawn as one.

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
