"""Chains as a graph."""

from __future__ import annotations

import pickle

import attrs
import pytest

from iptables_model.errors import Ambiguous, ModelError, NotFound
from iptables_model.graph import Edge, Graph, Kind, graph
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Chain, Ruleset, Table
from iptables_model.model.targets import Accept, UnknownTarget
from tests.graph.building import fragment_of, rule_to, ruleset_of, table_of

TWO_TABLES = ruleset_of(
    filter={"INPUT": ["WEB", ">DNS", "WEB"], "WEB": ["LOG"], "DNS": [], "LOG": [], "OLD": ["OLDER"], "OLDER": []},
    nat={"OUTPUT": ["WEB"], "WEB": []},
)


def f(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple(("filter", name) for name in names)


def test_chains_and_edges_stand_in_the_order_of_the_text() -> None:
    made = graph(ruleset_of(filter={"INPUT": ["B", ">A"], "A": [], "B": []}))
    assert made == Graph(
        chains=f("INPUT", "A", "B"),
        hooked=f("INPUT"),
        edges=(
            Edge(
                source=("filter", "INPUT"),
                target=("filter", "B"),
                kind=Kind.JUMP,
                rule=rule_to("filter", "INPUT", "B"),
            ),
            Edge(
                source=("filter", "INPUT"),
                target=("filter", "A"),
                kind=Kind.GOTO,
                rule=rule_to("filter", "INPUT", ">A"),
            ),
        ),
    )


def test_only_jumps_and_gotos_are_edges() -> None:
    rules = tuple(
        Rule(table="filter", chain="INPUT", target=target)
        for target in (None, Accept(), UnknownTarget(name="TARPIT", words=("--tarpit",)))
    )
    assert graph(Table(name="filter", chains=(Chain(name="INPUT", policy="DROP", rules=rules),))).edges == ()


def test_a_table_has_a_graph_of_its_own() -> None:
    assert graph(TWO_TABLES["nat"]) == graph(ruleset_of(nat={"OUTPUT": ["WEB"], "WEB": []}))


def test_an_edge_knows_its_rule() -> None:
    first, _, again = graph(TWO_TABLES).outgoing("INPUT")
    assert first.rule is TWO_TABLES["filter"]["INPUT"].rules[0]
    assert again.rule is TWO_TABLES["filter"]["INPUT"].rules[2]
    assert [edge.rule for edge in graph(TWO_TABLES).incoming("DNS")] == [TWO_TABLES["filter"]["INPUT"].rules[1]]


def test_callers_and_callees_are_distinct() -> None:
    made = graph(TWO_TABLES)
    assert made.callees("INPUT") == f("WEB", "DNS")
    assert made.callers("LOG") == f("WEB")
    assert made.callers(("filter", "WEB")) == f("INPUT")
    assert made.callers(("nat", "WEB")) == (("nat", "OUTPUT"),)


def test_what_is_reached_comes_by_distance() -> None:
    made = graph(TWO_TABLES)
    assert made.reachable_from("INPUT") == f("INPUT", "WEB", "DNS", "LOG")
    assert made.reachable_from("INPUT", depth=1) == f("INPUT", "WEB", "DNS")
    assert made.reachable_from("INPUT", depth=0) == f("INPUT")
    assert made.reachable_from("OLDER", "DNS", "OLDER") == f("OLDER", "DNS")
    assert made.reachable_from() == ()


def test_a_depth_is_not_negative() -> None:
    with pytest.raises(ModelError) as caught:
        graph(TWO_TABLES).reachable_from("INPUT", depth=-1)
    assert str(caught.value) == "a depth needs a number from 0, found -1"


def test_a_name_in_two_tables_is_ambiguous() -> None:
    with pytest.raises(Ambiguous) as caught:
        graph(TWO_TABLES).callers("WEB")
    assert caught.value.candidates == ("filter/WEB", "nat/WEB")


def test_a_chain_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound) as caught:
        graph(TWO_TABLES).callers("WBE")
    assert str(caught.value) == 'no chain "WBE"; did you mean WEB?'
    with pytest.raises(NotFound) as caught:
        graph(TWO_TABLES).callers(("nat", "LOG"))
    assert str(caught.value) == 'no chain "nat/LOG"; did you mean nat/OUTPUT or filter/LOG or nat/WEB?'


