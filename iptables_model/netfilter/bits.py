"""Sets of bit strings, kept as disjoint patterns: what a mark, the TCP flags or a connection's status may be."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial, reduce
from operator import and_, or_

import attrs

from iptables_model.values.frozen import kept

__all__ = ["ANY_BITS", "EVERY", "FULL", "BitSet", "Pattern", "PatternTable", "difference", "moved"]

FULL = 0xFFFFFFFF
"""A mask of all bits."""
_WIDEST = 256
EVERY = (1 << _WIDEST) - 1
"""A mask of all bits of the widest field, the types of chunks of SCTP."""
_FEW = 8
"""So many patterns are gone through one by one; to look them up in a table would take longer."""


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

    def __and__(self, other: Pattern) -> Pattern:
        """Fix the bits of both, which must not contradict each other."""
        return Pattern(self.value | other.value, self.mask | other.mask)

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


def difference(pattern: Pattern, others: Sequence[Pattern]) -> Iterator[Pattern]:
    """Give disjoint patterns for what of a pattern some others, each of which meets it, do not cover.

    Bits that all of them fix alike come first, since on the other side of these none of them has members.

    >>> [str(piece) for piece in difference(Pattern(0, 0), [Pattern(4, 7), Pattern(5, 7)])]
    ['0x2/0x2', '0x0/0x6']
    """
    if not others:
        yield pattern
        return
    alike = _alike(others)
    value, mask = pattern.value, pattern.mask
    for bit in _bits(alike.mask & ~mask):
        yield Pattern(value | (~alike.value & bit), mask | bit)
        value, mask = value | (alike.value & bit), mask | bit
    if any(not other.mask & ~mask for other in others):
        return
    bit = _parting_bit(others, mask)
    for side in (0, bit):
        meeting = [other for other in others if not other.mask & bit or other.value & bit == side]
        yield from difference(Pattern(value | side, mask | bit), meeting)


def _alike(patterns: Sequence[Pattern]) -> Pattern:
    """Fix the bits that all patterns fix alike."""
    first = patterns[0].value
    mask, differing = -1, 0
    for pattern in patterns:
        mask &= pattern.mask
        differing |= pattern.value ^ first
    mask &= ~differing
    return Pattern(first & mask, mask)


def _parting_bit(patterns: Sequence[Pattern], known: int) -> int:
    """Pick a bit that most patterns fix, for the others go to both sides; of several the highest, as numbers are."""
    masks = [pattern.mask & ~known for pattern in patterns]
    by_all = reduce(and_, masks)
    if by_all:
        return 1 << by_all.bit_length() - 1
    fixed = Counter([bit for mask in masks for bit in _bits(mask)])
    return max(fixed, key=lambda bit: (fixed[bit], bit))


def _bits(mask: int) -> Iterator[int]:
    while mask:
        bit = mask & -mask
        mask ^= bit
        yield bit


class PatternTable:
    """Hold disjoint patterns by the bits that they fix, so that those that meet another one are looked up.

    There are few masks, even of ten thousand marks. For each two that meet, the table of one by the bits that both fix
    is made when it is first needed.
    """

    def __init__(self, patterns: Iterable[Pattern] = ()) -> None:
        self._tables: dict[int, dict[int, dict[int, dict[Pattern, None]]]] = {}
        for pattern in patterns:
            self.add(pattern)

    def add(self, pattern: Pattern) -> None:
        """Hold one more."""
        value, mask = pattern.value, pattern.mask
        for common, table in self._tables.setdefault(mask, {mask: {}}).items():
            table.setdefault(value & common, {})[pattern] = None

    def remove(self, pattern: Pattern) -> None:
        """Hold one less."""
        for common, table in self._tables[pattern.mask].items():
            del table[pattern.value & common][pattern]

    def __contains__(self, pattern: Pattern) -> bool:
        tables = self._tables.get(pattern.mask)
        return tables is not None and bool(tables[pattern.mask].get(pattern.value))

    def meeting(self, pattern: Pattern) -> list[Pattern]:
        """List those that have members in common with a pattern."""
        value, mask = pattern.value, pattern.mask
        found: list[Pattern] = []
        for held, tables in self._tables.items():
            common = held & mask
            table = tables.get(common)
            if table is None:
                table = tables[common] = _by_bits(tables[held], common)
            found += table.get(value & common, ())
        return found


def _by_bits(table: dict[int, dict[Pattern, None]], bits: int) -> dict[int, dict[Pattern, None]]:
    found: defaultdict[int, dict[Pattern, None]] = defaultdict(dict)
    for value, patterns in table.items():
        found[value & bits] |= patterns
    return found


class Kept:
    """Root of the sets that keep what takes long to make of them."""

    __slots__ = ("_table", "_text")

    _table: PatternTable
    _text: str


@attrs.frozen
class BitSet(Kept):
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
        table = PatternTable()
        found: list[Pattern] = []
        for pattern in patterns:
            pieces = list(difference(pattern, table.meeting(pattern)))
            for piece in pieces:
                table.add(piece)
            found += pieces
        return cls(_grown(found))

    @property
    def single(self) -> int | None:
        """Give the only member of 32 bits, or None."""
        only = self.patterns[0] if len(self.patterns) == 1 else None
        return only.value if only is not None and only.mask == FULL else None

    @property
    def size(self) -> int:
        """Count the members, as strings of 256 bits."""
        return sum(1 << _WIDEST - pattern.mask.bit_count() for pattern in self.patterns)

    def meeting(self, pattern: Pattern) -> Sequence[Pattern]:
        """List the patterns that have members in common with another one."""
        if len(self.patterns) > _FEW:
            return kept(self, "_table", partial(PatternTable, self.patterns)).meeting(pattern)
        value, mask = pattern.value, pattern.mask
        return [one for one in self.patterns if not (one.value ^ value) & one.mask & mask]

    def holds(self, bits: int) -> bool:
        """Say whether a bit string is a member."""
        return bool(self.meeting(Pattern(bits, EVERY)))

    def __and__(self, other: BitSet) -> BitSet:
        few, many = (self, other) if len(self.patterns) < len(other.patterns) else (other, self)
        return BitSet(tuple([one & two for one in few.patterns for two in many.meeting(one)]))

    def __sub__(self, other: BitSet) -> BitSet:
        return BitSet(tuple([piece for one in self.patterns for piece in difference(one, other.meeting(one))]))

    def __or__(self, other: BitSet) -> BitSet:
        return BitSet(_grown(self.patterns + (other - self).patterns))

    def with_apart(self, others: Iterable[BitSet]) -> BitSet:
        """Join with sets that do not overlap this one, nor each other."""
        return BitSet(_grown([pattern for one in (self, *others) for pattern in one.patterns]))

    def parted(self, other: BitSet) -> tuple[BitSet | None, BitSet | None]:
        """Give what is in another set and what is not, each None if that is nothing."""
        whole = self._is_whole(other)
        if whole is not None:
            return (self, None) if whole else (None, self)
        if not any(map(other.meeting, self.patterns)):
            return None, self
        outside = self - other
        return (self & other, outside) if outside else (self, None)

    def _is_whole(self, other: BitSet) -> bool | None:
        """Say of a single pattern whether another one has all of its members or none; None if it has some."""
        if len(self.patterns) != 1 or len(other.patterns) != 1:
            return None
        mine, theirs = self.patterns[0], other.patterns[0]
        if (mine.value ^ theirs.value) & mine.mask & theirs.mask:
            return False
        return None if theirs.mask & ~mine.mask else True

    def __xor__(self, other: BitSet) -> BitSet:
        return BitSet.union(one ^ two for one in self.patterns for two in other.patterns)

    @property
    def alike(self) -> Pattern:
        """Fix the bits that all members have alike.

        >>> str((BitSet.of(0x11) | BitSet.of(0x13)).alike)
        '0x11/0xfffffffd'
        """
        if len(self.patterns) == 1:
            return self.patterns[0]
        return _alike(self.patterns) if self.patterns else Pattern(0, 0)

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
        if not isinstance(members, BitSet):
            return False
        whole = members._is_whole(self)  # noqa: SLF001 (another of this kind)
        return not members - self if whole is None else whole

    def __str__(self) -> str:
        return kept(self, "_text", self._written)

    def _written(self) -> str:
        if self == ANY_BITS:
            return "any"
        outside = ANY_BITS - self
        if len(outside.patterns) < len(self.patterns):
            return "any but " + " or ".join(map(str, outside.patterns))
        return " or ".join(map(str, self.patterns)) or "nothing"


def _grown(patterns: Iterable[Pattern]) -> tuple[Pattern, ...]:
    """Make one pattern of each two that differ in a single bit that both fix, as long as there are such."""
    waiting: defaultdict[int, set[int]] = defaultdict(set)
    for pattern in patterns:
        waiting[pattern.mask].add(pattern.value)
    whole: list[tuple[int, int]] = []
    while waiting:
        mask = max(waiting, key=int.bit_count)
        values = waiting.pop(mask)
        for bit in _bits(reduce(or_, values) & ~reduce(and_, values)):
            lower = {value for value in values if not value & bit and value | bit in values}
            if lower:
                values -= lower | {value | bit for value in lower}
                waiting[mask ^ bit] |= lower
        whole += [(value, mask) for value in values]
    return tuple([Pattern(value, mask) for value, mask in sorted(whole)])


ANY_BITS = BitSet((Pattern(0, 0),))
"""All bit strings."""
