"""Parts of dumps: bare rules, listings of `iptables -S`, and the table to which each rule belongs."""

from __future__ import annotations

import itertools

import pytest

from iptables_model import Counters, parse
from iptables_model.model.ruleset import UNKNOWN_TABLE


def homes(text: str, *, table: str | None = None) -> dict[int, str]:
    """Give the table of each rule, by its line."""
    ruleset = parse(text, table=table)
    assert ruleset.fragment
    assert str(ruleset) == text
    assert ruleset.issues == ()
    return {rule.line or 0: rule.table for rule in ruleset.rules}


@pytest.mark.parametrize(
    ("rule", "table"),
    [
        ("-A FORWARD -j X", UNKNOWN_TABLE),
        ("-A X -j ACCEPT", UNKNOWN_TABLE),
        ("-A X -j DNAT --to-destination 10.0.0.1", "nat"),
        ("-A X -j REJECT", "filter"),
        ("-A X -j CT --notrack", "raw"),
        ("-A X -j TOS --set-tos 0x10", "mangle"),
        ("-A OUTPUT -j REDIRECT", "nat"),
    ],
)
def test_what_a_rule_says_itself(rule: str, table: str) -> None:
    assert homes(f"{rule}\n") == {1: table}


def test_the_caller_names_the_table_of_what_stays_open() -> None:
    text = "-A X -j ACCEPT\n-A Y -j REJECT\n"
    assert homes(text, table="mangle") == {1: "mangle", 2: "filter"}


def test_tables_follow_jumps_both_ways() -> None:
    text = "-A TOP -j MIDDLE\n-A MIDDLE -j BOTTOM\n-A BOTTOM -j DNAT --to-destination 10.0.0.1\n-A BOTTOM -j RETURN\n"
    assert homes(text) == {1: "nat", 2: "nat", 3: "nat", 4: "nat"}
    text = "-A TOP -j REJECT\n-A TOP -j MIDDLE\n-A MIDDLE -g BOTTOM\n-A BOTTOM -j ACCEPT\n"
    assert homes(text) == {1: "filter", 2: "filter", 3: "filter", 4: "filter"}


def test_a_long_way_of_jumps_takes_no_long_time() -> None:
    names = [f"chain-{number}" for number in range(3000)]
    down = "".join(f"-A {one} -j {other}\n" for one, other in itertools.pairwise(names))
    assert set(homes(f"{down}-A {names[-1]} -j REJECT\n").values()) == {"filter"}
    assert set(homes(f"-A {names[0]} -j REJECT\n{down}").values()) == {"filter"}


def test_one_name_for_chains_of_two_tables() -> None:
    text = "-A S -j TO-NAT\n-A S -j REJECT\n-A TO-NAT -j DNAT --to-destination 10.0.0.1\n"
    ruleset = parse(text)
    assert homes(text) == {1: "nat", 2: "filter", 3: "nat"}
    assert [rule.index for rule in (*ruleset["nat"]["S"].rules, *ruleset["filter"]["S"].rules)] == [0, 0]


def test_chains_of_a_fragment() -> None:
    text = ":A - [1:2]\n-A A -j REJECT\n-A B -j REJECT\n:C - [0:0]\n:PREROUTING ACCEPT [3:4]\n"
    filter_table = parse(text)["filter"]
    assert [(chain.name, chain.declared) for chain in filter_table] == [("A", True), ("B", False)]
    assert filter_table["A"].counters == Counters(1, 2)
    unknown = parse(text)[UNKNOWN_TABLE]
    assert [(chain.name, chain.policy, chain.declared) for chain in unknown] == [
        ("C", None, True),
        ("PREROUTING", "ACCEPT", True),
    ]


def test_greps_of_one_dump_may_show_a_chain_again() -> None:
    text = ":A - [0:0]\n-A A -j REJECT\n:A - [0:0]\n-A A -j REJECT\n"
    assert homes(text) == {2: "filter", 4: "filter"}


LISTING = """\
-P INPUT ACCEPT
-P FORWARD DROP
-P OUTPUT ACCEPT
-N A
-A INPUT -j A
-A A -m comment --comment "so far" -c 5 300 -j ACCEPT
-P PREROUTING ACCEPT
-P INPUT ACCEPT
-P OUTPUT ACCEPT -c 1 2
-P POSTROUTING ACCEPT
-N A
-A A -j RETURN
"""


def test_listings_tell_their_table_by_the_policies() -> None:
    text = LISTING
    ruleset = parse(text)
    assert homes(text) == {5: "filter", 6: "filter", 12: "nat"}
    assert ruleset["filter"]["FORWARD"].policy == "DROP"
    assert ruleset["nat"]["OUTPUT"].counters == Counters(1, 2)
    assert ruleset["filter"]["A"].rules[0].counters == Counters(5, 300)
    assert [chain.name for chain in ruleset["nat"]] == ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING", "A"]
    assert all(chain.declared for table in ruleset for chain in table)


@pytest.mark.parametrize(
    ("command", "table"),
    [
        ("root@node:~# iptables -t nat -S A", "nat"),
        ("$ sudo ip6tables --table=raw --list-rules", "raw"),
        ("# iptables-save -t mangle | grep A", "mangle"),
        ("[root@node ~]# iptables -S", "filter"),
        ("root@node:~# iptables-save | grep A", UNKNOWN_TABLE),
    ],
)
def test_the_command_behind_a_prompt_tells_the_table(command: str, table: str) -> None:
    assert homes(f"{command}\n-N A\n-A A -j ACCEPT\n") == {3: table}
    assert parse(f"{command}\n-N A\n-A A -j ACCEPT\n")[table]["A"].declared


def test_another_prompt_ends_a_listing() -> None:
    text = "$ iptables -t nat -S A\n-A A -j ACCEPT\n$ cat more\n-A B -j ACCEPT\n"
    assert homes(text) == {2: "nat", 4: UNKNOWN_TABLE}


def test_rules_before_a_table() -> None:
    text = "-A A -j ACCEPT\n*nat\n:A - [0:0]\n-A A -j RETURN\nCOMMIT\n-A A -j REJECT\n"
    assert homes(text) == {1: "filter", 4: "nat", 6: "filter"}


def test_insertion_in_a_fragment() -> None:
    text = "-A A -s 1.0.0.0 -j REJECT\n-I A -s 2.0.0.0 -j REJECT\n-I A 9 -s 3.0.0.0 -j REJECT\n"
    assert [rule.line for rule in parse(text).rules] == [2, 1, 3]
