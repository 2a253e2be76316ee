"""Canonical text: how iptables-save prints a rule, derived from the declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptables_model.model.matches.unknown import UnknownMatch
from iptables_model.model.option import options_of
from iptables_model.model.targets.unknown import UnknownTarget
from iptables_model.model.targets.verdict import Goto, Jump
from iptables_model.values.quoting import quote

if TYPE_CHECKING:
    from iptables_model.model.option import Extension, Match, Option, Target
    from iptables_model.model.rule import Rule

__all__ = ["match_text", "options_text", "rule_text", "target_text"]


def rule_text(rule: Rule) -> str:
    """Print a rule as iptables-save does, with its counters if it has any."""
    parts = [] if rule.counters is None else [str(rule.counters)]
    parts += ["-A", rule.chain, *(match_text(match) for match in rule.matches)]
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


def options_text(value: Extension) -> list[str]:
    """Print the options that a match or target carries, one string each."""
    return [_option_text(option, held, negated=negated) for option, held, negated in options_of(value)]


def _option_text(option: Option, held: object, *, negated: bool) -> str:
    spelling = option.spelling_of(held)
    lead = f"! {spelling.flag}" if negated else spelling.flag
    codec = spelling.codec or option.codec
    if codec.words == 0:
        return lead
    text = codec.write(held)
    return f"{lead}{' ' * option.blanks}{quote(text, always=codec.quoted) if codec.string else text}"
