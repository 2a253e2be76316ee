"""Chains made ready for the walk: conditions made once, and long chains entered by an index instead of a scan."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from functools import cached_property, partial

import attrs

from iptables_model.model.matches import Ip, Socket, Tcp, Udp
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import BUILTIN_CHAINS, Parts, Pending, Ruleset, derived, pending_in
from iptables_model.netfilter.condition import Condition, all_of, asked_by, needed_by
from iptables_model.netfilter.effects import Verdict
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.index import FEW, KeyIndex, SetIndex, selective
from iptables_model.netfilter.meaning import meaning_of
from iptables_model.netfilter.memory import Memory
from iptables_model.netfilter.packet import FieldSet
from iptables_model.netfilter.state import State
from iptables_model.values.addresses import single_address
from iptables_model.values.latest import keep

__all__ = ["ReadyChain", "ReadyChains"]

_MOST = 128
"""So many meanings are kept, and rules of a long chain that packets are held against only if the index says so."""
_AT_HAND = 32
"""So many short chains are kept at hand: those of a Service with dozens of endpoints."""

_KEYS = ((Ip, "destination"), (Tcp, "dport"), (Udp, "dport"), (Socket, "restore_skmark"))
_BY_INDEX = frozenset({"dst", "dport"})
_BY_NOTHING: frozenset[str] = frozenset()


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
    """Hold what a rule asks, and its parts."""

    meaning: Meaning
    parts: Parts


class ReadyChain:
    """Hold a chain with the conditions of its rules and an index of the rules that ask for one exact key."""

    def __init__(self, table: str, name: str, rules: Pending, meanings: Meanings, policy: Verdict) -> None:
        self.table = table
        self.name = name
        self.size = len(rules)
        self.indexed = self.size >= FEW
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
            known = self._ready[place] = ReadyRule(self._meanings.of(parts), parts)
        return known

    def next_place(self, state: State, start: int) -> int:
        """Find the first rule from `start` on that the state might match, by the index; the end if there is none."""
        place = start
        for keyed in self._indexes:
            place = max(place, keyed.next_place(state, start))
            if keyed.is_sharp(state):
                return place
        for index in self._more_indexes:
            place = max(place, index.next_place(state, place))
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
        for network, tcp, udp, changes in self.rules.values(_KEYS):
            # A match that changes packets does so even if the port is another.
            address = None if network is None else single_address(network)
            addresses.append(None if address is None else int(address))
            port = None if changes else tcp or udp
            ports.append(port.first if port is not None and port.first == port.last else None)
        indexes = (KeyIndex("dst", addresses), KeyIndex("dport", ports))
        return tuple([index for index in indexes if index.loose < self.size])


class Meanings:
    """Give what rules ask; what those have alike is worked out once."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._of_rules: OrderedDict[Hashable, Meaning] = OrderedDict()

    def of(self, parts: Parts) -> Meaning:
        """Say what a rule asks."""
        likeness = parts.likeness
        known = self._of_rules.get(likeness)
        if known is None:
            known = Meaning(all_of([meaning_of(match, self._evidence) for match in parts.matches]))
            keep(self._of_rules, likeness, known, most=_MOST)
        return known


class ReadyChains:
    """Give the chains of a ruleset ready for the walk, each made when it is entered."""

    def __init__(self, ruleset: Ruleset, evidence: Evidence) -> None:
        self.evidence = evidence
        self.ruleset = ruleset
        self._meanings = Meanings(evidence)
        self._kept: dict[tuple[str, str], ReadyChain | None] = {}
        self._at_hand: OrderedDict[tuple[str, str], ReadyChain] = OrderedDict()

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
                # Only the short chains that were entered last. A question that enters all chains of a large ruleset
                # would keep a million objects, and make the garbage collector go through them again and again.
                return keep(self._at_hand, key, ready, most=_AT_HAND)
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
