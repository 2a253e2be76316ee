"""From a Service, a way in and a kind of client to the packets to ask about, and what the question itself gives."""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from itertools import product
from typing import TypeVar

import attrs

from iptables_model.errors import ModelError, NotFound
from iptables_model.kube_proxy.layout import (
    Find,
    ProxyChain,
    addresses_of_services,
    destinations_of,
    detectors,
    finder_for_walk,
    node_port_addresses,
    service_chains,
)
from iptables_model.kube_proxy.registry import Entry, Found
from iptables_model.kube_proxy.service_port import ServicePort, service_port
from iptables_model.model.matches import Recent
from iptables_model.model.ruleset import Ruleset, derived
from iptables_model.netfilter import fields, intervals
from iptables_model.netfilter.chains import ReadyChains
from iptables_model.netfilter.condition import Assume
from iptables_model.netfilter.evidence import LENIENT, Evidence, local_statement
from iptables_model.netfilter.node import Node
from iptables_model.netfilter.packet import Packet, varied
from iptables_model.netfilter.sets import AddressSet, NameSet, NumberSet
from iptables_model.netfilter.state import Assumption, State, Supposition
from iptables_model.values.addresses import Address, address
from iptables_model.values.names import Interface

__all__ = ["Question", "Source"]

K = TypeVar("K", bound=enum.StrEnum)

_LOOPBACK = {4: AddressSet.read("127.0.0.0/8"), 6: AddressSet.read("::1")}
_LOCAL_SOURCE, _LOCAL_DESTINATION = local_statement("src"), local_statement("dst")
_COMING_IN, _MADE_HERE = Packet(), Packet(in_interface=None)
_protocol = lru_cache(maxsize=16)(fields.protocol)
_YES, _NO = Supposition(holds=True), Supposition(holds=False)
_LINKS = NameSet.some() - NameSet.of(Interface("lo"))
"""All interfaces but loopback."""
_OF_ONE_LINK = {4: AddressSet((), 4), 6: AddressSet.read("::,fe80::/10")}
"""Addresses that are known on one link only."""


class Source(enum.StrEnum):
    """Name a kind of client.

    POD: a pod that is none of the Service's endpoints; NODE: the node itself; OUTSIDE: neither.
    """

    POD = "pod"
    NODE = "node"
    OUTSIDE = "outside"


@attrs.frozen(slots=False)
class Subject:
    """Hold what all questions about a Service port have in common, for one IP version."""

    ruleset: Ruleset
    found: Found
    version: int
    node: Node | None = None

    @cached_property
    def port(self) -> ServicePort:
        """Gather what the rules tell of the Service port."""
        return service_port(self.ruleset, self.found)

    @cached_property
    def find(self) -> Find:
        """Give what finds chains."""
        return finder_for_walk(ReadyChains.of(self.ruleset, Evidence(self.version, self.node)))

    @cached_property
    def chains(self) -> tuple[ProxyChain, ...]:
        """List the Service port's chains."""
        return service_chains(self.ruleset, self.found, self.find)

    @property
    def loopback(self) -> AddressSet:
        """Give the addresses of loopback."""
        return _LOOPBACK[self.version]

    @cached_property
    def pods(self) -> tuple[AddressSet | None, NameSet | None]:
        """Read off this Service's rules how kube-proxy tells pods here: by address, by interface, or not at all."""
        networks, names = [], []
        for asked, negated in detectors(self.ruleset, self.found, self.chains):
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
    def pod_addresses(self) -> AddressSet:
        """Give the addresses that kube-proxy tells pods by; none where it does not."""
        return self.pods[0] or AddressSet((), self.version)

    @cached_property
    def endpoints(self) -> AddressSet:
        """Give the addresses of the Service's endpoints."""
        hosts = [int(host) for host, _ in destinations_of(self.chains, self.find)]
        return AddressSet(intervals.unite([(host, host + 1) for host in hosts]), self.version)

    @cached_property
    def everyone(self) -> AddressSet:
        """Give the addresses that a machine can have on every link, loopback apart."""
        return derived(self.ruleset, ("everyone", self.version), self._everyone)

    def _everyone(self) -> AddressSet:
        evidence = Evidence(self.version)
        alone = self.loopback | _OF_ONE_LINK[self.version]
        return AddressSet.everything(self.version) - alone - evidence.multicast - evidence.broadcast

    @cached_property
    def own(self) -> AddressSet:
        """Give the known addresses of the node, loopback included."""
        return self.loopback if self.node is None else self.node.local(self.version)

    @cached_property
    def node_addresses(self) -> AddressSet:
        """Give the addresses of the node that take its node ports.

        Those are the ones that dispatch rules name (nodePortAddresses), else all that the node has; and where that is
        not known, those that are nobody else's.
        """
        served = derived(
            self.ruleset, ("node port addresses", self.version), lambda: node_port_addresses(self.ruleset, self.version)
        )
        if served:
            return served
        if self.node is not None:
            return self.own - self.loopback - _OF_ONE_LINK[self.version]
        key = ("addresses a node may have", self.version, self.pods[0])
        return derived(self.ruleset, key, self._nobody_elses)

    def _nobody_elses(self) -> AddressSet:
        return self.everyone - self.pod_addresses - addresses_of_services(self.ruleset, self.version)

    @cached_property
    def from_pods(self) -> AddressSet:
        """Give the addresses of pods that are no endpoints of the Service."""
        return (self.pods[0] or self.everyone) - self.own - self.endpoints

    @cached_property
    def from_outside(self) -> AddressSet:
        """Give the addresses that are neither the node's nor a pod's."""
        return self._outside_pods - self.endpoints

    @property
    def _outside_pods(self) -> AddressSet:
        key = ("addresses outside", self.version, self.pods[0], self.node)
        return derived(self.ruleset, key, lambda: self.everyone - self.own - self.pod_addresses)

    @cached_property
    def from_node(self) -> AddressSet:
        """Give the addresses from which the node may send."""
        own = self.everyone - self.endpoints if self.node is None else self.own - self.loopback
        return own - self.pod_addresses or own


