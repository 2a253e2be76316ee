"""A packet to ask about, which is always a set of packets: each field is a value, a set, or open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any as Anything
from typing import TypeAlias

import attrs

from iptables_model.errors import ModelError
from iptables_model.netfilter.bits import ANY_BITS, BitSet
from iptables_model.netfilter.sets import AddressSet, Choice, NameSet, NumberSet
from iptables_model.values.addresses import Address, Network
from iptables_model.values.numbers import MARK, PROTOCOL

__all__ = ["ANY", "FIELDS", "NAT_STATUS", "STATES", "FieldSet", "Packet", "PacketSet", "cube_of", "meet", "without"]

ANY = "any"
"""What leaves a field open."""

FieldSet: TypeAlias = AddressSet | NumberSet | NameSet | BitSet | Choice

STATES = frozenset({"NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"})
"""The states in which conntrack can see a packet (include/uapi/linux/netfilter/nf_conntrack_common.h)."""

NAT_STATUS = 0b110000
"""IPS_SRC_NAT and IPS_DST_NAT of a connection's status (include/uapi/linux/netfilter/nf_conntrack_common.h)."""

_FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32}
_ALL_FLAGS = 0x3F
_BYTES, _PORTS, _LENGTHS = (NumberSet((0, 1 << bits)) for bits in (8, 16, 32))


def _addresses(value: str | Network | Address | AddressSet | None) -> AddressSet | None:
    if value is None or isinstance(value, AddressSet):
        return value
    return None if value == ANY else AddressSet.read(value)


def _numbers(value: str | int | NumberSet, bits: int) -> NumberSet:
    if isinstance(value, NumberSet):
        return value
    return NumberSet((0, 1 << bits)) if value == ANY else NumberSet.read(value, bits)


def _ports(value: str | int | NumberSet) -> NumberSet:
    return _numbers(value, 16)


def _bytes(value: str | int | NumberSet) -> NumberSet:
    return _numbers(value, 8)


def _lengths(value: str | int | NumberSet) -> NumberSet:
    return _numbers(value, 32)


def _protocol(value: str | int | NumberSet) -> NumberSet:
    if isinstance(value, str) and value != ANY:
        try:
            names = value.removeprefix("!").split(",")
            numbers = ",".join(str(int(PROTOCOL.parse(name.strip()))) for name in names)
        except ValueError:
            raise ModelError(f'a packet needs a protocol, found "{value}"') from None
        return NumberSet.read(("!" if value.startswith("!") else "") + numbers, 8)
    return _bytes(value)


def _interface(value: str | NameSet | None) -> NameSet | None:
    if value is None or isinstance(value, NameSet):
        return value
    return NameSet.some() if value == ANY else NameSet.read(value)


def _out_interface(value: str | NameSet) -> NameSet:
    return _interface(value) or NameSet.some()


def _bits(value: str | int | BitSet) -> BitSet:
    if isinstance(value, BitSet):
        return value
    if value == ANY:
        return ANY_BITS
    try:
        mark = MARK.parse(str(value))
    except ValueError as error:
        raise ModelError(f"a packet's mark {error}") from None
    return BitSet.of(mark.value, mark.mask)


def _state(value: str | Choice) -> Choice:
    if isinstance(value, Choice):
        return value
    names = STATES if value == ANY else frozenset(value.upper().split(","))
    if not names <= STATES:
        raise ModelError(f'a packet needs states among {",".join(sorted(STATES))}, found "{value}"')
    return Choice(names)


def _tcp_flags(value: str | BitSet) -> BitSet:
    if isinstance(value, BitSet):
        return value
    if value == ANY:
        return ANY_BITS
    names = [] if value.upper() == "NONE" else value.upper().split(",")
    if not set(names) <= set(_FLAGS):
        raise ModelError(f'a packet needs TCP flags among {",".join(_FLAGS)} or NONE, found "{value}"')
    return BitSet.of(sum(_FLAGS[name] for name in set(names)), _ALL_FLAGS)


