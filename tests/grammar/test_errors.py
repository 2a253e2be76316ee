"""Every complaint about a line: its words, its place and its hint."""

from __future__ import annotations

import pytest

from iptables_model import ParseError, parse
from tests.grammar.reading import complaint

_ADDRESS = "a rule has one address, for example 10.0.0.0/8 or fd00::/64; host names are not looked up"
_NAME = "a name starts neither with - nor with !"
_CUT = "the line may be cut off"
_BANG = "leave out the !"

RULES: dict[str, tuple[str, int, int, str]] = {
    # values
    "-A INPUT -m statistic --mode random --probability half -j ZONE": (
        '--probability needs a number from 0 to 1, found "half"', 51, 55,
        "kube-proxy writes 11 decimals, for example 0.50000000000",
    ),
    "-A INPUT -s 1.2.3.4/33": ('-s needs an address, with an optional mask, found "1.2.3.4/33"', 13, 23, _ADDRESS),
    "-A INPUT --src a.example": ('--src needs an address, with an optional mask, found "a.example"', 16, 25, _ADDRESS),
    "-A INPUT -p tcp -m tcp --dport 80:70": (
        '--dport needs the lower port first, found "80:70"', 32, 37,
        "a range is written 1024:65535; the name of a service may stand for its port",
    ),
    "-A INPUT -p foo -j DROP": ('-p needs a protocol, found "foo"', 13, 16, ""),
    "-A INPUT -p foo --dport 1": ('-p needs a protocol, found "foo"', 13, 16, ""),
    "-A INPUT -m statistic --mode rand": ('--mode needs random or nth, found "rand"', 30, 34, ""),
    "-A INPUT -j x1234567890123456789012345678": (
        '-j needs the name of a chain, of at most 28 characters, found "x1234567890123456789012345678"', 13, 42, _NAME,
    ),
    # values that are not there
    "-A INPUT -s": ("-s needs an address, with an optional mask, found the end of the line", 12, 13, _ADDRESS),
    "-A INPUT -p tcp --dport=": (
        "--dport needs a port or a range of ports, found nothing behind the =", 17, 25,
        "a range is written 1024:65535; the name of a service may stand for its port",
    ),
    "-A INPUT -m": ("-m needs the name of a match, found the end of the line", 10, 12, ""),
    "-A INPUT -j": ("-j needs the name of a target or chain, found the end of the line", 10, 12, ""),
    '-A INPUT -j ""': ('-j needs the name of a target or chain, found ""', 13, 15, ""),
    "-A": ("-A needs the name of a chain, of at most 28 characters, found the end of the line", 3, 4, _NAME),
    "-A INPUT -c 1 -j DROP": ('-c needs two numbers: packets and bytes, found "1"', 13, 14, ""),
    "-A INPUT -c": ("-c needs two numbers: packets and bytes, found the end of the line", 10, 12, ""),
    "-j DROP": ("this rule names no chain", 1, 8, "a rule begins with -A and the name of a chain"),
    # options
    "-A INPUT -p tcp -m tcp --dprot 80": ('tcp has no option "--dprot"', 24, 31, "did you mean --dport or --sport?"),
    "-A INPUT -p tcp --dprot 80": ('tcp has no option "--dprot"', 17, 24, "did you mean --dport or --sport?"),
    "-A INPUT --dports 80": (
        'unknown option "--dports"', 10, 18, "--dports belongs to -m multiport, which stands before it",
    ),
    "-A INPUT -t nat": (
        "-t cannot stand in a rule", 10, 12, "the table stands on a line of its own, for example *nat",
    ),
    "-A INPUT --s 1.2.3.4": ("--s may be --set-counters or --source", 10, 13, "write the whole option"),
    "-A INPUT -p tcp --syn=1": ("--syn takes no value", 17, 24, ""),
    "-A INPUT --": ('unknown option "--"', 10, 12, ""),
    # options given twice
    "-A INPUT -s 1.2.3.4 -s 1.2.3.4": ("-s is given twice", 21, 23, ""),
    "-A INPUT -s 1.2.3.4 --source 1.2.3.4": ("--source is given after -s", 21, 29, ""),
    "-A INPUT -p tcp --dport 1 --dport 2": ("--dport is given twice", 27, 34, ""),
    "-A INPUT -j MARK --set-mark 1 --or-mark 2": ("--or-mark is given after --set-mark", 31, 40, ""),
    "-A INPUT -j ZONE -j DROP": ("a rule has one -j or -g", 18, 20, ""),
    "-A INPUT -A ZONE": ("a rule has one -A or -I", 10, 12, ""),
    "[1:2] -A INPUT -c 1 2": ("the counters are given twice", 19, 22, ""),
    # negation
    "-A INPUT ! -j DROP": ("-j cannot be negated", 10, 14, _BANG),
    "-A INPUT -m comment ! --comment x": ("--comment cannot be negated", 21, 32, _BANG),
    "-A INPUT ! -s ! 1.2.3.4": ('-s needs an address, with an optional mask, found "!"', 15, 16, _ADDRESS),
    "-A INPUT ! ! -s 1.2.3.4": ("! stands twice", 10, 13, "leave out both"),
    "-A INPUT !": ("! stands before nothing", 10, 11, ""),
    "-A INPUT ! eth0": ('! stands before "eth0", which is no option', 12, 16, ""),
    # conditions of an extension
    "-A INPUT -m statistic --probability 0.5": ("-m statistic needs --mode", 10, 22, ""),
    "-A INPUT -m statistic --mode nth -j DROP": ("--mode nth needs --every", 23, 33, ""),
    # words that nothing explains
    "-A INPUT -j DROP extra": ('unexpected word "extra"', 18, 23, ""),
    "-A INPUT -j ZONE // here is": ('unexpected word "//"', 18, 20, "a comment stands on a line of its own, behind #"),
    "-A INPUT -j DROP \\": (
        'unexpected word "\\"', 18, 19, "a rule stands on one line; iptables-restore joins none",
    ),
    "-A INPUT -j NOBODY # geneve": ('unexpected word "#"', 20, 21, "a comment stands on a line of its own, behind #"),
    "-A INPUT -m nobody word": ('unexpected word "word"', 20, 24, ""),
    "-A INPUT -j ZONE --oops": ('"--oops" stands behind the name of a chain, which takes no options', 18, 24, ""),
    # quotes
    '-A INPUT -m comment --comment "cut': ("this quote is never closed", 31, 32, _CUT),
    '-A "INPUT': ("this quote is never closed", 4, 5, _CUT),
    '-A INPUT -j DROP "': ("this quote is never closed", 18, 19, _CUT),
    # chains and places
    "-A NOPE -j DROP": ('no line declares the chain "NOPE"', 4, 8, ""),
    "-A ZONA -j DROP": ('no line declares the chain "ZONA"', 4, 8, "did you mean ZONE?"),
    "-I INPUT 3 -j DROP": ("-I needs a place from 1 to 1 in this chain, found 3", 10, 11, ""),
    "-I INPUT 0 -j DROP": ("-I needs a place from 1 to 1 in this chain, found 0", 10, 11, ""),
    "[99999999999999999999:1] -A INPUT": ("counters need numbers of 64 bits", 2, 24, ""),
    # other commands
    "-D INPUT 1": ("-D is no rule", 1, 3, "only -A and -I stand in a saved ruleset"),
    "-F": ("-F is no rule", 1, 3, "a ruleset is read as it stands, not as commands"),
}  # fmt: skip

