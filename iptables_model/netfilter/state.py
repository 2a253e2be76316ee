"""Where a set of packets stands on its way: which packets they were, what they have become, what was assumed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any as Anything
from typing import NamedTuple, Self, TypeAlias

import attrs

from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.condition import Assume
from iptables_model.netfilter.packet import FieldSet
from iptables_model.netfilter.remainder import Remainder
from iptables_model.netfilter.sets import LineSet
from iptables_model.netfilter.steps import Changes, Stop, Stops, unrolled

__all__ = [
    "CERTAIN",
    "Assumption",
    "Bits",
    "Constant",
    "EachAssumed",
    "Mixed",
    "Override",
    "Shifted",
    "State",
    "Suppose",
    "Supposition",
    "Taken",
    "about",
    "assumption_key",
    "restored",
    "worth_telling",
]

CERTAIN = Fraction(1)
"""The share of packets that chance has not parted."""


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


@attrs.frozen(cache_hash=True)
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


class Supposition(NamedTuple):
    """Answer an `Assume`: whether it holds, and `told`, what that takes for granted, if worth telling."""

    holds: bool
    told: Assumption | None = None


class EachAssumed(NamedTuple):
    """Hold what is taken for granted of each state of a batch: in these words, or in those of the condition."""

    condition: Assume
    holds: bool
    supposed: tuple[Supposition, ...] = ()

    def of(self, place: int, state: State) -> Supposition | Assumption:
        """Give what is taken for granted of one."""
        if self.supposed:
            return self.supposed[place]
        return Assumption(about(state, self.condition), self.holds, self.condition.reason)

    def keeping(self, places: Sequence[int]) -> EachAssumed:
        """Hold it of some of the states."""
        return self._replace(supposed=tuple([self.supposed[place] for place in places])) if self.supposed else self


Taken: TypeAlias = Supposition | Assumption | EachAssumed

Suppose: TypeAlias = Callable[[Assume, "State"], Supposition | None]
"""Answers an `Assume` for the caller's question, or leaves it open with None."""


class State:
    """Hold one set of packets on its way through the hooks.

    `asked` maps each field to the set that it had when the question was asked, the same for all states of a question;
    `when` the fields of which only a part of that set is meant here; `now` those that were rewritten since. What else
    the packet changed, such as the contents of an ipset, is there with the count of its changes.
    `assumed` is what was taken for granted, and `decided_at` the stops up to the rule that stopped the packets or last
    changed where they go.
    Working objects of the walk, copied where packets part.
    """

    __slots__ = ("asked", "assumed", "decided_at", "now", "probability", "stops", "when")

    def __init__(self, asked: dict[str, Anything], when: dict[str, Anything] | None = None) -> None:
        self.asked = asked
        self.when = when or {}
        self.now: dict[str, Override] = {}
        self.assumed: dict[object, Taken] = {}
        self.probability = CERTAIN
        self.stops: Stops = ()
        self.decided_at: Stops | None = None

    def copy(self) -> Self:
        """Make an equal state that can go its own way."""
        other = object.__new__(type(self))
        # Line by line: nothing else is made as often, and a tuple of all takes longer.
        other.asked = self.asked
        other.when = self.when
        other.now = self.now
        other.assumed = self.assumed
        other.probability = self.probability
        other.stops = self.stops
        other.decided_at = self.decided_at
        return other

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """List what was taken for granted and is worth telling, in the order in which it was asked."""
        return worth_telling(self.assumed.values())

    def held(self, field: str) -> Anything:
        """Give the set of a field when the question was asked, of the packets meant here, or the remainder of one."""
        held = self.when.get(field)
        return self.asked[field] if held is None else held

    def was(self, field: str) -> Anything:
        """Give the set of a field when the question was asked, of the packets meant here."""
        held = self.held(field)
        return held.set if isinstance(held, Remainder) else held

    def overlaps(self, other: Self) -> bool:
        """Say whether some packets asked about are in both."""
        return all(self.was(field) & other.was(field) for field in self.when.keys() | other.when.keys())

    def narrowed(self, field: str, value: FieldSet | Remainder) -> Self:
        """Keep only the packets whose field was in a set when the question was asked."""
        other = self.copy()
        other.when = {**self.when, field: value}
        return other

    def rewritten(self, **changes: Override) -> Self:
        """Rewrite fields."""
        other = self.copy()
        other.now = {**self.now, **changes}
        return other

    def stopped(self, table: str, chain: str, place: int | None, verdict: str, changes: Changes = ()) -> Self:
        """Note a stop."""
        other = self.copy()
        other.stops = (table, chain, place, verdict, *changes, self.stops)
        return other

    def passed(self, stops: tuple[Stop, ...]) -> Self:
        """Note several stops, from the last to the first."""
        other = self.copy()
        other.stops = (stops, self.stops)
        return other

    def stops_since(self, before: Self) -> tuple[Stop, ...]:
        """Give the stops since an earlier state, from the last to the first."""
        return tuple(unrolled(self.stops, before.stops))

    def is_narrower(self, before: Self) -> bool:
        """Say whether these are only some of the packets of an earlier state, or a share of them."""
        return self.when is not before.when or self.probability is not before.probability

    def assuming(self, key: object, taken: Taken) -> Self:
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
        return {**self.asked, **{field: self.was(field) for field in self.when}}

    def leaving(self) -> dict[str, FieldSet]:
        """Give the sets that all fields can be now."""
        now = {field: self.image(override) for field, override in self.now.items() if field in self.asked}
        return {**self.coming(), **now}

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
        if override is None:
            return self.was(field)
        return override.value if isinstance(override, Constant) else self.image(override)

    def glimpse(self, field: str) -> Anything:
        """Give the set that a field can be now, or the remainder of one."""
        override = self.now.get(field)
        return self.held(field) if override is None else self.image(override)

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


@lru_cache(maxsize=256)
def _mixed(xor: int, sources: tuple[tuple[BitSet, int, int], ...]) -> BitSet:
    """Put bits together; thousands of packets that were marked alike share one set."""
    found = BitSet.of(xor)
    for held, kept, left in sources:
        found ^= held.kept(kept).moved(left)
    return found


def restored(state: State, *fields: str) -> State:
    """Give fields back what they were when the question was asked."""
    other = state.copy()
    other.now = {field: held for field, held in state.now.items() if field not in fields}
    return other


def worth_telling(assumed: Iterable[Taken]) -> tuple[Assumption, ...]:
    """List what of that which was taken for granted is worth telling, in the order in which it was asked."""
    told = [one.told if isinstance(one, Supposition) else one for one in assumed]
    return tuple(dict.fromkeys([one for one in told if isinstance(one, Assumption)]))


def about(state: State, condition: Assume) -> str:
    """Word what is assumed; of a field that was rewritten on the way, say what it is now."""
    (field, *more) = condition.fields or ("",)
    if more or field not in state.now:
        return condition.statement
    return f"{condition.statement} ({field.replace('_', ' ')} is now {state.view(field)})"


def assumption_key(state: State, statement: str, *fields: str) -> object:
    """Tell apart assumptions about other fields, or fields that are not what they were."""
    return (statement, *[state.identity(field) for field in fields])
