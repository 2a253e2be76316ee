"""What the targets do that change the header of IP or of TCP."""

from __future__ import annotations

from iptables_model.model import targets
from iptables_model.netfilter.bits import FULL, BitSet
from iptables_model.netfilter.condition import All, Any, Assume, Not, Within
from iptables_model.netfilter.effects.course import Course, Effect, Site, Verdict, each, goes_on_with, told
from iptables_model.netfilter.effects.mixing import masked
from iptables_model.netfilter.meaning.asking import WITH_HEADER, has_bits
from iptables_model.netfilter.sets import NumberSet
from iptables_model.netfilter.state import Constant, Override, State

__all__ = ["classify", "dscp", "ecn", "hl", "tcpmss", "tcpoptstrip", "tos", "ttl"]

_ECT, _DSCP = 0x03, 0xFC
"""The two parts of the byte that was the type of service (INET_ECN_MASK, XT_DSCP_MASK)."""
_ECE, _CWR = 0x40, 0x80
"""Two of the TCP flags."""
_NOP, _MSS = 1 << 1, 1 << 2
"""TCPOPT_NOP and TCPOPT_MSS among the kinds of TCP options."""


def ttl(target: targets.Ttl, state: State, site: Site) -> Course:
    """Set, raise or lower the time to live; it stays within a byte (ttl_tg, net/netfilter/xt_HL.c)."""
    return _hops(state, site, target.ttl_set, (target.ttl_inc or 0) - (target.ttl_dec or 0))


def hl(target: targets.Hl, state: State, site: Site) -> Course:
    """Set, raise or lower the hop limit; it stays within a byte (hl_tg6, net/netfilter/xt_HL.c)."""
    return _hops(state, site, target.hl_set, (target.hl_inc or 0) - (target.hl_dec or 0))


def _hops(state: State, site: Site, fixed: int | None, by: int) -> Course:
    if fixed is not None:
        return [goes_on_with(state, ttl=Constant(NumberSet.of(fixed)))]
    staying = NumberSet.of(max(0, -by), min(255, 255 - by))
    within, beyond = site.split(state, Within("ttl", staying))
    course = [_changed(one, one.shifted("ttl", by), "ttl") for one in within]
    return course + [goes_on_with(one, ttl=Constant(NumberSet.of(255 if by > 0 else 0))) for one in beyond]


def _changed(before: State, after: State, field: str) -> Effect:
    return Effect(after, Verdict.CONTINUE, told(before, after, field))


def tos(target: targets.Tos, state: State, _: Site) -> Course:
    """Set the byte to (byte & ~mask) ^ value (tos_tg and tos_tg6, net/netfilter/xt_DSCP.c)."""
    return [_byte(state, target.set_tos.mask, target.set_tos.value)]


def dscp(target: targets.Dscp, state: State, _: Site) -> Course:
    """Set the upper six bits of the byte (dscp_tg and dscp_tg6, net/netfilter/xt_DSCP.c)."""
    return [_byte(state, _DSCP, target.set_dscp << 2)]


def _byte(state: State, cleared: int, xor: int) -> Effect:
    return goes_on_with(state, tos=masked(state, "tos", keep=~cleared & FULL, xor=xor))


def ecn(target: targets.Ecn, state: State, _: Site) -> Course:
    """Set the lower two bits of the byte, and the TCP flags ECE and CWR (ecn_tg, net/ipv4/netfilter/ipt_ECN.c)."""
    changes: dict[str, Override] = {}
    if target.ecn_ip_ect is not None:
        changes["tos"] = masked(state, "tos", keep=~_ECT & FULL, xor=target.ecn_ip_ect)
    asked = {_ECE: target.ecn_tcp_ece, _CWR: target.ecn_tcp_cwr}
    flags = {flag: value or 0 for flag, value in asked.items() if target.ecn_tcp_remove or value is not None}
    if flags:
        set_to = sum(flag for flag, value in flags.items() if value)
        changes["tcp_flags"] = masked(state, "tcp_flags", keep=~sum(flags) & FULL, xor=set_to)
    return [goes_on_with(state, **changes)]


def tcpoptstrip(target: targets.Tcpoptstrip, state: State, site: Site) -> Course:
    """Overwrite options by NOPs (tcpoptstrip_mangle_packet, net/netfilter/xt_TCPOPTSTRIP.c)."""
    stripped = sum(1 << kind for kind in set(target.strip_options or ()))
    has_none = Any((Not(WITH_HEADER), Within("tcp_options", BitSet.of(0, stripped))))
    unchanged, rest = site.split(state, has_none)
    course = each(unchanged, Verdict.CONTINUE)
    for one in rest:
        course.append(goes_on_with(one, tcp_options=masked(one, "tcp_options", keep=~(stripped | _NOP), xor=_NOP)))
    return course


def tcpmss(target: targets.Tcpmss, state: State, site: Site) -> Course:
    """Lower the MSS of a segment, or add one if no data follow (tcpmss_mangle_packet, net/netfilter/xt_TCPMSS.c)."""
    fragments, rest = site.split(state, Not(WITH_HEADER))
    course = each(fragments, Verdict.CONTINUE)
    for one in rest:
        announcing, others = site.split(one, has_bits("tcp_options", _MSS))
        course += [effect for two in announcing for effect in _lowered(target, two, site)]
        course += [effect for two in others for effect in _announced(target, two, site)]
    return course


_MSS_BYTES = 4
_BARE = {4: (40, 60 + 56), 6: (60, 0xFFFF - _MSS_BYTES)}
"""Lengths of a packet that is headers only: with none but the two, and with all that leave room for the option."""
_OF_PATH = "it is what the MTU of the path leaves"


def _lowered(target: targets.Tcpmss, state: State, site: Site) -> Course:
    """Set the MSS unless it is lower already, as it may be where the path decides."""
    if target.set_mss is None:
        return [goes_on_with(state, mss=Constant(NumberSet((0, 1 << 16)), _OF_PATH))]
    lower, higher = site.split(state, Within("mss", NumberSet.of(0, target.set_mss)))
    return each(lower, Verdict.CONTINUE) + [
        goes_on_with(one, mss=Constant(NumberSet.of(target.set_mss))) for one in higher
    ]


def _announced(target: targets.Tcpmss, state: State, site: Site) -> Course:
    """Add the option, with no more than any host must be able to take (RFC 879, RFC 2460)."""
    bare, longest = _BARE[site.evidence.family]
    unknown = Assume(
        "no data follow the TCP header", "the length of that header is not said", ("length", "tcp_options")
    )
    room = All((Within("length", NumberSet.of(bare, longest)), Any((Within("length", NumberSet.of(bare)), unknown))))
    most = 536 if site.evidence.family == 4 else 1220
    mss = Constant(NumberSet((0, most + 1)), _OF_PATH)
    if target.set_mss is not None:
        mss = Constant(NumberSet.of(min(target.set_mss, most)))
    added, left = site.split(state, room)
    course = each(left, Verdict.CONTINUE)
    for one in added:
        options = masked(one, "tcp_options", keep=~_MSS, xor=_MSS)
        length = one.shifted("length", _MSS_BYTES).now["length"]
        course.append(goes_on_with(one, tcp_options=options, mss=mss, length=length))
    return course


def classify(target: targets.Classify, state: State, _: Site) -> Course:
    """Set the class by which the packet is scheduled, which nothing later asks for (class_tg, xt_CLASSIFY.c)."""
    return each([state], Verdict.CONTINUE, f"class -> {target.set_class}")
