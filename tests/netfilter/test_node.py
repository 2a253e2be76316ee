"""What a node tells: the texts of `ip` as it prints them, and what the kernel decides by such routes."""

from __future__ import annotations

import pickle

import pytest

from iptables_model import ModelError, Node, ParseError, Route, RouteType
from iptables_model.errors import IptablesModelError
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.sets import AddressSet
from tests.files import FIXTURES

ADDRESSES, ROUTES, ALL_ROUTES = (
    (FIXTURES / "node" / f"{name}.json").read_text() for name in ("addresses", "routes", "all-routes")
)
NODES = {
    "main and the addresses": Node.from_text(addresses=ADDRESSES, routes=ROUTES),
    "all tables": Node.from_text(routes=ALL_ROUTES),
}


def route_get(node: Node, address: str) -> str:
    """Say what routing decides, as `ip route get` words it."""
    wanted = AddressSet.read(address)
    (decision,) = [decision for decision, held in Evidence(wanted.version, node).routing if wanted in held]
    return decision.problem or f"{decision.type} {decision.interfaces}"


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("10.5.0.1", "unicast eth0,eth1"),
        ("10.7.0.1", "the route to the destination is prohibit"),
        ("10.8.0.1", "the route to the destination is blackhole"),
        ("10.9.1.1", "the route to the destination is unreachable"),
        ("10.244.1.9", "unicast eth0"),
        ("10.244.2.9", "unicast eth0"),
        ("10.244.2.200", "no route leads to the destination"),
        ("10.244.3.1", "local cni0"),
        ("10.244.3.7", "unicast cni0"),
        ("10.244.3.255", "broadcast cni0"),
        ("172.18.0.3", "local eth0"),
        ("127.1.2.3", "local lo"),
        ("8.8.8.8", "unicast eth0"),
        ("fd00:9::1", "the route to the destination is unreachable"),
        ("fd00:18::3", "local eth0"),
        ("fd00:18::9", "unicast eth0"),
        ("2001:db8::1", "unicast eth0"),
        ("::1", "local lo"),
        ("fe80::1", "unicast cni0,eth0,eth1,far,far1,pod"),
        ("ff02::1", "multicast cni0,eth0,eth1,far,far1,pod"),
    ],
)
def test_routing_decides_as_the_kernel_did(node: Node, address: str, found: str) -> None:
    # `ip route get` said so in the namespace whose routes these are; for fe80::1 and ff02::1 it names one of several.
    assert route_get(node, address) == found


def test_every_address_is_decided_once() -> None:
    for version in (4, 6):
        for parts in (Evidence(version, node).routing for node in NODES.values()):
            whole = AddressSet((), version)
            for _, addresses in parts:
                assert not whole & addresses
                whole |= addresses
            assert whole == AddressSet.everything(version)
            assert len({decision for decision, _ in parts}) == len(parts)


def test_local_is_what_the_kernel_holds_for_local() -> None:
    own = "10.244.3.1,127.0.0.0-127.255.255.254,172.18.0.3,192.0.2.3"
    assert {str(node.local(4)) for node in NODES.values()} == {own}
    broadcast = "0.0.0.0,10.244.3.255,127.255.255.255,172.18.255.255,192.0.2.255,255.255.255.255"
    assert {Evidence(4, node).broadcast for node in NODES.values()} == {AddressSet.read(broadcast)}


def test_a_whole_network_on_loopback_is_local() -> None:
    node = Node(interfaces={"lo": ["127.0.0.1/8", "192.0.2.1/24"]})
    assert str(node.local(4)) == "127.0.0.0-127.255.255.254,192.0.2.0-192.0.2.254"


def test_the_lowest_metric_counts() -> None:
    node = Node(
        routes=[
            Route(destination="0.0.0.0/0", interfaces="eth1", metric=200),
            Route(destination="0.0.0.0/0", interfaces="eth0", metric=100),
            Route(destination="0.0.0.0/0", interfaces="eth2", metric=100),
            Route(destination="10.0.0.0/8", interfaces="eth3", tos=0x10),
            Route(destination="10.0.0.0/8", interfaces="eth4", table="100"),
        ]
    )
    assert route_get(node, "10.0.0.1") == "unicast eth0"
    assert Evidence(4, node).other_routes
    assert not Evidence(6, node).other_routes


def test_the_default_route_is_of_the_family_of_its_line() -> None:
    text = (
        '[{"dst":"default","gateway":"fe80::1","dev":"eth0"},{"dst":"default","dev":"eth1"}]\n'
        '[{"dst":"fd00::/64","dev":"eth2","pref":"medium"}]'
    )
    assert [(str(one.destination), one.interfaces) for one in Node.from_text(routes=text).routes] == [
        ("::/0", ("eth0",)),
        ("0.0.0.0/0", ("eth1",)),
        ("fd00::/64", ("eth2",)),
    ]


