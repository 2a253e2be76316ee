"""The sets that the fields of a packet can be: addresses, numbers, names, and choices."""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, reduce
from operator import or_
from typing import Any, Self

import attrs

from iptables_model.errors import ModelError
from iptables_model.netfilter import intervals
from iptables_model.netfilter.intervals import Bounds
from iptables_model.values.addresses import Address, MaskedAddress, Network, address, address_text, network, width
from iptables_model.values.frozen import kept
from iptables_model.values.names import Interface

__all__ = ["AddressSet", "Choice", "LineSet", "NameSet", "NumberSet", "merged"]

_PREFIXES = (ipaddress.IPv4Network, ipaddress.IPv6Network)
_FEW = 16
"""The hash of so many bounds is sooner made again than kept."""
_LAST_NAME = "\U0010ffff"
"""A string behind all interface names."""


class Kept:
    """Root of sets that keep what takes long to make of them."""

    __slots__ = ("_hash", "_text")

    _hash: int
    _text: str


@attrs.frozen
class LineSet(Kept):
    """Root of the sets of points on a line."""

    bounds: Bounds

    def as_data(self) -> str:
        """Give the text that stands for the set in JSON."""
        return str(self)

    def _same(self, bounds: Bounds) -> Self:
        return type(self)(bounds)

    def __and__(self, other: Self) -> Self:
        return self._same(intervals.intersect(self.bounds, other.bounds))

    def __sub__(self, other: Self) -> Self:
        return self._same(intervals.subtract(self.bounds, other.bounds))

    def __or__(self, other: Self) -> Self:
        return self._same(intervals.join(self.bounds, other.bounds))

    def with_apart(self, others: Iterable[Self]) -> Self:
        """Join with sets that do not overlap this one, nor each other."""
        return self._same(intervals.unite(one.bounds for one in (self, *others)))

    def parted(self, other: Self) -> tuple[Self | None, Self | None]:
        """Give what is in another set and what is not, each None if that is nothing."""
        if len(self.bounds) == 2:
            low, high = self.bounds
            before = bisect_right(other.bounds, low)
            if before == bisect_left(other.bounds, high):
                # The other set neither begins nor ends within this interval.
                return (self, None) if before % 2 else (None, self)
        if len(other.bounds) == 2:
            low, high = other.bounds
            before = bisect_right(self.bounds, low)
            if before == bisect_left(self.bounds, high):
                # Nor does this one within that.
                return (other, self - other) if before % 2 else (None, self)
        inside = intervals.intersect(self.bounds, other.bounds)
        if not inside:
            return None, self
        return (self, None) if inside == self.bounds else (self._same(inside), self - other)

    def holds(self, point: Any) -> bool:
        """Say whether a point is a member."""
        return intervals.contains(self.bounds, point)

    def shifted(self, offset: int) -> Self:
        """Add a number to every member."""
        return self._same(tuple(bound + offset for bound in self.bounds))

    def __bool__(self) -> bool:
        return bool(self.bounds)

    def __contains__(self, other: object) -> bool:
        """Say whether every member of another set of this kind belongs to this one."""
        return isinstance(other, LineSet) and not intervals.subtract(other.bounds, self.bounds)


