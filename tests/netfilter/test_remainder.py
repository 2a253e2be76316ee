"""A remainder is the set that is left, whatever is taken out of it and put back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptables_model.netfilter.bits import ANY_BITS, BitSet
from iptables_model.netfilter.remainder import Bounds, Ledger, Patterns, Remainder, parted, union
from iptables_model.netfilter.sets import AddressSet, NameSet, NumberSet
from iptables_model.values.names import Interface

NUMBERS = NumberSet((0, 5, 8, 20, 24, 30))
numbers = st.builds(lambda first, size: NumberSet.of(first, first + size), st.integers(0, 31), st.integers(0, 4))
NAMES = NameSet.some() - NameSet.of(Interface("b"))
names = st.builds(
    lambda name, prefix: NameSet.of(Interface(name, prefix=prefix)),
    st.text("ab", min_size=1, max_size=3),
    st.booleans(),
)
BITS = BitSet.of(0b00000, 0b10000) | BitSet.of(0b11000, 0b11001)
bits = st.builds(BitSet.of, st.integers(0, 31), st.sampled_from([0b11111, 0b11110, 0b01111, 0b00111, 0b11000]))

KINDS: dict[str, tuple[type[Ledger], Any, Any]] = {
    "numbers": (Bounds, NUMBERS, numbers | st.builds(NumberSet.__or__, numbers, numbers)),
    "names": (Bounds, NAMES, names | st.builds(NameSet.__or__, names, names)),
    "bits": (Patterns, BITS, bits | st.builds(BitSet.__or__, bits, bits)),
}
WHOLES: tuple[tuple[type[Ledger], Any, Any], ...] = (
    (Bounds, NUMBERS, NumberSet.of(9, 10)),
    (Patterns, BITS, BitSet.of(9)),
)


def plain(held: Any) -> Any:
    return held.set if isinstance(held, Remainder) else held


def same(one: Any, other: Any) -> bool:
    """Say whether two sets have the same members, whatever patterns they are made of."""
    return not one - other and not other - one


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_a_remainder_is_the_set_that_is_left(kind: str, data: st.DataObject) -> None:
    ledger, whole, pieces = KINDS[kind]
    rest, left = Remainder(ledger(whole)), whole
    known: list[tuple[Remainder, Any]] = []
    for what, other in data.draw(st.lists(st.tuples(st.sampled_from(["part", "join", "ask"]), pieces), max_size=12)):
        if not isinstance(rest, Remainder):
            break
        known.append((rest, left))
        if what == "part":
            inside, outside = rest.parted(other)
            assert same(plain(inside) or left - left, left & other)
            assert same(plain(outside) or left - left, left - other)
            rest, left = outside, left - other
        elif what == "join":
            rest, left = rest | other, left | other
            assert same(plain(rest), left)
        else:
            assert same(rest & other, left & other)
    for one, held in known:
        assert same(one.set, held)


def test_the_members_of_a_remainder() -> None:
    for ledger, whole, piece in WHOLES:
        first = Remainder(ledger(whole))
        _, second = first.parted(piece)
        for rest, held in ((first, whole), (second, whole - piece)):
            members = [point for point in range(32) if type(whole).of(point) in held]
            assert [point for point in range(32) if rest.holds(point)] == members


def test_remainders_are_equal_if_their_sets_are() -> None:
    for ledger, whole, piece in WHOLES:
        _, one = Remainder(ledger(whole)).parted(piece)
        _, other = Remainder(ledger(whole)).parted(piece)
        assert (one == other, hash(one) == hash(other)) == (True, True)
        assert one != Remainder(ledger(whole))
        assert one | piece == whole


def test_only_what_is_cut_into_many_pieces_is_a_remainder() -> None:
    few, many = NumberSet.read("1,3", 16), NumberSet.read(",".join(map(str, range(0, 100, 2))), 16)
    assert [type(parted(held, NumberSet.of(3))[1]) for held in (few, many)] == [NumberSet, Remainder]
    assert [type(parted(ANY_BITS, BitSet.of(1, mask))[1]) for mask in (0xFF, 0xFFFFFFFF)] == [BitSet, Remainder]


def test_ten_thousand_marks_make_no_more_patterns_than_they_need() -> None:
    """The bits that all marks have alike come first, wherever they stand."""
    for left in (0, 16):
        rest: Any = ANY_BITS
        for number in range(10_000):
            _, rest = parted(rest, BitSet.of(2 * number << left))
        assert len(rest.set.patterns) == 24
        assert sum(pattern.mask == 0xFFFFFFFF for pattern in rest.set.patterns) == 0
        assert str(rest.set) == str(ANY_BITS - union([BitSet.of(2 * number << left) for number in range(10_000)]))


@given(st.lists(numbers, min_size=1, max_size=4), st.lists(bits, min_size=1, max_size=4))
def test_sets_that_do_not_overlap_are_joined(lines: list[Any], marks: list[Any]) -> None:
    for sets in (lines, marks):
        apart = [sets[0]]
        for one in sets[1:]:
            apart.append(one - union(apart))
        assert same(union([one for one in apart if one]), union(sets[:1]) | union(apart))
        assert all(same(union(apart) & one, one) for one in sets)


def test_addresses_keep_their_version() -> None:
    whole = AddressSet.read(",".join(f"fd00::{number:x}" for number in range(0, 400, 2)))
    inside, rest = parted(whole, AddressSet.read("fd00::4"))
    assert (str(inside), rest.set.version) == ("fd00::4", 6)
