"""What the rules tell of a Service port: its ports and addresses, policies, affinity, and endpoints."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from fractions import Fraction

import attrs

from iptables_model.kube_proxy.layout import (
    LOCAL_BALANCING,
    MARKING,
    ProxyChain,
    destinations_of,
    finder,
    service_chains,
)
from iptables_model.kube_proxy.registry import Entry, Found
from iptables_model.model.matches import Recent
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Field, Ruleset
from iptables_model.model.targets import Drop, Goto, Jump
from iptables_model.values.addresses import Address, Network, address_text

__all__ = ["Endpoint", "Policy", "ServicePort", "service_port"]


class Policy(enum.StrEnum):
    """Name a traffic policy."""

    CLUSTER = "Cluster"
    LOCAL = "Local"


@attrs.frozen(kw_only=True)
class Endpoint:
    """Hold an endpoint to which packets go.

    `probability` is its exact share of the connections, None where the flows differ; `masqueraded` says whether the
    source is rewritten on the way, None where that depends.
    """

    address: Address
    port: int | None
    probability: Fraction | None = None
    masqueraded: bool | None = None

    @property
    def place(self) -> tuple[int, int]:
        """Give its address and port as numbers, by which endpoints are sorted."""
        return int(self.address), self.port or 0

    def __str__(self) -> str:
        host = address_text(self.address)
        if self.port is None:
            return host
        return f"{host}:{self.port}" if self.address.version == 4 else f"[{host}]:{self.port}"


@attrs.frozen(kw_only=True)
class ServicePort:
    """Hold what the rules tell of one port of a Service.

    Ports and addresses are those that are in the rules, so a Service without endpoints shows fewer of them.
    `external_policy` and `internal_policy` are None where no rule tells them; `session_affinity` is in seconds;
    `local_endpoints` are those of the node, where a Local policy tells them, else None.
    """

    namespace: str
    name: str
    port_name: str
    protocol: str
    cluster_ip: Address | None
    port: int | None
    node_port: int | None
    external_ips: tuple[Address, ...]
    load_balancer_ips: tuple[Address, ...]
    external_policy: Policy | None
    internal_policy: Policy | None
    session_affinity: int | None
    source_ranges: tuple[Network, ...]
    health_check_node_port: int | None
    endpoints: tuple[Endpoint, ...]
    local_endpoints: tuple[Endpoint, ...] | None

    def __str__(self) -> str:
        port = f":{self.port_name}" if self.port_name else ""
        return f"{self.namespace}/{self.name}{port}/{self.protocol}"


def service_port(ruleset: Ruleset, found: Found) -> ServicePort:
    """Gather what the rules tell of a Service port."""
    find = finder(ruleset)
    chains = service_chains(ruleset, found, find)
    cluster_ips = found.addresses(Entry.CLUSTER_IP)
    policy = _external_policy(found, chains)
    internal = _internal_policy(found)
    local = Policy.LOCAL in (policy, internal) and found.suffix is not None
    return ServicePort(
        namespace=found.name.namespace,
        name=found.name.name,
        port_name=found.name.port_name,
        protocol=found.protocol,
        cluster_ip=cluster_ips[0] if cluster_ips else None,
        port=next((found.port_of(entry) for entry in _BY_ADDRESS if found.addresses(entry)), None),
        node_port=found.port_of(Entry.NODE_PORT),
        external_ips=found.addresses(Entry.EXTERNAL_IP),
        load_balancer_ips=found.addresses(Entry.LOAD_BALANCER_IP),
        external_policy=policy,
        internal_policy=internal,
        session_affinity=_affinity(chains),
        source_ranges=_source_ranges(found, chains),
        health_check_node_port=found.health_check_node_port,
        endpoints=_endpoint_values(destinations_of(chains, find)),
        local_endpoints=_endpoint_values(destinations_of(chains, find, kinds=LOCAL_BALANCING)) if local else None,
    )


_BY_ADDRESS = (Entry.CLUSTER_IP, Entry.LOAD_BALANCER_IP, Entry.EXTERNAL_IP)


def _endpoint_values(held: Iterable[tuple[Address, int | None]]) -> tuple[Endpoint, ...]:
    ends = dict.fromkeys(held)
    return tuple(sorted([Endpoint(address=host, port=port) for host, port in ends], key=lambda one: one.place))


def _external_policy(found: Found, chains: Sequence[ProxyChain]) -> Policy | None:
    """Read the policy off the external chain, or off what the filter table or the health check says without one."""
    external = [entry for entry in found.entries if entry is not Entry.CLUSTER_IP]
    if not external:
        return None
    if found.health_check_node_port is not None:
        return Policy.LOCAL
    said = [(way.rule.comment or "").rstrip() for way in found.ways if way.rule.chain == "KUBE-EXTERNAL-SERVICES"]
    if any(comment.endswith("has no local endpoints") for comment in said):
        return Policy.LOCAL
    for chain in chains:
        if chain.name.startswith("KUBE-XLB-"):
            return Policy.LOCAL
        if chain.name.startswith("KUBE-EXT-"):
            everything = any(_leads(rule, MARKING) and _asks_nothing(rule) for rule in chain.rules.rules())
            return Policy.CLUSTER if everything else Policy.LOCAL
    return Policy.CLUSTER if found.suffix is not None else None


def _internal_policy(found: Found) -> Policy | None:
    if any(chain.startswith("KUBE-SVL-") for chain in found.chains(Entry.CLUSTER_IP)):
        return Policy.LOCAL
    refused = (way.rule for way in found.ways if way.rule.table == "filter" and way.rule.chain == "KUBE-SERVICES")
    if any(isinstance(rule.target, Drop) for rule in refused):
        return Policy.LOCAL
    return Policy.CLUSTER if found.chains(Entry.CLUSTER_IP) else None


def _affinity(chains: Sequence[ProxyChain]) -> int | None:
    for chain in chains:
        for checks, seconds in chain.rules.values((Field(Recent, "rcheck"), Field(Recent, "seconds"))):
            if checks:
                return seconds  # type: ignore[no-any-return]
    return None


def _source_ranges(found: Found, chains: Sequence[ProxyChain]) -> tuple[Network, ...]:
    """Read the ranges off the firewall chain; the load balancer's own address is no range of the user's."""
    own = found.addresses(Entry.LOAD_BALANCER_IP)
    ranges = []
    for chain in chains:
        asked = [rule.ip.source for rule in chain.rules.rules()] if chain.name.startswith("KUBE-FW-") else []
        ranges += [one.value for one in asked if one is not None and not one.negated]
    return tuple(dict.fromkeys(one for one in ranges if getattr(one, "network_address", None) not in own))


def _leads(rule: Rule, chain: str) -> bool:
    return isinstance(rule.target, Jump | Goto) and rule.target.chain == chain


def _asks_nothing(rule: Rule) -> bool:
    return all(match.extension == "comment" for match in rule.matches)
