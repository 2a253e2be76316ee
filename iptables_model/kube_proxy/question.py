"""From a Service, a way in and a kind of client to the packets to ask about, and what the question itself gives."""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterator
from functools import cached_property
from typing import TypeAlias, TypeVar

import attrs

from iptables_model.errors import ModelError, NotFound
from iptables_model.kube_proxy.names import PREFIXES
from iptables_model.kube_proxy.registry import Entry, Found
from iptables_model.model.matches import Ip, Recent
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Chain, Ruleset, derived
from iptables_model.model.targets import Dnat, Goto, Jump
from iptables_model.netfilter import intervals
from iptables_model.netfilter.condition import Assume
from iptables_model.netfilter.evidence import Evidence, local_statement
from iptables_model.netfilter.node import Node
from iptables_model.netfilter.packet import Packet
from iptables_model.netfilter.sets import AddressSet, NameSet
from iptables_model.netfilter.state import Assumption, State, Supposition
from iptables_model.values.addresses import Address, address
from iptables_model.values.names import Interface

__all__ = ["BALANCING", "LOCAL_BALANCING", "EndpointAddress", "Question", "Source", "endpoints_of", "service_chains"]

K = TypeVar("K", bound=enum.StrEnum)
EndpointAddress: TypeAlias = tuple[Address, int | None]

_LOOPBACK = {4: "127.0.0.0/8", 6: "::1"}
BALANCING = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-XLB-")
"""The chains that pick an endpoint; the latter two pick local ones, when the policy is Local."""
LOCAL_BALANCING = ("KUBE-SVL-", "KUBE-XLB-")
_LO = NameSet.of(Interface("lo"))


class Source(enum.StrEnum):
    """Name a kind of client.

    POD: a pod that is none of the Service's endpoints; NODE: the node itself; OUTSIDE: neither.
    """

    POD = "pod"
    NODE = "node"
    OUTSIDE = "outside"


