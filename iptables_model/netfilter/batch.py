"""States that differ only in where nat sent their packets: they go on as one until something asks for that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Self

import attrs

from iptables_model.netfilter.sets import merged
from iptables_model.netfilter.state import CERTAIN, Constant, EachAssumed, Override, State, Taken
from iptables_model.netfilter.steps import Stops, continued

__all__ = ["GOAL", "Batch", "Each", "batched"]

GOAL = ("dst", "dport")
"""Fields that say where packets go."""
_THEIRS: Stops = ("", "", None, "", ())
"""Stands for the stops up to the one that decided for each state before they went on as one."""


@attrs.frozen
class Each(Constant):
    """Say that a field was set to a value of its own in each state of a batch; `value` has all of them."""


class Batch(State):
    """Hold states whose packets were rewritten alike but for where they go.

    `members` are the states as they were when they came together, and `differing` the fields of which they mean other
    parts; `unions` keeps the sets of these that were asked for. What became of all of them since is kept as in any
    state: in `now`, `Each` stands where they differ.
    """

    __slots__ = ("differing", "members", "unions")

    def __init__(self, members: Sequence[State]) -> None:
        first = members[0]
        self.members = members
        self.differing = frozenset(_differing(members))
        super().__init__(first.asked, None if self.differing else first.when)
        self.now = first.now | {field: _rewritten(members, field) for field in GOAL if field in first.now}
        self.assumed = first.assumed
        self.decided_at = _THEIRS
        self.unions: dict[str, Any] = {}

    def copy(self) -> Self:
        """Make an equal batch that can go its own way."""
        other = super().copy()
        other.members, other.differing, other.unions = self.members, self.differing, self.unions
        return other

    def held(self, field: str) -> Any:
        """Give the set of a field when the question was asked, of the packets of all states."""
        if field not in self.differing:
            return self.members[0].held(field) if self.differing and field not in self.when else super().held(field)
        if field not in self.unions:
            self.unions[field] = merged([one.was(field) for one in self.members])
        return self.unions[field]

    def differs(self, fields: Iterable[str]) -> bool:
        """Say whether the states differ in one of some fields."""
        return any(field in self.differing or isinstance(self.now.get(field), Each) for field in fields)

    def keeping(self, places: Sequence[int]) -> list[State]:
        """Keep the states at some places together, if there are any; a single one goes on alone."""
        if len(places) < 2:
            return [self.member(place) for place in places]
        members = [self.members[place] for place in places]
        other = self.copy()
        other.members, other.unions = members, {}
        own = {field: _rewritten(members, field) for field in GOAL if field in members[0].now}
        other.now = {field: own[field] if isinstance(held, Each) else held for field, held in self.now.items()}
        other.assumed = {
            _key_of(key, taken, own): taken.keeping(places) if isinstance(taken, EachAssumed) else taken
            for key, taken in self.assumed.items()
        }
        return [other]

    def apart(self) -> list[State]:
        """Give the states, each with what became of it since."""
        return [self.member(place) for place in range(len(self.members))]

    def view_of(self, place: int, field: str) -> Any:
        """Give the set that a field of one state can be now."""
        if isinstance(self.now.get(field), Each):
            return self.members[place].view(field)
        return (self.member(place) if self.differing else self).view(field)

    def member(self, place: int) -> State:
        """Give one state, with what became of it since."""
        before = self.members[place]
        one = before.copy()
        one.now = {field: before.now[field] if isinstance(held, Each) else held for field, held in self.now.items()}
        if not self.differing:
            one.when = self.when
        elif self.when:
            one.when = {**before.when, **self.when}
        one.assumed = self.assumed_of(place)
        one.probability = self.probability_of(place)
        one.stops = self.stops_of(place)
        one.decided_at = self.decided_of(place)
        return one

    def assumed_of(self, place: int) -> dict[object, Taken]:
        """Give what was taken for granted of one state."""
        before = self.members[place]
        if self.assumed is before.assumed:
            return before.assumed
        keys = [_key_of(key, taken, before.now) for key, taken in self.assumed.items()]
        return dict(zip(keys, self.taken_of(place), strict=True))

    def taken_of(self, place: int) -> list[Taken]:
        """List what was taken for granted of one state, in the order in which it was asked."""
        before = self.members[place]
        return [taken.of(place, before) if isinstance(taken, EachAssumed) else taken for taken in self.assumed.values()]

    def probability_of(self, place: int) -> Fraction:
        """Give the share of the packets of one state."""
        before = self.members[place].probability
        return before if self.probability is CERTAIN else before * self.probability

    def stops_of(self, place: int) -> Stops:
        """Give the stops of one state."""
        return continued(self.members[place].stops, self.stops)

    def decided_of(self, place: int) -> Stops | None:
        """Give the stops of one state up to the one that decided."""
        return self.members[place].decided_at if self.decided_at is _THEIRS else self.decided_at


def _key_of(key: Any, taken: object, own: Mapping[str, Override]) -> object:
    """Give the key under which is held of some states, or one, what is taken for granted of each."""
    if not isinstance(taken, EachAssumed):
        return key
    statement, *identities = key
    fields = zip(taken.condition.fields, identities, strict=True)
    return (statement, *[own[field] if isinstance(identity, Each) else identity for field, identity in fields])


def _rewritten(members: Sequence[State], field: str) -> Override:
    """Give what a field was rewritten to in all states alike, or to what in each."""
    first = members[0].now[field]
    for one in members:
        if one.now[field] is not first:
            return Each(merged([one.view(field) for one in members]))
    return first


def _differing(members: Sequence[State]) -> Iterator[str]:
    """Go through the fields of which states mean other parts of what was asked."""
    first = members[0]
    if all(one.when is first.when for one in members):
        return
    for field in dict.fromkeys([field for one in members for field in one.when]):
        held = first.held(field)
        if any(one.held(field) is not held for one in members):
            yield field


def batched(states: list[State]) -> list[State]:
    """Have states that were rewritten alike, but for where they go, go on as one.

    Those that go to the same place stay apart: they may be joined on their way.
    """
    held: dict[object, dict[object, State]] = {}
    alone: list[State] = []
    for state in states:
        goals = _goals(state)
        alike = held.setdefault(_likeness(state) if goals else id(state), {})
        if alike.setdefault(goals, state) is not state:
            alone.append(state)
    groups = [[*alike.values()] for alike in held.values()]
    return [Batch(members) if len(members) > 1 else members[0] for members in groups] + alone


def _goals(state: State) -> tuple[object, ...]:
    """Give to what rules set where packets go; nothing if none did, or if it depends on the packet asked about."""
    if isinstance(state, Batch):
        return ()
    goals = []
    for field in GOAL:
        override = state.now.get(field)
        if isinstance(override, Constant):
            value: Any = override.value
            goals.append(value.bounds)
        elif override is not None:
            return ()
    return tuple(goals)


def _likeness(state: State) -> object:
    """Tell states apart that cannot go on as one: by what was assumed, and by all rewriting but to which goal."""
    # What was rewritten alike is mostly one object; where it is not, there are more batches than need be.
    rewritten = [(field, field in GOAL or id(override)) for field, override in state.now.items()]
    return id(state.assumed), *rewritten
