"""The nouns of a dump as plain data, derived from the declarations of the extensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iptables_model.errors import ParseError
from iptables_model.model.matches.unknown import UnknownMatch
from iptables_model.model.option import Extension, Match, Option, Target, options_of
from iptables_model.model.rule import Counters, Rule
from iptables_model.model.ruleset import Chain, Ruleset, Table
from iptables_model.model.targets.unknown import UnknownTarget
from iptables_model.model.targets.verdict import Goto, Jump

__all__ = ["MATCH_KEY", "TARGET_KEY", "WRITERS", "extension_name"]

MATCH_KEY = "match"
"""The key behind which a match says which it is."""
TARGET_KEY = "target"
"""The key behind which a target says which it is."""


def _ruleset_data(ruleset: Ruleset) -> dict[str, Any]:
    """Give all of a ruleset but the layout of its text."""
    return {
        "name": ruleset.name,
        "family": ruleset.family,
        "fragment": ruleset.fragment,
        "tables": [_table_data(table) for table in ruleset.tables],
        "issues": [_issue_data(issue) for issue in ruleset.issues],
    }


def _table_data(table: Table) -> dict[str, Any]:
    """Give a table with its chains."""
    return {"name": table.name, "chains": [_chain_data(chain) for chain in table.chains]}


def _chain_data(chain: Chain) -> dict[str, Any]:
    """Give a chain with its rules."""
    return {
        "name": chain.name,
        "policy": chain.policy,
        "counters": _counters_data(chain.counters),
        "declared": chain.declared,
        "rules": [_rule_data(rule) for rule in chain.rules],
    }


def _rule_data(rule: Rule) -> dict[str, Any]:
    """Give a rule with its place, its matches and its target."""
    return {
        "table": rule.table,
        "chain": rule.chain,
        "index": rule.index,
        "line": rule.line,
        "counters": _counters_data(rule.counters),
        "matches": [_match_data(match) for match in rule.matches],
        "target": None if rule.target is None else _target_data(rule.target),
    }


def _match_data(match: Match) -> dict[str, Any]:
    """Give a match by its name and the options that it carries."""
    if isinstance(match, UnknownMatch):
        return {"unknown_match": match.name, "words": list(match.words)}
    return {MATCH_KEY: extension_name(type(match)), **_options_data(match)}


def _target_data(target: Target) -> dict[str, Any]:
    """Give a target by its name and the options that it carries, or by the chain to which it leads."""
    if isinstance(target, Jump):
        return {"jump": target.chain}
    if isinstance(target, Goto):
        return {"goto": target.chain}
    if isinstance(target, UnknownTarget):
        return {"unknown_target": target.name, "words": list(target.words)}
    return {TARGET_KEY: extension_name(type(target)), **_options_data(target)}


def _issue_data(issue: ParseError) -> dict[str, Any]:
    """Give a line that could not be read, and why."""
    return {
        "message": issue.message,
        "source": issue.source,
        "line": issue.line,
        "column": issue.column,
        "end": issue.span.end,
        "text": issue.text,
        "expected": issue.expected,
        "hint": issue.hint,
    }


def extension_name(declared: type[Extension]) -> str:
    """Name an extension; the options that need no `-m` go by the name `ip`."""
    return declared.extension or "ip"


def _counters_data(counters: Counters | None) -> dict[str, int] | None:
    return None if counters is None else {"packets": counters.packets, "bytes": counters.bytes}


def _options_data(value: Extension) -> dict[str, Any]:
    return {option.name: _option_data(option, held, negated=negated) for option, held, negated in options_of(value)}


def _option_data(option: Option, held: object, *, negated: bool) -> object:
    if option.is_flag:
        return not negated
    text = option.codec.write(held)
    return {"value": text, "negated": negated} if option.negatable else text


WRITERS: tuple[tuple[type, Callable[[Any], dict[str, Any]]], ...] = (
    (Ruleset, _ruleset_data),
    (Table, _table_data),
    (Chain, _chain_data),
    (Rule, _rule_data),
    (Match, _match_data),
    (Target, _target_data),
    (ParseError, _issue_data),
)
"""How each noun becomes plain data."""
