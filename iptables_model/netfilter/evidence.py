"""What is known beside the rules, turned into conditions."""

from __future__ import annotations

from functools import cached_property

import attrs

from iptables_model.netfilter import intervals
from iptables_model.netfilter.condition import All, Any, Assume, Condition, Not, Within
from iptables_model.netfilter.ipsets import IpSet
from iptables_model.netfilter.node import Node
from iptables_model.netfilter.routes import Decision, RouteType, decisions
from iptables_model.netfilter.sets import AddressSet

__all__ = ["LOCAL", "Evidence", "local_statement"]

LOCAL = "is an address of the node"

_MULTICAST = {4: "224.0.0.0/4", 6: "ff00::/8"}
_LOOPBACK = {4: "127.0.0.0/8", 6: "::1/128"}
_UNTOLD = "the addresses of the node are not in the dump"
_CONSULTED = frozenset({"local", "main", "default"})


def local_statement(field: str) -> str:
    """Word the assumption that an address is the node's own."""
    return f"{field} {LOCAL}"


@attrs.frozen
class Evidence:
    """Hold what the walk may rely on: the family of the rules, and the node if it is known."""

    family: int
    node: Node | None = None
    _conditions: dict[str, Condition] = attrs.field(factory=dict, init=False, eq=False, repr=False)

    @cached_property
    def local_table(self) -> tuple[tuple[Decision, AddressSet], ...]:
        """Part all addresses by what the routing table `local` says of them; empty where that is not known."""
        held = self.node.local_routes(self.family) if self.node is not None else ()
        return decisions(held, self.family) if held else ()

    @cached_property
    def routing(self) -> tuple[tuple[Decision, AddressSet], ...]:
        """Part all addresses by where packets to them go; empty where no routes are known."""
        if self.node is None:
            return ()
        held = [one for one in self.node.routes if one.destination.version == self.family and one.table != "local"]
        return decisions((*self.node.local_routes(self.family), *held), self.family) if held else ()

    @cached_property
    def other_routes(self) -> bool:
        """Say whether there are routes that count only if `ip rule` or a packet's TOS says so."""
        held = () if self.node is None else self.node.routes
        return any(
            one.destination.version == self.family and (one.tos != 0 or one.table not in _CONSULTED) for one in held
        )

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
        unknown = Assume(local_statement(field), _UNTOLD, (field,))
        return Any((Within(field, self._loopback), All((Not(Within(field, self._several)), unknown))))

    def delivered(self, field: str) -> Condition:
        """Ask whether a packet that comes in with the address in a field ends on the node."""
        if self.local_table:
            return Within(field, self._several | self.addresses(RouteType.LOCAL) | self.addresses(RouteType.ANYCAST))
        unknown = Assume(local_statement(field), _UNTOLD, (field,))
        return Any((Within(field, self._several | self._loopback), unknown))

    @cached_property
    def machines(self) -> AddressSet:
        """Give the addresses that one machine can have."""
        return AddressSet.everything(self.family) - self._several

    @cached_property
    def _several(self) -> AddressSet:
        return self.multicast | self.broadcast

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
        return AddressSet.read("0.0.0.0/8,255.255.255.255") if self.family == 4 else AddressSet((), 6)