@attrs.frozen
class Question:
    """Ask what becomes of first packets to a Service port, by one way in, from one kind of client."""

    ruleset: Ruleset
    found: Found
    entry: Entry | Address
    source: Source | Address
    node: Node | None = None

    @classmethod
    def of(
        cls,
        ruleset: Ruleset,
        found: Found,
        entry: Entry | Address | str,
        source: Source | Address | str,
        node: Node | None,
    ) -> Question:
        """Read the words of a question: an enum's value or an address each.

        Raises `ModelError` for what is neither, `NotFound` for a way in that the Service does not have here.
        """
        question = cls(ruleset, found, _word(Entry, entry), _word(Source, source), node)
        if question.port is None:
            raise NotFound(f"way into {found} at", str(entry), tuple(found.entries))
        return question

    @cached_property
    def kind(self) -> Entry:
        """Say which way in it is; an address that is not the Service's is one of the node."""
        if isinstance(self.entry, Entry):
            return self.entry
        by_address = (entry for entry in self.found.entries if self.entry in self.found.addresses(entry))
        return next(by_address, Entry.NODE_PORT)

    @cached_property
    def port(self) -> int | None:
        """Give the port of the way in, or None where the Service has no such way."""
        return self.found.port_of(self.kind)

    @cached_property
    def version(self) -> int:
        """Give the IP version: of an address in the question, else of the rules, else of the cluster IP."""
        for said in (self.entry, self.source):
            if isinstance(said, ipaddress.IPv4Address | ipaddress.IPv6Address):
                return said.version
        known = (one.version for entry in self.found.entries for one in self.found.addresses(entry))
        return self.ruleset.family or next(known, 4)

    @cached_property
    def loopback(self) -> AddressSet:
        """Give the addresses of loopback."""
        return AddressSet.read(_LOOPBACK[self.version])

    @cached_property
    def pods(self) -> tuple[AddressSet | None, NameSet | None]:
        """Read off this Service's rules how kube-proxy tells pods here: by address, by interface, or not at all."""
        networks, names = [], []
        for asked, negated in _detectors(self.ruleset, self.found):
            if asked.source is not None and asked.source.negated is negated:
                networks.append(AddressSet.of(asked.source.value).bounds)
            if asked.in_interface is not None and asked.in_interface.negated is negated:
                names.append(NameSet.of(asked.in_interface.value).bounds)
        own = self.loopback.bounds
        networks = [one for one in networks if not intervals.intersect(one, own)]
        return (
            AddressSet(intervals.unite(networks), self.version) if networks else None,
            NameSet(intervals.unite(names)) if names else None,
        )

    @cached_property
    def endpoints(self) -> AddressSet:
        """Give the addresses of the Service's endpoints."""
        held = endpoints_of(self.ruleset, self.found)
        return AddressSet(intervals.unite(AddressSet.of(one).bounds for one, _ in held), self.version)

    @cached_property
    def everyone(self) -> AddressSet:
        """Give the addresses that one machine can have, loopback apart."""
        evidence = Evidence(self.version)
        return AddressSet.everything(self.version) - self.loopback - evidence.multicast - evidence.broadcast

    @cached_property
    def own(self) -> AddressSet:
        """Give the known addresses of the node, loopback included."""
        return self.loopback if self.node is None else self.node.local(self.version)

    @cached_property
    def from_node(self) -> bool:
        """Say whether the client is on the node itself."""
        if isinstance(self.source, Source):
            return self.source is Source.NODE
        return AddressSet.of(self.source) in self.own

    @cached_property
    def destination(self) -> AddressSet:
        """Give the addresses to which the packets go."""
        if not isinstance(self.entry, Entry):
            return AddressSet.of(self.entry)
        if self.entry is Entry.NODE_PORT:
            return self._node_addresses()
        held = (AddressSet.of(one).bounds for one in self.found.addresses(self.entry))
        return AddressSet(intervals.unite(held), self.version)

    def _node_addresses(self) -> AddressSet:
        """Give the node's own addresses; where they are not known, those that are nobody else's."""
        if self.node is not None:
            return self.own - self.loopback
        key = ("addresses a node may have", self.version, self.pods[0])
        return derived(self.ruleset, key, lambda: self.everyone - self._pod_addresses - _taken(self.ruleset, self.version))

    @property
    def _pod_addresses(self) -> AddressSet:
        return self.pods[0] or AddressSet((), self.version)

    def packet(self) -> Packet:
        """Make the packets."""
        return Packet(
            src=self._sources(),
            dst=self.destination,
            protocol=self.found.protocol,
            dport=self.port or 0,
            in_interface=None if self.from_node else self._interfaces(),
        )

    def _sources(self) -> AddressSet:
        if not isinstance(self.source, Source):
            return AddressSet.of(self.source)
        networks, _ = self.pods
        match self.source:
            case Source.POD:
                return (networks or self.everyone - self.own) - self.endpoints
            case Source.NODE:
                if self.destination in self.loopback:
                    return self.loopback & self.destination
                own = self.everyone if self.node is None else self.own - self.loopback
                return own - self._pod_addresses or own
            case Source.OUTSIDE:
                return self.everyone - self.own - self._pod_addresses - self.endpoints

    def _interfaces(self) -> NameSet:
        _, names = self.pods
        some = NameSet.some() - _LO
        if names is None or not isinstance(self.source, Source):
            return some
        return names if self.source is Source.POD else some - names

    def suppose(self, asked: Assume, state: State) -> Supposition | None:
        """Answer what the question itself gives: whose addresses these are, and that it is a first packet."""
        if asked.statement == local_statement("src") and state.identity("src") == "src":
            return Supposition(self.from_node)
        if asked.statement == local_statement("dst"):
            return self._supposed_destination(state)
        if isinstance(asked.match, Recent):
            return Supposition(False, _first_connection(asked.match))
        return None

    def _supposed_destination(self, state: State) -> Supposition:
        view = state.view("dst")
        if state.identity("dst") == "dst":
            if self.kind is Entry.NODE_PORT:
                return Supposition(holds=True)
            if self.kind is Entry.CLUSTER_IP:
                return Supposition(holds=False)
        elif isinstance(view, AddressSet) and view in self._pod_addresses:
            return Supposition(holds=False)
        told = Assumption(f"{view} is an address of the node", False, "the addresses of the node are not in the dump")
        return Supposition(False, told)


