"""What MARK, CONNMARK and HMARK do to marks that are known, partly known, or open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptables_model import Outcome
from iptables_model.netfilter.bits import BitSet
from tests.netfilter.effects import changes, only, ruleset, through

FULL = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("asked", "found", "told"),
    [
        ("--set-mark 0x1", "0x1", "mark 0xf0 -> 0x1"),
        ("--set-mark 0x1/0xf", "0xf1", "mark 0xf0 -> 0xf1"),
        ("--set-xmark 0xff/0x0", "0xf", "mark 0xf0 -> 0xf"),
        ("--and-mark 0x30", "0x30", "mark 0xf0 -> 0x30"),
        ("--or-mark 0x3", "0xf3", "mark 0xf0 -> 0xf3"),
        ("--xor-mark 0x11", "0xe1", "mark 0xf0 -> 0xe1"),
    ],
)
@pytest.mark.parametrize("dst", ["192.0.2.1", "2001:db8::1"])
def test_a_known_mark(asked: str, found: str, told: str, dst: str) -> None:
    flow = only(ruleset(mangle=f"PREROUTING -j MARK {asked}"), dst=dst, mark="0xf0")
    assert (str(flow.packet.mark), changes(flow)) == (found, [told])


def test_what_is_set_to_what_it_was_is_not_told() -> None:
    flow = only(ruleset(mangle="PREROUTING -j MARK --set-mark 0x1"), mark=1)
    assert (str(flow.packet.mark), changes(flow)) == ("0x1", [])


def test_bits_that_are_kept_are_still_those_that_were_asked_about() -> None:
    rules = ruleset(
        mangle="""PREROUTING -j MARK --set-xmark 0x4000/0x4000
                  PREROUTING -j MARK --xor-mark 0x1
                  PREROUTING -m mark --mark 0x4001 -j DROP"""
    )
    flows = through(rules, mark="any")
    assert {(flow.outcome, str(one.mark)) for flow in flows for one in flow.when if flow.outcome == "dropped"} == {
        (Outcome.DROPPED, "0x0/0xffffbfff")
    }
    assert not any(flow.assumptions for flow in flows)


@pytest.mark.parametrize(
    ("asked", "mark", "connmark"),
    [
        ("--save-mark", "0x12345678", "0x12345678"),
        ("--save-mark --nfmask 0xff --ctmask 0xff", "0x12345678", "0xabcdef78"),
        ("--save-mark --nfmask 0xff --ctmask 0xff00 --left-shift-mark 8", "0x12345678", "0xabcd7801"),
        ("--save-mark --right-shift-mark 16", "0x12345678", "0x1234"),
        ("--restore-mark", "0xabcdef01", "0xabcdef01"),
        ("--restore-mark --nfmask 0xffff --ctmask 0xffff0000 --right-shift-mark 16", "0x1234abcd", "0xabcdef01"),
        ("--restore-mark --nfmask 0x0 --ctmask 0xff", "0x12345679", "0xabcdef01"),
        ("--set-xmark 0x3/0xf", "0x12345678", "0xabcdef03"),
        ("--set-xmark 0x3/0xf --left-shift-mark 4", "0x12345678", "0xbcdef030"),
    ],
)
def test_a_connections_mark(asked: str, mark: str, connmark: str) -> None:
    """From mark 0x12345678 and connmark 0xabcdef01 (connmark_tg_shift)."""
    flow = only(ruleset(mangle=f"PREROUTING -j CONNMARK {asked}"), mark=0x12345678, connmark=0xABCDEF01)
    assert (str(flow.packet.mark), str(flow.packet.connmark)) == (mark, connmark)


@pytest.mark.parametrize("state", ["INVALID", "UNTRACKED"])
def test_without_a_connection_there_is_no_mark_to_set_or_to_take(state: str) -> None:
    rules = ruleset(mangle="PREROUTING -j CONNMARK --set-xmark 0x1\nPREROUTING -j CONNMARK --restore-mark")
    flow = only(rules, state=state, mark=7, connmark=0)
    assert (str(flow.packet.mark), str(flow.packet.connmark), changes(flow)) == ("0x7", "0x0", [])


def test_a_saved_mark_asks_the_mark_that_was_asked_about() -> None:
    rules = ruleset(
        mangle="""PREROUTING -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff00 --left-shift-mark 8
                  PREROUTING -j MARK --set-mark 0x0
                  PREROUTING -m connmark --mark 0x1200/0xff00 -j DROP"""
    )
    dropped = [flow for flow in through(rules, mark="any") if flow.outcome is Outcome.DROPPED]
    assert [str(one.mark) for flow in dropped for one in flow.when] == ["0x12/0xff"]


def test_two_open_marks_in_one_place_are_not_known() -> None:
    rules = ruleset(mangle="PREROUTING -j CONNMARK --restore-mark --nfmask 0x0\nPREROUTING -m mark --mark 0x0 -j DROP")
    flows = through(rules, mark="any", connmark="any")
    assert sorted((flow.outcome, str(flow.assumptions[0])) for flow in flows) == [
        (Outcome.DROPPED, "the mark chosen is 0x0"),
        (Outcome.REACHES, "not: the mark chosen is 0x0"),
    ]


def test_a_mark_taken_twice_cancels() -> None:
    rules = ruleset(
        mangle="PREROUTING -j CONNMARK --save-mark\nPREROUTING -j CONNMARK --restore-mark --nfmask 0x0 --ctmask 0xff"
    )
    flow = only(rules, mark="any")
    assert str(flow.packet.mark) == "0x0/0xff"


def test_a_hash_is_in_its_range() -> None:
    rules = ruleset(
        mangle="""PREROUTING -j HMARK --hmark-tuple src --hmark-mod 4 --hmark-offset 256 --hmark-rnd 0x1
                  PREROUTING -m mark ! --mark 0x100/0xfffffffc -j DROP"""
    )
    flow = only(rules)
    assert (flow.outcome, str(flow.packet.mark)) == (Outcome.REACHES, "0x100/0xfffffffc")


def test_a_hash_of_the_connection_needs_one() -> None:
    rules = ruleset(mangle="PREROUTING -j HMARK --hmark-tuple ct,src --hmark-mod 4 --hmark-rnd 0x1")
    assert {
        (str(flow.packet.mark), str(flow.packet.state), *map(str, flow.assumptions))
        for flow in through(rules, state="NEW,INVALID")
    } == {
        ("0x0/0xfffffffc", "NEW", "the kernel tracks connections"),
        ("0x0", "NEW", "not: the kernel tracks connections"),
        ("0x0", "INVALID"),
    }


def test_the_mark_of_a_socket_is_not_known() -> None:
    rules = ruleset(
        mangle="""PREROUTING -m socket --restore-skmark -j ACCEPT
                  PREROUTING -m socket -m mark --mark 0 -j DROP"""
    )
    found = {(flow.outcome, str(flow.packet.mark), *map(str, flow.assumptions)) for flow in through(rules)}
    assert found == {
        (Outcome.REACHES, "any", '"-m socket --restore-skmark" matches'),
        (Outcome.REACHES, "0x0", 'not: "-m socket --restore-skmark" matches', 'not: "-m socket" matches'),
        (Outcome.DROPPED, "0x0", 'not: "-m socket --restore-skmark" matches', '"-m socket" matches'),
    }


words = st.integers(0, FULL)


@given(st.integers(0, 63), st.integers(0, 63))
def test_a_range_is_the_union_of_its_blocks(first: int, last: int) -> None:
    held = BitSet.between(first, last)
    assert [number for number in range(64) if number in held] == list(range(first, last + 1))


shifts = st.integers(-31, 31)


@given(st.tuples(words, words), st.tuples(words, words), words, shifts, st.booleans())
def test_a_set_of_marks_fares_as_its_members(
    marks: tuple[int, int], masks: tuple[int, int], openness: int, by: int, restore: bool
) -> None:
    (mark, connmark), (nfmask, ctmask) = marks, masks
    shift = f" --{'left' if by > 0 else 'right'}-shift-mark {abs(by)}" if by else ""
    command = f"--{'restore' if restore else 'save'}-mark --nfmask {nfmask:#x} --ctmask {ctmask:#x}{shift}"
    rules = ruleset(mangle=f"PREROUTING -j MARK --set-xmark 0x30/0xf0\nPREROUTING -j CONNMARK {command}")
    alone = only(rules, mark=mark, connmark=connmark).packet
    flows = through(rules, mark=BitSet.of(mark, openness), connmark=connmark)
    (among,) = [flow.packet for flow in flows if any(mark in one.mark for one in flow.when)]
    assert alone.mark in among.mark
    assert alone.connmark in among.connmark
    assert (alone.mark.single, alone.connmark.single) == _by_the_kernel(
        (mark & ~0xF0 & FULL) ^ 0x30, connmark, masks, by, restore=restore
    )


def _by_the_kernel(mark: int, connmark: int, masks: tuple[int, int], by: int, *, restore: bool) -> tuple[int, int]:
    """Do as connmark_tg_shift does."""
    nfmask, ctmask = masks

    def moved(bits: int) -> int:
        return (bits << by) & FULL if by >= 0 else bits >> -by

    if restore:
        return (mark & ~nfmask & FULL) ^ moved(connmark & ctmask), connmark
    return mark, (connmark & ~ctmask & FULL) ^ moved(mark & nfmask)
