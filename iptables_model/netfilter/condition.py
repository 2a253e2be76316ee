"""What a match asks, as data: conditions over the fields of a packet. `state.split` is their only evaluator."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TypeAlias

import attrs

from iptables_model.model.option import Match
from iptables_model.netfilter.packet import FieldSet
from iptables_model.netfilter.sets import Choice

__all__ = [
    "ALWAYS",
    "NEVER",
    "NO_CONNECTION",
    "All",
    "Any",
    "Assume",
    "Become",
    "Chance",
    "Condition",
    "Initially",
    "Not",
    "OnceChanged",
    "Within",
    "all_of",
    "asked_by",
    "needed_by",
]


@attrs.frozen
class Within:
    """Ask that a field is in a set."""

    field: str
    allowed: FieldSet


@attrs.frozen
class Initially:
    """Ask that a field was in a set when the question was asked, whatever has become of it."""

    field: str
    allowed: FieldSet


@attrs.frozen
class Not:
    """Turn a condition round."""

    condition: Condition


@attrs.frozen
class All:
    """Ask that all conditions hold, from the first to the last."""

    conditions: tuple[Condition, ...] = ()


@attrs.frozen
class Any:
    """Ask that one of the conditions holds."""

    conditions: tuple[Condition, ...] = ()


@attrs.frozen
class Chance:
    """Hold at random, with an exact probability."""

    probability: Fraction


@attrs.frozen
class Assume:
    """Ask what no set of packets can tell.

    `statement` says what would have to be true and `reason` why it is not known. The answer is assumed once for the
    same statement about the same unchanged `fields`, unless it is `fleeting`: then the next look may find it otherwise.
    `match` is the one that asks, if it is a match.
    """

    statement: str
    reason: str
    fields: tuple[str, ...] = ()
    fleeting: bool = False
    match: Match | None = None


@attrs.frozen
class OnceChanged:
    """Ask one thing before, and another after the packet changed something on its way that is no field of its own."""

    thing: str
    before: Condition
    after: Condition


@attrs.frozen
class Become:
    """Hold always, and leave a field open from here on: what a match changes as it matches. `reason` says why."""

    field: str
    value: FieldSet
    reason: str


Condition: TypeAlias = Within | Initially | Not | All | Any | Chance | Assume | OnceChanged | Become


def all_of(conditions: Iterable[Condition]) -> Condition:
    """Join conditions into one that asks them in order, without a level for each.

    >>> all_of((ALWAYS, All((NEVER,)))) == NEVER
    True
    """
    flat = _flattened(conditions)
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def _flattened(conditions: Iterable[Condition]) -> list[Condition]:
    flat: list[Condition] = []
    for one in conditions:
        if not isinstance(one, All):
            flat.append(one)
        elif one.conditions:
            flat += _flattened(one.conditions)
    return flat


def asked_by(condition: Condition) -> frozenset[str] | None:
    """Give the fields that a condition asks, or None for one that asks what no field tells.

    >>> asked_by(All((ALWAYS, Chance(Fraction(1, 2))))), asked_by(Assume("it rains", "no window"))
    (frozenset(), None)
    """
    match condition:
        case Within(field, _):
            return frozenset({field})
        case Not(inner):
            return asked_by(inner)
        case All(conditions) | Any(conditions):
            return _asked_by_all(map(asked_by, conditions))
        case Chance() | Become():
            return frozenset()
        case OnceChanged(thing, before, after):
            later = frozenset(after.fields) if isinstance(after, Assume) else asked_by(after)
            return _asked_by_all((frozenset({thing}), asked_by(before), later))
        case Initially() | Assume():
            return None


def _asked_by_all(parts: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    found: frozenset[str] = frozenset()
    for one in parts:
        if one is None:
            return None
        found |= one
    return found


def needed_by(condition: Condition) -> dict[str, FieldSet]:
    """Give the sets in which some fields have to be for a condition to hold.

    >>> needed_by(All((Within("state", Choice(frozenset({"NEW"}))), Chance(Fraction(1, 2)))))
    {'state': Choice(names=frozenset({'NEW'}))}
    """
    match condition:
        case Within(field, allowed):
            return {field: allowed}
        case All(conditions) if not any(map(_changes, conditions)):
            return {field: allowed for one in reversed(conditions) for field, allowed in needed_by(one).items()}
        case _:
            return {}


def _changes(condition: Condition) -> bool:
    """Say whether packets change by being asked, so that they have to be even where another condition does not hold."""
    match condition:
        case Become():
            return True
        case Not(inner):
            return _changes(inner)
        case All(conditions) | Any(conditions):
            return any(map(_changes, conditions))
        case OnceChanged(_, before, after):
            return _changes(before) or _changes(after)
        case _:
            return False


ALWAYS = All()
"""Holds for every packet."""
NEVER = Any()
"""Holds for none."""
NO_CONNECTION = Within("state", Choice(frozenset({"INVALID", "UNTRACKED"})))
"""Holds for the packets that belong to no connection (nf_ct_get gives none)."""
