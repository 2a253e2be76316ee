"""Which rules of a long chain packets may match: looked up by what a field can be, instead of scanned for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

from iptables_model.model.places import Places
from iptables_model.netfilter import intervals
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.packet import FieldSet
from iptables_model.netfilter.remainder import Remainder
from iptables_model.netfilter.sets import AddressSet, LineSet, NumberSet
from iptables_model.netfilter.state import Mixed, Override, Shifted, State

__all__ = ["FEW", "KeyIndex", "SetIndex", "selective"]

FEW = 16
"""So many rules are scanned sooner than an index is asked for, and a set of so many parts is looked up by each."""

Slot: TypeAlias = Hashable
"""A part of the sets that a field can be: two sets that overlap have one in common."""


class KeyIndex:
    """Find the rules that a field's set may match: those whose exact key is in the set, and those without a key."""

    def __init__(self, field: str, keys: list[int | None]) -> None:
        self.field = field
        self._keys = keys
        self._loose = [place for place, key in enumerate(keys) if key is None]
        self._places = Places[int]()
        for key in keys:
            self._places.add(key)
        self._known: dict[LineSet, list[int]] = {}
        self._known_keys: dict[int, list[int]] = {}

    @property
    def loose(self) -> int:
        """Count the rules that are without a key."""
        return len(self._loose)

    def is_sharp(self, state: State) -> bool:
        """Say whether the field is one key, and few rules are without a key."""
        wanted = state.glimpse(self.field)
        return len(self._loose) < FEW and isinstance(wanted, AddressSet | NumberSet) and wanted.single is not None

    def next_place(self, state: State, start: int) -> int:
        """Find the first place from `start` on whose rule the state might match by this field."""
        wanted = state.glimpse(self.field)
        if isinstance(wanted, AddressSet | NumberSet) and wanted.single is not None:
            return min(self._first(self._keyed(wanted.single), start), self._first(self._loose, start))
        # A wide set mostly holds the very next key, and is asked for once; to look all its keys up would take longer.
        end = len(self._keys)
        for place in range(start, end if isinstance(wanted, Remainder) else min(start + FEW, end)):
            key = self._keys[place]
            if key is None or wanted.holds(key):
                return place
        return end if isinstance(wanted, Remainder) else self._first(self._among(wanted), start)

    def _among(self, wanted: LineSet) -> list[int]:
        places = self._known.get(wanted)
        if places is None:
            places = self._known[wanted] = self._places_within(wanted.bounds)
        return places

    def _keyed(self, key: int) -> list[int]:
        """List the places of a key; those of a port that many Services have are asked for again and again."""
        places = self._known_keys.get(key)
        if places is None:
            places = self._known_keys[key] = self._places.of(key)
        return places

    def _first(self, places: Sequence[int], start: int) -> int:
        return _first(places, start, len(self._keys))

    def _places_within(self, bounds: intervals.Bounds) -> list[int]:
        return [place for place, key in enumerate(self._keys) if key is None or intervals.contains(bounds, key)]


def _first(places: Sequence[int], start: int, end: int) -> int:
    found = bisect_left(places, start)
    return places[found] if found < len(places) else end


class Lines:
    """Cut a line where one of some sets begins or ends; the slots are the spans between."""

    def __init__(self, sets: Iterable[LineSet]) -> None:
        self._cuts = sorted({bound for held in sets for bound in held.bounds})

    def asked(self, held: LineSet) -> Sequence[Slot] | None:
        """List the spans that overlap a set, or give None if they are many."""
        cuts = self._cuts
        spans = [(bisect_right(cuts, low), bisect_left(cuts, high)) for low, high in intervals.pairs(held.bounds)]
        if sum(last - first + 1 for first, last in spans) > FEW:
            return None
        return [span for first, last in spans for span in range(first, last + 1)]

    met = asked


class Masks:
    """Tell bit strings apart by the bits under each mask that a rule has; the slots are a mask and these bits."""

    def __init__(self, sets: Iterable[BitSet]) -> None:
        self._masks = list(dict.fromkeys(pattern.mask for held in sets for pattern in held.patterns))

    def asked(self, held: BitSet) -> Sequence[Slot] | None:
        """List the slots in which a rule looks for packets, or give None if they are many."""
        return [(one.mask, one.value) for one in held.patterns] if len(held.patterns) <= FEW else None

    def met(self, held: BitSet) -> Sequence[Slot] | None:
        """List the slots in which packets are, or give None if masks are many or bits under one of them are open."""
        if len(self._masks) > FEW or any(mask & ~held.patterns[0].mask for mask in self._masks):
            return None
        return [(mask, held.patterns[0].value & mask) for mask in self._masks]


class SlotTable:
    """Hold the places of the rules that look for packets in each slot, and of those that look in many."""

    def __init__(self, asked: Sequence[Any]) -> None:
        sets = [held for held in asked if held is not None]
        self._slots: Any = Masks(sets) if isinstance(sets[0], BitSet) else Lines(sets)
        self._end = len(asked)
        self._loose: list[int] = []
        self._places: defaultdict[Slot, list[int]] = defaultdict(list)
        for place, held in enumerate(asked):
            slots = None if held is None else self._slots.asked(held)
            if slots is None:
                self._loose.append(place)
            else:
                for slot in slots:
                    self._places[slot].append(place)

    def next_place(self, held: Any, start: int) -> int:
        """Find the first place from `start` on whose rule may match some of a set."""
        slots = self._slots.met(held)
        if slots is None:
            return start
        return min([_first(places, start, self._end) for places in (self._loose, *map(self._at, slots))])

    def _at(self, slot: Slot) -> Sequence[int]:
        return self._places.get(slot, ())


class SetIndex:
    """Find the rules that a field's set may match, if that is narrow.

    `asked` gives what each rule asks of the field. To sort that takes as long as to ask some of the rules, so it waits
    until as many were asked.
    """

    def __init__(self, field: str, patience: int, asked: Callable[[], Sequence[FieldSet | None]]) -> None:
        self._field = field
        self._patience = patience
        self._asked = asked

    def next_place(self, state: State, start: int) -> int:
        """Find the first place from `start` on whose rule the state might match by this field."""
        held = _narrow(state, self._field)
        if held is None:
            return start
        if self._patience > 0:
            self._patience -= 1
            return start
        return self._table.next_place(held, start)

    @cached_property
    def _table(self) -> SlotTable:
        return SlotTable(self._asked())


def _narrow(state: State, field: str) -> LineSet | BitSet | None:
    """Give what a field can be now, unless it has many parts or would have to be put together from a remainder."""
    if any(isinstance(state.held(source), Remainder) for source in _sources(state.now.get(field))):
        return None
    held = state.glimpse(field)
    if isinstance(held, LineSet):
        return held if len(held.bounds) <= 2 * FEW else None
    return held if isinstance(held, BitSet) and len(held.patterns) == 1 else None


def _sources(override: Override | None) -> Sequence[str]:
    """Name the fields of the packet asked about from which a field was made anew."""
    if isinstance(override, Mixed):
        return [source.field for source in override.sources]
    return [override.field] if isinstance(override, Shifted) else []


def selective(samples: Sequence[Mapping[str, FieldSet]]) -> frozenset[str]:
    """Name the fields for which at least half of some rules ask, and for many different sets."""
    asked = defaultdict(list)
    for sample in samples:
        for field, held in sample.items():
            if isinstance(held, LineSet | BitSet):
                asked[field].append(held)
    return frozenset(field for field, sets in asked.items() if 2 * len(set(sets)) >= len(samples))
