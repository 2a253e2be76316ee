"""Where a set of packets stands on its way: which packets they were, what they have become, what was assumed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import count
from typing import Any as Anything
from typing import NamedTuple, Self, TypeAlias

import attrs

from iptables_model.model.rule import Rule
from iptables_model.netfilter.bits import BitSet, moved
from iptables_model.netfilter.condition import (
    All,
    Any,
    Assume,
    Chance,
    Condition,
    Initially,
    Not,
    OnceChanged,
    Within,
)
from iptables_model.netfilter.packet import FIELDS, FieldSet
from iptables_model.netfilter.sets import LineSet

__all__ = [
    "Assumption",
    "Bits",
    "Constant",
    "Mixed",
    "Override",
    "Parts",
    "Shifted",
    "State",
    "Step",
    "Suppose",
    "Supposition",
    "split",
    "stop_of",
    "unrolled",
]

_ONE = Fraction(1)


@attrs.frozen
class Constant:
    """Say that a field no longer depends on the packet asked about: it was set to a value, or to one of a set.

    `reason` says why it is not known which one of the set it is.
    """

    value: FieldSet
    reason: str = "the kernel chooses it on the way"


class Bits(NamedTuple):
    """Name bits of a field of the packet asked about, and how far to the left they were moved; negative: right."""

    field: str
    kept: int
    left: int = 0


@attrs.frozen
class Mixed:
    """Say that the bits of a field come from fields of the packet asked about, XORed with a constant.

    No two of the `sources` reach the same bit, and none loses bits by being moved.
    """

    sources: tuple[Bits, ...]
    xor: int


@attrs.frozen
class Shifted:
    """Say that a field is a number of the packet asked about with an offset."""

    field: str
    offset: int


Override: TypeAlias = Constant | Mixed | Shifted


@attrs.frozen
class Assumption:
    """Name what an answer takes for granted: the statement, whether it was taken as true, and why it is not known."""

    statement: str
    holds: bool
    reason: str = ""

    def __str__(self) -> str:
        return self.statement if self.holds else f"not: {self.statement}"


@attrs.frozen(kw_only=True)
class Step:
    """Report one stop of a packet: a rule that matched it, or (with `rule` None) the policy of a chain.

    `verdict` is as in the kernel's trace: continue, accept, drop, reject, return, `jump CHAIN`, `goto CHAIN`; `change`
    says what the rule did to the packet, if anything.
    """

    table: str
    chain: str
    rule: Rule | None
    verdict: str
    change: str = ""

    def __str__(self) -> str:
        where = f"{self.table} {self.chain}"
        if self.rule is None:
            return f"{where} policy {self.verdict}"
        line = "" if self.rule.line is None else f" (line {self.rule.line})"
        change = f"; {self.change}" if self.change else ""
        return f"{where} rule {self.rule.index + 1}{line} {self.verdict}{change}: {self.rule}"


class Supposition(NamedTuple):
    """Answer an `Assume`: whether it holds, and `told`, what that takes for granted, if worth telling."""

    holds: bool
    told: Assumption | None = None


Suppose: TypeAlias = Callable[[Assume, "State"], Supposition | None]
"""Answers an `Assume` for the caller's question, or leaves it open with None."""


