"""The text of `ipset save`, and what the match `set` finds in it; the answers are those of the kernel by experiment."""

from __future__ import annotations

import pickle

import pytest

from iptables_model import IpSet, ModelError, Node, Packet, ParseError, parse, trace

SAVED = """\
create net hash:net family inet hashsize 1024 maxelem 65536 counters comment bucketsize 12 initval 0x46e204b3
add net 10.2.0.0/30 packets 0 bytes 0
add net 10.1.0.0/16 nomatch packets 0 bytes 0 comment "x y"
add net 10.0.0.0/8 packets 0 bytes 0
create netmask hash:ip family inet hashsize 1024 maxelem 65536 netmask 24 bucketsize 12 initval 0x07bbcd22
add netmask 10.0.7.0
create port bitmap:port range 0-1024
add port 80
create ipport hash:ip,port family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x054013c9
add ipport 10.0.0.1,udp:53
add ipport 10.0.0.2,gre:0
add ipport 10.0.0.1,icmp:host-unknown
create three hash:ip,port,net family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0xc7422578
add three 10.0.0.1,tcp:80,10.2.0.0/24
create iface hash:net,iface family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0xfb124b61
add iface 10.0.0.0/8,eth0
add iface 10.1.0.0/16,eth1
add iface 10.3.0.0/16,veth wildcard
create six hash:net family inet6 hashsize 1024 maxelem 65536 timeout 600 bucketsize 12 initval 0xe7340870
add six fd00::/64 timeout 599
create list list:set size 8
add list netmask
add list net
"""
NODE = Node.from_text(ipsets=SAVED)


def matches(rule: str, **fields: object) -> bool:
    """Say whether a rule of raw matches packets that all fare alike there."""
    rules = parse(f"*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING {rule} -j DROP\nCOMMIT\n")
    flows = trace(rules, Packet(**fields), node=NODE)  # type: ignore[arg-type]
    (matched,) = {any(step.rule is not None for step in flow.steps) for flow in flows if flow.steps}
    return matched


@pytest.mark.parametrize(
    ("rule", "fields", "found"),
    [
        ("--match-set net src", {"src": "10.9.9.9"}, True),
        ("--match-set net src", {"src": "10.1.9.9"}, False),
        ("! --match-set net src", {"src": "10.1.9.9"}, True),
        ("--match-set net src --return-nomatch", {"src": "10.1.9.9"}, True),
        ("--match-set net src --return-nomatch", {"src": "10.9.9.9"}, False),
        ("--match-set netmask dst", {"dst": "10.0.7.200"}, True),
        ("--match-set netmask dst --return-nomatch", {"dst": "10.0.7.200"}, True),
        ("--match-set port dst", {"dst": "10.0.0.1", "protocol": "tcp", "dport": 80}, True),
        ("--match-set port src", {"dst": "10.0.0.1", "protocol": "tcp", "dport": 80, "sport": 1}, False),
        ("--match-set port dst", {"dst": "10.0.0.1", "protocol": "sctp", "dport": 80}, False),
        ("--match-set ipport dst,dst", {"dst": "10.0.0.1", "protocol": "udp", "dport": 53}, True),
        ("--match-set ipport dst,src", {"dst": "10.0.0.1", "protocol": "udp", "dport": 53, "sport": 9}, False),
        ("--match-set ipport dst", {"dst": "10.0.0.1", "protocol": "udp", "dport": 53}, False),
        ("--match-set ipport dst,dst", {"dst": "10.0.0.2", "protocol": "gre"}, True),
        ("--match-set ipport dst,dst", {"dst": "10.0.0.1", "protocol": "icmp", "icmp_type": "3/7"}, True),
        ("--match-set ipport dst,dst", {"dst": "10.0.0.1", "protocol": "udp", "dport": 53, "fragment": "yes"}, False),
        (
            "--match-set three src,dst,dst",
            {"src": "10.0.0.1", "dst": "10.2.0.9", "protocol": "tcp", "dport": 80},
            True,
        ),
        ("--match-set iface src,src", {"src": "10.2.0.1", "in_interface": "eth0"}, True),
        # The longest prefix ends the search, though it is with another interface.
        ("--match-set iface src,src", {"src": "10.1.0.1", "in_interface": "eth0"}, False),
        ("--match-set iface src,src", {"src": "10.3.0.1", "in_interface": "veth7"}, True),
        ("--match-set six src", {"src": "10.0.0.1"}, False),
        ("--match-set six src", {"src": "fd00::1"}, True),
        ("--match-set list dst", {"dst": "10.0.7.3"}, True),
        ("--match-set list dst", {"dst": "10.1.7.3"}, False),
    ],
)
def test_a_set_finds(rule: str, fields: dict[str, object], found: bool) -> None:
    assert matches(f"-m set {rule}", **fields) is found


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (None, "its contents are not in the dump"),
        (Node(interfaces={"eth0": ["192.0.2.1/24"]}), "its contents are not in the dump"),
        (NODE, "it is not among the ipsets of the node"),
    ],
)
def test_what_is_not_known_of_a_set_is_assumed(node: Node | None, reason: str) -> None:
    rules = parse("*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m set --match-set web dst -j DROP\nCOMMIT\n")
    flows = trace(rules, Packet(dst="127.0.0.1"), node=node)
    assert sorted((flow.outcome, str(one), one.reason) for flow in flows for one in flow.assumptions) == [
        ("dropped", "ipset web holds the packet's dst", reason),
        ("reaches", "not: ipset web holds the packet's dst", reason),
    ]


def test_ipsets_are_values() -> None:
    assert [(one.name, one.type, len(one.entries)) for one in NODE.ipsets[:2]] == [
        ("net", "hash:net", 3),
        ("netmask", "hash:ip", 1),
    ]
    assert NODE.ipsets[0].entries[1] == "10.1.0.0/16 nomatch"
    again = pickle.loads(pickle.dumps(NODE))  # noqa: S301 (our own)
    assert (again, hash(again)) == (NODE, hash(NODE))
    assert NODE.ipsets[1] == IpSet(name="netmask", type="hash:ip", entries=["10.0.7.0"], netmask=24)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flush web x", '<ipsets>:1:1: unknown command "flush"\n  flush web x\n  ^^^^^'),
        ("add web 10.0.0.1", "<ipsets>:1:5: the set web was not created before\n  add web 10.0.0.1\n      ^^^"),
        (
            "create a hash:ip\nadd a 10.0.0.1,80",
            '<ipsets>:2:7: a hash:ip needs ip, found "10.0.0.1,80"\n  add a 10.0.0.1,80\n        ^^^^^^^^^^^',
        ),
        (
            "create a hash:ip colour red",
            '<ipsets>:1:18: unknown option "colour"\n  create a hash:ip colour red\n                   ^^^^^^',
        ),
        (
            "create a hash:ip netmask",
            "<ipsets>:1:25: netmask needs a value\n  create a hash:ip netmask\n" + " " * 26 + "^",
        ),
    ],
)
def test_what_ipset_would_not_print(text: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        Node.from_text(ipsets=text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "made",
    [
        {"type": "hash:x"},
        {"type": "hash:ip", "entries": ["fd00::1"]},
        {"type": "hash:net", "entries": ["10.0.0.1-10.0.0.9"]},
        {"type": "hash:ip,mark", "entries": ["10.0.0.1,x"]},
        {"type": "hash:ip", "netmask": 33},
        {"type": "hash:ip", "family": 5},
    ],
)
def test_sets_built_by_hand_are_checked(made: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        IpSet(name="web", **made)  # type: ignore[arg-type]
