"""What the targets do that only say where packets go, or only take notice of them."""

from __future__ import annotations

from typing import Any

from iptables_model.netfilter.effects.course import Course, Effect, Site, Verdict
from iptables_model.netfilter.state import State

__all__ = ["SPEAKING", "accept", "drop", "go_on", "reject", "return_"]


def go_on(_target: Any, state: State, _: Site) -> Course:
    """Go on to the next rule, with the packet as it is (XT_CONTINUE)."""
    return [Effect(state, Verdict.CONTINUE)]


def accept(_target: Any, state: State, _: Site) -> Course:
    """Leave the table accepted (NF_ACCEPT)."""
    return [Effect(state, Verdict.ACCEPT)]


def drop(_target: Any, state: State, _: Site) -> Course:
    """Drop the packet (NF_DROP)."""
    return [Effect(state, Verdict.DROP)]


def reject(_target: Any, state: State, _: Site) -> Course:
    """Drop the packet and answer it (reject_tg, ipt_REJECT.c; reject_tg6, ip6t_REJECT.c).

    Some are dropped without an answer: a later fragment, an ICMP error, a TCP reset, what went to a group.
    """
    return [Effect(state, Verdict.REJECT)]


def return_(_target: Any, state: State, _: Site) -> Course:
    """Go back to where the last jump came from (XT_RETURN)."""
    return [Effect(state, Verdict.RETURN)]


SPEAKING = frozenset({go_on, accept, drop, reject, return_})
"""All of these, which look at no packet."""
