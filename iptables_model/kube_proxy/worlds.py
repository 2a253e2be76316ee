"""Flows sorted into worlds: within one, only chance still decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs

from iptables_model.kube_proxy.service_port import Endpoint
from iptables_model.netfilter.outcome import Outcome
from iptables_model.netfilter.packet import Packet, meet, without
from iptables_model.netfilter.trace import Flow, hold_alike, leaving

__all__ = ["World", "fate_of", "worlds_of"]


@attrs.frozen
class World:
    """Say what becomes of the packets that are alike in all that the rules ask, under one set of assumptions."""

    outcome: Outcome
    endpoints: tuple[Endpoint, ...]


def worlds_of(flows: Sequence[Flow]) -> tuple[World, ...]:
    """Sort flows into worlds, each told once."""
    worlds = [_world(held) for held in _alike(flows)]
    return tuple(worlds if len(worlds) == 1 else dict.fromkeys(worlds))


def fate_of(flow: Flow) -> Outcome:
    """Say what a flow means for a Service: packets that are not translated to an endpoint are not handled."""
    if flow.outcome is Outcome.REACHES and not flow.translated:
        return Outcome.NOT_HANDLED
    return flow.outcome


def _alike(flows: Sequence[Flow]) -> Iterator[Sequence[Flow]]:
    """Sort flows by the packets for which they hold, and these by what they assume."""
    # Mostly only chance parts flows, and packets have many fields to compare.
    if hold_alike(flows):
        yield from _by_assumptions(flows)
        return
    for atom in _atoms(tuple(dict.fromkeys(packet for flow in flows for packet in flow.when))):
        yield from _by_assumptions([flow for flow in flows if any(meet(atom, held) for held in flow.when)])


def _atoms(kinds: Sequence[Packet]) -> list[Packet]:
    """Part overlapping sets of packets into the largest pieces that each set holds wholly or not at all."""
    atoms: list[Packet] = []
    for kind in kinds:
        rest = [kind]
        for atom in atoms:
            rest = [piece for one in rest for piece in without(one, atom)]
        cut = [piece for atom in atoms for piece in _cut(atom, kind)]
        atoms = cut + rest
    return atoms


def _cut(atom: Packet, kind: Packet) -> Iterator[Packet]:
    both = meet(atom, kind)
    if both is not None:
        yield both
    yield from without(atom, kind)


def _by_assumptions(flows: Sequence[Flow]) -> Iterator[Sequence[Flow]]:
    """Part flows by the first statement that some assume and others deny."""
    held = {(one.statement, one.holds) for flow in flows for one in flow.assumptions}
    disputed = next((statement for statement, holds in sorted(held) if holds and (statement, False) in held), None)
    if disputed is None:
        yield flows
        return
    for answer in (True, False):
        denied = (disputed, not answer)
        yield from _by_assumptions(
            [flow for flow in flows if denied not in {(one.statement, one.holds) for one in flow.assumptions}]
        )


def _world(flows: Sequence[Flow]) -> World:
    fates = [fate_of(flow) for flow in flows]
    outcomes = set(fates)
    shares: dict[tuple[int, int], Endpoint] = {}
    for flow, fate in zip(flows, fates, strict=True):
        if fate is Outcome.REACHES:
            one = _endpoint(flow)
            place = one.place
            known = shares.get(place)
            shares[place] = one if known is None else _added(known, one)
    return World(outcomes.pop() if len(outcomes) == 1 else Outcome.DEPENDS, tuple(shares.values()))


def _endpoint(flow: Flow) -> Endpoint:
    held = leaving(flow, "dst")
    address = None if held is None else held.address
    if held is None or address is None:
        address = next(iter(held.networks())).network_address if held else None
    return Endpoint(
        address=address,  # type: ignore[arg-type]
        port=leaving(flow, "dport").single,
        probability=flow.probability,
        masqueraded=flow.masqueraded,
    )


def _added(one: Endpoint, other: Endpoint) -> Endpoint:
    share = (one.probability or Fraction(0)) + (other.probability or Fraction(0))
    source = one.masqueraded if one.masqueraded == other.masqueraded else None
    return attrs.evolve(one, probability=share, masqueraded=source)
