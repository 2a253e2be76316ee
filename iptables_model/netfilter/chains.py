"""Chains made ready for the walk: conditions made once, and long chains entered by an index instead of a scan."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property, lru_cache, partial
from typing import TypeAlias

import attrs

from iptables_model.model.matches import Ip, Socket, Tcp, Udp
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import (
    BUILTIN_CHAINS,
    Asking,
    Field,
    Lead,
    Parts,
    Pending,
    Ruleset,
    derived,
    pending_in,
)
from iptables_model.netfilter.condition import Condition, all_of, asked_by, needed_by
from iptables_model.netfilter.effects import Verdict
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.index import FEW, KeyIndex, SetIndex, selective
from iptables_model.netfilter.meaning import meaning_of
from iptables_model.netfilter.memory import Memory
from iptables_model.netfilter.packet import FieldSet
from iptables_model.netfilter.remainder import Remainder
from iptables_model.netfilter.sets import AddressSet, LineSet
from iptables_model.netfilter.state import State
from iptables_model.values.addresses import MaskedAddress, Network

__all__ = ["ReadyChain", "ReadyChains"]

_MOST = 128
"""So many meanings are kept, and rules of a long chain that packets are held against only if the index says so."""
_AT_HAND = 32
"""So many short chains are kept at hand: those of a Service with dozens of endpoints."""

_KEYS = (
    Field(Ip, "destination", single=True),
    Field(Tcp, "dport", single=True),
    Field(Udp, "dport", single=True),
    Field(Socket, "restore_skmark"),
)
_BY_INDEX = frozenset({"dst", "dport"})
_SOURCES = (Field(Ip, "source", single=True), Field(Ip, "source", negated=True))
_BY_SOURCE = frozenset({"src"})


class Meaning:
    """Hold what rules ask that are alike."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition

    @cached_property
    def asked(self) -> frozenset[str] | None:
        """Give the fields that tell whether packets match, or None if they cannot."""
        return asked_by(self.condition)


@attrs.define(eq=False)
class ReadyRule:
    """Hold what a rule asks, its parts, and the chain to which it leads, if it does."""

    meaning: Meaning
    parts: Parts
    lead: Lead | None


MeaningOf: TypeAlias = Callable[[Asking, Hashable], Meaning]
"""Says what rules ask that are asked for so; what those have alike is worked out once."""