@attrs.frozen
class NumberSet(LineSet):
    """Hold a set of numbers: ports, protocols, lengths.

    >>> str(NumberSet.read("80,443,8000:8010", 16)), str(NumberSet.read("! 80", 16))
    ('80,443,8000:8010', '0:79,81:65535')
    """

    @classmethod
    def of(cls, first: int, last: int | None = None) -> Self:
        """Make the set of the numbers from first to last, both included; it is empty if first is the higher."""
        end = (first if last is None else last) + 1
        return cls((first, end) if first < end else ())

    @classmethod
    def read(cls, text: str | int, bits: int) -> Self:
        """Read numbers and ranges separated by commas, after an optional `!`.

        Raises `ModelError` for anything else.
        """
        negated, body = _negation(str(text))
        top = 1 << bits
        parts = []
        for part in body.split(","):
            found = re.fullmatch(r"(\d{1,12})(?:[:-](\d{1,12}))?", part.strip())
            low, high = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
            if not low <= high < top:
                raise ModelError(f'a packet needs numbers from 0 to {top - 1} here, found "{text}"')
            parts.append((low, high + 1))
        bounds = intervals.unite(parts)
        return cls(intervals.subtract((0, top), bounds) if negated else bounds)

    @property
    def single(self) -> int | None:
        """Give the only member, or None."""
        return self.bounds[0] if len(self.bounds) == 2 and self.bounds[1] - self.bounds[0] == 1 else None

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Go through the ranges, both ends included."""
        return ((low, high - 1) for low, high in intervals.pairs(self.bounds))

    def __str__(self) -> str:
        return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in self) or "nothing"


@attrs.frozen
class AddressSet(LineSet):
    """Hold a set of addresses of one IP version.

    >>> str(AddressSet.read("10.0.0.0/8,192.0.2.1")), str(AddressSet.read("! 128.0.0.0/1"))
    ('10.0.0.0/8,192.0.2.1', '0.0.0.0/1')
    """

    version: int = 4

    def _same(self, bounds: Bounds) -> Self:
        return type(self)(bounds, self.version)

    def __hash__(self) -> int:
        return hash(self.bounds) if len(self.bounds) <= _FEW else kept(self, "_hash", self.bounds.__hash__)

    @classmethod
    def everything(cls, version: int) -> Self:
        """Make the set of all addresses of a version."""
        return cls((0, 1 << width(version)), version)

    @classmethod
    def between(cls, first: Address, last: Address) -> Self:
        """Make the set of the addresses from first to last, both included; it is empty if first is the higher."""
        return cls((int(first), int(last) + 1) if int(first) <= int(last) else (), first.version)

    @classmethod
    def of(cls, value: Network | Address) -> Self:
        """Make the set of the addresses of a network, or of one address.

        Raises `ModelError` for a mask with so many holes that the set would have more than 65,536 pieces.
        """
        if isinstance(value, _PREFIXES):
            first, version = int(value.network_address), value.version
            return cls((first, first + (1 << width(version) - value.prefixlen)), version)
        if isinstance(value, MaskedAddress):
            return cls(_masked_bounds(value), value.version)
        return cls((int(value), int(value) + 1), value.version)

    @classmethod
    def read(cls, text: str | Network | Address) -> Self:
        """Read addresses, networks and ranges (a-b) separated by commas, after an optional `!`.

        Raises `ModelError` for anything else.
        """
        if not isinstance(text, str):
            return cls.of(text)
        negated, body = _negation(text)
        try:
            parts = [_range_or_network(part.strip()) for part in body.split(",")]
        except ValueError:
            raise ModelError(f'a packet needs addresses or networks here, found "{text}"') from None
        versions = {version for _, version in parts}
        if len(versions) != 1:
            raise ModelError(f'a packet needs addresses of one IP version, found "{text}"')
        found = cls(intervals.unite(bounds for bounds, _ in parts), versions.pop())
        return cls.everything(found.version) - found if negated else found

    @property
    def single(self) -> int | None:
        """Give the only member as a number, or None."""
        return self.bounds[0] if len(self.bounds) == 2 and self.bounds[1] - self.bounds[0] == 1 else None

    @property
    def address(self) -> Address | None:
        """Give the only member as an address, or None."""
        only = self.single
        return None if only is None else _address(only, self.version)

    def networks(self) -> Iterator[Network]:
        """Go through the networks that make up the set, in order."""
        for low, high in intervals.pairs(self.bounds):
            ends = _address(low, self.version), _address(high - 1, self.version)
            yield from ipaddress.summarize_address_range(*ends)

    def __str__(self) -> str:
        return kept(self, "_text", self._written)

    def _written(self) -> str:
        if self.address is not None:
            return address_text(self.address)
        everything = AddressSet.everything(self.version)
        if self == everything:
            return "any"
        outside = everything - self
        if len(outside.bounds) < len(self.bounds):
            return f"any but {outside}"
        return (
            ",".join(_interval_text(low, high - 1, self.version) for low, high in intervals.pairs(self.bounds))
            or "nothing"
        )


def _address(value: int, version: int) -> Address:
    return ipaddress.IPv4Address(value) if version == 4 else ipaddress.IPv6Address(value)


def _interval_text(low: int, high: int, version: int) -> str:
    first = address_text(_address(low, version))
    if low == high:
        return first
    size = high - low + 1
    if size & (size - 1) == 0 and low % size == 0:
        return f"{first}/{width(version) - size.bit_length() + 1}"
    return f"{first}-{address_text(_address(high, version))}"


def _range_or_network(text: str) -> tuple[Bounds, int]:
    first, dash, last = text.partition("-")
    if not dash:
        found = AddressSet.of(network(text))
        return found.bounds, found.version
    low, high = address(first), address(last)
    if low.version != high.version or int(low) > int(high):
        raise ValueError(text)
    return (int(low), int(high) + 1), low.version


@lru_cache(maxsize=1024)
def _masked_bounds(value: MaskedAddress) -> Bounds:
    """List the addresses of an odd mask: the low open bits make one run, every other open bit doubles the runs."""
    bits = width(value.version)
    run = (value.mask & -value.mask) or (1 << bits)
    open_bits = [1 << bit for bit in range(bits) if (1 << bit) > run and not value.mask & (1 << bit)]
    if len(open_bits) > 16:
        raise ModelError(f"the mask of {value} has more holes than can be told apart")
    starts = [value.address]
    for bit in open_bits:
        starts += [start + bit for start in starts]
    return intervals.unite((start, start + run) for start in starts)


@attrs.frozen
class NameSet(LineSet):
    """Hold a set of interface names. A name and a beginning of names are both intervals of the order of strings.

    >>> str(NameSet.read("eth0,veth+")), str(NameSet.read("! lo"))
    ('eth0,veth+', 'any but lo')
    """

    @classmethod
    def everything(cls) -> Self:
        """Make the set of all names, the empty one included, which stands for no interface at all."""
        return cls(("", _LAST_NAME))

    @classmethod
    def nothing_there(cls) -> Self:
        """Make the set of the empty name: what the kernel compares with where a hook has no such interface."""
        return cls(("", "\0"))

    @classmethod
    def some(cls) -> Self:
        """Make the set of all names of real interfaces."""
        return cls(("\0", _LAST_NAME))

    @classmethod
    def of(cls, interface: Interface) -> Self:
        """Make the set of the names that a rule's interface means (ifname_compare, linux/netfilter/x_tables.h)."""
        if not interface.prefix:
            return cls((interface.name, interface.name + "\0"))
        # The names that start so are followed by the first that starts with the next character in that place.
        return cls((interface.name, interface.name + _LAST_NAME)) if interface.name else cls.everything()

    @classmethod
    def read(cls, text: str) -> Self:
        """Read names separated by commas, after an optional `!`; a `+` at the end stands for any ending."""
        negated, body = _negation(text)
        parts = []
        for part in body.split(","):
            name = part.strip()
            if not re.fullmatch(r"[^\s/]{1,15}", name):
                raise ModelError(f'a packet needs interface names here, found "{text}"')
            parts.append(cls.of(Interface(name[:-1], prefix=True) if name.endswith("+") else Interface(name)))
        found = cls(intervals.unite(part.bounds for part in parts))
        return cls.some() - found if negated else cls.some() & found

    @property
    def single(self) -> str | None:
        """Give the only name, or None."""
        return self.bounds[0] if len(self.bounds) == 2 and self.bounds[1] == self.bounds[0] + "\0" else None

    def __str__(self) -> str:
        if self in (NameSet.everything(), NameSet.some()):
            return "any"
        outside = NameSet.some() - self
        if len(outside.bounds) < len(self.bounds):
            return f"any but {outside}"
        return ",".join(_name_text(low, high) for low, high in intervals.pairs(self.bounds)) or "nothing"


