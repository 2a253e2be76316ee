"""What a drawing of chains shows, whatever its language."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from iptables_model.graph.chains import ChainId, Edge, Graph, Kind

__all__ = ["Arrow", "Drawing", "draw"]


@attrs.frozen(kw_only=True)
class Arrow:
    """Hold the jumps, or the gotos, from one chain to another; `rules` counts them."""

    source: ChainId
    target: ChainId
    kind: Kind
    rules: int

    @property
    def label(self) -> str:
        """Say how many rules there are if there are several."""
        return f"{self.rules} rules" if self.rules > 1 else ""


@attrs.frozen(kw_only=True)
class Drawing:
    """Hold the chains to draw, by table, and the arrows between them.

    Kernel hooks enter the `hooked` chains; `missing` ones are jumped to and not there, for the reason that is given.
    """

    tables: tuple[tuple[str, tuple[ChainId, ...]], ...]
    arrows: tuple[Arrow, ...]
    hooked: frozenset[ChainId]
    missing: frozenset[ChainId]
    reason: str

    def label(self, chain: ChainId) -> str:
        """Word what stands in a chain's box."""
        return f"{chain[1]} ({self.reason})" if chain in self.missing else chain[1]


def draw(graph: Graph, start: str | ChainId | None, depth: int | None) -> Drawing:
    """Choose what to draw: all chains, or those that are reached from one, at most `depth` jumps and gotos away.

    With `depth` alone, those that are so far from where packets come in.
    """
    if start is None and depth is None:
        chains = (*graph.chains, *graph.missing)
    else:
        chains = graph.reachable_from(*(graph.roots if start is None else (start,)), depth=depth)
    tables: dict[str, list[ChainId]] = {}
    for chain in chains:
        tables.setdefault(chain[0], []).append(chain)
    return Drawing(
        tables=tuple((table, tuple(members)) for table, members in tables.items()),
        arrows=tuple(_arrows(graph.edges, set(chains))),
        hooked=frozenset(graph.hooked),
        missing=frozenset(graph.missing),
        reason="not shown" if graph.fragment else "undefined",
    )


def _arrows(edges: tuple[Edge, ...], chains: set[ChainId]) -> Iterator[Arrow]:
    counts: dict[tuple[ChainId, ChainId, Kind], int] = {}
    for edge in edges:
        if edge.source in chains and edge.target in chains:
            between = (edge.source, edge.target, edge.kind)
            counts[between] = counts.get(between, 0) + 1
    for (source, target, kind), rules in counts.items():
        yield Arrow(source=source, target=target, kind=kind, rules=rules)
