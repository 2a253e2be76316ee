"""Chains made ready for the walk: conditions made once, and long chains entered by an index instead of a scan."""

from __future__ import annotations

from collections import deque
from functools import cached_property, partial

from iptables_model.model.matches import Ip, Tcp, Udp
from iptables_model.model.option import Match, Target
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Chain, Parts, Ruleset, derived, parts_of, rule_of, size_of, values_of
from iptables_model.netfilter.condition import Condition, all_of, asked_by, needed_by
from iptables_model.netfilter.effects import Verdict
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.index import FEW, KeyIndex, SetIndex, selective
from iptables_model.netfilter.meaning import meaning_of
from iptables_model.netfilter.memory import Memory
from iptables_model.netfilter.packet import FieldSet
from iptables_model.netfilter.state import State
from iptables_model.netfilter.steps import Stop
from iptables_model.values.addresses import single_address

__all__ = ["ReadyChain", "ReadyChains"]

_MOST = 256
"""So many meanings are kept, and rules of a long chain that packets are held against only if the index says so."""
_AT_HAND = 64
"""So many short chains are kept at hand: those of a Service with dozens of endpoints."""

_BY_INDEX = frozenset({"dst", "dport"})
_BY_NOTHING: frozenset[str] = frozenset()


class ReadyChain:
    """Hold a chain with the conditions of its rules and an index of the rules that ask for one exact key."""

    def __init__(self, table: str, chain: Chain, meanings: Meanings) -> None:
        self.table = table
        self.name = chain.name
        self.chain = chain
        self.size = size_of(chain)
        self.indexed = self.size >= FEW
        self._meanings = meanings
        self.index_fields = _BY_INDEX if self.indexed else _BY_NOTHING
        self.policy = Verdict.DROP if chain.policy == "DROP" else Verdict.ACCEPT
        self.forget()

    def forget(self) -> None:
        """Let go of all that was made of the rules, which can be made again."""
        self._parts: dict[int, Parts] = {}
        self._conditions: dict[int, Condition] = {}
        self._fields: dict[int, frozenset[str] | None] = {}

    @property
    def is_blank(self) -> bool:
        """Say whether nothing was made yet of what is let go of."""
        return not self._parts

    @cached_property
    def memory(self) -> Memory:
        """Remember what a built-in chain does; the others are never asked."""
        return Memory()

    @cached_property
    def end(self) -> Stop:
        """Give the stop at the policy of a built-in chain."""
        return Stop(self, None, self.policy.value)

    def rule(self, place: int) -> Rule:
        """Give a rule by its place in the chain."""
        return rule_of(self.chain, place)

    def target(self, place: int) -> Target | None:
        """Give what a rule does, by its place in the chain."""
        return self._part(place).target

    def _part(self, place: int) -> Parts:
        known = self._parts.get(place)
        if known is None:
            if self.indexed and len(self._parts) >= self._worth_keeping:
                self.forget()
            known = self._parts[place] = parts_of(self.chain, place)
        return known

    def condition(self, place: int) -> Condition:
        """Give what a rule asks, by its place in the chain."""
        known = self._conditions.get(place)
        if known is None:
            known = all_of([self._meanings.of(match) for match in self._part(place).matches])
            self._conditions[place] = known
        return known

    def asked_fields(self, place: int) -> frozenset[str] | None:
        """Give the fields that tell whether a rule matches, by its place in the chain, or None if they cannot."""
        fields = self._fields
        if place not in fields:
            fields[place] = asked_by(self.condition(place))
        return fields[place]

    def next_place(self, state: State, start: int) -> int:
        """Find the first rule from `start` on that the state might match; the end of the chain if there is none."""
        place = start
        if self.indexed:
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
        some = [needed_by(self.condition(place)) for place in range(0, self.size, self.size // FEW)]
        fields = selective(some) - keyed
        self.index_fields |= fields
        return tuple([SetIndex(field, self.size // FEW, partial(self._needed, field)) for field in fields])

    def _needed(self, field: str) -> list[FieldSet | None]:
        """List the sets in which a field has to be for each rule to match, None where it may be in any."""
        return [needed_by(self.condition(place)).get(field) for place in range(self.size)]

    @cached_property
    def _indexes(self) -> tuple[KeyIndex, ...]:
        """Give an index of destinations and one of ports, if rules ask for exact ones."""
        addresses, ports = [], []
        for network, tcp, udp in values_of(self.chain, (Ip, "destination"), (Tcp, "dport"), (Udp, "dport")):
            address = None if network is None else single_address(network)
            addresses.append(None if address is None else int(address))
            port = tcp or udp
            ports.append(port.first if port is not None and port.first == port.last else None)
        indexes = (KeyIndex("dst", addresses), KeyIndex("dport", ports))
        return tuple([index for index in indexes if index.loose < self.size])


class Meanings:
    """Give what matches ask; what many rules share, such as `-p tcp`, is one object, and worked out once."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._known: dict[int, tuple[Match, Condition]] = {}

    def of(self, match: Match) -> Condition:
        """Say what a match asks."""
        known = self._known.get(id(match))
        if known is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            # With the match itself: another one may get its id once it is gone.
            known = self._known[id(match)] = match, all_of([meaning_of(match, self._evidence)])
        return known[1]


class ReadyChains:
    """Give the chains of a ruleset ready for the walk, each made when it is first entered."""

    def __init__(self, ruleset: Ruleset, evidence: Evidence) -> None:
        self.evidence = evidence
        self.ruleset = ruleset
        self._meanings = Meanings(evidence)
        self._ready: dict[tuple[str, str], ReadyChain | None] = {}
        self._at_hand: deque[ReadyChain] = deque()

    @classmethod
    def of(cls, ruleset: Ruleset, evidence: Evidence) -> ReadyChains:
        """Give the chains of a ruleset, kept with the ruleset for the next question with the same evidence."""
        return derived(ruleset, (cls, evidence), lambda: cls(ruleset, evidence))

    def get(self, table: str, chain: str) -> ReadyChain | None:
        """Find a chain, or None where the ruleset has none of that name."""
        key = (table, chain)
        if key not in self._ready:
            held = self.ruleset.get(table)
            found = None if held is None else held.get(chain)
            self._ready[key] = None if found is None else ReadyChain(table, found, self._meanings)
        ready = self._ready[key]
        if ready is not None and ready.is_blank and not ready.indexed:
            self._take_up(ready)
        return ready

    def _take_up(self, ready: ReadyChain) -> None:
        """Have only the short chains that were entered last keep what they make.

        A question that enters all chains of a large ruleset would keep a million objects, and make the garbage
        collector go through them again and again.
        """
        self._at_hand.append(ready)
        if len(self._at_hand) > _AT_HAND:
            self._at_hand.popleft().forget()
