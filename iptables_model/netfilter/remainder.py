"""What is left of a large set out of which rules take one piece after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property, reduce
from operator import xor
from typing import Any

import attrs

from iptables_model.netfilter import intervals
from iptables_model.netfilter.bits import EVERY, BitSet, Pattern, PatternTable, difference
from iptables_model.netfilter.sets import LineSet

__all__ = ["Remainder", "parted", "union"]

_MOST_BOUNDS = 64
"""A set of more bounds than these is not copied for each piece that is taken out."""
_MOST_BITS = 8
"""Nor is a set of so many patterns, or one to be cut by so many bits, each of which makes a pattern."""


class Ledger(ABC):
    """Hold what is left of a set now, and the pieces that were taken out or put back, in order.

    `fingerprint` is a number that hardly two different sets have that are left.
    """

    def __init__(self, whole: Any) -> None:
        self.whole = whole
        self.fingerprint = 0
        self._turned: list[Any] = []

    @property
    def count(self) -> int:
        """Count the pieces that were taken out or put back."""
        return len(self._turned)

    def turn(self, piece: Any) -> None:
        """Take a piece out that is left, or put one back that is not."""
        self._turn(piece)
        self._turned.append(piece)

    def at(self, count: int) -> Any:
        """Give what was left when so many pieces had been taken out or put back."""
        then = self
        if count < self.count:
            then = type(self)(self.whole)
            for piece in self._turned[:count]:
                then.turn(piece)
        return then.left()

    @abstractmethod
    def left(self) -> Any:
        """Give what is left now."""

    @abstractmethod
    def common(self, other: Any) -> Any:
        """Give what of another set is left."""

    @abstractmethod
    def is_all(self, piece: Any) -> bool:
        """Say whether a piece that is left is all that is left."""

    @abstractmethod
    def lacks(self, piece: Any) -> bool:
        """Say whether nothing of a piece is left, and it can be put back."""

    @abstractmethod
    def holds(self, point: Any) -> bool:
        """Say whether a point of the line, or a bit string, is left."""

    @abstractmethod
    def _turn(self, piece: Any) -> None: ...


class Bounds(Ledger):
    """Hold what is left of a set of points on a line.

    A piece that is taken out or put back brings its bounds; those that are there already cancel out, also in the
    fingerprint, which puts their hashes together.
    """

    def __init__(self, whole: LineSet) -> None:
        super().__init__(whole)
        self.fingerprint = reduce(xor, [hash((bound,)) for bound in whole.bounds], 0)
        self._bounds = list(whole.bounds)

    def left(self) -> Any:
        """Give what is left now."""
        return attrs.evolve(self.whole, bounds=tuple(self._bounds))

    def common(self, other: LineSet) -> LineSet:
        """Give what of another set is left."""
        bounds = intervals.intersect(self._bounds, other.bounds)
        return other if bounds == other.bounds else attrs.evolve(other, bounds=bounds)

    def is_all(self, piece: LineSet) -> bool:
        """Say whether a piece that is left is all that is left."""
        return len(piece.bounds) == len(self._bounds) and list(piece.bounds) == self._bounds

    def lacks(self, piece: LineSet) -> bool:
        """Say whether nothing of a piece is left, and it can be put back."""
        return not self.common(piece)

    def holds(self, point: Any) -> bool:
        """Say whether a point of the line is left."""
        return intervals.contains(self._bounds, point)

    def _turn(self, piece: LineSet) -> None:
        for bound in piece.bounds:
            self.fingerprint ^= hash((bound,))
            place = bisect_left(self._bounds, bound)
            if place < len(self._bounds) and self._bounds[place] == bound:
                del self._bounds[place]
            else:
                self._bounds.insert(place, bound)


class Patterns(Ledger):
    """Hold what is left of a set of bit strings, as that set and the patterns that are out.

    Only when it is asked for is the rest made of patterns of its own, by the bits that suit all that are out. The
    fingerprint puts the hashes of the set and of these together.
    """

    def __init__(self, whole: BitSet) -> None:
        super().__init__(whole)
        self.fingerprint = hash(whole)
        self._size = whole.size
        self._out = PatternTable()

    def left(self) -> BitSet:
        """Give what is left now."""
        return self.common(self.whole)

    def common(self, other: BitSet) -> BitSet:
        """Give what of another set is left."""
        within = other if other is self.whole else self.whole & other
        return BitSet(tuple([piece for pattern in within.patterns for piece in self._in(pattern)]))

    def is_all(self, piece: BitSet) -> bool:
        """Say whether a piece that is left is all that is left."""
        return piece.size == self._size

    def lacks(self, piece: BitSet) -> bool:
        """Say whether nothing of a piece is left, and it can be put back, since all of it is out."""
        return not any(True for pattern in piece.patterns for _ in self._in(pattern))

    def _in(self, pattern: Pattern) -> Iterator[Pattern]:
        return difference(pattern, self._out.meeting(pattern))

    def holds(self, point: int) -> bool:
        """Say whether a bit string is left."""
        return self.whole.holds(point) and not self._out.meeting(Pattern(point, EVERY))

    def _turn(self, piece: BitSet) -> None:
        if self.lacks(piece):
            self._size += piece.size
            for pattern in piece.patterns:
                self._put_back(pattern)
        else:
            self._size -= piece.size
            for pattern in piece.patterns:
                self._take_out(pattern)

    def _take_out(self, pattern: Pattern) -> None:
        self._out.add(pattern)
        self.fingerprint ^= hash(pattern)

    def _put_back(self, pattern: Pattern) -> None:
        for out in self._out.meeting(pattern):
            self._out.remove(out)
            self.fingerprint ^= hash(out)
            for still in difference(out, [pattern]):
                self._take_out(still)


class Remainder:
    """Hold what was left in a ledger when so many pieces had been taken out or put back.

    A chain of ten thousand rules for an address each would copy the bounds of the rest ten thousand times. So each rest
    knows its place in the ledger, and the set is put together when it is asked for.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._count = ledger.count
        self._fingerprint = ledger.fingerprint

    def __hash__(self) -> int:
        return hash(self._fingerprint)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Remainder) or self._fingerprint != other._fingerprint:
            return False
        return self is other or bool(self.set == other.set)

    @cached_property
    def set(self) -> Any:
        """Give the set itself."""
        return self._ledger.at(self._count)

    @property
    def _is_latest(self) -> bool:
        return self._count == self._ledger.count

    def parted(self, other: Any) -> tuple[Any, Any]:
        """Give what is in another set and what is not, each None if that is nothing."""
        if not self._is_latest:
            return parted(self.set, other)
        inside = self._ledger.common(other)
        if not inside:
            return None, self
        if self._ledger.is_all(inside):
            return self, None
        self._ledger.turn(inside)
        return inside, Remainder(self._ledger)

    def __and__(self, other: Any) -> Any:
        return self._ledger.common(_plain(other)) if self._is_latest else self.set & _plain(other)

    def __or__(self, other: Any) -> Any:
        """Put a piece back, as when a rule only logs it, or join with any other set."""
        piece = _plain(other)
        if not self._is_latest or not self._ledger.lacks(piece):
            return self.set | piece
        self._ledger.turn(piece)
        return self._ledger.whole if self._ledger.is_all(self._ledger.whole) else Remainder(self._ledger)

    def holds(self, point: Any) -> bool:
        """Say whether a point of the line, or a bit string, is a member."""
        return bool(self._ledger.holds(point) if self._is_latest else self.set.holds(point))


