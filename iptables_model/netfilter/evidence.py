"""What is known beside the rules, turned into conditions."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TypeAlias

import attrs

from iptables_model.netfilter import intervals
from iptables_model.netfilter.condition import ALWAYS, NEVER, All, Any, Assume, Condition, Not, Within
from iptables_model.netfilter.ipsets import IpSet
from iptables_model.netfilter.node import Node
from iptables_model.netfilter.routes import Decision, Route, RouteType, decisions
from iptables_model.netfilter.sets import AddressSet, NameSet, NumberSet
from iptables_model.values.names import Interface

__all__ = ["LENIENT", "LOCAL", "Evidence", "Routing", "local_statement"]

LOCAL = "is an address of the node"

Routing: TypeAlias = tuple[tuple[Decision, AddressSet], ...]
"""All addresses of an IP version, parted by what routing decides about them; empty where no routes are known."""

_MULTICAST = {4: "224.0.0.0/4", 6: "ff00::/8"}
_LOOPBACK = {4: "127.0.0.0/8", 6: "::1/128"}
_UNSPECIFIED = {4: "0.0.0.0/32", 6: "::"}
_NOBODY = AddressSet.read(_UNSPECIFIED[4])
_LOCAL_TYPES = {RouteType.LOCAL, RouteType.BROADCAST, RouteType.ANYCAST, RouteType.MULTICAST}
_CONSULTED = frozenset({"local", "main", "default"})
_LINKS = NameSet.some() - NameSet.of(Interface("lo"))
_FROM_LOOPBACK = Within("in_interface", NameSet.of(Interface("lo")))

_ANYWHERE, _TO_ALL = AddressSet.everything(4), AddressSet.read("255.255.255.255")
_LINK_LOCAL = AddressSet.read("fe80::/10")
_OF_ONE_LINK = AddressSet.read("::1,fe80::/10")
"""IPv6 addresses to which only the routes of one interface lead (rt6_need_strict, net/ipv6/route.c)."""
_OF_NO_SCOPE, _OF_ONE_NODE = (
    AddressSet.read(",".join(f"ff{flags:x}{scope}::/16" for flags in range(16))) for scope in (0, 1)
)
"""IPv6 groups of the scopes 0 and 1, which never come from another machine."""
_GROUPS = {4: "224.0.0.1", 6: "ff01::1,ff02::1,ff02::2"}
"""The groups that every router joins (ip_mc_up, net/ipv4/igmp.c; ipv6_add_dev, net/ipv6/addrconf.c)."""
_FOR_THOSE_WITHOUT_ADDRESS = Any(
    (
        Within("dst", AddressSet.read("0.0.0.0,224.0.0.0/24,255.255.255.255")),
        All((Within("dst", AddressSet.read(_MULTICAST[4])), Within("protocol", NumberSet.of(2)))),
    )
)
"""Holds for what may come from 0.0.0.0 (ip_mc_validate_source and ip_route_input_slow, net/ipv4/route.c)."""
_SYSCTLS = "sysctls are not in the dump"
_LOCALNET = Assume("route_localnet is set for the interface", _SYSCTLS, ("in_interface",))
_NO_RP_FILTER = Assume("rp_filter is off for the interface", _SYSCTLS, ("in_interface",))
_NO_LOOKUP = Assume(
    "src is not looked up among the routes", f"{_SYSCTLS}, such as send_redirects", ("src", "dst", "in_interface")
)
LENIENT = (_NO_RP_FILTER, _NO_LOOKUP)
"""What lets sources of IPv4 pass that may not come by this interface."""


def local_statement(field: str) -> str:
    """Word the assumption that an address is the node's own."""
    return f"{field} {LOCAL}"


