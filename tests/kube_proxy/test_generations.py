"""Every generation of kube-proxy, and every way in which it tells pods, by the same expectations."""

from __future__ import annotations

import pytest

from iptables_model import (
    Entry,
    Node,
    Outcome,
    Reachability,
    Route,
    Source,
    external_traffic,
    load,
    parse,
    reachable_endpoints,
)
from iptables_model import services as read_services
from tests.files import FIXTURES
from tests.kube_proxy.writing import EXTERNAL_IP, LB_IP, NODE_PORT, Generation, Wanted, dump

GENERATIONS: list[Generation] = [
    (1, 18), (1, 19), (1, 20), (1, 21), (1, 22), (1, 23), (1, 24), (1, 25), (1, 26), (1, 27), (1, 30), (1, 31),
]  # fmt: skip
BOTH = {"10.244.1.3", "10.244.2.3"}


def _ask(wanted: Wanted, entry: Entry, source: Source, **more: Node) -> Reachability:
    return reachable_endpoints(parse(dump(wanted)), "default/test-svc", entry=entry, source=source, **more)


def _said(answer: Reachability) -> tuple[Outcome, set[str], set[bool | None]]:
    endpoints = answer.endpoints
    return answer.outcome, {str(one.address) for one in endpoints}, {one.masqueraded for one in endpoints}


by_generation = pytest.mark.parametrize("generation", GENERATIONS, ids=lambda one: f"{one[0]}.{one[1]}")


@by_generation
def test_the_cluster_ip_reaches_all_and_masquerades_what_is_no_pod(generation: Generation) -> None:
    wanted = Wanted(generation=generation)
    assert _said(_ask(wanted, Entry.CLUSTER_IP, Source.POD)) == (Outcome.REACHES, BOTH, {False})
    assert _said(_ask(wanted, Entry.CLUSTER_IP, Source.NODE)) == (Outcome.REACHES, BOTH, {True})
    assert _said(_ask(wanted, Entry.CLUSTER_IP, Source.OUTSIDE)) == (Outcome.REACHES, BOTH, {True})


@by_generation
def test_an_address_of_the_node_among_those_of_pods_is_no_pod(generation: Generation) -> None:
    """The kernel lets no packet in that has it (fib_validate_source, net/ipv4/fib_frontend.c)."""
    node = Node(interfaces={"eth0": ("172.18.0.3/16",), "cni0": ("10.244.1.1/24",)})
    answer = _ask(Wanted(generation=generation), Entry.CLUSTER_IP, Source.POD, node=node)
    assert _said(answer) == (Outcome.REACHES, BOTH, {False})


@pytest.mark.parametrize("entry", [Entry.CLUSTER_IP, Entry.NODE_PORT])
@pytest.mark.parametrize("source", list(Source))
def test_link_local_addresses_are_those_of_no_client_and_no_way_in(entry: Entry, source: Source) -> None:
    interfaces = {"eth0": ("fc00:f853:ccd:e793::3/64", "fe80::1/64"), "cni0": ("fd00:10:244:1::1/64", "fe80::2/64")}
    routes = [
        Route(destination="::/0", interfaces="eth0"),
        Route(destination="fd00:10:244:1::/64", interfaces="cni0"),
        *(Route(destination="fe80::/64", interfaces=name) for name in interfaces),
    ]
    ruleset = load(FIXTURES / "dumps" / "1.30.5" / "s16-ipv6" / "kind-worker.nft.save6")
    node = Node(interfaces=interfaces, routes=routes)
    answer = reachable_endpoints(ruleset, "default/test-cluster", entry=entry, source=source, node=node)
    assert (answer.outcome, len(answer.endpoints)) == (Outcome.REACHES, 3)


