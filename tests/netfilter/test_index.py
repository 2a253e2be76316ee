"""An index skips no rule that may match, and what a long chain costs grows with its rules only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptables_model import Flow, Outcome, Packet, parse, trace
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.chains import ReadyChain, ReadyChains
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.index import FEW, SlotTable, selective
from iptables_model.netfilter.packet import cube_of
from iptables_model.netfilter.sets import NameSet, NumberSet
from iptables_model.netfilter.state import State
from iptables_model.values.names import Interface

NUMBERS = st.builds(lambda first, size: NumberSet.of(first, first + size), st.integers(0, 60), st.integers(0, 3))
NAMES = st.builds(
    lambda name, prefix: NameSet.of(Interface(name, prefix=prefix)), st.text("ab", min_size=1), st.booleans()
)
BITS = st.builds(BitSet.of, st.integers(0, 63), st.sampled_from([0x3F, 0x3F, 0x0F, 0x30]))


@pytest.mark.parametrize("sets", [NUMBERS | st.builds(NumberSet.__or__, NUMBERS, NUMBERS), NAMES, BITS])
@given(data=st.data())
def test_no_rule_is_skipped_that_may_match(sets: st.SearchStrategy[Any], data: st.DataObject) -> None:
    asked = [data.draw(sets), *data.draw(st.lists(sets | st.none(), max_size=40))]
    held, start = data.draw(sets), data.draw(st.integers(0, len(asked)))
    place = SlotTable(asked).next_place(held, start)
    assert start <= place <= len(asked)
    assert not any(one is None or one & held for one in asked[start:place])


def test_what_is_exact_is_looked_up() -> None:
    table = SlotTable([NumberSet.of(number, number + 1) for number in range(0, 200, 2)])
    assert [table.next_place(NumberSet.of(number), 0) for number in (7, 150, 300)] == [3, 75, 100]
    assert table.next_place(NumberSet((0, 200)), 5) == 5
    marks = SlotTable([BitSet.of(number, mask) for number in range(100) for mask in (0xFF, 0xFFFFFFFF)])
    assert [marks.next_place(BitSet.of(7), start) for start in (0, 15, 16)] == [14, 15, 200]
    assert marks.next_place(BitSet.of(7, 0xFF), 3) == 3


def test_a_field_is_indexed_if_many_rules_ask_for_different_sets_of_it() -> None:
    ports = [NumberSet.of(port) for port in range(FEW)]
    samples = [{"sport": port, "protocol": ports[6]} for port in ports]
    assert selective(samples) == {"sport"}


def calls(call: Callable[[], object]) -> int:
    """Count the functions that are called: unlike time, it is the same in every run."""
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return count


def chain(rule: Callable[[int], str], size: int) -> str:
    lines = [":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", ":A - [0:0]"]
    lines += [f"-A FORWARD {rule(number)}" for number in range(size)]
    return "\n".join(["*filter", *lines, "-A A -p tcp -m tcp --dport 80 -j RETURN", "-A A -j DROP", "COMMIT", ""])


def address(number: int) -> str:
    return f"10.0.{number // 125}.{number % 125 * 2}"


ASKED: dict[str, tuple[Callable[[int], str], dict[str, Any]]] = {
    "addresses": (lambda number: f"-s {address(number)} -j DROP", {"src": None}),
    "addresses to mark": (lambda number: f"-s {address(number)} -j MARK --set-mark {number}", {"src": None}),
    "ranges to mark": (
        lambda number: f"-s 10.{number // 250}.{number % 250}.0/24 -j MARK --set-mark {number}",
        {"src": None},
    ),
    "addresses and ports": (
        lambda number: f"-s {address(number)} -p tcp -m tcp --dport {number} -j DROP",
        {"src": None, "dport": "any"},
    ),
    "lists of ports": (
        lambda number: f"-p tcp -m multiport --sports {20 * number},{20 * number + 2},{20 * number + 4} -j DROP",
        {},
    ),
    "names": (lambda number: f"-i eth{number} -j MARK --set-mark {number}", {}),
    "beginnings of names": (lambda number: f"-i e{number}x+ -j LOG", {}),
    "marks": (lambda number: f"-m mark --mark {2 * number} -j DROP", {"mark": "any"}),
    "marks to log": (lambda number: f"-m mark --mark {2 * number} -j LOG", {"mark": "any"}),
    "marks to ask further": (lambda number: f"-m mark --mark {2 * number} -j A", {"mark": "any"}),
    "marks under masks": (
        lambda number: f"-m mark --mark {number:#x}/{0xFFFF if number % 2 else 0xFFFFFFFF:#x} -j DROP",
        {"mark": "any"},
    ),
    "marks to mark": (lambda number: f"-m mark --mark {2 * number} -j MARK --set-mark {number}", {"mark": "any"}),
    "marks of connections": (lambda number: f"-m connmark --mark {number}/0xffff -j DROP", {"connmark": "any"}),
    "lengths": (lambda number: f"-m length --length {2 * number} -j MARK --set-mark {number}", {}),
}


@pytest.mark.parametrize(("rule", "opened"), ASKED.values(), ids=list(ASKED))
def test_twice_the_rules_cost_twice_as_much(rule: Callable[[int], str], opened: dict[str, Any]) -> None:
    closed: dict[str, Any] = {
        "src": "192.0.2.1",
        "dst": "10.244.0.5",
        "protocol": "tcp",
        "dport": 80,
        "in_interface": "any",
    }
    packet = Packet(**{name: value for name, value in (closed | opened).items() if value is not None})

    def cost(size: int) -> int:
        ruleset = parse(chain(rule, size))
        trace(ruleset, packet)
        return calls(lambda: trace(ruleset, packet))

    assert cost(1000) < 2.1 * cost(500)


@pytest.mark.parametrize("rule", [rule for rule, opened in ASKED.values() if "mark" in opened])
def test_each_mark_fares_as_it_does_alone(rule: Callable[[int], str]) -> None:
    ruleset = parse(chain(rule, 100))
    closed: Any = {"src": "192.0.2.1", "dst": "10.244.0.5", "protocol": "tcp", "dport": 80}
    flows = trace(ruleset, Packet(mark="any", **closed))
    for mark in (0, 1, 2, 77, 198, 200, 0x10001, 0x10002):
        member = Packet(mark=mark, **closed)
        assert _fates([flow for flow in flows if member in flow.when]) == _fates(trace(ruleset, member))


def _fates(flows: Iterable[Flow]) -> list[tuple[Outcome, str]]:
    return sorted((flow.outcome, str(flow.delivery)) for flow in flows)


def test_a_rule_that_changes_packets_is_not_skipped() -> None:
    rules = "".join(f"-A FORWARD -p tcp -m tcp --dport {port} -j DROP\n" for port in range(1, 2 * FEW))
    restoring = "-A FORWARD -p tcp -m socket --restore-skmark -m tcp --dport 22 -j DROP\n"
    text = f"*filter\n:FORWARD ACCEPT [0:0]\n{rules}{restoring}{rules}COMMIT\n"
    flows = trace(
        parse(text), Packet(src="192.0.2.1", dst="198.51.100.1", protocol="tcp", dport=443, in_interface="eth0")
    )
    forwarded = {str(one.packet.mark) for one in flows if one.delivery == "forwarded"}
    assert forwarded == {"0x0", "any"}


SOURCES = ("-s 10.0.0.1", "-s 10.0.0.2/32", "! -s 10.0.0.2", "-s 10.0.0.0/24", "-s 10.0.0.2 -p udp", "")
TARGETS = ("DROP", "LOG", "MARK --set-mark 1")
NO_SOURCES = ("! -s 10.0.0.0/24", "! -s 10.0.0.2 -p tcp", "! -s 10.0.0.0/255.0.255.255")


def _ready(*rules: str) -> ReadyChain:
    lines = "".join(f"-A FORWARD {rule} -j LOG\n" for rule in rules)
    ready = ReadyChains(parse(f"*filter\n:FORWARD ACCEPT [0:0]\n{lines}COMMIT\n"), Evidence(4)).get("filter", "FORWARD")
    assert ready is not None
    return ready


def test_a_short_chain_skips_the_rules_for_other_sources() -> None:
    ready = _ready(*SOURCES)
    assert ready.index_fields == {"src"}
    assert ready.index_end == 5
    assert [ready.next_place(_from("10.0.0.2"), start) for start in range(5)] == [1, 1, 3, 3, 4]
    assert [ready.next_place(_from("10.0.0.9"), start) for start in range(5)] == [2, 2, 2, 3, 5]
    assert ready.next_place(_from("10.0.0.1,10.0.0.9"), 0) == 0
    assert _ready("-p tcp", "-s 10.0.0.0/24").index_end == 0


def test_a_short_chain_skips_the_rules_for_all_but_some_sources() -> None:
    ready = _ready(*NO_SOURCES)
    assert ready.index_fields == {"src"}
    assert ready.index_end == 2
    assert [ready.next_place(_from("10.0.0.2"), start) for start in range(2)] == [2, 2]
    assert [ready.next_place(_from("10.0.0.9,10.0.0.2"), start) for start in range(2)] == [1, 1]
    assert ready.next_place(_from("10.0.0.2,10.0.1.2"), 0) == 0


def _from(src: str) -> State:
    return State(cube_of(Packet(src=src), 4))


@given(
    st.lists(st.tuples(st.sampled_from(SOURCES + NO_SOURCES), st.sampled_from(TARGETS)), max_size=9),
    st.sampled_from(["10.0.0.2", "10.0.0.9", "10.0.0.1,10.0.0.2", "10.0.0.0/24", "any"]),
)
def test_a_short_chain_does_what_a_long_one_does(rules: list[tuple[str, str]], src: str) -> None:
    packet = Packet(src=None if src == "any" else src, dst="198.51.100.1", protocol="tcp", in_interface="eth0")
    lines = "".join(f"-A FORWARD {asked} -j {target}\n" for asked, target in rules)
    never = "-A FORWARD -p 99 -j DROP\n" * FEW
    short, long = (
        trace(parse(f"*filter\n:FORWARD ACCEPT [0:0]\n{text}COMMIT\n"), packet) for text in (lines, lines + never)
    )
    assert set(map(str, short)) == set(map(str, long))
