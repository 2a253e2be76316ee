"""Looking into rules that are not made yet says what the made rules say."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptables_model import Ruleset, load, parse
from iptables_model.model.matches import Comment, Conntrack, Ip, Statistic, Tcp
from iptables_model.model.ruleset import Field, rule_of, size_of, values_of
from iptables_model.model.targets import Dnat, Jump, Mark
from tests.files import fixture_files, fixture_name

FIELDS: tuple[Field, ...] = (
    (Ip, "source"),
    (Ip, "destination"),
    (Ip, "protocol"),
    (Tcp, "dport"),
    (Comment, "comment"),
    (Conntrack, "ctstate"),
    (Statistic, "probability"),
    (Jump, "chain"),
    (Dnat, "to_destination"),
    (Mark, "set_xmark"),
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


def test_what_stands_behind_a_bang_is_no_value() -> None:
    text = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ! -s 10.0.0.1 -p tcp\n-A INPUT -s 10.0.0.1\nCOMMIT\n"
    (_, found), (protocol, _) = (_values(parse(text), field) for field in ("source", "protocol"))
    assert str(found) == "10.0.0.1/32"
    assert str(protocol) == "tcp"
    assert _values(parse(text), "source")[0] is None


def _values(ruleset: Ruleset, name: str) -> list[object]:
    return [value for (value,) in values_of(ruleset["filter"]["INPUT"], (Ip, name))]
