"""Where things are in kube-proxy's chains: a Service's chains and endpoints, what tells pods, whose addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TypeAlias

import attrs

from iptables_model.kube_proxy.names import PREFIXES
from iptables_model.kube_proxy.registry import SERVICES, Found
from iptables_model.model.matches import Ip
from iptables_model.model.rule import Rule, ip_of
from iptables_model.model.ruleset import Field, Lead, Parts, Pending, Ruleset, derived, pending_in
from iptables_model.model.targets import Dnat, Jump
from iptables_model.netfilter import intervals
from iptables_model.netfilter.chains import ReadyChains
from iptables_model.netfilter.sets import AddressSet
from iptables_model.values.addresses import Address

__all__ = [
    "LOCAL_BALANCING",
    "MARKING",
    "EndpointAddress",
    "Find",
    "ProxyChain",
    "addresses_of_services",
    "destinations_of",
    "detectors",
    "finder",
    "finder_for_walk",
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
_DESTINATIONS = (Field(Dnat, "to_destination"),)


@attrs.frozen(eq=False, slots=False)
class ProxyChain:
    """Hold a chain of kube-proxy in nat, of which no rule is made before it is asked for.

    `parts` gives the parts of the rule at a place.
    """

    name: str
    rules: Pending
    parts: Callable[[int], Parts]

    @cached_property
    def leads(self) -> tuple[Lead | None, ...]:
        """List for each rule where it leads."""
        return tuple([self.parts(place).lead for place in range(len(self.rules))])

    def asked(self, place: int) -> Ip:
        """Give what the rule at a place asks of addresses and interfaces."""
        asking, said = self.parts(place).asked
        return ip_of(asking.matches_of(said))


Find: TypeAlias = Callable[[str], ProxyChain | None]
"""Finds a chain of nat by its name."""


def finder(ruleset: Ruleset) -> Find:
    """Give what finds chains of a ruleset."""
    nat = ruleset.get("nat")

    def find(name: str) -> ProxyChain | None:
        rules = None if nat is None else pending_in(nat, name)
        return None if rules is None else ProxyChain(name, rules, rules.parts)

    return find


def finder_for_walk(chains: ReadyChains) -> Find:
    """Give what finds chains that the walk then enters, so that what is read of them is read once."""

    def find(name: str) -> ProxyChain | None:
        ready = chains.get("nat", name)
        return None if ready is None else ProxyChain(name, ready.rules, ready.parts)

    return find


def service_chains(ruleset: Ruleset, found: Found, find: Find) -> tuple[ProxyChain, ...]:
    """List the chains of a Service port that there are."""
    nat = ruleset.get("nat")
    if nat is None or found.suffix is None:
        return ()
    held = [find(name) for prefix in PREFIXES if (name := prefix + found.suffix) in nat]
    return tuple([chain for chain in held if chain is not None])


def destinations_of(
    chains: Iterable[ProxyChain], find: Find, *, kinds: tuple[str, ...] = BALANCING
) -> Iterator[EndpointAddress]:
    """Go through the endpoints to which those of a Service port's chains lead that are of some kinds."""
    led = [lead[0] for chain in chains if chain.name.startswith(kinds) for lead in chain.leads if lead is not None]
    for name in led:
        chain = find(name) if name.startswith("KUBE-SEP-") else None
        for (to,) in () if chain is None else chain.rules.values(_DESTINATIONS):
            if to is not None and to.first is not None:
                yield to.first, None if to.ports is None else to.ports.first


def detectors(ruleset: Ruleset, found: Found, chains: Iterable[ProxyChain]) -> Iterator[tuple[Ip, bool]]:
    """Go through what tells pods: what is masqueraded is no pod, and what an external chain sends on at once is one."""
    inner = [(chain, place, lead[0]) for chain in chains for place, lead in enumerate(chain.leads) if lead and lead[1]]
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
