"""The walk through one table at one hook: jumps, gotos, returns, policies (ipt_do_table, ip_tables.c)."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple, TypeAlias

import attrs

from iptables_model.model.targets import Goto, Jump
from iptables_model.netfilter.chains import ReadyChain, ReadyChains
from iptables_model.netfilter.effects import Effect, Site, Verdict, effect_of, fields_read, unknown_course
from iptables_model.netfilter.join import joined
from iptables_model.netfilter.memory import Course
from iptables_model.netfilter.split import split
from iptables_model.netfilter.state import State, Suppose
from iptables_model.netfilter.steps import Stop

__all__ = ["Passage", "Walk"]

Position: TypeAlias = tuple[int, ...]

_STOPS = (Verdict.DROP, Verdict.REJECT, Verdict.STOLEN)
_GOAL = ("dst", "dport")


class Frame(NamedTuple):
    """Remember where a jump came from: the chain, and the position behind the rule."""

    chain: ReadyChain
    position: Position


class Place(NamedTuple):
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

    def behind(self, state: State) -> Place:
        """Hold packets at the place behind the rule."""
        return self.moved(state, self.position[-1] + 1)


@attrs.frozen
class Passage:
    """Hold packets that a table has done with, and the verdict."""

    state: State
    verdict: Verdict


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

    def traverse(self, table: str, hook: str, states: list[State]) -> list[Passage]:
        """Take states through the built-in chain of a hook. A table without that chain lets everything pass."""
        start = self.chains.get(table, hook)
        if start is None:
            return [Passage(state, Verdict.ACCEPT) for state in states]
        if not start.size:
            return [_by_policy(start, state) for state in states]
        together = states if self.apart else joined(states)
        return [passage for state in together for passage in self._course(table, start, state)]

    def _course(self, table: str, start: ReadyChain, state: State) -> list[Passage]:
        """Take one state through, as is remembered if it is."""
        known = start.memory.recall(state)
        if known is not None:
            passed = state.stopped(known.stops)
            if known.changes:
                passed.now = {**passed.now, **known.changes}
            if known.assumed:
                passed.assumed = {**passed.assumed, **known.assumed}
            if known.verdict in _STOPS:
                passed.decided_at = known.decided_at
            return [Passage(passed, known.verdict)]
        traversal = Traversal(self, table, start)
        passages = traversal.run(state)
        traversal.remember(state, passages)
        return passages


class Traversal:
    """Follow sets of packets from one built-in chain, until each has a verdict."""

    def __init__(self, walk: Walk, table: str, start: ReadyChain) -> None:
        self._walk = walk
        self._table = table
        self._start = start
        self._site = Site(start.chain.name, walk.evidence, walk.suppose)
        self._waiting: Stack | Meeting = Stack() if walk.apart else Meeting()
        self._done: list[Passage] = []
        self._asked: frozenset[str] | None = frozenset()

    def run(self, state: State) -> list[Passage]:
        """Follow one state."""
        self._waiting.push(Place(state, self._start, (0,), (), (self._start.chain.name,)))
        while self._waiting:
            for place in self._waiting.pop():
                self._ask(place)
        return self._done

    def remember(self, state: State, passages: list[Passage]) -> None:
        """Have the chain remember what it did with a state, if it kept the packets together."""
        last = passages[-1]
        if self._asked is not None and len(passages) == 1 and not last.state.is_narrower(state):
            was, now = state.now, last.state.now
            course = Course(
                last.state.stops_since(state),
                last.verdict,
                last.state.decided_at,
                {field: override for field, override in now.items() if was.get(field) is not override},
                {key: taken for key, taken in last.state.assumed.items() if key not in state.assumed},
            )
            self._start.memory.keep(state, self._asked, course)

    def _learn(self, fields: frozenset[str] | None) -> None:
        """Take note of the fields on which the course depends, or (None) that nothing will be remembered of it."""
        self._asked = None if self._asked is None or fields is None else self._asked | fields

    def _ask(self, at: Place) -> None:
        """Ask the rules from a place on, until one matches some of the packets."""
        state, chain, place = at.state, at.chain, at.position[-1]
        while True:
            place = chain.next_place(state, place)
            self._learn(chain.index_fields)
            if place >= chain.size:
                self._leave(at.holding(state))
                return
            if self._asked is not None:
                self._learn(chain.asked_fields(place))
            yes, no = split(state, chain.condition(place), self._walk.suppose)
            if yes or len(no) > 1:
                break
            state = no[0]
            place += 1
        if len(yes) + len(no) > 1:
            self._learn(None)
        for other in reversed(no):
            self._waiting.push(at.moved(other, place + 1))
        for other in reversed(yes):
            self._apply(at.moved(other, place))

    def _apply(self, at: Place) -> None:
        target = at.chain.target(at.position[-1])
        if isinstance(target, Jump | Goto):
            self._enter(at, target)
        elif target is None:
            self._follow(at, [Effect(at.state, Verdict.CONTINUE)])
        else:
            self._learn(fields_read(target, self._walk.evidence))
            self._follow(at, effect_of(target, at.state, self._site))

    def _follow(self, at: Place, course: list[Effect]) -> None:
        for effect in reversed(course):
            stop = Stop(at.chain, at.position[-1], effect.told, effect.change)
            state = effect.state.stopped(stop)
            redirected = any(state.now.get(field) is not at.state.now.get(field) for field in _GOAL)
            if effect.verdict in _STOPS or redirected:
                state.decided_at = stop
            if effect.verdict is Verdict.CONTINUE:
                self._waiting.push(at.behind(state))
            elif effect.verdict is Verdict.RETURN:
                self._leave(at.holding(state))
            else:
                self._done.append(Passage(state, effect.verdict))

    def _enter(self, at: Place, target: Jump | Goto) -> None:
        """Enter a chain. Only a jump remembers where it came from: the end of a chain gone to returns past the goto."""
        chain = self._walk.chains.get(self._table, target.chain)
        if chain is None:
            self._follow(at, self._unknown(at, target.chain, "the text does not show the chain"))
        elif target.chain in at.inside:
            loop = "the chain leads to itself, which the kernel refuses to load (mark_source_chains)"
            self._follow(at, self._unknown(at, target.chain, loop))
        else:
            jump = isinstance(target, Jump)
            verdict = f"{'jump' if jump else 'goto'} {target.chain}"
            state = at.state.stopped(Stop(at.chain, at.position[-1], verdict))
            jumps = (*at.jumps, Frame(at.chain, at.behind(state).position)) if jump else at.jumps
            inside = (*at.inside, target.chain)
            self._waiting.push(Place(state, chain, (*at.position, 0), jumps, inside))

    def _unknown(self, at: Place, chain: str, reason: str) -> list[Effect]:
        self._learn(None)
        return unknown_course(f"chain {chain}", reason, at.state, self._walk.suppose)

    def _leave(self, at: Place) -> None:
        """Go back to where the last jump came from, or take the policy of the built-in chain."""
        if at.jumps:
            back = at.jumps[-1]
            inside = at.inside[: at.inside.index(back.chain.chain.name) + 1]
            self._waiting.push(Place(at.state, back.chain, back.position, at.jumps[:-1], inside))
            return
        self._done.append(_by_policy(self._start, at.state))


def _by_policy(chain: ReadyChain, state: State) -> Passage:
    passed = state.stopped(chain.end)
    if chain.policy is Verdict.DROP:
        passed.decided_at = None
    return Passage(passed, chain.policy)
