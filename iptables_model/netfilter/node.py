"""What a dump does not say about the machine it came from."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Self, TypeAlias

import attrs

from iptables_model.errors import ModelError
from iptables_model.netfilter import intervals
from iptables_model.netfilter.iproute import read_addresses, read_routes
from iptables_model.netfilter.ipset_save import read_ipsets
from iptables_model.netfilter.ipsets import IpSet
from iptables_model.netfilter.routes import Route, RouteType, decisions, interface_name
from iptables_model.netfilter.sets import AddressSet

__all__ = ["Node"]

InterfaceAddress: TypeAlias = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Interfaces: TypeAlias = tuple[tuple[str, tuple[InterfaceAddress, ...]], ...]

_LOOPBACK = {4: "127.0.0.0/8", 6: "::1/128"}


def _interfaces(given: Mapping[str, Iterable[str]] | Interfaces) -> Interfaces:
    pairs = given.items() if isinstance(given, Mapping) else given
    try:
        return tuple(
            (interface_name(name), tuple(ipaddress.ip_interface(text) for text in addresses))
            for name, addresses in pairs
        )
    except ModelError:
        raise
    except ValueError as error:
        raise ModelError(f"a node's interface needs addresses with a prefix length: {error}") from None


def _routes(given: Iterable[Route]) -> tuple[Route, ...]:
    routes = tuple(given)
    if all(isinstance(route, Route) for route in routes):
        return routes
    raise ModelError("a node's routes need to be of the class Route")


def _ipsets(given: Iterable[IpSet]) -> tuple[IpSet, ...]:
    ipsets = tuple(given)
    if not all(isinstance(one, IpSet) for one in ipsets):
        raise ModelError("a node's ipsets need to be of the class IpSet")
    twice = next((name for name, count in Counter(one.name for one in ipsets).items() if count > 1), None)
    if twice is not None:
        raise ModelError(f"a node has one ipset of a name, found two {twice}")
    return ipsets


@attrs.frozen(kw_only=True, cache_hash=True)
class Node:
    """Describe the node on which the rules are: its interfaces with their addresses, its routes, and its ipsets.

    What is left empty is not known; addresses and routes, for each IP version by itself. Routes of table local are made
    from the addresses where none are given. Only the tables local, main and default are asked. Raises `ModelError` for
    what is no address, no route, or no ipset.

    >>> node = Node(interfaces={"eth0": ("172.18.0.3/16",)})
    >>> str(node.local(4))
    '127.0.0.0/8,172.18.0.3'
    """

    interfaces: Interfaces = attrs.field(default=(), converter=_interfaces)
    routes: tuple[Route, ...] = attrs.field(default=(), converter=_routes)
    ipsets: tuple[IpSet, ...] = attrs.field(default=(), converter=_ipsets)

    @classmethod
    def from_text(cls, *, addresses: str = "", routes: str = "", ipsets: str = "") -> Self:
        """Read what commands on the node printed: `ip -j addr`, `ip -j route show table all`, `ipset save`.

        `ip -j route`, with or without the output of `ip -j -6 route` behind it, will do too. Raises `ParseError` for
        what is no JSON, or no line of `ipset save`, and `ModelError` for what `ip` would not print.

        >>> node = Node.from_text(routes='[{"dst": "default", "gateway": "172.18.0.1", "dev": "eth0"}]')
        >>> node.routes[0].interfaces
        ('eth0',)
        """
        return cls(interfaces=read_addresses(addresses), routes=read_routes(routes), ipsets=read_ipsets(ipsets))

    def addresses(self, version: int) -> tuple[InterfaceAddress, ...]:
        """List the addresses of an IP version, with the length of their networks."""
        return tuple(one for _, held in self.interfaces for one in held if one.version == version)

    def local_routes(self, version: int) -> tuple[Route, ...]:
        """List the routes of table local: those given, else those that the kernel makes for the addresses."""
        given = tuple(one for one in self.routes if one.table == "local" and one.destination.version == version)
        if given or not self.addresses(version):
            return given
        loopback = Route(destination=_LOOPBACK[version], interfaces="lo", type=RouteType.LOCAL, table="local")
        made = (
            route for name, held in self.interfaces for one in held if one.version == version
            for route in _made_for(name, one)
        )  # fmt: skip
        return (loopback, *made)

    def local(self, version: int) -> AddressSet:
        """Give the addresses that the node takes for its own, loopback included (the routes of type local)."""
        held = decisions(self.local_routes(version), version)
        own = (addresses.bounds for decision, addresses in held if decision.type is RouteType.LOCAL)
        return AddressSet(intervals.unite(own), version) or AddressSet.read(_LOOPBACK[version])

    def address_of(self, interface: str, version: int) -> AddressSet | None:
        """Give the first address of an interface, which MASQUERADE and REDIRECT take; None where it has none."""
        for name, held in self.interfaces:
            found = next((one for one in held if one.version == version), None)
            if name == interface and found is not None:
                return AddressSet.of(found.ip)
        return None


def _made_for(interface: str, address: InterfaceAddress) -> Iterator[Route]:
    """Make the local, broadcast and multicast routes of an address (fib_add_ifaddr, addrconf_add_dev)."""
    # On loopback, the whole IPv4 network is local.
    wide = interface == "lo" and address.version == 4
    own = address.network if wide else ipaddress.ip_network(address.ip)
    yield Route(destination=own, interfaces=interface, type=RouteType.LOCAL, table="local")
    if address.version == 4 and address.network.prefixlen < 31:
        last = ipaddress.ip_network(address.network.broadcast_address)
        yield Route(destination=last, interfaces=interface, type=RouteType.BROADCAST, table="local")
    if address.version == 6 and interface != "lo":
        yield Route(destination="ff00::/8", interfaces=interface, type=RouteType.MULTICAST, table="local", metric=256)
