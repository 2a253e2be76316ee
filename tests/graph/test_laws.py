"""What holds for every graph of chains, and what the kernel says of loops."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iptables_model.graph import graph
from iptables_model.graph.components import components
from tests.graph.building import Jumps, ruleset_of
from tests.oracle import Namespace

NAMES = ("INPUT", "A", "B", "C", "D", "E")


def jumps_between(names: tuple[str, ...], *, built_in: tuple[str, ...] = ()) -> st.SearchStrategy[Jumps]:
    """Draw a table in which any chain may lead to any user-defined one."""
    users = [name for name in names if name not in built_in]
    targets = st.sampled_from([*users, *(f">{name}" for name in users)])
    return st.fixed_dictionaries({name: st.lists(targets, max_size=3, unique=True) for name in names})


def reached(jumps: Jumps, start: str) -> set[str]:
    """List what is reached from a chain by one jump or more, by the definition."""
    found: set[str] = set()
    while True:
        onward = {target.removeprefix(">") for name in {start, *found} for target in jumps[name]}
        if onward <= found:
            return found
        found |= onward


@given(jumps_between(NAMES))
def test_reachable_chains_are_those_of_the_definition(jumps: Jumps) -> None:
    made = graph(ruleset_of(filter=jumps))
    for name in NAMES:
        assert {chain for _, chain in made.reachable_from(name)} == {name} | reached(jumps, name)


@given(jumps_between(NAMES))
def test_cycles_are_the_chains_that_reach_each_other(jumps: Jumps) -> None:
    groups = [{chain for _, chain in group} for group in graph(ruleset_of(filter=jumps)).cycles]
    for name in NAMES:
        mutual = {other for other in reached(jumps, name) if name in reached(jumps, other)}
        assert [group for group in groups if name in group] == ([mutual] if name in reached(jumps, name) else [])


@given(jumps_between(NAMES))
def test_callers_and_callees_are_two_sides_of_one_thing(jumps: Jumps) -> None:
    made = graph(ruleset_of(filter=jumps))
    forth = {(chain, callee) for chain in made.chains for callee in made.callees(chain)}
    back = {(caller, chain) for chain in made.chains for caller in made.callers(chain)}
    assert forth == back == {(edge.source, edge.target) for edge in made.edges}


@given(st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, 9))))
def test_a_component_comes_after_all_that_it_leads_to(drawn: dict[int, list[int]]) -> None:
    successors = {node: drawn.get(node, []) for node in range(10)}
    found = list(components(successors))
    assert sorted(node for group in found for node in group) == list(range(10))
    place = {node: number for number, group in enumerate(found) for node in group}
    assert all(place[node] >= place[other] for node in successors for other in successors[node])


def test_components_of_a_long_way_need_no_recursion() -> None:
    way = dict(pairwise(range(100_000)))
    found = list(components({node: [way[node]] if node in way else [] for node in range(100_000)}))
    assert found == [[node] for node in reversed(range(100_000))]


@pytest.mark.oracle
@pytest.mark.parametrize("restore", ["iptables-nft-restore", "iptables-legacy-restore"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(jumps=jumps_between(NAMES, built_in=("INPUT",)))
def test_the_kernel_refuses_the_cycles_that_a_hook_reaches(netns: Namespace, restore: str, jumps: Jumps) -> None:
    ruleset = ruleset_of(filter=jumps)
    made = graph(ruleset)
    live = set(made.reachable_from(*made.roots))
    loops = any(chain in live for group in made.cycles for chain in group)
    assert netns.run(restore, text=str(ruleset), check=False).returncode == (4 if "nft" in restore else 1) * loops
