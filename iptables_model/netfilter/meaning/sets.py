"""What the match `set` asks of an ipset."""

from __future__ import annotations

from typing import Any as Anything

from iptables_model.model import matches
from iptables_model.netfilter.condition import Assume, Condition
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning.asking import asks

__all__ = ["ipset"]


def ipset(match: matches.Set, _: Evidence) -> Condition:
    """Ask whether an ipset holds the packet, which the set's contents tell."""
    fields = ("src", "dst", "sport", "dport", "protocol", "in_interface", "out_interface", "mark")

    def holds(held: Anything) -> Condition:
        statement = f"ipset {held.name} holds the packet's {','.join(map(str, held.directions))}"
        return Assume(statement, "the contents of ipsets are not in the dump", fields)

    return asks(match.match_set, holds)
