"""What the targets do that tell conntrack what to do."""

from __future__ import annotations

from iptables_model.model import targets
from iptables_model.netfilter.bits import ANY_BITS, BitSet
from iptables_model.netfilter.condition import Within
from iptables_model.netfilter.effects.course import Course, Site, Verdict, each
from iptables_model.netfilter.fields import STATUS
from iptables_model.netfilter.meaning.connection import TEMPLATE
from iptables_model.netfilter.sets import Choice
from iptables_model.netfilter.state import Constant, State

__all__ = ["OF_TEMPLATE", "ZONE", "ct", "notrack"]

ZONE = "zone"
"""Names that a packet was looked up in a zone that a rule of raw chose."""


def ct(target: targets.Ct, state: State, site: Site) -> Course:
    """Leave the packet untracked, or attach a template for its connection (xt_ct_target, net/netfilter/xt_CT.c)."""
    if target.notrack:
        return _untracked(state, site)
    zones = (target.zone, target.zone_orig, target.zone_reply)
    return _attached(state, site, OF_TEMPLATE if zones == (None, None, None) else OF_TEMPLATE | _IN_ZONE)


def notrack(_target: targets.Notrack, state: State, site: Site) -> Course:
    """Leave the packet untracked (notrack_tg, net/netfilter/xt_CT.c)."""
    return _untracked(state, site)


def _untracked(state: State, site: Site) -> Course:
    return _attached(state, site, {"state": _one_of("UNTRACKED")})


def _one_of(name: str) -> Constant:
    return Constant(Choice(frozenset({name})))


OF_TEMPLATE: dict[str, Constant] = {
    TEMPLATE: Constant(Choice(frozenset())),
    "state": _one_of("NEW"),
    "status": Constant(BitSet.of(STATUS.bits["CONFIRMED"])),
    "direction": _one_of("ORIGINAL"),
    "connmark": Constant(ANY_BITS, "it is that of the template, which keeps what rules set for packets before"),
}
"""What a packet looks like, until conntrack has seen it, that has a template for a connection (xt_ct_tg_check)."""
_IN_ZONE = {ZONE: Constant(Choice(frozenset()))}


def _attached(state: State, site: Site, changes: dict[str, Constant]) -> Course:
    """Attach something to what has nothing; what came by before, as over loopback, is left alone."""
    fresh, known = site.split(state, Within("state", Choice(frozenset({"INVALID"}))))
    attached = [one.rewritten(**changes) for one in fresh]
    return each(attached, Verdict.CONTINUE, f"state -> {changes['state'].value}") + each(known, Verdict.CONTINUE)