def _name_text(low: str, high: str) -> str:
    if high == low + "\0":
        return low or "none"
    if high == low + _LAST_NAME:
        return f"{low}+"
    return f"from {low.rstrip(chr(0))} to {high.rstrip(chr(0) + _LAST_NAME)}"


@attrs.frozen
class Choice:
    """Hold a set of a few names, such as the states of a connection.

    >>> str(Choice(frozenset({"NEW"})) | Choice(frozenset({"ESTABLISHED"})))
    'ESTABLISHED,NEW'
    """

    names: frozenset[str]

    def as_data(self) -> str:
        """Give the text that stands for the choice in JSON."""
        return str(self)

    def __and__(self, other: Choice) -> Choice:
        return Choice(self.names & other.names)

    def __sub__(self, other: Choice) -> Choice:
        return Choice(self.names - other.names)

    def __or__(self, other: Choice) -> Choice:
        return Choice(self.names | other.names)

    def with_apart(self, others: Iterable[Choice]) -> Choice:
        """Join with choices that do not overlap this one, nor each other."""
        return Choice(self.names.union(*[one.names for one in others]))

    def parted(self, other: Choice) -> tuple[Choice | None, Choice | None]:
        """Give what is in another choice and what is not, each None if that is nothing."""
        if self.names <= other.names:
            return self, None
        if self.names.isdisjoint(other.names):
            return None, self
        return self & other, self - other

    def __bool__(self) -> bool:
        return bool(self.names)

    def __contains__(self, other: object) -> bool:
        return isinstance(other, Choice) and other.names <= self.names

    @property
    def single(self) -> str | None:
        """Give the only name, or None."""
        return next(iter(self.names)) if len(self.names) == 1 else None

    def __str__(self) -> str:
        return ",".join(sorted(self.names)) or "nothing"


def _negation(text: str) -> tuple[bool, str]:
    body = text.strip()
    return (True, body[1:]) if body.startswith("!") else (False, body)


def merged(sets: Sequence[Any]) -> Any:
    """Join sets that may overlap; most may be one and the same."""
    first = sets[0]
    if isinstance(first, LineSet):
        bounds = intervals.unite(dict.fromkeys([one.bounds for one in sets]))
        return first._same(bounds)  # noqa: SLF001 (it belongs to this room)
    return reduce(or_, dict.fromkeys(sets))
