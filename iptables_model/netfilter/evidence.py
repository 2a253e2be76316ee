"""What is known beside the rules, turned into conditions."""

from __future__ import annotations

from functools import cached_property

import attrs

from iptables_model.netfilter.condition import NEVER, All, Any, Assume, Condition, Not, Within
from iptables_model.netfilter.node import Node
from iptables_model.netfilter.sets import AddressSet

__all__ = ["LOCAL", "Evidence", "local_statement"]

LOCAL = "is an address of the node"

_MULTICAST = {4: "224.0.0.0/4", 6: "ff00::/8"}
_LOOPBACK = {4: "127.0.0.0/8", 6: "::1/128"}


def local_statement(field: str) -> str:
    """Word the assumption that an address is the node's own."""
    return f"{field} {LOCAL}"


@attrs.frozen
class Evidence:
    """Hold what the walk may rely on: the family of the rules, and the node if it is known."""

    family: int
    node: Node | None = None

    def local(self, field: str) -> Condition:
        """Ask whether the address in a field is the node's own."""
        if self.node is not None:
            return Within(field, self._local)
        special = All((Not(Within(field, self.multicast)), Not(Within(field, self.broadcast))))
        unknown = Assume(local_statement(field), "the addresses of the node are not in the dump", (field,))
        return Any((Within(field, self._loopback), All((special, unknown))))

    def delivered(self, field: str) -> Condition:
        """Ask whether a packet to the address in a field ends on the node."""
        return Any((self.local(field), Within(field, self.multicast), Within(field, self.broadcast)))

    def unicast(self, field: str) -> Condition:
        """Ask whether the address in a field is some other machine's."""
        return Not(self.delivered(field))

    @cached_property
    def _local(self) -> AddressSet:
        return self._loopback if self.node is None else self.node.local(self.family)

    @cached_property
    def _loopback(self) -> AddressSet:
        return AddressSet.read(_LOOPBACK[self.family])

    @cached_property
    def multicast(self) -> AddressSet:
        """Give the multicast addresses of the family."""
        return AddressSet.read(_MULTICAST[self.family])

    @cached_property
    def broadcast(self) -> AddressSet:
        """Give the broadcast addresses (__inet_dev_addr_type, net/ipv4/fib_frontend.c): IPv6 has none."""
        if self.family == 6:
            return AddressSet((), 6)
        always = AddressSet.read("0.0.0.0/8,255.255.255.255")
        return always if self.node is None else always | self.node.broadcast(4)

    def of_type(self, field: str, kind: str) -> Condition:
        """Ask whether the address in a field is of a type that `addrtype` names."""
        match kind:
            case "LOCAL":
                return self.local(field)
            case "UNICAST":
                return self.unicast(field)
            case "MULTICAST":
                return Within(field, self.multicast)
            case "BROADCAST":
                return Within(field, self.broadcast)
            case "UNSPEC" | "ANYCAST":
                return NEVER
            case _:
                return Assume(f"{field} is of type {kind}", "the routes of the node are not in the dump", (field,))
