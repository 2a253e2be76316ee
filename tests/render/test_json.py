"""Rulesets as JSON, there and back."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iptables_model.errors import ModelError, ParseError
from iptables_model.model.matches import MATCHES
from iptables_model.model.option import Extension, Option, options_of
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Chain, Ruleset, Table
from iptables_model.model.targets import TARGETS
from iptables_model.render import from_dict, from_json, json_schema, to_dict, to_json, to_text
from iptables_model.strategies import extensions
from tests.render.sample import DATA, ISSUE, RULES, SAMPLE, TEXT
from tests.render.schemas import faults

SCHEMA = json_schema()
DECLARED: tuple[type[Any], ...] = (*MATCHES, *TARGETS)


def test_text_of_a_ruleset_built_by_hand() -> None:
    assert to_text(SAMPLE) == TEXT


def test_a_ruleset_as_data() -> None:
    assert to_dict(SAMPLE) == DATA
    assert json.loads(to_json(SAMPLE)) == DATA
    assert to_json(SAMPLE, indent=2).splitlines()[:3] == ["{", '  "name": "a.save",', '  "family": 4,']


def test_a_part_of_a_ruleset_as_data() -> None:
    table = DATA["tables"][0]  # type: ignore[index]
    assert to_dict(SAMPLE["filter"]) == table
    assert to_dict(SAMPLE["filter"]["WEB"]) == table["chains"][1]
    assert to_dict(RULES[0]) == table["chains"][0]["rules"][0]
    assert json.loads(to_json(RULES[0])) == table["chains"][0]["rules"][0]
    assert to_dict(RULES[0].matches[1]) == {"match": "comment", "comment": 'a "b"'}


def test_what_is_no_noun_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        to_dict(42)  # type: ignore[arg-type]
    assert str(caught.value) == "int is no noun of a dump"


def test_all_of_a_ruleset_comes_back() -> None:
    back = from_json(to_json(SAMPLE))
    assert back == SAMPLE
    assert to_text(back) == TEXT
    assert (back.name, back["filter"]["INPUT"].rules[0].line) == ("a.save", 4)
    assert [rule.index for rule in back.rules] == [0, 1, 2, 0, 1, 2]
    assert [str(issue) for issue in back.issues] == [str(ISSUE)]


def test_what_has_a_default_may_be_left_out() -> None:
    rule = {"table": "nat", "chain": "A", "matches": []}
    data = {"tables": [{"name": "nat", "chains": [{"name": "A", "rules": [rule]}]}]}
    chain = Chain(name="A", rules=(Rule(table="nat", chain="A"),))
    assert from_dict(data) == Ruleset(tables=(Table(name="nat", chains=(chain,)),))


MISTAKES: list[tuple[tuple[str | int, ...], object, str]] = [
    ((), [], "$ needs an object, found an array"),
    (("tables",), None, "$.tables needs an array, found null"),
    (("family",), 5, "$.family needs 4, 6 or null, found 5"),
    (("family",), True, "$.family needs an integer, found true or false"),
    (("family",), 4.5, "$.family needs an integer, found a number with a fraction"),
    (("name",), {1, 2}, "$.name needs a string, found what JSON does not know"),
    (("tables", 0, "name"), 7, "$.tables[0].name needs a string, found an integer"),
    (
        ("tables", 0, "chains", 0, "name"),
        "-A",
        '$.tables[0].chains[0] is wrong: a chain needs the name of a chain, of at most 28 characters, found "-A"',
    ),
    (
        ("tables", 0, "chains", 0, "policy"),
        False,
        "$.tables[0].chains[0].policy needs a string or null, found true or false",
    ),
    (
        ("tables", 0, "chains", 0, "counters"),
        {"packets": -1, "bytes": 0},
        "$.tables[0].chains[0].counters is wrong: counters need numbers of 64 bits",
    ),
    (
        ("tables", 0, "chains", 0, "counters"),
        {"packets": 1},
        '$.tables[0].chains[0].counters needs "bytes"',
    ),
    (
        ("tables", 0, "chains", 1, "rules", 0, "matches", 0),
        {"match": "statistc"},
        '$.tables[0].chains[1].rules[0].matches[0].match needs the name of a declared match, found "statistc"',
    ),
    (
        ("tables", 0, "chains", 1, "rules", 0, "matches", 0),
        {"match": "comment", "comment": "x", "commend": "y"},
        '$.tables[0].chains[1].rules[0].matches[0] has "commend", which is no option of comment',
    ),
    (
        ("tables", 0, "chains", 1, "rules", 0, "matches", 0),
        {"match": "comment"},
        '$.tables[0].chains[1].rules[0].matches[0] needs "comment"',
    ),
    (
        ("tables", 0, "chains", 1, "rules", 0, "matches", 0, "probability", "value"),
        "half",
        '$.tables[0].chains[1].rules[0].matches[0].probability.value needs a number from 0 to 1, found "half"',
    ),
    (
        ("tables", 0, "chains", 1, "rules", 0, "matches", 0, "probability", "negated"),
        "no",
        "$.tables[0].chains[1].rules[0].matches[0].probability.negated needs true or false, found a string",
    ),
    (
        ("tables", 0, "chains", 1, "rules", 0, "matches", 0, "mode"),
        "nth",
        "$.tables[0].chains[1].rules[0].matches[0] is wrong: --mode nth needs --every",
    ),
    (
        ("tables", 0, "chains", 1, "rules", 0, "target"),
        {"target": "JUMP"},
        '$.tables[0].chains[1].rules[0].target.target needs the name of a declared target, found "JUMP"',
    ),
    (
        ("tables", 0, "chains", 1, "rules", 0, "target"),
        {"jump": "!"},
        '$.tables[0].chains[1].rules[0].target is wrong: a chain needs the name of a chain, of at most 28 characters, found "!"',  # noqa: E501
    ),
    (("issues", 0, "line"), None, "$.issues[0].line needs an integer, found null"),
]


@pytest.mark.parametrize(("path", "data", "message"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_said_with_its_path(path: tuple[str | int, ...], data: object, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        from_dict(changed(copy.deepcopy(DATA), path, data))
    assert str(caught.value) == message


def changed(held: Any, path: tuple[str | int, ...], data: object) -> object:
    """Put other data at a path."""
    if not path:
        return data
    held[path[0]] = changed(held[path[0]], path[1:], data)
    return held


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "<json>:1:1: not JSON: Expecting value\n  \n  ^"),
        ('{\n"name": }', '<json>:2:9: not JSON: Expecting value\n  "name": }\n          ^'),
        ('"a\nb"', '<json>:1:3: not JSON: Invalid control character at\n  "a\n    ^'),
        ("[" * 100_000, f"<json>:1:1: not JSON of ours: nested too deeply\n  {'[' * 160}...\n  ^"),
        ("9" * 5000, f"<json>:1:1: not JSON of ours: a number is too long\n  {'9' * 160}...\n  ^"),
    ],
    ids=["empty", "value missing", "control character", "nested", "long number"],
)
def test_what_is_not_json_is_a_parse_error(text: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        from_json(text)
    assert str(caught.value) == message


KEYS = st.sampled_from(["tables", "name", "chains", "rules", "matches", "target", "match"])
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)
)


@given(ANY_JSON)
def test_of_any_json_comes_a_ruleset_or_an_error_of_ours(data: object) -> None:
    with contextlib.suppress(ModelError):
        assert isinstance(from_dict(data), Ruleset)


def test_names_tell_the_extensions_apart() -> None:
    for kinds in (MATCHES, TARGETS):
        names = [kind.extension or "ip" for kind in kinds]
        assert len(set(names)) == len(names)


def reads_back(value: Extension) -> bool:
    """Say whether iptables can read what it prints; it prints a slow rate of bytes as 0b/s, which it refuses."""
    return all(is_readable(option, held) for option, held, _ in options_of(value) if not option.is_flag)


def is_readable(option: Option, held: object) -> bool:
    try:
        return bool(option.codec.parse(option.codec.write(held)) == held)
    except ValueError:
        return False


@pytest.mark.parametrize("kind", DECLARED, ids=lambda kind: kind.__name__)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(data=st.data())
def test_every_extension_comes_back_and_fits_the_schema(kind: type[Any], data: st.DataObject) -> None:
    drawn = data.draw(extensions(kind, family=kind.families[0]).filter(reads_back))
    fields: dict[str, Any] = {"matches": (drawn,)} if kind in MATCHES else {"target": drawn}
    chain = Chain(name="A", rules=(Rule(table="nat", chain="A", **fields),))
    ruleset = Ruleset(tables=(Table(name="nat", chains=(chain,)),))
    text = to_json(ruleset)
    assert from_json(text) == ruleset
    assert faults(json.loads(text), SCHEMA) == []
