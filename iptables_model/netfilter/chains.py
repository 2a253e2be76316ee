"""Chains made ready for the walk: conditions made once, and long chains entered by an index instead of a scan."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import NamedTuple, TypeAlias, TypeVar

from iptables_model.model.matches import Ip, Tcp, Udp
from iptables_model.model.option import Match
from iptables_model.model.places import Places
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import BUILTIN_CHAINS, Parts, Pending, Ruleset, derived, pending_in
from iptables_model.netfilter import intervals
from iptables_model.netfilter.condition import Condition, all_of, asked_by
from iptables_model.netfilter.effects import Verdict
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning import meaning_of
from iptables_model.netfilter.memory import Memory
from iptables_model.netfilter.remainder import Numbers
from iptables_model.netfilter.sets import LineSet
from iptables_model.netfilter.state import State
from iptables_model.values.addresses import single_address

__all__ = ["ReadyChain", "ReadyChains"]

K = TypeVar("K")
V = TypeVar("V")
Meaning: TypeAlias = tuple[Condition, frozenset[str] | None]
"""What a rule asks, and the fields that tell whether it matches, or None if they cannot."""

_SHORT = 16
"""A chain of fewer rules is scanned; an index would cost more than it saves."""
_MOST = 256
"""So many meanings are kept, and rules of a long chain that packets are held against only if the index says so."""
_AT_HAND = 64
"""So many short chains are kept at hand: those of a Service with dozens of endpoints."""

_BY_INDEX = frozenset({"dst", "dport"})
_BY_NOTHING: frozenset[str] = frozenset()


class ReadyRule(NamedTuple):
    """Hold what a rule asks, the fields that tell whether it matches (None if they cannot), and its parts."""

    condition: Condition
    asked: frozenset[str] | None
    parts: Parts


class ReadyChain:
    """Hold a chain with the conditions of its rules and an index of the rules that ask for one exact key."""

    def __init__(self, table: str, name: str, rules: Pending, meanings: Meanings, policy: Verdict) -> None:
        self.table = table
        self.name = name
        self.size = len(rules)
        self.indexed = self.size >= _SHORT
        self.index_fields = _BY_INDEX if self.indexed else _BY_NOTHING
        self.policy = policy
        self.rules = rules
        self._meanings = meanings
        self._ready: dict[int, ReadyRule] = {}

    @cached_property
    def memory(self) -> Memory:
        """Remember what a built-in chain does; the others are never asked."""
        return Memory()

    def rule(self, place: int) -> ReadyRule:
        """Give a rule by its place in the chain."""
        known = self._ready.get(place)
        if known is None:
            if self.indexed and len(self._ready) >= self._worth_keeping:
                self._ready.clear()
            parts = self.rules.parts(place)
            known = self._ready[place] = ReadyRule(*self._meanings.of(parts), parts)
        return known

    def next_place(self, state: State, start: int) -> int:
        """Find the first rule from `start` on that the state might match, by the index; the end if there is none."""
        by_address, by_port = self._indexes
        place = by_address.next_place(state, start)
        return place if by_address.is_sharp(state) else max(place, by_port.next_place(state, start))

    @cached_property
    def _worth_keeping(self) -> int:
        """Say of how many rules to keep what is made: those that all packets meet, and some of the others."""
        by_address, by_port = self._indexes
        return min(by_address.loose, by_port.loose) + _MOST

    @cached_property
    def _indexes(self) -> tuple[Index, Index]:
        addresses, ports = [], []
        for network, tcp, udp in self.rules.values(((Ip, "destination"), (Tcp, "dport"), (Udp, "dport"))):
            address = None if network is None else single_address(network)
            addresses.append(None if address is None else int(address))
            port = tcp or udp
            ports.append(port.first if port is not None and port.first == port.last else None)
        return Index("dst", addresses), Index("dport", ports)


class Index:
    """Find the rules that a field's set may match: those whose exact key is in the set, and those without a key."""

    def __init__(self, field: str, keys: list[int | None]) -> None:
        self._field = field
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
        wanted = state.glimpse(self._field)
        return len(self._loose) < _SHORT and isinstance(wanted, Numbers) and wanted.single is not None

    def next_place(self, state: State, start: int) -> int:
        """Find the first place from `start` on whose rule the state might match by this field."""
        wanted = state.glimpse(self._field)
        if isinstance(wanted, Numbers) and wanted.single is not None:
            return min(self._first(self._keyed(wanted.single), start), self._first(self._loose, start))
        # A wide set mostly holds the very next key, and is asked for once; to look all its keys up would take longer.
        for place, key in enumerate(self._keys[start : start + _SHORT], start):
            if key is None or wanted.holds(key):
                return place
        wanted = state.view(self._field)
        places = self._known.get(wanted)
        if places is None:
            places = self._known[wanted] = self._places_within(wanted.bounds)
        return self._first(places, start)

    def _keyed(self, key: int) -> list[int]:
        """List the places of a key; those of a port that many Services have are asked for again and again."""
        places = self._known_keys.get(key)
        if places is None:
            places = self._known_keys[key] = self._places.of(key)
        return places

    def _first(self, places: Sequence[int], start: int) -> int:
        found = bisect_left(places, start)
        return places[found] if found < len(places) else len(self._keys)

    def _places_within(self, bounds: intervals.Bounds) -> list[int]:
        return [place for place, key in enumerate(self._keys) if key is None or intervals.contains(bounds, key)]


