"""Laws of the sets that the fields of a packet can be, against plain sets of members."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptables_model import ModelError, Packet
from iptables_model.netfilter import intervals
from iptables_model.netfilter.bits import ANY_BITS, BitSet, Pattern, PatternTable, difference
from iptables_model.netfilter.packet import FIELDS, meet, without
from iptables_model.netfilter.sets import AddressSet, NameSet, NumberSet
from iptables_model.values.names import Interface

POINTS = range(12)
bounds = st.sets(st.sampled_from(list(POINTS))).map(lambda members: intervals.unite((one, one + 1) for one in members))


def members(held: intervals.Bounds) -> set[int]:
    return {point for low, high in intervals.pairs(held) for point in range(low, high)}


@given(bounds, bounds)
def test_intervals_are_sets(one: intervals.Bounds, other: intervals.Bounds) -> None:
    assert members(intervals.intersect(one, other)) == members(one) & members(other)
    assert members(intervals.subtract(one, other)) == members(one) - members(other)
    assert members(intervals.unite((one, other))) == members(one) | members(other)
    assert {point for point in POINTS if intervals.contains(one, point)} == members(one)


@given(bounds, bounds)
def test_a_set_is_parted_by_another(one: intervals.Bounds, other: intervals.Bounds) -> None:
    mine, theirs = members(one), members(other)
    inside, outside = NumberSet(one).parted(NumberSet(other))
    for found, wanted in ((inside, mine & theirs), (outside, mine - theirs)):
        if wanted:
            assert found == NumberSet(intervals.unite((point, point + 1) for point in wanted))
        else:
            # Of no points, one of the two may be the empty set itself.
            assert not found


def test_a_large_set_is_taken_out_of_a_wide_one_at_once() -> None:
    holes = tuple(range(10, 200_010))
    assert intervals.subtract((0, 300_000), holes) == (0, *holes, 300_000)
    assert intervals.subtract((10, 200_009), holes) == holes[1:-1]


@given(bounds, bounds)
def test_intervals_have_one_form(one: intervals.Bounds, other: intervals.Bounds) -> None:
    """Equal sets have equal bounds, so that sets can be compared and used as keys."""
    for held in (intervals.intersect(one, other), intervals.subtract(one, other), intervals.unite((one, other))):
        assert list(held) == sorted(set(held))


six_bits = st.integers(0, 63)
patterns = st.builds(lambda value, mask: Pattern(value & mask, mask), six_bits, six_bits)
bit_sets = st.lists(patterns, max_size=16).map(BitSet.union)


def strings(patterns: Iterable[Pattern]) -> list[int]:
    """List the members, those of patterns that overlap more than once."""
    return [value for value in range(64) for pattern in patterns if value & pattern.mask == pattern.value]


@given(bit_sets, bit_sets)
def test_bit_sets_are_sets_of_disjoint_patterns(one: BitSet, other: BitSet) -> None:
    mine, theirs = set(strings(one.patterns)), set(strings(other.patterns))
    inside, outside = one.parted(other)
    for found, wanted in (
        (one & other, mine & theirs),
        (one - other, mine - theirs),
        (one | other, mine | theirs),
        (one.with_apart([other - one]), mine | theirs),
        (inside or BitSet(()), mine & theirs),
        (outside or BitSet(()), mine - theirs),
    ):
        assert strings(found.patterns) == sorted(wanted)
        assert found.size == len(wanted) << 250
    assert (other in one) is (theirs <= mine)


@given(st.lists(patterns, max_size=16))
def test_patterns_that_overlap_are_joined(some: list[Pattern]) -> None:
    assert strings(BitSet.union(some).patterns) == sorted(set(strings(some)))


@given(st.lists(patterns, max_size=16), patterns)
def test_a_table_finds_the_patterns_that_meet_another(some: list[Pattern], other: Pattern) -> None:
    table = PatternTable(BitSet.union(some).patterns)
    met = [one for one in BitSet.union(some).patterns if strings((BitSet((one,)) & BitSet((other,))).patterns)]
    assert set(table.meeting(other)) == set(met)
    for one in met:
        table.remove(one)
    assert (table.meeting(other), [one for one in met if one in table]) == ([], [])


@given(patterns, st.lists(patterns, max_size=16))
def test_what_others_leave_of_a_pattern_is_disjoint(pattern: Pattern, others: list[Pattern]) -> None:
    meeting = [one for one in others if not (one.value ^ pattern.value) & one.mask & pattern.mask]
    assert strings(list(difference(pattern, meeting))) == sorted(set(strings([pattern])) - set(strings(others)))


def test_a_pattern_is_cut_into_one_piece_for_each_bit() -> None:
    rest = ANY_BITS - BitSet.of(0b11, 0b11)
    assert rest.patterns == (Pattern(0b00, 0b01), Pattern(0b01, 0b11))


@pytest.mark.parametrize(
    ("held", "shown"),
    [
        (BitSet(()), "nothing"),
        (ANY_BITS, "any"),
        (BitSet.of(6) | BitSet.of(1), "0x1 or 0x6"),
        (BitSet.between(0x10, 0x17), "0x10/0xfffffff8"),
        (ANY_BITS - BitSet.of(0x4000, 0x4000), "0x0/0x4000"),
        (ANY_BITS - BitSet.of(0xC000, 0xC000), "any but 0xc000/0xc000"),
        (ANY_BITS - BitSet.of(1) - BitSet.of(6), "any but 0x1 or 0x6"),
    ],
)
def test_bit_sets_show_what_takes_fewer_patterns(held: BitSet, shown: str) -> None:
    assert str(held) == shown


names = st.text("ab0.", min_size=1, max_size=4)
interfaces = st.builds(lambda name, prefix: Interface(name, prefix=prefix), names, st.booleans())


@given(interfaces, interfaces, names)
def test_interface_names_are_intervals(one: Interface, other: Interface, name: str) -> None:
    def matches(asked: Interface) -> bool:
        return name.startswith(asked.name) if asked.prefix else name == asked.name

    single = NameSet.of(Interface(name))
    left, right = NameSet.of(one), NameSet.of(other)
    assert (single in left) is matches(one)
    assert (single in (left & right)) is (matches(one) and matches(other))
    assert (single in (left - right)) is (matches(one) and not matches(other))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9"),
        ("! 10.0.0.0/8", "any but 10.0.0.0/8"),
        ("192.0.2.1,192.0.2.0", "192.0.2.0/31"),
        ("10.0.0.1/255.0.0.255", None),
        ("fd00::/64,::1", "::1,fd00::/64"),
    ],
)
def test_addresses_read_and_show(text: str, shown: str | None) -> None:
    found = AddressSet.read(text)
    if shown is None:
        assert found.bounds[:4] == (0x0A000001, 0x0A000002, 0x0A000101, 0x0A000102)
        assert len(found.bounds) == 2 * 65536
    else:
        assert str(found) == shown


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("src", "10.0.0.0/33", 'a packet needs addresses or networks here, found "10.0.0.0/33"'),
        ("src", "10.0.0.0/ffff::", 'a packet needs addresses or networks here, found "10.0.0.0/ffff::"'),
        (
            "src",
            f"10.0.0.0/{'ffff:' * 7}ffff",
            f'a packet needs addresses or networks here, found "10.0.0.0/{"ffff:" * 7}ffff"',
        ),
        ("src", "10.0.0.1,::1", 'a packet needs addresses of one IP version, found "10.0.0.1,::1"'),
        ("dport", "80-70", 'a packet needs numbers from 0 to 65535 here, found "80-70"'),
        ("dport", "70000", 'a packet needs numbers from 0 to 65535 here, found "70000"'),
        ("state", "OLD", None),
        (
            "tcp_flags",
            "SYN,FOO",
            'a packet needs TCP flags among FIN,SYN,RST,PSH,ACK,URG,ECE,CWR or NONE, found "SYN,FOO"',
        ),
        ("icmp_type", "300", 'a packet needs an ICMP type as 8 or 8/0, found "300"'),
        ("in_interface", "a b", 'a packet needs interface names here, found "a b"'),
        ("mark", "x", None),
    ],
)
def test_what_is_no_packet_is_a_model_error(field: str, value: str, message: str | None) -> None:
    with pytest.raises(ModelError) as caught:
        Packet(**{field: value})
    assert message is None or str(caught.value) == message


def test_the_rest_of_a_packet_is_disjoint_and_whole() -> None:
    one = Packet(src="10.0.0.0/8", dst="192.0.2.1", protocol="tcp,udp", dport="0:1023")
    other = Packet(src="10.1.0.0/16", dst="192.0.2.0/24", protocol="tcp", dport="80")
    both = meet(one, other)
    assert both == Packet(src="10.1.0.0/16", dst="192.0.2.1", protocol="tcp", dport="80")
    pieces = [both, *without(one, other)]
    assert [meet(first, second) for first in pieces for second in pieces if first is not second] == [None] * 12
    assert all(piece in one for piece in pieces if piece is not None)
    for probe in (
        Packet(src="10.1.2.3", dst="192.0.2.1", protocol="tcp", dport=80),
        Packet(src="10.2.2.3", dst="192.0.2.1", protocol="tcp", dport=80),
        Packet(src="10.1.2.3", dst="192.0.2.1", protocol="udp", dport=80),
        Packet(src="10.1.2.3", dst="192.0.2.1", protocol="tcp", dport=81),
    ):
        assert sum(probe in piece for piece in pieces if piece is not None) == 1


def test_numbers_and_fields() -> None:
    assert str(NumberSet.read("! 80", 16)) == "0:79,81:65535"
    assert NumberSet.of(80).single == 80
    assert {"src", "dst", "protocol", "mark", "state"} < set(FIELDS)
