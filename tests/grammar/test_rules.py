"""What a rule's line may look like, and what it means."""

from __future__ import annotations

import pytest

from iptables_model import Counters, parse
from iptables_model.model.matches import Comment, Ip, Multiport, Tcp, Udp, UnknownMatch
from iptables_model.model.targets import Accept, Dnat, Drop, Goto, Jump, Mark, UnknownTarget
from iptables_model.values.addresses import network
from iptables_model.values.names import Interface
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import Masked, PortRange, Protocol
from tests.grammar.reading import rule

CANONICAL = "-A ZONE -s 10.0.0.0/8 ! -i eth0 -p tcp -m tcp --dport 80 -j ACCEPT"

SAME = {
    "any order": "-A ZONE -j ACCEPT -m tcp -p tcp --dport 80 ! -i eth0 -s 10.0.0.0/8",
    "the command last": "-s 10.0.0.0/8 ! -i eth0 -p tcp -m tcp --dport 80 -j ACCEPT -A ZONE",
    "long options": "--append ZONE --source 10.0.0.0/8 ! --in-interface eth0 --protocol tcp --match tcp"
    " --destination-port 80 --jump ACCEPT",
    "abbreviated options": "--app ZONE --sour 10.0.0.0/8 ! --in-int eth0 --prot tcp --mat tcp --dp 80 --ju ACCEPT",
    "values attached": "-AZONE --source=10.0.0.0/8 ! -ieth0 -p tcp -mtcp --dport=80 -jACCEPT",
    "quoted words": '"-A" "ZONE" -s "10.0.0.0/8" "!" -i "eth0" "-p" tcp -m "tcp" --dport "80" -j "ACCEPT"',
    "a match that its protocol loads": "-A ZONE -s 10.0.0.0/8 ! -i eth0 -p tcp --dport 80 -j ACCEPT",
    "a protocol by its number": "-A ZONE -s 10.0.0.0/8 ! -i eth0 -p 6 --dport 80 -j ACCEPT",
    "negation where it was until 1.4.3": "-A ZONE -s 10.0.0.0/8 -i ! eth0 -p tcp -m tcp --dport 80 -j ACCEPT",
    "blanks and tabs": "\t-A  ZONE\t-s 10.0.0.0/8 !  -i \t eth0 -p tcp  -m tcp --dport\t80 -j ACCEPT  ",
    "no blank behind a quote": '-A ZONE -s "10.0.0.0/8"! -i eth0 -p "tcp"-m tcp --dport 80 -j ACCEPT',
    "what says nothing": "-A ZONE -s 10.0.0.0/8 -d 0.0.0.0/0 ! -i eth0 -o + -p tcp -m tcp --sport 0:65535 --dport 80"
    " -j ACCEPT",
}


@pytest.mark.parametrize("line", SAME.values(), ids=SAME)
def test_other_ways_to_write_a_rule(line: str) -> None:
    assert rule(line) == rule(CANONICAL)
    assert str(rule(line)) == CANONICAL


def test_values_of_a_rule() -> None:
    found = rule(CANONICAL)
    assert found.matches == (
        Ip(
            source=Negatable(network("10.0.0.0/8")),
            in_interface=Negatable(found.ip.in_interface.value, negated=True) if found.ip.in_interface else None,
            protocol=Negatable(Protocol(6)),
        ),
        Tcp(dport=Negatable(PortRange(80, 80))),
    )
    assert (found.table, found.chain, found.index, found.line) == ("filter", "ZONE", 0, 3)
    assert found.target == Accept()


