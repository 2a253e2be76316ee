"""Tables and chains while their lines are being read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import attrs

from iptables_model.model.ruleset import Chain, Table, defer_rules

if TYPE_CHECKING:
    from iptables_model.grammar.lines import ChainLine
    from iptables_model.grammar.plans import Planner, RulePlan
    from iptables_model.model.rule import Counters, Rule

__all__ = ["ChainDraft", "Entry", "TableDraft"]


class Entry(NamedTuple):
    """Hold a rule that was read and is not made yet: its plan, the texts that go with it, and its line."""

    plan: RulePlan
    texts: tuple[str, ...]
    line: int


@attrs.define(eq=False)
class ChainDraft:
    """Hold a chain of which more lines may come."""

    name: str
    policy: str | None = None
    counters: Counters | None = None
    declared: bool = False
    entries: list[Entry] = attrs.field(factory=list)

    def declare(self, line: ChainLine) -> None:
        """Take over what a line says of the chain."""
        self.declared = True
        self.policy = line.policy
        self.counters = line.counters

    def insert(self, entry: Entry, place: int | None) -> None:
        """Add a rule behind all others, or before the one that has this number, counted from 1."""
        self.entries.insert(len(self.entries) if place is None else max(place - 1, 0), entry)

    def finish(self, table: str, planner: Planner) -> Chain:
        """Make the chain, whose rules are made when they are asked for."""
        chain = Chain(name=self.name, policy=self.policy, counters=self.counters, declared=self.declared)
        if not self.entries:
            return chain
        return defer_rules(chain, partial(_rules, tuple(self.entries), planner, table, self.name))


def _rules(entries: tuple[Entry, ...], planner: Planner, table: str, chain: str) -> tuple[Rule, ...]:
    return tuple(
        entry.plan.make(planner, entry.texts, table=table, chain=chain, index=index, line=entry.line)
        for index, entry in enumerate(entries)
    )


@attrs.define(eq=False)
class TableDraft:
    """Hold a table of which more lines may come; `line` is where it begins, from 0."""

    name: str
    line: int = 0
    chains: dict[str, ChainDraft] = attrs.field(factory=dict)

    def chain(self, name: str) -> ChainDraft:
        """Find a chain, or begin one."""
        chain = self.chains.get(name)
        if chain is None:
            chain = self.chains[name] = ChainDraft(name)
        return chain

    def finish(self, planner: Planner) -> Table:
        """Make the table."""
        return Table(name=self.name, chains=tuple(chain.finish(self.name, planner) for chain in self.chains.values()))
