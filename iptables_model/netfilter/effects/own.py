"""Which of its own addresses the kernel takes for a packet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from iptables_model.netfilter import intervals
from iptables_model.netfilter.node import InterfaceAddress, Node
from iptables_model.netfilter.sets import AddressSet, NameSet
from iptables_model.netfilter.state import State
from iptables_model.values.names import Interface

__all__ = ["LINK_LOCAL", "first_addresses", "source_address"]

LINK_LOCAL = AddressSet.read("fe80::/10,ff02::/16")
"""Addresses and groups of one link, to which a packet goes from a link-local address (ipv6_get_saddr_eval)."""


def first_addresses(state: State, node: Node | None, version: int) -> list[tuple[NameSet, AddressSet]]:
    """Give the first address of the interface by which the packet came, by the names of interfaces that have the same.

    IPv6 takes the first link-local one for a link-local destination (net/netfilter/nf_nat_redirect.c). It can be any
    address without a node, or of an interface that the node does not tell.
    """
    anything = AddressSet.everything(version)
    if node is None:
        return [(NameSet.everything(), anything)]
    destination: Any = state.view("dst")
    near = version == 6 and destination in LINK_LOCAL
    alike: defaultdict[AddressSet, list[NameSet]] = defaultdict(list)
    for name, held in node.interfaces:
        usable = (one for one in held if one.version == version and (one.is_link_local or not near))
        first = [one for one in list(usable)[:1] if not one.is_loopback]
        alike[_union(first, version)].append(NameSet.of(Interface(name)))
    found = [(NameSet(intervals.unite(one.bounds for one in names)), first) for first, names in alike.items()]
    known = NameSet(intervals.unite(names.bounds for names, _ in found))
    return [*found, (NameSet.everything() - known, anything)]


def source_address(state: State, node: Node | None, version: int) -> AddressSet:
    """Give what the address can be that the kernel sends from, to the packet's destination and by its interface.

    An interface without an address sends from one of another interface. Without a node it can be any address. To an
    address of the node itself IPv6 sends from that address (rule 1 of ipv6_dev_get_saddr, net/ipv6/addrconf.c).
    """
    if node is None:
        return AddressSet.everything(version)
    destination: Any = state.view("dst")
    itself: AddressSet = destination & _union(node.addresses(version), version)
    if version == 6 and itself == destination:
        return itself
    others = _usable(node.addresses(version), state, version)
    by_interface = (_usable(held, state, version) for held in _leaving_by(state, node))
    found = _union((one for held in by_interface for one in _sources(held, destination) or others), version)
    return found | itself if version == 6 else found


def _leaving_by(state: State, node: Node) -> Iterator[tuple[InterfaceAddress, ...]]:
    """Go through the addresses of each interface by which packets can leave; it can be one that is not known."""
    names: Any = state.view("out_interface")
    known = {name: NameSet.of(Interface(name)) for name, _ in node.interfaces}
    beyond = names - NameSet(intervals.unite(one.bounds for one in known.values()))
    return (held for name, held in node.interfaces if beyond or known[name] & names)


def _usable(held: Iterable[InterfaceAddress], state: State, version: int) -> list[InterfaceAddress]:
    """Keep the addresses of a version, loopback apart, whose scope can be that of the packet's destination."""
    destination: Any = state.view("dst")
    near, far = destination in LINK_LOCAL, not destination & LINK_LOCAL
    return [
        one
        for one in held
        if one.version == version and not one.is_loopback and (version == 4 or not (far if one.is_link_local else near))
    ]


def _sources(usable: list[InterfaceAddress], destination: AddressSet) -> list[InterfaceAddress]:
    """List the addresses of one interface that can be taken.

    IPv4 takes the first one whose network has the next hop, else the first; it passes over a second one of the same
    network (inet_select_addr, net/ipv4/devinet.c). Of several, it is a long comparison which one IPv6 takes
    (ipv6_dev_get_saddr, net/ipv6/addrconf.c).
    """
    if destination.version == 6:
        return usable
    primary = list({one.network: one for one in reversed(usable)}.values())[::-1]
    found, behind_gateways = [], destination
    for one in primary:
        if behind_gateways & AddressSet.of(one.network):
            found.append(one)
        behind_gateways -= AddressSet.of(one.network)
    return primary if behind_gateways else found


def _union(held: Iterable[InterfaceAddress], version: int) -> AddressSet:
    return AddressSet(intervals.unite(AddressSet.of(one.ip).bounds for one in held), version)
