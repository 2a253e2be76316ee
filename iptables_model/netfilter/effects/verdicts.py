"""What the targets do that only say where packets go."""

from __future__ import annotations

from typing import Any

from iptables_model.netfilter.effects.course import Effect, Verdict
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.state import State

__all__ = ["SPEAKING", "accepts", "drops", "goes_on", "rejects", "returns"]


def goes_on(_target: Any, state: State, _: Evidence) -> Effect:
    """Go on to the next rule."""
    return Effect(state, Verdict.CONTINUE)


def accepts(_target: Any, state: State, _: Evidence) -> Effect:
    """Leave the table accepted."""
    return Effect(state, Verdict.ACCEPT)


def drops(_target: Any, state: State, _: Evidence) -> Effect:
    """Drop the packet."""
    return Effect(state, Verdict.DROP)


def rejects(_target: Any, state: State, _: Evidence) -> Effect:
    """Drop the packet and say so to its sender."""
    return Effect(state, Verdict.REJECT)


def returns(_target: Any, state: State, _: Evidence) -> Effect:
    """Go back to where the last jump came from."""
    return Effect(state, Verdict.RETURN)


SPEAKING = frozenset({goes_on, accepts, drops, rejects, returns})
"""All of these, which look at no packet."""
