"""Ipsets: their types, and what each element holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import TypeAlias

import attrs

from iptables_model.errors import ModelError
from iptables_model.netfilter.fields import hardware_address
from iptables_model.netfilter.sets import AddressSet, NameSet, NumberSet
from iptables_model.source import printable
from iptables_model.values.addresses import width
from iptables_model.values.icmp import ICMP6_TYPE, ICMP_TYPE
from iptables_model.values.names import Interface
from iptables_model.values.numbers import PROTOCOL
from iptables_model.values.ports import port

__all__ = ["TYPES", "Device", "Element", "IpSet", "Ports"]

TYPES: tuple[str, ...] = (
    "bitmap:ip", "bitmap:ip,mac", "bitmap:port",
    "hash:ip", "hash:net", "hash:net,net", "hash:ip,port", "hash:ip,port,ip", "hash:ip,port,net",
    "hash:net,port", "hash:net,port,net", "hash:net,iface", "hash:mac", "hash:ip,mac", "hash:ip,mark",
    "list:set",
)  # fmt: skip
"""The types of ipsets (net/netfilter/ipset/ip_set_*.c)."""

_TCP, _UDP = 6, 17
_ICMP = {1: ICMP_TYPE, 58: ICMP6_TYPE}


@attrs.frozen
class Ports:
    """Hold ports of some protocols; for ICMP the numbers are type and code, for others without ports they are 0."""

    protocols: NumberSet
    numbers: NumberSet


@attrs.frozen
class Device:
    """Hold an interface, or the port of a bridge."""

    name: Interface
    bridge_port: bool


Value: TypeAlias = AddressSet | Ports | Device | NameSet | int | str


@attrs.frozen
class Element:
    """Hold the values of one element, one for each dimension of its set; with `nomatch` it is an exception."""

    values: tuple[Value, ...]
    nomatch: bool


def _entries(given: Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


@attrs.frozen(kw_only=True, cache_hash=True)
class IpSet:
    """Describe an ipset and its elements, written as `ipset save` prints them: `10.0.0.1,tcp:80`, `10.0.0.0/8 nomatch`.

    `netmask` is the length to which a set of type `hash:ip` or `bitmap:ip` cuts addresses, `bitmask` the mask with
    which a newer ipset does so; `markmask` are the bits of marks that count. Raises `ModelError` for what is none.

    >>> IpSet(name="web", type="hash:ip,port", entries=["10.0.0.1,tcp:80", "10.0.0.1,udp:53"]).dimensions
    ('ip', 'port')
    """

    name: str
    type: str
    entries: tuple[str, ...] = attrs.field(default=(), converter=_entries)
    family: int = 4
    netmask: int | None = None
    bitmask: str | None = None
    markmask: int = 0xFFFFFFFF

    def __attrs_post_init__(self) -> None:
        if not re.fullmatch(r"[^\s]{1,31}", str(self.name)):
            raise ModelError(
                f'an ipset needs a name of at most 31 characters, found "{printable(str(self.name)[:40])}"'
            )
        if self.type not in TYPES:
            raise ModelError(f'an ipset is of type {", ".join(TYPES)}, found "{printable(str(self.type)[:40])}"')
        if self.family not in (4, 6):
            raise ModelError(f"an ipset is of IP version 4 or 6, found {self.family!r:.40}")
        if self.netmask is not None and not 0 < self.netmask <= width(self.family):
            raise ModelError(f"an ipset needs a netmask from 1 to {width(self.family)}, found {self.netmask!r:.40}")
        _ = self.elements

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Name what an element is made of: ip, net, port, mac, mark, iface, or set."""
        return tuple(self.type.partition(":")[2].split(","))

    @cached_property
    def elements(self) -> tuple[Element, ...]:
        """Give the elements as values."""
        return tuple(self.element(entry) for entry in self.entries)

    def element(self, entry: str) -> Element:
        """Read one element. Raises `ModelError`."""
        words = str(entry).split(" ")
        parts = words[0].split(",")
        if len(parts) != len(self.dimensions) and not (self.type == "bitmap:ip,mac" and len(parts) == 1):
            raise ModelError(f'a {self.type} needs {self.type.partition(":")[2]}, found "{printable(words[0][:60])}"')
        if not {"nomatch", "wildcard"} >= set(words[1:]):
            raise ModelError(f'an element can be nomatch or wildcard, found "{printable(" ".join(words[1:])[:60])}"')
        try:
            values = tuple(
                self._value(dimension, part, words) for dimension, part in zip(self.dimensions, parts, strict=False)
            )
        except ModelError:
            raise
        except ValueError as error:
            raise ModelError(f"an element {error}") from None
        return Element(values, "nomatch" in words)

    def _value(self, dimension: str, text: str, words: list[str]) -> Value:
        match dimension:
            case "ip" | "net":
                return self._addresses(text, dimension)
            case "port":
                return _any_ports(text) if self.type == "bitmap:port" else _ports(text)
            case "mac":
                return hardware_address(text)
            case "mark":
                return int(text, 0) & self.markmask
            case "iface":
                bare = text.removeprefix("physdev:")
                return Device(Interface(bare, prefix="wildcard" in words), bridge_port=bare != text)
            case _:
                return text

    def _addresses(self, text: str, dimension: str) -> AddressSet:
        found = AddressSet.read(text)
        if dimension == "net" and "-" in text:
            raise ModelError(f'an element of {self.name} needs one network, found "{printable(text[:60])}"')
        if found.version != self.family:
            raise ModelError(f'an element of {self.name} needs IPv{self.family}, found "{printable(text[:60])}"')
        if self.netmask is None:
            return found
        size = 1 << (width(self.family) - self.netmask)
        low, high = found.bounds
        return AddressSet((low // size * size, -(-high // size) * size), self.family)


def _any_ports(text: str) -> Ports:
    """Read ports of which the protocol does not count, but for being TCP or UDP (ip_set_get_ip_port)."""
    return Ports(NumberSet((_TCP, _TCP + 1, _UDP, _UDP + 1)), _ports(text).numbers)


def _ports(text: str) -> Ports:
    """Read ports with their protocol, which is TCP unless said otherwise, or types of ICMP."""
    name, colon, numbers = text.rpartition(":")
    protocol = int(PROTOCOL.parse(name)) if colon else _TCP
    protocols = NumberSet.of(protocol)
    if protocol in _ICMP:
        kind = _ICMP[protocol].parse(numbers)
        return Ports(protocols, NumberSet.of(kind.type << 8 | kind.code_first))
    first, _, last = numbers.partition("-")
    low, high = port(first), port(last or first)
    if low > high:
        raise ModelError(f'an element needs the lower port first, found "{printable(numbers[:40])}"')
    return Ports(protocols, NumberSet.of(low, high))