def test_what_is_dead_is_passed_over() -> None:
    text = (
        '[{"dst":"10.1.0.0/16","dev":"eth0","flags":["dead","linkdown"]},'
        '{"dst":"10.2.0.0/16","nexthops":[{"dev":"eth0","flags":["dead"]},{"dev":"eth1","flags":["linkdown"]}]},'
        '{"dst":"10.3.0.0/16","nexthops":[{"dev":"eth0","flags":["dead"]}]}]'
    )
    assert [(str(one.destination), one.interfaces) for one in Node.from_text(routes=text).routes] == [
        ("10.2.0.0/16", ("eth1",))
    ]


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
def test_a_node_is_a_value(node: Node) -> None:
    again = pickle.loads(pickle.dumps(node))  # noqa: S301 (our own)
    assert (again, hash(again)) == (node, hash(node))
    assert Node(interfaces=node.interfaces, routes=node.routes) == node


@pytest.mark.parametrize(
    ("addresses", "message"),
    [
        ('{"ifname": "eth0"}', "<addresses> needs a list, as ip -j prints it"),
        ("[1]", "<addresses>[0] needs to be an object"),
        ('[{"addr_info": []}]', "<addresses>[0].ifname needs a text, found nothing"),
        ('[{"ifname": "eth0", "addr_info": [1]}]', "<addresses>[0].addr_info[0] needs to be an object"),
        ('[{"ifname": "eth0", "addr_info": {}}]', "<addresses>[0].addr_info needs a list, found {}"),
        (
            '[{"ifname": "eth0", "addr_info": [{"local": "10.0.0.1", "prefixlen": true}]}]',
            "<addresses>[0].addr_info[0].prefixlen needs a number, found True",
        ),
        (
            '[{"ifname": "eth0", "addr_info": [{"local": "10.0.0", "prefixlen": 8}]}]',
            "<addresses>[0].addr_info[0]: '10.0.0/8' does not appear to be an IPv4 or IPv6 interface",
        ),
        ('[{"ifname": "a b", "addr_info": []}]', 'a node needs names of interfaces, found "a b"'),
    ],
)
def test_addresses_that_ip_would_not_print(addresses: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        Node.from_text(addresses=addresses)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        ('[{"dev": "eth0"}]', "<routes>[0].dst needs a text, found nothing"),
        ('[{"dst": "10.0.0.0/33", "dev": "eth0"}]', '<routes>[0]: a route needs a network, found "10.0.0.0/33"'),
        ('[{"dst": "10.0.0.1/8", "dev": "eth0"}]', '<routes>[0]: a route needs a network, found "10.0.0.1/8"'),
        ('[{"dst": "10.0.0.0/8"}]', "<routes>[0]: the route to 10.0.0.0/8 needs an interface"),
        ('[{"dst": "10.0.0.0/8", "dev": 1}]', "<routes>[0].dev needs a text, found 1"),
        ('[{"dst": "10.0.0.0/8", "nexthops": [1]}]', "<routes>[0].nexthops[0] needs to be an object"),
        ('[{"dst": "10.0.0.0/8", "dev": "eth0", "metric": "1"}]', "<routes>[0].metric needs a number, found '1'"),
        (
            '[]\n[{"dst": "10.0.0.0/8", "type": "nat"}]',
            f'<routes>, list 2[0]: a route is of type {", ".join(RouteType)}, found "nat"',
        ),
    ],
)
def test_routes_that_ip_would_not_print(routes: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        Node.from_text(routes=routes)
    assert str(caught.value) == message


def test_no_json_is_pointed_at() -> None:
    with pytest.raises(ParseError) as caught:
        Node.from_text(routes='[\n{"dst": default}]')
    assert str(caught.value) == (
        "<routes>:2:9: no JSON: expecting value\n"
        '  {"dst": default}]\n'
        "          ^\n"
        "hint: the text is that of ip -j addr, or of ip -j route"
    )


@pytest.mark.parametrize("text", ["[" * 100_000, "[" + "9" * 5000 + "]", '["\\ud800"]', "\0", "[1,", "[]x", "[NaN]"])
def test_only_our_errors_escape(text: str) -> None:
    for given in ({"addresses": text}, {"routes": text}):
        with pytest.raises(IptablesModelError):
            Node.from_text(**given)


@pytest.mark.parametrize("routes", [["10.0.0.0/8"], [None]])
def test_routes_built_by_hand_are_checked(routes: list[object]) -> None:
    with pytest.raises(ModelError, match=r"^a node's routes need to be of the class Route$"):
        Node(routes=routes)  # type: ignore[arg-type]
