"""Every error of the house: its place in the hierarchy, its exact text, and that it travels between processes."""

from __future__ import annotations

import copy
import pickle

import pytest

from iptables_model import (
    Ambiguous,
    DumpErrors,
    IptablesModelError,
    Mode,
    ModelError,
    NotFound,
    Packet,
    ParseError,
    load,
    parse,
    reachable_endpoints,
)
from iptables_model.model.rule import Rule
from iptables_model.source import Span, excerpt, printable
from tests.files import FIXTURES

HALF = (
    "*nat\n:KUBE-SVC-QKNQQNIN727HO3XU - [0:0]\n"
    "-A KUBE-SVC-QKNQQNIN727HO3XU -m statistic --mode random --probability half -j KUBE-SEP-AAAA\nCOMMIT\n"
)


def _parse_error(text: str) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(text, name="kind-worker.save")
    return caught.value


def test_a_parse_error_shows_line_column_and_hint() -> None:
    error = _parse_error(HALF)
    assert str(error) == (
        'kind-worker.save:3:71: --probability needs a number from 0 to 1, found "half"\n'
        "  -A KUBE-SVC-QKNQQNIN727HO3XU -m statistic --mode random --probability half -j KUBE-SEP-AAAA\n"
        "                                                                        ^^^^\n"
        "hint: kube-proxy writes 11 decimals, for example 0.50000000000"
    )
    assert (error.source, error.line, error.column, error.span) == ("kind-worker.save", 3, 71, Span(3, 71, 75))
    assert error.text == HALF.split("\n")[2]
    assert error.expected == "a number from 0 to 1"
    assert error.hint == "kube-proxy writes 11 decimals, for example 0.50000000000"


def test_collect_raises_all_errors_as_one_group() -> None:
    text = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT --dport x\n-A INPUT -j ACCEPT\n-A INPUT -m mark --mark y\nCOMMIT\n"
    with pytest.raises(DumpErrors) as caught:
        parse(text, mode=Mode.COLLECT, name="a.save")
    errors = [one for one in caught.value.exceptions if isinstance(one, ParseError)]
    assert [(one.line, one.column) for one in errors] == [(3, 10), (5, 25)]
    assert isinstance(caught.value, IptablesModelError)
    assert isinstance(caught.value.split(ParseError)[0], DumpErrors)
    assert str(caught.value).count("\na.save:") == 2


def test_a_model_error_says_what_iptables_could_not_load() -> None:
    with pytest.raises(ModelError) as caught:
        Rule(table="filter", chain="-A")
    assert str(caught.value) == 'a rule needs the name of a chain, of at most 28 characters, found "-A"'
    with pytest.raises(ModelError, match='a packet needs a protocol, found "nonsense"'):
        Packet(protocol="nonsense")


def test_not_found_names_what_is_closest() -> None:
    ruleset = load(FIXTURES / "tutorial" / "kind-worker.save")
    with pytest.raises(NotFound) as table:
        ruleset["nta"]
    assert str(table.value) == 'no table "nta"; did you mean nat?'
    with pytest.raises(NotFound) as chain:
        ruleset["nat"]["KUBE-SERVICE"]
    assert chain.value.closest[0] == "KUBE-SERVICES"
    with pytest.raises(NotFound) as way:
        reachable_endpoints(ruleset, "default/test-svc", entry="external_ip")
    assert way.value.candidates == ("cluster_ip", "node_port")
    assert str(way.value) == 'no way into default/test-svc at "external_ip"; did you mean cluster_ip?'


def test_ambiguous_names_the_candidates() -> None:
    ruleset = load(FIXTURES / "dumps/1.20.2/s05-loadbalancer/kind-worker.nft.save")
    with pytest.raises(Ambiguous) as caught:
        reachable_endpoints(ruleset, "default/lb-cluster")
    assert caught.value.candidates == ("default/lb-cluster:http/tcp", "default/lb-cluster:https/tcp")


@pytest.mark.parametrize(
    ("kind", "roots"),
    [
        (ParseError, (IptablesModelError, ValueError)),
        (DumpErrors, (IptablesModelError, ExceptionGroup)),
        (ModelError, (IptablesModelError, ValueError)),
        (NotFound, (IptablesModelError, LookupError)),
        (Ambiguous, (IptablesModelError, LookupError)),
    ],
)
def test_the_hierarchy(kind: type[Exception], roots: tuple[type, ...]) -> None:
    assert all(issubclass(kind, root) for root in roots)


def test_errors_can_be_pickled_and_copied() -> None:
    parse_error = _parse_error(HALF)
    errors: list[Exception] = [
        parse_error,
        DumpErrors("2 errors in a.save", [parse_error]),
        ModelError("no"),
        NotFound("table", "nta", ("nat",)),
        Ambiguous("Service", "web", ("a/web", "b/web")),
    ]
    for error in errors:
        for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 (our own bytes)
            assert type(other) is type(error)
            assert str(other) == str(error)


def test_an_excerpt_is_bounded_and_shows_control_characters() -> None:
    line = "-A INPUT " + "x" * 5000 + "\x1b[31m" + "y" * 5000
    shown = excerpt(line, 5010, 5015)
    assert max(map(len, shown.split("\n"))) < 200
    assert "\x1b" not in shown
    assert "\\x1b[31m" in shown
    assert printable("a\tb\r") == "a\\tb\\r"
