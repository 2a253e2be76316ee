"""How the fields of a packet are written: what a user says becomes a set, and a set becomes a text."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import reduce
from operator import or_
from typing import TypeAlias

import attrs

from iptables_model.errors import ModelError
from iptables_model.model.matches import DccpType, PktType
from iptables_model.netfilter.bits import ANY_BITS, BitSet
from iptables_model.netfilter.sets import AddressSet, Choice, NameSet, NumberSet
from iptables_model.values.addresses import MAC, Address, Network
from iptables_model.values.codec import Codec
from iptables_model.values.names import Interface
from iptables_model.values.numbers import MARK, PROTOCOL, Masked
from iptables_model.values.sctp import CHUNK_NUMBERS
from iptables_model.values.tos import DSCP_CLASS, TOS, MaskedTos

__all__ = [
    "ANY",
    "STATES",
    "FieldSet",
    "Flags",
    "addresses",
    "bridge_port",
    "byte",
    "chunks",
    "dccp_type",
    "direction",
    "fragment",
    "hardware_address",
    "headers",
    "icmp_type",
    "interface",
    "mark",
    "out_interface",
    "packet_type",
    "ports",
    "protocol",
    "socket",
    "state",
    "status",
    "tcp_flags",
    "tcp_options",
    "tos",
    "value_text",
    "word",
    "yes_no",
]

ANY = "any"
"""What leaves a field open."""

FieldSet: TypeAlias = AddressSet | NumberSet | NameSet | BitSet | Choice

STATES = frozenset({"NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"})
"""The states in which conntrack can see a packet (include/uapi/linux/netfilter/nf_conntrack_common.h)."""

DIRECTIONS = frozenset({"ORIGINAL", "REPLY"})
"""The directions that a packet can have in its connection."""

SOCKETS = frozenset({"process", "kernel", "none"})
"""Whose socket a packet can belong to: `kernel` is a socket without a file, such as the one that answers a ping."""

PACKET_TYPES = frozenset(map(str, PktType)) - {PktType.OTHERHOST}
"""To whom a packet can be addressed on its link; those to others meet no rule (net/ipv4/ip_input.c, ip_rcv_core)."""

FRAGMENTS = frozenset({"no", "first", "yes"})
"""Whether a packet is a fragment."""

DCCP_TYPES = frozenset(map(str, DccpType))
"""The types of DCCP packets."""


@attrs.frozen
class Flags:
    """Name the bits of a field; `full` has those without a name too. A packet has the flags listed, and no others.

    >>> flags = Flags("flags", {"SYN": 2, "RST": 4, "ACK": 16})
    >>> flags.write(flags.read("SYN,ACK")), flags.write(flags.read("SYN,ACK SYN"))
    ('SYN,ACK', 'SYN,ACK SYN')
    """

    what: str
    bits: Mapping[str, int]
    full: int = attrs.Factory(lambda self: sum(self.bits.values()), takes_self=True)

    def read(self, text: str) -> BitSet:
        """Read the flags that are set; or, as in `--tcp-flags`, those that are looked at, and of them those set.

        Raises `ModelError` for other names.
        """
        lists = text.upper().split(" ")
        bits = [self._sum(names, text) for names in lists]
        return BitSet.of(bits[0], self.full) if len(lists) == 1 else BitSet.of(bits[1], bits[0])

    def _sum(self, names: str, text: str) -> int:
        listed = set() if names == "NONE" else set(names.split(","))
        if not listed <= self.bits.keys():
            raise ModelError(f'a packet needs {self.what}, found "{text}"')
        return sum(self.bits[name] for name in listed)

    def write(self, held: BitSet) -> str:
        """Write flags so that they can be read; alternatives are parted by "or"."""
        return " or ".join(self._text(pattern.value, pattern.mask) for pattern in held.patterns)

    def _text(self, value: int, mask: int) -> str:
        return self._names(value) if mask & self.full == self.full else f"{self._names(mask)} {self._names(value)}"

    def _names(self, bits: int) -> str:
        return ",".join(name for name, bit in self.bits.items() if bits & bit) or "NONE"


TCP_FLAGS = Flags(
    "TCP flags among FIN,SYN,RST,PSH,ACK,URG,ECE,CWR or NONE",
    {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128},
)
TCP_OPTIONS = Flags(
    "the numbers of TCP options, from 1 to 255, or NONE", {str(kind): 1 << kind for kind in range(1, 256)}
)
CHUNKS = Flags(
    "the names of SCTP chunk types",
    {name: 1 << number for name, number in CHUNK_NUMBERS.items()},
    full=(1 << 256) - 1,
)
STATUS = Flags(
    "bits of a connection's status among EXPECTED,SEEN_REPLY,ASSURED,CONFIRMED,SNAT,DNAT or NONE",
    {"EXPECTED": 1, "SEEN_REPLY": 2, "ASSURED": 4, "CONFIRMED": 8, "SNAT": 16, "DNAT": 32},
)
"""The IPS_* bits that rules can ask for (include/uapi/linux/netfilter/nf_conntrack_common.h)."""

HEADERS = Flags(
    "IPv6 extension headers among HOP,DST,ROUTE,FRAG,AUTH or NONE",
    {"HOP": 1, "DST": 2, "ROUTE": 4, "FRAG": 8, "AUTH": 16},
)


def addresses(value: str | Network | Address | AddressSet | None) -> AddressSet | None:
    """Read addresses; what is open waits for its IP version."""
    if value is None or isinstance(value, AddressSet):
        return value
    return None if value == ANY else AddressSet.read(value)


def _numbers(value: str | int | NumberSet, bits: int) -> NumberSet:
    if isinstance(value, NumberSet):
        return value
    return NumberSet((0, 1 << bits)) if value == ANY else NumberSet.read(value, bits)


def ports(value: str | int | NumberSet) -> NumberSet:
    """Read numbers of 16 bits."""
    return _numbers(value, 16)


def byte(value: str | int | NumberSet) -> NumberSet:
    """Read numbers of 8 bits."""
    return _numbers(value, 8)


def word(value: str | int | NumberSet) -> NumberSet:
    """Read numbers of 32 bits."""
    return _numbers(value, 32)


def protocol(value: str | int | NumberSet) -> NumberSet:
    """Read protocols, by number or name."""
    if isinstance(value, str) and value != ANY:
        try:
            names = value.removeprefix("!").split(",")
            numbers = ",".join(str(int(PROTOCOL.parse(name.strip()))) for name in names)
        except ValueError:
            raise ModelError(f'a packet needs a protocol, found "{value}"') from None
        return NumberSet.read(("!" if value.startswith("!") else "") + numbers, 8)
    return byte(value)


def icmp_type(value: str | int | NumberSet) -> NumberSet:
    """Read an ICMP type with or without its code, which together are a number of 16 bits."""
    if isinstance(value, NumberSet):
        return value
    if value == ANY:
        return NumberSet((0, 1 << 16))
    text = str(value)
    try:
        found = reduce(or_, map(_icmp_range, text.removeprefix("!").split(",")))
    except ValueError:
        raise ModelError(f'a packet needs an ICMP type as 8 or 8/0, found "{text}"') from None
    return NumberSet((0, 1 << 16)) - found if text.startswith("!") else found


def _icmp_range(text: str) -> NumberSet:
    first, _, last = text.strip().partition(":")
    low, high = _icmp_bounds(first)[0], _icmp_bounds(last or first)[1]
    if low > high:
        raise ValueError(text)
    return NumberSet.of(low, high)


def _icmp_bounds(text: str) -> tuple[int, int]:
    """Give the numbers of the first and the last code that a type with or without a code means."""
    kind, slash, code = text.partition("/")
    numbers = [int(part) for part in (kind, code) if part.isdecimal() and int(part) <= 0xFF]
    if len(numbers) != 1 + bool(slash):
        raise ValueError(text)
    first = numbers[0] << 8
    return (first | numbers[1], first | numbers[1]) if slash else (first, first | 0xFF)


def interface(value: str | NameSet | None) -> NameSet | None:
    """Read the names of interfaces."""
    if value is None or isinstance(value, NameSet):
        return value
    return NameSet.some() if value == ANY else NameSet.read(value)


def out_interface(value: str | NameSet) -> NameSet:
    """Read the names of interfaces, of which there is one."""
    return interface(value) or NameSet.some()


def bridge_port(value: str | NameSet | None) -> NameSet:
    """Read the names of bridge ports; None stands for no bridge."""
    if value is None:
        return NameSet.nothing_there()
    return value if isinstance(value, NameSet) else NameSet.everything() if value == ANY else NameSet.read(value)


def hardware_address(value: str | NameSet | None) -> NameSet:
    """Read hardware addresses, which are kept like names; None stands for a link that has none."""
    if value is None:
        return NameSet.nothing_there()
    if isinstance(value, NameSet):
        return value
    if value == ANY:
        return NameSet.everything()
    try:
        found = [Interface(str(MAC.parse(part.strip()))) for part in value.removeprefix("!").split(",")]
    except ValueError:
        raise ModelError(f'a packet needs hardware addresses here, found "{value}"') from None
    listed = reduce(or_, map(NameSet.of, found))
    return NameSet.some() - listed if value.startswith("!") else listed


def mark(value: str | int | BitSet) -> BitSet:
    """Read bits as a mark is written, with an optional mask."""
    if isinstance(value, BitSet):
        return value
    if value == ANY:
        return ANY_BITS
    return _masked(value, MARK, "mark")


def _masked(value: str | int, codec: Codec[Masked] | Codec[MaskedTos], what: str) -> BitSet:
    try:
        found = codec.parse(str(value))
    except ValueError as error:
        raise ModelError(f"a packet's {what} {error}") from None
    return BitSet.of(found.value, found.mask)


def tos(value: str | int | BitSet) -> BitSet:
    """Read the type of service as `--tos` does, or the name of a DSCP class, which leaves the bits of ECN open."""
    if isinstance(value, BitSet):
        return value
    if value == ANY:
        return ANY_BITS
    with suppress(ValueError):
        return BitSet.of(DSCP_CLASS.parse(str(value)) << 2, 0xFC)
    return _masked(value, TOS, "type of service")


def status(value: str | int | BitSet) -> BitSet:
    """Read the bits of a connection's status, by name or as a number with an optional mask."""
    return mark(value) if str(value)[:1].isdecimal() else _flags(value, STATUS)