class State:
    """Hold one set of packets on its way through the hooks.

    `when` maps each field to the set that it had when the question was asked, and `now` the fields that were rewritten
    since; what else the packet changed, such as the contents of an ipset, is there with the count of its changes.
    `assumed` is what was taken for granted, and `decided_by` the rule that stopped the packets or last changed where
    they go.
    Working objects of the walk, copied where packets part.
    """

    __slots__ = ("assumed", "decided_by", "now", "probability", "steps", "when")

    def __init__(self, when: dict[str, Anything]) -> None:
        self.when = when
        self.now: dict[str, Override] = {}
        self.assumed: dict[object, Supposition] = {}
        self.probability = _ONE
        self.steps: tuple[Anything, ...] = ()
        self.decided_by: Rule | None = None

    def copy(self) -> Self:
        """Make an equal state that can go its own way."""
        other = object.__new__(type(self))
        other.when, other.now, other.assumed = self.when, self.now, self.assumed
        other.probability, other.steps, other.decided_by = self.probability, self.steps, self.decided_by
        return other

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """List what was taken for granted and is worth telling, in the order in which it was asked."""
        return tuple(dict.fromkeys(one.told for one in self.assumed.values() if one.told is not None))

    def overlaps(self, other: Self) -> bool:
        """Say whether some packets asked about are in both."""
        return all(
            mine is theirs or mine & theirs
            for mine, theirs in zip(self.when.values(), other.when.values(), strict=True)
        )

    def narrowed(self, field: str, value: FieldSet) -> Self:
        """Keep only the packets whose field was in a set when the question was asked."""
        other = self.copy()
        other.when = {**self.when, field: value}
        return other

    def rewritten(self, **changes: Override) -> Self:
        """Rewrite fields."""
        other = self.copy()
        other.now = {**self.now, **changes}
        return other

    def stepped(self, *steps: Step) -> Self:
        """Add steps to the trace."""
        other = self.copy()
        for step in steps:
            other.steps = (step, other.steps)
        return other

    def steps_since(self, before: Self) -> tuple[Step, ...]:
        """Give the steps since an earlier state, in their order."""
        found = []
        left = self.steps
        while left is not before.steps:
            step, left = left
            found.append(step)
        return tuple(reversed(found))

    def has_changed(self, before: Self) -> bool:
        """Say whether anything but the steps has changed since an earlier state."""
        return not (
            self.when is before.when
            and self.now is before.now
            and self.assumed is before.assumed
            and self.probability is before.probability
        )

    def assuming(self, key: object, holds: bool, told: Assumption | None = None) -> Self:
        """Take something for granted from here on, and tell it with the answer."""
        other = self.copy()
        other.assumed = {**self.assumed, key: Supposition(holds, told)}
        return other

    def shifted(self, field: str, offset: int) -> Self:
        """Add an offset to a field; the result must be in the field's range for every packet of the state."""
        match self.now.get(field):
            case Constant(value, reason) if isinstance(value, LineSet):
                return self.rewritten(**{field: Constant(value.shifted(offset), reason)})
            case Shifted(source, before):
                return self.rewritten(**{field: Shifted(source, before + offset)})
            case _:
                return self.rewritten(**{field: Shifted(field, offset)})

    def leaving(self) -> dict[str, FieldSet]:
        """Give the sets that all fields can be now."""
        return {**self.when, **{field: self.view(field) for field in self.now if field in self.when}}

    @property
    def rewriting(self) -> Hashable:
        """Tell states apart by what was rewritten, and to what."""
        return tuple(map(self.now.get, FIELDS))

    @property
    def beside(self) -> Hashable:
        """Tell states apart by what their packets changed beside themselves, such as ipsets."""
        return frozenset((thing, change) for thing, change in self.now.items() if thing not in self.when)

    def view(self, field: str) -> FieldSet:
        """Give the set that a field can be now."""
        override = self.now.get(field)
        found: FieldSet = self.when[field] if override is None else self.image(override)
        return found

    def image(self, override: Override) -> FieldSet:
        """Give the set that a field can be by an override."""
        match override:
            case Constant(value):
                return value
            case Shifted(source, offset):
                shifted: FieldSet = self.when[source].shifted(offset)
                return shifted
            case Mixed(sources, xor):
                return _mixed(xor, tuple([(self.when[field], kept, left) for field, kept, left in sources]))

    def content(self, field: str) -> object:
        """Tell all that a rule can learn of a field; of what the packet changed beside itself, that is assumed."""
        if field not in self.when:
            return field in self.now and frozenset(self.assumed.items())
        override = self.now.get(field)
        match override:
            case None:
                return self.when[field]
            case Constant():
                return override
            case Shifted(source, _):
                return override, self.when[source]
            case Mixed(sources, _):
                return override, *[self.when[source] for source, *_ in sources]

    def identity(self, field: str) -> object:
        """Tell a field's content apart from what it was before a rewriting."""
        return self.now.get(field, field)


def stop_of(step: Step) -> Hashable:
    """Tell a step apart by the rule itself: two rules that say the same are equal."""
    return (step.table, step.chain, id(step.rule), step.verdict, step.change)


def unrolled(steps: tuple[Anything, ...]) -> Iterator[Step]:
    """Go back through the steps of a state, from the last to the first."""
    while steps:
        step, steps = steps
        yield step


@lru_cache(maxsize=256)
def _mixed(xor: int, sources: tuple[tuple[BitSet, int, int], ...]) -> BitSet:
    """Put bits together; thousands of packets that were marked alike share one set."""
    found = BitSet.of(xor)
    for held, kept, left in sources:
        found ^= held.kept(kept).moved(left)
    return found


Parts: TypeAlias = tuple[list[State], list[State]]
"""The packets for which a condition holds, and those for which it does not."""


def split(state: State, condition: Condition, suppose: Suppose) -> Parts:
    """Part the packets of a state by a condition. Together the parts are all the packets, and none is in two."""
    # By type and not by pattern: this is asked for every match of every rule on the way.
    if isinstance(condition, Within):
        return _split_field(state, condition.field, condition.allowed)
    if isinstance(condition, All):
        return _split_all(state, condition.conditions, suppose)
    if isinstance(condition, Not):
        yes, no = split(state, condition.condition, suppose)
        return no, yes
    if isinstance(condition, Any):
        return _split_any(state, condition.conditions, suppose)
    if isinstance(condition, Initially):
        return _split_asked(state, condition.field, condition.allowed)
    if isinstance(condition, Chance):
        return _split_chance(state, condition.probability)
    if isinstance(condition, OnceChanged):
        return split(state, condition.after if condition.thing in state.now else condition.before, suppose)
    return _split_assumption(state, condition, suppose)


