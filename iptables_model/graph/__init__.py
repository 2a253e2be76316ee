"""The chains of a ruleset as a graph: who jumps where, what can be reached, what is dead, missing or circular."""

from __future__ import annotations

from iptables_model.graph.chains import ChainId, Edge, Graph, Kind, graph

__all__ = ["ChainId", "Edge", "Graph", "Kind", "graph"]
