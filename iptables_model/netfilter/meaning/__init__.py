"""What each match asks of a packet: one function per match, from its declaration to a condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from iptables_model.model import matches
from iptables_model.model.option import Match
from iptables_model.netfilter.condition import ALWAYS, Condition
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning import (
    addresses,
    addrtype,
    connection,
    devices,
    headers,
    ipv6,
    marks,
    rates,
    rpfilter,
    sets,
    sockets,
    transport,
)
from iptables_model.netfilter.meaning.asking import assumed
from iptables_model.netfilter.meaning.undecided import PARTLY, UNDECIDED, Undecided

__all__ = ["MEANINGS", "PARTLY", "UNDECIDED", "meaning_of"]


_UNDECLARED = Undecided("nothing here says what this match asks")


def meaning_of(match: Match, evidence: Evidence) -> Condition:
    """Say what a match asks. A match without an entry in `MEANINGS` is an assumption."""
    known = MEANINGS.get(type(match))
    if known is not None:
        return known(match, evidence)
    why = UNDECIDED.get(type(match), _UNDECLARED)
    return assumed(match, why.reason, why.fields, fleeting=why.fleeting)


MEANINGS: Mapping[type[Match], Callable[[Any, Evidence], Condition]] = MappingProxyType(
    {
        matches.Ip: addresses.ip,
        matches.Addrtype: addrtype.addrtype,
        matches.Ah: headers.ah,
        matches.Comment: lambda _match, _evidence: ALWAYS,
        matches.Connbytes: connection.connbytes,
        matches.Connlabel: connection.connlabel,
        matches.Connmark: marks.connmark,
        matches.Conntrack: connection.conntrack,
        matches.Dccp: transport.dccp,
        matches.Dscp: headers.dscp,
        matches.Dst: ipv6.dst,
        matches.Ecn: headers.ecn,
        matches.Esp: headers.esp,
        matches.Frag: ipv6.frag,
        matches.Hbh: ipv6.hbh,
        matches.Helper: connection.helper,
        matches.Hl: headers.hl,
        matches.Icmp: transport.icmp,
        matches.Icmp6: transport.icmp6,
        matches.Iprange: addresses.iprange,
        matches.Ipv6header: ipv6.ipv6header,
        matches.Length: headers.length,
        matches.Mac: devices.mac,
        matches.Mark: marks.mark,
        matches.Mh: ipv6.mh,
        matches.Multiport: transport.multiport,
        matches.Owner: sockets.owner,
        matches.Physdev: devices.physdev,
        matches.Pkttype: devices.pkttype,
        matches.Policy: devices.policy,
        matches.Recent: rates.recent,
        matches.Rpfilter: rpfilter.rpfilter,
        matches.Rt: ipv6.rt,
        matches.Sctp: transport.sctp,
        matches.Set: sets.ipset,
        matches.Socket: sockets.socket,
        matches.Srh: ipv6.srh,
        matches.State: connection.state,
        matches.Statistic: rates.statistic,
        matches.Tcp: transport.tcp,
        matches.Tcpmss: transport.tcpmss,
        matches.Tos: headers.tos,
        matches.Ttl: headers.ttl,
        matches.Udp: transport.udp,
    }
)
"""The matches that a packet, the node, or chance decides."""