LINES: dict[str, tuple[str, int, int, str]] = {
    ":X": ("a chain line needs a policy, ACCEPT, DROP or -, found the end of the line", 3, 4, ""),
    ":X QUEUE [0:0]": ('a chain line needs a policy, ACCEPT, DROP or -, found "QUEUE"', 4, 9, ""),
    ":X - [a:0]": ('a chain line needs counters such as [0:0], found "[a:0]"', 6, 11, ""),
    ":X - [99999999999999999999:0]": ("counters need numbers of 64 bits", 6, 30, ""),
    ":X - [0:0] more": ('unexpected word "more"', 12, 16, ""),
    ":X DROP [0:0]": ('"X" has a policy, which only a built-in chain can have', 4, 8, ""),
    ":ZONE - [0:0]": ('the chain "ZONE" is declared twice', 2, 6, ""),
    ":": (
        "a chain line needs the name of a chain, of at most 28 characters, found the end of the line", 2, 3, "",
    ),
    "-N ZONE": ('the chain "ZONE" is declared twice', 4, 8, ""),
    "-N": ("-N needs the name of a chain, of at most 28 characters, found the end of the line", 3, 4, ""),
    "-P INPUT FOO": ('-P needs a policy, ACCEPT, DROP or -, found "FOO"', 10, 13, ""),
    "-P INPUT DROP -c 1": ('-P needs counters such as -c 0 0, found "-c"', 15, 17, ""),
    "*": ("a table line needs the name of a table, found the end of the line", 2, 3, ""),
    "*flter": ('no table "flter" in iptables', 2, 7, "did you mean filter?"),
    "*nat extra": ('unexpected word "extra"', 6, 11, ""),
    "COMMIT now": ('"COMMIT now" is no line of iptables-save', 1, 11, ""),
    "  see above": ('"see above" is no line of iptables-save', 3, 12, ""),
    "> -A INPUT": ('"> -A INPUT" is no line of iptables-save', 1, 11, "take off the > of the mail"),
    "iptables -A INPUT": (
        '"iptables -A INPUT" is no line of iptables-save', 1, 18, "this is a command; paste what iptables-save prints",
    ),
    "Chain INPUT (policy ACCEPT)": (
        '"Chain INPUT (policy ACCEPT)" is no line of iptables-save', 1, 28,
        "iptables -L leaves things out; paste what iptables-save prints",
    ),
    "12:-A INPUT": ('"12:-A INPUT" is no line of iptables-save', 1, 12, "grep -n numbered the lines; leave out -n"),
    "dump.txt:-A INPUT": (
        '"dump.txt:-A INPUT" is no line of iptables-save', 1, 18,
        "grep put the file's name before the lines; use grep -h",
    ),
    "*\0n\0a\0t\0": (
        'no table "\\x00n\\x00a\\x00t\\x00" in iptables', 2, 9, "the text looks like UTF-16; save it as UTF-8",
    ),
    "-\0A": ('"-\\x00A" is no line of iptables-save', 1, 4, "the text looks like UTF-16; save it as UTF-8"),
    "---": ('"---" is no line of iptables-save', 1, 4, ""),
}  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), [*RULES.items(), *LINES.items()])
def test_complaints(line: str, expected: tuple[str, int, int, str]) -> None:
    assert complaint(line) == expected


