"""What the matches of the IP header mean, and of those between it and the transport header."""

from __future__ import annotations

from typing import Any

import pytest

from tests.netfilter.answers import answer

BACKENDS = "nf_tables does so, and ip6_tables does not"


@pytest.mark.parametrize(
    ("asked", "fields", "matches"),
    [
        ("-m length --length 40:60", {"length": 60}, "yes"),
        ("-m length ! --length 40:60", {"length": 60}, "no"),
        ("-m length --length 61:", {"length": 60}, "no"),
        ("-m tos --tos 0x10/0x3f", {"tos": "0xd0"}, "yes"),
        ("-m tos ! --tos 0x10/0x3f", {"tos": "0xd0"}, "no"),
        ("-m tos --tos 0x10/0xff", {"tos": "0x11"}, "no"),
        ("-m tos --tos 0x11/0x10", {"tos": "0x11"}, "no"),
        ("-m dscp --dscp 0x2e", {"tos": "EF"}, "yes"),
        ("-m dscp --dscp 0x2e", {"tos": "0xb9"}, "yes"),
        ("-m dscp ! --dscp 0x2e", {"tos": "0xb9"}, "no"),
        ("-m dscp --dscp 0x2e", {"tos": "0xbc"}, "no"),
        ("-m ecn --ecn-ip-ect 1", {"tos": "0xb9"}, "yes"),
        ("-m ecn ! --ecn-ip-ect 1", {"tos": "0xb9"}, "no"),
        ("-m ecn --ecn-ip-ect 2", {"tos": "EF"}, "for some"),
        ("-p tcp -m ecn --ecn-tcp-ece", {"tcp_flags": "SYN,ECE"}, "yes"),
        ("-p tcp -m ecn ! --ecn-tcp-ece", {"tcp_flags": "SYN,ECE"}, "no"),
        ("-p tcp -m ecn ! --ecn-tcp-cwr --ecn-tcp-ece", {"tcp_flags": "SYN,ECE"}, "yes"),
        ("-p tcp -m ecn --ecn-tcp-cwr", {"tcp_flags": "SYN"}, "no"),
        ("-p tcp -m ecn --ecn-tcp-cwr", {"fragment": True}, "the bytes of a later fragment are not said"),
    ],
)
@pytest.mark.parametrize("family", [4, 6])
def test_the_ip_header(asked: str, fields: dict[str, Any], matches: str, family: int) -> None:
    assert answer(asked, fields, family) == matches


@pytest.mark.parametrize(("family", "name"), [(4, "ttl"), (6, "hl")])
@pytest.mark.parametrize(
    ("asked", "ttl", "matches"),
    [
        ("--{}-eq 64", 64, "yes"),
        ("! --{}-eq 64", 64, "no"),
        ("! --{}-eq 64", 63, "yes"),
        ("--{}-lt 64", 63, "yes"),
        ("--{}-lt 64", 64, "no"),
        ("--{}-lt 0", 0, "no"),
        ("--{}-gt 63", 64, "yes"),
        ("--{}-gt 64", 64, "no"),
        ("--{}-gt 255", 255, "no"),
        ("--{}-lt 64", "any", "for some"),
    ],
)
def test_ttl_and_hop_limit(asked: str, ttl: object, matches: str, family: int, name: str) -> None:
    assert answer(f"-m {name} {asked.format(name)}", {"ttl": ttl}, family) == matches


@pytest.mark.parametrize(
    ("asked", "fields", "matches"),
    [
        ("-p ah -m ah --ahspi 256:512", {"protocol": "ah", "ahspi": 300}, "yes"),
        ("-p ah -m ah ! --ahspi 256:512", {"protocol": "ah", "ahspi": 300}, "no"),
        ("-p ah -m ah ! --ahspi 256", {"protocol": "ah", "ahspi": 300, "fragment": True}, "no"),
        ("-p esp -m esp --espspi 256:512", {"protocol": "esp", "espspi": 300}, "yes"),
        ("-p esp -m esp ! --espspi 256:512", {"protocol": "esp", "espspi": 300}, "no"),
        ("-p esp -m esp", {"protocol": "esp"}, "yes"),
        ("-p esp -m esp", {"protocol": "esp", "fragment": True}, "no"),
        ("-f", {"fragment": True}, "yes"),
        ("-f", {}, "no"),
        ("! -f", {"fragment": True}, "no"),
        ("-f", {"fragment": "first"}, "no"),
        ("! -f", {"fragment": "first"}, "yes"),
        ("-p tcp -m tcp --dport 80", {"fragment": "first"}, "yes"),
        ("-p tcp -m tcp --dport 80", {"fragment": True}, "no"),
        ("-f", {"fragment": "any"}, "for some"),
        ("! -f", {}, "yes"),
    ],
)
def test_ipsec_and_fragments(asked: str, fields: dict[str, Any], matches: str) -> None:
    assert answer(asked, fields) == matches


