"""Where a set of packets stands on its way: which packets they were, what they have become, what was assumed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import count
from typing import Any as Anything
from typing import NamedTuple, Protocol, Self, TypeAlias

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
from iptables_model.netfilter.packet import FieldSet
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
    "Stop",
    "Stops",
    "Suppose",
    "Supposition",
    "assumption_key",
    "split",
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

_shifted = lru_cache(maxsize=256)(Shifted)


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
    _stop: Stop | None = attrs.field(default=None, init=False, eq=False, repr=False)

    def __getattr__(self, name: str) -> object:
        """Make the rule, or word the change, when it is asked for."""
        if name not in ("rule", "change"):
            raise AttributeError(f"a step has no {name}")
        made = getattr(self._stop, f"{name}_told")()
        object.__setattr__(self, name, made)
        return made

    def __getstate__(self) -> tuple[object, ...]:
        return self.table, self.chain, self.rule, self.verdict, self.change

    def __setstate__(self, state: tuple[object, ...]) -> None:
        names = ("table", "chain", "rule", "verdict", "change", "_stop")
        for name, value in zip(names, (*state, None), strict=True):
            object.__setattr__(self, name, value)

    def __str__(self) -> str:
        where = f"{self.table} {self.chain}"
        if self.rule is None:
            return f"{where} policy {self.verdict}"
        line = "" if self.rule.line is None else f" (line {self.rule.line})"
        change = f"; {self.change}" if self.change else ""
        return f"{where} rule {self.rule.index + 1}{line} {self.verdict}{change}: {self.rule}"


class Place(Protocol):
    """Name a chain of a table, and give its rules, as a chain that is ready for the walk does."""

    @property
    def table(self) -> str:
        """Give the name of the table."""

    @property
    def name(self) -> str:
        """Give the name of the chain."""

    def rule(self, place: int) -> Rule:
        """Give a rule."""


class Stop(NamedTuple):
    """Note one stop of packets on their way; of the many that are noted, few are ever reported.

    `change` says by its `str` what the rule did to them.
    """

    chain: Place
    place: int | None
    verdict: str
    change: object = ""

    def step(self) -> Step:
        """Report it; the rule, and the change in words, when they are asked for."""
        step = object.__new__(Step)
        for name, value in zip(_STEP, (self.chain.table, self.chain.name, self.verdict, self), strict=True):
            object.__setattr__(step, name, value)
        return step

    def rule_told(self) -> Rule | None:
        """Give the rule, or None for a policy."""
        return None if self.place is None else self.chain.rule(self.place)

    def change_told(self) -> str:
        """Say what the rule did to the packets."""
        return str(self.change)

    def is_where(self, other: Stop) -> bool:
        """Say whether another stop is at the same rule."""
        return self.chain is other.chain and self.place == other.place


_STEP = ("table", "chain", "verdict", "_stop")

Stops: TypeAlias = tuple[Anything, ...]
"""Stops from the last to the first, as a linked list: `(stop, stops before)`, at the beginning `()`.

In place of one stop there may be several, as a tuple from the last to the first.
"""


class Supposition(NamedTuple):
    """Answer an `Assume`: whether it holds, and `told`, what that takes for granted, if worth telling."""

    holds: bool
    told: Assumption | None = None


Suppose: TypeAlias = Callable[[Assume, "State"], Supposition | None]
"""Answers an `Assume` for the caller's question, or leaves it open with None."""