def _plain(held: Any) -> Any:
    return held.set if isinstance(held, Remainder) else held


def parted(held: Any, other: Any) -> tuple[Any, Any]:
    """Give what of a set is in another and what is not, each None if that is nothing, and a large rest as a remainder.

    >>> inside, outside = parted(BitSet.of(0, 0), BitSet.of(1))
    >>> str(inside), str(outside.set)
    ('0x1', 'any but 0x1')
    """
    if isinstance(held, LineSet):
        if len(held.bounds) > _MOST_BOUNDS:
            held = Remainder(Bounds(held))
    elif isinstance(held, BitSet) and _is_cut_into_many(held, other):
        held = Remainder(Patterns(held))
    found: tuple[Any, Any] = held.parted(other)
    return found


def _is_cut_into_many(held: BitSet, other: BitSet) -> bool:
    if len(held.patterns) > _MOST_BITS:
        return True
    for one in held.patterns:
        for two in other.patterns:
            if (two.mask & ~one.mask).bit_count() > _MOST_BITS:
                return True
    return False


def union(sets: Sequence[Any]) -> Any:
    """Join sets that do not overlap, one of which may stay a remainder."""
    kept = next((one for one in sets if isinstance(one, Remainder)), sets[0])
    others = [_plain(one) for one in sets if one is not kept]
    if not others:
        return kept
    joined = others[0].with_apart(others[1:]) if len(others) > 1 else others[0]
    return kept | joined
