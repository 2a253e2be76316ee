"""A packet to ask about, which is always a set of packets: each field is a value, a set, or open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import Any as Anything

import attrs

from iptables_model.errors import ModelError
from iptables_model.netfilter import fields
from iptables_model.netfilter.bits import ANY_BITS, BitSet
from iptables_model.netfilter.fields import ANY, STATES, FieldSet
from iptables_model.netfilter.sets import AddressSet, Choice, NameSet, NumberSet
from iptables_model.values.frozen import maker
from iptables_model.values.names import Interface

__all__ = [
    "ANY",
    "FIELDS",
    "STATES",
    "FieldSet",
    "Packet",
    "PacketSet",
    "cube_of",
    "field_text",
    "meet",
    "packet_of",
    "parted",
    "varied",
    "without",
]

_BYTES, _PORTS, _WORDS = (NumberSet((0, 1 << bits)) for bits in (8, 16, 32))
_NO = Choice(frozenset({"no"}))
_ORIGINAL = Choice(frozenset({"ORIGINAL"}))
_NO_BITS = BitSet.of(0)
_LOOPBACK = NameSet.of(Interface("lo"))
_LOOPBACK_ADDRESSES = {4: AddressSet.read("127.0.0.0/8"), 6: AddressSet.read("::1")}

_IMPLIED: Mapping[str, tuple[BitSet, Choice]] = MappingProxyType(
    {
        "NEW": (fields.status("NONE"), _ORIGINAL),
        "ESTABLISHED": (fields.status("SEEN_REPLY,CONFIRMED SEEN_REPLY,CONFIRMED"), fields.direction(ANY)),
    }
)
"""The status and the direction that go with a state, where they do: the first packet of a connection, of which nothing
is noted yet; and one of a connection that both sides have used, so that it has IPS_SEEN_REPLY and IPS_CONFIRMED
(resolve_normal_ct and nf_conntrack_in, net/netfilter/nf_conntrack_core.c)."""


def _usual_status(packet: Packet) -> BitSet:
    return _IMPLIED.get(packet.state.single or "", (ANY_BITS,))[0]


def _usual_direction(packet: Packet) -> Choice:
    return _ORIGINAL if packet.state.single == "NEW" else fields.direction(ANY)


def _usual_socket(packet: Packet) -> Choice:
    """Say that what comes in has no socket that sent it."""
    return fields.socket(ANY if packet.in_interface is None else None)


def _usual_interface(packet: Packet) -> NameSet:
    """Say that what goes to a loopback address comes over loopback."""
    return (
        _LOOPBACK
        if packet.dst is not None and packet.dst in _LOOPBACK_ADDRESSES[packet.dst.version]
        else NameSet.some()
    )


def _usual_packet_type(packet: Packet) -> Choice:
    """Say that the node addresses what it makes to nobody on a link yet (skb->pkt_type is 0, PACKET_HOST)."""
    return fields.packet_type("unicast" if packet.in_interface is None else ANY)


@attrs.frozen(kw_only=True)
class Packet:
    """Describe the packets that a question is about; what is not said is open, which is the full set.

    Values are written as iptables writes them: `"10.0.0.0/8"`, `"80,443,8000:8010"`, `"SYN,ACK"`, `"8/0"`, with `!` in
    front for all others; ints and `ipaddress` objects will do too, and `"any"` leaves a field open. A packet that comes
    in starts at PREROUTING; one made on the node (`in_interface=None`) starts at OUTPUT. `state` is NEW and the marks
    are 0 unless said otherwise, as for the first packet of a connection. `status` holds the connection's IPS_* bits,
    `ttl` is the hop limit of IPv6 and lasts for one hop more unless said otherwise, `length` is that of the whole
    packet, `fragment` is one behind the first, or "first". A packet to a loopback address comes over `lo` unless said
    otherwise, and from a source that the kernel lets pass unless one is said.

    A packet has no IPv6 extension headers, came through no bridge port (`physdev_in` is None) and by no IPsec, and
    belongs to a socket only if it was made here (`socket` is "process", "kernel" or None), unless said otherwise.
    Of the flags in `tcp_flags`, `tcp_options`, `sctp_chunks` and `headers` a packet has those that are listed and no
    others. By which `out_interface` it leaves, the node's routes decide if they are known.

    Raises `ModelError` for what cannot be read.

    >>> print(Packet(src="10.0.0.0/8", protocol="tcp", dport="80,443"))
    src 10.0.0.0/8, protocol tcp, dport 80,443
    """

    src: AddressSet | None = attrs.field(default=None, converter=fields.addresses)
    dst: AddressSet | None = attrs.field(default=None, converter=fields.addresses)
    protocol: NumberSet = attrs.field(default=_BYTES, converter=fields.protocol)
    sport: NumberSet = attrs.field(default=_PORTS, converter=fields.ports)
    dport: NumberSet = attrs.field(default=_PORTS, converter=fields.ports)
    in_interface: NameSet | None = attrs.field(
        default=attrs.Factory(_usual_interface, takes_self=True), converter=fields.interface
    )
    out_interface: NameSet = attrs.field(default=NameSet.some(), converter=fields.out_interface)
    mark: BitSet = attrs.field(default=_NO_BITS, converter=fields.mark)
    connmark: BitSet = attrs.field(default=_NO_BITS, converter=fields.mark)
    state: Choice = attrs.field(default=Choice(frozenset({"NEW"})), converter=fields.state)
    status: BitSet = attrs.field(default=attrs.Factory(_usual_status, takes_self=True), converter=fields.status)
    direction: Choice = attrs.field(
        default=attrs.Factory(_usual_direction, takes_self=True), converter=fields.direction
    )
    tcp_flags: BitSet = attrs.field(default=ANY_BITS, converter=fields.tcp_flags)
    tcp_options: BitSet = attrs.field(default=ANY_BITS, converter=fields.tcp_options)
    mss: NumberSet = attrs.field(default=_PORTS, converter=fields.ports)
    icmp_type: NumberSet = attrs.field(default=_PORTS, converter=fields.icmp_type)
    sctp_chunks: BitSet = attrs.field(default=ANY_BITS, converter=fields.chunks)
    dccp_type: Choice = attrs.field(default=fields.dccp_type(ANY), converter=fields.dccp_type)
    ahspi: NumberSet = attrs.field(default=_WORDS, converter=fields.word)
    espspi: NumberSet = attrs.field(default=_WORDS, converter=fields.word)
    ttl: NumberSet = attrs.field(default=NumberSet((2, 256)), converter=fields.byte)
    tos: BitSet = attrs.field(default=ANY_BITS, converter=fields.tos)
    length: NumberSet = attrs.field(default=_WORDS, converter=fields.word)
    fragment: Choice = attrs.field(default=_NO, converter=fields.fragment)
    headers: BitSet = attrs.field(default=_NO_BITS, converter=fields.headers)
    physdev_in: NameSet = attrs.field(default=NameSet.nothing_there(), converter=fields.bridge_port)
    physdev_out: NameSet = attrs.field(default=NameSet.nothing_there(), converter=fields.bridge_port)
    mac_source: NameSet = attrs.field(default=NameSet.everything(), converter=fields.hardware_address)
    pkt_type: Choice = attrs.field(
        default=attrs.Factory(_usual_packet_type, takes_self=True), converter=fields.packet_type
    )
    ipsec: Choice = attrs.field(default=_NO, converter=fields.yes_no)
    socket: Choice = attrs.field(default=attrs.Factory(_usual_socket, takes_self=True), converter=fields.socket)
    uid_owner: NumberSet = attrs.field(default=_WORDS, converter=fields.word)
    gid_owner: NumberSet = attrs.field(default=_WORDS, converter=fields.word)

    def __attrs_post_init__(self) -> None:
        if self.src is not None and self.dst is not None and self.src.version != self.dst.version:
            raise ModelError("a packet needs a source and a destination of one IP version")
        _require_members({name: getattr(self, name) for name in FIELDS})

    @property
    def family(self) -> int | None:
        """Give the IP version that the addresses tell, or None."""
        known = self.src or self.dst
        return None if known is None else known.version

    def __contains__(self, other: object) -> bool:
        """Say whether another packet, or every packet of another set, is one of these."""
        return isinstance(other, Packet) and all(_covers(getattr(self, name), getattr(other, name)) for name in FIELDS)

    def as_data(self) -> dict[str, str]:
        """Give the fields that say something, as text: not those that are open, or as usual."""
        usual = _usual(made_here=self.in_interface is None, state=self.state)
        return {name: self._text(name) for name in FIELDS if self._says(name, usual)}

    def _says(self, name: str, usual: Packet) -> bool:
        held = getattr(self, name)
        if held is None:
            return name == "in_interface"
        return held not in [getattr(one, name) for one in (_OPEN, usual, _FORWARDED)] and str(held) != ANY

    def _text(self, name: str) -> str:
        held = getattr(self, name)
        return "none" if held is None else fields.value_text(name, held)

    def __str__(self) -> str:
        return ", ".join(field_text(name, text) for name, text in self.as_data().items()) or "any packet"


FIELDS: tuple[str, ...] = tuple(field.name for field in attrs.fields(Packet))
"""The names of a packet's fields."""