def _icmp_type(value: str | int | NumberSet) -> NumberSet:
    if isinstance(value, NumberSet):
        return value
    if value == ANY:
        return NumberSet((0, 1 << 16))
    found = re.fullmatch(r"(\d{1,3})(?:/(\d{1,3}))?", str(value))
    kind, code = (int(found[1]), found[2]) if found else (256, None)
    if kind > 255 or (code is not None and int(code) > 255):
        raise ModelError(f'a packet needs an ICMP type as 8 or 8/0, found "{value}"')
    return NumberSet.of(kind << 8, kind << 8 | 255) if code is None else NumberSet.of(kind << 8 | int(code))


def _yes_no(value: str | bool | Choice) -> Choice:
    if isinstance(value, Choice):
        return value
    if value == ANY:
        return Choice(frozenset({"yes", "no"}))
    return Choice(frozenset({"yes" if value in (True, "yes") else "no"}))


def _bridge_port(value: str | NameSet | None) -> NameSet:
    if value is None:
        return NameSet.nothing_there()
    return value if isinstance(value, NameSet) else NameSet.everything() if value == ANY else NameSet.read(value)


def _usual_status(packet: Packet) -> BitSet:
    """Say that the first packet of a connection has not been translated yet; what a later one was is not known."""
    return BitSet.of(0, NAT_STATUS) if packet.state.single == "NEW" else ANY_BITS


@attrs.frozen(kw_only=True)
class Packet:
    """Describe the packets that a question is about; what is not said is open, which is the full set.

    Values are written as iptables writes them: `"10.0.0.0/8"`, `"80,443,8000:8010"`, `"SYN,ACK"`, `"8/0"`, with `!` in
    front for all others; ints and `ipaddress` objects will do too, and `"any"` leaves a field open. A packet that comes
    in starts at PREROUTING; one made on the node (`in_interface=None`) starts at OUTPUT. `state` is NEW and the marks
    are 0 unless said otherwise, as for the first packet of a connection. `physdev_in` is None for a packet that
    came through no bridge port; `status` holds the connection's IPS_* bits.

    Raises `ModelError` for what cannot be read.

    >>> print(Packet(src="10.0.0.0/8", protocol="tcp", dport="80,443"))
    src 10.0.0.0/8, protocol tcp, dport 80,443
    """

    src: AddressSet | None = attrs.field(default=None, converter=_addresses)
    dst: AddressSet | None = attrs.field(default=None, converter=_addresses)
    protocol: NumberSet = attrs.field(default=_BYTES, converter=_protocol)
    sport: NumberSet = attrs.field(default=_PORTS, converter=_ports)
    dport: NumberSet = attrs.field(default=_PORTS, converter=_ports)
    in_interface: NameSet | None = attrs.field(default=NameSet.some(), converter=_interface)
    out_interface: NameSet = attrs.field(default=NameSet.some(), converter=_out_interface)
    mark: BitSet = attrs.field(default=BitSet.of(0), converter=_bits)
    connmark: BitSet = attrs.field(default=BitSet.of(0), converter=_bits)
    state: Choice = attrs.field(default=Choice(frozenset({"NEW"})), converter=_state)
    status: BitSet = attrs.field(default=attrs.Factory(_usual_status, takes_self=True), converter=_bits)
    tcp_flags: BitSet = attrs.field(default=ANY_BITS, converter=_tcp_flags)
    icmp_type: NumberSet = attrs.field(default=_PORTS, converter=_icmp_type)
    ttl: NumberSet = attrs.field(default=_BYTES, converter=_bytes)
    tos: BitSet = attrs.field(default=ANY_BITS, converter=_bits)
    length: NumberSet = attrs.field(default=_LENGTHS, converter=_lengths)
    fragment: Choice = attrs.field(default=Choice(frozenset({"no"})), converter=_yes_no)
    physdev_in: NameSet = attrs.field(default=NameSet.nothing_there(), converter=_bridge_port)

    def __attrs_post_init__(self) -> None:
        if self.src is not None and self.dst is not None and self.src.version != self.dst.version:
            raise ModelError("a packet needs a source and a destination of one IP version")
        for name in FIELDS:
            if not getattr(self, name) and getattr(self, name) is not None:
                raise ModelError(f"a packet needs at least one {name.replace('_', ' ')}")

    @property
    def family(self) -> int | None:
        """Give the IP version that the addresses tell, or None."""
        known = self.src or self.dst
        return None if known is None else known.version

    def __contains__(self, other: object) -> bool:
        """Say whether another packet, or every packet of another set, is one of these."""
        return isinstance(other, Packet) and all(_covers(getattr(self, name), getattr(other, name)) for name in FIELDS)

    def as_data(self) -> dict[str, str]:
        """Give the fields that say something, as text."""
        said = {name: _value_text(name, getattr(self, name)) for name in FIELDS}
        return {name: text for name, text in said.items() if text}

    def __str__(self) -> str:
        return ", ".join(_field_text(name, text) for name, text in self.as_data().items()) or "any packet"


