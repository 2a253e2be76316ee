"""Where things are in kube-proxy's chains: a Service's chains and endpoints, what tells pods, whose addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TypeAlias

import attrs

from iptables_model.kube_proxy.names import PREFIXES
from iptables_model.kube_proxy.registry import SERVICES, Found
from iptables_model.model.matches import Ip
from iptables_model.model.rule import Rule, ip_of
from iptables_model.model.ruleset import Field, Pending, Ruleset, derived, pending_in
from iptables_model.model.targets import Dnat, Goto, Jump
from iptables_model.netfilter import intervals
from iptables_model.netfilter.sets import AddressSet
from iptables_model.values.addresses import Address

__all__ = [
    "LOCAL_BALANCING",
    "MARKING",
    "EndpointAddress",
    "ServiceChain",
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
MARKING = "KUBE-MARK-MASQ"
"""The chain that marks what is to be masqueraded."""
_LEADS = (Field(Jump, "chain"), Field(Goto, "chain"))
_DESTINATIONS = (Field(Dnat, "to_destination"),)


@attrs.frozen(eq=False, slots=False)
class ServiceChain:
    """Hold a chain of a Service port, of which no rule is made before it is asked for."""

    name: str
    rules: Pending

    @cached_property
    def leads(self) -> tuple[tuple[str | None, str | None], ...]:
        """List for each rule the chain to which it jumps, and the one to which it goes, None if it does not."""
        return tuple(self.rules.values(_LEADS))

    def asked(self, place: int) -> Ip:
        """Give what the rule at a place asks of addresses and interfaces."""
        asking, said = self.rules.parts(place).asked
        return ip_of(asking.matches_of(said))


def service_chains(ruleset: Ruleset, found: Found) -> tuple[ServiceChain, ...]:
    """List the chains of a Service port that there are."""
    nat = ruleset.get("nat")
    if nat is None or found.suffix is None:
        return ()
    held = [(prefix + found.suffix, pending_in(nat, prefix + found.suffix)) for prefix in PREFIXES]
    return tuple([ServiceChain(name, rules) for name, rules in held if rules is not None])


def endpoints_of(
    ruleset: Ruleset, chains: Iterable[ServiceChain], *, kinds: tuple[str, ...] = BALANCING
) -> tuple[EndpointAddress, ...]:
    """List the endpoints to which those of a Service port's chains lead that are of some kinds, in their order."""
    led = [jump or goto for chain in chains if chain.name.startswith(kinds) for jump, goto in chain.leads]
    return tuple(dict.fromkeys([one for name in led if name for one in _endpoints(ruleset, name)]))


def _endpoints(ruleset: Ruleset, name: str) -> Iterator[EndpointAddress]:
    """Go through the destinations of a chain, if it is that of an endpoint."""
    rules = pending_in(ruleset["nat"], name) if name.startswith("KUBE-SEP-") else None
    for (to,) in () if rules is None else rules.values(_DESTINATIONS):
        if to is not None and to.first is not None:
            yield to.first, None if to.ports is None else to.ports.first


def detectors(ruleset: Ruleset, found: Found, chains: Iterable[ServiceChain]) -> Iterator[tuple[Ip, bool]]:
    """Go through what tells pods: what is masqueraded is no pod, and what an external chain sends on at once is one."""
    inner = [(chain, place, jump) for chain in chains for place, (jump, _) in enumerate(chain.leads) if jump]
    own = [chain.asked(place) for chain, place, jump in inner if jump == MARKING]
    named = _of_clients([*_masqueraded(way.rule for way in found.ways), *own])
    # Without comments, the rules that masqueraded for cluster IPs up to 1.21 name no Service; all tell pods alike.
    for asked in named or _masqueraded_by_all(ruleset):
        yield asked, True
    for chain, place, jump in inner:
        if chain.name.startswith(("KUBE-XLB-", "KUBE-EXT-")) and jump.startswith("KUBE-SVC-"):
            yield chain.asked(place), False


def _masqueraded(rules: Iterable[Rule]) -> Iterator[Ip]:
    """Go through what those of some rules ask that masquerade."""
    return (rule.ip for rule in rules if isinstance(rule.target, Jump) and rule.target.chain == MARKING)


def _masqueraded_by_all(ruleset: Ruleset) -> tuple[Ip, ...]:
    key = "what is masqueraded"
    return derived(ruleset, key, lambda: _of_clients(_masqueraded(_dispatched(ruleset))))


def _of_clients(asked: Iterable[Ip]) -> tuple[Ip, ...]:
    """Keep what asks for the client."""
    return tuple([ip for ip in asked if ip.source is not None or ip.in_interface is not None])


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