def _first_connection(match: Recent) -> Assumption:
    later = "" if match.seconds is None else f"; a later one within {match.seconds} seconds goes to the same endpoint"
    return Assumption(f"it is the client's first connection{later}", True, "session affinity remembers clients")


def _word(kind: type[K], said: K | Address | str) -> K | Address:
    if not isinstance(said, str) or isinstance(said, kind):
        return said
    try:
        return kind(said.lower()) if said.lower() in set(kind) else address(said)
    except ValueError:
        listed = ", ".join(kind)
        raise ModelError(f'a question needs one of {listed}, or an address, found "{said}"') from None


def service_chains(ruleset: Ruleset, found: Found) -> Iterator[Chain]:
    """Go through the chains of a Service port that there are."""
    nat = ruleset.get("nat")
    if nat is None or found.suffix is None:
        return
    for prefix in PREFIXES:
        chain = nat.get(prefix + found.suffix)
        if chain is not None:
            yield chain


def endpoints_of(ruleset: Ruleset, found: Found, *, kinds: tuple[str, ...] = BALANCING) -> tuple[EndpointAddress, ...]:
    """List the endpoints to which a Service port's chains of some kinds lead, in the order of the rules."""
    chains = (chain for chain in service_chains(ruleset, found) if chain.name.startswith(kinds))
    return tuple(dict.fromkeys(one for chain in chains for rule in chain.rules for one in _endpoints(ruleset, rule)))


def _endpoints(ruleset: Ruleset, rule: Rule) -> Iterator[EndpointAddress]:
    if not isinstance(rule.target, Jump | Goto) or not rule.target.chain.startswith("KUBE-SEP-"):
        return
    chain = ruleset["nat"].get(rule.target.chain)
    for inner in () if chain is None else chain.rules:
        if isinstance(inner.target, Dnat) and inner.target.to_destination.first is not None:
            ports = inner.target.to_destination.ports
            yield inner.target.to_destination.first, None if ports is None else ports.first


def _detectors(ruleset: Ruleset, found: Found) -> Iterator[tuple[Ip, bool]]:
    """Go through what tells pods: what is masqueraded is no pod, and what an external chain sends on at once is one."""
    inner = [rule for chain in service_chains(ruleset, found) for rule in chain.rules]
    for rule in (*(way.rule for way in found.ways), *inner):
        if isinstance(rule.target, Jump) and rule.target.chain == "KUBE-MARK-MASQ":
            yield rule.ip, True
    for rule in inner:
        external = rule.chain.startswith(("KUBE-XLB-", "KUBE-EXT-"))
        if external and isinstance(rule.target, Jump) and rule.target.chain.startswith("KUBE-SVC-"):
            yield rule.ip, False


def _taken(ruleset: Ruleset, version: int) -> AddressSet:
    """Give the addresses that dispatch rules match, which are of Services."""
    nat = ruleset.get("nat")
    chain = None if nat is None else nat.get("KUBE-SERVICES")
    asked = () if chain is None else (rule.ip.destination for rule in chain.rules if _address_of_service(rule))
    return AddressSet(intervals.unite(AddressSet.of(one.value).bounds for one in asked if one), version)


def _address_of_service(rule: Rule) -> bool:
    """Say whether a dispatch rule is about an address of a Service, and not about one of the node."""
    wanted = rule.ip.destination
    at_node = isinstance(rule.target, Jump) and rule.target.chain == "KUBE-NODEPORTS"
    return wanted is not None and not wanted.negated and not at_node
