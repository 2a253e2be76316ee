"""What each target does to the packets that reach it: rewrites them, and says where they go next."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import attrs

from iptables_model.model import targets
from iptables_model.model.option import Target
from iptables_model.model.text import target_text
from iptables_model.netfilter.bits import ANY_BITS, BitSet
from iptables_model.netfilter.condition import Assume
from iptables_model.netfilter.evidence import Evidence, local_statement
from iptables_model.netfilter.packet import FIELDS
from iptables_model.netfilter.sets import AddressSet, Choice, NameSet, NumberSet
from iptables_model.netfilter.state import Constant, Mixed, Shifted, State, Suppose, split

__all__ = ["EFFECTS", "Effect", "Verdict", "effect_of", "unknown_course"]

_FULL = 0xFFFFFFFF
_SRC_NAT, _DST_NAT = 1 << 4, 1 << 5
"""IPS_SRC_NAT and IPS_DST_NAT (include/uapi/linux/netfilter/nf_conntrack_common.h)."""


class Verdict(enum.StrEnum):
    """What a rule can say. Jumps and gotos are the walk's own business."""

    CONTINUE = "continue"
    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"
    RETURN = "return"


@attrs.frozen
class Effect:
    """Hold what became of some packets at a target: their new state, the verdict, and the change in words."""

    state: State
    verdict: Verdict
    change: str = ""


Course: TypeAlias = list[Effect]


def effect_of(target: Target, state: State, evidence: Evidence, suppose: Suppose) -> Course:
    """Apply a target to a state. A target without an entry in `EFFECTS` may do anything, so each course is assumed."""
    known = EFFECTS.get(type(target))
    if known is not None:
        return [known(target, state, evidence)]
    return unknown_course(target_text(target), "nothing here says what this target does", state, suppose)


def unknown_course(what: str, reason: str, state: State, suppose: Suppose) -> Course:
    """Follow packets past something of which only the outcome counts: they go on, are accepted, or are dropped."""
    goes_on, stops = split(state, Assume(f"{what} lets the packet go on", reason, FIELDS), suppose)
    course = [Effect(one, Verdict.CONTINUE) for one in goes_on]
    for one in stops:
        accepted, dropped = split(one, Assume(f"{what} accepts the packet", reason, FIELDS), suppose)
        course += [Effect(other, Verdict.ACCEPT) for other in accepted]
        course += [Effect(other, Verdict.DROP) for other in dropped]
    return course


def _verdict(verdict: Verdict) -> Callable[[Any, State, Evidence], Effect]:
    return lambda _target, state, _evidence: Effect(state, verdict)


def _mark(target: targets.Mark, state: State, _: Evidence) -> Effect:
    """Set mark = (mark & ~mask) ^ value (mark_tg, net/netfilter/xt_mark.c)."""
    set_to = _mixed(state, "mark", keep=~target.set_xmark.mask & _FULL, xor=target.set_xmark.value)
    changed = state.rewritten(mark=set_to)
    return Effect(changed, Verdict.CONTINUE, f"mark {state.view('mark')} -> {changed.view('mark')}")


def _mixed(state: State, field: str, *, keep: int, xor: int) -> Mixed | Constant:
    """Keep some bits of what a field is now and XOR a constant."""
    held = state.now.get(field, Mixed(((field, _FULL),), 0))
    if isinstance(held, Mixed):
        kept = tuple((name, bits & keep) for name, bits in held.sources if bits & keep)
        return Mixed(kept, (held.xor & keep) ^ xor)
    return Constant(_masked_xor(held.value, keep, xor)) if isinstance(held, Constant) else Constant(ANY_BITS)


def _masked_xor(value: Any, keep: int, xor: int) -> BitSet:
    found = BitSet(())
    for pattern in value.patterns:
        mask = pattern.mask | (~keep & _FULL)
        found |= BitSet.of(((pattern.value & keep) ^ xor) & mask, mask)
    return found


def _connmark(target: targets.Connmark, state: State, _: Evidence) -> Effect:
    """Set, save or restore the connection's mark (connmark_tg_shift, net/netfilter/xt_connmark.c)."""
    if target.set_xmark is not None:
        mask, value = target.set_xmark.mask, target.set_xmark.value
        changed = state.rewritten(connmark=_mixed(state, "connmark", keep=~mask & _FULL, xor=value))
        return Effect(changed, Verdict.CONTINUE, f"connmark {state.view('connmark')} -> {changed.view('connmark')}")
    nfmask = _FULL if target.nfmask is None else target.nfmask
    ctmask = _FULL if target.ctmask is None else target.ctmask
    if target.save_mark:
        changed = state.rewritten(connmark=_joined(state, "connmark", ~ctmask & _FULL, "mark", nfmask))
        return Effect(changed, Verdict.CONTINUE, f"connmark {state.view('connmark')} -> {changed.view('connmark')}")
    changed = state.rewritten(mark=_joined(state, "mark", ~nfmask & _FULL, "connmark", ctmask))
    return Effect(changed, Verdict.CONTINUE, f"mark {state.view('mark')} -> {changed.view('mark')}")


def _joined(state: State, field: str, keep: int, other: str, take: int) -> Mixed | Constant:
    """Give (field & keep) ^ (other & take); where both may reach one bit from open fields, anything."""
    one = _mixed(state, field, keep=keep, xor=0)
    two = _mixed(state, other, keep=take, xor=0)
    one, two = (_settled(part, state) for part in (one, two))
    reach_one, reach_two = (sum(bits for _, bits in part.sources) for part in (one, two))
    if reach_one & reach_two:
        return Constant(ANY_BITS)
    return Mixed(one.sources + two.sources, one.xor ^ two.xor)


