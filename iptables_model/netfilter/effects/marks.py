"""What the targets of marks do: to the packet's, and to its connection's."""

from __future__ import annotations

from iptables_model.model import targets
from iptables_model.netfilter.effects.course import Effect, Verdict
from iptables_model.netfilter.effects.mixing import FULL, joined, mixed
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.state import State

__all__ = ["connmark", "mark"]


def mark(target: targets.Mark, state: State, _: Evidence) -> Effect:
    """Set mark = (mark & ~mask) ^ value (mark_tg, net/netfilter/xt_mark.c)."""
    set_to = mixed(state, "mark", keep=~target.set_xmark.mask & FULL, xor=target.set_xmark.value)
    changed = state.rewritten(mark=set_to)
    return Effect(changed, Verdict.CONTINUE, f"mark {state.view('mark')} -> {changed.view('mark')}")


def connmark(target: targets.Connmark, state: State, _: Evidence) -> Effect:
    """Set, save or restore the connection's mark (connmark_tg_shift, net/netfilter/xt_connmark.c)."""
    if target.set_xmark is not None:
        mask, value = target.set_xmark.mask, target.set_xmark.value
        changed = state.rewritten(connmark=mixed(state, "connmark", keep=~mask & FULL, xor=value))
        return Effect(changed, Verdict.CONTINUE, f"connmark {state.view('connmark')} -> {changed.view('connmark')}")
    nfmask = FULL if target.nfmask is None else target.nfmask
    ctmask = FULL if target.ctmask is None else target.ctmask
    if target.save_mark:
        changed = state.rewritten(connmark=joined(state, "connmark", ~ctmask & FULL, "mark", nfmask))
        return Effect(changed, Verdict.CONTINUE, f"connmark {state.view('connmark')} -> {changed.view('connmark')}")
    changed = state.rewritten(mark=joined(state, "mark", ~nfmask & FULL, "connmark", ctmask))
    return Effect(changed, Verdict.CONTINUE, f"mark {state.view('mark')} -> {changed.view('mark')}")
