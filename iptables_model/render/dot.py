"""Chains as a drawing in DOT, the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from iptables_model.graph.chains import ChainId, Graph, Kind
from iptables_model.render.drawing import Arrow, Drawing, draw
from iptables_model.source import printable

__all__ = ["to_dot"]


def to_dot(graph: Graph, *, start: str | ChainId | None = None, depth: int | None = None) -> str:
    """Draw chains as boxes, one frame per table; a jump is a solid arrow, a goto a dashed one.

    With `start`, only what is reached from that chain is drawn, and with `depth` only what is at most so many jumps and
    gotos away.

    >>> print(to_dot(Graph(chains=(("nat", "A"),))), end="")
    digraph chains {
      rankdir=LR;
      node [shape=box];
      subgraph "cluster nat" {
        label="nat";
        "nat/A" [label="A"];
      }
    }
    """
    return "".join(f"{line}\n" for line in _lines(draw(graph, start, depth)))


def _lines(drawing: Drawing) -> Iterator[str]:
    yield "digraph chains {"
    yield "  rankdir=LR;"
    yield "  node [shape=box];"
    for table, chains in drawing.tables:
        yield f"  subgraph {_quoted(f'cluster {table}')} {{"
        yield f"    label={_quoted(table)};"
        for chain in chains:
            yield f"    {_node(chain)} [label={_quoted(drawing.label(chain))}{_style(drawing, chain)}];"
        yield "  }"
    for arrow in drawing.arrows:
        yield f"  {_node(arrow.source)} -> {_node(arrow.target)}{_look(arrow)};"
    yield "}"


def _style(drawing: Drawing, chain: ChainId) -> str:
    if chain in drawing.hooked:
        return ", style=bold"
    return ", style=dotted" if chain in drawing.missing else ""


def _look(arrow: Arrow) -> str:
    looks = ["style=dashed"] if arrow.kind is Kind.GOTO else []
    if arrow.label:
        looks.append(f"label={_quoted(arrow.label)}")
    return f" [{', '.join(looks)}]" if looks else ""


def _node(chain: ChainId) -> str:
    """Name a box; with backslashes doubled, no shown control character looks like another name."""
    return _quoted("/".join(chain).replace("\\", "\\\\"))


def _quoted(text: str) -> str:
    """Quote a string; a label reads backslashes, and no string may end in a single one."""
    return '"' + printable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
