"""The way of a packet through the kernel: hooks, tables in their order, conntrack, and the routing decision.

The order of the tables at a hook is that of enum nf_ip_hook_priorities (include/uapi/linux/netfilter_ipv4.h): raw -300,
conntrack -200, mangle -150, nat of the destination -100, filter 0, security 50, nat of the source 100.
"""

from __future__ import annotations

import enum

import attrs

from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.condition import Condition, Within
from iptables_model.netfilter.effects import Verdict
from iptables_model.netfilter.outcome import Outcome
from iptables_model.netfilter.sets import Choice, NameSet
from iptables_model.netfilter.state import Constant, State, Suppose, split
from iptables_model.netfilter.walk import Walk
from iptables_model.values.names import Interface

__all__ = ["Arrival", "Delivery", "Path"]

_NOWHERE = Constant(NameSet.nothing_there())
_LOOPBACK = NameSet.of(Interface("lo"))
_INVALID = Constant(Choice(frozenset({"INVALID"})))
_NO_STATUS = Constant(BitSet.of(0))
_NO_CONNECTION = Within("state", Choice(frozenset({"INVALID", "UNTRACKED"})))
_NOT_FIRST = Within("state", Choice(frozenset({"ESTABLISHED"})))


class Delivery(enum.StrEnum):
    """Where a packet ends that nothing stops."""

    LOCAL = "local"
    FORWARDED = "forwarded"
    SENT = "sent"


@attrs.frozen
class Arrival:
    """Hold packets at the end of their way."""

    state: State
    outcome: Outcome
    delivery: Delivery | None


class Path:
    """Take sets of packets through the hooks and gather where they end."""

    def __init__(self, walk: Walk, suppose: Suppose) -> None:
        self._walk = walk
        self._evidence = walk.evidence
        self._suppose = suppose
        self.arrivals: list[Arrival] = []

    def receive(self, states: list[State]) -> None:
        """Take packets in that come by an interface."""
        states = [state.rewritten(out_interface=_NOWHERE) for state in states]
        states = self._tracked(self._untracked(states, "PREROUTING"))
        states = self._hook("mangle", "PREROUTING", states)
        states = self._nat("PREROUTING", states)
        for state in states:
            here, elsewhere = self._part(state, self._evidence.delivered("dst"))
            self._input(here, nat=True)
            self._forward([_restored(other, "out_interface") for other in elsewhere])

    def send(self, states: list[State]) -> None:
        """Send packets that the node made."""
        states = self._tracked(self._untracked(states, "OUTPUT"))
        states = self._hook("mangle", "OUTPUT", states)
        states = self._nat("OUTPUT", states)
        states = self._hook("filter", "OUTPUT", states)
        states = self._hook("security", "OUTPUT", states)
        for state in states:
            here, elsewhere = self._part(state, self._evidence.delivered("dst"))
            self._loop_back([one for other in here for one in self._by(other, _LOOPBACK)])
            away = [one for other in elsewhere for one in self._by(other, NameSet.some() - _LOOPBACK)]
            self._finish(self._postrouting(away), Delivery.SENT)

    def _loop_back(self, states: list[State]) -> None:
        """Bring packets of the node to the node: nat has seen their connection, so it is not asked again."""
        came = {"in_interface": Constant(_LOOPBACK), "out_interface": _NOWHERE}
        states = [state.rewritten(**came) for state in self._postrouting(states)]
        states = self._hook("raw", "PREROUTING", states)
        states = self._hook("mangle", "PREROUTING", states)
        self._input(states, nat=False)

    def _input(self, states: list[State], *, nat: bool) -> None:
        for table in ("mangle", "filter", "security"):
            states = self._hook(table, "INPUT", states)
        self._finish(self._nat("INPUT", states) if nat else states, Delivery.LOCAL)

    def _forward(self, states: list[State]) -> None:
        for table in ("mangle", "filter", "security"):
            states = self._hook(table, "FORWARD", states)
        self._finish(self._postrouting(states), Delivery.FORWARDED)

    def _postrouting(self, states: list[State]) -> list[State]:
        return self._nat("POSTROUTING", self._hook("mangle", "POSTROUTING", states))

    def _by(self, state: State, interfaces: NameSet) -> list[State]:
        """Have packets of the node leave by one of some interfaces; a new destination means a new way out."""
        if "dst" in state.now:
            return [state.rewritten(out_interface=Constant(interfaces))]
        return self._part(state, Within("out_interface", interfaces))[0]

    def _untracked(self, states: list[State], hook: str) -> list[State]:
        """Pass `raw`, which comes before conntrack: a packet without connection looks INVALID there."""
        before = {"state": _INVALID, "status": _NO_STATUS}
        return self._hook("raw", hook, [state.rewritten(**before) for state in states])

    def _tracked(self, states: list[State]) -> list[State]:
        """Let conntrack see the packets that `raw` did not exempt."""
        return [_restored(state, "status", *(["state"] if state.now["state"] == _INVALID else [])) for state in states]

    def _nat(self, hook: str, states: list[State]) -> list[State]:
        """Ask nat about the first packet of a connection; what has none, or is known already, passes by."""
        passed = []
        for state in states:
            without, rest = self._part(state, _NO_CONNECTION)
            for other in rest:
                known, first = self._part(other, _NOT_FIRST)
                passed += known + self._hook("nat", hook, first)
            passed += without
        return passed

    def _hook(self, table: str, hook: str, states: list[State]) -> list[State]:
        passed = []
        for passage in self._walk.traverse(table, hook, states):
            if passage.verdict is Verdict.ACCEPT:
                passed.append(passage.state)
            else:
                outcome = Outcome.REJECTED if passage.verdict is Verdict.REJECT else Outcome.DROPPED
                self.arrivals.append(Arrival(passage.state, outcome, None))
        return passed

    def _finish(self, states: list[State], delivery: Delivery) -> None:
        self.arrivals += [Arrival(state, Outcome.REACHES, delivery) for state in states]

    def _part(self, state: State, condition: Condition) -> tuple[list[State], list[State]]:
        return split(state, condition, self._suppose)


def _restored(state: State, *fields: str) -> State:
    other = state.copy()
    other.now = {field: held for field, held in state.now.items() if field not in fields}
    return other