def packet_of(cube: Mapping[str, Anything]) -> Packet:
    """Make a packet of a set for each field, without a look: the walk leaves none empty."""
    return _made(*_sets_of(cube))


def varied(packet: Packet, **changes: FieldSet | None) -> Packet:
    """Make a packet that differs from another one in some fields, given as sets.

    Raises `ModelError` for a set without members. To have all fields read and checked takes ten times as long.
    """
    _require_members(changes)
    return packet_of(_fields_of(packet) | changes)


def _require_members(held: Mapping[str, FieldSet | None]) -> None:
    for name, value in held.items():
        if not value and value is not None:
            raise ModelError(f"a packet needs at least one {name.replace('_', ' ')}")


def _fields_of(packet: Packet) -> dict[str, Anything]:
    return dict(zip(FIELDS, _held_by(packet), strict=True))


_made = maker(Packet, *FIELDS)
_held_by, _sets_of = attrgetter(*FIELDS), itemgetter(*FIELDS)


_OPEN = Packet(**dict.fromkeys(FIELDS, ANY))  # each field knows this word
_FORWARDED = Packet(ttl="1:254")
"""What was usual before the node forwarded it."""


@lru_cache(maxsize=256)
def _usual(*, made_here: bool, state: Choice) -> Packet:
    return Packet(in_interface=None if made_here else ANY, state=state)