class State:
    """Hold one set of packets on its way through the hooks.

    `asked` maps each field to the set that it had when the question was asked, the same for all states of a question;
    `when` the fields of which only a part of that set is meant here; `now` those that were rewritten since. What else
    the packet changed, such as the contents of an ipset, is there with the count of its changes.
    `assumed` is what was taken for granted, and `decided_at` the stop at the rule that stopped the packets or last
    changed where they go.
    Working objects of the walk, copied where packets part.
    """

    __slots__ = ("asked", "assumed", "decided_at", "now", "probability", "stops", "when")

    def __init__(self, asked: dict[str, Anything], when: dict[str, Anything] | None = None) -> None:
        self.asked = asked
        self.when = when or {}
        self.now: dict[str, Override] = {}
        self.assumed: dict[object, Supposition | Assumption] = {}
        self.probability = _ONE
        self.stops: Stops = ()
        self.decided_at: Stop | None = None

    def copy(self) -> Self:
        """Make an equal state that can go its own way."""
        other = object.__new__(type(self))
        other.asked, other.when, other.now, other.assumed = self.asked, self.when, self.now, self.assumed
        other.probability, other.stops, other.decided_at = self.probability, self.stops, self.decided_at
        return other

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """List what was taken for granted and is worth telling, in the order in which it was asked."""
        told = [one.told if isinstance(one, Supposition) else one for one in self.assumed.values()]
        return tuple(dict.fromkeys([one for one in told if one is not None]))

    @property
    def steps(self) -> tuple[Step, ...]:
        """Report the stops so far."""
        return tuple([stop.step() for stop in unrolled(self.stops)][::-1])

    def was(self, field: str) -> Anything:
        """Give the set of a field when the question was asked, of the packets meant here."""
        held = self.when.get(field)
        return self.asked[field] if held is None else held

    def overlaps(self, other: Self) -> bool:
        """Say whether some packets asked about are in both."""
        return all(self.was(field) & other.was(field) for field in self.when.keys() | other.when.keys())

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

    def stopped(self, stop: Stop | tuple[Stop, ...]) -> Self:
        """Note a stop, or several from the last to the first."""
        other = self.copy()
        other.stops = (stop, self.stops)
        return other

    @property
    def latest(self) -> Stop:
        """Give the last stop."""
        latest: Stop | tuple[Stop, ...] = self.stops[0]
        return latest if isinstance(latest, Stop) else latest[0]

    def stops_since(self, before: Self) -> tuple[Stop, ...]:
        """Give the stops since an earlier state, from the last to the first."""
        return tuple(unrolled(self.stops, before.stops))

    def is_narrower(self, before: Self) -> bool:
        """Say whether these are only some of the packets of an earlier state, or a share of them."""
        return self.when is not before.when or self.probability is not before.probability

    def assuming(self, key: object, taken: Supposition | Assumption) -> Self:
        """Take something for granted from here on."""
        other = self.copy()
        other.assumed = {**self.assumed, key: taken}
        return other

    def shifted(self, field: str, offset: int) -> Self:
        """Add an offset to a field; the result must be in the field's range for every packet of the state."""
        match self.now.get(field):
            case Constant(value, reason) if isinstance(value, LineSet):
                return self.rewritten(**{field: Constant(value.shifted(offset), reason)})
            case Shifted(source, before):
                return self.rewritten(**{field: _shifted(source, before + offset)})
            case _:
                return self.rewritten(**{field: _shifted(field, offset)})

    def coming(self) -> dict[str, FieldSet]:
        """Give the sets that all fields were when the question was asked."""
        return {**self.asked, **self.when}

    def leaving(self) -> dict[str, FieldSet]:
        """Give the sets that all fields can be now."""
        now = {field: self.image(override) for field, override in self.now.items() if field in self.asked}
        return {**self.asked, **self.when, **now}

    @property
    def rewriting(self) -> Hashable:
        """Tell states apart by what was rewritten, and to what."""
        return frozenset([(field, override) for field, override in self.now.items() if field in self.asked])

    @property
    def beside(self) -> Hashable:
        """Tell states apart by what their packets changed beside themselves, such as ipsets."""
        return frozenset([(thing, change) for thing, change in self.now.items() if thing not in self.asked])

    def view(self, field: str) -> Anything:
        """Give the set that a field can be now."""
        override = self.now.get(field)
        return self.was(field) if override is None else self.image(override)

    def image(self, override: Override) -> Anything:
        """Give the set that a field can be by an override."""
        # By type and not by pattern: this is asked for every field of every flow.
        if isinstance(override, Constant):
            return override.value
        if isinstance(override, Shifted):
            return self.was(override.field).shifted(override.offset)
        return _mixed(override.xor, tuple([(self.was(field), kept, left) for field, kept, left in override.sources]))

    def content(self, field: str) -> object:
        """Tell all that a rule can learn of a field; of what the packet changed beside itself, that is assumed."""
        if field not in self.asked:
            return field in self.now and frozenset(self.assumed.items())
        override = self.now.get(field)
        match override:
            case None:
                return self.was(field)
            case Constant():
                return override
            case Shifted(source, _):
                return override, self.was(source)
            case Mixed(sources, _):
                return override, *[self.was(source) for source, *_ in sources]

    def identity(self, field: str) -> object:
        """Tell a field's content apart from what it was before a rewriting."""
        return self.now.get(field, field)


