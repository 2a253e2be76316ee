"""Addresses in other shapes than a network."""

from __future__ import annotations

from iptables_model.model.option import Match, extension, option, require
from iptables_model.values.addresses import ADDRESS_RANGE, MAC, AddressRange, MacAddress
from iptables_model.values.negatable import Negatable

__all__ = ["Eui64", "Iprange", "Mac"]


@extension
class Iprange(Match):
    """Match addresses from one to another (net/netfilter/xt_iprange.c)."""

    extension = "iprange"

    src_range: Negatable[AddressRange] | None = option("--src-range", ADDRESS_RANGE, negatable=True, default=None)
    dst_range: Negatable[AddressRange] | None = option("--dst-range", ADDRESS_RANGE, negatable=True, default=None)

    def __attrs_post_init__(self) -> None:
        require(bool(self.src_range or self.dst_range), "iprange needs --src-range or --dst-range")


@extension
class Mac(Match):
    """Match the hardware address from which a packet came (net/netfilter/xt_mac.c)."""

    extension = "mac"
    since = "2.4"

    mac_source: Negatable[MacAddress] = option("--mac-source", MAC, negatable=True)


@extension
class Eui64(Match):
    """Match IPv6 sources made from the hardware address from which they came (net/ipv6/netfilter/ip6t_eui64.c)."""

    extension = "eui64"
    families = (6,)