class Meanings:
    """Give what rules ask, and the fields that tell it; what rules or matches have alike is worked out once."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._of_rules: dict[Hashable, Meaning] = {}
        self._of_matches: dict[int, tuple[Match, Condition]] = {}

    def of(self, parts: Parts) -> Meaning:
        """Say what a rule asks."""
        likeness = parts.likeness
        known = self._of_rules.get(likeness)
        if known is None:
            condition = all_of([self._of(match) for match in parts.matches])
            known = condition, asked_by(condition)
            _keep(self._of_rules, likeness, known)
        return known

    def _of(self, match: Match) -> Condition:
        known = self._of_matches.get(id(match))
        if known is None:
            # With the match itself: another one may get its id once it is gone.
            known = match, all_of([meaning_of(match, self._evidence)])
            _keep(self._of_matches, id(match), known)
        return known[1]


def _keep(held: dict[K, V], key: K, value: V) -> None:
    if len(held) >= _MOST:
        held.clear()
    held[key] = value


class ReadyChains:
    """Give the chains of a ruleset ready for the walk, each made when it is entered."""

    def __init__(self, ruleset: Ruleset, evidence: Evidence) -> None:
        self.evidence = evidence
        self.ruleset = ruleset
        self._meanings = Meanings(evidence)
        self._kept: dict[tuple[str, str], ReadyChain | None] = {}
        self._at_hand: dict[tuple[str, str], ReadyChain] = {}

    @classmethod
    def of(cls, ruleset: Ruleset, evidence: Evidence) -> ReadyChains:
        """Give the chains of a ruleset, kept with the ruleset for the next question with the same evidence."""
        return derived(ruleset, (cls, evidence), lambda: cls(ruleset, evidence))

    def get(self, table: str, chain: str) -> ReadyChain | None:
        """Find a chain, or None where the ruleset has none of that name."""
        key = (table, chain)
        ready = self._at_hand.get(key)
        if ready is not None:
            return ready
        if key not in self._kept:
            ready = self._make(table, chain)
            if ready is not None and not ready.indexed and chain not in BUILTIN_CHAINS.get(table, ()):
                return self._take_up(key, ready)
            self._kept[key] = ready
        return self._kept[key]

    def rule(self, table: str, chain: str, place: int) -> Rule | None:
        """Give a rule by its place in a chain."""
        ready = self.get(table, chain)
        return None if ready is None else ready.rules.rule(place)

    def _make(self, table: str, chain: str) -> ReadyChain | None:
        held = self.ruleset.get(table)
        rules = None if held is None else pending_in(held, chain)
        if held is None or rules is None:
            return None
        builtin = held.get(chain) if chain in BUILTIN_CHAINS.get(table, ()) else None
        dropping = builtin is not None and builtin.policy == "DROP"
        return ReadyChain(table, chain, rules, self._meanings, Verdict.DROP if dropping else Verdict.ACCEPT)

    def _take_up(self, key: tuple[str, str], ready: ReadyChain) -> ReadyChain:
        """Keep only the short chains that were entered last.

        A question that enters all chains of a large ruleset would keep a million objects, and make the garbage
        collector go through them again and again.
        """
        if len(self._at_hand) >= _AT_HAND:
            self._at_hand.pop(next(iter(self._at_hand)), None)
        self._at_hand[key] = ready
        return ready