def unrolled(stops: Stops, until: Stops = ()) -> Iterator[Stop]:
    """Go back through the stops of a state, from the last to the first, or to those of an earlier state."""
    while stops is not until:
        stop, stops = stops
        if isinstance(stop, Stop):
            yield stop
        else:
            yield from stop


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
        yes, fails = _split_each(yes, condition, suppose)
        no += fails
        if not yes:
            break
    return yes, no


def _split_any(state: State, conditions: tuple[Condition, ...], suppose: Suppose) -> Parts:
    yes, no = [], [state]
    for condition in conditions:
        holds, no = _split_each(no, condition, suppose)
        yes += holds
        if not no:
            break
    return yes, no


def _split_each(states: list[State], condition: Condition, suppose: Suppose) -> Parts:
    if len(states) == 1:
        return split(states[0], condition, suppose)
    parts = [split(one, condition, suppose) for one in states]
    return [one for holds, _ in parts for one in holds], [one for _, fails in parts for one in fails]


def _split_field(state: State, field: str, allowed: Anything) -> Parts:
    override = state.now.get(field)
    if override is None:
        return _split_asked(state, field, allowed)
    if isinstance(override, Constant):
        return _split_chosen(state, field, override, allowed)
    if isinstance(override, Shifted):
        return _split_asked(state, override.field, allowed.shifted(-override.offset))
    return _split_mixed(state, override.sources, override.xor, allowed)


def _split_asked(state: State, field: str, allowed: Anything) -> Parts:
    inside, outside = state.was(field).parted(allowed)
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
            (field, value, allowed), Assumption(statement, holds, chosen.reason)
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
        other.probability = share
        return [other]

    yes, no = _shares(state.probability, probability)
    return likely(yes), likely(no)


@lru_cache(maxsize=1024)
def _shares(whole: Fraction, probability: Fraction) -> tuple[Fraction, Fraction]:
    """Part a share; that of the first, second, or third of four endpoints is the same for many Services."""
    return whole * probability, whole * (_ONE - probability)


def _split_assumption(state: State, condition: Assume, suppose: Suppose) -> Parts:
    key = _assumption_key(state, condition)
    known = state.assumed.get(key)
    if known is not None:
        return ([state], []) if known.holds else ([], [state])
    supposed = suppose(condition, state)
    if supposed is not None:
        taken = [state.assuming(key, supposed)]
        return (taken, []) if supposed.holds else ([], taken)
    statement = _about(state, condition)
    yes, no = (Assumption(statement, holds, condition.reason) for holds in (True, False))
    return [state.assuming(key, yes)], [state.assuming(key, no)]


def _about(state: State, condition: Assume) -> str:
    """Word what is assumed; of a field that was rewritten on the way, say what it is now."""
    (field, *more) = condition.fields or ("",)
    if more or field not in state.now:
        return condition.statement
    return f"{condition.statement} ({field.replace('_', ' ')} is now {state.view(field)})"


def assumption_key(state: State, statement: str, *fields: str) -> object:
    """Tell apart assumptions about other fields, or fields that are not what they were."""
    return (statement, *[state.identity(field) for field in fields])


def _assumption_key(state: State, condition: Assume) -> object:
    """Tell apart what may have different answers: of what is fleeting, every look."""
    key = assumption_key(state, condition.statement, *condition.fields)
    if not condition.fleeting:
        return key
    return next((key, look) for look in count() if (key, look) not in state.assumed)
