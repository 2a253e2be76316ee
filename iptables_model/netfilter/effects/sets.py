"""What the target SET does: to ipsets, and by what they say to the packet's mark."""

from __future__ import annotations

from collections.abc import Iterator

from iptables_model.model import targets
from iptables_model.netfilter.bits import ANY_BITS
from iptables_model.netfilter.effects.course import Course, Site, Verdict, each, goes_on_with
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning.sets import contents, holds
from iptables_model.netfilter.state import Constant, State

__all__ = ["ipset"]


def ipset(target: targets.Set, state: State, site: Site) -> Course:
    """Add, delete, then look up, and go on (set_target_v3, net/netfilter/xt_set.c).

    Of what an element can say of the packet, rules see the mark alone. A set without `skbinfo` leaves it as it is.
    """
    for held in (target.add_set, target.del_set):
        if held is not None:
            state = _changed(state, held.name, site.evidence)
    if target.map_set is None or not target.map_mark:
        return each([state], Verdict.CONTINUE)
    found, others = site.split(state, holds(target.map_set, site.evidence))
    said = Constant(ANY_BITS, f"it is what the element of ipset {target.map_set.name} says")
    return [goes_on_with(one, mark=said) for one in found] + each(others, Verdict.CONTINUE)


def _changed(state: State, name: str, evidence: Evidence) -> State:
    """Count one more change of a set and, if it is a list, of its members, one of which takes it (list_set_kadd)."""
    for one in (name, *_members(name, evidence)):
        state = state.shifted(contents(one), 1)
    return state


def _members(name: str, evidence: Evidence) -> Iterator[str]:
    """Go through the sets that a set holds, if it is a list."""
    known = evidence.ipset(name)
    if known is not None and known.type == "list:set":
        yield from (str(element.values[0]) for element in known.elements)