@by_generation
@pytest.mark.parametrize("pods", ["-i cni0", "-i veth+"])
def test_pods_told_by_interface(generation: Generation, pods: str) -> None:
    wanted = Wanted(generation=generation, pods=pods, policy="Local")
    assert _said(_ask(wanted, Entry.CLUSTER_IP, Source.POD)) == (Outcome.REACHES, BOTH, {False})
    assert _said(_ask(wanted, Entry.CLUSTER_IP, Source.NODE)) == (Outcome.REACHES, BOTH, {True})
    assert _said(_ask(wanted, Entry.CLUSTER_IP, Source.OUTSIDE)) == (Outcome.REACHES, BOTH, {True})
    assert _said(_ask(wanted, Entry.NODE_PORT, Source.POD)) == (Outcome.REACHES, BOTH, {False})
    assert _said(_ask(wanted, Entry.NODE_PORT, Source.OUTSIDE))[0] is Outcome.DROPPED


@by_generation
def test_where_nothing_tells_pods_nothing_is_masqueraded_at_the_cluster_ip(generation: Generation) -> None:
    wanted = Wanted(generation=generation, pods="")
    for source in Source:
        assert _said(_ask(wanted, Entry.CLUSTER_IP, source)) == (Outcome.REACHES, BOTH, {False})


@by_generation
def test_masquerade_all_touches_the_cluster_ip_only(generation: Generation) -> None:
    wanted = Wanted(generation=generation, masquerade_all=True, policy="Local", local=("10.244.1.3",))
    assert _said(_ask(wanted, Entry.CLUSTER_IP, Source.POD)) == (Outcome.REACHES, BOTH, {True})
    assert _said(_ask(wanted, Entry.NODE_PORT, Source.OUTSIDE)) == (Outcome.REACHES, {"10.244.1.3"}, {False})


@by_generation
def test_another_masquerade_bit(generation: Generation) -> None:
    wanted = Wanted(generation=generation, bit=0x100000)
    assert _said(_ask(wanted, Entry.CLUSTER_IP, Source.NODE)) == (Outcome.REACHES, BOTH, {True})
    assert _said(_ask(wanted, Entry.CLUSTER_IP, Source.POD)) == (Outcome.REACHES, BOTH, {False})


@by_generation
def test_policy_cluster_masquerades_all_from_outside(generation: Generation) -> None:
    wanted = Wanted(generation=generation)
    for entry in (Entry.NODE_PORT, Entry.LOAD_BALANCER_IP, Entry.EXTERNAL_IP):
        assert _said(_ask(wanted, entry, Source.OUTSIDE)) == (Outcome.REACHES, BOTH, {True})
    answer = external_traffic(parse(dump(wanted)), "default/test-svc")
    assert (answer.policy, answer.drops.value) == ("Cluster", "false")


@by_generation
def test_policy_local_with_a_local_endpoint(generation: Generation) -> None:
    wanted = Wanted(generation=generation, policy="Local", local=("10.244.1.3",))
    kept = {generation <= (1, 18)}
    assert _said(_ask(wanted, Entry.NODE_PORT, Source.OUTSIDE)) == (Outcome.REACHES, {"10.244.1.3"}, {False})
    assert _said(_ask(wanted, Entry.LOAD_BALANCER_IP, Source.OUTSIDE)) == (Outcome.REACHES, {"10.244.1.3"}, {False})
    assert _said(_ask(wanted, Entry.EXTERNAL_IP, Source.OUTSIDE)) == (Outcome.REACHES, {"10.244.1.3"}, kept)
    assert _said(_ask(wanted, Entry.NODE_PORT, Source.POD)) == (Outcome.REACHES, BOTH, {False})
    assert _said(_ask(wanted, Entry.NODE_PORT, Source.NODE)) == (Outcome.REACHES, BOTH, {True})
    answer = external_traffic(parse(dump(wanted)), "default/test-svc")
    assert (answer.policy, answer.drops.value) == ("Local", "false")
    assert [str(one) for one in answer.local_endpoints or ()] == ["10.244.1.3:8080"]


