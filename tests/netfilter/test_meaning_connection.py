"""What the matches of a connection mean: for its first packet, for later ones, and for packets without one."""

from __future__ import annotations

from typing import Any

import pytest

from iptables_model import Node, Outcome, Packet, parse, trace
from tests.netfilter.answers import answer

TABLE = "the connection table is not in the dump"
DNAT = "*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.9:8080\nCOMMIT\n"


@pytest.mark.parametrize(
    ("asked", "fields", "matches"),
    [
        ("--ctstate NEW", {}, "yes"),
        ("! --ctstate NEW", {}, "no"),
        ("--ctstate RELATED,ESTABLISHED", {}, "no"),
        ("--ctstate RELATED,ESTABLISHED", {"state": "ESTABLISHED"}, "yes"),
        ("--ctstate INVALID", {"state": "INVALID"}, "yes"),
        ("! --ctstate NEW", {"state": "INVALID"}, "yes"),
        ("--ctstate DNAT", {}, "no"),
        ("--ctstate SNAT,DNAT", {"state": "ESTABLISHED", "status": "DNAT"}, "yes"),
        ("--ctstate DNAT", {"state": "INVALID", "status": "any"}, "no"),
        ("--ctstate NEW", {"state": "NEW,ESTABLISHED"}, "for some"),
        ("--ctdir ORIGINAL", {}, "yes"),
        ("--ctdir REPLY", {}, "no"),
        ("--ctdir REPLY", {"state": "ESTABLISHED"}, "for some"),
        ("--ctdir REPLY", {"state": "ESTABLISHED", "direction": "REPLY"}, "yes"),
        ("--ctstatus CONFIRMED", {}, "no"),
        ("! --ctstatus SEEN_REPLY,ASSURED", {}, "yes"),
        ("--ctstatus NONE", {}, "no"),
        ("! --ctstatus NONE", {}, "yes"),
        ("--ctstatus SEEN_REPLY", {"state": "ESTABLISHED"}, "yes"),
        ("--ctstatus ASSURED", {"state": "ESTABLISHED"}, "for some"),
        ("--ctproto 6", {}, "yes"),
        ("! --ctproto 17", {}, "yes"),
        ("--ctproto 17", {"state": "RELATED", "protocol": "icmp"}, TABLE),
        ("--ctorigsrc 198.51.100.0/24", {}, "yes"),
        ("! --ctorigsrc 198.51.100.0/24", {}, "no"),
        ("--ctorigdst 192.0.2.1", {}, "yes"),
        ("--ctreplsrc 192.0.2.1", {}, "yes"),
        ("--ctrepldst 198.51.100.8", {}, "no"),
        ("--ctorigsrcport 5000", {}, "yes"),
        ("! --ctorigdstport 80:90", {}, "no"),
        ("--ctreplsrcport 80", {}, "yes"),
        ("--ctrepldstport 5001", {}, "no"),
        # A later packet came with its own direction's tuple; the other one is that turned round, but for what is nat's.
        ("--ctorigdst 192.0.2.1", {"state": "ESTABLISHED", "direction": "ORIGINAL"}, "yes"),
        ("--ctorigdst 198.51.100.7", {"state": "ESTABLISHED", "direction": "REPLY", "status": "SNAT"}, "yes"),
        ("--ctorigdst 192.0.2.1", {"state": "ESTABLISHED", "direction": "REPLY", "status": "DNAT"}, TABLE),
        ("--ctreplsrc 198.51.100.7", {"state": "ESTABLISHED", "direction": "REPLY", "status": "DNAT"}, "yes"),
        ("--ctreplsrc 192.0.2.1", {"state": "ESTABLISHED", "direction": "ORIGINAL", "status": "SNAT"}, "yes"),
        ("--ctreplsrcport 80", {"state": "ESTABLISHED", "direction": "ORIGINAL", "status": "DNAT"}, TABLE),
        ("--ctrepldstport 5000", {"status": "CONFIRMED"}, "yes"),
        ("--ctrepldstport 5000", {"status": "CONFIRMED,SNAT"}, TABLE),
        ("--ctorigdst 192.0.2.1", {"state": "RELATED", "direction": "ORIGINAL", "status": "CONFIRMED"}, TABLE),
        ("--ctorigdstport 80", {"protocol": "icmp"}, "its protocol has no ports"),
        ("--ctexpire 10:20", {}, TABLE),
        # Without a connection the rest holds if the state does, and nothing does where no state is asked for.
        ("--ctstate INVALID --ctstatus CONFIRMED", {"state": "INVALID"}, "yes"),
        ("--ctstate INVALID --ctorigdst 1.2.3.4", {"state": "INVALID"}, "yes"),
        ("! --ctstatus CONFIRMED", {"state": "INVALID"}, "no"),
        ("! --ctproto 17", {"state": "INVALID"}, "no"),
        ("--ctdir ORIGINAL", {"state": "INVALID"}, "no"),
    ],
)
def test_conntrack(asked: str, fields: dict[str, Any], matches: str) -> None:
    assert answer(f"-m conntrack {asked}", fields) == matches


