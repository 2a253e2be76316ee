"""What each match asks of a packet: one function per match, from its declaration to a condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from iptables_model.model import matches
from iptables_model.model.option import Match
from iptables_model.model.text import match_text
from iptables_model.netfilter.condition import ALWAYS, Assume, Condition
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning import (
    addresses,
    addrtype,
    connection,
    devices,
    marks,
    rates,
    sets,
    transport,
)
from iptables_model.netfilter.packet import FIELDS

__all__ = ["MEANINGS", "meaning_of"]


def meaning_of(match: Match, evidence: Evidence) -> Condition:
    """Say what a match asks. A match without an entry in `MEANINGS` is an assumption about the whole packet."""
    known = MEANINGS.get(type(match))
    if known is None:
        return Assume(f'"{match_text(match)}" matches', "nothing here says what this match asks", FIELDS)
    return known(match, evidence)


MEANINGS: Mapping[type[Match], Callable[[Any, Evidence], Condition]] = MappingProxyType(
    {
        matches.Ip: addresses.ip,
        matches.Iprange: addresses.iprange,
        matches.Addrtype: addrtype.addrtype,
        matches.Comment: lambda _match, _evidence: ALWAYS,
        matches.Tcp: transport.tcp,
        matches.Udp: transport.udp,
        matches.Sctp: transport.sctp,
        matches.Multiport: transport.multiport,
        matches.Icmp: transport.icmp,
        matches.Icmp6: transport.icmp6,
        matches.Conntrack: connection.conntrack,
        matches.State: connection.state,
        matches.Mark: marks.mark,
        matches.Connmark: marks.connmark,
        matches.Statistic: rates.statistic,
        matches.Recent: rates.recent,
        matches.Limit: rates.limit,
        matches.Set: sets.ipset,
        matches.Physdev: devices.physdev,
    }
)
"""The matches that a packet, the node, or chance decides; all others are UNKNOWN."""
