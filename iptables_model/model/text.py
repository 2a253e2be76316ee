"""Canonical text: how iptables-save prints a rule, derived from the declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptables_model.model.matches.unknown import UnknownMatch
from iptables_model.model.targets.unknown import UnknownTarget
from iptables_model.model.targets.verdict import Goto, Jump
from iptables_model.model.words import options_text

if TYPE_CHECKING:
    from iptables_model.model.option import Match, Target
    from iptables_model.model.rule import Rule

__all__ = ["match_text", "rule_text", "target_text"]


def rule_text(rule: Rule) -> str:
    """Print a rule as iptables-save does, with its counters if it has any."""
    parts = [] if rule.counters is None else [str(rule.counters)]
    parts += ["-A", rule.chain, *filter(None, map(match_text, rule.matches))]
    if rule.target is not None:
        parts.append(target_text(rule.target))
    return " ".join(parts)


def match_text(match: Match) -> str:
    """Print a match with its `-m`."""
    if isinstance(match, UnknownMatch):
        return " ".join(["-m", match.name, *match.words])
    lead = ["-m", match.extension] if match.extension else []
    return " ".join([*lead, *options_text(match)])


def target_text(target: Target) -> str:
    """Print a target with its `-j` or `-g`."""
    if isinstance(target, Jump | Goto):
        return f"{target.extension} {target.chain}"
    if isinstance(target, UnknownTarget):
        return " ".join(["-j", target.name, *target.words])
    return " ".join(["-j", target.extension, *options_text(target)])
