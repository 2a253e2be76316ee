"""Where packets end: at the end of their way, by a rule, or because the kernel takes them no further."""

from __future__ import annotations

import enum

import attrs

from iptables_model.netfilter.condition import NEVER, Condition
from iptables_model.netfilter.outcome import Outcome
from iptables_model.netfilter.split import Parts, split
from iptables_model.netfilter.state import State, Suppose

__all__ = ["IMPOSSIBLE", "Arrival", "Delivery", "Ends"]

IMPOSSIBLE = "no such packet comes from another machine"


class Delivery(enum.StrEnum):
    """Where a packet ends that nothing stops."""

    LOCAL = "local"
    FORWARDED = "forwarded"
    SENT = "sent"
    PROXIED = "proxied"


@attrs.frozen
class Arrival:
    """Hold packets at the end of their way; `reason` says what stopped them if it was no rule."""

    state: State
    outcome: Outcome
    delivery: Delivery | None
    reason: str = ""


class Ends:
    """Gather where packets end.

    Their sources are checked as the kernel does if the question is about some, with `from_named`.
    """

    def __init__(self, suppose: Suppose, *, from_named: bool) -> None:
        self._suppose = suppose
        self._from_named = from_named
        self.arrivals: list[Arrival] = []

    def finish(self, states: list[State], delivery: Delivery) -> None:
        """End packets that got to the end of their way."""
        self.arrivals += [Arrival(state, Outcome.REACHES, delivery) for state in states]

    def stop(self, state: State, reason: str, outcome: Outcome = Outcome.REJECTED) -> None:
        """End packets that no rule stops; mostly, the sender is told (ip_error, net/ipv4/route.c)."""
        self.arrivals.append(Arrival(state, outcome, None, reason))

    def without(
        self, states: list[State], condition: Condition, reason: str, outcome: Outcome = Outcome.DROPPED
    ) -> list[State]:
        """End packets for which a condition holds, and give the others."""
        if condition is NEVER:
            return states
        passed = []
        for state in states:
            ending, going = self.part(state, condition)
            for one in ending:
                self.stop(one, reason, outcome)
            passed += going
        return passed

    def without_source(
        self, states: list[State], condition: Condition, reason: str = IMPOSSIBLE, outcome: Outcome = Outcome.DROPPED
    ) -> list[State]:
        """End packets whose source does not pass; one that is not named is taken to do so."""
        return self.without(states, condition, reason, outcome) if self._from_named else states

    def part(self, state: State, condition: Condition) -> Parts:
        """Part packets by a condition, as the question answers what the rules leave open."""
        return split(state, condition, self._suppose)
