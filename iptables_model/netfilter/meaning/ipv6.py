"""What the matches of IPv6 extension headers ask: which there are; what stands in them is not said."""

from __future__ import annotations

from iptables_model.model import matches
from iptables_model.netfilter.condition import All, Condition, Not, Within
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.fields import HEADERS
from iptables_model.netfilter.meaning.asking import WITH_HEADER, assumed, has_bits, rest
from iptables_model.netfilter.sets import NumberSet
from iptables_model.values.headers import Ipv6Header

__all__ = ["dst", "frag", "hbh", "ipv6header", "mh", "rt", "srh"]

_BITS = {
    Ipv6Header.HOP_BY_HOP: HEADERS.bits["HOP"],
    Ipv6Header.DESTINATION: HEADERS.bits["DST"],
    Ipv6Header.ROUTING: HEADERS.bits["ROUTE"],
    Ipv6Header.FRAGMENT: HEADERS.bits["FRAG"],
    Ipv6Header.AUTHENTICATION: HEADERS.bits["AUTH"],
}
_ESP, _NONE = NumberSet.of(50), NumberSet.of(59)
_ENDS = {
    Ipv6Header.ESP: _ESP,
    Ipv6Header.NONE: _NONE,
    Ipv6Header.PROTOCOL: NumberSet((0, 256)) - _ESP - _NONE,
}
"""What the kernel takes for the last header, which our packets have as their protocol."""


def ipv6header(match: matches.Ipv6header, _: Evidence) -> Condition:
    """Compare the headers: just these or, with `--soft`, these too (ipv6header_mt6, .../ip6t_ipv6header.c).

    `! --soft` asks that none of them is there: the kernel turns each bit round, and not the answer.
    """
    asked = match.header.value
    there = [_is_there(header) for header in asked]
    if match.soft:
        return All(tuple(map(Not, there)) if match.header.negated else tuple(there))
    missing = [Not(_is_there(header)) for header in Ipv6Header if header not in asked]
    exactly = All((*there, *missing))
    return Not(exactly) if match.header.negated else exactly


def _is_there(header: Ipv6Header) -> Condition:
    return has_bits("headers", _BITS[header]) if header in _BITS else Within("protocol", _ENDS[header])


def _header(match: matches.Match, name: str) -> Condition:
    """Ask that a header is there, and what it holds (ipv6_find_hdr gives -ENOENT, which no `!` turns round)."""
    return All((has_bits("headers", HEADERS.bits[name]), rest(match, "what stands in the header is not said")))


def hbh(match: matches.Hbh, _: Evidence) -> Condition:
    """Ask for a hop-by-hop header (hbh_mt6, net/ipv6/netfilter/ip6t_hbh.c)."""
    return _header(match, "HOP")


def dst(match: matches.Dst, _: Evidence) -> Condition:
    """Ask for a destination header (hbh_mt6, net/ipv6/netfilter/ip6t_hbh.c)."""
    return _header(match, "DST")


def frag(match: matches.Frag, _: Evidence) -> Condition:
    """Ask for a fragment header (frag_mt6, net/ipv6/netfilter/ip6t_frag.c)."""
    return _header(match, "FRAG")


def rt(match: matches.Rt, _: Evidence) -> Condition:
    """Ask for a routing header (rt_mt6, net/ipv6/netfilter/ip6t_rt.c)."""
    return _header(match, "ROUTE")


def srh(match: matches.Srh, _: Evidence) -> Condition:
    """Ask for a routing header that is for segments (srh_mt6, net/ipv6/netfilter/ip6t_srh.c)."""
    return All(
        (has_bits("headers", HEADERS.bits["ROUTE"]), assumed(match, "the type of the routing header is not said"))
    )


def mh(match: matches.Mh, _: Evidence) -> Condition:
    """Ask for the type of a mobility header (mh_mt6, net/ipv6/netfilter/ip6t_mh.c)."""
    return All((WITH_HEADER, rest(match, "a packet here has no type of its mobility header")))
