"""What CT attaches to a packet in raw, and what becomes of it."""

from __future__ import annotations

import pytest

from iptables_model import Outcome
from tests.netfilter.effects import only, ruleset, through


@pytest.mark.parametrize(
    ("asked", "matches"),
    [
        ("-m conntrack --ctstate NEW", True),
        ("-m conntrack --ctstatus CONFIRMED", True),
        ("-m conntrack --ctstatus SEEN_REPLY", False),
        ("-m conntrack --ctdir ORIGINAL", True),
        ("-m conntrack --ctorigsrc 198.51.100.7", False),
        ("-m conntrack ! --ctorigsrc 198.51.100.7", True),
        ("-m conntrack --ctrepldst 0.0.0.0", True),
        ("-p tcp -m conntrack --ctorigdstport 80", False),
        ("-p tcp -m conntrack --ctorigdstport 0:80", True),
        ("-m conntrack --ctproto 6", False),
        ("-m connlabel --label 1", False),
        ("-m connlabel --label 1 --set", False),
        ("-m connlabel ! --label 1 --set", True),
        ("-m connbytes --connbytes 0 --connbytes-mode packets --connbytes-dir both", False),
    ],
)
def test_a_template_looks_like_a_connection_without_ends(asked: str, matches: bool) -> None:
    flow = only(ruleset(raw=f"PREROUTING -j CT --zone 3\nPREROUTING {asked} -j DROP"))
    assert (flow.outcome is Outcome.DROPPED) is matches


def test_a_template_keeps_its_mark_and_hands_it_down_to_no_connection() -> None:
    flow = only(ruleset(raw="PREROUTING -j CT --zone 3\nPREROUTING -j CONNMARK --set-mark 5"))
    assert (str(flow.packet.connmark), str(flow.packet.status), str(flow.packet.state)) == ("0x0", "0x0/0x3f", "NEW")
    rules = ruleset(raw="PREROUTING -j CT --zone 3\nPREROUTING -m connmark --mark 5 -j DROP")
    assert {(flow.outcome, str(flow.assumptions[0])) for flow in through(rules)} == {
        (Outcome.DROPPED, "the connmark chosen is 0x5"),
        (Outcome.REACHES, "not: the connmark chosen is 0x5"),
    }


def test_what_is_invalid_in_one_zone_may_have_a_connection_in_another() -> None:
    rules = ruleset(raw="OUTPUT -j CT --zone 3", filter="INPUT -m conntrack --ctstate ESTABLISHED -j DROP")
    found = {flow.outcome for flow in through(rules, in_interface=None, src="192.0.2.9", state="INVALID")}
    assert found == {Outcome.DROPPED, Outcome.REACHES}
    assert only(rules, in_interface=None, src="192.0.2.9", state="NEW").outcome is Outcome.REACHES
