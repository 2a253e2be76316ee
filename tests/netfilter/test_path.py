"""The way of packets through the hooks: routes, the TTL, packets of the node, and later packets of connections."""

from __future__ import annotations

import pytest

from iptables_model import Flow, Node, Outcome, Packet, Route, parse, trace
from iptables_model.netfilter.sets import AddressSet
from tests.files import FIXTURES

NODE = Node.from_text(
    addresses=(FIXTURES / "node" / "addresses.json").read_text(), routes=(FIXTURES / "node" / "routes.json").read_text()
)
EMPTY = parse("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n")


def ends(flows: tuple[Flow, ...]) -> list[tuple[str, str, str, str]]:
    """Say of flows for which destinations they hold, how they end, why, and by which interface they leave."""
    return [
        (
            ";".join(str(one.dst) for one in flow.when),
            flow.delivery.value if flow.delivery else flow.outcome.value,
            flow.reason,
            str(flow.packet.out_interface),
        )
        for flow in flows
    ]


def test_a_route_says_where_a_packet_leaves() -> None:
    dst = "10.5.0.1,10.7.0.1,10.8.0.1,10.9.0.1,10.244.1.9,10.244.2.200,10.244.3.1,10.244.3.7,10.244.3.255,224.0.0.5"
    flows = trace(EMPTY, Packet(src="172.18.0.77", dst=dst, in_interface="eth0"), node=NODE)
    assert sorted(ends(flows)) == [
        ("10.244.1.9", "forwarded", "", "eth0"),
        ("10.244.2.200", "rejected", "no route leads to the destination", "none"),
        ("10.244.3.1,10.244.3.255", "local", "", "none"),
        ("10.244.3.7", "forwarded", "", "cni0"),
        ("10.5.0.1", "forwarded", "", "eth0,eth1"),
        ("10.7.0.1", "rejected", "the route to the destination is prohibit", "none"),
        ("10.8.0.1", "dropped", "the route to the destination is blackhole", "none"),
        ("10.9.0.1", "rejected", "the route to the destination is unreachable", "none"),
        ("224.0.0.5", "dropped", "the node has not joined the group", "none"),
        ("224.0.0.5", "local", "", "none"),
    ]


def test_what_no_route_leads_to_passes_no_hook_of_forwarding() -> None:
    rules = parse("*mangle\n:PREROUTING ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n")
    (flow,) = trace(rules, Packet(dst="10.9.0.1"), node=NODE)
    assert [str(step) for step in flow.steps] == ["mangle PREROUTING policy accept"]
    assert str(flow).splitlines()[-1] == "  the route to the destination is unreachable"
    (flow,) = trace(rules, Packet(dst="10.9.0.1", in_interface=None), node=NODE)
    assert (flow.outcome, flow.steps) == (Outcome.REJECTED, ())


def test_the_way_out_of_a_translated_packet_is_that_of_its_new_destination() -> None:
    text = (
        "*nat\n:PREROUTING ACCEPT [0:0]\n"
        "-A PREROUTING -d 192.0.2.100/32 -j DNAT --to-destination 10.244.3.7\nCOMMIT\n"
        "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -o cni0 -j ACCEPT\nCOMMIT\n"
    )
    (flow,) = trace(parse(text), Packet(dst="192.0.2.100", in_interface="eth0"), node=NODE)
    assert (flow.outcome, str(flow.packet.out_interface)) == (Outcome.REACHES, "cni0")


def test_the_hooks_of_output_see_the_first_way_out() -> None:
    text = (
        "*nat\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n"
        "-A OUTPUT -d 8.8.8.8/32 -o eth0 -j DNAT --to-destination 10.244.3.7\n"
        "-A POSTROUTING -o cni0 -j MASQUERADE\nCOMMIT\n"
        "*filter\n:OUTPUT DROP [0:0]\n-A OUTPUT -o eth0 -j ACCEPT\nCOMMIT\n"
    )
    (flow,) = trace(parse(text), Packet(src="172.18.0.3", dst="8.8.8.8", in_interface=None), node=NODE)
    assert (flow.outcome, flow.delivery, str(flow.packet.out_interface)) == (Outcome.REACHES, "sent", "cni0")
    assert (flow.masqueraded, str(flow.packet.src)) == (True, "10.244.3.1")


