"""The question `trace` and its answer: flows that together are all the packets asked about, none twice."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from fractions import Fraction
from functools import reduce
from typing import Any

import attrs

from iptables_model.errors import ModelError
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Ruleset
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.chains import ReadyChains
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.join import met, sorted_by, united
from iptables_model.netfilter.node import Node
from iptables_model.netfilter.outcome import Outcome
from iptables_model.netfilter.packet import Packet, PacketSet, cube_of, field_text, packet_of, parted
from iptables_model.netfilter.path import Arrival, Delivery, Path
from iptables_model.netfilter.sets import NameSet
from iptables_model.netfilter.state import Assumption, State, Step, Suppose, stop_of, unrolled
from iptables_model.netfilter.walk import Walk

__all__ = ["Flow", "Step", "flows_of", "trace"]

_WAY = ("in_interface", "out_interface")


@attrs.frozen(kw_only=True)
class Flow:
    """Report one fate of packets.

    `when` are the packets for which it holds; `probability` is the exact share of them that fare so, where chance
    decides; `assumptions` are what was taken for granted; `steps` are the rules and policies on the way; `packet` is
    how they leave; `delivery` is where they end (local, forwarded, sent) and None if they are stopped; `deciding_rule`
    is the rule that stopped them or sent them elsewhere, None where a policy or no rule did; `reason` says what else
    stopped them, such as that no route leads on.
    """

    outcome: Outcome
    when: PacketSet
    probability: Fraction
    assumptions: tuple[Assumption, ...]
    steps: tuple[Step, ...]
    packet: Packet
    delivery: Delivery | None
    deciding_rule: Rule | None
    reason: str = ""

    @property
    def translated(self) -> bool:
        """Say whether the destination was rewritten."""
        return _has_bit(self.packet, 1 << 5)

    @property
    def masqueraded(self) -> bool:
        """Say whether the source was rewritten."""
        return _has_bit(self.packet, 1 << 4)

    @property
    def changes(self) -> str:
        """Say what became of the packets on the way, where it is not what they were: `src 10.0.0.1, dport 8080`."""
        were = [one.as_data() for one in self.when]
        return ", ".join(
            field_text(name, text)
            for name, text in self.packet.as_data().items()
            if name not in _WAY and any(one.get(name) != text for one in were)
        )

    def __str__(self) -> str:
        share = "" if self.probability == 1 else f" with {self.probability}"
        where = "" if self.delivery is None else f" {self.delivery.value}"
        lines = [f"{self.outcome.value}{where}{share}: {self.when}", *(f"  assuming {one}" for one in self.assumptions)]
        lines += [f"  {step}" for step in self.steps]
        if self.reason:
            lines.append(f"  {self.reason}")
        changes = self.changes if self.outcome is Outcome.REACHES else ""
        if changes:
            lines.append(f"  leaves with {changes}")
        return "\n".join(lines)


def _has_bit(packet: Packet, bit: int) -> bool:
    return packet.status in BitSet.of(bit, bit)


def trace(ruleset: Ruleset, packet: Packet, *, node: Node | None = None, keep_traces: bool = False) -> tuple[Flow, ...]:
    r"""Follow packets through the rules as the kernel does.

    The flows are exhaustive and do not overlap, but for chance, whose shares sum to 1. Packets with the same fate make
    one flow; its steps are those that all of them take. With `keep_traces` those with different steps are kept apart.
    `node` says what a dump does not; without it, what depends on it is parted and named in `assumptions`.
    Raises `ModelError` if the packet is of another IP version than the ruleset.

    >>> from iptables_model import Packet, parse, trace
    >>> rules = parse("*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n")
    >>> for flow in trace(rules, Packet(dst="127.0.0.1", protocol="tcp", dport="22,80")):
    ...     print(flow.outcome.value, flow.packet.dport)
    dropped 80
    reaches 22
    """
    arrivals = _arrivals(ruleset, packet, node, _leave_open, apart=keep_traces)
    alike = sorted_by(arrivals, _trace) if keep_traces else _with_equal_fates(arrivals)
    return tuple(_flow(held, {}) for together in alike for held in _without_overlaps(together))


def flows_of(
    ruleset: Ruleset, packet: Packet, *, node: Node | None = None, suppose: Suppose | None = None
) -> tuple[Flow, ...]:
    """Follow packets as `trace` does, keep each flow by itself, and let `suppose` answer what the rules leave open."""
    asked: dict[int, Packet] = {}
    return tuple(_flow([one], asked) for one in _arrivals(ruleset, packet, node, suppose or _leave_open, apart=True))


def _arrivals(ruleset: Ruleset, packet: Packet, node: Node | None, suppose: Suppose, *, apart: bool) -> list[Arrival]:
    chains = ReadyChains.of(ruleset, Evidence(_family(ruleset, packet), node))
    path = Path(Walk(chains, suppose, apart=apart), suppose, from_named=packet.src is not None)
    states = list(_start(packet, chains.evidence.family))
    if packet.in_interface is None:
        path.send(states)
    else:
        path.receive(states)
    return path.arrivals


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


def _trace(arrival: Arrival) -> Hashable:
    """Tell arrivals apart by their steps and what they assume."""
    state = arrival.state
    steps = tuple(map(stop_of, unrolled(state.steps)))
    end = (arrival.outcome, arrival.delivery, arrival.reason, state.now.get("out_interface"))
    return end, state.probability, state.assumptions, steps


def _fate(arrival: Arrival) -> Hashable:
    """Tell arrivals apart by where they end and, if they get there, by what they have become."""
    become = arrival.state.rewriting if arrival.outcome is Outcome.REACHES else None
    return arrival.outcome, arrival.delivery, arrival.reason, become


def _with_equal_fates(arrivals: list[Arrival]) -> Iterator[list[Arrival]]:
    """Join arrivals of one fate, and put together those that are as likely under the same assumptions."""
    for held in sorted_by(arrivals, _fate):
        joined = (attrs.evolve(held[0], state=state) for state in united([arrival.state for arrival in held]))
        yield from sorted_by(joined, lambda one: (one.state.probability, frozenset(one.state.assumptions)))


def _without_overlaps(arrivals: list[Arrival]) -> Iterator[list[Arrival]]:
    """Keep apart the shares that the same packets have in one fate by chance: alternatives of a flow do not overlap."""
    if arrivals[0].state.probability == 1:
        yield arrivals
        return
    flows: list[list[Arrival]] = []
    for arrival in arrivals:
        fits = (flow for flow in flows if not any(arrival.state.overlaps(other.state) for other in flow))
        flow = next(fits, None)
        if flow is None:
            flows.append([arrival])
        else:
            flow.append(arrival)
    yield from flows


def _flow(arrivals: list[Arrival], asked: dict[int, Packet]) -> Flow:
    """Report arrivals that fare alike; `asked` keeps the packets of states that only chance parts, made once."""
    states = [arrival.state for arrival in arrivals]
    one = reduce(met, states)
    leaves = reduce(_either_cube, (state.leaving() for state in states))
    return Flow(
        outcome=arrivals[0].outcome,
        when=PacketSet(tuple(_packet(state.when, asked) for state in states)),
        probability=one.probability,
        assumptions=one.assumptions,
        steps=tuple(reversed(list(unrolled(one.steps)))),
        packet=_packet(leaves, {}),
        delivery=arrivals[0].delivery,
        deciding_rule=one.decided_by,
        reason=arrivals[0].reason,
    )


def _packet(cube: dict[str, Any], asked: dict[int, Packet]) -> Packet:
    known = asked.get(id(cube))
    if known is None:
        made_here = {} if cube["in_interface"] & NameSet.some() else {"in_interface": None}
        known = asked[id(cube)] = packet_of({**cube, **made_here})
    return known


def _either_cube(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: mine if mine == other[name] else mine | other[name] for name, mine in one.items()}
