"""Rulesets made of nothing but chains and jumps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import BUILTIN_CHAINS, Chain, Ruleset, Table
from iptables_model.model.targets import Goto, Jump

Jumps = Mapping[str, Sequence[str]]
"""The chains of a table and where their rules lead; `>NAME` is a goto."""


def rule_to(table: str, chain: str, target: str) -> Rule:
    """Make a rule that jumps or goes to a chain."""
    name = target.removeprefix(">")
    return Rule(table=table, chain=chain, target=Goto(chain=name) if target != name else Jump(chain=name))


def chain_of(table: str, name: str, targets: Sequence[str], *, declared: bool = True) -> Chain:
    """Make a chain, with a policy if it is built in."""
    policy = "ACCEPT" if name in BUILTIN_CHAINS.get(table, ()) else None
    rules = tuple(rule_to(table, name, target) for target in targets)
    return Chain(name=name, policy=policy, declared=declared, rules=rules)


def table_of(name: str, jumps: Jumps) -> Table:
    """Make a table of some chains and jumps."""
    return Table(name=name, chains=tuple(chain_of(name, chain, targets) for chain, targets in jumps.items()))


def ruleset_of(**tables: Jumps) -> Ruleset:
    """Make a ruleset of some tables."""
    return Ruleset(tables=tuple(table_of(name, jumps) for name, jumps in tables.items()))


def fragment_of(table: str, jumps: Jumps) -> Ruleset:
    """Make a fragment that shows only rules of a table."""
    chains = tuple(chain_of(table, name, targets, declared=False) for name, targets in jumps.items())
    return Ruleset(tables=(Table(name=table, chains=chains),), fragment=True)