def test_a_new_destination_without_a_route_ends_behind_nat() -> None:
    text = (
        "*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j DNAT --to-destination 10.9.0.1\nCOMMIT\n"
        "*filter\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
    )
    (flow,) = trace(parse(text), Packet(dst="8.8.8.8", in_interface=None), node=NODE)
    assert (flow.outcome, flow.reason) == (Outcome.REJECTED, "the route to the destination is unreachable")
    assert [step.table for step in flow.steps] == ["nat"]


def test_a_packet_to_the_node_itself_goes_over_loopback() -> None:
    rules = parse(
        "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT DROP [0:0]\n-A INPUT ! -i lo -j DROP\n-A OUTPUT -o lo -j ACCEPT\n"
        "COMMIT\n"
    )
    (flow,) = trace(rules, Packet(src="172.18.0.3", dst="10.244.3.1", in_interface=None), node=NODE)
    assert (flow.outcome, flow.delivery) == (Outcome.REACHES, "local")


def test_a_broadcast_of_the_node_leaves_by_its_interface() -> None:
    flows = trace(EMPTY, Packet(dst="10.244.3.255,224.0.0.5,255.255.255.255", in_interface=None), node=NODE)
    assert sorted(ends(flows)) == [
        ("10.244.3.255", "sent", "", "cni0"),
        ("224.0.0.5,255.255.255.255", "sent", "", "any but lo"),
    ]


@pytest.mark.parametrize("dst", ["8.8.8.8", "2001:db8::1"])
def test_forwarding_takes_one_from_the_ttl(dst: str) -> None:
    rules = parse("*mangle\n:PREROUTING ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\nCOMMIT\n")
    expired, forwarded = trace(rules, Packet(dst=dst, ttl="1,2,63:65"), node=NODE)
    assert (str(expired.when.packets[0].ttl), expired.reason) == ("1", "the TTL ends here")
    assert [step.chain for step in expired.steps] == ["PREROUTING"]
    assert (str(forwarded.when.packets[0].ttl), str(forwarded.packet.ttl)) == ("2,63:65", "1,62:64")


def test_the_usual_ttl_is_not_told() -> None:
    (flow,) = trace(EMPTY, Packet(dst="8.8.8.8"), node=NODE)
    assert (str(flow.when), str(flow.packet)) == ("dst 8.8.8.8", "dst 8.8.8.8, out interface eth0")
    assert (str(flow.packet.ttl), flow.packet.ttl == Packet(ttl="1:254").ttl) == ("1:254", True)


def test_routes_of_other_tables_are_said() -> None:
    routes = [*NODE.routes, Route(destination="10.0.0.0/8", interfaces="eth1", table="100")]
    node = Node(interfaces=NODE.interfaces, routes=routes)
    (flow,) = trace(EMPTY, Packet(dst="8.8.8.8"), node=node)
    assert [(str(one), one.holds) for one in flow.assumptions] == [
        ("the tables local, main and default route the packet", True)
    ]


NAT = (
    "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j DNAT --to-destination 10.244.3.7\n"
    ":POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n"
)
SRC_NAT, DST_NAT = 0x10, 0x20
ALL_HOSTS = "224.0.0.1"
"""The group in which every node is; a translation may have led there, too."""


