"""By which interface packets leave the node, and by which they may come: what routes alone do not decide."""

from __future__ import annotations

import pytest

from iptables_model import Node, Packet, Ruleset, parse, trace
from tests.files import FIXTURES

NODE = Node.from_text(
    addresses=(FIXTURES / "kernel" / "node" / "addresses.json").read_text(),
    routes=(FIXTURES / "kernel" / "node" / "routes.json").read_text(),
)
EMPTY = parse("*mangle\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n")
NO_RP_FILTER = "rp_filter is off for the interface"


def ends(packet: Packet, rules: Ruleset = EMPTY) -> set[tuple[str, str, str]]:
    """Say how packets end, by which interface, and what was assumed."""
    return {
        (
            flow.delivery.value if flow.delivery else f"{flow.outcome.value}: {flow.reason}",
            str(flow.packet.out_interface),
            "; ".join(map(str, flow.assumptions)),
        )
        for flow in trace(rules, packet, node=NODE)
    }


@pytest.mark.parametrize(
    ("src", "dst", "target", "found"),
    [
        ("2001:db8::1", "fd00:244:2::9", "fe80::77", ("sent", "pod1", "")),
        ("2001:db8::1", "fd00:244:2::9", "ff02::9", ("sent", "pod1", "")),
        ("2001:db8::1", "2001:db8:51::9", "fe80::ff:fe00:1", ("local", "none", "")),
        ("2001:db8::1", "fd00:244:2::9", "fe80::ff:fe00:1", ("sent", "pod1", "")),
        ("2001:db8::1", "2001:db8::9", "fe80::77", ("rejected: no route leads to the destination", "lo", "")),
        ("2001:db8::1", "fd00:244:2::9", "::1", ("local", "none", "")),
        ("192.0.2.9", "10.244.2.9", "224.0.0.9", ("sent", "eth0", "")),
        ("10.244.1.1", "198.51.100.9", "224.0.0.9", ("sent", "pod0", "")),
        ("10.244.1.1", "198.51.100.9", "255.255.255.255", ("sent", "pod0", "")),
        ("198.51.100.1", "198.51.100.9", "224.0.0.9", ("rejected: no route leads to the destination", "eth0", "")),
    ],
)
def test_what_is_translated_to_a_link_stays_with_an_interface(
    src: str, dst: str, target: str, found: tuple[str, str, str]
) -> None:
    # IPv4 looks for the interface that has the source, IPv6 at that by which the packet was leaving.
    rules = parse(f"*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j DNAT --to-destination {target}\nCOMMIT\n")
    assert ends(Packet(src=src, dst=dst, in_interface=None), rules) == {found}


def test_the_socket_chooses_the_interface_of_a_packet_to_an_ipv4_group() -> None:
    assert ends(Packet(dst="224.0.0.9", in_interface=None)) == {("sent", "any but lo", "")}
    rules = parse("*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -o pod0 -j DROP\nCOMMIT\n")
    assert {assumed for _, _, assumed in ends(Packet(dst="224.0.0.9", in_interface=None), rules)} == {
        "the out interface chosen is pod0",
        "not: the out interface chosen is pod0",
    }


STAYS = "dropped: packets to this group, or with this TTL, stay on the node"


@pytest.mark.parametrize(
    ("dst", "ttl", "found"),
    [
        ("224.0.0.1", 0, STAYS),
        ("224.0.0.1", 1, "sent"),
        ("192.0.2.77", 0, "sent"),
        ("ff02::1", 0, STAYS),
        ("ff02::1", 1, "sent"),
        ("ff01::1", 64, STAYS),
    ],
)
def test_some_packets_to_groups_stay_on_the_node(dst: str, ttl: int, found: str) -> None:
    assert {end for end, _, _ in ends(Packet(dst=dst, ttl=ttl, in_interface=None))} == {found}


def test_ipv6_drops_what_stays_on_the_node_behind_postrouting() -> None:
    chains = {
        dst: [step.chain for step in trace(EMPTY, Packet(dst=dst, ttl=0, in_interface=None), node=NODE)[0].steps]
        for dst in ("224.0.0.1", "ff02::1")
    }
    assert chains == {"224.0.0.1": [], "ff02::1": ["POSTROUTING"]}


@pytest.mark.parametrize(
    ("src", "came", "assumed"),
    [
        ("10.244.1.9", "pod0", False),
        ("10.244.1.9", "eth0", True),
        ("198.51.100.9", "eth0", False),
        ("198.51.100.9", "pod0", True),
        ("198.51.100.9", "any", False),
        (None, "pod0", False),
        ("2001:db8:51::9", "pod0", False),
    ],
)
def test_that_rp_filter_is_off_is_assumed_where_the_way_back_is_another(
    src: str | None, came: str, assumed: bool
) -> None:
    dst = "2001:db8::1" if src and ":" in src else "192.0.2.1"
    stray = {
        ("local", "none", NO_RP_FILTER),
        ("dropped: the way back to the source leads by another interface", "none", f"not: {NO_RP_FILTER}"),
    }
    found = ends(Packet(src=src, dst=dst, in_interface=came))
    assert found == (stray if assumed else {("local", "none", "")})


def test_of_several_ways_a_later_packet_may_take_another_than_its_masquerade() -> None:
    rules = parse("*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n")
    later = {"state": "ESTABLISHED", "status": "CONFIRMED,SNAT", "direction": "ORIGINAL"}
    like_the_first = "the packet leaves by the interface of the first one"
    assert ends(Packet(src="10.244.1.9", dst="172.18.0.7", in_interface="pod0", **later), rules) == {
        ("forwarded", "pod0,pod1", like_the_first),
        ("dropped: its connection was masqueraded for another interface", "pod0,pod1", f"not: {like_the_first}"),
    }
    assert ends(Packet(src="10.244.1.9", dst="198.51.100.7", in_interface="pod0", **later), rules) == {
        ("forwarded", "eth0", "")
    }


def test_nat_may_ask_its_rules_in_vain_about_a_connection_that_is_older() -> None:
    rules = parse("*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j DNAT --to-destination 10.244.1.7\nCOMMIT\n")
    packet = Packet(src="198.51.100.9", dst="10.244.1.9", in_interface="eth0", state="NEW", status="CONFIRMED")
    flows = trace(rules, packet, node=NODE)
    assert {str(flow.packet.dst) for flow in flows} == {"10.244.1.9"}
    assert {len(step.steps) for step in trace(rules, packet, node=NODE, keep_traces=True)} == {0, 1}


def test_of_several_ways_one_may_lead_from_the_link_of_a_source() -> None:
    found = {end for end, _, _ in ends(Packet(src="fe80::5", dst="fd03::7", in_interface="pod1"))}
    assert found == {"forwarded", "rejected: the source is of one link"}
    found = {end for end, _, _ in ends(Packet(src="fe80::5", dst="fd03::7", in_interface="eth0"))}
    assert found == {"rejected: the source is of one link"}
