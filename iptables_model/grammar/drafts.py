"""Tables and chains while their lines are being read."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from iptables_model.errors import ModelError
from iptables_model.grammar.lines import PLAIN_CHAIN_LINE, plain_chain
from iptables_model.model.ruleset import BUILTIN_CHAINS, Chain, Table, defer_chains, defer_rules

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from iptables_model.grammar.lines import ChainLine
    from iptables_model.grammar.plans import Planner, RulePlan
    from iptables_model.model.rule import Counters, Rule
    from iptables_model.model.ruleset import Field

__all__ = ["BUILTIN_NAMES", "NO_LINE", "Sheet", "Source", "TableDraft"]


BUILTIN_NAMES = frozenset(chain for chains in BUILTIN_CHAINS.values() for chain in chains)
"""The names of the built-in chains of all tables."""

NO_LINE = -1
"""Stands where a chain has no line of a rule yet."""


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

    `first` is the number of the first line. `before` leads from the line of each rule to that of the one before it in
    its chain, or to `NO_LINE`.
    """

    planner: Planner
    lines: list[str]
    first: int
    sources: list[Source | None] = attrs.field(init=False)
    before: array[int] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # Numbers in one array, and no object for each rule: the garbage collector would look at all of them, and ever
        # more often the more there are.
        object.__setattr__(self, "sources", [None] * len(self.lines))
        object.__setattr__(self, "before", array("q", [NO_LINE]) * len(self.lines))

    def rule(self, at: int, table: str, chain: str, index: int) -> Rule:
        """Make the rule of a line, which stands in a chain at a place."""
        source = self.source(at)
        texts = source.texts(self.lines[at])
        return source.plan.make(self.planner, texts, table=table, chain=chain, index=index, line=self.first + at)

    def values(self, entries: tuple[int, ...], fields: tuple[Field, ...]) -> Iterator[tuple[Any, ...]]:
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


@attrs.frozen(eq=False)
class ChainRules:
    """Make the rules of a chain when they are asked for; `entries` are their lines, in the order of the rules."""

    sheet: Sheet
    table: str
    chain: str
    entries: tuple[int, ...]

    def __len__(self) -> int:
        """Count the rules."""
        return len(self.entries)

    def rules(self) -> tuple[Rule, ...]:
        """Make the rules."""
        return tuple([self.rule(place) for place in range(len(self.entries))])

    def rule(self, place: int) -> Rule:
        """Make the rule at a place."""
        return self.sheet.rule(self.entries[place], self.table, self.chain, place)

    def values(self, fields: tuple[Field, ...]) -> Iterator[tuple[Any, ...]]:
        """Go through what the rules say in some fields."""
        return self.sheet.values(self.entries, fields)


@attrs.define(eq=False)
class TableDraft:
    """Hold a table of which more lines may come; `line` is where it begins, from 0.

    `open_to` are the names of chains that are there without being declared, and None if any may be. `last` holds the
    chains, each with the line of its last rule; `declared` the line that declares a chain. When all is read, it makes
    the chains that are asked for.
    """

    sheet: Sheet
    name: str
    line: int = 0
    open_to: frozenset[str] | None = frozenset()
    last: dict[str, int] = attrs.field(factory=dict)
    declared: dict[str, int] = attrs.field(factory=dict)
    _told: dict[str, ChainLine] = attrs.field(factory=dict)
    _inserted: dict[int, int] = attrs.field(factory=dict)
    _made: dict[str, Chain] = attrs.field(factory=dict)
    _shared: dict[Counters | None, Counters | None] = attrs.field(factory=dict)

    # While lines come.

    def begin(self, name: str) -> None:
        """Begin a chain, if it is not there."""
        self.last.setdefault(name, NO_LINE)

    def takes(self, name: str) -> bool:
        """Say whether a chain takes rules: it is declared, or need not be."""
        if name not in self.last and (self.open_to is None or name in self.open_to):
            self.begin(name)
        return name in self.last

    def declare(self, chain: ChainLine, at: int) -> None:
        """Take over what a line says of a chain."""
        self.begin(chain.name)
        self.declared[chain.name] = at
        self._told[chain.name] = chain

    def declare_plain(self, lines: list[str], at: int) -> int:
        """Take over the lines from `at` on that declare new chains just as iptables-save does; give the first other."""
        last, declared = self.last, self.declared
        while at < len(lines):
            found = PLAIN_CHAIN_LINE.fullmatch(lines[at])
            if found is None:
                break
            name, policy = found.group(1, 2)
            if name in last or (policy != "-" and name not in BUILTIN_NAMES):
                break
            last[name] = NO_LINE
            declared[name] = at
            at += 1
        return at

    def add(self, name: str, at: int, place: int | None = None) -> None:
        """Add a rule to a chain: behind all others, or before the one that has this number, counted from 1."""
        self.sheet.before[at] = self.last[name]
        self.last[name] = at
        if place is not None:
            self._inserted[at] = place

    def holds(self, name: str, size: int) -> bool:
        """Say whether a chain has so many rules."""
        at = self.last[name]
        while size > 0 and at != NO_LINE:
            size -= 1
            at = self.sheet.before[at]
        return size <= 0

    # When all is read.

    def entries(self, name: str) -> tuple[int, ...]:
        """List the lines of a chain's rules, in the order of the rules."""
        came = []
        at = self.last[name]
        while at != NO_LINE:
            came.append(at)
            at = self.sheet.before[at]
        came.reverse()
        return tuple(self._ordered(came) if self._inserted else came)

    def _ordered(self, came: list[int]) -> list[int]:
        """Put the lines of rules, as they came, in the order of the rules."""
        entries: list[int] = []
        for at in came:
            entries.insert(max(self._inserted.get(at, len(entries) + 1) - 1, 0), at)
        return entries

    def told(self, name: str) -> ChainLine | None:
        """Give what the line says that declares a chain, or None if none does."""
        at = self.declared.get(name)
        return None if at is None else self._told.get(name) or plain_chain(self.sheet.lines[at])

    def finish(self) -> Table:
        """Make the table, whose chains are made when they are asked for."""
        return defer_chains(Table(name=self.name), self)

    def names(self) -> Collection[str]:
        """Give the names of the chains."""
        return self.last.keys()

    def chains(self) -> tuple[Chain, ...]:
        """Make the chains."""
        return tuple([self._make(name) for name in self.last])

    def chain(self, name: str) -> Chain | None:
        """Make a chain, if it is there."""
        return self._make(name) if name in self.last else None

    def _make(self, name: str) -> Chain:
        made = self._made.get(name)
        if made is None:
            # Of two threads that make a chain at once, both get the one that is made first.
            made = self._made.setdefault(name, self._chain(name))
        return made

    def _chain(self, name: str) -> Chain:
        told = self.told(name)
        policy, counters = (None, None) if told is None else (told.policy, told.counters)
        # Most counters are zero.
        counters = self._shared.setdefault(counters, counters)
        chain = Chain(name=name, policy=policy, counters=counters, declared=told is not None)
        entries = self.entries(name)
        return defer_rules(chain, ChainRules(self.sheet, self.name, name, entries)) if entries else chain