def _shown(held: AddressSet | None) -> str:
    return "open" if held is None or held.single is None else str(held)


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (0, {("ORIGINAL,REPLY", "8.8.8.8", "192.0.2.9")}),
        (
            DST_NAT,
            {("ORIGINAL", "open", "192.0.2.9"), ("ORIGINAL", ALL_HOSTS, "192.0.2.9"), ("REPLY", "8.8.8.8", "open")},
        ),
        (
            SRC_NAT,
            {("ORIGINAL", "8.8.8.8", "open"), ("REPLY", "open", "192.0.2.9"), ("REPLY", ALL_HOSTS, "192.0.2.9")},
        ),
        (
            SRC_NAT | DST_NAT,
            {(sides, "open", "open") for sides in ("ORIGINAL", "REPLY", "ORIGINAL,REPLY")}
            | {("ORIGINAL,REPLY", ALL_HOSTS, "open")},
        ),
    ],
)
def test_a_later_packet_is_translated_as_the_first_or_back(status: int, found: set[tuple[str, ...]]) -> None:
    packet = Packet(src="192.0.2.9", dst="8.8.8.8", state="ESTABLISHED", status=status)
    flows = [flow for flow in trace(parse(NAT), packet, node=NODE) if flow.outcome is Outcome.REACHES]
    ways = {
        (str(one.direction), _shown(flow.packet.dst), _shown(flow.packet.src)) for flow in flows for one in flow.when
    }
    assert ways == found


def test_what_is_sent_again_before_an_answer_is_translated_as_it_was() -> None:
    packet = Packet(src="192.0.2.9", dst="8.8.8.8", state="NEW", status="CONFIRMED,DNAT")
    (flow,) = trace(parse(NAT), packet, node=Node(interfaces={"eth0": ("192.0.2.1/24",)}))[:1]
    assert flow.steps == ()
    assert (_shown(flow.packet.dst), _shown(flow.packet.src)) == ("open", "192.0.2.9")


def test_an_error_about_a_connection_asks_no_rule_of_nat() -> None:
    (flow,) = trace(parse(NAT), Packet(dst="8.8.8.8", protocol="icmp", state="RELATED", status=0), node=NODE)
    assert flow.steps == ()
    first = Packet(src="192.0.2.9", dst="8.8.8.8", protocol="tcp", state="RELATED", status=0)
    (flow,) = trace(parse(NAT), first, node=NODE)
    assert [step.chain for step in flow.steps] == ["PREROUTING", "POSTROUTING"]


def fates(packet: Packet, *, node: Node | None = NODE, rules: str = "") -> set[str]:
    """Say of packets where they end or why they end before, and what was assumed, under rules that are no matter."""
    found = set()
    for flow in trace(parse(f"*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n{rules}COMMIT\n"), packet, node=node):
        end = flow.delivery.value if flow.delivery else f"{flow.outcome.value}: {flow.reason}"
        found.add("; ".join([end, *map(str, flow.assumptions)]))
    return found


IMPOSSIBLE = "dropped: no such packet comes from another machine"
JOINED, LOCALNET = "dst is a group that the node has joined", "route_localnet is set for the interface"
LENIENT = "src is not looked up among the routes"
REFUSED = {f"{IMPOSSIBLE}; not: {LOCALNET}", f"{IMPOSSIBLE}; {LOCALNET}; not: {LENIENT}"}


@pytest.mark.parametrize(
    ("dst", "found"),
    [
        ("224.0.0.1", {"local"}),
        ("239.1.1.1", {f"local; {JOINED}", f"dropped: the node has not joined the group; not: {JOINED}"}),
        ("255.255.255.255", {"local"}),
        ("10.244.3.255", {"local"}),
        ("0.0.0.0/32", {IMPOSSIBLE, "local"}),  # the latter from 0.0.0.0
        ("0.0.0.9", {"forwarded"}),
        ("240.0.0.1", {"forwarded"}),
        ("127.0.0.1", {f"local; {LOCALNET}", f"{IMPOSSIBLE}; not: {LOCALNET}"}),
        ("ff02::1", {"local"}),
        ("ff02::2", {"local"}),
        ("ff0e::9", {f"local; {JOINED}", f"dropped: the node has not joined the group; not: {JOINED}"}),
        ("ff01::1", {IMPOSSIBLE}),
        ("ff10::1", {IMPOSSIBLE}),
        ("::1", {IMPOSSIBLE}),
    ],
)
def test_destinations_that_are_no_machine(dst: str, found: set[str]) -> None:
    assert fates(Packet(dst=dst, in_interface="eth0")) == found