def _split_all(state: State, conditions: tuple[Condition, ...], suppose: Suppose) -> Parts:
    yes, no = [state], []
    for condition in conditions:
        still = []
        for one in yes:
            holds, fails = split(one, condition, suppose)
            still += holds
            no += fails
        yes = still
        if not yes:
            break
    return yes, no


def _split_any(state: State, conditions: tuple[Condition, ...], suppose: Suppose) -> Parts:
    yes, no = [], [state]
    for condition in conditions:
        still = []
        for one in no:
            holds, fails = split(one, condition, suppose)
            yes += holds
            still += fails
        no = still
        if not no:
            break
    return yes, no


def _split_field(state: State, field: str, allowed: Anything) -> Parts:
    override = state.now.get(field)
    if override is None:
        return _split_asked(state, field, allowed)
    match override:
        case Constant():
            return _split_chosen(state, field, override, allowed)
        case Shifted(source, offset):
            return _split_asked(state, source, allowed.shifted(-offset))
        case Mixed(sources, xor):
            return _split_mixed(state, sources, xor, allowed)


def _split_asked(state: State, field: str, allowed: Anything) -> Parts:
    inside, outside = state.when[field].parted(allowed)
    if inside is None:
        return [], [state]
    if outside is None:
        return [state], []
    return [state.narrowed(field, inside)], [state.narrowed(field, outside)]


def _split_chosen(state: State, field: str, chosen: Constant, allowed: Anything) -> Parts:
    """Part by a field that was set to one of several values: which one is not known, so it is assumed."""
    value: Anything = chosen.value
    inside, outside = value.parted(allowed)
    if inside is None:
        return [], [state]
    if outside is None:
        return [state], []
    statement = f"the {field.replace('_', ' ')} chosen is {inside}"
    yes, no = (
        state.rewritten(**{field: Constant(part, chosen.reason)}).assuming(
            (field, value, allowed), holds, Assumption(statement, holds, chosen.reason)
        )
        for part, holds in ((inside, True), (outside, False))
    )
    return [yes], [no]


def _split_mixed(state: State, sources: tuple[Bits, ...], xor: int, allowed: BitSet) -> Parts:
    """Ask the fields that the bits come from; the patterns are disjoint, so each takes its part of what is left."""
    yes: list[State] = []
    rest = [state]
    reached = 0
    for _, kept, left in sources:
        reached |= moved(kept, left)
    for pattern in allowed.patterns:
        if (pattern.value ^ xor) & pattern.mask & ~reached:
            continue
        matching, rest = rest, []
        for field, kept, left in sources:
            wanted = BitSet.of(moved(pattern.value ^ xor, -left), moved(pattern.mask, -left) & kept)
            parts = [_split_asked(one, field, wanted) for one in matching]
            matching = [one for holds, _ in parts for one in holds]
            rest += [one for _, fails in parts for one in fails]
        yes += matching
    return yes, rest


def _split_chance(state: State, probability: Fraction) -> Parts:
    def likely(share: Fraction) -> list[State]:
        if not share:
            return []
        other = state.copy()
        other.probability = state.probability * share
        return [other]

    return likely(probability), likely(_ONE - probability)


def _split_assumption(state: State, condition: Assume, suppose: Suppose) -> Parts:
    key = _assumption_key(state, condition)
    known = state.assumed.get(key)
    if known is not None:
        return ([state], []) if known.holds else ([], [state])
    supposed = suppose(condition, state)
    if supposed is not None:
        taken = [state.assuming(key, *supposed)]
        return (taken, []) if supposed.holds else ([], taken)
    statement = _about(state, condition)
    yes, no = (state.assuming(key, holds, Assumption(statement, holds, condition.reason)) for holds in (True, False))
    return [yes], [no]


def _about(state: State, condition: Assume) -> str:
    """Word what is assumed; of a field that was rewritten on the way, say what it is now."""
    (field, *more) = condition.fields or ("",)
    if more or field not in state.now:
        return condition.statement
    return f"{condition.statement} ({field.replace('_', ' ')} is now {state.view(field)})"


def _assumption_key(state: State, condition: Assume) -> object:
    """Tell apart what may have different answers: other fields and, of what is fleeting, every look."""
    key = (condition.statement, tuple(state.identity(field) for field in condition.fields))
    if not condition.fleeting:
        return key
    return next((key, look) for look in count() if (key, look) not in state.assumed)