INSIDE = "what stands in the header is not said"


@pytest.mark.parametrize(
    ("asked", "fields", "matches"),
    [
        ("-m ipv6header --header prot", {}, "yes"),
        ("-m ipv6header ! --header prot", {}, "no"),
        ("-m ipv6header --header prot", {"headers": "hop"}, "no"),
        ("-m ipv6header --header hop,prot", {"headers": "hop"}, "yes"),
        ("-m ipv6header --header hop", {"headers": "hop"}, "no"),
        ("-m ipv6header --header hop --soft", {"headers": "hop,dst"}, "yes"),
        ("-m ipv6header --header hop,route --soft", {"headers": "hop"}, "no"),
        # None of them is there, which is not the contrary of all of them being there (the kernel said so).
        ("-m ipv6header ! --header hop,route --soft", {"headers": "hop"}, "no"),
        ("-m ipv6header ! --header hop,route --soft", {"headers": "dst"}, "yes"),
        ("-m ipv6header --header esp", {"protocol": "esp"}, "yes"),
        ("-m ipv6header --header none", {"protocol": 59}, "yes"),
        ("-m ipv6header --header prot", {"protocol": "esp"}, "no"),
        ("-m ah", {}, "no"),
        ("-m ah", {"headers": "auth"}, "yes"),
        ("-m ah ! --ahspi 5", {}, "no"),
        ("-m ah ! --ahspi 5", {"headers": "auth", "ahspi": 6}, "yes"),
        ("-m ah --ahlen 24", {"headers": "auth"}, "a packet here has no length of its authentication header"),
        ("-m frag", {"headers": "frag"}, "yes"),
        ("-m frag --fragmore", {"headers": "frag"}, INSIDE),
        ("-m frag --fragmore", {}, "no"),
        ("-m hbh", {"headers": "hop"}, "yes"),
        ("-m hbh ! --hbh-len 8", {}, "no"),
        ("-m dst --dst-len 8", {"headers": "dst"}, INSIDE),
        ("-m dst ! --dst-len 8", {}, "no"),
        ("-m rt --rt-type 0", {}, "no"),
        ("-m rt --rt-type 0", {"headers": "route"}, INSIDE),
        ("-m srh", {}, "no"),
        ("-m srh", {"headers": "route"}, "the type of the routing header is not said"),
        ("-p 135 -m mh", {"protocol": 135}, "yes"),
        ("-p 135 -m mh --mh-type 5", {"protocol": 135}, "a packet here has no type of its mobility header"),
        ("-p 135 -m mh --mh-type 5", {"protocol": 135, "fragment": True}, "no"),
        # The protocol is behind all extension headers, but for that of authentication.
        ("-p 60", {"protocol": "any", "headers": "dst"}, "no"),
        ("! -p 43", {"protocol": "any", "headers": "route"}, "yes"),
        ("-p tcp", {"protocol": "tcp", "headers": "hop,dst"}, "yes"),
        ("-p tcp", {"protocol": "tcp", "headers": "auth"}, BACKENDS),
        ("-p ah", {"protocol": "tcp", "headers": "auth"}, BACKENDS),
        ("-p ah", {"protocol": "ah"}, "yes"),
        ("! -p tcp", {"protocol": "tcp", "headers": "auth"}, BACKENDS),
    ],
)
def test_extension_headers(asked: str, fields: dict[str, Any], matches: str) -> None:
    assert answer(asked, fields, 6) == matches
