"""Tables and chains while their lines are being read."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from iptables_model.errors import ModelError
from iptables_model.grammar.lines import PLAIN_CHAIN_LINE, plain_chain
from iptables_model.grammar.plans import PlannedParts
from iptables_model.model.ruleset import BUILTIN_CHAINS, Chain, Table, defer_chains, deferred_chain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Set

    from iptables_model.grammar.lines import ChainLine
    from iptables_model.grammar.pieces import LineShape
    from iptables_model.grammar.plans import Held, Planner
    from iptables_model.grammar.templates import LineTemplate
    from iptables_model.model.rule import Rule
    from iptables_model.model.ruleset import Field, Parts

__all__ = ["BUILTIN_NAMES", "NO_LINE", "Sheet", "Source", "TableDraft"]


BUILTIN_NAMES = frozenset(chain for chains in BUILTIN_CHAINS.values() for chain in chains)
"""The names of the built-in chains of all tables."""

NO_LINE = -1
"""Stands where a chain has no line, or none before."""


Source: TypeAlias = "Held | LineShape | LineTemplate"
"""What knows how a line was read: the plan of its rule, and where its texts stand."""


@attrs.frozen(eq=False)
class Sheet:
    """Hold the lines of a text and how each rule among them was read, so that rules can be made when asked for.

    `first` is the number of the first line. `before` leads from the line of each rule to the line before it of the same
    chain, or to `NO_LINE`.
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

    def source(self, at: int) -> Source:
        """Say how the rule of a line was read."""
        source = self.sources[at]
        if source is None:
            raise ModelError(f"no rule was read in line {self.first + at}")
        return source


@attrs.define(eq=False)
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
        sheet, at = self.sheet, self.entries[place]
        source = sheet.source(at)
        texts = source.texts(sheet.lines[at])
        return source.plan.make(texts, table=self.table, chain=self.chain, index=place, line=sheet.first + at)

    def parts(self, place: int) -> Parts:
        """Make of the rule at a place what it asks and does, when that is asked for."""
        sheet, at = self.sheet, self.entries[place]
        source = sheet.source(at)
        return PlannedParts(source.plan, source.texts(sheet.lines[at]))

    def values(self, fields: tuple[Field, ...]) -> Iterator[tuple[Any, ...]]:
        """Go through what the rules say in some fields."""
        sheet = self.sheet
        for at in self.entries:
            source = sheet.source(at)
            said = source.plan.said(fields)
            yield said.alike or said.of(source.texts(sheet.lines[at]))


@attrs.define(eq=False)
class TableDraft:
    """Hold a table of which more lines may come; `line` is where it begins, from 0.

    `open_to` are the names of chains that are there without being declared, and None if any may be. `last` holds the
    chains, each with its last line: that of a rule, or the one that declares it just as iptables-save does. When all is
    read, it makes the chains that are asked for. `hides` are the names of targets that chains have.
    """

    sheet: Sheet
    name: str
    line: int = 0
    open_to: frozenset[str] | None = frozenset()
    last: dict[str, int] = attrs.field(factory=dict)
    hides: set[str] = attrs.field(factory=set)
    _undeclared: set[str] = attrs.field(factory=set)
    _declared: dict[str, tuple[int, ChainLine]] = attrs.field(factory=dict)
    _inserted: dict[int, int] = attrs.field(factory=dict)
    _made: dict[str, Chain] = attrs.field(factory=dict)

    # While lines come.

    def begin(self, name: str) -> None:
        """Begin a chain that no line declares yet, if it is not there."""
        if name not in self.last:
            self.last[name] = NO_LINE
            self._undeclared.add(name)

    def takes(self, name: str) -> bool:
        """Say whether a chain takes rules: it is declared, or need not be."""
        if self.open_to is None or name in self.open_to:
            self.begin(name)
        return name in self.last

    def declares(self, name: str) -> bool:
        """Say whether a line has declared a chain."""
        return name in self.last and name not in self._undeclared

    def declare(self, chain: ChainLine, at: int) -> None:
        """Take over what a line says of a chain."""
        self.begin(chain.name)
        self._undeclared.discard(chain.name)
        self._declared[chain.name] = at, chain

    def declare_plain(self, lines: list[str], at: int, targets: Set[str]) -> int:
        """Take over the lines from `at` on that declare new chains just as iptables-save does; give the first other.

        One that has the name of a target is left to be looked at.
        """
        last = self.last
        while at < len(lines):
            found = PLAIN_CHAIN_LINE.fullmatch(lines[at])
            if found is None:
                break
            name, policy = found.group(1, 2)
            if name in last or name in targets or (policy != "-" and name not in BUILTIN_NAMES):
                break
            last[name] = at
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
        return size < 1 or len(self._backwards(name, size)) == size

    # When all is read.

    def entries(self, name: str) -> tuple[int, ...]:
        """List the lines of a chain's rules, in the order of the rules."""
        came = self._backwards(name, len(self.sheet.lines))[::-1]
        return tuple(self._ordered(came) if self._inserted else came)

    def _backwards(self, name: str, most: int) -> list[int]:
        """List the lines of a chain's rules, from the one that came last; at most so many."""
        sources, before, at = self.sheet.sources, self.sheet.before, self.last[name]
        came: list[int] = []
        # The line that declares the chain is no rule's.
        while at != NO_LINE and sources[at] is not None and len(came) < most:
            came.append(at)
            at = before[at]
        return came

    def _ordered(self, came: list[int]) -> list[int]:
        """Put the lines of rules, as they came, in the order of the rules."""
        entries: list[int] = []
        for at in came:
            entries.insert(max(self._inserted.get(at, len(entries) + 1) - 1, 0), at)
        return entries

    def declaration(self, name: str) -> tuple[int, ChainLine] | None:
        """Give the line that declares a chain, and what it says; None if none does."""
        if name in self._declared or name in self._undeclared:
            return self._declared.get(name)
        at = self.last[name]
        while self.sheet.before[at] != NO_LINE:
            at = self.sheet.before[at]
        line = plain_chain(self.sheet.lines[at])
        return None if line is None else (at, line)

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
        declaration = self.declaration(name)
        policy, counters = (None, None) if declaration is None else (declaration[1].policy, declaration[1].counters)
        rules = ChainRules(self.sheet, self.name, name, self.entries(name))
        return deferred_chain(name, policy, counters, declared=declaration is not None, pending=rules)

    def rules(self, name: str) -> ChainRules | None:
        """Hold the rules of a chain, if it is there."""
        return ChainRules(self.sheet, self.name, name, self.entries(name)) if name in self.last else None
