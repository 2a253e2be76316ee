"""What the targets of nat do: rewrite addresses and ports, and remember it in the connection's status."""

from __future__ import annotations

from typing import Any

from iptables_model.model import targets
from iptables_model.netfilter.effects.course import Effect, Verdict
from iptables_model.netfilter.effects.mixing import FULL, mixed
from iptables_model.netfilter.evidence import Evidence, local_statement
from iptables_model.netfilter.sets import AddressSet, NameSet, NumberSet
from iptables_model.netfilter.state import Constant, Shifted, State

__all__ = ["dnat", "masquerade", "redirect", "snat"]

_SRC_NAT, _DST_NAT = 1 << 4, 1 << 5
"""IPS_SRC_NAT and IPS_DST_NAT (include/uapi/linux/netfilter/nf_conntrack_common.h)."""


def dnat(target: targets.Dnat, state: State, _: Evidence) -> Effect:
    """Rewrite the destination (xt_dnat_target_v2, net/netfilter/xt_nat.c)."""
    return _translated(state, "dst", "dport", target.to_destination, _DST_NAT)


def snat(target: targets.Snat, state: State, _: Evidence) -> Effect:
    """Rewrite the source (xt_snat_target_v2, net/netfilter/xt_nat.c)."""
    return _translated(state, "src", "sport", target.to_source, _SRC_NAT)


def _translated(state: State, address: str, port: str, to: Any, status: int) -> Effect:
    changes: dict[str, Any] = {"status": mixed(state, "status", keep=~status & FULL, xor=status)}
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


def masquerade(target: targets.Masquerade, state: State, evidence: Evidence) -> Effect:
    """Take an address of the interface by which the packet leaves (nf_nat_masquerade_ipv4)."""
    source = _interface_address(state, "out_interface", evidence)
    ports = NumberSet((0, 1 << 16)) if target.to_ports is None else _ports(target.to_ports)
    changed = state.rewritten(
        src=Constant(source),
        sport=Constant(ports),
        status=mixed(state, "status", keep=~_SRC_NAT & FULL, xor=_SRC_NAT),
    )
    changed = _own(changed, "src")
    return Effect(changed, Verdict.ACCEPT, f"src {state.view('src')} -> an address of the node")


def redirect(target: targets.Redirect, state: State, evidence: Evidence) -> Effect:
    """Send the packet to the node itself (nf_nat_redirect_ipv4): to loopback if it was made here."""
    made_here = not state.when["in_interface"] & NameSet.some()
    loopback = AddressSet.read("127.0.0.1" if evidence.family == 4 else "::1")
    changes: dict[str, Any] = {
        "dst": Constant(loopback if made_here else _interface_address(state, "in_interface", evidence)),
        "status": mixed(state, "status", keep=~_DST_NAT & FULL, xor=_DST_NAT),
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
