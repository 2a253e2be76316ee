"""Chains made ready for the walk: conditions made once, and long chains entered by an index instead of a scan."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from iptables_model.model.matches import Tcp, Udp
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Chain, Ruleset, derived
from iptables_model.netfilter import intervals
from iptables_model.netfilter.condition import Condition, all_of, asked_by
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning import meaning_of
from iptables_model.netfilter.memory import Memory
from iptables_model.netfilter.sets import LineSet
from iptables_model.netfilter.state import State, Step
from iptables_model.values.addresses import single_address

__all__ = ["ReadyChain", "ReadyChains"]

_SHORT = 16
"""A chain of fewer rules is scanned; an index would cost more than it saves."""
_NARROW = 64
"""So is a chain for a set of more bounds."""


class Asked(NamedTuple):
    """Hold what a rule asks: its condition, and the fields that tell the answer (None if they cannot)."""

    condition: Condition
    fields: frozenset[str] | None


class ReadyChain:
    """Hold a chain with the conditions of its rules and an index of the rules that ask for one exact key."""

    def __init__(self, chain: Chain, evidence: Evidence) -> None:
        self.chain = chain
        self.rules = chain.rules
        self._evidence = evidence
        self.memory = Memory()
        self._asked: list[Asked | None] = [None] * len(self.rules)
        self._steps: dict[tuple[int | None, str], Step] = {}
        self._indexes = [] if len(self.rules) < _SHORT else [Index(self.rules, field) for field in _KEYS]
        self.index_fields = frozenset(_KEYS if self._indexes else ())

    def asked(self, place: int) -> Asked:
        """Give what a rule asks, by its place in the chain."""
        known = self._asked[place]
        if known is None:
            condition = all_of(meaning_of(match, self._evidence) for match in self.rules[place].matches)
            known = self._asked[place] = Asked(condition, asked_by(condition))
        return known

    def step(self, table: str, place: int | None, verdict: str, change: str = "") -> Step:
        """Report a stop at a rule, or (without a place) at the policy; those that change nothing are made once."""
        known = None if change else self._steps.get((place, verdict))
        if known is None:
            rule = None if place is None else self.rules[place]
            known = Step(table=table, chain=self.chain.name, rule=rule, verdict=verdict, change=change)
            if not change:
                self._steps[place, verdict] = known
        return known

    def next_place(self, state: State, start: int) -> int:
        """Find the first rule from `start` on that the state might match; the end of the chain if there is none."""
        place = start
        for index in self._indexes:
            place = max(place, index.next_place(state, start))
        return place


def _exact_destination(rule: Rule) -> int | None:
    wanted = rule.ip.destination
    if wanted is None or wanted.negated:
        return None
    found = single_address(wanted.value)
    return None if found is None else int(found)


def _exact_port(rule: Rule) -> int | None:
    match = rule.match(Tcp) or rule.match(Udp)
    wanted = None if match is None else match.dport
    if wanted is None or wanted.negated or wanted.value.first != wanted.value.last:
        return None
    return wanted.value.first


_KEYS = {"dst": _exact_destination, "dport": _exact_port}


class Index:
    """Find the rules that a field's set may match: those whose exact key is in the set, and those without a key."""

    def __init__(self, rules: Sequence[Rule], field: str) -> None:
        self._field = field
        self._length = len(rules)
        self._loose: list[int] = []
        self._places: defaultdict[int, list[int]] = defaultdict(list)
        for place, rule in enumerate(rules):
            key = _KEYS[field](rule)
            (self._loose if key is None else self._places[key]).append(place)
        self._keys = sorted(self._places)
        self._known: dict[LineSet, Sequence[int]] = {}

    def next_place(self, state: State, start: int) -> int:
        """Find the first place from `start` on whose rule the state might match by this field."""
        wanted = state.view(self._field)
        if not isinstance(wanted, LineSet) or len(wanted.bounds) > _NARROW:
            return start
        places = self._known.get(wanted)
        if places is None:
            places = self._known[wanted] = self._places_within(wanted.bounds)
        found = bisect_left(places, start)
        return places[found] if found < len(places) else self._length

    def _places_within(self, bounds: intervals.Bounds) -> Sequence[int]:
        spans = [(bisect_left(self._keys, low), bisect_left(self._keys, high)) for low, high in intervals.pairs(bounds)]
        if sum(high - low for low, high in spans) > self._length // _SHORT:
            return range(self._length)
        keyed = (place for low, high in spans for key in self._keys[low:high] for place in self._places[key])
        return sorted([*self._loose, *keyed])


class ReadyChains:
    """Give the chains of a ruleset ready for the walk, each made when it is first entered."""

    def __init__(self, ruleset: Ruleset, evidence: Evidence) -> None:
        self.evidence = evidence
        self._ruleset = ruleset
        self._ready: dict[tuple[str, str], ReadyChain | None] = {}

    @classmethod
    def of(cls, ruleset: Ruleset, evidence: Evidence) -> ReadyChains:
        """Give the chains of a ruleset, kept with the ruleset for the next question with the same evidence."""
        return derived(ruleset, (cls, evidence), lambda: cls(ruleset, evidence))

    def get(self, table: str, chain: str) -> ReadyChain | None:
        """Find a chain, or None where the ruleset has none of that name."""
        key = (table, chain)
        if key not in self._ready:
            held = self._ruleset.get(table)
            found = None if held is None else held.get(chain)
            self._ready[key] = None if found is None else ReadyChain(found, self.evidence)
        return self._ready[key]
