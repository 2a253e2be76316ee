"""What addrtype asks: the kind of an address, which the node's addresses and routes tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any as Anything

from iptables_model.model import matches
from iptables_model.model.text import match_text
from iptables_model.netfilter.condition import All, Any, Assume, Condition
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning.asking import asks

__all__ = ["addrtype"]


def addrtype(match: matches.Addrtype, evidence: Evidence) -> Condition:
    """Ask for the kind of an address (addrtype_mt_v1, xt_addrtype.c); behind an interface, what only routes tell."""

    def of_types(field: str) -> Callable[[Anything], Condition]:
        return lambda kinds: Any(tuple(evidence.of_type(field, str(kind)) for kind in kinds))

    if match.limit_iface_in or match.limit_iface_out:
        return Assume(f'"{match_text(match)}" matches', "the routes of the node are not in the dump", ("src", "dst"))
    return All((asks(match.src_type, of_types("src")), asks(match.dst_type, of_types("dst"))))