@pytest.mark.parametrize(
    ("src", "dst", "found"),
    [
        ("172.18.0.3", "172.18.0.3", {IMPOSSIBLE}),
        ("172.18.0.3", "8.8.8.8", {IMPOSSIBLE}),
        ("127.0.0.1", "172.18.0.3", {IMPOSSIBLE}),
        ("127.0.0.2", "172.18.0.3", {f"local; {LOCALNET}; {LENIENT}", *REFUSED}),
        ("172.18.255.255", "172.18.0.3", {f"local; {LENIENT}", f"{IMPOSSIBLE}; not: {LENIENT}"}),
        ("224.0.0.9", "172.18.0.3", {IMPOSSIBLE}),
        ("255.255.255.255", "8.8.8.8", {IMPOSSIBLE}),
        ("0.0.0.0/32", "8.8.8.8", {IMPOSSIBLE}),
        ("0.0.0.0/32", "255.255.255.255", {"local"}),
        ("0.0.0.0/32", "0.0.0.0/32", {"local"}),
        ("0.0.0.0/32", "224.0.0.1", {"local"}),
        ("::1", "fd00:18::3", {IMPOSSIBLE}),
        ("ff02::1", "fd00:18::3", {IMPOSSIBLE}),
        ("fd00:18::3", "fd00:18::3", {"local"}),
        ("fe80::5", "fd00:18::3", {"local"}),
        ("::", "fd00:18::3", {"local"}),
    ],
)
def test_sources_that_no_other_machine_has(src: str, dst: str, found: set[str]) -> None:
    assert fates(Packet(src=src, dst=dst, in_interface="eth0")) == found


def test_over_loopback_they_may_come() -> None:
    for address in ("127.0.0.1", "172.18.0.3", "::1"):
        assert fates(Packet(src=address, dst=address, in_interface="lo")) == {"local"}
    assert (
        Packet(dst="127.0.0.1").in_interface == Packet(dst="::1").in_interface == Packet(in_interface="lo").in_interface
    )


def test_a_source_that_is_left_open_is_one_that_passes() -> None:
    assert fates(Packet(dst="8.8.8.8", in_interface="eth0")) == {"forwarded"}
    assert fates(Packet(dst="fd00:18::3", in_interface="eth0")) == {"local"}
    assert fates(Packet(src="172.18.0.0/24", dst="8.8.8.8", in_interface="eth0")) == {"forwarded", IMPOSSIBLE}


def test_without_a_node_its_own_sources_are_not_known() -> None:
    assert fates(Packet(src="172.18.0.3", dst="224.0.0.1", in_interface="eth0"), node=None) == {"local"}
    assert fates(Packet(src="127.0.0.1", dst="224.0.0.1", in_interface="eth0"), node=None) == {IMPOSSIBLE}


LINKS = Node(
    interfaces={"eth0": ["2001:db8::1/64", "fe80::1/64"], "pod0": ["fe80::2/64"]},
    routes=[
        Route(destination="::/0", interfaces="eth0"),
        *(Route(destination="fe80::/64", interfaces=name) for name in ("eth0", "pod0")),
        Route(destination="fd00::/64", interfaces="pod0"),
    ],
)


@pytest.mark.parametrize(
    ("way", "dst", "found"),
    [
        ("eth0", "fe80::1", {"local"}),
        ("eth0", "fe80::2", {"forwarded"}),
        ("eth0", "fe80:1::9", {"forwarded"}),
        ("pod0", "fe80::1", {"forwarded"}),
        ("pod0", "fe80::2", {"local"}),
        ("pod0", "fe80:1::9", {"rejected: no route leads to the destination"}),
        ("eth9", "fe80::1", {"rejected: no route leads to the destination"}),
        ("pod0", "2001:db8::1", {"local"}),
    ],
)
def test_an_address_of_one_link_is_looked_for_there(way: str, dst: str, found: set[str]) -> None:
    assert fates(Packet(dst=dst, in_interface=way), node=LINKS) == found


