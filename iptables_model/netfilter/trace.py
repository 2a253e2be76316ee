"""The question `trace` and its answer: flows that together are all the packets asked about, none twice."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from fractions import Fraction
from functools import cached_property, reduce
from typing import Any

import attrs

from iptables_model.errors import ModelError
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Ruleset
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.chains import ReadyChains
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.fields import STATUS
from iptables_model.netfilter.join import goal, met, sorted_by, united
from iptables_model.netfilter.node import Node
from iptables_model.netfilter.outcome import Outcome
from iptables_model.netfilter.packet import Packet, PacketSet, cube_of, field_text, packet_of, parted
from iptables_model.netfilter.path import Arrival, Delivery, Path
from iptables_model.netfilter.sets import NameSet
from iptables_model.netfilter.state import Assumption, State, Suppose
from iptables_model.netfilter.steps import Step, unrolled
from iptables_model.netfilter.walk import Walk
from iptables_model.values.frozen import filled

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
    _told: Told | None = attrs.field(default=None, init=False, eq=False, repr=False)

    def __getattr__(self, name: str) -> object:
        """Make what is asked for: most of many flows are only counted, or looked at in one respect."""
        if name not in _TOLD:
            raise AttributeError(f"a flow has no {name}")
        made = getattr(self._told, name)
        object.__setattr__(self, name, made)
        return made

    def __getstate__(self) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in _PUBLIC])

    def __setstate__(self, state: tuple[object, ...]) -> None:
        filled(self, (*_PUBLIC, "_told"), (*state, None))

    @property
    def translated(self) -> bool:
        """Say whether the destination was rewritten."""
        return self.packet.status in _DNAT

    @property
    def masqueraded(self) -> bool:
        """Say whether the source was rewritten."""
        return self.packet.status in _SNAT

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


_PUBLIC = tuple(field.name for field in attrs.fields(Flow) if not field.name.startswith("_"))
_SNAT, _DNAT = (BitSet.of(STATUS.bits[name], STATUS.bits[name]) for name in ("SNAT", "DNAT"))
"""What the status of a translated connection has."""


class Asked(dict[int, Packet]):
    """Keep the packets of states that only chance or assumptions part, made once for all flows of a question."""

    def packet(self, state: State) -> Packet:
        """Give the packets asked about that a state holds."""
        known = self.get(id(state.when))
        if known is None:
            known = self[id(state.when)] = _packet(state.coming())
        return known


@attrs.frozen(eq=False)
class Told:
    """Hold of what the fields of a flow are made that are left to be asked for: the states that fare alike."""

    asked: Asked
    states: tuple[State, ...]

    @cached_property
    def one(self) -> State:
        """Give what the states have in common."""
        return reduce(met, self.states)

    @property
    def when(self) -> PacketSet:
        """Give the packets that were asked about."""
        return PacketSet(tuple([self.asked.packet(state) for state in self.states]))

    @property
    def packet(self) -> Packet:
        """Give the packets as they leave."""
        return _packet(reduce(_either_cube, [state.leaving() for state in self.states]))

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """Give what was taken for granted."""
        return self.one.assumptions

    @property
    def steps(self) -> tuple[Step, ...]:
        """Give the steps that all of them take."""
        return self.one.steps

    @property
    def deciding_rule(self) -> Rule | None:
        """Give the rule that decides for all of them, if one does."""
        stop = self.one.decided_at
        return None if stop is None else stop.rule()


_TOLD = frozenset({"when", "packet", "assumptions", "steps", "deciding_rule"})


def _packet(cube: dict[str, Any]) -> Packet:
    if cube["in_interface"] == _NO_INTERFACE:
        cube["in_interface"] = None
    return packet_of(cube)


def _either_cube(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: mine if mine == other[name] else mine | other[name] for name, mine in one.items()}


_NO_INTERFACE = NameSet.nothing_there()


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
    asked = Asked()
    return tuple([_flow(held, asked) for together in alike for held in _without_overlaps(together)])


def flows_of(
    ruleset: Ruleset, packet: Packet, *, node: Node | None = None, suppose: Suppose | None = None
) -> tuple[Flow, ...]:
    """Follow packets as `trace` does, keep each flow by itself, and let `suppose` answer what the rules leave open."""
    asked = Asked()
    return tuple([_flow([one], asked) for one in _arrivals(ruleset, packet, node, suppose or _leave_open, apart=True)])


def _arrivals(ruleset: Ruleset, packet: Packet, node: Node | None, suppose: Suppose, *, apart: bool) -> list[Arrival]:
    chains = ReadyChains.of(ruleset, Evidence(_family(ruleset, packet), node))
    named = {"from_named": packet.src is not None, "way_named": packet.in_interface != NameSet.some()}
    path = Path(Walk(chains, suppose, apart=apart), suppose, **named)
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
        cube["in_interface"] = _NO_INTERFACE
    yield from (State(cube, part) for part in parted(cube))


def _trace(arrival: Arrival) -> Hashable:
    """Tell arrivals apart by their stops and what they assume."""
    state = arrival.state
    end = (arrival.outcome, arrival.delivery, arrival.reason, state.now.get("out_interface"))
    return end, state.probability, state.assumptions, tuple(unrolled(state.stops))


def _fate(arrival: Arrival) -> Hashable:
    """Tell arrivals apart by where they end and, if they get there, by what they have become."""
    become = arrival.state.rewriting if arrival.outcome is Outcome.REACHES else None
    return arrival.outcome, arrival.delivery, arrival.reason, become


def _with_equal_fates(arrivals: list[Arrival]) -> Iterator[list[Arrival]]:
    """Join arrivals of one fate, and put together those that are as likely under the same assumptions."""
    near = sorted_by(arrivals, lambda one: (one.outcome, one.delivery, goal(one.state)))
    for held in (held for some in near for held in (sorted_by(some, _fate) if len(some) > 1 else [some])):
        if len(held) == 1:
            yield held
            continue
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


def _flow(arrivals: list[Arrival], asked: Asked) -> Flow:
    """Report arrivals that fare alike; what of it takes long is left to be asked for."""
    first = arrivals[0]
    told = Told(asked, tuple([arrival.state for arrival in arrivals]))
    held = (first.outcome, first.state.probability, first.delivery, first.reason, told)
    return filled(object.__new__(Flow), ("outcome", "probability", "delivery", "reason", "_told"), held)
