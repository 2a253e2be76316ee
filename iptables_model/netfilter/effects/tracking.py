"""What the targets do that tell conntrack what to do."""

from __future__ import annotations

from iptables_model.model import targets
from iptables_model.netfilter.condition import Within
from iptables_model.netfilter.effects.course import Course, Site, Verdict, each
from iptables_model.netfilter.sets import Choice
from iptables_model.netfilter.state import Constant, State

__all__ = ["ct", "notrack"]


def ct(target: targets.Ct, state: State, site: Site) -> Course:
    """Leave the packet untracked, or attach a template for its connection (xt_ct_target, net/netfilter/xt_CT.c)."""
    return _attached(state, site, "UNTRACKED" if target.notrack else "NEW")


def notrack(_target: targets.Notrack, state: State, site: Site) -> Course:
    """Leave the packet untracked (notrack_tg, net/netfilter/xt_CT.c)."""
    return _attached(state, site, "UNTRACKED")


def _attached(state: State, site: Site, name: str) -> Course:
    """Give what has nothing attached a state; what came by before, as over loopback, is left alone.

    With a template the packet looks as if its connection were new, until conntrack has seen it.
    """
    fresh, known = site.split(state, Within("state", Choice(frozenset({"INVALID"}))))
    attached = [one.rewritten(state=Constant(Choice(frozenset({name})))) for one in fresh]
    return each(attached, Verdict.CONTINUE, f"state -> {name}") + each(known, Verdict.CONTINUE)
