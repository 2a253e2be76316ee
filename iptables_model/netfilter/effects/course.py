"""Where packets meet a target, and what can become of them there."""

from __future__ import annotations

import enum
from collections.abc import Hashable, Iterable
from typing import TypeAlias

import attrs

from iptables_model.netfilter.condition import Assume, Condition
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.packet import ANY, FIELDS
from iptables_model.netfilter.sets import NumberSet
from iptables_model.netfilter.split import Parts, split
from iptables_model.netfilter.state import Override, State, Suppose
from iptables_model.netfilter.steps import Changes

__all__ = ["WORDS", "Course", "Effect", "Site", "Verdict", "each", "goes_on_with", "told", "unknown_course"]


class Verdict(enum.StrEnum):
    """What a rule can say. Jumps and gotos are the walk's own business."""

    CONTINUE = "continue"
    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"
    RETURN = "return"
    STOLEN = "stolen"


WORDS = {verdict: verdict.value for verdict in Verdict}
"""The words for the verdicts; an enum takes its time to give them."""


@attrs.define(eq=False)
class Effect:
    """Hold what became of some packets at a target: their new state, the verdict, and what has changed.

    `told` is the verdict as the kernel's trace has it, if something else decides what comes of it.
    """

    state: State
    verdict: Verdict
    changes: Changes = ()
    told: str = ""


Course: TypeAlias = list[Effect]


@attrs.frozen(eq=False)
class Site:
    """Hold where packets meet a target: at which hook, what is known beside the rules, and what is supposed.

    `ports` remembers how nat changed ports there.
    """

    hook: str
    evidence: Evidence
    suppose: Suppose
    ports: dict[Hashable, tuple[dict[str, Override], State, NumberSet | None]] = attrs.field(factory=dict)

    def split(self, state: State, condition: Condition) -> Parts:
        """Part the packets of a state by a condition."""
        return split(state, condition, self.suppose)


def each(states: Iterable[State], verdict: Verdict, *changes: str, told: str = "") -> Course:
    """Give the same verdict on several states."""
    return [Effect(state, verdict, changes, told) for state in states]


def goes_on_with(state: State, **changes: Override) -> Effect:
    """Rewrite fields and go on to the next rule."""
    changed = state.rewritten(**changes)
    return Effect(changed, Verdict.CONTINUE, told(state, changed, *changes))


def told(before: State, after: State, *fields: str, anything: str = ANY) -> Changes:
    """Tell what became of some fields, one at least."""
    changes: list[object] = [anything]
    for field in fields:
        changes += (field, before.view(field), after.view(field))
    return tuple(changes)


def unknown_course(what: str, reason: str, state: State, suppose: Suppose) -> Course:
    """Follow packets past something of which only the outcome counts: they go on, are accepted, or are dropped."""
    goes_on, stops = split(state, Assume(f"{what} lets the packet go on", reason, FIELDS), suppose)
    course = each(goes_on, Verdict.CONTINUE)
    for one in stops:
        accepted, dropped = split(one, Assume(f"{what} accepts the packet", reason, FIELDS), suppose)
        course += each(accepted, Verdict.ACCEPT) + each(dropped, Verdict.DROP)
    return course
