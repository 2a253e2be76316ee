"""Looking into rules that are not made yet says what the made rules say."""

from __future__ import annotations

import gc
from collections.abc import Hashable
from pathlib import Path

import pytest

from iptables_model import Chain, Counters, NotFound, Ruleset, load, parse
from iptables_model.model.matches import Comment, Conntrack, Ip, Statistic, Tcp
from iptables_model.model.option import Match
from iptables_model.model.ruleset import Field, Parts, pending_in, pending_of, rule_of, size_of, values_of
from iptables_model.model.targets import Dnat, Jump, Mark
from tests.files import fixture_files, fixture_name

FIELDS = (
    Field(Ip, "source"),
    Field(Ip, "source", single=True),
    Field(Ip, "source", negated=True),
    Field(Ip, "destination"),
    Field(Ip, "destination", single=True),
    Field(Ip, "protocol"),
    Field(Tcp, "dport"),
    Field(Tcp, "dport", single=True),
    Field(Comment, "comment"),
    Field(Conntrack, "ctstate"),
    Field(Statistic, "probability"),
    Field(Jump, "chain"),
    Field(Dnat, "to_destination"),
    Field(Mark, "set_xmark"),
)


@pytest.mark.parametrize("path", fixture_files("dumps/*/*/kind-worker.nft.save"), ids=fixture_name)
def test_what_waits_says_what_is_made(path: Path) -> None:
    waiting, made = load(path), load(path)
    for table, other in zip(waiting, made, strict=True):
        for chain, whole in zip(table, other, strict=True):
            rules = whole.rules
            assert size_of(chain) == len(rules)
            assert list(values_of(chain, *FIELDS)) == list(values_of(whole, *FIELDS))
            assert tuple(rule_of(chain, place) for place in range(len(rules))) == rules
            assert chain.rules == rules


@pytest.mark.parametrize("path", fixture_files("dumps/*/*/kind-worker.nft.save"), ids=fixture_name)
def test_rules_that_are_alike_ask_the_same(path: Path) -> None:
    made = load(path)
    for table, other in zip(load(path), made, strict=True):
        asked: dict[Hashable, tuple[Match, ...]] = {}
        for chain in other:
            assert chain.rules == tuple(chain)  # and so they are made
            waiting, whole = pending_in(table, chain.name), pending_of(chain)
            assert waiting is not None
            assert whole.rules() == chain.rules
            for place in range(len(whole)):
                parts, made_parts = waiting.parts(place), whole.parts(place)
                said = tuple(match for match in _matches(made_parts) if not isinstance(match, Comment))
                assert (_matches(parts), parts.target) == (said, made_parts.target)
                assert asked.setdefault(parts.asked, said) == said
    assert pending_in(made.tables[0], "NOWHERE") is None


def _matches(parts: Parts) -> tuple[Match, ...]:
    asking, said = parts.asked
    return asking.matches_of(said)


def test_chains_are_made_once() -> None:
    text = "*nat\n:INPUT DROP [1:2]\n:A - [0:0]\n-A A -j B\n-A OUTPUT -j A\n-N B\n-P OUTPUT ACCEPT\nCOMMIT\n"
    table, other = parse(text)["nat"], parse(text)["nat"]
    one = table["A"]
    assert "A" in table
    assert "C" not in table
    with pytest.raises(NotFound) as raised:
        table["C"]
    assert raised.value.candidates == ("INPUT", "A", "OUTPUT", "B")
    assert table.chains[1] is table["A"] is table.get("A") is one
    assert [other.get(chain.name) for chain in table] == list(table)
    assert [(chain.name, chain.policy, chain.counters, chain.declared, len(chain.rules)) for chain in other] == [
        ("INPUT", "DROP", Counters(1, 2), True, 0),
        ("A", None, Counters(0, 0), True, 1),
        ("OUTPUT", "ACCEPT", None, True, 1),
        ("B", None, None, True, 0),
    ]
    assert table == other
    assert hash(table) == hash(other)
    with pytest.raises(AttributeError, match="a table has no chain"):
        table.chain  # noqa: B018


def test_reading_makes_no_chain() -> None:
    def chains() -> int:
        return sum(isinstance(held, Chain) for held in gc.get_objects())

    before = chains()
    ruleset = parse("*nat\n" + "".join(f":C{number} - [0:0]\n" for number in range(500)) + "COMMIT\n")
    assert chains() == before
    assert ruleset["nat"]["C7"].rules == ()
    assert chains() == before + 1


def test_what_stands_behind_a_bang_is_no_value() -> None:
    text = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ! -s 10.0.0.1 -p tcp\n-A INPUT -s 10.0.0.1\nCOMMIT\n"
    (_, found), (protocol, _) = (_values(parse(text), field) for field in ("source", "protocol"))
    assert str(found) == "10.0.0.1/32"
    assert str(protocol) == "tcp"
    assert _values(parse(text), "source")[0] is None
    first, second = values_of(parse(text)["filter"]["INPUT"], Field(Ip, "source", negated=True))
    assert (str(first[0]), second) == ("10.0.0.1/32", (None,))


@pytest.mark.parametrize(
    ("option", "field", "number"),
    [
        ("-s 10.0.0.1", Field(Ip, "source", single=True), 0x0A000001),
        ("-s 10.0.0.1/32", Field(Ip, "source", single=True), 0x0A000001),
        ("-s 10.0.0.1/255.255.255.255", Field(Ip, "source", single=True), 0x0A000001),
        ("-s 10.0.0.1/31", Field(Ip, "source", single=True), None),
        ("-s 10.0.0.1/255.255.255.253", Field(Ip, "source", single=True), None),
        ("-s 10/32", Field(Ip, "source", single=True), 0x0A000000),
        ("-s fd00::1", Field(Ip, "source", single=True), 0xFD00 << 112 | 1),
        ("-s fd00::1/64", Field(Ip, "source", single=True), None),
        ("! -s 10.0.0.1", Field(Ip, "source", single=True), None),
        ("-d 10.0.0.1", Field(Ip, "source", single=True), None),
        ("-p tcp -m tcp --dport 80", Field(Tcp, "dport", single=True), 80),
        ("-p tcp -m tcp --dport 0", Field(Tcp, "dport", single=True), 0),
        ("-p tcp -m tcp --dport http", Field(Tcp, "dport", single=True), 80),
        ("-p tcp -m tcp --dport 80:80", Field(Tcp, "dport", single=True), 80),
        ("-p tcp -m tcp --dport 80:81", Field(Tcp, "dport", single=True), None),
        ("-p tcp -m tcp ! --dport 80", Field(Tcp, "dport", single=True), None),
    ],
)
def test_the_single_number_of_a_value(option: str, field: Field, number: int | None) -> None:
    text = f"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT {option}\nCOMMIT\n"
    made = parse(text)
    assert len(made["filter"]["INPUT"].rules) == 1
    for ruleset in (parse(text), made):
        assert list(values_of(ruleset["filter"]["INPUT"], field)) == [(number,)]


def _values(ruleset: Ruleset, name: str) -> list[object]:
    return [value for (value,) in values_of(ruleset["filter"]["INPUT"], Field(Ip, name))]