@pytest.mark.parametrize(
    ("line", "counters"),
    [
        ("[5:300] -A ZONE -j DROP", Counters(5, 300)),
        ("-A ZONE -c 5 300 -j DROP", Counters(5, 300)),
        ("-A ZONE -j DROP -c 5,300", Counters(5, 300)),
        ("-A ZONE --set-counters 0 18446744073709551615 -j DROP", Counters(0, 18446744073709551615)),
        ("-A ZONE -j DROP", None),
    ],
)
def test_counters(line: str, counters: Counters | None) -> None:
    assert rule(line).counters == counters
    assert rule(line).target == Drop()


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("web", "web"),
        ('""', ""),
        ('"a b"', "a b"),
        ('a"b c"', "ab c"),
        (r'"say \"so\""', 'say "so"'),
        (r'"the pod\'s"', "the pod's"),
        ('"someone else\'s"', "someone else's"),
        (r'"back\\slash"', "back\\slash"),
        (r"back\slash", "back\\slash"),
        ('"tab\there"', "tab\there"),
        ('"-j DROP"', "-j DROP"),
        ("-j", "-j"),
        ("!", "!"),
        ('"#"', "#"),
        ("é\udcff", "é\udcff"),
    ],
)
def test_quoting(word: str, text: str) -> None:
    assert rule(f"-A ZONE -m comment --comment {word} -j ACCEPT").matches == (Comment(comment=text),)


@pytest.mark.parametrize(
    ("words", "name", "negated"),
    [
        ("-i ! eth0", "eth0", True),
        ("! -i eth0", "eth0", True),
        ("-i !", "!", False),
        ("! -i !", "!", True),
        ("-i ! -j ACCEPT", "!", False),
        ("-i ! ! -o eth1", "!", False),
    ],
)
def test_an_interface_may_be_called_like_a_negation(words: str, name: str, negated: bool) -> None:
    assert rule(f"-A ZONE {words}").ip.in_interface == Negatable(Interface(name), negated=negated)


def test_a_comment_may_hold_a_newline() -> None:
    text = '*filter\n:A - [0:0]\n-A A -m comment --comment "two\nlines" -j DROP\n-A A -j DROP\nCOMMIT\n'
    ruleset = parse(text)
    first, second = ruleset.rules
    assert (first.comment, first.line, second.line) == ("two\nlines", 3, 5)
    assert str(ruleset) == text
    assert str(first) == '-A A -m comment --comment "two\nlines" -j DROP'


def test_of_two_extensions_with_one_flag_the_one_loaded_last_takes_it() -> None:
    marks = rule("-A ZONE -m mark --mark 1 -m connmark --mark 2 -m mark --mark 3 -j ACCEPT")
    assert str(marks) == "-A ZONE -m mark --mark 0x1 -m connmark --mark 0x2 -m mark --mark 0x3 -j ACCEPT"


def test_options_of_a_match_may_come_later() -> None:
    late = rule("-A ZONE -m tcp -m comment -p tcp --comment a --dport 80 -j LOG --sport 1 --log-level 4")
    assert str(late) == "-A ZONE -p tcp -m tcp --sport 1 --dport 80 -m comment --comment a -j LOG"


def test_an_abbreviation_prefers_what_is_loaded_to_the_protocols_match() -> None:
    assert rule("-A ZONE -p tcp -m multiport --dport 80,81").matches[1:] == (
        Multiport(dports=Negatable((PortRange(80, 80), PortRange(81, 81)))),
    )


def test_a_protocol_loads_its_match_once_and_only_when_needed() -> None:
    assert rule("-A ZONE -p udp").matches[1:] == ()
    both = rule("-A ZONE -p udp --dport 53 --sport 53")
    assert both.matches[1:] == (Udp(sport=Negatable(PortRange(53, 53)), dport=Negatable(PortRange(53, 53))),)


@pytest.mark.parametrize("name", ["icmp6", "icmpv6", "ipv6-icmp"])
def test_aliases_of_a_match(name: str) -> None:
    assert str(rule(f"-A ZONE -p ipv6-icmp -m {name} --icmpv6-type 8")) == (
        "-A ZONE -p ipv6-icmp -m icmp6 --icmpv6-type 8"
    )


