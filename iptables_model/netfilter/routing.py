"""The routing decision: where packets go from the node, and which are sent no further."""

from __future__ import annotations

from collections.abc import Iterable

from iptables_model.netfilter.condition import NEVER, All, Any, Assume, Condition, Not, Within
from iptables_model.netfilter.ends import Ends
from iptables_model.netfilter.evidence import Evidence, Routing
from iptables_model.netfilter.outcome import Outcome
from iptables_model.netfilter.routes import Decision, RouteType
from iptables_model.netfilter.sets import AddressSet, NameSet, NumberSet
from iptables_model.netfilter.state import Assumption, Constant, State, restored
from iptables_model.values.names import Interface

__all__ = ["LOOPBACK", "Router"]

LOOPBACK = NameSet.of(Interface("lo"))
_HOME = Decision(RouteType.LOCAL, LOOPBACK)
_AWAY = Decision(RouteType.UNICAST, NameSet.some() - LOOPBACK)
"""What is known of the way of a packet to another machine where no routes are known."""
_FROM_NOBODY, _FROM_LINK = (Within("src", AddressSet.read(text)) for text in ("::", "fe80::/10"))
_CROSSES = Assume("the packet leaves by another interface than that by which it came", "there are several ways")
_OTHER_ROUTES = Assumption(
    "the tables local, main and default route the packet",
    True,
    "ip rule, or the packet's TOS, may choose a route of those that stand elsewhere",
)


class Router:
    """Part packets by where the node's routes send them, as far as these are known."""

    def __init__(self, evidence: Evidence, ends: Ends) -> None:
        self._evidence = evidence
        self._ends = ends

    def ways(self, state: State, *, again: bool) -> list[tuple[State, Decision]]:
        """Part packets of the node by their way, or by that `again`; those that have none end here."""
        found, rest = self._by_first(state, self._evidence.departures(again=again))
        routing = self._evidence.routing
        for one in rest:
            here, elsewhere = self._ends.part(one, self._evidence.at_home)
            found += [(two, _HOME) for two in here]
            found += [pair for two in elsewhere for pair in self._routed(two, routing)]
        return found

    def leaving(self, state: State, way: Decision) -> list[State]:
        """Say by which interface packets leave; where nothing decides it, the packet asked about does."""
        decided = way is not _AWAY and self.knows_ways
        if decided or "dst" in state.now:
            return [state.rewritten(out_interface=Constant(way.interfaces))]
        return self._ends.part(state, Within("out_interface", way.interfaces))[0]

    @property
    def knows_ways(self) -> bool:
        """Say whether routes tell by which interface packets leave."""
        return bool(self._evidence.local_table or self._evidence.routing)

    def routable(self, states: list[State], fields: tuple[str, ...]) -> list[State]:
        """Drop packets to which no route leads any more now that a field has changed (ip_route_me_harder)."""
        if not self._evidence.routing:
            return states
        passed = []
        for state in states:
            changed = any(field in state.now and state.view(field) != state.was(field) for field in fields)
            passed += [one for one, _ in self.ways(state, again=True)] if changed else [state]
        return passed

    def forwarded(self, state: State) -> list[State]:
        """Route packets to other machines, and take one from their TTL (ip_forward, ip6_forward).

        What TPROXY gave a socket is for the node: if no route of type local takes it there, it is dropped.
        """
        found = []
        for one, way in self._by_first(state, self._evidence.routings)[0]:
            if "socket" in one.now:
                self._ends.stop(one, "it is for a socket of the node and was not routed there", Outcome.DROPPED)
                continue
            expired, alive = self._ends.part(one, Within("ttl", NumberSet.of(0, 1)))
            for other in expired:
                self._ends.stop(other, "the TTL ends here")
            for other in self._crossing(alive, way):
                other = restored(other, "physdev_out")  # noqa: PLW2901 (where a bridge leads is known now)
                left = restored(other, "out_interface") if way is _AWAY else self.leaving(other, way)[0]
                found.append(left.shifted("ttl", -1))
        return found

    def _by_first(
        self, state: State, routings: Iterable[tuple[Condition, Routing]]
    ) -> tuple[list[tuple[State, Decision]], list[State]]:
        """Part packets by their way, as the first routing says whose condition holds, and give those that have none."""
        found: list[tuple[State, Decision]] = []
        rest = [state]
        for condition, routing in routings:
            parts = [self._ends.part(one, condition) for one in rest]
            rest = [one for _, no in parts for one in no]
            found += [pair for yes, _ in parts for one in yes for pair in self._routed(one, routing)]
        return found, rest

    def _routed(self, state: State, routing: Routing) -> list[tuple[State, Decision]]:
        """Part packets to other machines by the routes that lead there, if routes are known."""
        if not routing:
            return [(state, _AWAY)]
        if self._evidence.other_routes:
            state = state.assuming(_OTHER_ROUTES, _OTHER_ROUTES)
        found, rest = [], [state]
        for decision, addresses in routing:
            parts = [self._ends.part(one, Within("dst", addresses)) for one in rest]
            rest = [one for _, no in parts for one in no]
            for one in (one for yes, _ in parts for one in yes):
                if decision.problem:
                    silently = decision.type is RouteType.BLACKHOLE
                    self._ends.stop(one, decision.problem, Outcome.DROPPED if silently else Outcome.REJECTED)
                else:
                    found.append((one, _HOME if decision.type is RouteType.LOCAL else decision))
        return found

    def _crossing(self, states: list[State], way: Decision) -> list[State]:
        """Keep IPv6 packets on their link whose source is known on no other (ip6_forward, net/ipv6/ip6_output.c)."""
        if self._evidence.family == 4:
            return states
        crosses = Any((Not(Within("in_interface", way.interfaces)), NEVER if way.interfaces.single else _CROSSES))
        states = self._ends.without_source(states, All((_FROM_NOBODY, crosses)))
        return self._ends.without_source(
            states, All((_FROM_LINK, crosses)), "the source is of one link", Outcome.REJECTED
        )