@by_generation
def test_policy_local_without_a_local_endpoint(generation: Generation) -> None:
    wanted = Wanted(generation=generation, policy="Local")
    ruleset = parse(dump(wanted))
    assert _said(_ask(wanted, Entry.NODE_PORT, Source.OUTSIDE)) == (Outcome.DROPPED, set(), set())
    assert _said(_ask(wanted, Entry.NODE_PORT, Source.POD)) == (Outcome.REACHES, BOTH, {False})
    assert _said(_ask(wanted, Entry.NODE_PORT, Source.NODE)) == (Outcome.REACHES, BOTH, {True})
    balanced = _ask(wanted, Entry.LOAD_BALANCER_IP, Source.OUTSIDE)
    # Up to 1.24 the drop is a mark that FORWARD does not enforce.
    enforced = generation >= (1, 25)
    assert (balanced.outcome, balanced.meant) == (
        (Outcome.DROPPED, None) if enforced else (Outcome.NOT_HANDLED, Outcome.DROPPED)
    )
    answer = external_traffic(ruleset, "default/test-svc")
    assert (answer.policy, answer.drops.value, answer.local_endpoints) == ("Local", "true", ())
    assert answer.deciding_rule is not None
    assert "has no local endpoints" in (answer.deciding_rule.comment or "")


@by_generation
def test_source_ranges(generation: Generation) -> None:
    wanted = Wanted(generation=generation, ranges=("192.0.2.0/24",))
    ruleset = parse(dump(wanted))
    answer = _ask(wanted, Entry.LOAD_BALANCER_IP, Source.OUTSIDE)
    assert answer.outcome is Outcome.DEPENDS
    allowed = reachable_endpoints(ruleset, "test-svc", entry=LB_IP, source="192.0.2.7")
    denied = reachable_endpoints(ruleset, "test-svc", entry=LB_IP, source="192.0.3.7")
    assert _said(allowed) == (Outcome.REACHES, BOTH, {True})
    enforced = generation >= (1, 25)
    assert (denied.outcome, denied.meant) == (
        (Outcome.DROPPED, None) if enforced else (Outcome.NOT_HANDLED, Outcome.DROPPED)
    )
    assert [str(one) for one in read_services(ruleset)[0].source_ranges] == ["192.0.2.0/24"]
    assert external_traffic(ruleset, "test-svc").drops.value == "false"


@by_generation
def test_no_endpoints(generation: Generation) -> None:
    wanted = Wanted(generation=generation, endpoints=())
    node = Node(interfaces={"eth0": ("172.18.0.3/16",)})
    for entry in (Entry.CLUSTER_IP, Entry.NODE_PORT, Entry.LOAD_BALANCER_IP):
        assert _ask(wanted, entry, Source.OUTSIDE, node=node).outcome is Outcome.REJECTED
    from_node = reachable_endpoints(parse(dump(wanted)), "test-svc", entry=LB_IP, source=Source.NODE, node=node)
    # KUBE-EXTERNAL-SERVICES is not hooked in OUTPUT; before 1.20 the rule stood in KUBE-SERVICES.
    assert (from_node.outcome, from_node.meant) == (
        (Outcome.REJECTED, None) if generation < (1, 20) else (Outcome.NOT_HANDLED, Outcome.REJECTED)
    )


@by_generation
def test_node_ports_at_a_chosen_address(generation: Generation) -> None:
    wanted = Wanted(generation=generation, node_ports_at="172.18.0.3")
    assert _said(_ask(wanted, Entry.NODE_PORT, Source.OUTSIDE)) == (Outcome.REACHES, BOTH, {True})
    elsewhere = reachable_endpoints(parse(dump(wanted)), "test-svc", entry="172.19.0.3", source="outside")
    assert elsewhere.outcome is Outcome.NOT_HANDLED


@by_generation
def test_what_a_service_is(generation: Generation) -> None:
    (found,) = read_services(parse(dump(Wanted(generation=generation, policy="Local", local=("10.244.1.3",)))))
    assert str(found) == "default/test-svc/tcp"
    assert (str(found.cluster_ip), found.port, found.node_port) == ("10.96.0.10", 80, NODE_PORT)
    assert [str(one) for one in found.load_balancer_ips] == [LB_IP]
    assert [str(one) for one in found.external_ips] == [EXTERNAL_IP]
    assert (found.external_policy, found.internal_policy) == ("Local", "Cluster")
    assert [str(one) for one in found.endpoints] == ["10.244.1.3:8080", "10.244.2.3:8080"]
