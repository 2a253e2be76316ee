"""Any answer as plain data."""

from __future__ import annotations

import enum
import ipaddress
import json
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

import attrs
import pytest

from iptables_model.errors import ModelError
from iptables_model.graph import graph
from iptables_model.model.rule import Counters, Rule
from iptables_model.render import plain, to_dict, to_json
from iptables_model.values.addresses import AddressRange, MaskedAddress, address
from iptables_model.values.names import Interface
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import Masked, PortRange, Probability, Protocol
from iptables_model.values.trilean import Trilean
from tests.render.sample import ISSUE, RULES, SAMPLE


class Colour(enum.Enum):
    RED = "red"


@attrs.frozen(kw_only=True)
class Answer:
    """Stand for what the library answers."""

    share: Fraction
    rule: Rule | None = None
    notes: tuple[str, ...] = ()
    ways: Mapping[object, object] = attrs.field(factory=lambda: MappingProxyType({}))
    _secret: int = 0

    def __str__(self) -> str:
        return "an answer for people"


@attrs.frozen
class Ports:
    """Stand for a value whose fields nobody outside cares for."""

    def as_data(self) -> object:
        return {"ports": PortRange(1, 9), "text": "no"}


class Text(str):
    """Stand for a string that knows more."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (0.5, 0.5),
        ("a", "a"),
        (Text("a"), "a"),
        (Colour.RED, "red"),
        (Trilean.UNKNOWN, "unknown"),
        (Fraction(1, 3), 0.3333333333333333),
        (Probability.of_text("0.5"), 0.5),
        (Protocol(6), "tcp"),
        (Protocol(253), "253"),
        (PortRange(1, 9), "1:9"),
        (Interface("eth", prefix=True), "eth+"),
        (Masked(0x4000, 0x4000), "0x4000/0x4000"),
        (MaskedAddress(version=4, address=1, mask=1), "0.0.0.1/0.0.0.1"),
        (AddressRange(address("10.0.0.1"), address("10.0.0.9")), "10.0.0.1-10.0.0.9"),
        (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
        (ipaddress.ip_address("::ffff:a00:1"), "::ffff:10.0.0.1"),
        (ipaddress.ip_network("10.0.0.1/32"), "10.0.0.1/32"),
        (ipaddress.ip_network("fd00::/64"), "fd00::/64"),
        (Negatable(PortRange(80, 80), negated=True), {"value": "80", "negated": True}),
        (Counters(1, 2), {"packets": 1, "bytes": 2}),
        ((1, [Colour.RED]), [1, ["red"]]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ({ipaddress.ip_address("10.0.0.1"): (1,), 2: {}}, {"10.0.0.1": [1], "2": {}}),
        (SAMPLE, to_dict(SAMPLE)),
        (SAMPLE["filter"], to_dict(SAMPLE["filter"])),
        (RULES[0].target, {"jump": "WEB"}),
        (ISSUE, to_dict(SAMPLE)["issues"][0]),
    ],
    ids=repr,
)
def test_values_as_plain_data(value: object, expected: object) -> None:
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


def test_an_answer_is_an_object_of_its_public_fields() -> None:
    answer = Answer(
        share=Fraction(1, 4), rule=RULES[1], notes=("a",), ways=MappingProxyType({"x": Answer(share=Fraction(1))})
    )
    expected = {
        "share": 0.25,
        "rule": {"table": "filter", "chain": "INPUT", "index": 1, "line": None, "text": "-A INPUT -g WEB"},
        "notes": ["a"],
        "ways": {"x": {"share": 1.0, "rule": None, "notes": [], "ways": {}}},
    }
    assert plain(answer) == expected
    assert json.loads(to_json(answer)) == expected


def test_a_value_may_say_itself_what_stands_for_it() -> None:
    assert plain({"x": (Ports(),)}) == {"x": [{"ports": "1:9", "text": "no"}]}


def test_a_graph_is_an_answer_too() -> None:
    first = plain(graph(SAMPLE))["edges"][0]
    assert first == {
        "source": ["filter", "INPUT"],
        "target": ["filter", "WEB"],
        "kind": "jump",
        "rule": plain(RULES[0]),
    }


def test_what_has_no_form_in_json_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        plain((1, object()))
    assert str(caught.value) == "object has no form in JSON"
