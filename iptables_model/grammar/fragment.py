"""The tables of a fragment: to which table a rule belongs when no line says it.

A rule that only one table can hold says so itself: by the built-in chain it is in, or by its target or matches (DNAT is
in nat only). The rest follows from the jumps, since chains that jump to each other are in one table. A name may stand
for chains of two tables, so this is decided for each rule, by the nearest evidence: the rule itself, the chain it jumps
to, the other rules of its chain, the rules that jump to its chain.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attrs

from iptables_model.grammar.drafts import TableDraft
from iptables_model.model.ruleset import BUILTIN_CHAINS, UNKNOWN_TABLE
from iptables_model.model.targets.verdict import Goto, Jump
from iptables_model.values.quoting import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from iptables_model.grammar.drafts import Sheet
    from iptables_model.grammar.lines import ChainLine
    from iptables_model.grammar.plans import Held, RulePlan

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
    insert: int | None
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
    """Gather the rules and chains that stand in no table, and find their tables."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._rules: list[_Rule] = []
        self._declared: dict[tuple[str, str | None], ChainLine] = {}
        self._chains: dict[str, _Evidence] = defaultdict(_Evidence)
        # The chains of which something new is known: for those that jump to them, for their own rules, and those that
        # are jumped to from a new table.
        self._jumps: list[str] = []
        self._members: list[str] = []
        self._calls: list[str] = []

    def declare(self, line: ChainLine, table: str | None) -> None:
        """Take over a line that declares a chain, in the table of its listing if that is known."""
        self._declared[line.name, table] = line

    def add(self, at: int, held: Held, insert: int | None, table: str | None) -> None:
        """Add the rule of a line, with the table of its listing if that is known."""
        plan, texts = held
        chain = texts[0]
        possible = _possible(chain, plan) if table is None else frozenset((table,))
        rule = _Rule(chain, at, insert, possible, _destination(plan, texts))
        self._rules.append(rule)
        self._chains[chain].rules.append(rule)
        if rule.to is not None:
            self._chains[rule.to].callers.append(rule)

    def place(self, tables: dict[str, TableDraft], default: str | None) -> None:
        """Put every rule and chain into its table; those that nothing places go to `default`."""
        self._decide()
        rest = default or UNKNOWN_TABLE
        for (name, listed), line in self._declared.items():
            for table in self._homes(name, listed) or (rest,):
                self._draft(tables, table).chain(name).declare(line)
        for rule in self._rules:
            chain = self._draft(tables, rule.table or rest).chain(rule.chain)
            chain.insert(rule.at, rule.insert)

    def _decide(self) -> None:
        for rule in self._rules:
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

    def _homes(self, name: str, listed: str | None) -> set[str]:
        """Find the tables of a chain that a line declares."""
        if listed is not None:
            return {listed}
        builtin = {table for table, chains in BUILTIN_CHAINS.items() if name in chains}
        if len(builtin) == 1 or name not in self._chains:
            return builtin if len(builtin) == 1 else set()
        chain = self._chains[name]
        return set(chain.known or chain.called)

    def _draft(self, tables: dict[str, TableDraft], name: str) -> TableDraft:
        if name not in tables:
            tables[name] = TableDraft(self._sheet, name)
        return tables[name]


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
