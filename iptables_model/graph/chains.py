"""Chains and the rules that lead from one to another."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from functools import cached_property
from typing import TypeAlias

import attrs

from iptables_model.errors import Ambiguous, ModelError, NotFound
from iptables_model.graph.components import components
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import BUILTIN_CHAINS, Chain, Ruleset, Table
from iptables_model.model.targets.verdict import Goto, Jump

__all__ = ["ChainId", "Edge", "Graph", "Kind", "graph"]

ChainId: TypeAlias = tuple[str, str]
"""A chain by the names of its table and its own: two tables may have chains of one name."""


class Kind(enum.StrEnum):
    """How a rule leads to another chain: whether the packet comes back to it."""

    JUMP = "jump"
    GOTO = "goto"


@attrs.frozen(kw_only=True)
class Edge:
    """Hold one jump or goto: from which chain, to which, and by which rule."""

    source: ChainId
    target: ChainId
    kind: Kind
    rule: Rule


@attrs.frozen(kw_only=True)
class Graph:
    """Hold the chains of a ruleset and the jumps and gotos between them.

    `chains` and `edges` stand in the order of the text. The kernel's hooks enter the `hooked` ones. In a `fragment`
    of a dump, a chain that is jumped to and not there is only not shown.

    Where a chain is asked for, its name will do if only one table has such a chain; otherwise it is the pair of the
    table's name and the chain's. `NotFound` and `Ambiguous` are raised for names that mean no chain or several.

    >>> from iptables_model.model.rule import Rule
    >>> from iptables_model.model.ruleset import Chain, Table
    >>> from iptables_model.model.targets import Jump
    >>> jump = Rule(table="filter", chain="INPUT", target=Jump(chain="WEB"))
    >>> chains = (Chain(name="INPUT", policy="ACCEPT", rules=(jump,)), Chain(name="WEB"))
    >>> drawn = graph(Table(name="filter", chains=chains))
    >>> drawn.callers("WEB"), drawn.unreferenced
    ((('filter', 'INPUT'),), ())
    """

    chains: tuple[ChainId, ...] = ()
    hooked: tuple[ChainId, ...] = ()
    edges: tuple[Edge, ...] = ()
    fragment: bool = False

    @cached_property
    def _outgoing(self) -> dict[ChainId, list[Edge]]:
        found: dict[ChainId, list[Edge]] = {chain: [] for chain in self.chains}
        for edge in self.edges:
            found.setdefault(edge.source, []).append(edge)
            found.setdefault(edge.target, [])
        return found

    @cached_property
    def _incoming(self) -> dict[ChainId, list[Edge]]:
        found: dict[ChainId, list[Edge]] = {chain: [] for chain in self._outgoing}
        for edge in self.edges:
            found[edge.target].append(edge)
        return found

    @cached_property
    def _tables_of(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for table, name in self._outgoing:
            found.setdefault(name, []).append(table)
        return found

    def find(self, chain: str | ChainId) -> ChainId:
        """Find a chain, also one that is only jumped to, by its name or by the names of its table and its own."""
        if not isinstance(chain, str):
            if chain not in self._outgoing:
                raise NotFound("chain", "/".join(chain), ["/".join(known) for known in self._outgoing])
            return chain
        tables = self._tables_of.get(chain, ())
        if len(tables) > 1:
            raise Ambiguous("chain", chain, [f"{table}/{chain}" for table in tables])
        if not tables:
            raise NotFound("chain", chain, tuple(self._tables_of))
        return tables[0], chain

    def outgoing(self, chain: str | ChainId) -> tuple[Edge, ...]:
        """List the jumps and gotos of a chain's rules."""
        return tuple(self._outgoing[self.find(chain)])

    def incoming(self, chain: str | ChainId) -> tuple[Edge, ...]:
        """List the jumps and gotos that lead to a chain."""
        return tuple(self._incoming[self.find(chain)])

    def callees(self, chain: str | ChainId) -> tuple[ChainId, ...]:
        """List the chains to which a chain's rules lead, each once."""
        return _distinct(edge.target for edge in self._outgoing[self.find(chain)])

    def callers(self, chain: str | ChainId) -> tuple[ChainId, ...]:
        """List the chains whose rules lead to a chain, each once."""
        return _distinct(edge.source for edge in self._incoming[self.find(chain)])

    def reachable_from(self, *chains: str | ChainId, depth: int | None = None) -> tuple[ChainId, ...]:
        """List the chains that are reached from some, themselves first, then by the number of jumps and gotos.

        With `depth`, only those that are at most so many jumps and gotos away.
        """
        if depth is not None and depth < 0:
            raise ModelError(f"a depth needs a number from 0, found {depth}")
        frontier = [self.find(chain) for chain in chains]
        seen = dict.fromkeys(frontier)
        while frontier and depth != 0:
            onward = dict.fromkeys(edge.target for chain in frontier for edge in self._outgoing[chain])
            frontier = [chain for chain in onward if chain not in seen]
            seen.update(dict.fromkeys(frontier))
            depth = None if depth is None else depth - 1
        return tuple(seen)

    @cached_property
    def roots(self) -> tuple[ChainId, ...]:
        """List where packets come in: the hooked chains, and in a fragment those to which nothing shown leads."""
        if not self.fragment:
            return self.hooked
        hooked = set(self.hooked)
        return tuple(chain for chain in self.chains if chain in hooked or not self._incoming[chain])

    @cached_property
    def cycles(self) -> tuple[tuple[ChainId, ...], ...]:
        """List the groups of chains from each of which all of the group are reached again.

        The kernel refuses to load those that a hook reaches, and takes the others (mark_source_chains in
        net/ipv4/netfilter/ip_tables.c, nft_chain_validate in net/netfilter/nf_tables_api.c). The chains of a group,
        and the groups by their first chain, stand in the order of the text.
        """
        successors = {chain: [edge.target for edge in edges] for chain, edges in self._outgoing.items()}
        rank = {chain: place for place, chain in enumerate(successors)}
        groups = [
            tuple(sorted(group, key=rank.__getitem__))
            for group in components(successors)
            if len(group) > 1 or group[0] in successors[group[0]]
        ]
        return tuple(sorted(groups, key=lambda group: rank[group[0]]))

    @cached_property
    def missing(self) -> tuple[ChainId, ...]:
        """List the chains that are jumped to and not there."""
        known = set(self.chains)
        return tuple(chain for chain in self._outgoing if chain not in known)

    @property
    def undefined(self) -> tuple[ChainId, ...]:
        """List the chains that are jumped to and do not exist; none in a fragment, which does not show all."""
        return () if self.fragment else self.missing

    @property
    def not_shown(self) -> tuple[ChainId, ...]:
        """List the chains that are jumped to and that the fragment does not show."""
        return self.missing if self.fragment else ()

    @cached_property
    def unreferenced(self) -> tuple[ChainId, ...]:
        """List the user-defined chains to which no rule leads; none in a fragment, which does not show all rules."""
        if self.fragment:
            return ()
        hooked = set(self.hooked)
        return tuple(chain for chain in self.chains if chain not in hooked and not self._incoming[chain])

    @cached_property
    def unreachable(self) -> tuple[ChainId, ...]:
        """List the chains to which no way leads from a hook; none in a fragment, which does not show all rules."""
        if self.fragment:
            return ()
        alive = set(self.reachable_from(*self.hooked))
        return tuple(chain for chain in self.chains if chain not in alive)

    def adjacency(self) -> dict[str, dict[str, list[str]]]:
        """Export the graph as plain data: table, chain, and the chains to which its rules lead, each once."""
        plain: dict[str, dict[str, list[str]]] = {}
        for table, name in self.chains:
            targets = self.callees((table, name))
            plain.setdefault(table, {})[name] = [target for _, target in targets]
        return plain


