"""ICMP and ICMPv6."""

from __future__ import annotations

from iptables_model.model.option import Match, extension, option
from iptables_model.values.icmp import ICMP6_TYPE, ICMP_TYPE, IcmpType
from iptables_model.values.negatable import Negatable

__all__ = ["Icmp", "Icmp6"]


@extension
class Icmp(Match):
    """Match the type and code of an ICMP message (net/ipv4/netfilter/ip_tables.c, icmp_match)."""

    extension = "icmp"
    since = "2.4"
    families = (4,)
    protocols = (1,)

    icmp_type: Negatable[IcmpType] = option("--icmp-type", ICMP_TYPE, negatable=True)


@extension
class Icmp6(Match):
    """Match the type and code of an ICMPv6 message (net/ipv6/netfilter/ip6_tables.c, icmp6_match)."""

    extension = "icmp6"
    aliases = ("icmpv6", "ipv6-icmp")
    families = (6,)
    protocols = (58,)

    icmpv6_type: Negatable[IcmpType] = option("--icmpv6-type", ICMP6_TYPE, negatable=True)
