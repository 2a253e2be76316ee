"""The walk through one table at one hook: jumps, gotos, returns, policies (ipt_do_table, ip_tables.c)."""

from __future__ import annotations

from typing import NamedTuple

import attrs

from iptables_model.model.rule import Rule
from iptables_model.model.targets import Goto, Jump
from iptables_model.netfilter.chains import ReadyChain, ReadyChains
from iptables_model.netfilter.effects import Effect, Verdict, effect_of, only_speaks, unknown_course
from iptables_model.netfilter.memory import Course
from iptables_model.netfilter.state import State, Suppose, split

__all__ = ["Passage", "Walk"]


class Frame(NamedTuple):
    """Remember where a jump came from: the chain, and the place of the rule behind it."""

    chain: ReadyChain
    place: int


class Place(NamedTuple):
    """Hold packets at a place in a chain: the jumps that led there, and the chains they are in the midst of."""

    state: State
    chain: ReadyChain
    place: int
    jumps: tuple[Frame, ...]
    inside: tuple[str, ...]


@attrs.frozen
class Passage:
    """Hold packets that a table has done with, the verdict, and the rule that spoke it (None: the policy)."""

    state: State
    verdict: Verdict
    rule: Rule | None


class Walk:
    """Take sets of packets through the tables of one ruleset."""

    def __init__(self, chains: ReadyChains, suppose: Suppose) -> None:
        self.chains = chains
        self.evidence = chains.evidence
        self.suppose = suppose

    def traverse(self, table: str, hook: str, state: State) -> list[Passage]:
        """Take a state through the built-in chain of a hook. A table without that chain lets everything pass."""
        start = self.chains.get(table, hook)
        if start is None:
            return [Passage(state, Verdict.ACCEPT, None)]
        if not start.rules:
            return [_by_policy(table, start, state)]
        known = start.memory.recall(state)
        if known is not None:
            return [Passage(state.stepped(*known.steps), known.verdict, known.rule)]
        return Traversal(self, table, start).run(state)


class Traversal:
    """Follow sets of packets from one built-in chain, until each has a verdict."""

    def __init__(self, walk: Walk, table: str, start: ReadyChain) -> None:
        self._walk = walk
        self._table = table
        self._start = start
        self._waiting: list[Place] = []
        self._done: list[Passage] = []
        self._asked: frozenset[str] | None = frozenset()

    def run(self, state: State) -> list[Passage]:
        """Follow a state. The last place that waits goes first, so what matches comes before what does not."""
        self._waiting.append(Place(state, self._start, 0, (), (self._start.chain.name,)))
        while self._waiting:
            self._ask(self._waiting.pop())
        self._remember(state)
        return self._done

    def _remember(self, state: State) -> None:
        """Have the chain remember what it did, if it kept the packets together and unchanged."""
        last = self._done[-1]
        if self._asked is not None and len(self._done) == 1 and not last.state.has_changed(state):
            course = Course(last.state.steps_since(state), last.verdict, last.rule)
            self._start.memory.keep(state, self._asked, course)

    def _learn(self, fields: frozenset[str] | None) -> None:
        """Take note of the fields on which the course depends, or (None) that it depends on more than fields."""
        self._asked = None if self._asked is None or fields is None else self._asked | fields

    def _ask(self, at: Place) -> None:
        """Ask the rules from a place on, until one matches some of the packets."""
        state, chain, place, jumps, inside = at
        self._learn(chain.index_fields)
        while True:
            place = chain.next_place(state, place)
            if place >= len(chain.rules):
                self._leave(Place(state, chain, place, jumps, inside))
                return
            condition, fields = chain.asked(place)
            self._learn(fields)
            yes, no = split(state, condition, self._walk.suppose)
            if yes or len(no) > 1:
                break
            state = no[0]
            place += 1
        self._waiting += [Place(other, chain, place + 1, jumps, inside) for other in reversed(no)]
        for other in reversed(yes):
            self._apply(Place(other, chain, place, jumps, inside))

    def _apply(self, at: Place) -> None:
        rule = at.chain.rules[at.place]
        target = rule.target
        if isinstance(target, Jump | Goto):
            self._enter(at, rule, target)
        elif target is None:
            self._follow(at, rule, [Effect(at.state, Verdict.CONTINUE)])
        else:
            if not only_speaks(target):
                self._learn(None)
            self._follow(at, rule, effect_of(target, at.state, self._walk.evidence, self._walk.suppose))

    def _follow(self, at: Place, rule: Rule, course: list[Effect]) -> None:
        for effect in reversed(course):
            state = effect.state.stepped(at.chain.step(self._table, at.place, effect.verdict.value, effect.change))
            if effect.verdict is Verdict.CONTINUE:
                self._waiting.append(at._replace(state=state, place=at.place + 1))
            elif effect.verdict is Verdict.RETURN:
                self._leave(at._replace(state=state))
            else:
                self._done.append(Passage(state, effect.verdict, rule))

    def _enter(self, at: Place, rule: Rule, target: Jump | Goto) -> None:
        """Enter a chain. Only a jump remembers where it came from: the end of a chain gone to returns past the goto."""
        chain = self._walk.chains.get(self._table, target.chain)
        if chain is None:
            self._follow(at, rule, self._unknown(at, target.chain, "the text does not show the chain"))
        elif target.chain in at.inside:
            loop = "the chain leads to itself, which the kernel refuses to load (mark_source_chains)"
            self._follow(at, rule, self._unknown(at, target.chain, loop))
        else:
            jump = isinstance(target, Jump)
            step = at.chain.step(self._table, at.place, f"{'jump' if jump else 'goto'} {target.chain}")
            jumps = (*at.jumps, Frame(at.chain, at.place + 1)) if jump else at.jumps
            self._waiting.append(Place(at.state.stepped(step), chain, 0, jumps, (*at.inside, target.chain)))

    def _unknown(self, at: Place, chain: str, reason: str) -> list[Effect]:
        self._learn(None)
        return unknown_course(f"chain {chain}", reason, at.state, self._walk.suppose)

    def _leave(self, at: Place) -> None:
        """Go back to where the last jump came from, or take the policy of the built-in chain."""
        if at.jumps:
            back = at.jumps[-1]
            inside = at.inside[: at.inside.index(back.chain.chain.name) + 1]
            self._waiting.append(Place(at.state, back.chain, back.place, at.jumps[:-1], inside))
            return
        self._done.append(_by_policy(self._table, self._start, at.state))


def _by_policy(table: str, chain: ReadyChain, state: State) -> Passage:
    policy = Verdict.DROP if chain.chain.policy == "DROP" else Verdict.ACCEPT
    return Passage(state.stepped(chain.step(table, None, policy.value)), policy, None)
