"""Ask iptables about names, comments, addresses and protocols of every legal kind: what it saves is what it was given.

Each rule is loaded by every backend and saved; we read the saved text as what we read in the first one, and print it
again just as it was saved.
"""

from __future__ import annotations

import string
from collections.abc import Iterator

import pytest

from iptables_model import Ruleset, parse
from tests.oracle import Namespace, namespace

pytestmark = pytest.mark.oracle

BACKENDS = ("nft", "legacy")
PRINTED = "".join(letter for letter in string.printable if letter.isprintable() and letter != " ")
"""The characters of ASCII that are seen."""
BARE = PRINTED.replace('"', "")
"""Those that a name may have: iptables-restore takes quotes away."""

CHAINS = [
    "A" * 28,
    "ü" * 14,
    *(f"a{letter}" for letter in BARE),
    *(f"{letter}a" for letter in BARE if letter not in "!-"),
    *(BARE[at : at + 27].join(("c", "")) for at in range(0, len(BARE), 27)),
]
INTERFACES = [
    "i" * 15,
    "i" * 14 + "+",
    "i" * 13 + "++",
    "ü" * 7,
    *(f"i{letter}" for letter in BARE),
    *(f"{letter}i" for letter in BARE if letter != "-"),
]
TEXTS = [
    "",
    "-j",
    "!",
    "c" * 255,
    "ü" * 127,
    "'" * 255,
    '"' * 127 + "\\" * 127,
    " " * 255,
    "\t a\tb ",
    *PRINTED,
    PRINTED * 2,
    *(f"{letter}{quote}{letter}" for letter in "a \t" for quote in "\"'\\"),
]
PORTS = ["http", "ssh:smtp", "domain", ":ssh", "ssh:", "syslog", "www", "0", "65535", "0:65535", "ftp-data", "5:5"]
PROTOCOLS = [str(number) for number in range(256)] + [
    "tcp", "TCP", "Udp", "udplite", "icmp", "ipv6-icmp", "icmpv6", "sctp", "dccp", "esp", "ah", "gre", "ospf",
    "ipencap", "ipip", "vrrp", "pim", "igmp", "ipv6", "ipv6-nonxt", "ipv6-route", "mobility-header",
    "all", "hip", "hopopt",
]  # fmt: skip
ADDRESSES = {
    4: [
        "0.0.0.0",  # noqa: S104 (nothing is bound)
        "255.255.255.255", "10.1.2.3/0", "10.1.2.3/0.0.0.0", "10.1.2.3/255.0.255.0", "10.1.2.3/0.0.0.1",
        "10.1.2.3/0.255.255.255", "10.1.2.3/255.255.254.0", "10.1.2.3/255.255.255.255", "10.1.2.3/128.0.0.1",
        *(f"203.0.113.255/{length}" for length in range(1, 33)),
    ],
    6: [
        "::", "::1", "::/0", "::/::", "FD00::AB", "0:0:0:0:0:0:0:1", "fd00:0000:0000:0000:0000:0000:0000:0001",
        "::ffff:1.2.3.4", "::1.2.3.4", "::FFFF:0:1.2.3.4", "64:ff9b::1.2.3.4", "64:ff9b::1.2.3.4/96", "::ffff:102:304",
        "1:0:0:2:0:0:0:3", "1:0:0:2:3:0:0:4", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:0:8", "1::8/1",
        "0:0:0:1::", "1:0:2:0:3:0:4:0", "::1:0", "::1:2:3", "fd00::1/ffff::ffff", "fd00::1/ffff:ffff::", "fd00::1/::1",
        "fd00::1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF", "fd00::1/::255.255.0.0",
        *(f"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/{length}" for length in range(1, 129)),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def lab() -> Iterator[Namespace]:
    with namespace() as made:
        yield made


def loaded(lab: Namespace, tool: str, text: str) -> Ruleset:
    """Load a dump, and read what is saved of it."""
    lab.run(f"{tool}-restore", text=text)
    found = parse(lab.run(f"{tool}-save", "-t", "filter").stdout)
    lines = str(found).split("\n")
    assert [str(rule) for rule in found.rules] == [line for line in lines if line.startswith("-A ")]
    return found


def dump(*rules: str) -> str:
    return "".join(f"{line}\n" for line in ("*filter", ":X - [0:0]", *(f"-A X {rule}" for rule in rules), "COMMIT"))


def assert_the_same(lab: Namespace, rules: list[str], *families: int) -> None:
    """Ask both backends whether the rules come back as what we read."""
    text = dump(*rules)
    read = parse(text)["filter"]["X"].rules
    assert len(read) == len(rules)
    for backend in BACKENDS:
        for family in families:
            tool = f"{'iptables' if family == 4 else 'ip6tables'}-{backend}"
            found = loaded(lab, tool, text)["filter"]["X"].rules
            assert list(map(str, found)) == list(map(str, read))
            assert found == read


def quoted(text: str) -> str:
    r"""Put a text in quotes as iptables-restore reads it: `\` before a quote and before itself."""
    return '"{}"'.format("".join(f"\\{letter}" if letter in '"\\' else letter for letter in text))


@pytest.mark.parametrize("tool", [f"{tool}-{backend}" for tool in ("iptables", "ip6tables") for backend in BACKENDS])
def test_names_of_chains(tool: str, lab: Namespace) -> None:
    names = list(dict.fromkeys(CHAINS))
    lines = [f":{name} - [0:0]" for name in ("ZZ", *names)]
    rules = [f"-A {name} -j RETURN" for name in names] + [f"-A ZZ -{way} {name}" for name in names for way in "jg"]
    text = "".join(f"{line}\n" for line in ("*filter", *lines, *rules, "COMMIT"))
    read, found = parse(text)["filter"], loaded(lab, tool, text)["filter"]
    builtin = {"INPUT", "FORWARD", "OUTPUT"}
    assert {chain.name for chain in found.chains} - builtin == {"ZZ", *names}
    assert {name: found[name].rules for name in ("ZZ", *names)} == {name: read[name].rules for name in ("ZZ", *names)}


def test_names_of_interfaces(lab: Namespace) -> None:
    assert_the_same(lab, [f"-{way} {name}" for name in INTERFACES for way in "io"], 4, 6)


def test_comments(lab: Namespace) -> None:
    assert_the_same(lab, [f"-m comment --comment {quoted(text)}" for text in TEXTS], 4, 6)
    written = dump(*(f"-m comment --comment {quoted(text)}" for text in TEXTS))
    assert [rule.comment for rule in parse(written).rules] == TEXTS


def test_names_of_ports(lab: Namespace) -> None:
    rules = [f"-p {name} -m {name} --{end}port {ports}" for name in ("tcp", "udp") for end in "sd" for ports in PORTS]
    lists = [f"-p tcp -m multiport --dports {ports}" for ports in ("ssh,domain,http:https", "www,0x50,1:2")]
    assert_the_same(lab, [*rules, *lists], 4, 6)


def test_names_and_numbers_of_protocols(lab: Namespace) -> None:
    assert_the_same(lab, [f"-p {name}" for name in PROTOCOLS], 4, 6)
    assert_the_same(lab, [f"! -p {name}" for name in PROTOCOLS if name not in {"0", "all", "hopopt"}], 4, 6)


@pytest.mark.parametrize("family", [4, 6])
def test_addresses_and_masks(family: int, lab: Namespace) -> None:
    assert_the_same(lab, [f"-{end} {address}" for address in ADDRESSES[family] for end in "sd"], family)
