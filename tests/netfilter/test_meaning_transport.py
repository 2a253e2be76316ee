"""What the matches of transport headers mean: ports, flags, options, chunks; each was asked of the kernel too."""

from __future__ import annotations

from typing import Any

import pytest

from tests.netfilter.answers import answer

LATER = "the bytes of a later fragment are not said"


@pytest.mark.parametrize(
    ("asked", "fields", "matches"),
    [
        ("-p tcp -m tcp --dport 80", {}, "yes"),
        ("-p tcp -m tcp ! --dport 80", {}, "no"),
        ("-p tcp -m tcp --sport 4000:4999", {}, "no"),
        ("-p tcp -m tcp --dport 80", {"dport": "80,443"}, "for some"),
        ("-p tcp -m tcp --dport 80", {"fragment": True}, "no"),
        ("-p tcp -m tcp ! --dport 80", {"fragment": True}, "no"),
        ("-p tcp -m tcp", {"fragment": True}, "no"),
        ("-p tcp", {"fragment": True}, "yes"),
        ("-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN", {"tcp_flags": "SYN"}, "yes"),
        ("-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN", {"tcp_flags": "SYN,ACK"}, "no"),
        ("-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN", {"tcp_flags": "SYN,ACK"}, "yes"),
        ("-p tcp -m tcp --tcp-flags ALL NONE", {"tcp_flags": "ECE"}, "yes"),
        ("-p tcp -m tcp --tcp-option 2", {"tcp_options": "2,4"}, "yes"),
        ("-p tcp -m tcp --tcp-option 2", {"tcp_options": "NONE"}, "no"),
        ("-p tcp -m tcp ! --tcp-option 2", {"tcp_options": "NONE"}, "yes"),
        ("-p tcp -m tcp ! --tcp-option 2", {"tcp_options": 2}, "no"),
        ("-p tcp -m tcp --tcp-option 2", {}, "for some"),
        ("-p tcp -m tcpmss --mss 1000:1500", {"tcp_options": 2, "mss": 1460}, "yes"),
        ("-p tcp -m tcpmss ! --mss 1000:1500", {"tcp_options": 2, "mss": 1460}, "no"),
        ("-p tcp -m tcpmss --mss 1000:1500", {"tcp_options": 4, "mss": 1460}, "no"),
        ("-p tcp -m tcpmss ! --mss 1000:1500", {"tcp_options": 4, "mss": 1460}, "yes"),
        ("-p tcp -m tcpmss --mss 1000:1500", {"fragment": True}, LATER),
        ("-p udp -m udp --dport 80", {"protocol": "udp"}, "yes"),
        ("-p udp -m udp ! --dport 80", {"protocol": "udp", "fragment": True}, "no"),
        ("-p udp -m udp --dport 80", {}, "no"),
        ("-p tcp -m multiport --ports 5000,90", {}, "yes"),
        ("-p tcp -m multiport ! --ports 90,80", {}, "no"),
        ("-p tcp -m multiport ! --ports 90,91", {}, "yes"),
        ("-p tcp -m multiport ! --sports 5000:5001", {}, "no"),
        ("-p tcp -m multiport ! --dports 90", {"fragment": True}, "no"),
    ],
)
@pytest.mark.parametrize("family", [4, 6])
def test_tcp_and_udp(asked: str, fields: dict[str, Any], matches: str, family: int) -> None:
    assert answer(asked, fields, family) == matches


@pytest.mark.parametrize(
    ("asked", "chunks", "matches"),
    [
        ("any INIT,DATA", "DATA", "yes"),
        ("any INIT,DATA", "SACK", "no"),
        ("all INIT,DATA", "DATA", "no"),
        ("all INIT,DATA", "DATA,SACK,INIT", "yes"),
        ("only INIT,DATA", "DATA", "yes"),
        ("only INIT,DATA", "DATA,SACK", "no"),
        ("any NONE", "DATA", "no"),
        ("all NONE", "DATA", "yes"),
        ("only NONE", "DATA", "no"),
        ("any ALL", "DATA", "yes"),
        ("all ALL", "DATA", "no"),
        ("any DATA:U,SACK", "SACK", "yes"),
        ("any DATA:U", "DATA", "a packet here has no flags of chunks"),
        ("any DATA:U", "INIT", "no"),
        ("all DATA:U,SACK", "DATA", "no"),
        ("only DATA:u", "DATA,SACK", "no"),
        ("only DATA:u,SACK", "SACK", "yes"),
    ],
)
def test_sctp_chunks(asked: str, chunks: str, matches: str) -> None:
    said = {"protocol": "sctp", "sctp_chunks": chunks}
    assert answer(f"-p sctp -m sctp --chunk-types {asked}", said) == matches
    turned = {"yes": "no", "no": "yes"}.get(matches, matches)
    assert answer(f"-p sctp -m sctp ! --chunk-types {asked}", said) == turned
    assert answer(f"-p sctp -m sctp ! --chunk-types {asked}", {**said, "fragment": True}) == "no"


@pytest.mark.parametrize(
    ("asked", "matches"),
    [
        ("--dccp-types REQUEST,DATA", "yes"),
        ("! --dccp-types REQUEST", "no"),
        ("--dccp-types INVALID", "no"),
        ("--dport 81", "no"),
        ("--dccp-option 2", "a packet here has no DCCP options"),
        ("--dport 81 --dccp-option 2", "no"),
    ],
)
def test_dccp(asked: str, matches: str) -> None:
    assert answer(f"-p dccp -m dccp {asked}", {"protocol": "dccp", "dccp_type": "REQUEST"}) == matches


@pytest.mark.parametrize(
    ("asked", "kind", "matches"),
    [
        ("--icmp-type 8", "8/0", "yes"),
        ("! --icmp-type 8", "8/0", "no"),
        ("--icmp-type 3/1", "3/1", "yes"),
        ("--icmp-type 3/1", "3/2", "no"),
        ("--icmp-type 3", "3/2", "yes"),
        ("--icmp-type 3/1", "3", "for some"),
        ("--icmp-type any", "8/0", "yes"),
        ("! --icmp-type any", "8/0", "no"),
    ],
)
def test_icmp(asked: str, kind: str, matches: str) -> None:
    said = {"protocol": "icmp", "icmp_type": kind}
    assert answer(f"-p icmp -m icmp {asked}", said) == matches
    assert answer(f"-p icmp -m icmp {asked}", {**said, "fragment": True}) == "no"


@pytest.mark.parametrize(
    ("asked", "kind", "matches"),
    [
        ("--icmpv6-type 128", "128/0", "yes"),
        ("! --icmpv6-type 128", "128/0", "no"),
        ("--icmpv6-type 1/4", "1/4", "yes"),
        ("--icmpv6-type 255", "128/0", "no"),
        ("! --icmpv6-type 255", "128/0", "yes"),
    ],
)
def test_icmpv6_has_no_type_for_any(asked: str, kind: str, matches: str) -> None:
    assert answer(f"-p ipv6-icmp -m icmp6 {asked}", {"protocol": 58, "icmp_type": kind}, 6) == matches
