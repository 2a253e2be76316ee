"""What the targets do that change headers."""

from __future__ import annotations

import pytest

from tests.netfilter.effects import only, ruleset, through

_SYN = "FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS"


def sizes(target: str, **fields: object) -> set[tuple[str, str]]:
    """Say which MSS packets leave with, and under which assumption."""
    flows = through(ruleset(mangle=f"{_SYN} {target}"), dst="10.244.1.7", tcp_flags="SYN", **fields)
    return {(str(flow.packet.mss), ", ".join(map(str, flow.assumptions))) for flow in flows}


@pytest.mark.parametrize(("held", "left"), [(1000, "1000"), (1200, "1200"), (1460, "1200")])
def test_tcpmss_lowers_what_is_announced(held: int, left: str) -> None:
    assert sizes("--set-mss 1200", tcp_options="2", mss=held) == {(left, "")}


def test_tcpmss_announces_what_any_host_takes_if_no_data_follow() -> None:
    assert sizes("--set-mss 1200", tcp_options="NONE", mss=0, length=60) == {
        ("536", "no data follow the TCP header"),
        ("0", "not: no data follow the TCP header"),
    }


@pytest.mark.parametrize(("length", "left"), [(40, "536"), (117, "0")])
def test_tcpmss_needs_no_assumption_where_the_length_tells_of_data(length: int, left: str) -> None:
    assert sizes("--set-mss 1200", tcp_options="NONE", mss=0, length=length) == {(left, "")}


def test_the_option_that_tcpmss_adds_takes_four_bytes() -> None:
    flow = only(
        ruleset(mangle=f"{_SYN} --set-mss 1200"), dst="10.244.1.7", tcp_flags="SYN", tcp_options="NONE", length=40
    )
    assert str(flow.packet.length) == "44"


def test_what_tcpmss_clamps_to_the_path_is_not_known() -> None:
    assert sizes("--clamp-mss-to-pmtu", tcp_options="2", mss=1460) == {("0:65535", "")}


def test_what_tcpmss_chose_is_assumed_where_it_is_asked_for() -> None:
    rules = ruleset(mangle=f"{_SYN} --clamp-mss-to-pmtu\nFORWARD -p tcp -m tcpmss --mss 0:1400 -j DROP")
    flows = through(rules, dst="10.244.1.7", tcp_flags="SYN", tcp_options="2", mss=1460)
    assert {(flow.outcome.value, str(flow.assumptions[0])) for flow in flows} == {
        ("dropped", "the mss chosen is 0:1400"),
        ("reaches", "not: the mss chosen is 0:1400"),
    }
