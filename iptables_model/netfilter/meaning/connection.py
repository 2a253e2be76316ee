"""What the matches of a connection ask: its state, and what conntrack knows of it."""

from __future__ import annotations

from typing import Any as Anything

from iptables_model.model import matches
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.condition import All, Any, Condition, Within
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning.asking import asks, rest
from iptables_model.netfilter.sets import Choice

__all__ = ["conntrack", "state"]

_NAT_BITS = (("SNAT", 1 << 4), ("DNAT", 1 << 5))
"""IPS_SRC_NAT and IPS_DST_NAT (include/uapi/linux/netfilter/nf_conntrack_common.h)."""


def conntrack(match: matches.Conntrack, _: Evidence) -> Condition:
    """Ask for the state; all else that conntrack knows is not in a dump (conntrack_mt, xt_conntrack.c)."""
    return All((asks(match.ctstate, _ctstate), rest(match, "the connection table is not in the dump", "ctstate")))


def state(match: matches.State, _: Evidence) -> Condition:
    """Ask for the state (state_mt, net/netfilter/xt_state.c)."""
    return asks(match.state, _ctstate)


def _ctstate(states: Anything) -> Condition:
    names = {str(name) for name in states}
    asked: list[Condition] = [Within("state", Choice(frozenset(names - {"SNAT", "DNAT"})))]
    asked += [Within("status", BitSet.of(bit, bit)) for name, bit in _NAT_BITS if name in names]
    return Any(tuple(asked))