def _flags(value: str | int | BitSet, flags: Flags) -> BitSet:
    if isinstance(value, BitSet):
        return value
    return ANY_BITS if value == ANY else flags.read(str(value))


def tcp_flags(value: str | BitSet) -> BitSet:
    """Read TCP flags."""
    return _flags(value, TCP_FLAGS)


def tcp_options(value: str | int | BitSet) -> BitSet:
    """Read the numbers of TCP options."""
    return _flags(value, TCP_OPTIONS)


def chunks(value: str | BitSet) -> BitSet:
    """Read SCTP chunk types."""
    return _flags(value, CHUNKS)


def headers(value: str | BitSet) -> BitSet:
    """Read IPv6 extension headers."""
    return _flags(value, HEADERS)


def _choice(value: str | Choice, names: frozenset[str], what: str) -> Choice:
    if isinstance(value, Choice):
        return value
    by_name = {name.upper(): name for name in names}
    chosen = names if value == ANY else frozenset(by_name.get(name, "") for name in value.upper().split(","))
    if not chosen <= names:
        raise ModelError(f'a packet needs {what} among {",".join(sorted(names))}, found "{value}"')
    return Choice(chosen)


def state(value: str | Choice) -> Choice:
    """Read states of conntrack."""
    return _choice(value, STATES, "states")