@attrs.frozen(slots=False)
class Evidence:
    """Hold what the walk may rely on: the family of the rules, and the node if it is known."""

    family: int
    node: Node | None = None
    _conditions: dict[str, Condition] = attrs.field(factory=dict, init=False, eq=False, repr=False)

    @cached_property
    def local_table(self) -> Routing:
        """Part all addresses by what the routing table `local` says of them; empty where that is not known."""
        return self._decided(self._local_routes)

    @cached_property
    def routing(self) -> Routing:
        """Part all addresses by where packets to them go; empty where no routes are known."""
        return self._decided((*self._local_routes, *self._other_routes)) if self._other_routes else ()

    @cached_property
    def routings(self) -> tuple[tuple[Condition, Routing], ...]:
        """Tell by which routes packets go that came in: the first whose condition holds.

        To an IPv6 address of one link, only the routes of the interface lead by which the packet came (find_match,
        net/ipv6/route.c).
        """
        if self.family == 4 or not self.routing:
            return ((ALWAYS, self.routing),)
        return (*self._by_interface(_OF_ONE_LINK, "in_interface"), (ALWAYS, self.routing))

    @cached_property
    def routing_by_interface(self) -> tuple[tuple[NameSet, Routing], ...]:
        """Part all addresses by where the routes of each interface alone lead."""
        routes = (*self._local_routes, *self._other_routes)
        names = sorted({name for route in routes for name in route.interfaces})
        return tuple((NameSet.of(Interface(name)), self._decided(_by(name, routes))) for name in names)

    def departures(self, *, again: bool) -> tuple[tuple[Condition, Routing], ...]:
        """Tell by which routes packets of the node go that do not go as all others: the first whose condition holds.

        To an IPv4 group they leave as the socket likes, and routed again by the interface that has the source
        (ip_route_output_key_hash_rcu, net/ipv4/route.c). To an IPv6 group, or an address of one link, they stay with
        the interface if they are routed again, and those to nobody are not for the node (ip6_route_me_harder,
        net/ipv6/netfilter.c).
        """
        if not self.routing or (self.family == 6 and not again):
            return ()
        if self.family == 6:
            to_nobody = Within("dst", AddressSet.read(_UNSPECIFIED[6]))
            return ((to_nobody, self.routing), *self._by_interface(_LINK_LOCAL | self.multicast, "out_interface"))
        to_group = Within("dst", self.multicast | _TO_ALL)
        if not again:
            return ((to_group, ((Decision(RouteType.UNICAST, _LINKS), _ANYWHERE),)),)
        ways = (
            (
                All((to_group, Within("src", addresses))),
                ((Decision(RouteType.UNICAST, decision.interfaces), _ANYWHERE),),
            )
            for decision, addresses in self.local_table
            if decision.type is RouteType.LOCAL
        )
        return (*ways, (to_group, decisions((), 4)))

    def _by_interface(self, addresses: AddressSet, field: str) -> tuple[tuple[Condition, Routing], ...]:
        """Have packets to some addresses go by the routes of the interface in a field only."""
        to_link = Within("dst", addresses)
        ways = ((All((to_link, Within(field, name))), routing) for name, routing in self.routing_by_interface)
        return (*ways, (to_link, decisions((), 6)))

    @cached_property
    def _local_routes(self) -> tuple[Route, ...]:
        return () if self.node is None else self.node.local_routes(self.family)

    @cached_property
    def _other_routes(self) -> tuple[Route, ...]:
        held = () if self.node is None else self.node.routes
        return tuple(one for one in held if one.destination.version == self.family and one.table != "local")

    def _decided(self, routes: Iterable[Route]) -> Routing:
        held = tuple(routes)
        return decisions(held, self.family) if held else ()

    @cached_property
    def other_routes(self) -> bool:
        """Say whether there are routes that count only if `ip rule` or a packet's TOS says so."""
        return any(one.tos != 0 or one.table not in _CONSULTED for one in self._other_routes)

    def ipset(self, name: str) -> IpSet | None:
        """Find an ipset of the node by its name."""
        return self._ipsets.get(name)

    @cached_property
    def _ipsets(self) -> dict[str, IpSet]:
        return {one.name: one for one in self.node.ipsets} if self.node is not None else {}

    def local(self, field: str) -> Condition:
        """Ask whether the address in a field is the node's own."""
        known = self._conditions.get(field)
        return known or self._conditions.setdefault(field, self._local(field))

    def _local(self, field: str) -> Condition:
        if self.local_table:
            return Within(field, self.addresses(RouteType.LOCAL))
        return Any((Within(field, self._loopback), All((Not(Within(field, self._several)), _assumed_local(field)))))

    @cached_property
    def at_home(self) -> Condition:
        """Ask whether a packet that the node makes is for the node itself, as one to nobody is (ip_route_output)."""
        nobody = Within("dst", AddressSet.read(_UNSPECIFIED[self.family]))
        known = Within("dst", self._own) if self.local_table else self.local("dst")
        return Any((nobody, known))

    @cached_property
    def delivered(self) -> Condition:
        """Ask whether a packet that comes in ends on the node."""
        if self.family == 4:
            if self.local_table:
                return Within("dst", self._several | self._own)
            return Any((Within("dst", self._several | self._loopback), _assumed_local("dst")))
        if not self.local_table:
            astray = All((Within("dst", self._loopback), Not(_FROM_LOOPBACK)))
            return Any((Within("dst", self.multicast), All((Not(astray), self.local("dst")))))
        links = (
            All((Within("dst", addresses & _OF_ONE_LINK), Within("in_interface", decision.interfaces)))
            for decision, addresses in self.local_table
            if decision.type in (RouteType.LOCAL, RouteType.ANYCAST)
        )
        return Any((Within("dst", self.multicast | self._own - _OF_ONE_LINK), *links))

    @cached_property
    def unseen(self) -> Condition:
        """Ask for destinations that are dropped before any hook (ip6_rcv_core, net/ipv6/ip6_input.c)."""
        if self.family == 4:
            return NEVER
        outside = Within("dst", self._loopback | _OF_ONE_NODE)
        return Any((Within("dst", _OF_NO_SCOPE), All((outside, Not(_FROM_LOOPBACK)))))

    @cached_property
    def unseen_source(self) -> Condition:
        """Ask for sources that are dropped before any hook (ip6_rcv_core, net/ipv6/ip6_input.c)."""
        if self.family == 4:
            return NEVER
        return Any((Within("src", self.multicast), All((Within("src", self._loopback), Not(_FROM_LOOPBACK)))))

    @cached_property
    def martian(self) -> Condition:
        """Ask for destinations that routing refuses (ip_route_input_slow, net/ipv4/route.c)."""
        if self.family == 6:
            return NEVER
        loopback = All((Within("dst", self._loopback), Not(_LOCALNET)))
        nobody = All((Within("dst", _NOBODY), Not(Within("src", _NOBODY))))
        return All((Within("dst", self._loopback | _NOBODY), Not(_FROM_LOOPBACK), Any((loopback, nobody))))

    @cached_property
    def martian_source(self) -> Condition:
        """Ask for sources that routing refuses (ip_route_input_slow and fib_validate_source, net/ipv4).

        Those of the node itself are only known with its addresses.
        """
        if self.family == 6:
            return NEVER
        never = self.multicast | self._own - self._loopback | AddressSet.read("127.0.0.1,255.255.255.255")
        loopback = All((Within("src", self._loopback), Not(All((_LOCALNET, _NO_LOOKUP)))))
        nobody = All((Within("src", _NOBODY), Not(_FOR_THOSE_WITHOUT_ADDRESS)))
        broadcast = self.addresses(RouteType.BROADCAST) - self._loopback
        looked_up = All((Within("src", broadcast), Not(_NO_LOOKUP)))
        refused = Any((Within("src", never), loopback, nobody, looked_up))
        return All((Within("src", never | self._loopback | _NOBODY | broadcast), Not(_FROM_LOOPBACK), refused))

    @cached_property
    def stray_source(self) -> Condition:
        """Ask for sources to which no route leads by the interface (fib_validate_source, net/ipv4/fib_frontend.c)."""
        if self.family == 6 or not self.routing:
            return NEVER
        stray = (
            All((Within("src", addresses - _NOBODY), Not(Within("in_interface", decision.interfaces))))
            for decision, addresses in self.routing
            if decision.type not in _LOCAL_TYPES
        )
        return All((Not(_FROM_LOOPBACK), Any(tuple(stray)), Not(_NO_RP_FILTER)))

    @cached_property
    def strange_group(self) -> Condition:
        """Ask for packets to a group that the node has not joined (ip_check_mc_rcu, ipv6_chk_mcast_addr)."""
        return All((Within("dst", self.multicast), Not(self._joined)))

    @cached_property
    def kept(self) -> Condition:
        """Ask for packets of the node to a group that do not leave it (ip_mc_output, ip6_finish_output2)."""
        spent = All((Within("ttl", NumberSet.of(0)), Within("dst", self.multicast), self._joined))
        return spent if self.family == 4 else Any((Within("dst", _OF_NO_SCOPE | _OF_ONE_NODE), spent))

    @cached_property
    def _joined(self) -> Condition:
        reason = "the groups that the node has joined are not in the dump"
        unknown = Assume("dst is a group that the node has joined", reason, ("dst", "in_interface"))
        return Any((Within("dst", AddressSet.read(_GROUPS[self.family])), unknown))

    @cached_property
    def _own(self) -> AddressSet:
        return self.addresses(RouteType.LOCAL) | self.addresses(RouteType.ANYCAST)

    @cached_property
    def _several(self) -> AddressSet:
        return self.multicast | self.broadcast

    @cached_property
    def assigned(self) -> tuple[tuple[NameSet, AddressSet], ...]:
        """Give the addresses of each interface; empty where they are not known."""
        held = () if self.node is None else self.node.interfaces
        return tuple(
            (NameSet.of(Interface(name)), AddressSet.of(one.ip))
            for name, addresses in held
            for one in addresses
            if one.version == self.family
        )

    def addresses(self, kind: RouteType) -> AddressSet:
        """Give the addresses that the table `local` has as one type."""
        held = (addresses.bounds for decision, addresses in self.local_table if decision.type is kind)
        return AddressSet(intervals.unite(held), self.family)

    @cached_property
    def _loopback(self) -> AddressSet:
        return AddressSet.read(_LOOPBACK[self.family])

    @cached_property
    def multicast(self) -> AddressSet:
        """Give the multicast addresses of the family."""
        return AddressSet.read(_MULTICAST[self.family])

    @cached_property
    def broadcast(self) -> AddressSet:
        """Give the broadcast addresses: those of no network, and those in the table `local`. IPv6 has none."""
        return self.always_broadcast | self.addresses(RouteType.BROADCAST)

    @cached_property
    def always_broadcast(self) -> AddressSet:
        """Give the broadcast addresses of no network (__inet_dev_addr_type, net/ipv4/fib_frontend.c)."""
        return AddressSet.read("0.0.0.0,255.255.255.255") if self.family == 4 else AddressSet((), 6)


def _assumed_local(field: str) -> Assume:
    return Assume(local_statement(field), "the addresses of the node are not in the dump", (field,))


def _by(interface: str, routes: Iterable[Route]) -> tuple[Route, ...]:
    """Keep the routes that lead out of an interface."""
    return tuple(attrs.evolve(one, interfaces=(interface,)) for one in routes if interface in one.interfaces)
