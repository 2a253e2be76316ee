"""Where things are in kube-proxy's chains: a Service's chains and endpoints, what tells pods, whose addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from iptables_model.kube_proxy.names import PREFIXES
from iptables_model.kube_proxy.registry import SERVICES, Found
from iptables_model.model.matches import Ip
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Chain, Ruleset, derived, pending_in, rule_of, values_of
from iptables_model.model.targets import Dnat, Goto, Jump
from iptables_model.netfilter import intervals
from iptables_model.netfilter.sets import AddressSet
from iptables_model.values.addresses import Address

__all__ = [
    "LOCAL_BALANCING",
    "EndpointAddress",
    "addresses_of_services",
    "detectors",
    "endpoints_of",
    "node_port_addresses",
    "service_chains",
]

EndpointAddress: TypeAlias = tuple[Address, int | None]

BALANCING = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-XLB-")
"""The chains that pick an endpoint."""
LOCAL_BALANCING = ("KUBE-SVL-", "KUBE-XLB-")
"""Those of them that pick a local one, when a policy is Local."""


def service_chains(ruleset: Ruleset, found: Found) -> tuple[Chain, ...]:
    """List the chains of a Service port that there are."""
    nat = ruleset.get("nat")
    if nat is None or found.suffix is None:
        return ()
    held = [nat.get(prefix + found.suffix) for prefix in PREFIXES]
    return tuple([chain for chain in held if chain is not None])


def endpoints_of(
    ruleset: Ruleset, chains: Iterable[Chain], *, kinds: tuple[str, ...] = BALANCING
) -> tuple[EndpointAddress, ...]:
    """List the endpoints to which those of a Service port's chains lead that are of some kinds, in their order."""
    picking = (chain for chain in chains if chain.name.startswith(kinds))
    led = (jump or goto for chain in picking for jump, goto in values_of(chain, (Jump, "chain"), (Goto, "chain")))
    return tuple(dict.fromkeys(one for name in led if name for one in _endpoints(ruleset, name)))


def _endpoints(ruleset: Ruleset, name: str) -> Iterator[EndpointAddress]:
    """Go through the destinations of a chain, if it is that of an endpoint."""
    rules = pending_in(ruleset["nat"], name) if name.startswith("KUBE-SEP-") else None
    for (to,) in () if rules is None else rules.values(((Dnat, "to_destination"),)):
        if to is not None and to.first is not None:
            yield to.first, None if to.ports is None else to.ports.first


def detectors(ruleset: Ruleset, found: Found, chains: Iterable[Chain]) -> Iterator[tuple[Ip, bool]]:
    """Go through what tells pods: what is masqueraded is no pod, and what an external chain sends on at once is one."""
    inner = [rule for chain in chains for rule in _telling(chain)]
    named = [*(way.rule for way in found.ways), *inner]
    # Without comments, the rules that masqueraded for cluster IPs up to 1.21 name no Service; all tell pods alike.
    yield from _masqueraded(named) or derived(
        ruleset, "what is masqueraded", lambda: _masqueraded(_dispatched(ruleset))
    )
    for rule in inner:
        external = rule.chain.startswith(("KUBE-XLB-", "KUBE-EXT-"))
        if external and isinstance(rule.target, Jump) and rule.target.chain.startswith("KUBE-SVC-"):
            yield rule.ip, False


def _telling(chain: Chain) -> Iterator[Rule]:
    """Go through the rules of a Service's chain that may tell pods: not those that lead to an endpoint."""
    for place, (jump,) in enumerate(values_of(chain, (Jump, "chain"))):
        if jump is not None and not jump.startswith("KUBE-SEP-"):
            yield rule_of(chain, place)


def _masqueraded(rules: Iterable[Rule]) -> tuple[tuple[Ip, bool], ...]:
    """List what rules that masquerade ask of the client."""
    asked = (rule.ip for rule in rules if isinstance(rule.target, Jump) and rule.target.chain == "KUBE-MARK-MASQ")
    return tuple((ip, True) for ip in asked if ip.source is not None or ip.in_interface is not None)


def _dispatched(ruleset: Ruleset) -> tuple[Rule, ...]:
    nat = ruleset.get("nat")
    chain = None if nat is None else nat.get(SERVICES)
    return () if chain is None else chain.rules


def addresses_of_services(ruleset: Ruleset, version: int) -> AddressSet:
    """Give the addresses that dispatch rules match, which are of Services."""
    asked = (rule.ip.destination for rule in _dispatched(ruleset) if _address_of_service(rule))
    return AddressSet(intervals.unite(AddressSet.of(one.value).bounds for one in asked if one), version)


def node_port_addresses(ruleset: Ruleset, version: int) -> AddressSet:
    """Give the addresses at which dispatch rules take node ports, none where they take them at any of the node's."""
    leading = [rule.ip.destination for rule in _dispatched(ruleset) if _leads_to_node_ports(rule)]
    exact = [one.value for one in leading if one is not None and not one.negated]
    if len(exact) < len(leading):
        return AddressSet((), version)
    return AddressSet(intervals.unite(AddressSet.of(one).bounds for one in exact), version)


def _leads_to_node_ports(rule: Rule) -> bool:
    return isinstance(rule.target, Jump) and rule.target.chain == "KUBE-NODEPORTS"


def _address_of_service(rule: Rule) -> bool:
    """Say whether a dispatch rule is about an address of a Service, and not about one of the node."""
    wanted = rule.ip.destination
    return wanted is not None and not wanted.negated and not _leads_to_node_ports(rule)