def _settled(part: Mixed | Constant, state: State) -> Mixed:
    """Turn bits that are already fixed into constants, so that only the open ones are left as sources."""
    if isinstance(part, Constant):
        fixed = part.value.single if isinstance(part.value, BitSet) else None
        return Mixed((("mark", _FULL),), 0) if fixed is None else Mixed((), fixed)
    sources, xor = [], part.xor
    for field, keep in part.sources:
        patterns = state.when[field].patterns
        if len(patterns) == 1:
            xor ^= patterns[0].value & keep
            keep &= ~patterns[0].mask  # noqa: PLW2901 (what is left of it)
        if keep:
            sources.append((field, keep))
    return Mixed(tuple(sources), xor)


def _ct(target: targets.Ct, state: State, _: Evidence) -> Effect:
    """Leave the packet untracked if asked to (xt_ct_target, net/netfilter/xt_CT.c)."""
    if not target.notrack:
        return Effect(state, Verdict.CONTINUE)
    changed = state.rewritten(state=Constant(Choice(frozenset({"UNTRACKED"}))))
    return Effect(changed, Verdict.CONTINUE, "state -> UNTRACKED")


def _dnat(target: targets.Dnat, state: State, _: Evidence) -> Effect:
    """Rewrite the destination (xt_dnat_target_v2, net/netfilter/xt_nat.c)."""
    return _translated(state, "dst", "dport", target.to_destination, _DST_NAT)


def _snat(target: targets.Snat, state: State, _: Evidence) -> Effect:
    """Rewrite the source (xt_snat_target_v2, net/netfilter/xt_nat.c)."""
    return _translated(state, "src", "sport", target.to_source, _SRC_NAT)


def _translated(state: State, address: str, port: str, to: Any, status: int) -> Effect:
    changes: dict[str, Any] = {"status": _mixed(state, "status", keep=~status & _FULL, xor=status)}
    if to.first is not None:
        last = to.last or to.first
        changes[address] = Constant(AddressSet((int(to.first), int(last) + 1), to.first.version))
    if to.ports is not None and to.base_port is not None and port not in state.now:
        changes[port] = Shifted(port, to.ports.first - to.base_port)
    elif to.ports is not None:
        changes[port] = Constant(NumberSet.of(to.ports.first, to.ports.last))
    elif port == "sport":
        changes[port] = Constant(NumberSet((0, 1 << 16)))
    changed = state.rewritten(**changes)
    return Effect(changed, Verdict.ACCEPT, _translation(state, changed, address, port))


def _translation(before: State, after: State, address: str, port: str) -> str:
    one, two = (f"{state.view(address)} port {state.view(port)}" for state in (before, after))
    return f"{address} {one} -> {two}"


def _masquerade(target: targets.Masquerade, state: State, evidence: Evidence) -> Effect:
    """Take an address of the interface by which the packet leaves (nf_nat_masquerade_ipv4)."""
    source = _interface_address(state, "out_interface", evidence)
    ports = NumberSet((0, 1 << 16)) if target.to_ports is None else _ports(target.to_ports)
    changed = state.rewritten(
        src=Constant(source),
        sport=Constant(ports),
        status=_mixed(state, "status", keep=~_SRC_NAT & _FULL, xor=_SRC_NAT),
    )
    changed = _own(changed, "src")
    return Effect(changed, Verdict.ACCEPT, f"src {state.view('src')} -> an address of the node")


def _redirect(target: targets.Redirect, state: State, evidence: Evidence) -> Effect:
    """Send the packet to the node itself (nf_nat_redirect_ipv4): to loopback if it was made here."""
    made_here = not state.when["in_interface"] & NameSet.some()
    loopback = AddressSet.read("127.0.0.1" if evidence.family == 4 else "::1")
    changes: dict[str, Any] = {
        "dst": Constant(loopback if made_here else _interface_address(state, "in_interface", evidence)),
        "status": _mixed(state, "status", keep=~_DST_NAT & _FULL, xor=_DST_NAT),
    }
    if target.to_ports is not None:
        changes["dport"] = Constant(_ports(target.to_ports))
    changed = _own(state.rewritten(**changes), "dst")
    return Effect(changed, Verdict.ACCEPT, _translation(state, changed, "dst", "dport"))


def _interface_address(state: State, field: str, evidence: Evidence) -> AddressSet:
    name = getattr(state.view(field), "single", None)
    found = evidence.node.address_of(name, evidence.family) if evidence.node is not None and name else None
    return AddressSet.everything(evidence.family) if found is None else found


def _own(state: State, field: str) -> State:
    """Remember that a chosen address is the node's own, which is true whatever it is."""
    return state.assuming((local_statement(field), (state.identity(field),)), holds=True)


def _ports(to_ports: Any) -> NumberSet:
    return NumberSet.of(to_ports.first, to_ports.last)


_CONTINUE = _verdict(Verdict.CONTINUE)

EFFECTS: Mapping[type[Target], Callable[[Any, State, Evidence], Effect]] = MappingProxyType(
    {
        targets.Accept: _verdict(Verdict.ACCEPT),
        targets.Drop: _verdict(Verdict.DROP),
        targets.Return: _verdict(Verdict.RETURN),
        targets.Reject: _verdict(Verdict.REJECT),
        targets.Log: _CONTINUE,
        targets.Nflog: _CONTINUE,
        targets.Tcpmss: _CONTINUE,
        targets.Mark: _mark,
        targets.Connmark: _connmark,
        targets.Ct: _ct,
        targets.Dnat: _dnat,
        targets.Snat: _snat,
        targets.Masquerade: _masquerade,
        targets.Redirect: _redirect,
    }
)
"""The targets whose effect is known; all others are UNKNOWN, with each course assumed."""
