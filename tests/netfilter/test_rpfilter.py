"""rpfilter and the types of addresses, where the node's routes tell them."""

from __future__ import annotations

import pytest

from iptables_model import Node, Packet, parse, trace
from tests.files import FIXTURES

ADDRESSES, ROUTES = ((FIXTURES / "node" / f"{name}.json").read_text() for name in ("addresses", "all-routes"))
NODE = Node.from_text(addresses=ADDRESSES, routes=ROUTES)


@pytest.mark.parametrize(
    ("rule", "fields", "found"),
    [
        ("rpfilter", {"src": "8.8.8.8", "in_interface": "eth0"}, True),
        ("rpfilter", {"src": "8.8.8.8", "in_interface": "eth1"}, False),
        ("rpfilter --invert", {"src": "8.8.8.8", "in_interface": "eth1"}, True),
        ("rpfilter --loose", {"src": "8.8.8.8", "in_interface": "eth1"}, True),
        ("rpfilter --loose", {"src": "10.9.0.1", "in_interface": "eth1"}, False),
        ("rpfilter", {"src": "10.5.0.1", "in_interface": "eth1"}, True),
        ("rpfilter", {"src": "172.18.0.3", "in_interface": "eth0"}, False),
        ("rpfilter --accept-local", {"src": "172.18.0.3", "in_interface": "eth0"}, True),
        ("rpfilter --accept-local", {"src": "172.18.0.3", "in_interface": "eth1"}, False),
        ("rpfilter", {"src": "8.8.8.8", "in_interface": "lo"}, True),
        ("rpfilter --accept-local", {"src": "fd00:18::3", "in_interface": "eth1"}, True),
        ("addrtype --dst-type LOCAL --limit-iface-in", {"dst": "172.18.0.3", "in_interface": "eth0"}, True),
        ("addrtype --dst-type LOCAL --limit-iface-in", {"dst": "172.18.0.3", "in_interface": "eth1"}, False),
        ("addrtype --dst-type UNICAST --limit-iface-in", {"dst": "172.18.0.3", "in_interface": "eth1"}, True),
        ("addrtype --dst-type BROADCAST", {"dst": "172.18.255.255"}, True),
        ("addrtype --dst-type UNREACHABLE", {"dst": "10.9.0.1"}, False),
        ("addrtype --dst-type UNREACHABLE", {"dst": "fd00:9::1"}, True),
        ("addrtype --dst-type UNICAST", {"dst": "172.18.0.3"}, False),
        ("addrtype --dst-type UNICAST", {"dst": "fd00:18::3"}, True),
        ("addrtype --dst-type LOCAL", {"dst": "fd00:18::3"}, True),
        ("addrtype --dst-type UNICAST,MULTICAST", {"dst": "ff02::1"}, False),
        ("addrtype --dst-type UNICAST,MULTICAST", {"dst": "224.0.0.5"}, True),
    ],
)
def test_the_routes_tell(rule: str, fields: dict[str, str], found: bool) -> None:
    rules = parse(f"*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m {rule} -j DROP\nCOMMIT\n")
    flows = trace(rules, Packet(**fields), node=NODE)
    matched = {any(step.rule is not None for step in flow.steps) for flow in flows if flow.steps}
    assert matched == {found}


def test_without_routes_it_is_assumed() -> None:
    rules = parse("*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m rpfilter --invert -j DROP\nCOMMIT\n")
    node = Node.from_text(addresses=ADDRESSES)
    packet = Packet(src="8.8.8.8", dst="172.18.0.3", in_interface="eth0")
    flows = trace(rules, packet, node=node)
    assert sorted((flow.outcome, str(one), one.reason) for flow in flows for one in flow.assumptions) == [
        ("dropped", 'not: "-m rpfilter" matches', "the routes of the node are not known"),
        ("reaches", '"-m rpfilter" matches', "the routes of the node are not known"),
    ]
