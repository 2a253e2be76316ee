"""What the matches of transport headers ask: ports, flags, options, types, chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any as Anything

from iptables_model.model import matches
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.condition import ALWAYS, All, Any, Assume, Condition, Not, Within
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning.asking import (
    WITH_HEADER,
    asks,
    has_bits,
    one_of,
    rest,
    union,
    unless_fragment,
    within_range,
)
from iptables_model.netfilter.sets import NumberSet
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import PortRange
from iptables_model.values.sctp import CHUNK_NUMBERS, ChunkMatch, ChunkTypes

__all__ = ["AT_ONCE", "dccp", "icmp", "icmp6", "multiport", "sctp", "tcp", "tcpmss", "udp"]

_EVERY_CHUNK = (1 << 256) - 1
_MSS = has_bits("tcp_options", 1 << 2)
"""TCPOPT_MSS."""


def _ports(match: matches.Tcp | matches.Udp | matches.Sctp | matches.Dccp) -> tuple[Condition, ...]:
    return WITH_HEADER, asks(match.sport, _from_ports), asks(match.dport, _to_ports)


_from_ports, _to_ports = within_range("sport"), within_range("dport")


AT_ONCE = Assume(
    "one of the two ports that a rule excludes is enough to match",
    "iptables-nft 1.8.9 compares both at once (add_nft_tcpudp, iptables/nft.c)",
)


def _excluded_ports(match: matches.Tcp | matches.Udp) -> Condition:
    """Ask for ports, of which two single ones with a `!` each are special."""
    whole, source, destination = _ports(match)
    if _excludes_one(match.sport) and _excludes_one(match.dport):
        both = All((source, destination))
        return All((whole, Any((both, All((Any((source, destination)), AT_ONCE))))))
    return All((whole, source, destination))


def _excludes_one(end: Negatable[PortRange] | None) -> bool:
    return end is not None and end.negated and 0 < end.value.first == end.value.last


def tcp(match: matches.Tcp, _: Evidence) -> Condition:
    """Ask for ports, flags and an option (tcp_mt, net/netfilter/xt_tcpudp.c).

    That iptables-legacy drops a fragment that begins 8 bytes into the header is left out; iptables-nft does not.
    """
    if match.tcp_flags is None and match.tcp_option is None:
        return _excluded_ports(match)
    return All(
        (
            _excluded_ports(match),
            asks(match.tcp_flags, lambda flags: Within("tcp_flags", BitSet.of(flags.comp, flags.mask))),
            asks(match.tcp_option, lambda kind: has_bits("tcp_options", 1 << kind)),
        )
    )


def tcpmss(match: matches.Tcpmss, _: Evidence) -> Condition:
    """Ask for the MSS; a segment that says none matches behind `!` only (tcpmss_mt, net/netfilter/xt_tcpmss.c).

    A later fragment is dropped if its bytes look like no header of TCP, which is left out.
    """
    return unless_fragment(match, asks(match.mss, lambda sizes: All((_MSS, within_range("mss")(sizes)))))


def udp(match: matches.Udp, _: Evidence) -> Condition:
    """Ask for ports (udp_mt, net/netfilter/xt_tcpudp.c)."""
    return _excluded_ports(match)


def dccp(match: matches.Dccp, _: Evidence) -> Condition:
    """Ask for ports and types (dccp_mt, net/netfilter/xt_dccp.c)."""
    types = asks(match.dccp_types, lambda kinds: one_of("dccp_type", *map(str, kinds)))
    return All(
        (*_ports(match), types, rest(match, "a packet here has no DCCP options", "sport", "dport", "dccp_types"))
    )


def sctp(match: matches.Sctp, _: Evidence) -> Condition:
    """Ask for ports and chunks (sctp_mt, net/netfilter/xt_sctp.c)."""
    return All((*_ports(match), asks(match.chunk_types, _chunks)))


def _chunks(types: ChunkTypes) -> Condition:
    """Go through the chunks as match_packet does (xt_sctp.c); the flags of those that ask for some are not known."""
    listed, flagged = _EVERY_CHUNK if types.every else 0, 0
    for chunk in types.chunks:
        bit = 1 << CHUNK_NUMBERS[chunk.type]
        listed |= bit
        flagged |= bit if chunk.flags_set or chunk.flags_clear else 0
    flags = Assume(f"the flags of the SCTP chunks are as in {types}", "a packet here has no flags of chunks")
    match types.match:
        case ChunkMatch.ALL:
            return All((has_bits("sctp_chunks", listed), flags if flagged else ALWAYS))
        case ChunkMatch.ANY:
            return Any((_any_chunk(listed & ~flagged), All((_any_chunk(flagged), flags))))
        case ChunkMatch.ONLY:
            return All((Not(_any_chunk(_EVERY_CHUNK & ~listed)), Any((Not(_any_chunk(flagged)), flags))))


def _any_chunk(bits: int) -> Condition:
    return Not(Within("sctp_chunks", BitSet.of(0, bits)))


def multiport(match: matches.Multiport, _: Evidence) -> Condition:
    """Ask for one of several ports (multiport_mt, net/netfilter/xt_multiport.c)."""

    def among(*fields: str) -> Callable[[Anything], Condition]:
        return lambda ranges: Any(tuple(Within(field, union(ranges)) for field in fields))

    asked = (
        asks(match.sports, among("sport")),
        asks(match.dports, among("dport")),
        asks(match.ports, among("sport", "dport")),
    )
    return All((WITH_HEADER, *asked))


def icmp(match: matches.Icmp, _: Evidence) -> Condition:
    """Ask for a type and codes of ICMP, of which type 255 is any (icmp_match, net/netfilter/xt_tcpudp.c)."""
    return All((WITH_HEADER, asks(match.icmp_type, lambda kind: ALWAYS if kind.type == 0xFF else _icmp_type(kind))))


def icmp6(match: matches.Icmp6, _: Evidence) -> Condition:
    """Ask for a type and codes of ICMPv6 (icmp6_match, net/netfilter/xt_tcpudp.c)."""
    return All((WITH_HEADER, asks(match.icmpv6_type, _icmp_type)))


def _icmp_type(kind: Anything) -> Condition:
    return Within("icmp_type", NumberSet.of(kind.type << 8 | kind.code_first, kind.type << 8 | kind.code_last))
