"""How a condition parts a set of packets: the only evaluator of conditions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache, partial
from itertools import count
from typing import Any as Anything
from typing import TypeAlias

from iptables_model.netfilter.batch import Batch, Each
from iptables_model.netfilter.bits import BitSet, moved
from iptables_model.netfilter.condition import (
    All,
    Any,
    Assume,
    Become,
    Chance,
    Condition,
    Initially,
    Not,
    OnceChanged,
    Within,
)
from iptables_model.netfilter.remainder import parted
from iptables_model.netfilter.state import (
    Assumption,
    Bits,
    Constant,
    EachAssumed,
    Shifted,
    State,
    Suppose,
    about,
    assumption_key,
)

__all__ = ["Parts", "split"]

Parts: TypeAlias = tuple[list[State], list[State]]
"""The packets for which a condition holds, and those for which it does not."""


def split(state: State, condition: Condition, suppose: Suppose) -> Parts:
    """Part the packets of a state by a condition. Together the parts are all the packets, and none is in two."""
    return _BY_KIND[type(condition)](state, condition, suppose)


def _split_all(state: State, condition: All, suppose: Suppose) -> Parts:
    yes, no = [state], []
    for one in condition.conditions:
        if len(yes) == 1:
            # What `split` does; to call it for each condition of every rule takes its time.
            yes, fails = _BY_KIND[type(one)](yes[0], one, suppose)
        else:
            yes, fails = _split_each(yes, one, suppose)
        no += fails
        if not yes:
            break
    return yes, no


def _split_any(state: State, condition: Any, suppose: Suppose) -> Parts:
    yes, no = [], [state]
    for one in condition.conditions:
        holds, no = split(no[0], one, suppose) if len(no) == 1 else _split_each(no, one, suppose)
        yes += holds
        if not no:
            break
    return yes, no


def _split_each(states: list[State], condition: Condition, suppose: Suppose) -> Parts:
    parts = [split(one, condition, suppose) for one in states]
    return [one for holds, _ in parts for one in holds], [one for _, fails in parts for one in fails]


def _split_not(state: State, condition: Not, suppose: Suppose) -> Parts:
    yes, no = split(state, condition.condition, suppose)
    return no, yes


def _split_once_changed(state: State, condition: OnceChanged, suppose: Suppose) -> Parts:
    if condition.thing not in state.now:
        return split(state, condition.before, suppose)
    return _split_each(state.apart() if isinstance(state, Batch) else [state], condition.after, suppose)


def _split_become(state: State, condition: Become, _: Suppose) -> Parts:
    return [state.rewritten(**{condition.field: Constant(condition.value, condition.reason)})], []


def _split_initially(state: State, condition: Initially, _: Suppose) -> Parts:
    return _split_asked(state, condition.field, condition.allowed)


def _split_within(state: State, condition: Within, _: Suppose) -> Parts:
    field = condition.field
    allowed: Anything = condition.allowed
    override = state.now.get(field)
    if override is None:
        return _split_asked(state, field, allowed)
    if isinstance(override, Constant):
        return _split_chosen(state, field, override, allowed)
    if isinstance(override, Shifted):
        return _split_asked(state, override.field, allowed.shifted(-override.offset))
    return _split_mixed(state, override.sources, override.xor, allowed)


def _split_asked(state: State, field: str, allowed: Anything) -> Parts:
    inside, outside = parted(state.held(field), allowed)
    if inside is None:
        return [], [state]
    if outside is None:
        return [state], []
    if isinstance(state, Batch) and field in state.differing:
        return _split_members(state, [one.held(field) for one in state.members], allowed, partial(_narrowed, field))
    return _narrowed(field, state, inside, outside)


def _narrowed(field: str, state: State, inside: Anything, outside: Anything) -> Parts:
    return [state.narrowed(field, inside)], [state.narrowed(field, outside)]


def _split_chosen(state: State, field: str, chosen: Constant, allowed: Anything) -> Parts:
    """Part by a field that was set to one of several values: which one is not known, so it is assumed."""
    value: Anything = chosen.value
    inside, outside = value.parted(allowed)
    if inside is None:
        return [], [state]
    if outside is None:
        return [state], []
    part = partial(_chosen, field, allowed)
    if isinstance(state, Batch) and isinstance(chosen, Each):
        return _split_members(state, [one.view(field) for one in state.members], allowed, part)
    return part(state, inside, outside)


def _chosen(field: str, allowed: Anything, state: State, inside: Anything, outside: Anything) -> Parts:
    chosen: Anything = state.now[field]
    statement = f"the {field.replace('_', ' ')} chosen is {inside}"
    yes, no = (
        state.rewritten(**{field: Constant(part, chosen.reason)}).assuming(
            (field, chosen.value, allowed), Assumption(statement, holds, chosen.reason)
        )
        for part, holds in ((inside, True), (outside, False))
    )
    return [yes], [no]


def _split_members(
    batch: Batch, held: list[Anything], allowed: Anything, part: Callable[[State, Anything, Anything], Parts]
) -> Parts:
    """Part the states of a batch by what each holds; of most, all packets are on one side."""
    within, beyond = [], []
    parts: Parts = [], []
    for place, one in enumerate(held):
        inside, outside = one.parted(allowed)
        if outside is None:
            within.append(place)
        elif inside is None:
            beyond.append(place)
        else:
            for side, found in zip(parts, part(batch.member(place), inside, outside), strict=True):
                side.extend(found)
    return batch.keeping(within) + parts[0], batch.keeping(beyond) + parts[1]


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


def _split_chance(state: State, condition: Chance, _: Suppose) -> Parts:
    yes, no = _shares(state.probability.as_integer_ratio(), condition.probability.as_integer_ratio())
    return _likely(state, yes), _likely(state, no)


def _likely(state: State, share: Fraction | None) -> list[State]:
    if share is None:
        return []
    other = state.copy()
    other.probability = share
    return [other]


@lru_cache(maxsize=1024)
def _shares(whole: tuple[int, int], part: tuple[int, int]) -> tuple[Fraction | None, Fraction | None]:
    """Part a share, None if that is nothing; what each of four endpoints has is the same for many Services.

    By numbers, since a fraction computes its hash whenever it is asked for.
    """
    yes = Fraction(*whole) * Fraction(*part)
    return yes or None, Fraction(*whole) - yes or None


def _split_assumption(state: State, condition: Assume, suppose: Suppose) -> Parts:
    key = _assumption_key(state, condition)
    known = state.assumed.get(key)
    if known is not None:
        return ([state], []) if known.holds else ([], [state])
    if isinstance(state, Batch) and state.differs(condition.fields):
        return _split_assumptions(state, key, condition, suppose)
    supposed = suppose(condition, state)
    if supposed is not None:
        taken = [state.assuming(key, supposed)]
        return (taken, []) if supposed.holds else ([], taken)
    statement = about(state, condition)
    yes, no = (Assumption(statement, holds, condition.reason) for holds in (True, False))
    return [state.assuming(key, yes)], [state.assuming(key, no)]


def _split_assumptions(batch: Batch, key: object, condition: Assume, suppose: Suppose) -> Parts:
    """Assume something of each state of a batch; together they stay only if it is the same of all."""
    asked = [suppose(condition, one) for one in batch.members]
    supposed = tuple([one for one in asked if one is not None])
    if condition.fleeting or len({one and one.holds for one in asked}) > 1:
        return _split_each(batch.apart(), condition, suppose)
    taken: dict[bool, list[State]] = {
        holds: [batch.assuming(key, EachAssumed(condition, holds, supposed))]
        for holds in ([supposed[0].holds] if supposed else [True, False])
    }
    return taken.get(True, []), taken.get(False, [])


def _assumption_key(state: State, condition: Assume) -> object:
    """Tell apart what may have different answers: of what is fleeting, every look."""
    key = assumption_key(state, condition.statement, *condition.fields)
    if not condition.fleeting:
        return key
    return next((key, look) for look in count() if (key, look) not in state.assumed)


_BY_KIND: Mapping[type[Condition], Callable[[State, Anything, Suppose], Parts]] = {
    Within: _split_within,
    Initially: _split_initially,
    Not: _split_not,
    All: _split_all,
    Any: _split_any,
    Chance: _split_chance,
    Assume: _split_assumption,
    OnceChanged: _split_once_changed,
    Become: _split_become,
}
"""How each kind of condition parts packets: asked for every match of every rule on the way, so found by its type."""
