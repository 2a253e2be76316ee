"""Marks of the packet and of its connection."""

from __future__ import annotations

from iptables_model.model.option import Match, extension, option
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import MARK, Masked

__all__ = ["Connmark", "Mark"]


@extension
class Mark(Match):
    """Match the packet's mark: (mark & mask) == value (net/netfilter/xt_mark.c, mark_mt)."""

    extension = "mark"
    since = "2.4"

    mark: Negatable[Masked] = option("--mark", MARK, negatable=True)


@extension
class Connmark(Match):
    """Match the connection's mark: (mark & mask) == value (net/netfilter/xt_connmark.c, connmark_mt)."""

    extension = "connmark"

    mark: Negatable[Masked] = option("--mark", MARK, negatable=True)
