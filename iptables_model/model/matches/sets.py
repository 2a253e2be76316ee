"""Membership in an ipset."""

from __future__ import annotations

from iptables_model.model.option import Match, Spelling, extension, flag, option, require
from iptables_model.values.codec import unsigned
from iptables_model.values.negatable import Negatable
from iptables_model.values.sets import SET, SetRef

__all__ = ["Set"]


@extension
class Set(Match):
    """Match packets whose addresses or ports are in an ipset (net/netfilter/xt_set.c).

    The counters, where asked for, are those of the set's element.
    """

    extension = "set"
    since = "2.6.39"

    match_set: Negatable[SetRef] = option("--match-set", SET, negatable=True, also=(Spelling("--set"),))
    return_nomatch: bool = flag("--return-nomatch", default=False)
    update_counters: bool = flag("--update-counters", negatable=True, default=True)
    update_subcounters: bool = flag("--update-subcounters", negatable=True, default=True)
    packets_eq: Negatable[int] | None = option("--packets-eq", unsigned(64), negatable=True, default=None)
    packets_lt: int | None = option("--packets-lt", unsigned(64), default=None)
    packets_gt: int | None = option("--packets-gt", unsigned(64), default=None)
    bytes_eq: Negatable[int] | None = option("--bytes-eq", unsigned(64), negatable=True, default=None)
    bytes_lt: int | None = option("--bytes-lt", unsigned(64), default=None)
    bytes_gt: int | None = option("--bytes-gt", unsigned(64), default=None)

    def __attrs_post_init__(self) -> None:
        packets = [held for held in (self.packets_eq, self.packets_lt, self.packets_gt) if held is not None]
        require(len(packets) <= 1, "--packets-eq, --packets-lt and --packets-gt exclude each other")
        count = [held for held in (self.bytes_eq, self.bytes_lt, self.bytes_gt) if held is not None]
        require(len(count) <= 1, "--bytes-eq, --bytes-lt and --bytes-gt exclude each other")
