"""Laws of the sets that the fields of a packet can be, against plain sets of members."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptables_model import ModelError, Packet
from iptables_model.netfilter import intervals
from iptables_model.netfilter.bits import ANY_BITS, BitSet, Pattern
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
def test_intervals_have_one_form(one: intervals.Bounds, other: intervals.Bounds) -> None:
    """Equal sets have equal bounds, so that sets can be compared and used as keys."""
    for held in (intervals.intersect(one, other), intervals.subtract(one, other), intervals.unite((one, other))):
        assert list(held) == sorted(set(held))


four_bits = st.integers(0, 15)
patterns = st.builds(lambda value, mask: Pattern(value & mask, mask), four_bits, four_bits)


def strings(held: BitSet) -> list[int]:
    return [value for value in range(16) for pattern in held.patterns if value & pattern.mask == pattern.value]


@given(st.lists(patterns, max_size=3), st.lists(patterns, max_size=3))
def test_bit_sets_are_sets_of_disjoint_patterns(one: list[Pattern], other: list[Pattern]) -> None:
    left, right = BitSet(()), BitSet(())
    for pattern in one:
        left |= BitSet((pattern,))
    for pattern in other:
        right |= BitSet((pattern,))
    for found, wanted in (
        (left & right, set(strings(left)) & set(strings(right))),
        (left - right, set(strings(left)) - set(strings(right))),
        (left | right, set(strings(left)) | set(strings(right))),
    ):
        assert sorted(strings(found)) == sorted(wanted)


def test_a_pattern_is_cut_into_one_piece_for_each_bit() -> None:
    rest = ANY_BITS - BitSet.of(0b11, 0b11)
    assert rest.patterns == (Pattern(0b00, 0b01), Pattern(0b01, 0b11))


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
