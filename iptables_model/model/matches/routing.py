"""What the routing tables say of the packet's addresses."""

from __future__ import annotations

import enum

from iptables_model.model.option import Match, extension, flag, option, require
from iptables_model.values.codec import several_of
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import Masked, named_mark

__all__ = ["AddrType", "Addrtype", "Realm", "Rpfilter"]


class AddrType(enum.StrEnum):
    """What an address is for this host (include/uapi/linux/rtnetlink.h, rtm_type)."""

    UNSPEC = "UNSPEC"
    UNICAST = "UNICAST"
    LOCAL = "LOCAL"
    BROADCAST = "BROADCAST"
    ANYCAST = "ANYCAST"
    MULTICAST = "MULTICAST"
    BLACKHOLE = "BLACKHOLE"
    UNREACHABLE = "UNREACHABLE"
    PROHIBIT = "PROHIBIT"
    THROW = "THROW"
    NAT = "NAT"
    XRESOLVE = "XRESOLVE"


@extension
class Addrtype(Match):
    """Match what the packet's addresses are for this host (net/netfilter/xt_addrtype.c).

    With `limit_iface_in` or `limit_iface_out` only the interface counts on which the packet comes or goes.
    """

    extension = "addrtype"

    src_type: Negatable[tuple[AddrType, ...]] | None = option(
        "--src-type", several_of(AddrType, abbreviated=True), negatable=True, default=None
    )
    dst_type: Negatable[tuple[AddrType, ...]] | None = option(
        "--dst-type", several_of(AddrType, abbreviated=True), negatable=True, default=None
    )
    limit_iface_in: bool = flag("--limit-iface-in", default=False)
    limit_iface_out: bool = flag("--limit-iface-out", default=False)

    def __attrs_post_init__(self) -> None:
        require(bool(self.src_type or self.dst_type), "addrtype needs --src-type or --dst-type")
        require(
            not (self.limit_iface_in and self.limit_iface_out),
            "--limit-iface-in and --limit-iface-out exclude each other",
        )


@extension
class Rpfilter(Match):
    """Match packets whose answer would leave where they came in (net/ipv4/netfilter/ipt_rpfilter.c)."""

    extension = "rpfilter"
    since = "3.3"
    tables = ("raw", "mangle")

    loose: bool = flag("--loose", default=False)
    validmark: bool = flag("--validmark", default=False)
    accept_local: bool = flag("--accept-local", default=False)
    invert: bool = flag("--invert", default=False)


@extension
class Realm(Match):
    """Match the realm of the route that a packet takes (net/netfilter/xt_realm.c)."""

    extension = "realm"
    families = (4,)

    realm: Negatable[Masked] = option("--realm", named_mark("cosmos", "realm", "rt_realms"), negatable=True)
