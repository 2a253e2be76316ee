"""What addrtype asks: the kind of an address, which the node's addresses and routes tell."""

from __future__ import annotations

from collections.abc import Sequence

from iptables_model.model import matches
from iptables_model.netfilter.condition import NEVER, All, Any, Assume, Condition, Not, Within
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.intervals import unite
from iptables_model.netfilter.meaning.asking import asks
from iptables_model.netfilter.routes import RouteType
from iptables_model.netfilter.sets import AddressSet

__all__ = ["addrtype"]

_NO_UNICAST = AddressSet.read("::,::ffff:0:0/96,ff00::/8")
"""IPv6 addresses that are not IPV6_ADDR_UNICAST (__ipv6_addr_type, net/ipv6/addrconf_core.c)."""


def addrtype(match: matches.Addrtype, evidence: Evidence) -> Condition:
    """Ask for the kind of an address, for all interfaces or one of the packet's (addrtype_mt_v1, xt_addrtype.c)."""
    by = "in_interface" if match.limit_iface_in else "out_interface" if match.limit_iface_out else None
    of_types = _of_types if evidence.family == 4 else _of_types6
    return All(
        (
            asks(match.src_type, lambda kinds: of_types(kinds, "src", by, evidence)),
            asks(match.dst_type, lambda kinds: of_types(kinds, "dst", by, evidence)),
        )
    )


def _of_types(kinds: Sequence[matches.AddrType], field: str, by: str | None, evidence: Evidence) -> Condition:
    return Any(tuple(_of_type(str(kind), field, by, evidence) for kind in kinds))


def _of_type(kind: str, field: str, by: str | None, evidence: Evidence) -> Condition:
    """Ask for one type of an IPv4 address (__inet_dev_addr_type, net/ipv4/fib_frontend.c): only table local is asked.

    What it does not have, or has for another interface, is UNICAST. Routes that end a lookup with an error, such as
    those of type UNREACHABLE, are not found by it.
    """
    always = Any((Within(field, evidence.always_broadcast), Within(field, evidence.multicast)))
    match kind:
        case "MULTICAST":
            return Within(field, evidence.multicast)
        case "BROADCAST":
            return Any((Within(field, evidence.always_broadcast), _in_table("BROADCAST", field, by, evidence)))
        case "LOCAL" | "ANYCAST":
            return All((Not(always), _in_table(kind, field, by, evidence)))
        case "UNICAST":
            others = (_in_table(other, field, by, evidence) for other in ("LOCAL", "BROADCAST", "ANYCAST"))
            return Not(Any((always, *others)))
        case _:
            return NEVER


def _in_table(kind: str, field: str, by: str | None, evidence: Evidence) -> Condition:
    """Ask whether the table `local` has an address as one type, behind the interface in a field if one is named."""
    wanted = RouteType(kind.lower())
    if not evidence.local_table:
        if by is None:
            return evidence.local(field) if kind == "LOCAL" else NEVER
        statement = f"{field} is of type {kind} behind the {by.replace('_', ' ')}"
        return Assume(statement, "the addresses of the node are not in the dump", (field, by))
    if by is None:
        return Within(field, evidence.addresses(wanted))
    return Any(
        tuple(
            All((Within(field, addresses), Within(by, decision.interfaces)))
            for decision, addresses in evidence.local_table
            if decision.type is wanted
        )
    )


def _of_types6(kinds: Sequence[matches.AddrType], field: str, by: str | None, evidence: Evidence) -> Condition:
    """Ask for types of an IPv6 address (match_type6, xt_addrtype.c), which are not alternatives throughout."""
    named = {str(kind) for kind in kinds}
    asked: list[Condition] = []
    if "MULTICAST" in named:
        asked.append(Within(field, evidence.multicast))
    if "UNICAST" in named:
        asked.append(Not(Within(field, _NO_UNICAST)))
    if "UNSPEC" in named:
        asked.append(Within(field, AddressSet.read("::")))
    looked_up = {"LOCAL", "ANYCAST", "UNREACHABLE"} & named
    if looked_up:
        asked.append(Any(tuple(_looked_up(kind, field, by, evidence) for kind in sorted(looked_up))))
    return All(tuple(asked))


def _looked_up(kind: str, field: str, by: str | None, evidence: Evidence) -> Condition:
    """Ask for a type that a lookup of all routes tells, or for one of an interface its addresses (match_lookup_rt6)."""
    if kind == "LOCAL" and by is not None and evidence.assigned:
        return Any(tuple(All((Within(field, own), Within(by, name))) for name, own in evidence.assigned))
    if kind == "LOCAL":
        return _in_table(kind, field, by, evidence)
    if kind == "UNREACHABLE" and by is None and evidence.routing:
        held = (addresses.bounds for decision, addresses in evidence.routing if decision.problem)
        return Within(field, AddressSet(unite(held), 6))
    return Assume(
        f"{field} is of type {kind}", "the routes of the node do not tell it", (field, *((by,) if by else ()))
    )
