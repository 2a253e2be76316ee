"""The Service ports that a ruleset tells of, found once: each rule that names one, by its comment or its chain."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from functools import cached_property

import attrs

from iptables_model.errors import Ambiguous, NotFound
from iptables_model.kube_proxy.names import PortName, Reference, split_chain
from iptables_model.model.matches import Addrtype, Comment, Sctp, Tcp, Udp
from iptables_model.model.places import Places
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Chain, Field, Ruleset, derived, rule_of, size_of, values_of
from iptables_model.model.targets import Accept, Drop, Goto, Jump, Reject
from iptables_model.values.addresses import Address, single_address

__all__ = ["SERVICES", "Entry", "Found", "Registry", "Way", "said_of"]


class Entry(enum.StrEnum):
    """Name a way into a Service."""

    CLUSTER_IP = "cluster_ip"
    NODE_PORT = "node_port"
    LOAD_BALANCER_IP = "load_balancer_ip"
    EXTERNAL_IP = "external_ip"


@attrs.frozen
class Way:
    """Hold one rule by which packets come to a Service port: at an address, or (None) at a port of the node.

    `chain` is where the rule leads, None for a rule that rejects, drops or only marks. An address of which the rule
    does not say what it is to the Service has no `entry`.
    """

    entry: Entry | None
    address: Address | None
    port: int
    chain: str | None
    rule: Rule


@attrs.frozen(slots=False)
class Found:
    """Gather what the rules say of one Service port."""

    name: PortName
    protocol: str
    ways: tuple[Way, ...] = ()
    health_check_node_port: int | None = None
    suffix: str | None = None

    def __str__(self) -> str:
        return f"{self.name}/{self.protocol}" if self.protocol != "tcp" else str(self.name)

    def addresses(self, entry: Entry) -> tuple[Address, ...]:
        """List the addresses of a way in, in the order of the rules."""
        return self._addresses.get(entry, ())

    def port_of(self, entry: Entry) -> int | None:
        """Give the port of a way in, or None where the Service has no such way here."""
        if entry is Entry.NODE_PORT:
            return next((way.port for way in self.ways if way.entry is entry), None)
        addresses = self.addresses(entry)
        return next((way.port for way in self.ways if way.address in addresses), None) if addresses else None

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """List the ways in that there are."""
        return tuple(entry for entry in Entry if self.port_of(entry) is not None)

    def chains(self, entry: Entry) -> tuple[str, ...]:
        """List the chains to which a way in leads."""
        addresses = self.addresses(entry)
        held = (way for way in self.ways if way.entry is entry or (way.address and way.address in addresses))
        return tuple(dict.fromkeys(way.chain for way in held if way.chain is not None))

    @cached_property
    def _addresses(self) -> dict[Entry, tuple[Address, ...]]:
        """Sort the addresses by what they are to the Service."""
        kinds = self._kinds()
        held: dict[Entry, dict[Address, None]] = {}
        for way in self.ways:
            if way.address is not None:
                held.setdefault(kinds[way.address], {})[way.address] = None
        return {entry: tuple(addresses) for entry, addresses in held.items()}

    def _kinds(self) -> dict[Address, Entry]:
        """Say what each address is to the Service.

        Comments tell it, except for a Service without endpoints, which stands in the filter table alone. There, and
        without comments, the cluster IP comes first in KUBE-SERVICES, and all others are load-balancer or external IPs;
        the former are far more frequent with a node port, which the latter need not have.
        """
        known = {way.address: way.entry for way in self.ways if way.address is not None and way.entry is not None}
        untold = [way for way in self.ways if way.address is not None and way.address not in known]
        for way in untold:
            if way.address is not None and way.rule.chain == SERVICES:
                known.setdefault(way.address, _kind_by_chain(way, Entry.CLUSTER_IP in known.values()))
        # Up to 1.19, where load-balancer IPs are refused in KUBE-SERVICES, those in the other chain are external IPs.
        balanced = self._has_node_port() and not any(
            known.get(way.address) is _BALANCER for way in untold if way.address is not None
        )
        for way in untold:
            if way.address is not None:
                known.setdefault(way.address, _BALANCER if balanced else Entry.EXTERNAL_IP)
        return known

    def _has_node_port(self) -> bool:
        return self.health_check_node_port is not None or any(way.entry is Entry.NODE_PORT for way in self.ways)


def _kind_by_chain(way: Way, has_cluster_ip: bool) -> Entry:
    """Say what an address in KUBE-SERVICES is to its Service, by the chain to which it leads."""
    if (way.chain or "").startswith(("KUBE-XLB-", "KUBE-EXT-")):
        return Entry.EXTERNAL_IP
    if (way.chain or "").startswith("KUBE-FW-") or (way.rule.table == "filter" and has_cluster_ip):
        return Entry.LOAD_BALANCER_IP
    return Entry.EXTERNAL_IP if has_cluster_ip else Entry.CLUSTER_IP


_BALANCER = Entry.LOAD_BALANCER_IP
SERVICES = "KUBE-SERVICES"
_NODE_PORTS = "KUBE-NODEPORTS"
_EXTERNAL = "KUBE-EXTERNAL-SERVICES"
_KINDS = {
    "cluster IP": Entry.CLUSTER_IP,
    "loadbalancer IP": Entry.LOAD_BALANCER_IP,
    "external IP": Entry.EXTERNAL_IP,
}
_SAID = (Field(Comment, "comment"), Field(Jump, "chain"), Field(Goto, "chain"))
_HEALTH_CHECK = "health check node port"
# Up to 1.19 an unnamed port ends in a colon, and there the blank before "has no endpoints" stands as well.
_COMMENT = re.compile(
    r"(?P<service>[^\s/:]+/[^\s/:]+(?::[^\s/:]*)?):?"
    r"(?: (?P<kind>cluster IP|loadbalancer IP|external IP|has no (?:local )?endpoints|health check node port))? ?"
)


class Registry:
    """Find Service ports by name.

    Rules are sorted by the Service that their comments name, or by the chains to which they lead, and made when it is
    asked for.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self._chains = tuple(_dispatch(ruleset))
        self._texts: list[str | None] = []
        self._by_name, self._by_suffix = Places[str](), Places[str]()
        self._known: dict[str, tuple[Found, ...]] = {}
        for chain in self._chains:
            for comment, jump, goto in values_of(chain, *_SAID):
                said = read_comment(comment)
                led = split_chain(jump or goto or "") if said is None else None
                # Up to 1.19 an unnamed port ends in a colon.
                text = None if said is None else said[0].removesuffix(":")
                self._texts.append(text)
                self._by_name.add(None if text is None else PortName.read(text).name)
                self._by_suffix.add(None if led is None else led[1])

    @classmethod
    def of(cls, ruleset: Ruleset) -> Registry:
        """Give the registry of a ruleset, kept with it."""
        return derived(ruleset, cls, lambda: cls(ruleset))

    def __iter__(self) -> Iterator[Found]:
        named = [one for text in dict.fromkeys(self._texts) if text for one in self._read_named(text)]
        known = {one.suffix for one in named}
        yield from named
        yield from (one for suffix in self._by_suffix if suffix not in known for one in self._read_unnamed(suffix))

    def find(self, service: str) -> Found:
        """Find the one Service port that a text means.

        Raises `NotFound` or `Ambiguous`, with the candidates.
        """
        meant = Reference.read(service)
        found = [] if meant is None else self._by_comment(meant) or self._by_hash(meant)
        if len(found) == 1:
            return found[0]
        if not found:
            raise NotFound("Service", service, sorted({str(one) for one in self}))
        raise Ambiguous("Service", service, [f"{one.name}/{one.protocol}" for one in found])

    def _by_comment(self, meant: Reference) -> list[Found]:
        texts = dict.fromkeys(self._texts[place] for place in self._by_name.of(meant.name))
        held = (one for text in texts if text for one in self._read_named(text))
        return [one for one in held if meant.means(one.name, one.protocol)]

    def _by_hash(self, meant: Reference) -> list[Found]:
        """Find a Service without comments by the names that its chains must have."""
        if meant.namespace is None:
            return []
        name = PortName(meant.namespace, meant.name, meant.port_name or "")
        protocols = ("tcp", "udp", "sctp") if meant.protocol is None else (meant.protocol,)
        return [
            attrs.evolve(held, name=name, protocol=protocol)
            for protocol in protocols
            for suffix in name.suffixes(protocol)
            for held in self._read_unnamed(suffix)
        ]

    def _read_named(self, text: str) -> tuple[Found, ...]:
        """Gather what is said of the Service ports of a name, one for each protocol."""
        known = self._known.get(text)
        if known is None:
            name = PortName.read(text)
            places = [place for place in self._by_name.of(name.name) if self._texts[place] == text]
            known = tuple(self._with_unnamed(found) for found in _gather(name, self._rules(places)))
            self._known[text] = known
        return known

    def _with_unnamed(self, found: Found) -> Found:
        """Add the ways in that lead to a Service port's chains and do not name it."""
        rest = () if found.suffix is None else self._read_unnamed(found.suffix)
        return attrs.evolve(found, ways=(*found.ways, *[way for one in rest for way in one.ways])) if rest else found

    def _read_unnamed(self, suffix: str) -> tuple[Found, ...]:
        """Gather what the rules without a comment say of the Service port whose chains end so."""
        return _gather(PortName("", suffix, ""), self._rules(self._by_suffix.of(suffix)))

    def _rules(self, places: list[int]) -> Iterator[Rule]:
        """Make the rules at some places, counted through all chains."""
        for place in places:
            here = place
            for chain in self._chains:
                if here < size_of(chain):
                    yield rule_of(chain, here)
                    break
                here -= size_of(chain)


