"""Packets that fare alike go on together, and what is assumed without need is dropped."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptables_model import Packet
from iptables_model.netfilter import join
from iptables_model.netfilter.packet import cube_of
from iptables_model.netfilter.sets import NumberSet
from iptables_model.netfilter.state import Assumption, State

CUBE = cube_of(Packet(protocol="tcp", dport="0:7"), 4)


def state(assumed: dict[str, bool], ports: tuple[int, int] = (0, 8), share: Fraction = Fraction(1)) -> State:
    """Make packets of which something is assumed, some of the ports asked about, or a share of them."""
    made = State(CUBE, {"dport": NumberSet(ports)})
    made.assumed = {key: Assumption(key, holds) for key, holds in assumed.items()}
    made.probability = share
    return made


def told(states: list[State]) -> list[str]:
    """Tell states by what parts them."""
    return [
        f"{one.was('dport')} {one.probability} "
        + ", ".join(f"{key} {taken.holds}" for key, taken in one.assumed.items())
        for one in states
    ]


def test_what_makes_no_difference_is_not_assumed() -> None:
    assert told(join.united([state({"a": True}), state({"a": False})])) == ["0:7 1 "]
    assert told(join.united([state({"a": True, "b": True}), state({"b": True, "a": False})])) == ["0:7 1 b True"]
    every = [state({"a": one, "b": two}) for one in (True, False) for two in (True, False)]
    assert told(join.united(every)) == ["0:7 1 "]


def test_what_makes_a_difference_is_assumed() -> None:
    apart = [state({"a": True}), state({"a": False, "b": True})]
    assert told(join.united(apart)) == ["0:7 1 a True", "0:7 1 a False, b True"]
    shares = [state({"a": True}, share=Fraction(1, 2)), state({"a": False}, share=Fraction(1, 3))]
    assert told(join.united(shares)) == ["0:7 1/2 a True", "0:7 1/3 a False"]
    ports = [state({"a": True}, (0, 4)), state({"a": False}, (4, 8))]
    assert told(join.united(ports)) == ["0:3 1 a True", "4:7 1 a False"]


@given(
    st.lists(
        st.builds(
            state,
            st.dictionaries(st.sampled_from("abcde"), st.booleans()),
            st.sampled_from([(0, 8), (0, 4), (4, 8)]),
            st.sampled_from([Fraction(1), Fraction(1, 2)]),
        ),
        max_size=12,
    )
)
def test_no_assumption_is_overlooked(states: list[State]) -> None:
    found = sorted(told(join.united(states)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "_parting", lambda states, _: set(join._assumed(states)))
        assert sorted(told(join.united(states))) == found
