"""All values are frozen, hashable, picklable and can be copied."""

from __future__ import annotations

import copy
import pickle

import attrs
import pytest

from iptables_model import (
    Node,
    Packet,
    Trilean,
    external_traffic,
    graph,
    load,
    parse,
    reachability_matrix,
    services,
    trace,
)
from iptables_model.lint import findings
from tests.files import FIXTURES

RULESET = load(FIXTURES / "tutorial" / "kind-worker.save")
VALUES = {
    "ruleset": RULESET,
    "table": RULESET["nat"],
    "chain": RULESET["nat"]["KUBE-SERVICES"],
    "rule": RULESET["nat"]["KUBE-SERVICES"].rules[0],
    "services": services(RULESET),
    "matrix": reachability_matrix(RULESET, "default/test-svc"),
    "external": external_traffic(RULESET, "default/test-svc"),
    "packet": Packet(src="10.0.0.0/8", dst="10.96.45.10", protocol="tcp", dport=80),
    "node": Node(interfaces={"eth0": ("172.18.0.3/16",)}),
    "flows": trace(RULESET, Packet(src="10.244.3.9", dst="10.96.45.10", protocol="tcp", dport=80)),
    "graph": graph.graph(RULESET),
    "findings": findings(parse("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j GONE\nCOMMIT\n")),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_travel(name: str) -> None:
    value = VALUES[name]
    for other in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value), copy.copy(value)):  # noqa: S301 (our own)
        assert other == value
        assert hash(other) == hash(value)


@pytest.mark.parametrize("name", ["ruleset", "table", "chain", "rule", "external", "packet", "node", "graph"])
def test_values_are_frozen(name: str) -> None:
    value = VALUES[name]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        value.name = "other"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "what"), [("flows", "a flow"), ("matrix", "an answer")])
def test_what_is_made_when_asked_for_is_all_there_is(name: str, what: str) -> None:
    with pytest.raises(AttributeError, match=f"{what} has no packets"):
        _ = VALUES[name][0].packets  # type: ignore[index]


def test_equal_rules_of_different_lines_are_equal() -> None:
    one = parse("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\nCOMMIT\n")
    other = parse("# a comment\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT  -j  DROP\nCOMMIT\n")
    assert one == other
    assert hash(one) == hash(other)
    assert [rule.line for ruleset in (one, other) for rule in ruleset.rules] == [3, 4]
    assert str(one) != str(other)


def test_a_changed_ruleset_forgets_the_text() -> None:
    one = parse("# a comment\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT  -j  DROP\nCOMMIT\n")
    assert str(attrs.evolve(one, family=4)) == "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\nCOMMIT\n"


@pytest.mark.parametrize("one", Trilean)
@pytest.mark.parametrize("other", Trilean)
def test_kleene(one: Trilean, other: Trilean) -> None:
    """Compare with the least and greatest of false < unknown < true."""
    order = [Trilean.FALSE, Trilean.UNKNOWN, Trilean.TRUE]
    assert (one & other) is min(one, other, key=order.index)
    assert (one | other) is max(one, other, key=order.index)
    assert ~~one is one
    assert ~(one & other) is (~one | ~other)


def test_unknown_is_no_truth_value() -> None:
    assert Trilean.of(value=True)
    assert not Trilean.of(value=False)
    assert Trilean.of(value=None) is Trilean.UNKNOWN
    with pytest.raises(TypeError, match="unknown is neither true nor false"):
        bool(Trilean.UNKNOWN)