def _gather(name: PortName, rules: Iterable[Rule]) -> tuple[Found, ...]:
    """Read rules about the Service ports of one name, in their order."""
    held: dict[str, list[tuple[Rule, int]]] = {}
    for rule in rules:
        protocol, port = rule.ip.protocol, _port(rule)
        if protocol is not None and not protocol.negated and port is not None:
            held.setdefault(str(protocol.value), []).append((rule, port))
    return tuple(_found(name, protocol, about) for protocol, about in held.items())


def _found(name: PortName, protocol: str, about: list[tuple[Rule, int]]) -> Found:
    """Gather what rules for a port each say of one Service port."""
    kinds = [(said_of(rule) or ("", None))[1] for rule, _ in about]
    checked = [port for (_, port), kind in zip(about, kinds, strict=True) if kind == _HEALTH_CHECK]
    ways = [_way(rule, port, kind) for (rule, port), kind in zip(about, kinds, strict=True) if kind != _HEALTH_CHECK]
    suffixes = [suffix for rule, _ in about if (suffix := _suffix(rule))]
    return Found(
        name,
        protocol,
        ways=tuple([way for way in ways if way is not None]),
        health_check_node_port=checked[-1] if checked else None,
        suffix=suffixes[-1] if suffixes else None,
    )


def said_of(rule: Rule) -> tuple[str, str | None] | None:
    """Read what a comment of kube-proxy says: the Service port, and what the rule is to it; None for other comments.

    >>> from iptables_model.model.matches import Comment
    >>> said_of(Rule(table="nat", chain="KUBE-SERVICES", matches=(Comment(comment="default/web:http cluster IP"),)))
    ('default/web:http', 'cluster IP')
    """
    return read_comment(rule.comment)


