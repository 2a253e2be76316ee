"""The way of a packet through the kernel: hooks, tables in their order, and what conntrack does between them.

The order of the tables at a hook is that of enum nf_ip_hook_priorities (include/uapi/linux/netfilter_ipv4.h): raw -300,
conntrack -200, mangle -150, nat of the destination -100, filter 0, security 50, nat of the source 100.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

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
from iptables_model.netfilter.ends import IMPOSSIBLE, Arrival, Delivery, Ends
from iptables_model.netfilter.fields import ANY, STATUS, direction
from iptables_model.netfilter.fragments import gathering
from iptables_model.netfilter.outcome import Outcome
from iptables_model.netfilter.routing import LOOPBACK, Router
from iptables_model.netfilter.sets import AddressSet, Choice, NameSet, NumberSet
from iptables_model.netfilter.state import Constant, State, restored
from iptables_model.netfilter.steps import last_of
from iptables_model.netfilter.walk import Walk

__all__ = ["OLDER", "Path"]

_NOWHERE = Constant(NameSet.nothing_there())
_CONFIRMED = STATUS.bits["CONFIRMED"]
_UNCONFIRMED = BitSet.of(0, _CONFIRMED)
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
_FRAGMENT = Within("fragment", Choice(frozenset({"yes", "first"})))
_STRAY = "the way back to the source leads by another interface"
_STAYS = "packets to this group, or with this TTL, stay on the node"
_WAITS = "fragments wait here for the others of their packet"
_AGAIN = {"OUTPUT": "PREROUTING", "POSTROUTING": "INPUT"}
"""The hooks of nat that over loopback have the same to do once more."""
_ROUTED_BY = {4: ("dst", "mark", "tos"), 6: ("dst", "mark", "tos", "ttl")}
"""Fields for whose change in mangle packets of the node are routed again (nf_route_table_hook4 and 6)."""
_ENDS = {
    Verdict.STOLEN: (Outcome.REACHES, Delivery.PROXIED),
    Verdict.REJECT: (Outcome.REJECTED, None),
    Verdict.DROP: (Outcome.DROPPED, None),
}
"""What becomes of packets on which a table has another verdict than ACCEPT."""


class Path:
    """Take sets of packets through the hooks to their ends.

    Whether they may come by the interface is checked if the question names it and a source, with `way_named`.
    """

    def __init__(self, walk: Walk, ends: Ends, *, way_named: bool) -> None:
        self._walk = walk
        self._ends = ends
        self._way_named = way_named
        self._evidence = walk.evidence
        self._router = Router(walk.evidence, ends)

    def receive(self, states: list[State]) -> None:
        """Take packets in that come by an interface."""
        states = [state.rewritten(out_interface=_NOWHERE, physdev_out=_NOWHERE) for state in states]
        states = self._ends.without(states, self._evidence.unseen, IMPOSSIBLE)
        states = self._ends.without_source(states, self._evidence.unseen_source)
        states = self._gathered(states)
        states = self._tracked(self._untracked(states, "PREROUTING"))
        states = self._hook("mangle", "PREROUTING", states)
        self._arrive(self._walk.together(self._nat("PREROUTING", states)))

    def _arrive(self, states: list[State]) -> None:
        """Deliver packets to the node, or forward them."""
        states = self._ends.without(states, self._evidence.martian, IMPOSSIBLE)
        states = self._ends.without_source(states, self._evidence.martian_source)
        if self._way_named:
            states = self._ends.without_source(states, self._evidence.stray_source, _STRAY)
        states = self._ends.without(states, self._evidence.strange_group, "the node has not joined the group")
        parts = [self._ends.part(state, self._evidence.delivered) for state in states]
        self._input([one for here, _ in parts for one in here], nat=self._nat)
        self._forward([one for _, elsewhere in parts for other in elsewhere for one in self._router.forwarded(other)])

    def send(self, states: list[State]) -> None:
        """Send packets that the node made.

        All hooks of OUTPUT see the interface of the first route, also after nat has changed the destination and the
        packet was routed again (nf_nat_ipv4_local_fn, ip_route_me_harder): a hook's state keeps its `out`.
        """
        if self._router.knows_ways:
            ways = [found for state in states for found in self._router.ways(state, again=False)]
            states = [one for state, way in ways for one in self._router.leaving(state, way)]
        states = self._gathered(states)
        states = self._tracked(self._untracked(states, "OUTPUT"))
        states = self._router.routable(self._hook("mangle", "OUTPUT", states), _ROUTED_BY[self._evidence.family])
        states = self._router.routable(self._walk.together(self._nat("OUTPUT", states)), ("dst",))
        states = self._hook("filter", "OUTPUT", states)
        states = self._hook("security", "OUTPUT", states)
        for state in states:
            for other, way in self._router.ways(state, again="dst" in state.now):
                left = self._router.leaving(other, way) if _has_new_way(other) else [other]
                if way.interfaces in LOOPBACK:
                    self._loop_back(left)
                else:
                    self._ends.finish(self._sent(left), Delivery.SENT)

    def _sent(self, states: list[State]) -> list[State]:
        """Send packets out: IPv4 looks before POSTROUTING, and IPv6 behind it, for those that stay here."""
        if self._evidence.family == 4:
            return self._postrouting(self._ends.without(states, self._evidence.kept, _STAYS))
        return self._ends.without(self._postrouting(states), self._evidence.kept, _STAYS)

    def _loop_back(self, states: list[State]) -> None:
        """Bring packets of the node to the node: conntrack and nat have seen them, so they are not asked again."""
        came = {"in_interface": Constant(LOOPBACK), "out_interface": _NOWHERE, "mac_source": _NOWHERE}
        states = [
            state.rewritten(**came, status=masked(state, "status", keep=~_CONFIRMED & FULL, xor=_CONFIRMED))
            for state in self._postrouting(states)
        ]
        states = self._ends.without_source(states, self._evidence.unseen_source)
        for state in self._hook("raw", "PREROUTING", states):
            found, known = self._ends.part(_seen_again(state), _IN_OTHER_ZONE)
            found = self._hook("mangle", "PREROUTING", [one.rewritten(**_SOME_CONNECTION) for one in found])
            self._arrive(self._nat("PREROUTING", found))
            known = self._hook("mangle", "PREROUTING", known)
            self._input(self._nat_again("PREROUTING", known), nat=self._nat_again)

    def _gathered(self, states: list[State]) -> list[State]:
        """Have fragments wait before the first rule, where the kernel puts them together (ipv4_conntrack_defrag)."""
        passed = []
        for state in states:
            fragments, whole = self._ends.part(state, _FRAGMENT)
            if fragments:
                condition = gathering(self._walk.chains.ruleset)
                passed += self._ends.without(fragments, condition, _WAITS, Outcome.NOT_HANDLED)
            passed += whole
        return passed

    def _input(self, states: list[State], *, nat: Callable[[str, list[State]], list[State]]) -> None:
        """Deliver packets to the node. Fragments of IPv4 wait before INPUT, of IPv6 behind it (ip_local_deliver)."""
        if self._evidence.family == 4:
            states = self._ends.without(states, _FRAGMENT, _WAITS, Outcome.NOT_HANDLED)
        for table in ("mangle", "filter", "security"):
            states = self._hook(table, "INPUT", states)
        self._ends.finish(nat("INPUT", states), Delivery.LOCAL)

    def _forward(self, states: list[State]) -> None:
        for table in ("mangle", "filter", "security"):
            states = self._hook(table, "FORWARD", states)
        self._ends.finish(self._postrouting(states), Delivery.FORWARDED)

    def _postrouting(self, states: list[State]) -> list[State]:
        return self._nat("POSTROUTING", self._hook("mangle", "POSTROUTING", states))

    def _untracked(self, states: list[State], hook: str) -> list[State]:
        """Pass `raw`, which comes before conntrack: a packet without connection looks INVALID there."""
        before = {"state": _INVALID, "status": _NO_STATUS}
        return self._hook("raw", hook, [state.rewritten(**before) for state in states])

    def _tracked(self, states: list[State]) -> list[State]:
        """Let conntrack see the packets that `raw` did not exempt. No template hands down what it has."""
        return [
            restored(state, *(("status",) if state.now["state"] == _UNTRACKED else OF_TEMPLATE)) for state in states
        ]

    def _nat(self, hook: str, states: list[State]) -> list[State]:
        """Ask nat about the first packet of a connection; what has none passes by (nf_nat_inet_fn, nf_nat_core.c)."""
        first, passed = [], []
        for state in states:
            if state.view("state") == _NEW and state.view("status") in _UNCONFIRMED:
                first.append(state)
                continue
            without, rest = self._ends.part(state, NO_CONNECTION)
            for other in rest:
                later, new = self._ends.part(other, self._later)
                first += new
                for known in later:
                    unseen, settled = (
                        ([], [known]) if self._walk.lacks("nat", hook) else self._ends.part(known, _UNSEEN)
                    )
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
        changed, unchanged = self._ends.part(state, Any((All((first, _ORIGINAL)), All((answer, Not(_ORIGINAL))))))
        if hook == "POSTROUTING" and self._evidence.routing and state.view("out_interface").single is None:
            changed = self._ends.without(
                changed, _OTHER_MASQUERADE, "its connection was masqueraded for another interface"
            )
        opened = (Constant(AddressSet.everything(self._evidence.family)), Constant(NumberSet((0, 1 << 16))))
        return unchanged + [one.rewritten(**dict(zip(fields, opened, strict=True))) for one in changed]

    def _hook(self, table: str, hook: str, states: list[State]) -> list[State]:
        if not states or self._walk.lacks(table, hook):
            return states
        passages = self._walk.traverse(table, hook, states)
        for verdict, ending in passages.items():
            if verdict is not Verdict.ACCEPT:
                self._ends.arrivals += [Arrival(state, *_ENDS[verdict]) for state in ending]
        return passages.get(Verdict.ACCEPT, [])


def _seen_again(state: State) -> State:
    """Have conntrack look once more at what it found INVALID and raw gave a template, which it finds so again."""
    return state if state.now.get("state") in (None, _UNTRACKED) else restored(state, *OF_TEMPLATE)


def _undone(hook: str) -> str:
    """Name what nat has not done before a hook of loopback."""
    return f"nat before {hook}"


def _has_new_way(state: State) -> bool:
    return "dst" in state.now or "out_interface" not in state.now
