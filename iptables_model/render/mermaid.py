"""Chains as a flowchart in Mermaid, which Markdown viewers draw."""

from __future__ import annotations

import re
from collections.abc import Iterator

from iptables_model.graph.chains import ChainId, Graph, Kind
from iptables_model.render.drawing import Arrow, Drawing, draw
from iptables_model.source import printable

__all__ = ["to_mermaid"]

_NOT_IN_ID = re.compile("[^A-Za-z0-9]")
_NOT_IN_LABEL = re.compile(r"[^A-Za-z0-9 ()+./:~_-]")


def to_mermaid(graph: Graph, *, start: str | ChainId | None = None, depth: int | None = None) -> str:
    """Draw chains as boxes, one frame per table; a jump is a solid arrow, a goto a dotted one.

    With `start`, only what is reached from that chain is drawn, and with `depth` only what is at most so many jumps and
    gotos away.

    >>> print(to_mermaid(Graph(chains=(("nat", "A-B"),))), end="")
    flowchart LR
      subgraph nat_2f_["nat"]
        nat_2f_A_2d_B["A-B"]
      end
    """
    return "".join(f"{line}\n" for line in _lines(draw(graph, start, depth)))


def _lines(drawing: Drawing) -> Iterator[str]:
    yield "flowchart LR"
    for table, chains in drawing.tables:
        yield f"  subgraph {_node((table, ''))}[{_quoted(table)}]"
        for chain in chains:
            opening, closing = _shape(drawing, chain)
            yield f"    {_node(chain)}{opening}{_quoted(drawing.label(chain))}{closing}"
        yield "  end"
    for arrow in drawing.arrows:
        yield f"  {_node(arrow.source)} {_line(arrow)} {_node(arrow.target)}"


def _shape(drawing: Drawing, chain: ChainId) -> tuple[str, str]:
    if chain in drawing.hooked:
        return "([", "])"
    return ("{{", "}}") if chain in drawing.missing else ("[", "]")


def _line(arrow: Arrow) -> str:
    line = "-.->" if arrow.kind is Kind.GOTO else "-->"
    return f"{line}|{_quoted(arrow.label)}|" if arrow.label else line


def _node(chain: ChainId) -> str:
    """Name a box: letters and digits as they are, all else by its number, so that no two chains share a name."""
    return _NOT_IN_ID.sub(lambda found: f"_{ord(found[0]):x}_", "/".join(chain))


def _quoted(text: str) -> str:
    """Quote a label, with everything that Mermaid or HTML may read otherwise by its number."""
    return '"' + _NOT_IN_LABEL.sub(lambda found: f"#{ord(found[0])};", printable(text)) + '"'