@pytest.mark.parametrize(
    ("asked", "invalid", "untracked"),
    [
        ("-m conntrack --ctstate INVALID", "yes", "no"),
        ("-m conntrack --ctstate UNTRACKED", "no", "yes"),
        ("-m conntrack ! --ctstate INVALID", "no", "yes"),
        ("-m conntrack ! --ctstate NEW", "yes", "yes"),
        ("-m state --state NEW", "no", "no"),
        ("-m conntrack ! --ctproto 17", "no", "no"),
        ("-m connmark ! --mark 0x5", "no", "no"),
        ("-m connmark --mark 0x0/0x0", "no", "no"),
        ("-m connbytes --connbytes 0 --connbytes-dir both --connbytes-mode packets", "no", "no"),
        ("-m connlabel --label 5", "no", "no"),
        ("-m connlabel ! --label 5", "yes", "yes"),
        ("-m connlabel ! --label 5 --set", "yes", "yes"),
        ("-m helper --helper ftp", "no", "no"),
        ("-m helper ! --helper ftp", "yes", "yes"),
    ],
)
def test_packets_without_a_connection(asked: str, invalid: str, untracked: str) -> None:
    # In raw, all packets look like that.
    assert answer(asked, {"state": "INVALID"}) == invalid
    assert answer(asked, {"state": "UNTRACKED"}) == untracked


@pytest.mark.parametrize(
    ("asked", "matches"),
    [
        ("--ctorigdst 192.0.2.1 --ctorigdstport 80", "yes"),
        ("--ctorigdst 10.0.0.9", "no"),
        ("--ctreplsrc 10.0.0.9 --ctreplsrcport 8080", "yes"),
        ("! --ctreplsrc 192.0.2.1", "yes"),
        ("--ctrepldst 198.51.100.7 --ctrepldstport 5000", "yes"),
        ("--ctstate DNAT", "yes"),
    ],
)
def test_tuples_of_the_first_packet_after_dnat(asked: str, matches: str) -> None:
    rules = parse(DNAT + f"*filter\n:FORWARD ACCEPT\n-A FORWARD -m conntrack {asked} -j DROP\nCOMMIT\n")
    packet = Packet(src="198.51.100.7", dst="192.0.2.1", protocol="tcp", sport=5000, dport=80, ttl=64)
    (flow,) = trace(rules, packet, node=Node(interfaces={"eth0": ("192.0.2.1/24",)}))
    assert flow.outcome is (Outcome.DROPPED if matches == "yes" else Outcome.REACHES)


@pytest.mark.parametrize(
    ("asked", "fields", "matches"),
    [
        ("-m connmark --mark 0x4/0x4", {"connmark": "0x5"}, "yes"),
        ("-m connmark ! --mark 0x4/0x4", {"connmark": "0x5"}, "no"),
        ("-m connmark --mark 0x5/0x4", {"connmark": "0x5"}, "no"),
        ("-m mark ! --mark 0x4/0x4", {"mark": "0x2"}, "yes"),
        ("-m helper --helper ftp", {}, "no"),
        ("-m helper ! --helper ftp", {}, "yes"),
        ("-m helper --helper ftp", {"state": "RELATED", "status": "EXPECTED"}, TABLE),
        ("-m connlabel --label 5 --set", {}, "yes"),
        ("-m connlabel ! --label 5 --set", {}, "no"),
        ("-m connlabel --label 5", {}, TABLE),
        (
            "-m connbytes --connbytes 5 --connbytes-dir both --connbytes-mode packets",
            {},
            "the counters of connections are not in the dump",
        ),
    ],
)
def test_marks_labels_helpers(asked: str, fields: dict[str, Any], matches: str) -> None:
    assert answer(asked, fields) == matches
