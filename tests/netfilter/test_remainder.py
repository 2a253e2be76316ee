"""A remainder is the set that is left, whatever is taken out of it and put back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iptables_model.netfilter.remainder import Numbers, Remainder
from iptables_model.netfilter.sets import NumberSet

WITH_HEADER = NumberSet((0, 5, 8, 20, 24, 30))
pieces = st.builds(lambda first, size: NumberSet.of(first, first + size), st.integers(0, 31), st.integers(0, 4))
wide = st.builds(NumberSet.__or__, pieces, pieces)


def plain(held: Numbers | Remainder | None) -> Numbers | None:
    return held.set if isinstance(held, Remainder) else held


@given(asked=st.lists(st.tuples(st.sampled_from(["part", "join", "ask"]), pieces | wide), max_size=12))
def test_a_remainder_is_the_set_that_is_left(asked: list[tuple[str, NumberSet]]) -> None:
    rest: Numbers | Remainder | None = Remainder.of(WITH_HEADER)
    left: NumberSet = WITH_HEADER
    known: list[tuple[Remainder, NumberSet]] = []
    for what, other in asked:
        if not isinstance(rest, Remainder):
            break
        known.append((rest, left))
        if what == "part":
            inside, rest = rest.parted(other)
            assert inside == (left & other or None)
            left -= other
            assert plain(rest) == (left or None)
        elif what == "join":
            rest, left = rest | other, left | other
            assert plain(rest) == left
        else:
            assert rest & other == left & other
            assert [rest.holds(number) for number in range(32)] == [
                NumberSet.of(number) in left for number in range(32)
            ]
    assert [one.set for one, _ in known] == [held for _, held in known]
    assert [one.holds(9) for one, _ in known] == [NumberSet.of(9) in held for _, held in known]


def test_what_is_put_back_was_never_taken() -> None:
    piece = NumberSet.of(10)
    inside, rest = Remainder.of(WITH_HEADER).parted(piece)
    assert inside == piece
    assert isinstance(rest, Remainder)
    back = rest | piece
    assert isinstance(back, Remainder)
    assert (rest.count, back.count, back.set) == (1, 0, WITH_HEADER)