def test_targets() -> None:
    assert rule("-A ZONE -j ZONE").target == Jump(chain="ZONE")
    assert rule("-A ZONE -g ZONE").target == Goto(chain="ZONE")
    assert rule("-A ZONE -j reject").target == Jump(chain="reject")
    assert rule("-A ZONE -j NOT-DECLARED").target == Jump(chain="NOT-DECLARED")
    assert rule("-A ZONE").target is None
    assert rule("-A ZONE -j MARK --or-mark 0x4000").target == Mark(set_xmark=Masked(0x4000, 0x4000))


UNDECLARED = {
    "-A ZONE -m nobody -j ACCEPT": UnknownMatch(name="nobody"),
    "-A ZONE -m nobody --a ! --b 'c d -s 10.0.0.0/8": UnknownMatch(name="nobody", words=("--a", "!", "--b", "'c", "d")),
    '-A ZONE -m nobody --a "b c" "-j" -j DROP': UnknownMatch(name="nobody", words=("--a", '"b c"', '"-j"')),
    "-A ZONE -m nobody --a  b -j DROP": UnknownMatch(name="nobody", words=("--a", "", "b")),
    "-A ZONE -m nobody --a b ! -s 10.0.0.1 --c -j DROP": UnknownMatch(name="nobody", words=("--a", "b", "--c")),
    "-A ZONE -m owner [unsupported revision] -j DROP": UnknownMatch(name="owner", words=("[unsupported", "revision]")),
}


@pytest.mark.parametrize(("line", "match"), UNDECLARED.items())
def test_a_match_that_nobody_declared_is_kept(line: str, match: UnknownMatch) -> None:
    assert rule(line).matches[-1] == match


KEPT = {
    "-A ZONE -j NOBODY --a 1 --b": UnknownTarget(name="NOBODY", words=("--a", "1", "--b")),
    "-A ZONE -j DNAT [unsupported revision]": UnknownTarget(name="DNAT", words=("[unsupported", "revision]")),
    "-A ZONE -j NOBODY --a -s 10.0.0.1": UnknownTarget(name="NOBODY", words=("--a",)),
    "-A ZONE -j DNAT --to-destination  --random --to-destination  --random --to-destination 0.0.0.0:0": UnknownTarget(
        name="DNAT",
        words=("--to-destination", "", "--random", "--to-destination", "", "--random", "--to-destination", "0.0.0.0:0"),
    ),
    "-A ZONE -j DNAT --to-destination  --random --to-destination  --random --to-destination": UnknownTarget(
        name="DNAT", words=("--to-destination", "", "--random", "--to-destination", "", "--random", "--to-destination")
    ),
    "-A ZONE -j DNAT --to-destination :0 --persistent --to-destination 10.0.0.2:80 --persistent": UnknownTarget(
        name="DNAT",
        words=("--to-destination", ":0", "--persistent", "--to-destination", "10.0.0.2:80", "--persistent"),
    ),
}


@pytest.mark.parametrize(("line", "target"), KEPT.items())
def test_a_target_that_nobody_declared_or_iptables_printed_wrongly_is_kept(line: str, target: UnknownTarget) -> None:
    assert rule(line).target == target
    if "-s" not in line:
        assert str(rule(line)) == line


def test_a_target_that_is_read() -> None:
    assert isinstance(rule("-A ZONE -j DNAT --to-destination 10.0.0.1:80 --persistent").target, Dnat)


def test_insertion() -> None:
    text = "*filter\n:A - [0:0]\n-A A -s 1.0.0.0\n-I A -s 2.0.0.0\n-I A 2 -s 3.0.0.0\n--insert A 4 -s 4.0.0.0\nCOMMIT\n"
    rules = list(parse(text).rules)
    assert [str(found)[8:9] for found in rules] == ["2", "3", "1", "4"]
    assert [found.index for found in rules] == [0, 1, 2, 3]
    assert [found.line for found in rules] == [4, 5, 3, 6]
