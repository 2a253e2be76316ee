"""The question `trace` and its answer: flows that together are all the packets asked about, none twice."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import attrs

from iptables_model.errors import ModelError
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Ruleset
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.chains import ReadyChains
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.node import Node
from iptables_model.netfilter.outcome import Outcome
from iptables_model.netfilter.packet import FIELDS, Packet, PacketSet, cube_of, parted
from iptables_model.netfilter.path import Arrival, Delivery, Path
from iptables_model.netfilter.sets import NameSet
from iptables_model.netfilter.state import Assumption, State, Step, Suppose
from iptables_model.netfilter.walk import Walk

__all__ = ["Flow", "Step", "flows_of", "trace"]


@attrs.frozen(kw_only=True)
class Flow:
    """Report one fate of packets.

    `when` are the packets for which it holds; `probability` is the exact share of them that fare so, where chance
    decides; `assumptions` are what was taken for granted; `steps` are the rules and policies on the way; `packet` is
    how they leave; `delivery` is where they end (local, forwarded, sent) and None if they are stopped; `deciding_rule`
    is the rule that stopped them or sent them elsewhere, None where a policy or no rule did.
    """

    outcome: Outcome
    when: PacketSet
    probability: Fraction
    assumptions: tuple[Assumption, ...]
    steps: tuple[Step, ...]
    packet: Packet
    delivery: Delivery | None
    deciding_rule: Rule | None

    @property
    def translated(self) -> bool:
        """Say whether the destination was rewritten."""
        return _has_bit(self.packet, 1 << 5)

    @property
    def masqueraded(self) -> bool:
        """Say whether the source was rewritten."""
        return _has_bit(self.packet, 1 << 4)

    def __str__(self) -> str:
        lines = [f"{self.outcome.value}: {self.when}", *(f"  assuming {one}" for one in self.assumptions)]
        return "\n".join([*lines, *(f"  {step}" for step in self.steps)])


def _has_bit(packet: Packet, bit: int) -> bool:
    return packet.status in BitSet.of(bit, bit)


def trace(ruleset: Ruleset, packet: Packet, *, node: Node | None = None) -> tuple[Flow, ...]:
    r"""Follow packets through the rules as the kernel does.

    The flows are exhaustive and do not overlap, but for chance, whose shares sum to 1. Flows that end alike are merged.
    `node` says what a dump does not; without it, what depends on it is parted and named in `assumptions`.
    Raises `ModelError` if the packet is of another IP version than the ruleset.

    >>> from iptables_model import Packet, parse, trace
    >>> rules = parse("*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n")
    >>> for flow in trace(rules, Packet(dst="127.0.0.1", protocol="tcp", dport="22,80")):
    ...     print(flow.outcome.value, flow.packet.dport)
    dropped 80
    reaches 22
    """
    return _merged(flows_of(ruleset, packet, node=node))


def flows_of(
    ruleset: Ruleset, packet: Packet, *, node: Node | None = None, suppose: Suppose | None = None
) -> tuple[Flow, ...]:
    """Follow packets as `trace` does, keep each flow by itself, and let `suppose` answer what the rules leave open."""
    chains = ReadyChains.of(ruleset, Evidence(_family(ruleset, packet), node))
    answer = suppose or _leave_open
    path = Path(Walk(chains, answer), answer)
    states = list(_start(packet, chains.evidence.family))
    if packet.in_interface is None:
        path.send(states)
    else:
        path.receive(states)
    return tuple(_flows(path.arrivals))


def _family(ruleset: Ruleset, packet: Packet) -> int:
    if packet.family and ruleset.family and packet.family != ruleset.family:
        raise ModelError(f"the rules are of IPv{ruleset.family} and the packet of IPv{packet.family}")
    return packet.family or ruleset.family or 4


def _leave_open(_: object, __: State) -> None:
    return None


def _start(packet: Packet, family: int) -> Iterator[State]:
    """Spread the packet out, parted by what its state tells of its connection."""
    cube: dict[str, Any] = cube_of(packet, family)
    if packet.in_interface is None:
        cube["in_interface"] = NameSet.nothing_there()
    yield from map(State, parted(cube))


def _flows(arrivals: list[Arrival]) -> Iterator[Flow]:
    # Flows that only chance parts hold for the same packets, which are made once.
    asked: dict[int, PacketSet] = {}
    for arrival in arrivals:
        state = arrival.state
        when = asked.get(id(state.when))
        if when is None:
            when = asked[id(state.when)] = PacketSet((_packet(state.when),))
        leaves = {name: state.view(name) for name in state.now}
        yield Flow(
            outcome=arrival.outcome,
            when=when,
            probability=state.probability,
            assumptions=state.assumptions,
            steps=tuple(reversed(list(_unrolled(state.steps)))),
            packet=_packet({**state.when, **leaves}),
            delivery=arrival.delivery,
            deciding_rule=arrival.rule,
        )


def _packet(cube: dict[str, Any]) -> Packet:
    if not cube["in_interface"] & NameSet.some():
        cube = {**cube, "in_interface": None}
    return Packet(**cube)


def _unrolled(steps: tuple[Any, ...]) -> Iterator[Step]:
    while steps:
        step, steps = steps
        yield step


def _merged(flows: tuple[Flow, ...]) -> tuple[Flow, ...]:
    """Join flows that differ only in the packets for which they hold."""
    joined: dict[object, Flow] = {}
    for flow in flows:
        # Rules that say the same are equal, but one and the other are two fates: chance may give a packet to either.
        places = tuple(None if step.rule is None else step.rule.index for step in flow.steps)
        key = (flow.outcome, flow.probability, flow.assumptions, flow.steps, places, flow.delivery)
        known = joined.get(key)
        joined[key] = flow if known is None else _join(known, flow)
    return tuple(joined.values())


def _join(one: Flow, other: Flow) -> Flow:
    """Join two flows with the same fate; how they leave is the union, field by field."""
    leaves = {name: _either(getattr(one.packet, name), getattr(other.packet, name)) for name in FIELDS}
    return attrs.evolve(one, when=PacketSet(one.when.packets + other.when.packets), packet=Packet(**leaves))


def _either(one: Any, other: Any) -> Any:
    return one if one == other else one | other
