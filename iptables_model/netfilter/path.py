"""The way of a packet through the kernel: hooks, tables in their order, conntrack, and the routing decision.

The order of the tables at a hook is that of enum nf_ip_hook_priorities (include/uapi/linux/netfilter_ipv4.h): raw -300,
conntrack -200, mangle -150, nat of the destination -100, filter 0, security 50, nat of the source 100.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from functools import cached_property

import attrs

from iptables_model.netfilter.bits import ANY_BITS, FULL, BitSet
from iptables_model.netfilter.condition import (
    NEVER,
    NO_CONNECTION,
    All,
    Any,
    Assume,
    Condition,
    Not,
    OnceChanged,
    Within,
)
from iptables_model.netfilter.effects import Verdict
from iptables_model.netfilter.effects.mixing import masked
from iptables_model.netfilter.effects.tracking import OF_TEMPLATE, ZONE
from iptables_model.netfilter.evidence import Routing
from iptables_model.netfilter.fields import ANY, STATUS, direction
from iptables_model.netfilter.fragments import gathering
from iptables_model.netfilter.outcome import Outcome
from iptables_model.netfilter.routes import Decision, RouteType
from iptables_model.netfilter.sets import AddressSet, Choice, NameSet, NumberSet
from iptables_model.netfilter.split import split
from iptables_model.netfilter.state import Assumption, Constant, State, Suppose
from iptables_model.netfilter.steps import last_of
from iptables_model.netfilter.walk import Walk
from iptables_model.values.names import Interface

__all__ = ["OLDER", "Arrival", "Delivery", "Path"]

_NOWHERE = Constant(NameSet.nothing_there())
_CONFIRMED = STATUS.bits["CONFIRMED"]
_UNCONFIRMED = BitSet.of(0, _CONFIRMED)
_LOOPBACK = NameSet.of(Interface("lo"))
_HOME = Decision(RouteType.LOCAL, _LOOPBACK)
_AWAY = Decision(RouteType.UNICAST, NameSet.some() - _LOOPBACK)
"""What is known of the way of a packet to another machine where no routes are known."""
_INVALID = Constant(Choice(frozenset({"INVALID"})))
_UNTRACKED = Constant(Choice(frozenset({"UNTRACKED"})))
_NO_STATUS = Constant(BitSet.of(0))
_NEW, _ESTABLISHED, _RELATED = (Choice(frozenset({name})) for name in ("NEW", "ESTABLISHED", "RELATED"))
_IN_OTHER_ZONE = OnceChanged(
    ZONE,
    NEVER,
    All(
        (
            Within("state", _INVALID.value),
            Assume("conntrack finds a connection in the other zone", "the connection table is not in the dump"),
        )
    ),
)
"""What conntrack found INVALID it looks up once more over loopback, maybe in another zone."""
_SOME_CONNECTION = {
    "state": Constant(_NEW | _ESTABLISHED | _RELATED),
    "status": Constant(ANY_BITS),
    "direction": Constant(direction(ANY)),
    "connmark": Constant(ANY_BITS),
}
_SRC_NAT, _DST_NAT = (Within("status", BitSet.of(bit, bit)) for bit in (1 << 4, 1 << 5))
OLDER = Assume("the connection is older than the rules of nat", "the connection table is not in the dump")
_UNSEEN = All((Within("state", _NEW), Within("status", BitSet.of(0, 3 << 4)), OLDER))
"""What nat asks its rules about in vain, since the connection is confirmed (nf_nat_initialized, nf_nat_setup_info)."""
_ORIGINAL = Within("direction", Choice(frozenset({"ORIGINAL"})))
_LIKE_THE_FIRST = Assume("the packet leaves by the interface of the first one", "there are several ways")
_OTHER_MASQUERADE = All((_SRC_NAT, _ORIGINAL, Not(_LIKE_THE_FIRST)))
"""What MASQUERADE translated and no longer leaves by that interface (nf_nat_oif_changed, nf_nat_core.c)."""
_ICMP = {4: 1, 6: 58}
_FROM_NOBODY, _FROM_LINK = (Within("src", AddressSet.read(text)) for text in ("::", "fe80::/10"))
_ROUTED_BY = {4: ("dst", "mark", "tos"), 6: ("dst", "mark", "tos", "ttl")}
"""Fields for whose change in mangle packets of the node are routed again (nf_route_table_hook4 and 6)."""
_FRAGMENT = Within("fragment", Choice(frozenset({"yes", "first"})))
_CROSSES = Assume("the packet leaves by another interface than that by which it came", "there are several ways")
_IMPOSSIBLE = "no such packet comes from another machine"
_STRAY = "the way back to the source leads by another interface"
_STAYS = "packets to this group, or with this TTL, stay on the node"
_WAITS = "fragments wait here for the others of their packet"
_AGAIN = {"OUTPUT": "PREROUTING", "POSTROUTING": "INPUT"}
"""The hooks of nat that over loopback have the same to do once more."""
_OTHER_ROUTES = Assumption(
    "the tables local, main and default route the packet",
    True,
    "ip rule, or the packet's TOS, may choose a route of those that stand elsewhere",
)


class Delivery(enum.StrEnum):
    """Where a packet ends that nothing stops."""

    LOCAL = "local"
    FORWARDED = "forwarded"
    SENT = "sent"
    PROXIED = "proxied"


_ENDS = {
    Verdict.STOLEN: (Outcome.REACHES, Delivery.PROXIED),
    Verdict.REJECT: (Outcome.REJECTED, None),
    Verdict.DROP: (Outcome.DROPPED, None),
}
"""What becomes of packets on which a table has another verdict than ACCEPT."""


@attrs.frozen
class Arrival:
    """Hold packets at the end of their way; `reason` says what stopped them if it was no rule."""

    state: State
    outcome: Outcome
    delivery: Delivery | None
    reason: str = ""


class Path:
    """Take sets of packets through the hooks and gather where they end.

    Their sources are checked as the kernel does if the question is about some, with `from_named`; and whether they may
    come by the interface if it names that too, with `way_named`.
    """

    def __init__(self, walk: Walk, suppose: Suppose, *, from_named: bool, way_named: bool) -> None:
        self._walk = walk
        self._from_named = from_named
        self._way_named = way_named
        self._evidence = walk.evidence
        self._suppose = suppose
        self.arrivals: list[Arrival] = []

    def receive(self, states: list[State]) -> None:
        """Take packets in that come by an interface."""
        states = [state.rewritten(out_interface=_NOWHERE, physdev_out=_NOWHERE) for state in states]
        states = self._without(states, self._evidence.unseen, _IMPOSSIBLE)
        states = self._from(states, self._evidence.unseen_source)
        states = self._gathered(states)
        states = self._tracked(self._untracked(states, "PREROUTING"))
        states = self._hook("mangle", "PREROUTING", states)
        self._arrive(self._walk.together(self._nat("PREROUTING", states)))

    def _arrive(self, states: list[State]) -> None:
        """Deliver packets to the node, or forward them."""
        states = self._without(states, self._evidence.martian, _IMPOSSIBLE)
        states = self._from(states, self._evidence.martian_source)
        if self._way_named:
            states = self._from(states, self._evidence.stray_source, _STRAY)
        states = self._without(states, self._evidence.strange_group, "the node has not joined the group")
        parts = [self._part(state, self._evidence.delivered) for state in states]
        self._input([one for here, _ in parts for one in here], nat=self._nat)
        self._forward([one for _, elsewhere in parts for other in elsewhere for one in self._forwarded(other)])

    def send(self, states: list[State]) -> None:
        """Send packets that the node made.

        All hooks of OUTPUT see the interface of the first route, also after nat has changed the destination and the
        packet was routed again (nf_nat_ipv4_local_fn, ip_route_me_harder): a hook's state keeps its `out`.
        """
        if self._knows_ways:
            ways = [found for state in states for found in self._ways(state, again=False)]
            states = [one for state, way in ways for one in self._leaving(state, way)]
        states = self._gathered(states)
        states = self._tracked(self._untracked(states, "OUTPUT"))
        states = self._routable(self._hook("mangle", "OUTPUT", states), _ROUTED_BY[self._evidence.family])
        states = self._routable(self._walk.together(self._nat("OUTPUT", states)), ("dst",))
        states = self._hook("filter", "OUTPUT", states)
        states = self._hook("security", "OUTPUT", states)
        for state in states:
            for other, way in self._ways(state, again="dst" in state.now):
                left = self._leaving(other, way) if _has_new_way(other) else [other]
                if way.interfaces in _LOOPBACK:
                    self._loop_back(left)
                else:
                    self._finish(self._sent(left), Delivery.SENT)

    def _sent(self, states: list[State]) -> list[State]:
        """Send packets out: IPv4 looks before POSTROUTING, and IPv6 behind it, for those that stay here."""
        if self._evidence.family == 4:
            return self._postrouting(self._without(states, self._evidence.kept, _STAYS))
        return self._without(self._postrouting(states), self._evidence.kept, _STAYS)

    def _ways(self, state: State, *, again: bool) -> list[tuple[State, Decision]]:
        """Part packets of the node by their way, or by that `again`; those that have none end here."""
        found, rest = self._by_first(state, self._evidence.departures(again=again))
        routing = self._evidence.routing
        for one in rest:
            here, elsewhere = self._part(one, self._evidence.at_home)
            found += [(two, _HOME) for two in here]
            found += [pair for two in elsewhere for pair in self._routed(two, routing)]
        return found

    def _routed(self, state: State, routing: Routing) -> list[tuple[State, Decision]]:
        """Part packets to other machines by the routes that lead there, if routes are known."""
        if not routing:
            return [(state, _AWAY)]
        if self._evidence.other_routes:
            state = state.assuming(_OTHER_ROUTES, _OTHER_ROUTES)
        found, rest = [], [state]
        for decision, addresses in routing:
            parts = [self._part(one, Within("dst", addresses)) for one in rest]
            rest = [one for _, no in parts for one in no]
            for one in (one for yes, _ in parts for one in yes):
                if decision.problem:
                    silently = decision.type is RouteType.BLACKHOLE
                    self._stop(one, decision.problem, Outcome.DROPPED if silently else Outcome.REJECTED)
                else:
                    found.append((one, _HOME if decision.type is RouteType.LOCAL else decision))
        return found

    def _routable(self, states: list[State], fields: tuple[str, ...]) -> list[State]:
        """Drop packets to which no route leads any more now that a field has changed (ip_route_me_harder)."""
        if not self._evidence.routing:
            return states
        passed = []
        for state in states:
            changed = any(field in state.now and state.view(field) != state.was(field) for field in fields)
            passed += [one for one, _ in self._ways(state, again=True)] if changed else [state]
        return passed

    def _leaving(self, state: State, way: Decision) -> list[State]:
        """Say by which interface packets leave; where nothing decides it, the packet asked about does."""
        decided = way is not _AWAY and self._knows_ways
        if decided or "dst" in state.now:
            return [state.rewritten(out_interface=Constant(way.interfaces))]
        return self._part(state, Within("out_interface", way.interfaces))[0]

    @property
    def _knows_ways(self) -> bool:
        return bool(self._evidence.local_table or self._evidence.routing)

    def _forwarded(self, state: State) -> list[State]:
        """Route packets to other machines, and take one from their TTL (ip_forward, ip6_forward).

        What TPROXY gave a socket is for the node: if no route of type local takes it there, it is dropped.
        """
        found = []
        for one, way in self._by_first(state, self._evidence.routings)[0]:
            if "socket" in one.now:
                self._stop(one, "it is for a socket of the node and was not routed there", Outcome.DROPPED)
                continue
            expired, alive = self._part(one, Within("ttl", NumberSet.of(0, 1)))
            for other in expired:
                self._stop(other, "the TTL ends here")
            for other in self._crossing(alive, way):
                other = _restored(other, "physdev_out")  # noqa: PLW2901 (where a bridge leads is known now)
                left = _restored(other, "out_interface") if way is _AWAY else self._leaving(other, way)[0]
                found.append(left.shifted("ttl", -1))
        return found

    def _by_first(
        self, state: State, routings: Iterable[tuple[Condition, Routing]]
    ) -> tuple[list[tuple[State, Decision]], list[State]]:
        """Part packets by their way, as the first routing says whose condition holds, and give those that have none."""
        found: list[tuple[State, Decision]] = []
        rest = [state]
        for condition, routing in routings:
            parts = [self._part(one, condition) for one in rest]
            rest = [one for _, no in parts for one in no]
            found += [pair for yes, _ in parts for one in yes for pair in self._routed(one, routing)]
        return found, rest

    def _crossing(self, states: list[State], way: Decision) -> list[State]:
        """Keep IPv6 packets on their link whose source is known on no other (ip6_forward, net/ipv6/ip6_output.c)."""
        if self._evidence.family == 4:
            return states
        crosses = Any((Not(Within("in_interface", way.interfaces)), NEVER if way.interfaces.single else _CROSSES))
        states = self._from(states, All((_FROM_NOBODY, crosses)))
        return self._from(states, All((_FROM_LINK, crosses)), "the source is of one link", Outcome.REJECTED)

    def _loop_back(self, states: list[State]) -> None:
        """Bring packets of the node to the node: conntrack and nat have seen them, so they are not asked again."""
        came = {"in_interface": Constant(_LOOPBACK), "out_interface": _NOWHERE, "mac_source": _NOWHERE}
        states = [
            state.rewritten(**came, status=masked(state, "status", keep=~_CONFIRMED & FULL, xor=_CONFIRMED))
            for state in self._postrouting(states)
        ]
        states = self._from(states, self._evidence.unseen_source)
        for state in self._hook("raw", "PREROUTING", states):
            found, known = self._part(_seen_again(state), _IN_OTHER_ZONE)
            found = self._hook("mangle", "PREROUTING", [one.rewritten(**_SOME_CONNECTION) for one in found])
            self._arrive(self._nat("PREROUTING", found))
            known = self._hook("mangle", "PREROUTING", known)
            self._input(self._nat_again("PREROUTING", known), nat=self._nat_again)

    def _gathered(self, states: list[State]) -> list[State]:
        """Have fragments wait before the first rule, where the kernel puts them together (ipv4_conntrack_defrag)."""
        passed = []
        for state in states:
            fragments, whole = self._part(state, _FRAGMENT)
            if fragments:
                condition = gathering(self._walk.chains.ruleset)
                passed += self._without(fragments, condition, _WAITS, Outcome.NOT_HANDLED)
            passed += whole
        return passed

    def _input(self, states: list[State], *, nat: Callable[[str, list[State]], list[State]]) -> None:
        """Deliver packets to the node. Fragments of IPv4 wait before INPUT, of IPv6 behind it (ip_local_deliver)."""
        if self._evidence.family == 4:
            states = self._without(states, _FRAGMENT, _WAITS, Outcome.NOT_HANDLED)
        for table in ("mangle", "filter", "security"):
            states = self._hook(table, "INPUT", states)
        self._finish(nat("INPUT", states), Delivery.LOCAL)

    def _forward(self, states: list[State]) -> None:
        for table in ("mangle", "filter", "security"):
            states = self._hook(table, "FORWARD", states)
        self._finish(self._postrouting(states), Delivery.FORWARDED)

    def _postrouting(self, states: list[State]) -> list[State]:
        return self._nat("POSTROUTING", self._hook("mangle", "POSTROUTING", states))

    def _untracked(self, states: list[State], hook: str) -> list[State]:
        """Pass `raw`, which comes before conntrack: a packet without connection looks INVALID there."""
        before = {"state": _INVALID, "status": _NO_STATUS}
        return self._hook("raw", hook, [state.rewritten(**before) for state in states])

    def _tracked(self, states: list[State]) -> list[State]:
        """Let conntrack see the packets that `raw` did not exempt. No template hands down what it has."""
        return [
            _restored(state, *(("status",) if state.now["state"] == _UNTRACKED else OF_TEMPLATE)) for state in states
        ]

    def _nat(self, hook: str, states: list[State]) -> list[State]:
        """Ask nat about the first packet of a connection; what has none passes by (nf_nat_inet_fn, nf_nat_core.c)."""
        first, passed = [], []
        for state in states:
            if state.view("state") == _NEW and state.view("status") in _UNCONFIRMED:
                first.append(state)
                continue
            without, rest = self._part(state, NO_CONNECTION)
            for other in rest:
                later, new = self._part(other, self._later)
                first += new
                for known in later:
                    unseen, settled = ([], [known]) if self._walk.lacks("nat", hook) else self._part(known, _UNSEEN)
                    first += unseen
                    passed += [two for one in settled for two in self._translated(hook, one)]
            passed += without
        return self._bound(hook, first) + passed

    def _bound(self, hook: str, states: list[State]) -> list[State]:
        """Ask nat, which binds no connection of packets that it leaves to a queue (nf_nat_inet_fn, nf_nat_core.c)."""
        passed = self._hook("nat", hook, states)
        if hook not in _AGAIN or self._walk.lacks("nat", hook):
            return passed
        undone = _undone(_AGAIN[hook])
        return [one.shifted(undone, 1) if last_of(one.stops).verdict == "queue" else one for one in passed]

    def _nat_again(self, hook: str, states: list[State]) -> list[State]:
        """Ask nat over loopback, where conntrack and nat have seen the packets, about those that it left to a queue.

        Nothing bound their connection then, and nothing can now that it is confirmed (nf_nat_setup_info).
        """
        asked = [state for state in states if _undone(hook) in state.now]
        return [state for state in states if _undone(hook) not in state.now] + self._hook("nat", hook, asked)

    @cached_property
    def _later(self) -> Condition:
        """Hold for packets that do not ask the rules of nat: later ones, and errors about known connections.

        The packets of a confirmed connection are later ones even while no answer has come (nf_nat_initialized).
        """
        error = All((Within("state", _RELATED), Within("protocol", NumberSet.of(_ICMP[self._evidence.family]))))
        return Any((Within("state", _ESTABLISHED), error, Within("status", BitSet.of(_CONFIRMED, _CONFIRMED))))

    def _translated(self, hook: str, state: State) -> list[State]:
        """Translate a later packet as the first one was, or back if it is an answer (nf_nat_packet): to what, is open.

        The hooks before routing change the destination, the others the source; either can be that of a group.
        """
        source = hook in {"POSTROUTING", "INPUT"}
        fields = ("src", "sport") if source else ("dst", "dport")
        first, answer = (_SRC_NAT, _DST_NAT) if source else (_DST_NAT, _SRC_NAT)
        changed, unchanged = self._part(state, Any((All((first, _ORIGINAL)), All((answer, Not(_ORIGINAL))))))
        if hook == "POSTROUTING" and self._evidence.routing and state.view("out_interface").single is None:
            changed = self._without(changed, _OTHER_MASQUERADE, "its connection was masqueraded for another interface")
        opened = (Constant(AddressSet.everything(self._evidence.family)), Constant(NumberSet((0, 1 << 16))))
        return unchanged + [one.rewritten(**dict(zip(fields, opened, strict=True))) for one in changed]

    def _hook(self, table: str, hook: str, states: list[State]) -> list[State]:
        if not states or self._walk.lacks(table, hook):
            return states
        passages = self._walk.traverse(table, hook, states)
        for verdict, ending in passages.items():
            if verdict is not Verdict.ACCEPT:
                self.arrivals += [Arrival(state, *_ENDS[verdict]) for state in ending]
        return passages.get(Verdict.ACCEPT, [])

    def _finish(self, states: list[State], delivery: Delivery) -> None:
        self.arrivals += [Arrival(state, Outcome.REACHES, delivery) for state in states]

    def _stop(self, state: State, reason: str, outcome: Outcome = Outcome.REJECTED) -> None:
        """End packets that no rule stops; mostly, the sender is told (ip_error, net/ipv4/route.c)."""
        self.arrivals.append(Arrival(state, outcome, None, reason))

    def _without(
        self, states: list[State], condition: Condition, reason: str, outcome: Outcome = Outcome.DROPPED
    ) -> list[State]:
        """End packets for which a condition holds, and give the others."""
        if condition is NEVER:
            return states
        passed = []
        for state in states:
            ending, going = self._part(state, condition)
            for one in ending:
                self._stop(one, reason, outcome)
            passed += going
        return passed

    def _from(
        self, states: list[State], condition: Condition, reason: str = _IMPOSSIBLE, outcome: Outcome = Outcome.DROPPED
    ) -> list[State]:
        """End packets whose source does not pass; one that is not named is taken to do so."""
        return self._without(states, condition, reason, outcome) if self._from_named else states

    def _part(self, state: State, condition: Condition) -> tuple[list[State], list[State]]:
        return split(state, condition, self._suppose)


def _seen_again(state: State) -> State:
    """Have conntrack look once more at what it found INVALID and raw gave a template, which it finds so again."""
    return state if state.now.get("state") in (None, _UNTRACKED) else _restored(state, *OF_TEMPLATE)


def _undone(hook: str) -> str:
    """Name what nat has not done before a hook of loopback."""
    return f"nat before {hook}"


def _has_new_way(state: State) -> bool:
    return "dst" in state.now or "out_interface" not in state.now


def _restored(state: State, *fields: str) -> State:
    other = state.copy()
    other.now = {field: held for field, held in state.now.items() if field not in fields}
    return other
