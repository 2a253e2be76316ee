"""What SET does: it changes ipsets, which later rules ask, and takes marks over from them."""

from __future__ import annotations

import attrs

from iptables_model import Flow, Node, Packet, trace
from iptables_model.netfilter.sets import NumberSet
from tests.netfilter.effects import NODE, changes, only, ruleset

IPSETS = """create hosts hash:ip
add hosts 198.51.100.7
create others hash:ip
create lists list:set size 8
add lists hosts
"""
WITH_IPSETS = attrs.evolve(NODE, ipsets=Node.from_text(ipsets=IPSETS).ipsets)


def ask(rules: str, **fields: object) -> tuple[Flow, ...]:
    """Ask about a packet of a host that is in the set."""
    said: dict[str, object] = {"src": "198.51.100.7", "dst": "192.0.2.1", "protocol": "udp", "in_interface": "eth0"}
    packet = Packet(**{**said, **fields})  # type: ignore[arg-type]
    return trace(ruleset(mangle=rules), packet, node=WITH_IPSETS, keep_traces=True)


def told(flow: Flow) -> list[str]:
    """List what a flow takes for granted, in the order in which it was asked."""
    return [str(one) for one in flow.assumptions]


def found(flows: tuple[Flow, ...]) -> list[tuple[str, list[str]]]:
    """List outcomes and assumptions."""
    return sorted((str(flow.outcome), told(flow)) for flow in flows)


def test_it_goes_on() -> None:
    flow = only(ruleset(mangle="PREROUTING -j SET --add-set hosts src\nPREROUTING -j DROP"))
    assert [step.verdict for step in flow.steps] == ["continue", "drop"]
    assert (flow.assumptions, changes(flow)) == ((), [])


def test_a_set_that_no_rule_changed_is_as_given() -> None:
    flows = ask("PREROUTING -j SET --add-set others src\nPREROUTING -m set --match-set hosts src -j DROP")
    assert found(flows) == [("dropped", [])]


def test_a_set_that_a_rule_changed_is_assumed_anew_at_each_change() -> None:
    asks = "PREROUTING -m set --match-set hosts src -j"
    flows = ask(
        f"""PREROUTING -j SET --del-set hosts src
            {asks} LOG
            {asks} MARK --set-mark 1
            PREROUTING -j SET --add-set hosts src
            {asks} MARK --set-mark 2"""
    )
    holds = "ipset hosts holds the packet's src"
    assert sorted((str(flow.packet.mark), told(flow)) for flow in flows) == [
        ("0x0", [f"not: {holds}"]),
        ("0x1", [holds, f"not: {holds}"]),
        ("0x2", [holds]),
        ("0x2", [f"not: {holds}", holds]),
    ]


def test_a_list_changes_with_its_members_and_they_with_it() -> None:
    for changed, asked in (("hosts", "lists"), ("lists", "hosts")):
        flows = ask(f"PREROUTING -j SET --del-set {changed} src\nPREROUTING -m set --match-set {asked} src -j DROP")
        assert found(flows) == [
            ("dropped", ["ipset hosts holds the packet's src"]),
            ("reaches", ["not: ipset hosts holds the packet's src"]),
        ]


def test_a_mark_is_taken_over_from_what_is_found() -> None:
    rules = "PREROUTING -j SET --map-set hosts src --map-mark"
    (held,) = ask(rules, mark=7)
    (other,) = ask(rules, mark=7, src="198.51.100.8")
    (priority,) = ask("POSTROUTING -j SET --map-set hosts src --map-prio", mark=7, dst="203.0.113.9")
    assert [str(flow.packet.mark) for flow in (held, other, priority)] == ["any", "0x7", "0x7"]


def test_flows_that_differ_in_a_set_alone_are_one() -> None:
    flows = trace(
        ruleset(mangle="PREROUTING -p udp -j SET --add-set others src"),
        Packet(src="198.51.100.7", dst="192.0.2.1", protocol="tcp,udp", in_interface="eth0"),
        node=WITH_IPSETS,
    )
    assert [flow.packet.protocol for flow in flows] == [NumberSet.of(6) | NumberSet.of(17)]


def test_packets_that_changed_an_ipset_are_not_joined_with_others() -> None:
    rules = "PREROUTING -s 198.51.100.0/25 -j SET --add-set hosts src\nPREROUTING -m set --match-set hosts src -j DROP"
    question = Packet(src="198.51.100.0/24", dst="192.0.2.1", protocol="udp", in_interface="eth0")
    flows = trace(ruleset(mangle=rules), question, node=WITH_IPSETS)
    assert all(
        bool(flow.assumptions) is (str(packet.src) != "198.51.100.128/25") for flow in flows for packet in flow.when
    )
    assert {str(packet.src) for flow in flows for packet in flow.when} == {"198.51.100.0/25", "198.51.100.128/25"}