def graph(source: Ruleset | Table) -> Graph:
    """Make the graph of the chains of a ruleset or of one table.

    >>> graph(Ruleset()).cycles
    ()
    """
    tables = source.tables if isinstance(source, Ruleset) else (source,)
    pairs = [(table, chain) for table in tables for chain in table.chains]
    return Graph(
        chains=_distinct((table.name, chain.name) for table, chain in pairs),
        hooked=_distinct((table.name, chain.name) for table, chain in pairs if _is_hooked(table, chain)),
        edges=tuple(edge for table, chain in pairs for edge in _edges(table, chain)),
        fragment=source.fragment if isinstance(source, Ruleset) else any(not chain.declared for _, chain in pairs),
    )


def _is_hooked(table: Table, chain: Chain) -> bool:
    return chain.policy is not None or chain.name in BUILTIN_CHAINS.get(table.name, ())


def _edges(table: Table, chain: Chain) -> Iterable[Edge]:
    source = (table.name, chain.name)
    for rule in chain.rules:
        if isinstance(rule.target, Jump | Goto):
            kind = Kind.JUMP if isinstance(rule.target, Jump) else Kind.GOTO
            yield Edge(source=source, target=(table.name, rule.target.chain), kind=kind, rule=rule)


def _distinct(chains: Iterable[ChainId]) -> tuple[ChainId, ...]:
    return tuple(dict.fromkeys(chains))