def direction(value: str | Choice) -> Choice:
    """Read directions in a connection."""
    return _choice(value, DIRECTIONS, "directions")


def socket(value: str | Choice | None) -> Choice:
    """Read whose socket a packet belongs to; None stands for no socket."""
    return _choice("none" if value is None else value, SOCKETS, "sockets")


def packet_type(value: str | Choice) -> Choice:
    """Read to whom a packet is addressed on its link."""
    return _choice(value, PACKET_TYPES, "packet types")


def dccp_type(value: str | Choice) -> Choice:
    """Read types of DCCP packets."""
    return _choice(value, DCCP_TYPES, "DCCP types")


def fragment(value: str | bool | Choice) -> Choice:
    """Read whether a packet is a fragment: a yes is one behind the first, which has the header."""
    named = ("yes" if value else "no") if isinstance(value, bool) else value
    return _choice(named, FRAGMENTS, "the place of a fragment")


def yes_no(value: str | bool | Choice) -> Choice:
    """Read a yes or no."""
    if isinstance(value, Choice):
        return value
    if value == ANY:
        return Choice(frozenset({"yes", "no"}))
    return Choice(frozenset({"yes" if value in (True, "yes") else "no"}))


_NAMED_BITS = {
    "status": STATUS,
    "tcp_flags": TCP_FLAGS,
    "tcp_options": TCP_OPTIONS,
    "sctp_chunks": CHUNKS,
    "headers": HEADERS,
}


def value_text(name: str, value: FieldSet) -> str:
    """Write what a field says so that it can be read."""
    if isinstance(value, BitSet) and name in _NAMED_BITS:
        return _NAMED_BITS[name].write(value)
    if isinstance(value, BitSet) and name == "tos":
        return " or ".join(str(MaskedTos(one.value & 0xFF, one.mask & 0xFF)) for one in value.patterns)
    if isinstance(value, NumberSet) and name == "protocol":
        return ",".join(_protocol_text(low, high) for low, high in value)
    if isinstance(value, NumberSet) and name == "icmp_type":
        return ",".join(_icmp_text(low, high) for low, high in value)
    return str(value)


def _protocol_text(low: int, high: int) -> str:
    return str(PROTOCOL.read(str(low))) if low == high else f"{low}:{high}"


def _icmp_text(low: int, high: int) -> str:
    if low & 0xFF == 0 and high & 0xFF == 0xFF:
        return f"{low >> 8}" if low >> 8 == high >> 8 else f"{low >> 8}:{high >> 8}"
    first, last = (f"{number >> 8}/{number & 0xFF}" for number in (low, high))
    return first if low == high else f"{first}:{last}"