FIELDS: tuple[str, ...] = tuple(field.name for field in attrs.fields(Packet))
"""The names of a packet's fields."""

_OPEN = Packet(mark=ANY, connmark=ANY, state=ANY, fragment=ANY, physdev_in=ANY)
_USUAL = Packet()


def _covers(mine: FieldSet | None, theirs: FieldSet | None) -> bool:
    if mine is None or theirs is None:
        return mine is None or str(theirs) == ANY
    return theirs in mine


def _value_text(name: str, value: FieldSet | None) -> str:
    """Word what a field says; one that is open, or as usual, says nothing."""
    if value is None:
        return "none" if name == "in_interface" else ""
    if value in (getattr(_OPEN, name), getattr(_USUAL, name)) or str(value) == ANY:
        return ""
    if name == "protocol" and isinstance(value, NumberSet):
        return ",".join(_protocol_text(low, high) for low, high in value)
    return str(value)


def _field_text(name: str, text: str) -> str:
    if (name, text) == ("in_interface", "none"):
        return "made on the node"
    return f"{name.replace('_', ' ')} {text}"


def _protocol_text(low: int, high: int) -> str:
    return str(PROTOCOL.read(str(low))) if low == high else f"{low}:{high}"


@attrs.frozen
class PacketSet:
    """Hold the packets for which an answer holds, as alternatives that do not overlap.

    >>> packets = PacketSet((Packet(dport=80), Packet(dport=443)))
    >>> Packet(dport=443) in packets, Packet(dport=22) in packets, str(packets)
    (True, False, 'dport 80; or dport 443')
    """

    packets: tuple[Packet, ...]

    def as_data(self) -> tuple[Packet, ...]:
        """Give the alternatives."""
        return self.packets

    def __contains__(self, packet: object) -> bool:
        """Say whether one of the alternatives holds the packet."""
        return any(packet in alternative for alternative in self.packets)

    def __iter__(self) -> Iterator[Packet]:
        return iter(self.packets)

    def __len__(self) -> int:
        return len(self.packets)

    def __str__(self) -> str:
        return "; or ".join(map(str, self.packets))


def cube_of(packet: Packet, family: int) -> dict[str, Anything]:
    """Spread a packet out as a mapping from fields to sets, with open addresses of the family filled in."""
    cube = {name: getattr(packet, name) for name in FIELDS}
    for name in ("src", "dst"):
        if cube[name] is None:
            cube[name] = AddressSet.everything(family)
    return cube


def meet(one: Packet, other: Packet) -> Packet | None:
    """Give the packets that are in both, whose addresses must be known; None if there are none."""
    both: dict[str, Anything] = {}
    for name in FIELDS:
        mine, theirs = getattr(one, name), getattr(other, name)
        both[name] = mine if mine is None else mine & theirs
        if mine is not None and not both[name]:
            return None
    return Packet(**both)


def without(one: Packet, other: Packet) -> Iterator[Packet]:
    """Go through the packets of one that are not in the other, as alternatives that do not overlap."""
    if meet(one, other) is None:
        yield one
        return
    rest = one
    for name in FIELDS:
        mine, theirs = getattr(rest, name), getattr(other, name)
        outside = mine if mine is None else mine - theirs
        if outside:
            yield attrs.evolve(rest, **{name: outside})
            rest = attrs.evolve(rest, **{name: mine & theirs})
