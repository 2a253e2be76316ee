"""What the matches of the IP header and of those for IPsec ask."""

from __future__ import annotations

from typing import Any as Anything

from iptables_model.model import matches
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.condition import ALWAYS, All, Condition, Not, Within
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.fields import HEADERS, TCP_FLAGS
from iptables_model.netfilter.meaning.asking import (
    WITH_HEADER,
    asks,
    has_bits,
    masked,
    rest,
    unless_fragment,
    within_range,
)
from iptables_model.netfilter.sets import NumberSet

__all__ = ["ah", "dscp", "ecn", "esp", "hl", "length", "tos", "ttl"]

_DSCP, _ECN = 0xFC, 0x03
"""The two parts of the TOS byte (XT_DSCP_MASK, XT_ECN_IP_MASK)."""


def length(match: matches.Length, _: Evidence) -> Condition:
    """Ask for the length with the IP header, of IPv6 too (length_mt, length_mt6, net/netfilter/xt_length.c)."""
    return asks(match.length, within_range("length"))


def tos(match: matches.Tos, _: Evidence) -> Condition:
    """Ask for bits of the type of service (tos_mt, net/netfilter/xt_dscp.c)."""
    return asks(match.tos, lambda wanted: masked("tos", wanted))


def dscp(match: matches.Dscp, _: Evidence) -> Condition:
    """Ask for the upper six bits of the type of service (dscp_mt, net/netfilter/xt_dscp.c)."""
    return asks(match.dscp, lambda wanted: Within("tos", BitSet.of(wanted << 2, _DSCP)))


def ecn(match: matches.Ecn, _: Evidence) -> Condition:
    """Ask for the lower two bits of the type of service, and two TCP flags (ecn_mt4, net/netfilter/xt_ecn.c)."""
    in_tcp = [_flag("ECE", match.ecn_tcp_ece), _flag("CWR", match.ecn_tcp_cwr)]
    in_ip = asks(match.ecn_ip_ect, lambda wanted: Within("tos", BitSet.of(wanted, _ECN)))
    return All((in_ip, unless_fragment(match, All(tuple(in_tcp))) if match.needed_protocols() else ALWAYS))


def _flag(name: str, wanted: bool | None) -> Condition:
    if wanted is None:
        return ALWAYS
    is_set = has_bits("tcp_flags", TCP_FLAGS.bits[name])
    return is_set if wanted else Not(is_set)


def ttl(match: matches.Ttl, _: Evidence) -> Condition:
    """Compare the time to live (ttl_mt, net/netfilter/xt_hl.c)."""
    return _lifetime(match.ttl_eq, match.ttl_lt, match.ttl_gt)


def hl(match: matches.Hl, _: Evidence) -> Condition:
    """Compare the hop limit (hl_mt6, net/netfilter/xt_hl.c)."""
    return _lifetime(match.hl_eq, match.hl_lt, match.hl_gt)


def _lifetime(equal: Anything, below: int | None, above: int | None) -> Condition:
    if below is not None:
        return Within("ttl", NumberSet((0, below) if below else ()))
    if above is not None:
        return Within("ttl", NumberSet((above + 1, 256) if above < 255 else ()))
    return asks(equal, lambda wanted: Within("ttl", NumberSet.of(wanted)))


def ah(match: matches.Ah, evidence: Evidence) -> Condition:
    """Ask for the SPI of an authentication header, which IPv6 has before its protocol (ipt_ah.c, ip6t_ah.c)."""
    spi = asks(match.ahspi, within_range("ahspi"))
    if evidence.family == 4:
        return All((WITH_HEADER, spi))
    there = has_bits("headers", HEADERS.bits["AUTH"])
    return All((there, spi, rest(match, "a packet here has no length of its authentication header", "ahspi")))


def esp(match: matches.Esp, _: Evidence) -> Condition:
    """Ask for the SPI (esp_mt, net/netfilter/xt_esp.c)."""
    return All((WITH_HEADER, asks(match.espspi, within_range("espspi"))))
