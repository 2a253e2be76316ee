"""What the targets of nat do: rewrite addresses and ports, and remember it in the connection's status.

It is taken for granted that no other connection has the wanted addresses and ports already, and that an address of a
node that is not known is not the one that was there before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any as Anything
from typing import TypeAlias

import attrs

from iptables_model.model import targets
from iptables_model.netfilter import intervals
from iptables_model.netfilter.bits import FULL, BitSet
from iptables_model.netfilter.condition import ALWAYS, NEVER, All, Any, Assume, Condition, Within
from iptables_model.netfilter.effects.course import Course, Effect, Site, Verdict, each, told
from iptables_model.netfilter.effects.mixing import masked
from iptables_model.netfilter.effects.own import LINK_LOCAL, first_addresses, source_address
from iptables_model.netfilter.effects.pieces import Piece, blocks, parted
from iptables_model.netfilter.evidence import local_statement
from iptables_model.netfilter.fields import STATUS
from iptables_model.netfilter.meaning.asking import WITH_PORTS
from iptables_model.netfilter.packet import ANY
from iptables_model.netfilter.sets import AddressSet, NumberSet
from iptables_model.netfilter.state import Constant, Override, State, Supposition, assumption_key
from iptables_model.values.addresses import Address, width
from iptables_model.values.nat import NatRange
from iptables_model.values.numbers import PortRange

__all__ = ["dnat", "masquerade", "netmap", "redirect", "snat"]


@attrs.frozen(eq=False)
class Manip:
    """Name the fields of one end of a packet, and the bit of the connection that says it was translated.

    The bits are IPS_SRC_NAT and IPS_DST_NAT (include/uapi/linux/netfilter/nf_conntrack_common.h).
    """

    address: str
    port: str
    status: int


_SOURCE = Manip("src", "sport", 1 << 4)
_SETTLED = Within("status", BitSet.of(STATUS.bits["CONFIRMED"], STATUS.bits["CONFIRMED"]))
"""A connection that is confirmed stays as it is (nf_nat_setup_info, nf_nat_core.c)."""
_DESTINATION = Manip("dst", "dport", 1 << 5)
_FEW = 16
"""So many changes of ports are remembered: the endpoints of a Service come one after the other."""


@attrs.define(eq=False)
class Wanted:
    """Hold the range to map into (struct nf_nat_range2); None leaves addresses or ports as they are.

    With `base` a port is moved: less the base, from the first port on. `own` says that the address is one of the
    node's, of which several may stand here where it is not known which.
    """

    addresses: AddressSet | None
    ports: NumberSet | None = None
    base: int | None = None
    random: bool = False
    own: bool = False

    def stays(self, manip: Manip) -> Condition:
        """Ask whether a packet stays as it is: its connection is settled, or its source in the range (nf_in_range)."""
        if manip is _DESTINATION or self.random or (self.own and not _single(self.addresses)):
            return _SETTLED
        asked = ((manip.port, self.ports), (manip.address, self.addresses))
        return Any((_SETTLED, All(tuple(Within(field, allowed) for field, allowed in asked if allowed is not None))))


def _single(held: AddressSet | NumberSet | None) -> bool:
    return held is not None and held.single is not None


def _range(to: NatRange, *, random: bool) -> Wanted:
    addresses = None
    if to.first is not None and to.last is not None:
        addresses = _chosen_from(to.first, to.last)
    return Wanted(addresses, _ports(to.ports), to.base_port, random)


def _chosen_from(first: Address, last: Address) -> AddressSet:
    """Give the addresses to choose from; past the highest it goes on with 0 (find_best_ips_proto, nf_nat_core.c)."""
    low = int(first)
    end = (low if last is first else int(last)) + 1
    bounds = (low, end) if low < end else intervals.unite(((0, end), (low, 1 << width(first.version))))
    return AddressSet(bounds, first.version)


def _ports(held: PortRange | None) -> NumberSet | None:
    return None if held is None else _numbers(held.first, held.last)


@lru_cache(maxsize=1024)
def _numbers(first: int, last: int) -> NumberSet:
    """Give the ports of a range, which many Services have."""
    return NumberSet.of(first, last)


def dnat(target: targets.Dnat, state: State, site: Site) -> Course:
    """Rewrite the destination (xt_dnat_target_v2, net/netfilter/xt_nat.c)."""
    return _bound(state, _DESTINATION, _range(target.to_destination, random=target.random), site)


def snat(target: targets.Snat, state: State, site: Site) -> Course:
    """Rewrite the source (xt_snat_target_v2, net/netfilter/xt_nat.c)."""
    return _bound(state, _SOURCE, _range(target.to_source, random=target.random or target.random_fully), site)


def masquerade(target: targets.Masquerade, state: State, site: Site) -> Course:
    """Rewrite the source to the address that the node sends from (nf_nat_masquerade.c).

    IPv4 leaves 0.0.0.0 alone. A node without any address drops the packet.
    """
    evidence = site.evidence
    unset = Within("src", AddressSet((0, 1))) if evidence.family == 4 else NEVER
    addresses = source_address(state, evidence.node, evidence.family)
    wanted = Wanted(addresses, _ports(target.to_ports), None, target.random or target.random_fully, own=True)
    alone, rest = site.split(state, unset)
    course = each(alone, Verdict.ACCEPT)
    for one in rest:
        course += _bound(one, _SOURCE, wanted, site) if addresses else each([one], Verdict.DROP)
    return course


def redirect(target: targets.Redirect, state: State, site: Site) -> Course:
    """Rewrite the destination to the node itself: to loopback if the packet was made here (nf_nat_redirect.c).

    A packet that came by an interface without an address is dropped.
    """
    settled, rest = site.split(state, _SETTLED)
    return each(settled, Verdict.ACCEPT) + [effect for one in rest for effect in _to_itself(target, one, site)]


def _to_itself(target: targets.Redirect, state: State, site: Site) -> Course:
    evidence = site.evidence
    if site.hook == "OUTPUT":
        loopback = AddressSet.read("127.0.0.1" if evidence.family == 4 else "::1")
        return _redirected(target, state, loopback, site)
    near, far = site.split(state, Within("dst", LINK_LOCAL)) if evidence.family == 6 else ([], [state])
    course = []
    for one in (*near, *far):
        for names, addresses in first_addresses(one, evidence.node, evidence.family):
            for two in site.split(one, Within("in_interface", names))[0]:
                course += _redirected(target, two, addresses, site)
    return course


def _redirected(target: targets.Redirect, state: State, addresses: AddressSet, site: Site) -> Course:
    wanted = Wanted(addresses, _ports(target.to_ports), None, target.random, own=True)
    return _bound(state, _DESTINATION, wanted, site) if addresses else each([state], Verdict.DROP)


def netmap(target: targets.Netmap, state: State, site: Site) -> Course:
    """Rewrite the network and keep the host: of the destination before routing, of the source behind (xt_NETMAP.c)."""
    manip = _DESTINATION if site.hook in ("PREROUTING", "OUTPUT") else _SOURCE
    settled, rest = site.split(state, _SETTLED)
    return each(settled, Verdict.ACCEPT) + [effect for one in rest for effect in _mapped(target, one, manip, site)]


def _mapped(target: targets.Netmap, state: State, manip: Manip, site: Site) -> Course:
    view: Anything = state.view(manip.address)
    to = AddressSet.of(target.to)
    first, size = to.bounds[0], to.bounds[1] - to.bounds[0]
    pieces = (Piece(AddressSet((start, start + size), to.version), first - start) for start in blocks(view, size))
    found = parted(state, manip.address, pieces, site)
    if found is None:
        kept = Constant(to, "it keeps the host part of the address")
        return [_binding(state, manip, {manip.address: kept})]
    return [_binding(one, manip, _shift(one, manip.address, offset)) for one, offset in found]


def _bound(state: State, manip: Manip, wanted: Wanted, site: Site) -> Course:
    """Find new addresses and ports, and bind the connection to them (nf_nat_setup_info, nf_nat_core.c)."""
    kept, others = _with_ports(state, manip, wanted, site)
    course = each(kept, Verdict.ACCEPT)
    for one, port in others:
        for two, address in _addresses(one, manip, wanted, site, stays=not port):
            course.append(_binding(two, manip, address | port, own=wanted.own))
    return course


Changes: TypeAlias = dict[str, Override]


def _with_ports(
    state: State, manip: Manip, wanted: Wanted, site: Site
) -> tuple[list[State], Sequence[tuple[State, Changes]]]:
    """Give the packets that stay as they are, and of the others how their ports change.

    What meets DNAT on the way to all endpoints of a Service is the same but for its share of chance. So what becomes of
    the ports is found once; where they go does not matter to that.
    """
    key = manip, id(state.when), id(state.now), id(wanted.ports), wanted.base, wanted.random
    known = site.ports.get(key)
    if known is not None:
        return [], [(state, known[0])]
    kept, rest = site.split(state, wanted.stays(manip))
    others = [one for other in rest for one in _new_ports(other, manip, wanted, site)]
    if manip is _DESTINATION and not kept and len(others) == 1 and others[0][0] is state:
        if len(site.ports) >= _FEW:
            site.ports.clear()
        # With what the numbers are of: others may get them once that is gone.
        site.ports[key] = others[0][1], state, wanted.ports
    return kept, others


def _addresses(
    state: State, manip: Manip, wanted: Wanted, site: Site, *, stays: bool
) -> Sequence[tuple[State, Changes]]:
    """Take the only address, or one of several by a hash (find_best_ips_proto, nf_nat_core.c).

    Without `stays` the port changes, so it does not matter whether the address does.
    """
    if wanted.addresses is None:
        return [(state, {})]
    if not stays or (wanted.own and wanted.addresses == AddressSet.everything(wanted.addresses.version)):
        return [(state, {manip.address: Constant(wanted.addresses)})]
    same = Assume(f"the {manip.address} chosen is the one that it was", "the kernel chooses by a hash")
    return _set(state, manip.address, wanted.addresses, site, ALWAYS if _single(wanted.addresses) else same)


def _new_ports(state: State, manip: Manip, wanted: Wanted, site: Site) -> Sequence[tuple[State, Changes]]:
    """Take a port that is in the range already, or another one of it (nf_nat_l4proto_unique_tuple, nf_nat_core.c).

    A source port that is random for no range stays in its class: below 512, below 1024, or above.
    """
    if wanted.ports is not None and wanted.base is not None:
        return _offset(state, manip.port, wanted.ports, wanted.base, site)
    if wanted.ports is not None:
        keeps = ALWAYS if not wanted.random or _single(wanted.ports) else NEVER
        return _set(state, manip.port, wanted.ports, site, keeps)
    if not wanted.random or manip is _DESTINATION:
        return [(state, {})]
    with_ports, others = site.split(state, WITH_PORTS)
    changed = [(one, {manip.port: _in_class(one.view(manip.port))}) for one in with_ports]
    return changed + [(one, {}) for one in others]


def _in_class(ports: Anything) -> Override:
    classes = [NumberSet.of(*to) for of, to in _CLASSES if ports & NumberSet.of(*of)]
    return Constant(NumberSet(intervals.unite(one.bounds for one in classes)))


_CLASSES = (((0, 511), (1, 511)), ((512, 1023), (600, 1023)), ((1024, 65535), (1024, 65535)))


def _set(
    state: State, field: str, to: AddressSet | NumberSet, site: Site, keeps: Condition
) -> Sequence[tuple[State, Changes]]:
    """Set a field to one of a range, but for packets that have one of it already and keep it."""
    there = Within(field, to)
    kept, changed = site.split(state, there if keeps is ALWAYS else All((there, keeps)))
    parts: list[tuple[State, Changes]] = [(one, {}) for one in kept]
    set_to = _one_of(to.bounds) if isinstance(to, NumberSet) else Constant(to)
    return parts + [(one, {field: set_to}) for one in changed]


@lru_cache(maxsize=1024)
def _one_of(ports: intervals.Bounds) -> Constant:
    """Name the ports that are set; many Services have the same."""
    return Constant(NumberSet(ports))


def _offset(state: State, port: str, to: NumberSet, base: int, site: Site) -> Sequence[tuple[State, Changes]]:
    """Move ports by how far they are from the base, modulo 65536 and then modulo the size of the range."""
    found = parted(state, port, _offset_pieces(state, port, to, base), site)
    if found is None:
        return [(state, {port: Constant(to, "it depends on how far the port is from the base")})]
    return [(one, _shift(one, port, offset)) for one, offset in found]


def _offset_pieces(state: State, port: str, to: NumberSet, base: int) -> Iterator[Piece]:
    view: Anything = state.view(port)
    first, size = to.bounds[0], to.bounds[1] - to.bounds[0]
    for origin, ports in ((base, NumberSet.of(base, 65535)), (base - 65536, NumberSet((0, base)))):
        for start in blocks(view & ports, size, origin):
            yield Piece(NumberSet((start, start + size)) & ports, first - start)


def _shift(state: State, field: str, offset: int | None) -> Changes:
    return {field: state.shifted(field, offset).now[field]} if offset else {}


def _binding(state: State, manip: Manip, changes: Changes, *, own: bool = False) -> Effect:
    """Set the bit of the connection's status if anything changes: else it is a null binding."""
    if not changes:
        return Effect(state, Verdict.ACCEPT)
    status = masked(state, "status", keep=~manip.status & FULL, xor=manip.status)
    changed = state.rewritten(**changes, status=status)
    if own and manip.address in changes:
        itself = assumption_key(changed, local_statement(manip.address), manip.address)
        changed = changed.assuming(itself, Supposition(holds=True))
    change = told(state, changed, *changes, anything="an address of the node" if own else ANY)
    return Effect(changed, Verdict.ACCEPT, change)
