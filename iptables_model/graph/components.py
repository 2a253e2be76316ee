"""Strongly connected components, after Tarjan, without recursion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

__all__ = ["components"]

N = TypeVar("N")


def components(successors: Mapping[N, Sequence[N]]) -> Iterator[list[N]]:
    """Find the strongly connected components, each after all that it leads to.

    Every node is a key of `successors`. Time and space are linear in nodes and edges.

    >>> list(components({"a": ["b"], "b": ["a", "c"], "c": []}))
    [['c'], ['b', 'a']]
    """
    order: dict[N, int] = {}
    low: dict[N, int] = {}
    open_nodes: dict[N, None] = {}
    for start in successors:
        if start in order:
            continue
        path = [(start, iter(successors[start]))]
        order[start] = low[start] = len(order)
        open_nodes[start] = None
        while path:
            node, rest = path[-1]
            for other in rest:
                if other not in order:
                    order[other] = low[other] = len(order)
                    open_nodes[other] = None
                    path.append((other, iter(successors[other])))
                    break
                if other in open_nodes:
                    low[node] = min(low[node], order[other])
            else:
                path.pop()
                if path:
                    caller = path[-1][0]
                    low[caller] = min(low[caller], low[node])
                if low[node] == order[node]:
                    yield _close(node, open_nodes)


def _close(root: N, open_nodes: dict[N, None]) -> list[N]:
    """Take the nodes of the component off the stack, down to its root."""
    members: list[N] = []
    while not members or members[-1] != root:
        members.append(open_nodes.popitem()[0])
    return members