@attrs.frozen(slots=False)
class Question:
    """Ask what becomes of first packets to a Service port, by one way in, from one kind of client."""

    about: Subject
    entry: Entry | Address
    source: Source | Address

    @classmethod
    def of(
        cls,
        ruleset: Ruleset,
        found: Found,
        *,
        entry: Entry | Address | str,
        source: Source | Address | str,
        node: Node | None,
    ) -> Question:
        """Read the words of a question: an enum's value or an address each.

        Raises `ModelError` for what is neither, `NotFound` for a way in that the Service does not have here.
        """
        way, client = _word(Entry, entry), _word(Source, source)
        question = cls(Subject(ruleset, found, _version(ruleset, found, way, client), node), way, client)
        if question.port is None:
            raise NotFound(f"way into {found} at", str(entry), tuple(found.entries))
        return question

    @classmethod
    def all_of(
        cls,
        ruleset: Ruleset,
        found: Found,
        *,
        entries: Iterable[Entry],
        sources: Iterable[Source],
        node: Node | None,
    ) -> Iterator[Question]:
        """Go through the questions for some of the ways in that there are and some kinds of clients."""
        about = Subject(ruleset, found, _version(ruleset, found), node)
        return (cls(about, entry, source) for entry, source in product(entries, sources))

    @property
    def found(self) -> Found:
        """Give the Service port."""
        return self.about.found

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
    def by_node(self) -> bool:
        """Say whether the client is on the node itself."""
        if isinstance(self.source, Source):
            return self.source is Source.NODE
        return AddressSet.of(self.source) in self.about.own

    @cached_property
    def destination(self) -> AddressSet:
        """Give the addresses to which the packets go."""
        if not isinstance(self.entry, Entry):
            return AddressSet.of(self.entry)
        if self.entry is Entry.NODE_PORT:
            return self.about.node_addresses
        held = (AddressSet.of(one).bounds for one in self.found.addresses(self.entry))
        return AddressSet(intervals.unite(held), self.about.version)

    def packet(self) -> Packet:
        """Make the packets."""
        return varied(
            _MADE_HERE if self.by_node else _COMING_IN,
            src=self._sources(),
            dst=self.destination,
            protocol=_protocol(self.found.protocol),
            dport=NumberSet.of(self.port or 0),
            in_interface=None if self.by_node else self._interfaces(),
        )

    def _sources(self) -> AddressSet:
        match self.source:
            case Source.POD:
                return self.about.from_pods
            case Source.NODE:
                looped = self.about.loopback & self.destination
                return looped if looped == self.destination else self.about.from_node
            case Source.OUTSIDE:
                return self.about.from_outside
            case address:
                return AddressSet.of(address)

    def _interfaces(self) -> NameSet:
        _, names = self.about.pods
        if names is None or not isinstance(self.source, Source):
            return _LINKS
        return names if self.source is Source.POD else _LINKS - names

    def suppose(self, asked: Assume, state: State) -> Supposition | None:
        """Answer what the question itself gives: whose addresses these are, that they pass, that packets are first."""
        if asked.statement == _LOCAL_SOURCE and state.identity("src") == "src":
            return _YES if self.by_node else _NO
        if asked.statement == _LOCAL_DESTINATION:
            return self._supposed_destination(state)
        if isinstance(asked.match, Recent):
            return Supposition(False, _first_connection(asked.match))
        return _YES if asked in LENIENT else None

    def _supposed_destination(self, state: State) -> Supposition:
        view = state.view("dst")
        if state.identity("dst") == "dst":
            if self.kind is Entry.NODE_PORT:
                return _YES
            if self.kind is Entry.CLUSTER_IP:
                return _NO
        elif view in self.about.pod_addresses:
            return _NO
        told = Assumption(f"{view} is an address of the node", False, "the addresses of the node are not in the dump")
        return Supposition(False, told)


def _version(ruleset: Ruleset, found: Found, *said: object) -> int:
    """Give the IP version: of an address in the question, else of the rules, else of the cluster IP."""
    for one in said:
        if isinstance(one, ipaddress.IPv4Address | ipaddress.IPv6Address):
            return one.version
    return ruleset.family or next((one.version for entry in Entry for one in found.addresses(entry)), 4)


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
