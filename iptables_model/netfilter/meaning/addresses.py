"""What a rule's own addresses, interfaces and protocol ask, and ranges of addresses."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any as Anything

from iptables_model.model import matches
from iptables_model.netfilter.condition import ALWAYS, NEVER, All, Any, Assume, Condition, Not, Within
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.fields import HEADERS
from iptables_model.netfilter.meaning.asking import asks, has_bits, one_of
from iptables_model.netfilter.sets import AddressSet, NameSet, NumberSet
from iptables_model.values.addresses import Network
from iptables_model.values.names import Interface

__all__ = ["ENDS_THERE", "ip", "iprange"]


_IS_LATER = one_of("fragment", "yes")


def ip(match: matches.Ip, evidence: Evidence) -> Condition:
    """Ask for addresses, interfaces and the protocol (ip_packet_match, net/ipv4/netfilter/ip_tables.c)."""
    conditions = []
    # Every rule has one of these, and most ask little.
    if match.source is not None:
        conditions.append(asks(match.source, _from_network))
    if match.destination is not None:
        conditions.append(asks(match.destination, _to_network))
    if match.in_interface is not None:
        conditions.append(asks(match.in_interface, _by_interface))
    if match.out_interface is not None:
        conditions.append(asks(match.out_interface, _out_of_interface))
    if match.protocol is not None:
        conditions.append(asks(match.protocol, _is_protocol if evidence.family == 4 else _is_last_protocol))
    if match.fragment is not None:
        conditions.append(_IS_LATER if match.fragment else Not(_IS_LATER))
    return conditions[0] if len(conditions) == 1 else All(tuple(conditions))


def _from_network(network: Network) -> Condition:
    return Within("src", AddressSet.of(network))


def _to_network(network: Network) -> Condition:
    return Within("dst", AddressSet.of(network))


def _by_interface(interface: Interface) -> Condition:
    return Within("in_interface", NameSet.of(interface))


def _out_of_interface(interface: Interface) -> Condition:
    return Within("out_interface", NameSet.of(interface))


@cache
def _is_protocol(number: int) -> Condition:
    """Ask for a protocol; 0 asks for any (ip_packet_match, net/ipv4/netfilter/ip_tables.c)."""
    return Within("protocol", NumberSet.of(number)) if number else ALWAYS


_EXTENSION_HEADERS, _AUTHENTICATION = (43, 44, 60), 51
_AUTHENTICATED = has_bits("headers", HEADERS.bits["AUTH"])
ENDS_THERE = Assume(
    "the search for the protocol ends at an authentication header",
    "nf_tables does so, and ip6_tables does not",
)


@cache
def _is_last_protocol(number: int) -> Condition:
    """Ask for the protocol behind all extension headers, which is none of these (ipv6_find_hdr, exthdrs_core.c).

    At an authentication header the search ends for nf_tables (IP6_FH_F_AUTH, nft_set_pktinfo_ipv6), and for ip6_tables
    goes on behind it.
    """
    ends_there = All((_AUTHENTICATED, ENDS_THERE))
    if number == _AUTHENTICATION:
        return Any((ends_there, _is_protocol(number)))
    if number in _EXTENSION_HEADERS:
        return NEVER
    return All((_is_protocol(number), Not(ends_there))) if number else ALWAYS


def iprange(match: matches.Iprange, _: Evidence) -> Condition:
    """Ask for ranges of addresses (iprange_mt4, iprange_mt6, net/netfilter/xt_iprange.c)."""

    def between(field: str) -> Callable[[Anything], Condition]:
        return lambda held: Within(field, AddressSet.between(held.first, held.last))

    return All((asks(match.src_range, between("src")), asks(match.dst_range, between("dst"))))