@pytest.mark.parametrize(
    ("src", "dst", "found"),
    [
        ("fe80::9", "fd00::9", {"rejected: the source is of one link"}),
        ("fe80::9", "2001:db8:9::9", {"forwarded"}),
        ("::", "fd00::9", {IMPOSSIBLE}),
        ("::", "2001:db8:9::9", {"forwarded"}),
    ],
)
def test_a_source_of_one_link_does_not_leave_it(src: str, dst: str, found: set[str]) -> None:
    assert fates(Packet(src=src, dst=dst, in_interface="eth0"), node=LINKS) == found


@pytest.mark.parametrize(
    ("way", "found"), [("eth0", {"forwarded"}), ("pod0", {"rejected: no route leads to the destination"})]
)
def test_from_outside_no_translation_leads_to_the_loopback_of_ipv6(way: str, found: set[str]) -> None:
    """Keep to the routes of the interface, of which none is that of ::1 (ip6_route_input_lookup, net/ipv6/route.c)."""
    rules = "COMMIT\n*nat\n:PREROUTING ACCEPT\n-A PREROUTING -j DNAT --to-destination ::1\n"
    assert fates(Packet(dst="2001:db8::1", in_interface=way), node=LINKS, rules=rules) == found
    assert fates(Packet(dst="2001:db8::1", in_interface="eth0"), node=None, rules=rules) == {"forwarded"}


@pytest.mark.parametrize("dst", ["0.0.0.0/32", "::", "2001:db8::"])
def test_what_the_node_sends_to_nobody_or_anybody_stays(dst: str) -> None:
    routes = [Route(destination="2001:db8::/128", interfaces="eth0", type="anycast", table="local")]
    (flow,) = trace(EMPTY, Packet(dst=dst, in_interface=None), node=Node(routes=routes))
    assert flow.delivery == "local"


WAITS = "not_handled: fragments wait here for the others of their packet"
TOGETHER = "fragments are put together before rules see them"


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("-A FORWARD -m conntrack --ctstate NEW -j ACCEPT\n", {WAITS}),
        ("-A FORWARD -m connmark --mark 0x1 -j ACCEPT\n", {WAITS}),
        ("COMMIT\n*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -j MASQUERADE\n", {WAITS}),
        ("COMMIT\n*raw\n:A -\n-A A -j CT --zone 1\n", {WAITS}),
        ("COMMIT\n*raw\n:A -\n-A A -j CT --notrack\n", {f"forwarded; not: {TOGETHER}", f"{WAITS}; {TOGETHER}"}),
        ("COMMIT\n*nat\n:POSTROUTING ACCEPT\n", {f"forwarded; not: {TOGETHER}", f"{WAITS}; {TOGETHER}"}),
        ("", {f"forwarded; not: {TOGETHER}", f"{WAITS}; {TOGETHER}"}),
    ],
)
def test_where_connections_are_tracked_fragments_meet_no_rule(rule: str, found: set[str]) -> None:
    assert fates(Packet(dst="8.8.8.8", fragment="yes", in_interface="eth0"), rules=rule) == found


def test_fragments_to_the_node_wait_before_input_or_behind_it() -> None:
    rules = parse("*mangle\n:PREROUTING ACCEPT\n:INPUT ACCEPT\nCOMMIT\n")
    seen = {}
    for dst in ("172.18.0.3", "fd00:18::3"):
        flows = trace(rules, Packet(dst=dst, fragment="yes"), node=NODE, keep_traces=True)
        (flow,) = (flow for flow in flows if flow.steps)
        seen[dst] = flow.outcome.value, [step.chain for step in flow.steps]
    assert seen == {
        "172.18.0.3": ("not_handled", ["PREROUTING"]),
        "fd00:18::3": ("reaches", ["PREROUTING", "INPUT"]),
    }


def test_what_the_node_sends_from_an_ipv6_group_does_not_come_in() -> None:
    """The kernel drops it over loopback too, before any rule (ip6_rcv_core, net/ipv6/ip6_input.c)."""
    rules = parse("*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n")
    (flow,) = trace(rules, Packet(src="ff02::1", dst="::1", in_interface=None), node=NODE)
    assert (flow.outcome, flow.reason) == (Outcome.DROPPED, "no such packet comes from another machine")
    assert [step.chain for step in flow.steps] == ["OUTPUT"]
