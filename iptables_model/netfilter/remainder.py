"""What is left of a large set out of which rules take one piece after the other."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property
from itertools import chain
from typing import Self, TypeAlias, TypeVar

import attrs

from iptables_model.netfilter import intervals
from iptables_model.netfilter.sets import AddressSet, NumberSet

__all__ = ["LARGE", "Numbers", "Remainder"]

T = TypeVar("T")
Numbers: TypeAlias = AddressSet | NumberSet

LARGE = 64
"""A set of more bounds than these is not copied for each piece that is taken out."""


@attrs.define(eq=False)
class Pieces:
    """Keep intervals that do not overlap, by both ends in the order of the line, and in that in which they came."""

    lows: list[int] = attrs.field(factory=list)
    highs: list[int] = attrs.field(factory=list)
    taken: list[intervals.Bounds] = attrs.field(factory=list)

    def add(self, low: int, high: int) -> None:
        """Take one more."""
        place = bisect_left(self.lows, low)
        self.lows.insert(place, low)
        self.highs.insert(place, high)
        self.taken.append((low, high))

    def meet(self, low: int, high: int) -> bool:
        """Say whether one of them overlaps an interval."""
        place = bisect_right(self.lows, low)
        return (place > 0 and self.highs[place - 1] > low) or (place < len(self.lows) and self.lows[place] < high)

    def have(self, low: int, high: int) -> bool:
        """Say whether an interval is one of them."""
        place = bisect_left(self.lows, low)
        return place < len(self.lows) and (self.lows[place], self.highs[place]) == (low, high)

    def without(self, low: int, high: int) -> Pieces:
        """Give all but one, which mostly came last."""
        place = bisect_left(self.lows, low)
        at = len(self.taken) - 1 - self.taken[::-1].index((low, high))
        return Pieces(_but(self.lows, place), _but(self.highs, place), _but(self.taken, at))


def _but(held: list[T], place: int) -> list[T]:
    return held[:place] + held[place + 1 :]


@attrs.frozen(eq=False)
class Remainder:
    """Hold a set less the first of some pieces, which all are within it; `left` counts its members.

    A chain of ten thousand rules for an address each would copy the bounds of the rest ten thousand times. So each rest
    knows how many pieces were taken before, and the bounds are put together when they are asked for.
    """

    whole: Numbers
    pieces: Pieces
    count: int
    left: int

    @classmethod
    def of(cls, whole: Numbers) -> Self:
        """Make the remainder of a set from which nothing was taken."""
        return cls(whole, Pieces(), 0, sum(high - low for low, high in intervals.pairs(whole.bounds)))

    @cached_property
    def set(self) -> Numbers:
        """Give the set itself. Of bounds within a set, each begins a hole or ends one; those that meet cancel out."""
        bounds: list[int] = []
        for bound in sorted(chain(self.whole.bounds, *self.pieces.taken[: self.count])):
            if bounds and bounds[-1] == bound:
                bounds.pop()
            else:
                bounds.append(bound)
        return attrs.evolve(self.whole, bounds=tuple(bounds))

    @property
    def _is_latest(self) -> bool:
        return self.count == len(self.pieces.taken)

    def parted(self, other: Numbers) -> tuple[Numbers | None, Numbers | Remainder | None]:
        """Give what is in another set and what is not, each None if that is nothing."""
        if self._is_latest and len(other.bounds) == 2:
            low, high = other.bounds
            before = bisect_right(self.whole.bounds, low)
            if before == bisect_left(self.whole.bounds, high):
                if before % 2 == 0:
                    return None, self
                if not self.pieces.meet(low, high):
                    return other, self._without(low, high)
        return self.set.parted(other)  # type: ignore[arg-type]

    def _without(self, low: int, high: int) -> Remainder | None:
        left = self.left - (high - low)
        if not left:
            return None
        self.pieces.add(low, high)
        return Remainder(self.whole, self.pieces, self.count + 1, left)

    def _took(self, other: Numbers | Remainder) -> bool:
        """Say whether another set is one of the pieces that were taken out."""
        return (
            isinstance(other, Numbers)
            and self._is_latest
            and len(other.bounds) == 2
            and self.pieces.have(*other.bounds)
        )

    def __and__(self, other: Numbers | Remainder) -> Numbers:
        if self._took(other):
            return attrs.evolve(self.whole, bounds=())
        return self.set & _plain(other)  # type: ignore[operator]

    def __or__(self, other: Numbers | Remainder) -> Numbers | Remainder:
        """Put a piece back, as when a rule only logs it, or join with any other set."""
        if isinstance(other, Numbers) and self._took(other):
            low, high = other.bounds
            return Remainder(self.whole, self.pieces.without(low, high), self.count - 1, self.left + high - low)
        return self.set | _plain(other)  # type: ignore[operator]

    def holds(self, number: int) -> bool:
        """Say whether a number is a member."""
        if not self._is_latest:
            return intervals.contains(self.set.bounds, number)
        return intervals.contains(self.whole.bounds, number) and not self.pieces.meet(number, number + 1)


def _plain(held: Numbers | Remainder) -> Numbers:
    return held.set if isinstance(held, Remainder) else held