def read_comment(comment: str | None) -> tuple[str, str | None] | None:
    """Read what `said_of` reads, of the comment itself."""
    said = _COMMENT.fullmatch(comment or "")
    return None if said is None else (said[1], said[2])


def _dispatch(ruleset: Ruleset) -> Iterator[Chain]:
    """Go through the chains of the rules that pick a Service port by address and port."""
    for table, names in (("nat", (SERVICES, _NODE_PORTS)), ("filter", (SERVICES, _EXTERNAL, _NODE_PORTS))):
        held = ruleset.get(table)
        for name in names:
            chain: Chain | None = None if held is None else held.get(name)
            if chain is not None:
                yield chain


def _port(rule: Rule) -> int | None:
    match = next((one for one in rule.matches if isinstance(one, Tcp | Udp | Sctp)), None)
    wanted = None if match is None else match.dport
    if wanted is None or wanted.negated or wanted.value.first != wanted.value.last:
        return None
    return wanted.value.first


def _suffix(rule: Rule) -> str | None:
    found = split_chain(rule.target.chain) if isinstance(rule.target, Jump | Goto) else None
    return None if found is None else found[1]


def _way(rule: Rule, port: int, kind: str | None) -> Way | None:
    """Read the way in of a dispatch rule: where it leads, or what it forbids."""
    target = rule.target
    chain = target.chain if isinstance(target, Jump | Goto) and split_chain(target.chain) else None
    wanted = rule.ip.destination
    if wanted is not None and not wanted.negated:
        address = single_address(wanted.value)
        if address is None:
            return None
        return Way(_KINDS.get(kind or ""), address, port, chain, rule)
    at_node = rule.chain == _NODE_PORTS or (isinstance(target, Reject | Drop) and rule.match(Addrtype) is not None)
    if not at_node or isinstance(target, Accept):
        return None
    return Way(Entry.NODE_PORT, None, port, chain, rule)
