"""Tables and chains while their lines are being read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import attrs

from iptables_model.errors import ModelError
from iptables_model.grammar.lines import PLAIN_CHAIN_LINE
from iptables_model.grammar.plans import MadeParts
from iptables_model.model.rule import Counters
from iptables_model.model.ruleset import BUILTIN_CHAINS, Chain, Table, defer_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iptables_model.grammar.plans import Planner, RulePlan
    from iptables_model.model.rule import Rule
    from iptables_model.model.ruleset import Field, Parts

__all__ = ["BUILTIN_NAMES", "ChainDraft", "Sheet", "Source", "TableDraft"]


BUILTIN_NAMES = frozenset(chain for chains in BUILTIN_CHAINS.values() for chain in chains)
"""The names of the built-in chains of all tables."""


class Source(Protocol):
    """Know how a line was read: the plan of its rule, and where its texts stand."""

    @property
    def plan(self) -> RulePlan:
        """Give the plan of the rule."""

    def texts(self, line: str) -> tuple[str, ...]:
        """Give the texts of a line that go with the plan."""


@attrs.frozen(eq=False)
class Sheet:
    """Hold the lines of a text and how each rule among them was read, so that rules can be made when asked for.

    `first` is the number of the first line.
    """

    planner: Planner
    lines: list[str]
    first: int
    sources: list[Source | None]

    def rule(self, at: int, table: str, chain: str, index: int) -> Rule:
        """Make the rule of a line, which stands in a chain at a place."""
        source = self.source(at)
        texts = source.texts(self.lines[at])
        return source.plan.make(self.planner, texts, table=table, chain=chain, index=index, line=self.first + at)

    def parts(self, at: int) -> Parts:
        """Make of the rule of a line what it asks and does, when that is asked for."""
        source = self.source(at)
        return MadeParts(source.plan, self.planner, source.texts(self.lines[at]))

    def values(self, entries: list[int], fields: tuple[Field, ...]) -> Iterator[tuple[Any, ...]]:
        """Go through what the rules of some lines say in some fields."""
        for at in entries:
            source = self.source(at)
            texts = source.texts(self.lines[at])
            yield tuple([source.plan.value(self.planner, field, texts) for field in fields])

    def source(self, at: int) -> Source:
        """Say how the rule of a line was read."""
        source = self.sources[at]
        if source is None:
            raise ModelError(f"no rule was read in line {self.first + at}")
        return source


@attrs.define(eq=False)
class ChainDraft:
    """Hold a chain of which more lines may come; `entries` are the lines of its rules, in the order of the rules.

    `line` is where it is declared, from 0. When all is read, it makes the rules that are asked for.
    """

    home: TableDraft
    name: str
    policy: str | None = None
    counters: Counters | None = None
    declared: bool = False
    line: int = 0
    entries: list[int] = attrs.field(factory=list)

    def declare(self, policy: str | None, counters: Counters | None, line: int) -> None:
        """Take over what a line says of the chain."""
        self.declared = True
        self.policy = policy
        self.counters = counters
        self.line = line

    def insert(self, at: int, place: int | None) -> None:
        """Add a rule behind all others, or before the one that has this number, counted from 1."""
        self.entries.insert(len(self.entries) if place is None else max(place - 1, 0), at)

    def finish(self) -> Chain:
        """Make the chain, whose rules are made when they are asked for."""
        chain = Chain(name=self.name, policy=self.policy, counters=self.counters, declared=self.declared)
        return defer_rules(chain, self) if self.entries else chain

    def __len__(self) -> int:
        """Count the rules."""
        return len(self.entries)

    def rules(self) -> tuple[Rule, ...]:
        """Make the rules."""
        return tuple([self.rule(place) for place in range(len(self.entries))])

    def rule(self, place: int) -> Rule:
        """Make the rule at a place."""
        return self.home.sheet.rule(self.entries[place], self.home.name, self.name, place)

    def parts(self, place: int) -> Parts:
        """Make of the rule at a place what it asks and does, when that is asked for."""
        return self.home.sheet.parts(self.entries[place])

    def values(self, fields: tuple[Field, ...]) -> Iterator[tuple[Any, ...]]:
        """Go through what the rules say in some fields."""
        return self.home.sheet.values(self.entries, fields)


@attrs.define(eq=False)
class TableDraft:
    """Hold a table of which more lines may come; `line` is where it begins, from 0.

    `open_to` are the names of chains that are there without being declared, and None if any may be.
    """

    sheet: Sheet
    name: str
    line: int = 0
    open_to: frozenset[str] | None = frozenset()
    chains: dict[str, ChainDraft] = attrs.field(factory=dict)
    _shared: dict[tuple[str, str], Counters] = attrs.field(factory=dict)

    def chain(self, name: str) -> ChainDraft:
        """Find a chain, or begin one."""
        chain = self.chains.get(name)
        if chain is None:
            chain = self.chains[name] = ChainDraft(self, name)
        return chain

    def take(self, name: str) -> ChainDraft | None:
        """Find a chain that is declared, or need not be."""
        chain = self.chains.get(name)
        if chain is None and (self.open_to is None or name in self.open_to):
            chain = self.chain(name)
        return chain

    def declare_plain(self, lines: list[str], at: int) -> int:
        """Take over the lines from `at` on that declare new chains just as iptables-save does; give the first other."""
        while at < len(lines):
            found = PLAIN_CHAIN_LINE.fullmatch(lines[at])
            if found is None or found[1] in self.chains or (found[2] != "-" and found[1] not in BUILTIN_NAMES):
                break
            policy = None if found[2] == "-" else found[2]
            counters = self._counters(found[3], found[4])
            self.chains[found[1]] = ChainDraft(self, found[1], policy, counters, declared=True, line=at)
            at += 1
        return at

    def _counters(self, packets: str, size: str) -> Counters:
        """Make counters, or take equal ones: most are zero."""
        counters = self._shared.get((packets, size))
        if counters is None:
            counters = self._shared[packets, size] = Counters(int(packets), int(size))
        return counters

    def finish(self) -> Table:
        """Make the table."""
        return Table(name=self.name, chains=tuple([chain.finish() for chain in self.chains.values()]))
