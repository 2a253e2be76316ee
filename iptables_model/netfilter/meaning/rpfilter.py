"""What rpfilter asks: whether an answer would leave by the interface on which the packet came."""

from __future__ import annotations

from iptables_model.model import matches
from iptables_model.model.text import match_text
from iptables_model.netfilter.condition import All, Any, Assume, Condition, Not, Within
from iptables_model.netfilter.evidence import Evidence, Routing
from iptables_model.netfilter.routes import Decision, RouteType
from iptables_model.netfilter.sets import AddressSet, NameSet
from iptables_model.values.names import Interface

__all__ = ["rpfilter"]

_LINK_LOCAL = AddressSet.read("fe80::/10")
_LOOPBACK = Within("in_interface", NameSet.of(Interface("lo")))
_NOWHERE_YET: dict[int, Condition] = {
    4: All(
        (
            Within("src", AddressSet.read("0.0.0.0/8")),
            Within("dst", AddressSet.read("255.255.255.255,224.0.0.0/24")),
        )
    ),
    6: Within("src", AddressSet.read("::")),
}
"""Packets of machines that have no address yet."""


def rpfilter(match: matches.Rpfilter, evidence: Evidence) -> Condition:
    """Look up the way back to the source (rpfilter_mt, net/ipv4/netfilter/ipt_rpfilter.c, ip6t_rpfilter.c)."""
    known = evidence.routing and not evidence.other_routes
    found = _known(match, evidence) if known else _unknown(match, evidence)
    passes = Any((_LOOPBACK, _NOWHERE_YET[evidence.family], found))
    return Not(passes) if match.invert else passes


def _unknown(match: matches.Rpfilter, evidence: Evidence) -> Condition:
    reason = "ip rule chooses among the routes" if evidence.routing else "the routes of the node are not known"
    return Assume(f'"{match_text(match).removesuffix(" --invert")}" matches', reason, ("src", "in_interface"))


def _known(match: matches.Rpfilter, evidence: Evidence) -> Condition:
    """Ask the routes; for a link-local IPv6 address those of the interface alone (rpfilter_lookup_reverse6)."""
    if evidence.family == 4:
        return _back(match, evidence.routing, 4)
    by_interface = (
        All((Within("in_interface", name), _back(match, routing, 6))) for name, routing in evidence.routing_by_interface
    )
    near = Within("src", _LINK_LOCAL)
    return Any((All((near, Any(tuple(by_interface)))), All((Not(near), _back(match, evidence.routing, 6)))))


def _back(match: matches.Rpfilter, routing: Routing, family: int) -> Condition:
    ways = [
        All((Within("src", addresses), *_behind(decision, match, family)))
        for decision, addresses in routing
        if decision.type is RouteType.UNICAST or (decision.type is RouteType.LOCAL and match.accept_local)
    ]
    return Any(tuple(ways))


def _behind(decision: Decision, match: matches.Rpfilter, family: int) -> tuple[Condition, ...]:
    """Ask for the interface of the way back; of a local IPv6 address, none is asked for (rpfilter_lookup_reverse6)."""
    if match.loose or (family == 6 and decision.type is RouteType.LOCAL):
        return ()
    return (Within("in_interface", decision.interfaces),)
