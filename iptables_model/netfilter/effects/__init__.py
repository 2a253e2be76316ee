"""What each target does to the packets that reach it: rewrites them, and says where they go next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from iptables_model.model import targets
from iptables_model.model.option import Target
from iptables_model.model.text import target_text
from iptables_model.netfilter.effects import marks, nat, tracking, verdicts
from iptables_model.netfilter.effects.course import Course, Effect, Verdict, unknown_course
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.state import State, Suppose

__all__ = ["EFFECTS", "Effect", "Verdict", "effect_of", "only_speaks", "unknown_course"]


def effect_of(target: Target, state: State, evidence: Evidence, suppose: Suppose) -> Course:
    """Apply a target to a state. A target without an entry in `EFFECTS` may do anything, so each course is assumed."""
    known = EFFECTS.get(type(target))
    if known is not None:
        return [known(target, state, evidence)]
    return unknown_course(target_text(target), "nothing here says what this target does", state, suppose)


def only_speaks(target: Target) -> bool:
    """Say whether a target says the same of every packet, and changes nothing that is kept of it."""
    return EFFECTS.get(type(target)) in verdicts.SPEAKING


EFFECTS: Mapping[type[Target], Callable[[Any, State, Evidence], Effect]] = MappingProxyType(
    {
        targets.Accept: verdicts.accepts,
        targets.Drop: verdicts.drops,
        targets.Return: verdicts.returns,
        targets.Reject: verdicts.rejects,
        targets.Log: verdicts.goes_on,
        targets.Nflog: verdicts.goes_on,
        targets.Tcpmss: verdicts.goes_on,
        targets.Mark: marks.mark,
        targets.Connmark: marks.connmark,
        targets.Ct: tracking.ct,
        targets.Dnat: nat.dnat,
        targets.Snat: nat.snat,
        targets.Masquerade: nat.masquerade,
        targets.Redirect: nat.redirect,
    }
)
"""The targets whose effect is known; all others are UNKNOWN, with each course assumed."""
