"""The grammar is derived only as far as a text uses it."""

from __future__ import annotations

import pytest

from iptables_model import parse
from iptables_model.grammar import lines
from iptables_model.grammar.language import build
from iptables_model.model.matches import Comment, Conntrack, Tcp
from iptables_model.model.targets import Accept, Reject

DUMP = """*filter
:INPUT ACCEPT [0:0]
:WEB - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m comment --comment "the web" -m tcp --dport 80 -j WEB
-A WEB -j REJECT --reject-with icmp-port-unreachable
COMMIT
"""


def test_only_the_extensions_of_a_text_are_derived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_built", [])
    parse("*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n")
    language = lines.grammar().language
    assert language.matches.derived == language.targets.derived == frozenset()
    ruleset = parse(DUMP)
    assert [str(rule) for rule in ruleset.rules] == DUMP.split("\n")[3:6]
    assert lines.grammar().language is language
    assert language.matches.derived == {Comment, Conntrack, Tcp}
    assert language.targets.derived == {Accept, Reject}


def test_a_name_and_its_alias_share_what_is_derived() -> None:
    matches = build().matches
    assert matches["icmp6"] is matches["icmpv6"]
    assert matches["tcp"] is matches["tcp"]
    assert "nosuch" not in matches
    assert len(matches.derived) == 2