def _covers(mine: FieldSet | None, theirs: FieldSet | None) -> bool:
    if mine is None or theirs is None:
        return mine is None or str(theirs) == ANY
    return theirs in mine


def field_text(name: str, text: str) -> str:
    """Word what one field says."""
    if (name, text) == ("in_interface", "none"):
        return "made on the node"
    return f"{name.replace('_', ' ')} {text}"


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
    cube = _fields_of(packet)
    for name in ("src", "dst"):
        if cube[name] is None:
            cube[name] = AddressSet.everything(family)
    return cube


def parted(cube: dict[str, Anything]) -> Iterator[dict[str, Anything]]:
    """Part packets by their state, and give of each part the fields that are narrower.

    Those are the state, and the status and direction that go with it unless others were said.
    """
    return (dict(part) for part in _parts(cube["state"], cube["status"], cube["direction"]))


@lru_cache(maxsize=64)
def _parts(state: Choice, status: BitSet, direction: Choice) -> tuple[dict[str, Anything], ...]:
    """Part a state, with the status and the direction of it; most questions are about new connections."""
    parts = []
    for name, (usual_status, usual_direction) in _IMPLIED.items():
        part = state & Choice(frozenset({name}))
        if part:
            settled = {"status": status & usual_status, "direction": direction & usual_direction}
            parts.append({"state": part} | {field: held for field, held in settled.items() if held})
            state = state - part
    return (*parts, {"state": state}) if state else tuple(parts)


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
