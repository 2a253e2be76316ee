"""Services are found with and without comments, and names that contradict their chains are told."""

from __future__ import annotations

import re

import pytest

from iptables_model import Ambiguous, NotFound, Reachability, Ruleset, parse, reachability_matrix, services
from iptables_model.kube_proxy.names import PortName, Reference, chain_suffix, endpoint_suffix, split_chain
from iptables_model.lint import Kind, findings
from tests.files import FIXTURES

DUMPS = ["1.17.2/s01-nodeport-local", "1.20.2/s05-loadbalancer", "1.24.3/s07-affinity", "1.30.5/s15-names"]


def _dump(name: str) -> str:
    return (FIXTURES / "dumps" / name / "kind-worker.nft.save").read_text()


def _without_comments(text: str) -> Ruleset:
    return parse(re.sub(r' -m comment --comment ("(?:[^"\\]|\\.)*"|\S+)', "", text))


def _summary(answer: Reachability) -> tuple[object, ...]:
    return answer.entry, answer.source, answer.outcome, answer.endpoints


@pytest.mark.parametrize(
    ("port_name", "protocol", "suffix"),
    [
        ("default/test-svc", "tcp", "QKNQQNIN727HO3XU"),
        ("default/test-svc:", "tcp", "W3OX4ZP4Y24AQZNW"),
        ("kube-system/kube-dns:dns", "udp", "TCOU7JCQXEZGVUNU"),
        ("kube-system/kube-dns:dns-tcp", "tcp", "ERIFXISQEP7F7OF4"),
        ("default/kubernetes:https", "tcp", "NPX46M4PTMTKRN6Y"),
    ],
)
def test_chains_are_named_after_the_port(port_name: str, protocol: str, suffix: str) -> None:
    assert chain_suffix(port_name, protocol) == suffix


def test_endpoint_chains_are_named_after_port_and_endpoint() -> None:
    assert endpoint_suffix("default/test-svc", "tcp", "10.244.2.3:8080") == "6ZID3YWM5BTI4W2U"


@pytest.mark.parametrize("chain", ["KUBE-SERVICES", "KUBE-SEP-6ZID3YWM5BTI4W2U", "KUBE-SVC-QKNQQNIN727HO3X", "INPUT"])
def test_other_chains_are_of_no_port(chain: str) -> None:
    assert split_chain(chain) is None


@pytest.mark.parametrize("dump", DUMPS)
def test_a_service_without_comments_answers_as_with_them(dump: str) -> None:
    text = _dump(dump)
    whole, bare = parse(text), _without_comments(text)
    asked = [one for one in services(whole) if one.endpoints]
    assert asked
    for one in asked:
        name = f"{one.namespace}/{one.name}:{one.port_name}/{one.protocol}"
        found = [_summary(answer) for answer in reachability_matrix(bare, name) if answer.entry != "external_ip"]
        wanted = [
            _summary(answer)
            for answer in reachability_matrix(whole, name)
            if answer.entry in {"cluster_ip", "node_port"}
        ]
        assert [one for one in found if one[0] in {"cluster_ip", "node_port"}] == wanted


def test_without_comments_a_service_is_listed_by_its_chain() -> None:
    found = services(_without_comments(_dump("1.20.2/s01-nodeport-local")))
    assert [(one.namespace, one.name, one.node_port) for one in found] == [("", "QKNQQNIN727HO3XU", 30080)]


def test_a_name_that_contradicts_its_chain_is_a_finding() -> None:
    text = _dump("1.20.2/s01-nodeport-local").replace('"default/test-svc cluster IP"', '"default/other cluster IP"')
    found = [one for one in findings(parse(text)) if one.kind is Kind.NAME_CONTRADICTS_CHAIN]
    assert [str(one) for one in found] == [
        "line 70: default/other over tcp has other chains than KUBE-SVC-QKNQQNIN727HO3XU"
    ]


@pytest.mark.parametrize("dump", DUMPS)
def test_real_dumps_have_no_findings(dump: str) -> None:
    assert findings(parse(_dump(dump))) == ()


def test_a_rule_that_lost_its_port_is_a_finding() -> None:
    text = _dump("1.20.2/s01-nodeport-local").replace(
        '--comment "default/test-svc cluster IP" -m tcp --dport 80', '--comment "default/test-svc cluster IP"'
    )
    assert [one.kind for one in findings(parse(text))] == [Kind.NO_PORT, Kind.NO_PORT]


def test_a_missing_service_names_the_closest() -> None:
    ruleset = parse(_dump("1.20.2/s01-nodeport-local"))
    with pytest.raises(NotFound) as caught:
        reachability_matrix(ruleset, "default/test-svv")
    assert str(caught.value) == 'no Service "default/test-svv"; did you mean default/test-svc?'
    assert caught.value.candidates == ("default/test-svc",)


def test_a_name_for_several_ports_is_ambiguous() -> None:
    ruleset = parse(_dump("1.20.2/s05-loadbalancer"))
    with pytest.raises(Ambiguous) as caught:
        reachability_matrix(ruleset, "lb-cluster")
    assert str(caught.value) == (
        'Service "lb-cluster" is ambiguous: default/lb-cluster:http/tcp, default/lb-cluster:https/tcp'
    )


def test_references_and_port_names() -> None:
    assert Reference.read("test-svc") == Reference(None, "test-svc", None, None)
    assert Reference.read("default/test-svc:/tcp") == Reference("default", "test-svc", "", "tcp")
    assert Reference.read("") is None
    assert PortName.read("default/web:http").suffixes("tcp") == (chain_suffix("default/web:http", "tcp"),)
