"""What the matches of transport headers ask: ports, flags, ICMP types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any as Anything

from iptables_model.model import matches
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.condition import ALWAYS, All, Any, Condition, Within
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning.asking import WHOLE, asks, rest, union
from iptables_model.netfilter.sets import NumberSet

__all__ = ["icmp", "icmp6", "multiport", "sctp", "tcp", "udp"]


def _ports(field: str) -> Callable[[Anything], Condition]:
    return lambda ports: Within(field, NumberSet.of(ports.first, ports.last))


def tcp(match: matches.Tcp, _: Evidence) -> Condition:
    """Ask for ports and flags (tcp_mt, net/netfilter/xt_tcpudp.c)."""
    return All(
        (
            WHOLE,
            asks(match.sport, _ports("sport")),
            asks(match.dport, _ports("dport")),
            asks(match.tcp_flags, lambda flags: Within("tcp_flags", BitSet.of(flags.comp, flags.mask))),
            rest(match, "a packet here has no TCP options", "sport", "dport", "tcp_flags"),
        )
    )


def udp(match: matches.Udp, _: Evidence) -> Condition:
    """Ask for ports (udp_mt, net/netfilter/xt_tcpudp.c)."""
    return All((WHOLE, asks(match.sport, _ports("sport")), asks(match.dport, _ports("dport"))))


def sctp(match: matches.Sctp, _: Evidence) -> Condition:
    """Ask for ports (sctp_mt, net/netfilter/xt_sctp.c)."""
    ports = (asks(match.sport, _ports("sport")), asks(match.dport, _ports("dport")))
    return All((WHOLE, *ports, rest(match, "a packet here has no SCTP chunks", "sport", "dport")))


def multiport(match: matches.Multiport, _: Evidence) -> Condition:
    """Ask for one of several ports (multiport_mt, net/netfilter/xt_multiport.c)."""

    def among(*fields: str) -> Callable[[Anything], Condition]:
        return lambda ranges: Any(tuple(Within(field, union(ranges)) for field in fields))

    asked = (
        asks(match.sports, among("sport")),
        asks(match.dports, among("dport")),
        asks(match.ports, among("sport", "dport")),
    )
    return All((WHOLE, *asked))


def icmp(match: matches.Icmp, _: Evidence) -> Condition:
    """Ask for a type and codes of ICMP (icmp_match, net/netfilter/xt_tcpudp.c)."""
    return All((WHOLE, asks(match.icmp_type, _icmp_type)))


def icmp6(match: matches.Icmp6, _: Evidence) -> Condition:
    """Ask for a type and codes of ICMPv6 (icmp6_match, net/netfilter/xt_tcpudp.c)."""
    return All((WHOLE, asks(match.icmpv6_type, _icmp_type)))


def _icmp_type(kind: Anything) -> Condition:
    """Compare type and code; type 255 with all codes is `any` (icmp_type_code_match, xt_tcpudp.c)."""
    if kind.type == 0xFF:
        return ALWAYS
    return Within("icmp_type", NumberSet.of(kind.type << 8 | kind.code_first, kind.type << 8 | kind.code_last))
