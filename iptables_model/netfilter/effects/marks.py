"""What the targets of marks do: to the packet's, and to its connection's."""

from __future__ import annotations

from iptables_model.model import targets
from iptables_model.netfilter.bits import FULL, BitSet
from iptables_model.netfilter.condition import ALWAYS, NO_CONNECTION, All, Assume, Not
from iptables_model.netfilter.effects.course import Course, Site, Verdict, each, goes_on_with
from iptables_model.netfilter.effects.mixing import Mixture, bits_of, joined, kept, masked, shifted
from iptables_model.netfilter.state import Constant, State

__all__ = ["connmark", "hmark", "mark"]


def mark(target: targets.Mark, state: State, _: Site) -> Course:
    """Set mark = (mark & ~mask) ^ value (mark_tg, net/netfilter/xt_mark.c)."""
    change = target.set_xmark
    return [goes_on_with(state, mark=masked(state, "mark", keep=~change.mask & FULL, xor=change.value))]


def connmark(target: targets.Connmark, state: State, site: Site) -> Course:
    """Set, save or restore the connection's mark, if there is a connection (connmark_tg_shift, xt_connmark.c)."""
    without, tracked = site.split(state, NO_CONNECTION)
    course = each(without, Verdict.CONTINUE)
    for one in tracked:
        field = "mark" if target.restore_mark else "connmark"
        course.append(goes_on_with(one, **{field: _connmark(target, one)}))
    return course


def _connmark(target: targets.Connmark, state: State) -> Mixture:
    """Give the new mark of the connection, or for `restore_mark` of the packet."""
    by = (target.left_shift_mark or 0) - (target.right_shift_mark or 0)
    if target.set_xmark is not None:
        mask, value = target.set_xmark.mask, target.set_xmark.value
        return shifted(masked(state, "connmark", keep=~mask & FULL, xor=value), by)
    packets, connections = target.nfmask or 0, target.ctmask or 0
    if target.save_mark:
        saved = shifted(kept(bits_of(state, "mark"), packets), by)
        return joined(state, masked(state, "connmark", keep=~connections & FULL, xor=0), saved)
    restored = shifted(kept(bits_of(state, "connmark"), connections), by)
    return joined(state, masked(state, "mark", keep=~packets & FULL, xor=0), restored)


_TRACKS = Assume("the kernel tracks connections", "it depends on whether any rule on the node needs them")


def hmark(target: targets.Hmark, state: State, site: Site) -> Course:
    """Set the mark to a hash of the packet, from the offset on and below offset + modulus (hmark_hash, xt_HMARK.c).

    The hash of what conntrack knows needs a connection (hmark_ct_set_htuple), and has the kernel track none.
    """
    first = target.hmark_offset or 0
    last = first + target.hmark_mod - 1
    values = BitSet.between(first, min(last, FULL)) | BitSet.between(0, last - FULL - 1)
    needed = All((Not(NO_CONNECTION), _TRACKS)) if targets.HmarkTuple.CT in target.hmark_tuple else ALWAYS
    hashed, without = site.split(state, needed)
    return each(without, Verdict.CONTINUE) + [
        goes_on_with(one, mark=Constant(values, "it is a hash of the packet")) for one in hashed
    ]