def test_roots_are_what_the_hooks_enter() -> None:
    assert graph(TWO_TABLES).roots == (("filter", "INPUT"), ("nat", "OUTPUT"))
    assert graph(Table(name="broute", chains=(Chain(name="BROUTING", policy="ACCEPT"),))).roots == (
        ("broute", "BROUTING"),
    )


def test_dead_chains() -> None:
    made = graph(TWO_TABLES)
    assert made.unreferenced == f("OLD")
    assert made.unreachable == f("OLD", "OLDER")


def test_chains_that_are_not_there() -> None:
    made = graph(ruleset_of(filter={"INPUT": ["GONE", ">AWAY", "GONE"]}))
    assert made.undefined == f("GONE", "AWAY")
    assert made.not_shown == ()
    assert made.callers("GONE") == f("INPUT")
    assert made.callees("GONE") == ()
    assert made.reachable_from("INPUT") == f("INPUT", "GONE", "AWAY")


def test_a_fragment_does_not_show_all() -> None:
    made = graph(fragment_of("nat", {"PREROUTING": ["A"], "A": ["B"], "C": ["B"]}))
    assert made.undefined == ()
    assert made.not_shown == (("nat", "B"),)
    assert made.unreferenced == ()
    assert made.unreachable == ()
    assert made.roots == (("nat", "PREROUTING"), ("nat", "C"))


def test_a_table_of_a_fragment_is_a_fragment() -> None:
    assert graph(fragment_of("nat", {"A": ["B"]})["nat"]).fragment


def test_cycles_are_groups_in_the_order_of_the_text() -> None:
    jumps = {"INPUT": ["C", "S"], "A": ["B"], "B": ["C"], "C": ["A", "D"], "D": [], "E": [">F"], "F": ["E"], "S": ["S"]}
    assert graph(ruleset_of(filter=jumps)).cycles == (f("A", "B", "C"), f("E", "F"), f("S"))


def test_chains_of_one_name_in_two_tables_are_no_cycle() -> None:
    assert graph(ruleset_of(filter={"A": ["B"], "B": []}, nat={"A": [], "B": ["A"]})).cycles == ()


def test_adjacency_is_plain_data() -> None:
    assert graph(TWO_TABLES).adjacency() == {
        "filter": {"INPUT": ["WEB", "DNS"], "WEB": ["LOG"], "DNS": [], "LOG": [], "OLD": ["OLDER"], "OLDER": []},
        "nat": {"OUTPUT": ["WEB"], "WEB": []},
    }


def test_a_table_that_stands_twice_is_one() -> None:
    twice = Ruleset(tables=(table_of("nat", {"A": ["B"], "B": []}), table_of("nat", {"A": ["C"], "C": []})))
    assert graph(twice).adjacency() == {"nat": {"A": ["B", "C"], "B": [], "C": []}}


def test_graphs_are_values() -> None:
    made = graph(TWO_TABLES)
    assert made.cycles == ()
    assert hash(made) == hash(graph(TWO_TABLES))
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301 (our own pickle)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made.fragment = True  # type: ignore[misc]


def test_depth_of_jumps_is_no_limit() -> None:
    names = [f"C{number}" for number in range(20_000)]
    jumps = {name: [following] for name, following in zip(names, [*names[1:], names[0]], strict=True)}
    made = graph(ruleset_of(nat=jumps))
    assert made.cycles == (tuple(("nat", name) for name in names),)
    assert len(made.reachable_from("C7")) == 20_000
