"""What the targets do that tell conntrack what to do."""

from __future__ import annotations

from iptables_model.model import targets
from iptables_model.netfilter.effects.course import Effect, Verdict
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.sets import Choice
from iptables_model.netfilter.state import Constant, State

__all__ = ["ct"]


def ct(target: targets.Ct, state: State, _: Evidence) -> Effect:
    """Leave the packet untracked if asked to (xt_ct_target, net/netfilter/xt_CT.c)."""
    if not target.notrack:
        return Effect(state, Verdict.CONTINUE)
    changed = state.rewritten(state=Constant(Choice(frozenset({"UNTRACKED"}))))
    return Effect(changed, Verdict.CONTINUE, "state -> UNTRACKED")
