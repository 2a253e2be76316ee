"""Every answer expected of the real kube-proxy dumps: outcome, endpoints, shares, masquerade, intent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from iptables_model import Node, Outcome, Reachability, Ruleset, external_traffic, load, reachable_endpoints, services

FIXTURES = Path(__file__).parents[2] / "fixtures"
OUTCOMES = {
    "reaches": Outcome.REACHES,
    "drop": Outcome.DROPPED,
    "reject": Outcome.REJECTED,
    "not-handled": Outcome.NOT_HANDLED,
}
KINDS = {"local_pod": "pod", "node": "node", "outside": "outside"}
ENTRIES = {
    "clusterIP": "cluster_ip",
    "nodePort": "node_port",
    "loadBalancer": "load_balancer_ip",
    "externalIP": "external_ip",
}


def _cases() -> Iterator[tuple[Path, Path]]:
    for expected in sorted((FIXTURES / "expected").glob("*/*/*.json")):
        generation, scenario = expected.parts[-3:-1]
        for home in (generation, f"other-iptables/{generation}@*"):
            for dump in sorted((FIXTURES / "dumps").glob(f"{home}/{scenario}/{expected.stem}.*.save*")):
                yield dump, expected


CASES = list(_cases())
assert len(CASES) > 150, "the dumps or the expected answers are missing"


@lru_cache(maxsize=8)
def _ruleset(path: Path) -> Ruleset:
    return load(path)


@lru_cache(maxsize=8)
def _expected(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _name(port: dict[str, Any]) -> str:
    return f"{port['service']}:{port['port_name']}/{port['protocol'].lower()}"


def _summary(answer: Reachability) -> tuple[object, ...]:
    endpoints = [
        (str(one), round(float(one.probability), 6) if one.probability is not None else None, one.masqueraded)
        for one in answer.endpoints
    ]
    return answer.outcome, answer.meant, sorted(endpoints)


def _wanted(way: dict[str, Any]) -> tuple[object, ...]:
    endpoints = [
        (one["endpoint"], round(one["probability"], 6), one["masquerade"] == "yes") for one in way.get("endpoints", [])
    ]
    return OUTCOMES[way["outcome"]], OUTCOMES.get(way.get("intent", "")), sorted(endpoints)


def _ids(case: tuple[Path, Path]) -> str:
    return "-".join(case[0].parts[-3:])


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_each_way_from_each_client_by_address(case: tuple[Path, Path]) -> None:
    dump, expected = case
    ruleset, wanted = _ruleset(dump), _expected(expected)
    node = Node(interfaces={"eth0": [f"{wanted['node_ip']}/{64 if ':' in wanted['node_ip'] else 16}"]})
    found, right = {}, {}
    for port in wanted["service_ports"]:
        for name, ways in port["ways"].items():
            for way in ways:
                key = (_name(port), name, way["dst"])
                answer = reachable_endpoints(
                    ruleset, key[0], entry=way["dst"].rpartition(":")[0].strip("[]"), source=way["src"], node=node
                )
                found[key], right[key] = _summary(answer), _wanted(way)
    assert found == right


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_each_way_from_each_kind_of_client_without_the_node(case: tuple[Path, Path]) -> None:
    """Ask by kinds: a pod is none of the endpoints, and an endpoint outside the pod network is on another machine."""
    dump, expected = case
    ruleset, wanted = _ruleset(dump), _expected(expected)
    found, right = {}, {}
    for port in wanted["service_ports"]:
        for name, ways in port["ways"].items():
            entry, _, client = name.partition("/from_")
            held = [one for way in ways for one in way.get("endpoints", ())]
            here = any(one["ip"] == wanted["node_ip"] or (client == "local_pod" and one.get("hairpin")) for one in held)
            if client in KINDS and not here:
                answer = reachable_endpoints(ruleset, _name(port), entry=ENTRIES[entry], source=KINDS[client])
                if entry == "loadBalancer" and client == "node" and port["source_ranges"] and port["any_endpoints"]:
                    # Which range holds the node's address, the dump does not tell.
                    assert answer.outcome is Outcome.DEPENDS
                    continue
                for way in ways:
                    found[_name(port), name, way["dst"]], right[_name(port), name, way["dst"]] = (
                        _summary(answer),
                        _wanted(way),
                    )
    assert found == right


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_services_and_policies(case: tuple[Path, Path]) -> None:
    dump, expected = case
    ruleset, wanted = _ruleset(dump), _expected(expected)
    held = {f"{one.namespace}/{one.name}:{one.port_name}/{one.protocol}": one for one in services(ruleset)}
    assert sorted(held) == sorted(_name(port) for port in wanted["service_ports"] if port["ways"])
    assert not {f"{one.namespace}/{one.name}" for one in held.values()} & set(wanted["not_listed"])
    for port in wanted["service_ports"]:
        drops = external_traffic(ruleset, _name(port)).drops
        assert (drops.value == "true") is port["external_local_drops_here"], _name(port)


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_ports_addresses_affinity_and_endpoints(case: tuple[Path, Path]) -> None:
    dump, expected = case
    ruleset, wanted = _ruleset(dump), _expected(expected)
    held = {f"{one.namespace}/{one.name}:{one.port_name}/{one.protocol}": one for one in services(ruleset)}
    for port in wanted["service_ports"]:
        one = held[_name(port)]
        assert (str(one.cluster_ip), one.port, one.node_port) == (port["cluster_ip"], port["port"], port["node_port"])
        assert one.session_affinity == (port["affinity_seconds"] if port["any_endpoints"] else None)
        if port["any_endpoints"]:
            assert sorted(map(str, one.load_balancer_ips)) == sorted(port["load_balancer_ips"])
            assert sorted(map(str, one.external_ips)) == sorted(port["external_ips"])
            assert sorted(map(str, one.source_ranges)) == sorted(port["source_ranges"])
