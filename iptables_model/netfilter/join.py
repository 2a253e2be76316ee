"""Packets that went different ways, stand at the same place again, and fare alike from here: they go on together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import reduce
from operator import xor
from typing import Any, TypeVar

from iptables_model.netfilter.batch import Batch
from iptables_model.netfilter.packet import FIELDS
from iptables_model.netfilter.remainder import Remainder, union
from iptables_model.netfilter.sets import merged
from iptables_model.netfilter.state import Constant, State
from iptables_model.netfilter.steps import Stops, either, last_of, unrolled

__all__ = ["goal", "joined", "met", "overlaid", "sorted_by", "united"]

T = TypeVar("T")


def joined(states: list[State]) -> list[State]:
    """Join the states that were rewritten in the same way, as far as sets can say it.

    What a rule only looked at leaves no difference behind, so it does not multiply the states: a chain of rules that
    log or count has as many at its end as at its beginning.
    """
    # Most that do not fare alike go to different places, which is told sooner than all that was rewritten.
    return [one for near in sorted_by(states, goal) for one in (near if len(near) == 1 else _joined(near))]


def goal(state: State) -> object:
    """Tell states apart by where they go, and batches by their members."""
    return id(state.members) if isinstance(state, Batch) else "dst" in state.now and state.view("dst").bounds


def _joined(states: list[State]) -> list[State]:
    alike = sorted_by(states, lambda state: (state.rewriting, state.beside))
    return [one for held in alike for one in united(held)]


def united(states: list[State]) -> list[State]:
    """Join the states that differ in one respect only: the set of a field, one assumption, or their share of chance."""
    count = len(states) + 1
    while 1 < len(states) < count:
        count = len(states)
        fields = _differing(states)
        states = _with_shares_added(states, fields)
        for field in fields:
            states = _with_field_united(states, field, [other for other in fields if other != field])
        parting = _parting(states, fields)
        for key in _assumed(states):
            if key in parting:
                states = _without_needless(states, key, fields)
                parting = _parting(states, fields)
    return states


def overlaid(states: list[State]) -> list[State]:
    """Have each of several states become all that any has become: it is told of them together."""
    fields = dict.fromkeys(field for one in states for field in one.now if field in one.asked)
    first = states[0].now
    apart = [field for field in fields if any(one.now.get(field) != first.get(field) for one in states)]
    become = {field: Constant(merged([one.view(field) for one in states])) for field in apart}
    return [one.rewritten(**become) for one in states] if become else states


def _differing(states: list[State]) -> list[str]:
    """List the fields in which some states may differ: those that are narrowed, and not all to one and the same set."""
    narrowed = set().union(*[state.when for state in states])
    return [field for field in FIELDS if field in narrowed and _differ(states, field)]


def _differ(states: list[State], field: str) -> bool:
    first = states[0].held(field)
    return any(state.held(field) is not first for state in states)


def sorted_by(things: Iterable[T], key: Callable[[T], Hashable]) -> Iterator[list[T]]:
    """Go through things that have the same key together, in the order in which the first of each came."""
    first: dict[Hashable, T] = {}
    # A list for each of very many things that stand alone is more than the garbage collector should go through.
    others: defaultdict[Hashable, list[T]] = defaultdict(list)
    for thing in things:
        its = key(thing)
        if its in first:
            others[its].append(thing)
        else:
            first[its] = thing
    return ([one, *others.get(its, ())] for its, one in first.items())


def _with_shares_added(states: list[State], fields: list[str]) -> list[State]:
    """Join what only chance had parted: the same packets, which fare alike either way."""
    found = []
    for same in sorted_by(states, lambda state: (_contents(state, fields), _taken(state))):
        one = reduce(met, same)
        if len(same) > 1:
            one.probability = sum((state.probability for state in same[1:]), same[0].probability)
        found.append(one)
    return found


def _with_field_united(states: list[State], field: str, others: list[str]) -> list[State]:
    """Join states with different sets of one field; sets that overlap are shares of chance, which are not joined."""
    alike = sorted_by(states, lambda state: (_contents(state, others), _taken(state), _share(state)))
    return [one for held in alike for one in (_whole if held[0].probability == 1 else _disjoint)(held, field)]


def _whole(states: list[State], field: str) -> list[State]:
    """Unite the sets of a field of packets that chance has not parted."""
    if len(states) < 2:
        return states
    return [reduce(met, states).narrowed(field, union([state.held(field) for state in states]))]


def _disjoint(states: list[State], field: str) -> list[State]:
    """Unite the sets of a field by halves, so that ten thousand small ones do not make a large one grow as often."""
    if len(states) < 2:
        return states
    half = len(states) // 2
    apart = _disjoint(states[:half], field)
    for state in _disjoint(states[half:], field):
        mine = state.held(field)
        place = next((place for place, one in enumerate(apart) if not _both(one.held(field), mine)), None)
        if place is None:
            apart = [*apart, state]
        else:
            one = apart[place]
            apart[place] = met(one, state).narrowed(field, _either(one.held(field), mine))
    return apart


def _both(one: Any, other: Any) -> Any:
    return other & one if isinstance(other, Remainder) else one & other


def _either(one: Any, other: Any) -> Any:
    return other | one if isinstance(other, Remainder) else one | other


def _without_needless(states: list[State], key: object, fields: list[str]) -> list[State]:
    """Drop an assumption where what it parted is alike: it holds or not, and makes no difference."""
    found = []
    for alike in sorted_by(states, lambda state: (_contents(state, fields), _taken(state, key), _share(state))):
        yes, no = (_that(alike, key, holds) for holds in (True, False))
        for one, other in zip(yes, no, strict=False):
            found.append(met(one, other))
            found[-1].assumed = {asked: taken for asked, taken in one.assumed.items() if asked != key}
        paired = min(len(yes), len(no))
        found += [*yes[paired:], *no[paired:], *(state for state in alike if key not in state.assumed)]
    return found


def _that(states: list[State], key: object, holds: bool) -> list[State]:
    return [state for state in states if key in state.assumed and state.assumed[key].holds is holds]


def _assumed(states: list[State]) -> dict[object, None]:
    """List what some states assume, or deny."""
    return dict.fromkeys(key for state in states for key in state.assumed)


def _parting(states: list[State], fields: list[str]) -> set[object]:
    """Find the assumptions that alone part two states; by their hashes, so it may name some that do not.

    Most part states that others part, too, and to ask that of one after the other would go through all states for each.
    """
    seen: dict[tuple[object, int], bool] = {}
    found = set()
    for state in states:
        hashes = {key: hash((key, taken.holds)) for key, taken in state.assumed.items()}
        alike = reduce(xor, hashes.values(), hash((_contents(state, fields), _share(state))))
        for key, taken in state.assumed.items():
            if seen.setdefault((key, alike ^ hashes[key]), taken.holds) is not taken.holds:
                found.add(key)
    return found


def _share(state: State) -> tuple[int, int]:
    """Tell shares of chance apart by numbers, since a fraction computes its hash whenever it is asked for."""
    return state.probability.as_integer_ratio()


def _contents(state: State, fields: list[str]) -> Hashable:
    return tuple([state.held(field) for field in fields])


def _taken(state: State, but: object = None) -> Hashable:
    return frozenset((key, taken.holds) for key, taken in state.assumed.items() if key != but)


def met(one: State, other: State) -> State:
    """Keep of two ways what both have: the stops, and the rule that decides."""
    both = one.copy()
    both.stops = _common(one.stops, other.stops)
    if not _decided_alike(one, other):
        both.decided_at = None
    return both


def _decided_alike(one: State, other: State) -> bool:
    mine, theirs = one.decided_at, other.decided_at
    if mine is None or theirs is None:
        return mine is theirs
    return mine is theirs or last_of(mine).is_where(last_of(theirs))


def _common(one: Stops, other: Stops) -> Stops:
    """Keep the stops of one trace that the other has too, in their order, and say what was changed in either."""
    if one is other:
        return one
    there = {stop[:4]: stop.changes for stop in unrolled(other)}
    kept: Stops = ()
    for stop in reversed([stop for stop in unrolled(one) if stop[:4] in there]):
        kept = (*stop[:4], *either(stop.changes, there[stop[:4]]), kept)
    return kept
