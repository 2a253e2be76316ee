"""Sets of bit strings, kept as disjoint patterns: what a mark, the TCP flags or a connection's status may be."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

__all__ = ["ANY_BITS", "BitSet", "Pattern"]


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

    def __str__(self) -> str:
        return f"{self.value:#x}" if self.mask == 0xFFFFFFFF else f"{self.value:#x}/{self.mask:#x}"


@attrs.frozen
class BitSet:
    """Hold a set of bit strings as a union of disjoint patterns.

    >>> BitSet.of(1) in ANY_BITS, bool(BitSet.of(1) - ANY_BITS)
    (True, False)
    """

    patterns: tuple[Pattern, ...]

    @classmethod
    def of(cls, value: int, mask: int = 0xFFFFFFFF) -> BitSet:
        """Make the set of all strings whose bits under the mask are those of the value."""
        return cls((Pattern(value & mask, mask),))

    def as_data(self) -> str:
        """Give the text that stands for the set in JSON."""
        return str(self)

    @property
    def single(self) -> int | None:
        """Give the only member of 32 bits, or None."""
        only = self.patterns[0] if len(self.patterns) == 1 else None
        return only.value if only is not None and only.mask == 0xFFFFFFFF else None

    def __and__(self, other: BitSet) -> BitSet:
        both = (one & two for one in self.patterns for two in other.patterns)
        return BitSet(tuple(pattern for pattern in both if pattern is not None))

    def __sub__(self, other: BitSet) -> BitSet:
        left = list(self.patterns)
        for pattern in other.patterns:
            left = [piece for one in left for piece in one - pattern]
        return BitSet(tuple(left))

    def __or__(self, other: BitSet) -> BitSet:
        return BitSet(_grown(self.patterns + (other - self).patterns))

    def parted(self, other: BitSet) -> tuple[BitSet | None, BitSet | None]:
        """Give what is in another set and what is not, each None if that is nothing."""
        if len(self.patterns) == len(other.patterns) == 1:
            mine, theirs = self.patterns[0], other.patterns[0]
            if (mine.value ^ theirs.value) & mine.mask & theirs.mask:
                return None, self
            if not theirs.mask & ~mine.mask:
                return self, None
        return self & other or None, self - other or None

    def __bool__(self) -> bool:
        return bool(self.patterns)

    def __contains__(self, other: object) -> bool:
        """Say whether a number, or every member of another set, belongs to this one."""
        members = BitSet.of(other) if isinstance(other, int) else other
        return isinstance(members, BitSet) and not members - self

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
