"""Chains drawn as DOT and Mermaid."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptables_model.errors import NotFound
from iptables_model.graph import Graph, graph
from iptables_model.render import to_dot, to_mermaid
from iptables_model.values.names import CHAIN_NAME
from tests.graph.building import fragment_of, ruleset_of

DRAWN = graph(
    ruleset_of(
        filter={"INPUT": ["KUBE-FIREWALL", "LOG", "LOG", ">GONE"], "KUBE-FIREWALL": ["LOG"], "LOG": []},
        nat={"OUTPUT": [">LOG", ">LOG"], "LOG": []},
    )
)
HOSTILE = 'a"b\\<i>#;\x1b'


def test_dot_of_all_chains() -> None:
    assert (
        to_dot(DRAWN)
        == """\
digraph chains {
  rankdir=LR;
  node [shape=box];
  subgraph "cluster filter" {
    label="filter";
    "filter/INPUT" [label="INPUT", style=bold];
    "filter/KUBE-FIREWALL" [label="KUBE-FIREWALL"];
    "filter/LOG" [label="LOG"];
    "filter/GONE" [label="GONE (undefined)", style=dotted];
  }
  subgraph "cluster nat" {
    label="nat";
    "nat/OUTPUT" [label="OUTPUT", style=bold];
    "nat/LOG" [label="LOG"];
  }
  "filter/INPUT" -> "filter/KUBE-FIREWALL";
  "filter/INPUT" -> "filter/LOG" [label="2 rules"];
  "filter/INPUT" -> "filter/GONE" [style=dashed];
  "filter/KUBE-FIREWALL" -> "filter/LOG";
  "nat/OUTPUT" -> "nat/LOG" [style=dashed, label="2 rules"];
}
"""
    )


def test_mermaid_of_all_chains() -> None:
    assert (
        to_mermaid(DRAWN)
        == """\
flowchart LR
  subgraph filter_2f_["filter"]
    filter_2f_INPUT(["INPUT"])
    filter_2f_KUBE_2d_FIREWALL["KUBE-FIREWALL"]
    filter_2f_LOG["LOG"]
    filter_2f_GONE{{"GONE (undefined)"}}
  end
  subgraph nat_2f_["nat"]
    nat_2f_OUTPUT(["OUTPUT"])
    nat_2f_LOG["LOG"]
  end
  filter_2f_INPUT --> filter_2f_KUBE_2d_FIREWALL
  filter_2f_INPUT -->|"2 rules"| filter_2f_LOG
  filter_2f_INPUT -.-> filter_2f_GONE
  filter_2f_KUBE_2d_FIREWALL --> filter_2f_LOG
  nat_2f_OUTPUT -.->|"2 rules"| nat_2f_LOG
"""
    )


def test_what_is_reached_from_one_chain() -> None:
    assert (
        to_mermaid(DRAWN, start="KUBE-FIREWALL")
        == """\
flowchart LR
  subgraph filter_2f_["filter"]
    filter_2f_KUBE_2d_FIREWALL["KUBE-FIREWALL"]
    filter_2f_LOG["LOG"]
  end
  filter_2f_KUBE_2d_FIREWALL --> filter_2f_LOG
"""
    )
    assert (
        to_dot(DRAWN, start=("nat", "OUTPUT"), depth=0)
        == """\
digraph chains {
  rankdir=LR;
  node [shape=box];
  subgraph "cluster nat" {
    label="nat";
    "nat/OUTPUT" [label="OUTPUT", style=bold];
  }
}
"""
    )


def test_a_depth_alone_is_counted_from_where_packets_come_in() -> None:
    assert (
        to_mermaid(DRAWN, depth=0)
        == """\
flowchart LR
  subgraph filter_2f_["filter"]
    filter_2f_INPUT(["INPUT"])
  end
  subgraph nat_2f_["nat"]
    nat_2f_OUTPUT(["OUTPUT"])
  end
"""
    )


def test_a_fragment_says_what_it_does_not_show() -> None:
    assert '"nat/B" [label="B (not shown)", style=dotted];' in to_dot(graph(fragment_of("nat", {"A": ["B"]})))


def test_a_start_that_is_not_there_is_not_found() -> None:
    for render in (to_dot, to_mermaid):
        with pytest.raises(NotFound):
            render(DRAWN, start="NOPE")


def test_names_are_escaped() -> None:
    drawn = Graph(chains=(("nat", HOSTILE),))
    assert to_dot(drawn).splitlines()[5] == r'    "nat/a\"b\\\\<i>#;\\x1b" [label="a\"b\\<i>#;\\x1b"];'
    assert to_mermaid(drawn).splitlines()[2] == (
        '    nat_2f_a_22_b_5c__3c_i_3e__23__3b__1b_["a#34;b#92;#60;i#62;#35;#59;#92;x1b"]'
    )


NAMES = st.from_regex(CHAIN_NAME, fullmatch=True)


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True))
def test_any_name_stays_one_box_on_one_line(names: list[str]) -> None:
    drawn = Graph(chains=tuple(("nat", name) for name in names))
    boxes = to_mermaid(drawn).splitlines()[2:-1]
    assert len(boxes) == len(names)
    assert all(re.fullmatch(r'    (nat_2f_[A-Za-z0-9_]+)\["[A-Za-z0-9 ()+./:~_#;-]+"\]', box) for box in boxes)
    assert len({box.partition("[")[0] for box in boxes}) == len(names)
    quoted = r'"(?:[^"\\]|\\["\\])*"'
    lines = to_dot(drawn).splitlines()[5:-2]
    assert len(lines) == len(names)
    assert all(re.fullmatch(rf"    {quoted} \[label={quoted}\];", line) for line in lines)
    assert len({line.partition(" [label")[0] for line in lines}) == len(names)


def test_a_shown_control_character_is_not_taken_for_a_name() -> None:
    drawn = Graph(chains=(("nat", "\x1b"), ("nat", "\\x1b")))
    assert to_dot(drawn).splitlines()[5:7] == [
        r'    "nat/\\x1b" [label="\\x1b"];',
        r'    "nat/\\\\x1b" [label="\\x1b"];',
    ]
