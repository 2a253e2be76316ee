"""The tables of a fragment: to which table a rule belongs when no line says it.

A rule that only one table can hold says so itself: by the built-in chain it is in, or by its target or matches (DNAT is
in nat only). The rest follows from the jumps, since chains that jump to each other are in one table. A name may stand
for chains of two tables, so this is decided for each rule, by the nearest evidence: the rule itself, the chain it jumps
to, the other rules of its chain, the rules that jump to its chain.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

import attrs

from iptables_model.grammar.drafts import TableDraft
from iptables_model.model.ruleset import BUILTIN_CHAINS, UNKNOWN_TABLE
from iptables_model.model.targets.verdict import Goto, Jump
from iptables_model.values.quoting import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from iptables_model.grammar.drafts import Sheet
    from iptables_model.grammar.lines import ChainLine
    from iptables_model.grammar.plans import RulePlan

__all__ = ["Fragment", "table_of_policies"]

_TABLES = frozenset(BUILTIN_CHAINS)


def table_of_policies(chains: Iterable[str]) -> str | None:
    """Name the table whose built-in chains these are, as `iptables -S` lists their policies; filter before security.

    >>> table_of_policies(["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"])
    'nat'
    """
    listed = set(chains)
    # Before Linux 2.6.36 nat had no INPUT.
    without = {"nat": {"INPUT"}}
    fits = (
        table
        for table in ("filter", *BUILTIN_CHAINS)
        if set(BUILTIN_CHAINS[table]) - without.get(table, set()) <= listed <= set(BUILTIN_CHAINS[table])
    )
    return next(fits, None)


@attrs.define(eq=False)
class _Rule:
    """Hold a rule whose table is sought: the tables that could hold it, and the chain that it jumps to."""

    chain: str
    at: int
    possible: frozenset[str]
    to: str | None
    table: str | None = None


@attrs.define(eq=False)
class _Evidence:
    """Hold what is known of the chains of one name: the tables of their rules, and of the rules that jump to them."""

    rules: list[_Rule] = attrs.field(factory=list)
    callers: list[_Rule] = attrs.field(factory=list)
    known: set[str] = attrs.field(factory=set)
    called: set[str] = attrs.field(factory=set)


class Fragment:
    """Gather the rules and chains that stand in no table, and find their tables.

    `draft` takes them as they come, but for chains that are declared in the listing of a known table.
    """

    def __init__(self, sheet: Sheet) -> None:
        self.draft = TableDraft(sheet, "", open_to=None)
        self._sheet = sheet
        self._listings: list[tuple[int, str | None]] = [(0, None)]
        self._listed: list[tuple[str, ChainLine, int]] = []
        self._chains: dict[str, _Evidence] = defaultdict(_Evidence)
        # The chains of which something new is known: for those that jump to them, for their own rules, and those that
        # are jumped to from a new table.
        self._jumps: list[str] = []
        self._members: list[str] = []
        self._calls: list[str] = []

    def listing(self, at: int, table: str | None) -> None:
        """Take note that from a line on the rules of one table are listed, or that it is not known of which."""
        if self._listings[-1][1] != table:
            self._listings.append((at, table))

    def declare(self, line: ChainLine, at: int) -> None:
        """Take over a line that declares a chain."""
        table = self._listings[-1][1]
        if table is None:
            self.draft.declare(line, at)
        else:
            self._listed.append((table, line, at))

    def place(self, tables: dict[str, TableDraft], default: str | None) -> None:
        """Put every rule and chain into its table; those that nothing places go to `default`."""
        rest = default or UNKNOWN_TABLE
        for name in self.draft.last:
            self._chains[name].rules = [self._rule(name, at) for at in self.draft.entries(name)]
        self._decide()
        # Chains stand in their tables in the order in which the text first names them.
        for at, name, table, line in sorted(self._declarations(rest), key=lambda declared: declared[0]):
            if table not in tables:
                tables[table] = TableDraft(self._sheet, table)
            tables[table].begin(name)
            if line is not None:
                tables[table].declare(line, at)
        for name, evidence in self._chains.items():
            for rule in evidence.rules:
                tables[rule.table or rest].add(name, rule.at)

    def _declarations(self, rest: str) -> Iterator[tuple[int, str, str, ChainLine | None]]:
        """Go through the chains that each table gets: where the text first names it, and what it says of it."""
        for table, line, at in self._listed:
            yield at, line.name, table, line
        for name in self.draft.last:
            for rule in self._chains[name].rules:
                yield rule.at, name, rule.table or rest, None
            declaration = self.draft.declaration(name)
            if declaration is not None:
                at, line = declaration
                listed = self._listed_at(at)
                for table in (self._homes(name) or (rest,)) if listed is None else (listed,):
                    yield at, name, table, line

    def _listed_at(self, at: int) -> str | None:
        """Name the table whose rules are listed at a line, if it is known."""
        return self._listings[bisect_right(self._listings, at, key=lambda listing: listing[0]) - 1][1]

    def _rule(self, chain: str, at: int) -> _Rule:
        """Take up a rule that was read, with what it says itself of its table."""
        source = self._sheet.source(at)
        listed = self._listed_at(at)
        plan = source.plan
        possible = _possible(chain, plan) if listed is None else frozenset((listed,))
        rule = _Rule(chain, at, possible, _destination(plan, source.texts(self._sheet.lines[at])))
        if rule.to is not None:
            self._chains[rule.to].callers.append(rule)
        return rule

    def _decide(self) -> None:
        for evidence in list(self._chains.values()):
            for rule in evidence.rules:
                if len(rule.possible) == 1:
                    self._settle(rule, next(iter(rule.possible)))
        # The nearer evidence is used up before the next is asked.
        while True:
            if self._jumps:
                chain = self._chains[self._jumps.pop()]
                self._narrow(chain.callers, chain.known)
            elif self._members:
                chain = self._chains[self._members.pop()]
                self._narrow(chain.rules, chain.known)
            elif self._calls:
                chain = self._chains[self._calls.pop()]
                self._narrow(chain.rules, chain.called)
            else:
                return

    def _settle(self, rule: _Rule, table: str) -> None:
        rule.table = table
        chain = self._chains[rule.chain]
        if table not in chain.known:
            chain.known.add(table)
            self._jumps.append(rule.chain)
            self._members.append(rule.chain)
        if rule.to is not None and table not in self._chains[rule.to].called:
            self._chains[rule.to].called.add(table)
            self._calls.append(rule.to)

    def _narrow(self, rules: list[_Rule], tables: set[str]) -> None:
        """Place the open rules that only one of the tables can hold."""
        for rule in rules:
            left = rule.possible & tables if rule.table is None else ()
            if len(left) == 1:
                self._settle(rule, next(iter(left)))

    def _homes(self, name: str) -> set[str]:
        """Find the tables of a chain that a line declares."""
        builtin = {table for table, chains in BUILTIN_CHAINS.items() if name in chains}
        if len(builtin) == 1 or name not in self._chains:
            return builtin if len(builtin) == 1 else set()
        chain = self._chains[name]
        return set(chain.known or chain.called)


def _possible(chain: str, plan: RulePlan) -> frozenset[str]:
    """Find the tables that can hold a rule, from the rule alone."""
    possible = frozenset(table for table, chains in BUILTIN_CHAINS.items() if chain in chains) or _TABLES
    for part, _, _ in plan.parts:
        if part.kind.tables:
            possible &= frozenset(part.kind.tables)
    return possible or _TABLES


def _destination(plan: RulePlan, texts: tuple[str, ...]) -> str | None:
    """Name the chain that a rule jumps or goes to."""
    target = plan.target
    if target is None or not issubclass(target[0].kind, Jump | Goto):
        return None
    return unquote(texts[target[1]])
