"""What a dump does not say about the machine it came from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import attrs

from iptables_model.errors import ModelError
from iptables_model.netfilter import intervals
from iptables_model.netfilter.sets import AddressSet

__all__ = ["Node"]

InterfaceAddress: TypeAlias = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Interfaces: TypeAlias = tuple[tuple[str, tuple[InterfaceAddress, ...]], ...]

_LOOPBACK = {4: "127.0.0.0/8", 6: "::1/128"}


def _interfaces(given: Mapping[str, Iterable[str]] | Interfaces) -> Interfaces:
    pairs = given.items() if isinstance(given, Mapping) else given
    try:
        return tuple((name, tuple(ipaddress.ip_interface(text) for text in addresses)) for name, addresses in pairs)
    except ValueError as error:
        raise ModelError(f"a node's interface needs addresses with a prefix length: {error}") from None


@attrs.frozen(kw_only=True)
class Node:
    """Describe the node on which the rules are: its interfaces with their addresses.

    Raises `ModelError` for what is no address.

    >>> node = Node(interfaces={"eth0": ("172.18.0.3/16",)})
    >>> str(node.local(4))
    '127.0.0.0/8,172.18.0.3'
    """

    interfaces: Interfaces = attrs.field(default=(), converter=_interfaces)

    def addresses(self, version: int) -> tuple[InterfaceAddress, ...]:
        """List the addresses of an IP version, with the length of their networks."""
        return tuple(one for _, held in self.interfaces for one in held if one.version == version)

    def local(self, version: int) -> AddressSet:
        """Give the addresses that the node takes for its own, loopback included (the routes of type local)."""
        own = (AddressSet.of(one.ip).bounds for one in self.addresses(version))
        return AddressSet(intervals.unite((AddressSet.read(_LOOPBACK[version]).bounds, *own)), version)

    def broadcast(self, version: int) -> AddressSet:
        """Give the broadcast addresses of the node's networks (fib_add_ifaddr, net/ipv4/fib_frontend.c)."""
        wide = (one.network for one in self.addresses(version) if version == 4 and one.network.prefixlen < 31)
        ends = (AddressSet.of(network.broadcast_address).bounds for network in wide)
        return AddressSet(intervals.unite(ends), version)

    def address_of(self, interface: str, version: int) -> AddressSet | None:
        """Give the first address of an interface, which MASQUERADE and REDIRECT take; None where it has none."""
        for name, held in self.interfaces:
            found = next((one for one in held if one.version == version), None)
            if name == interface and found is not None:
                return AddressSet.of(found.ip)
        return None
