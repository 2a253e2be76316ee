"""What the matches of marks ask: of the packet, and of its connection."""

from __future__ import annotations

from iptables_model.model import matches
from iptables_model.netfilter.condition import All, Condition
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning.asking import TRACKED, asks, masked

__all__ = ["connmark", "mark"]


def mark(match: matches.Mark, _: Evidence) -> Condition:
    """Ask for bits of the packet's mark (mark_mt, net/netfilter/xt_mark.c)."""
    return asks(match.mark, lambda wanted: masked("mark", wanted))


def connmark(match: matches.Connmark, _: Evidence) -> Condition:
    """Compare the connection's mark; what has no connection never matches, not even behind `!` (connmark_mt)."""
    return All((TRACKED, asks(match.mark, lambda wanted: masked("connmark", wanted))))
