"""The extension headers of IPv6."""

from __future__ import annotations

import ipaddress

from iptables_model.model.option import Match, extension, flag, forget, option, require
from iptables_model.values.addresses import HOST_PREFIX, HostPrefix
from iptables_model.values.codec import unsigned
from iptables_model.values.headers import (
    HEADER_OPTIONS,
    HEADERS,
    MH_TYPES,
    ROUTE,
    HeaderOption,
    Ipv6Header,
)
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import NumberRange, ranges

__all__ = ["Dst", "Frag", "Hbh", "Ipv6header", "Mh", "Rt", "Srh"]

_ANY_NUMBER = Negatable(NumberRange(0, 0xFFFFFFFF))


@extension
class Ipv6header(Match):
    """Match packets that have just these headers, or with `soft` these too (.../ip6t_ipv6header.c)."""

    extension = "ipv6header"
    families = (6,)

    header: Negatable[tuple[Ipv6Header, ...]] = option("--header", HEADERS, negatable=True)
    soft: bool = flag("--soft", default=False)


@extension
class Hbh(Match):
    """Match the hop-by-hop header: its length in bytes, and the options at its beginning (.../ip6t_hbh.c)."""

    extension = "hbh"
    families = (6,)

    hbh_len: Negatable[int] | None = option("--hbh-len", unsigned(32), negatable=True, default=None)
    hbh_opts: tuple[HeaderOption, ...] | None = option("--hbh-opts", HEADER_OPTIONS, default=None)


@extension
class Dst(Match):
    """Match the destination header: its length in bytes, and the options at its beginning (.../ip6t_hbh.c)."""

    extension = "dst"
    families = (6,)

    dst_len: Negatable[int] | None = option("--dst-len", unsigned(32), negatable=True, default=None)
    dst_opts: tuple[HeaderOption, ...] | None = option("--dst-opts", HEADER_OPTIONS, default=None)


@extension
class Frag(Match):
    """Match the fragment header (net/ipv6/netfilter/ip6t_frag.c)."""

    extension = "frag"
    families = (6,)

    fragid: Negatable[NumberRange] | None = option("--fragid", ranges(32, "id"), negatable=True, default=None)
    fraglen: Negatable[int] | None = option("--fraglen", unsigned(32), negatable=True, default=None)
    fragres: bool = flag("--fragres", default=False)
    fragfirst: bool = flag("--fragfirst", default=False)
    fragmore: bool = flag("--fragmore", default=False)
    fraglast: bool = flag("--fraglast", default=False)

    def __attrs_post_init__(self) -> None:
        forget(self, _ANY_NUMBER, "fragid")
        require(not (self.fragmore and self.fraglast), "--fragmore and --fraglast exclude each other")


@extension
class Rt(Match):
    """Match the routing header; the options of type 0 need `rt_type` 0 (net/ipv6/netfilter/ip6t_rt.c)."""

    extension = "rt"
    families = (6,)

    rt_type: Negatable[int] | None = option("--rt-type", unsigned(32), negatable=True, default=None)
    rt_segsleft: Negatable[NumberRange] | None = option(
        "--rt-segsleft", ranges(32, "count"), negatable=True, default=None
    )
    rt_len: Negatable[int] | None = option("--rt-len", unsigned(32), negatable=True, default=None)
    rt_0_res: bool = flag("--rt-0-res", default=False)
    rt_0_addrs: tuple[ipaddress.IPv6Address, ...] | None = option("--rt-0-addrs", ROUTE, default=None)
    rt_0_not_strict: bool = flag("--rt-0-not-strict", default=False)

    def __attrs_post_init__(self) -> None:
        forget(self, _ANY_NUMBER, "rt_segsleft")
        of_type_0 = self.rt_0_res or self.rt_0_addrs or self.rt_0_not_strict
        require(not of_type_0 or self.rt_type == Negatable(0), "the options --rt-0-... need --rt-type 0")
        require(bool(self.rt_0_addrs) or not self.rt_0_not_strict, "--rt-0-not-strict needs --rt-0-addrs")


@extension
class Mh(Match):
    """Match the type of a mobility header (net/ipv6/netfilter/ip6t_mh.c)."""

    extension = "mh"
    aliases = ("mobility-header", "ipv6-mh")
    families = (6,)
    protocols = (135,)

    mh_type: Negatable[NumberRange] | None = option("--mh-type", MH_TYPES, negatable=True, default=None)

    def __attrs_post_init__(self) -> None:
        forget(self, Negatable(NumberRange(0, 255)), "mh_type")


@extension
class Srh(Match):
    """Match the segment routing header (net/ipv6/netfilter/ip6t_srh.c).

    The kernel keeps one number for the three ways to compare a field, so those given together are the same.
    """

    extension = "srh"
    since = "4.16"
    families = (6,)

    srh_next_hdr: Negatable[int] | None = option("--srh-next-hdr", unsigned(8), negatable=True, default=None)
    srh_hdr_len_eq: Negatable[int] | None = option("--srh-hdr-len-eq", unsigned(8), negatable=True, default=None)
    srh_hdr_len_gt: Negatable[int] | None = option("--srh-hdr-len-gt", unsigned(8), negatable=True, default=None)
    srh_hdr_len_lt: Negatable[int] | None = option("--srh-hdr-len-lt", unsigned(8), negatable=True, default=None)
    srh_segs_left_eq: Negatable[int] | None = option("--srh-segs-left-eq", unsigned(8), negatable=True, default=None)
    srh_segs_left_gt: Negatable[int] | None = option("--srh-segs-left-gt", unsigned(8), negatable=True, default=None)
    srh_segs_left_lt: Negatable[int] | None = option("--srh-segs-left-lt", unsigned(8), negatable=True, default=None)
    srh_last_entry_eq: Negatable[int] | None = option("--srh-last-entry-eq", unsigned(8), negatable=True, default=None)
    srh_last_entry_gt: Negatable[int] | None = option("--srh-last-entry-gt", unsigned(8), negatable=True, default=None)
    srh_last_entry_lt: Negatable[int] | None = option("--srh-last-entry-lt", unsigned(8), negatable=True, default=None)
    srh_tag: Negatable[int] | None = option("--srh-tag", unsigned(16), negatable=True, default=None)
    srh_psid: Negatable[HostPrefix] | None = option("--srh-psid", HOST_PREFIX, negatable=True, default=None)
    srh_nsid: Negatable[HostPrefix] | None = option("--srh-nsid", HOST_PREFIX, negatable=True, default=None)
    srh_lsid: Negatable[HostPrefix] | None = option("--srh-lsid", HOST_PREFIX, negatable=True, default=None)

    def __attrs_post_init__(self) -> None:
        for name in ("hdr_len", "segs_left", "last_entry"):
            given = (getattr(self, f"srh_{name}_{way}") for way in ("eq", "gt", "lt"))
            numbers = {held.value for held in given if held is not None}
            require(len(numbers) <= 1, f"the options --srh-{name.replace('_', '-')}-... share one number")