def test_a_rule_outside_of_a_table() -> None:
    with pytest.raises(ParseError) as raised:
        parse("*nat\nCOMMIT\n-A INPUT -j DROP\n")
    assert str(raised.value) == (
        "<string>:3:1: this line stands outside of a table\n"
        "  -A INPUT -j DROP\n"
        "  ^^^^^^^^^^^^^^^^\n"
        "hint: a table begins with *NAME and ends with COMMIT"
    )


def test_commit_without_a_table() -> None:
    with pytest.raises(ParseError, match=r"^<string>:1:1: COMMIT without a table\n"):
        parse("COMMIT\n")


@pytest.mark.parametrize(
    ("first", "second", "message", "column"),
    [
        ("-A INPUT -s 10.0.0.1", "-A INPUT -s ::1", "IPv6 address in an IPv4 ruleset", 13),
        ("-A INPUT -s ::1", "-A INPUT -p tcp -d 10.0.0.1", "IPv4 address in an IPv6 ruleset", 20),
        ("-A INPUT -m hl --hl-eq 1", "-A INPUT -s 10.0.0.1", "IPv4 address in an IPv6 ruleset", 13),
        ("-A INPUT -s ::1", "-A INPUT -m ttl --ttl-eq 1", "the IPv4 extension ttl in an IPv6 ruleset", 10),
        ("# Generated by ip6tables-save v1.8.9", "-A INPUT -s 10.0.0.1", "IPv4 address in an IPv6 ruleset", 13),
    ],
)
def test_the_other_family(first: str, second: str, message: str, column: int) -> None:
    with pytest.raises(ParseError) as raised:
        parse(f"*filter\n{first}\n{second}\nCOMMIT\n")
    assert (raised.value.message, raised.value.line, raised.value.column) == (message, 3, column)


def test_a_quote_that_is_never_closed_swallows_nothing() -> None:
    rules = "-A INPUT -m comment --comment fine -j DROP\n" * 50
    with pytest.raises(ParseError) as raised:
        parse(f'*filter\n-A INPUT -m comment --comment "never closed\n{rules}COMMIT\n')
    assert (raised.value.line, raised.value.column) == (2, 31)


def test_an_error_in_the_second_line_of_a_rule_is_shown_there() -> None:
    with pytest.raises(ParseError) as raised:
        parse('*filter\n-A INPUT -m comment --comment "two\nlines" --probability half -j DROP\nCOMMIT\n')
    assert (raised.value.line, raised.value.column) == (2, 31)


def test_a_rule_of_too_many_words() -> None:
    with pytest.raises(ParseError) as raised:
        parse(f"*filter\n-A INPUT{' -m tcp' * 255}\nCOMMIT\n")
    assert raised.value.message == "a rule has at most 255 words"
    assert raised.value.column == len("-A INPUT" + " -m tcp" * 254) + 2


def test_what_is_shown_of_a_long_word_is_short() -> None:
    with pytest.raises(ParseError) as raised:
        parse(f"*filter\n-A INPUT -s {'1' * 100_000}\nCOMMIT\n")
    assert raised.value.message == f'-s needs an address, with an optional mask, found "{"1" * 60}..."'
    assert len(str(raised.value)) < 1000
