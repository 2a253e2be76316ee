"""What can become of packets at a target."""

from __future__ import annotations

import enum
from typing import TypeAlias

import attrs

from iptables_model.netfilter.condition import Assume
from iptables_model.netfilter.packet import FIELDS
from iptables_model.netfilter.state import State, Suppose, split

__all__ = ["Course", "Effect", "Verdict", "unknown_course"]


class Verdict(enum.StrEnum):
    """What a rule can say. Jumps and gotos are the walk's own business."""

    CONTINUE = "continue"
    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"
    RETURN = "return"


@attrs.frozen
class Effect:
    """Hold what became of some packets at a target: their new state, the verdict, and the change in words."""

    state: State
    verdict: Verdict
    change: str = ""


Course: TypeAlias = list[Effect]


def unknown_course(what: str, reason: str, state: State, suppose: Suppose) -> Course:
    """Follow packets past something of which only the outcome counts: they go on, are accepted, or are dropped."""
    goes_on, stops = split(state, Assume(f"{what} lets the packet go on", reason, FIELDS), suppose)
    course = [Effect(one, Verdict.CONTINUE) for one in goes_on]
    for one in stops:
        accepted, dropped = split(one, Assume(f"{what} accepts the packet", reason, FIELDS), suppose)
        course += [Effect(other, Verdict.ACCEPT) for other in accepted]
        course += [Effect(other, Verdict.DROP) for other in dropped]
    return course
