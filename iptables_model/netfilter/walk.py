"""The walk through one table at one hook: jumps, gotos, returns, policies (ipt_do_table, ip_tables.c)."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush
from typing import TypeAlias

import attrs

from iptables_model.model.option import Target
from iptables_model.model.ruleset import Lead
from iptables_model.netfilter.batch import GOAL, Batch, batched
from iptables_model.netfilter.chains import ReadyChain, ReadyChains
from iptables_model.netfilter.effects import WORDS, Effect, Site, Verdict, effect_of, fields_read, unknown_course
from iptables_model.netfilter.join import joined
from iptables_model.netfilter.memory import Course
from iptables_model.netfilter.split import split
from iptables_model.netfilter.state import Override, State, Suppose

__all__ = ["Passages", "Walk"]

Position: TypeAlias = tuple[int, ...]

_STOPS = (Verdict.DROP, Verdict.REJECT, Verdict.STOLEN)


Frame: TypeAlias = tuple[ReadyChain, Position]
"""Where a jump came from: the chain, and the position behind the rule."""


@attrs.define(eq=False)
class Place:
    """Hold packets at a place: the chain, the position, the jumps that led there, and the chains they are in.

    A position has the place of every rule that led there and, last, the place in the chain. So positions sort in the
    order in which packets come past them.
    """

    state: State
    chain: ReadyChain
    position: Position
    jumps: tuple[Frame, ...]
    inside: tuple[str, ...]

    def holding(self, state: State) -> Place:
        """Hold other packets at this place."""
        return Place(state, self.chain, self.position, self.jumps, self.inside)

    def moved(self, state: State, place: int) -> Place:
        """Hold packets at another place in the same chain."""
        return Place(state, self.chain, (*self.position[:-1], place), self.jumps, self.inside)


Passages: TypeAlias = dict[Verdict, list[State]]
"""The packets that a table has done with, by its verdict on them."""


class Stack:
    """Let the last place go first, so what matches comes before what does not, and each trace stays by itself."""

    def __init__(self) -> None:
        self._places: list[Place] = []

    def push(self, place: Place) -> None:
        """Let a place wait."""
        self._places.append(place)

    def pop(self) -> list[Place]:
        """Take the places that go next."""
        return [self._places.pop()]

    def __bool__(self) -> bool:
        return bool(self._places)


class Meeting:
    """Let the first position go first, where all packets that come past it meet and go on joined."""

    def __init__(self) -> None:
        self._order: list[Position] = []
        self._places: dict[Position, list[Place]] = {}

    def push(self, place: Place) -> None:
        """Let a place wait."""
        held = self._places.setdefault(place.position, [])
        if not held:
            heappush(self._order, place.position)
        held.append(place)

    def pop(self) -> list[Place]:
        """Take the places that go next."""
        held = self._places.pop(heappop(self._order))
        if len(held) == 1:
            return held
        return [held[0].holding(state) for state in joined([place.state for place in held])]

    def __bool__(self) -> bool:
        return bool(self._order)


class Walk:
    """Take sets of packets through the tables of one ruleset.

    With `apart`, packets whose traces differ are never joined again.
    """

    def __init__(self, chains: ReadyChains, suppose: Suppose, *, apart: bool) -> None:
        self.chains = chains
        self.evidence = chains.evidence
        self.suppose = suppose
        self.apart = apart

    def lacks(self, table: str, hook: str) -> bool:
        """Say whether there is no chain for a hook in a table, which then lets everything pass."""
        return self.chains.get(table, hook) is None

    def together(self, states: list[State]) -> list[State]:
        """Have states go on as one that fare alike from here, or that differ only in where they go."""
        return batched(states if self.apart else joined(states))

    def traverse(self, table: str, hook: str, states: list[State]) -> Passages:
        """Take states through the built-in chain of a hook. A table without that chain lets everything pass."""
        start = self.chains.get(table, hook)
        if start is None:
            return {Verdict.ACCEPT: states}
        if not start.size:
            return {start.policy: [_by_policy(start, state) for state in states]}
        passages: Passages = {}
        for state in states if self.apart else joined(states):
            for verdict, passed in self._course(start, state).items():
                passages.setdefault(verdict, []).extend(passed)
        return passages

    def _course(self, start: ReadyChain, state: State) -> Passages:
        """Take one state through, as is remembered if it is."""
        known = start.memory.recall(state)
        if known is not None:
            passed = state.passed(known.stops)
            if known.changes:
                passed.now = {**passed.now, **known.changes}
            if known.assumed:
                passed.assumed = {**passed.assumed, **known.assumed}
            if known.verdict in _STOPS:
                passed.decided_at = known.decided_at
            return {known.verdict: [passed]}
        traversal = Traversal(self, start)
        passages = traversal.run(state)
        traversal.remember(state, passages)
        return passages


class Traversal:
    """Follow sets of packets from one built-in chain, until each has a verdict."""

    def __init__(self, walk: Walk, start: ReadyChain) -> None:
        self._walk = walk
        self._start = start
        self._site = Site(start.name, walk.evidence, walk.suppose)
        self._waiting: Stack | Meeting = Stack() if walk.apart else Meeting()
        self._done: Passages = {}
        self._asked: frozenset[str] | None = frozenset()

    def run(self, state: State) -> Passages:
        """Follow one state."""
        self._waiting.push(Place(state, self._start, (0,), (), (self._start.name,)))
        while self._waiting:
            for place in self._waiting.pop():
                for onward in reversed(self._ask(place)):
                    self._waiting.push(onward)
        return self._done

    def _end(self, state: State, verdict: Verdict) -> None:
        self._done.setdefault(verdict, []).append(state)

    def remember(self, state: State, passages: Passages) -> None:
        """Have the chain remember what it did with a state, if it kept the packets together."""
        ((verdict, (last, *others)), *more) = passages.items()
        if self._asked is not None and not others and not more and not last.is_narrower(state):
            was, now = state.now, last.now
            course = Course(
                last.stops_since(state),
                verdict,
                None if last.decided_at is None else (*last.decided_at[:-1], ()),
                {field: override for field, override in now.items() if was.get(field) is not override},
                {key: taken for key, taken in last.assumed.items() if key not in state.assumed},
            )
            self._start.memory.keep(state, self._asked, course)

    def _learn(self, fields: frozenset[str] | None) -> None:
        """Take note of the fields on which the course depends, or (None) that nothing will be remembered of it."""
        if fields is None:
            self._asked = None
        elif self._asked is not None and not fields <= self._asked:
            self._asked |= fields

    # These give where packets go on in lists, filled by loops: few are longer than one, and all else takes longer.

    def _ask(self, at: Place) -> list[Place]:
        """Ask the rules from a place on, until one matches some of the packets; give where these go on."""
        state, chain, place = at.state, at.chain, at.position[-1]
        while True:
            if place < chain.index_end:
                place = chain.next_place(state, place)
                if self._asked is not None:
                    self._learn(chain.index_fields)
            if place >= chain.size:
                return self._leave(at, state)
            rule = chain.rule(place)
            meaning = rule.meaning
            # To tell what is asked takes its time, and nobody wants to know of packets that have parted.
            if self._asked is not None:
                self._learn(meaning.asked)
            yes, no = split(state, meaning.condition, self._walk.suppose)
            if yes or len(no) > 1:
                break
            state = no[0]
            place += 1
        if len(yes) + len(no) > 1:
            self._learn(None)
        lead = rule.lead
        target = rule.parts.target if yes and lead is None else None
        onward: list[Place] = []
        for other in yes:
            onward += self._apply(at, place, other, target) if lead is None else self._enter(at, place, other, lead)
        for other in no:
            onward.append(at.moved(other, place + 1))
        return onward

    def _apply(self, at: Place, place: int, state: State, target: Target | None) -> list[Place]:
        """Apply the target of the rule at a place in the chain to packets that it matches."""
        if target is None:
            return self._follow(at, place, state, [Effect(state, Verdict.CONTINUE)])
        alike = [state]
        if self._asked is not None or isinstance(state, Batch):
            read = fields_read(target, self._walk.evidence)
            self._learn(read)
            alike = _alike(state, read)
        onward: list[Place] = []
        for one in alike:
            onward += self._follow(at, place, one, effect_of(target, one, self._site))
        return onward

    def _follow(self, at: Place, place: int, before: State, course: list[Effect]) -> list[Place]:
        chain = at.chain
        onward = []
        for effect in course:
            verdict = effect.verdict
            state = effect.state.stopped(chain.table, chain.name, place, effect.told or WORDS[verdict], effect.changes)
            if verdict in _STOPS or _redirected(before.now, state.now):
                state.decided_at = state.stops
            if verdict is Verdict.CONTINUE:
                onward.append(at.moved(state, place + 1))
            elif verdict is Verdict.RETURN:
                onward += self._leave(at, state)
            else:
                self._end(state, verdict)
        return onward

    def _enter(self, at: Place, place: int, state: State, lead: Lead) -> list[Place]:
        """Enter a chain. Only a jump remembers where it came from: the end of a chain gone to returns past the goto."""
        here, (name, returns) = at.chain, lead
        chain = self._walk.chains.get(here.table, name)
        if chain is None:
            return self._follow(at, place, state, self._unknown(state, name, "the text does not show the chain"))
        if name in at.inside:
            loop = "the chain leads to itself, which the kernel refuses to load (mark_source_chains)"
            return self._follow(at, place, state, self._unknown(state, name, loop))
        entering = state.stopped(here.table, here.name, place, f"jump {name}" if returns else f"goto {name}")
        before = at.position[:-1]
        jumps = (*at.jumps, (here, (*before, place + 1))) if returns else at.jumps
        return [Place(entering, chain, (*before, place, 0), jumps, (*at.inside, name))]

    def _unknown(self, state: State, chain: str, reason: str) -> list[Effect]:
        self._learn(None)
        return unknown_course(f"chain {chain}", reason, state, self._walk.suppose)

    def _leave(self, at: Place, state: State) -> list[Place]:
        """Go back to where the last jump came from, or take the policy of the built-in chain."""
        if not at.jumps:
            self._end(_by_policy(self._start, state), self._start.policy)
            return []
        chain, position = at.jumps[-1]
        inside = at.inside[: at.inside.index(chain.name) + 1]
        return [Place(state, chain, position, at.jumps[:-1], inside)]


def _alike(state: State, fields: frozenset[str] | None) -> list[State]:
    """Part a batch if what a target does depends on a field in which it differs, or (None) on any."""
    return state.apart() if isinstance(state, Batch) and (fields is None or state.differs(fields)) else [state]


def _redirected(before: Mapping[str, Override], after: Mapping[str, Override]) -> bool:
    """Say whether packets were rewritten to go elsewhere."""
    address, port = GOAL
    return after is not before and (
        after.get(address) is not before.get(address) or after.get(port) is not before.get(port)
    )


def _by_policy(chain: ReadyChain, state: State) -> State:
    passed = state.stopped(chain.table, chain.name, None, chain.policy.value)
    if chain.policy is Verdict.DROP:
        passed.decided_at = None
    return passed