class ReadyChain:
    """Hold a chain with the conditions of its rules and an index of the rules that ask for one exact key.

    `index_fields` are the fields that the index looks up, for the rules before `index_end`. That of a short chain has
    the addresses of which rules ask whether packets come from them, or that they do not: mostly packets of others are
    passed, as in the chain of an endpoint, and what else the rule asks need not be made.
    """

    def __init__(self, table: str, name: str, rules: Pending, meaning_of: MeaningOf, policy: Verdict) -> None:
        self.table = table
        self.name = name
        self.size = len(rules)
        self.indexed = self.size >= FEW
        self._sources = [] if self.indexed else _sources(rules)
        self.index_fields = _BY_INDEX if self.indexed else _BY_SOURCE
        self.index_end = self.size if self.indexed else len(self._sources)
        self.policy = policy
        self.rules = rules
        self._meaning_of = meaning_of
        self._ready: dict[int, ReadyRule] = {}
        self._parts: dict[int, Parts] = {}

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
            parts = self._parts.pop(place, None) or self.rules.parts(place)
            known = self._ready[place] = ReadyRule(self._meaning_of(*parts.asked), parts, parts.lead)
        return known

    def parts(self, place: int) -> Parts:
        """Give the parts of a rule before it is asked; those of a short chain are kept until then."""
        known = self._ready.get(place)
        if known is not None:
            return known.parts
        parts = self._parts.get(place) or self.rules.parts(place)
        if not self.indexed:
            self._parts[place] = parts
        return parts

    def next_place(self, state: State, start: int) -> int:
        """Find the first rule from `start` on that the state might match, by the index, or where that ends."""
        if not self.indexed:
            return self._next_from(state.glimpse("src"), start)
        place = start
        for keyed in self._indexes:
            place = max(place, keyed.next_place(state, start))
            if keyed.is_sharp(state):
                return place
        for index in self._more_indexes:
            place = max(place, index.next_place(state, place))
        return place

    def _next_from(self, sources: LineSet | Remainder, place: int) -> int:
        while place < len(self._sources):
            asked = self._sources[place]
            if asked is None or (sources.holds(asked) if isinstance(asked, int) else sources not in asked):
                break
            place += 1
        return place

    @cached_property
    def _worth_keeping(self) -> int:
        """Say of how many rules to keep what is made: those that all packets meet, and some of the others."""
        return min([index.loose for index in self._indexes], default=self.size) + _MOST

    @cached_property
    def _more_indexes(self) -> tuple[SetIndex, ...]:
        """Give an index of each other field for which many rules ask, as some of them show."""
        keyed = {index.field for index in self._indexes if 2 * index.loose < self.size}
        some = [needed_by(self.rule(place).meaning.condition) for place in range(0, self.size, self.size // FEW)]
        fields = selective(some) - keyed
        self.index_fields |= fields
        return tuple([SetIndex(field, self.size // FEW, partial(self._needed, field)) for field in fields])

    def _needed(self, field: str) -> list[FieldSet | None]:
        """List the sets in which a field has to be for each rule to match, None where it may be in any."""
        return [needed_by(self.rule(place).meaning.condition).get(field) for place in range(self.size)]

    @cached_property
    def _indexes(self) -> tuple[KeyIndex, ...]:
        """Give an index of destinations and one of ports, if rules ask for exact ones."""
        addresses, ports = [], []
        for address, tcp, udp, changes in self.rules.values(_KEYS):
            addresses.append(address)
            # A match that changes packets does so even if the port is another.
            ports.append(None if changes else udp if tcp is None else tcp)
        indexes = (KeyIndex("dst", addresses), KeyIndex("dport", ports))
        return tuple([index for index in indexes if index.loose < self.size])


def _sources(rules: Pending) -> list[int | AddressSet | None]:
    """List from where rules take packets: the single address, or the addresses from which they do not.

    None stands for any other rule; the list ends with the last that asks so.
    """
    asked = [_addresses(network) if address is None else address for address, network in rules.values(_SOURCES)]
    while asked and asked[-1] is None:
        asked.pop()
    return asked


@lru_cache(maxsize=_MOST)
def _addresses(network: Network | None) -> AddressSet | None:
    """Give the addresses of a network; the rules of all Services ask for that of the pods."""
    return None if network is None or isinstance(network, MaskedAddress) else AddressSet.of(network)


def _meaning(evidence: Evidence, asking: Asking, said: Hashable) -> Meaning:
    return Meaning(all_of([meaning_of(match, evidence) for match in asking.matches_of(said)]))


class ReadyChains:
    """Give the chains of a ruleset ready for the walk, each made when it is entered."""

    def __init__(self, ruleset: Ruleset, evidence: Evidence) -> None:
        self.evidence = evidence
        self.ruleset = ruleset
        self._meaning_of = lru_cache(maxsize=_MOST)(partial(_meaning, evidence))
        self._kept: dict[tuple[str, str], ReadyChain | None] = {}
        # Of short chains, only those that were entered last. A question that enters all chains of a large ruleset would
        # keep a million objects, and make the garbage collector go through them again and again.
        self._at_hand = lru_cache(maxsize=_AT_HAND)(self._make)

    @classmethod
    def of(cls, ruleset: Ruleset, evidence: Evidence) -> ReadyChains:
        """Give the chains of a ruleset, kept with the ruleset for the next question with the same evidence."""
        return derived(ruleset, (cls, evidence), lambda: cls(ruleset, evidence))

    def get(self, table: str, chain: str) -> ReadyChain | None:
        """Find a chain, or None where the ruleset has none of that name."""
        key = (table, chain)
        return self._kept[key] if key in self._kept else self._at_hand(table, chain)

    def rule(self, table: str, chain: str, place: int) -> Rule | None:
        """Give a rule by its place in a chain."""
        ready = self.get(table, chain)
        return None if ready is None else ready.rules.rule(place)

    def _make(self, table: str, chain: str) -> ReadyChain | None:
        held = self.ruleset.get(table)
        rules = None if held is None else pending_in(held, chain)
        builtin = held.get(chain) if held is not None and chain in BUILTIN_CHAINS.get(table, ()) else None
        policy = Verdict.DROP if builtin is not None and builtin.policy == "DROP" else Verdict.ACCEPT
        ready = None if rules is None else ReadyChain(table, chain, rules, self._meaning_of, policy)
        if ready is None or ready.indexed or builtin is not None:
            # Another thread may have made it, too.
            return self._kept.setdefault((table, chain), ready)
        return ready
