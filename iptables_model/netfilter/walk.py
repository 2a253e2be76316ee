"""The walk through one table at one hook: jumps, gotos, returns, policies (ipt_do_table, net/ipv4/netfilter/ip_tables.c)."""

from __future__ import annotations

from typing import NamedTuple

import attrs

from iptables_model.model.rule import Rule
from iptables_model.model.targets import Goto, Jump
from iptables_model.netfilter.chains import ReadyChain, ReadyChains
from iptables_model.netfilter.effects import Effect, Verdict, effect_of, unknown_course
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.state import State, Step, Suppose, split

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

    def __init__(self, chains: ReadyChains, evidence: Evidence, suppose: Suppose) -> None:
        self._chains = chains
        self._evidence = evidence
        self._suppose = suppose

    def traverse(self, table: str, hook: str, state: State) -> list[Passage]:
        """Take a state through the built-in chain of a hook. A table without that chain lets everything pass."""
        start = self._chains.get(table, hook)
        if start is None:
            return [Passage(state, Verdict.ACCEPT, None)]
        done: list[Passage] = []
        waiting = [Place(state, start, 0, (), (hook,))]
        while waiting:
            at = waiting.pop()
            place = at.chain.next_place(at.state, at.place)
            if place < len(at.chain.rules):
                # The last one is taken first, so what matches is followed before what does not.
                yes, no = split(at.state, at.chain.condition(place), self._suppose)
                waiting += [at._replace(state=other, place=place + 1) for other in reversed(no)]
                for other in reversed(yes):
                    self._apply(table, at._replace(state=other, place=place), waiting, done)
            else:
                self._leave(table, at, waiting, done)
        return done

    def _apply(self, table: str, at: Place, waiting: list[Place], done: list[Passage]) -> None:
        rule = at.chain.rules[at.place]
        target = rule.target
        if isinstance(target, Jump | Goto):
            self._enter(table, at, rule, target, waiting, done)
            return
        if target is None:
            course = [Effect(at.state, Verdict.CONTINUE)]
        else:
            course = effect_of(target, at.state, self._evidence, self._suppose)
        self._follow(table, at, rule, course, waiting, done)

    def _follow(
        self, table: str, at: Place, rule: Rule, course: list[Effect], waiting: list[Place], done: list[Passage]
    ) -> None:
        for effect in reversed(course):
            step = Step(table=table, chain=rule.chain, rule=rule, verdict=effect.verdict.value, change=effect.change)
            state = effect.state.stepped(step)
            if effect.verdict is Verdict.CONTINUE:
                waiting.append(at._replace(state=state, place=at.place + 1))
            elif effect.verdict is Verdict.RETURN:
                self._leave(table, at._replace(state=state), waiting, done)
            else:
                done.append(Passage(state, effect.verdict, rule))

    def _enter(
        self, table: str, at: Place, rule: Rule, target: Jump | Goto, waiting: list[Place], done: list[Passage]
    ) -> None:
        """Enter a chain. Only a jump remembers where it came from, so the end of a chain gone to returns past the goto."""
        chain = self._chains.get(table, target.chain)
        jump = isinstance(target, Jump)
        if chain is None:
            reason = "the text does not show the chain"
            self._follow(
                table, at, rule, unknown_course(f"chain {target.chain}", reason, at.state, self._suppose), waiting, done
            )
        elif target.chain in at.inside:
            reason = "the chain leads to itself, which the kernel refuses to load (mark_source_chains)"
            self._follow(
                table, at, rule, unknown_course(f"chain {target.chain}", reason, at.state, self._suppose), waiting, done
            )
        else:
            step = Step(
                table=table, chain=rule.chain, rule=rule, verdict=f"{'jump' if jump else 'goto'} {target.chain}"
            )
            jumps = (*at.jumps, Frame(at.chain, at.place + 1)) if jump else at.jumps
            waiting.append(Place(at.state.stepped(step), chain, 0, jumps, (*at.inside, target.chain)))

    def _leave(self, table: str, at: Place, waiting: list[Place], done: list[Passage]) -> None:
        """Go back to where the last jump came from, or take the policy of the built-in chain."""
        if at.jumps:
            back = at.jumps[-1]
            inside = at.inside[: at.inside.index(back.chain.chain.name) + 1]
            waiting.append(Place(at.state, back.chain, back.place, at.jumps[:-1], inside))
            return
        start = self._chains.get(table, at.inside[0])
        policy = Verdict.DROP if start is not None and start.chain.policy == "DROP" else Verdict.ACCEPT
        step = Step(table=table, chain=at.inside[0], rule=None, verdict=policy.value)
        done.append(Passage(at.state.stepped(step), policy, None))
