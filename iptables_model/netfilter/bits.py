"""Sets of bit strings, kept as disjoint patterns: what a mark, the TCP flags or a connection's status may be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs

__all__ = ["ANY_BITS", "FULL", "BitSet", "Pattern", "moved"]

FULL = 0xFFFFFFFF
"""A mask of all bits."""


def moved(bits: int, left: int) -> int:
    """Move bits to the left, or to the right if `left` is negative; what leaves the 32 bits is lost.

    >>> moved(0x3, 4), moved(0x31, -4), moved(0x80000000, 1)
    (48, 3, 0)
    """
    return bits << left & FULL if left > 0 else bits >> -left


@attrs.frozen
class Pattern:
    """Fix some bits: those of `mask` are as in `value`, all others are open.

    >>> str(Pattern(0x4000, 0x4000)), str(Pattern(1, 0xFFFFFFFF))
    ('0x4000/0x4000', '0x1')
    """

    value: int
    mask: int

    def __and__(self, other: Pattern) -> Pattern | None:
        """Fix the bits of both, or give None where they contradict each other."""
        if (self.value ^ other.value) & self.mask & other.mask:
            return None
        return Pattern(self.value | other.value, self.mask | other.mask)

    def __sub__(self, other: Pattern) -> Iterator[Pattern]:
        """Give disjoint patterns for what the other one does not cover: one for each bit that it fixes in addition."""
        if self & other is None:
            yield self
            return
        value, mask = self.value, self.mask
        missing = other.mask & ~self.mask
        while missing:
            bit = missing & -missing
            missing ^= bit
            yield Pattern(value | (~other.value & bit), mask | bit)
            value, mask = value | (other.value & bit), mask | bit

    def __xor__(self, other: Pattern) -> Pattern:
        """Combine two patterns by exclusive or: a bit that is open in one of them is open."""
        mask = self.mask & other.mask
        return Pattern((self.value ^ other.value) & mask, mask)

    def kept(self, bits: int) -> Pattern:
        """Keep some bits and clear all others."""
        return Pattern(self.value & bits, self.mask | (~bits & FULL))

    def moved(self, left: int) -> Pattern:
        """Move all bits to the left, or to the right if negative; the bits that come free are 0."""
        if not left:
            return self
        return Pattern(moved(self.value, left), FULL & ~moved(FULL & ~self.mask, left))

    def __str__(self) -> str:
        return f"{self.value:#x}" if self.mask == FULL else f"{self.value:#x}/{self.mask:#x}"


@attrs.frozen
class BitSet:
    """Hold a set of bit strings as a union of disjoint patterns.

    >>> BitSet.of(1) in ANY_BITS, bool(BitSet.of(1) - ANY_BITS)
    (True, False)
    """

    patterns: tuple[Pattern, ...]

    @classmethod
    def of(cls, value: int, mask: int = FULL) -> BitSet:
        """Make the set of all strings whose bits under the mask are those of the value."""
        return cls((Pattern(value & mask, mask),))

    def as_data(self) -> str:
        """Give the text that stands for the set in JSON."""
        return str(self)

    @classmethod
    def between(cls, first: int, last: int) -> BitSet:
        """Make the set of the numbers from first to last, both included, as aligned blocks.

        >>> str(BitSet.between(5, 8))
        '0x5 or 0x6/0xfffffffe or 0x8'
        """
        patterns = []
        while first <= last:
            size = min(first & -first or 1 << 32, 1 << (last - first + 1).bit_length() - 1)
            patterns.append(Pattern(first, FULL & -size))
            first += size
        return cls(tuple(patterns))

    @classmethod
    def union(cls, patterns: Iterable[Pattern]) -> BitSet:
        """Join patterns that may overlap."""
        found = cls(())
        for pattern in patterns:
            found |= cls((pattern,))
        return found

    @property
    def single(self) -> int | None:
        """Give the only member of 32 bits, or None."""
        only = self.patterns[0] if len(self.patterns) == 1 else None
        return only.value if only is not None and only.mask == FULL else None

    def __and__(self, other: BitSet) -> BitSet:
        both = (one & two for one in self.patterns for two in other.patterns)
        return BitSet(tuple(pattern for pattern in both if pattern is not None))

    def __sub__(self, other: BitSet) -> BitSet:
        left = self
        for pattern in other.patterns:
            left = left.parted(BitSet((pattern,)))[1] or BitSet(())
        return left

    def __or__(self, other: BitSet) -> BitSet:
        return BitSet(_grown(self.patterns + (other - self).patterns))

    def parted(self, other: BitSet) -> tuple[BitSet | None, BitSet | None]:
        """Give what is in another set and what is not, each None if that is nothing."""
        if not other.patterns:
            return None, self
        theirs, *more = other.patterns
        if more:
            return self & other or None, self - other or None
        if len(self.patterns) == 1:
            mine = self.patterns[0]
            if (mine.value ^ theirs.value) & mine.mask & theirs.mask:
                return None, self
            if not theirs.mask & ~mine.mask:
                return self, None
        met, apart = self._sorted_by(theirs)
        outside = (*apart, *[piece for one in met for piece in one - theirs])
        if not met or not outside:
            return (self, None) if met else (None, self)
        return BitSet(tuple(met)) & other, BitSet(outside)

    def _sorted_by(self, pattern: Pattern) -> tuple[Sequence[Pattern], Sequence[Pattern]]:
        """Tell the patterns that have members in common with another one, mostly few, from those that do not."""
        value, mask = pattern.value, pattern.mask
        met = [one for one in self.patterns if not (one.value ^ value) & one.mask & mask]
        return met, [one for one in self.patterns if (one.value ^ value) & one.mask & mask] if met else self.patterns

    def __xor__(self, other: BitSet) -> BitSet:
        return BitSet.union(one ^ two for one in self.patterns for two in other.patterns)

    @property
    def alike(self) -> Pattern:
        """Fix the bits that all members have alike.

        >>> str((BitSet.of(0x11) | BitSet.of(0x13)).alike)
        '0x11/0xfffffffd'
        """
        if not self.patterns:
            return Pattern(0, 0)
        first, *others = self.patterns
        mask = first.mask
        for other in others:
            mask &= other.mask & ~(first.value ^ other.value)
        return Pattern(first.value & mask, mask)

    def kept(self, bits: int) -> BitSet:
        """Keep some bits and clear all others."""
        return BitSet.union(pattern.kept(bits) for pattern in self.patterns)

    def moved(self, left: int) -> BitSet:
        """Move all bits to the left, or to the right if negative; the bits that come free are 0."""
        return BitSet.union(pattern.moved(left) for pattern in self.patterns)

    def __bool__(self) -> bool:
        return bool(self.patterns)

    def __contains__(self, other: object) -> bool:
        """Say whether a number, or every member of another set, belongs to this one."""
        members = BitSet.of(other) if isinstance(other, int) else other
        return isinstance(members, BitSet) and members.parted(self)[1] is None

    def __str__(self) -> str:
        return "any" if self == ANY_BITS else " or ".join(map(str, self.patterns))


def _grown(patterns: tuple[Pattern, ...]) -> tuple[Pattern, ...]:
    """Make one pattern of each two that differ in a single bit that both fix, as long as there are such."""
    whole: dict[Pattern, None] = {}
    waiting = list(patterns)
    while waiting:
        pattern = waiting.pop(0)
        partner = next((one for one in _partners(pattern) if one in whole), None) if whole else None
        if partner is None:
            whole[pattern] = None
        else:
            del whole[partner]
            mask = pattern.mask & ~(pattern.value ^ partner.value)
            waiting.append(Pattern(pattern.value & mask, mask))
    return tuple(whole)


def _partners(pattern: Pattern) -> Iterator[Pattern]:
    """Go through the patterns that fix the same bits and differ in one of them."""
    bits = pattern.mask
    while bits:
        bit = bits & -bits
        bits ^= bit
        yield Pattern(pattern.value ^ bit, pattern.mask)


ANY_BITS = BitSet((Pattern(0, 0),))
"""All bit strings."""
