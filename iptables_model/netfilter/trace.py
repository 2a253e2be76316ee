"""The question `trace` and its answer: flows that together are all the packets asked about, none twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property, reduce
from operator import or_
from typing import Any

import attrs

from iptables_model.errors import ModelError
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Ruleset
from iptables_model.netfilter.batch import Batch
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.chains import ReadyChains
from iptables_model.netfilter.ends import Arrival, Delivery, Ends
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.fields import STATUS
from iptables_model.netfilter.join import goal, met, overlaid, sorted_by, united
from iptables_model.netfilter.node import Node
from iptables_model.netfilter.outcome import Outcome
from iptables_model.netfilter.packet import Packet, PacketSet, cube_of, field_text, packet_of, parted
from iptables_model.netfilter.path import Path
from iptables_model.netfilter.sets import NameSet
from iptables_model.netfilter.state import Assumption, EachAssumed, State, Suppose, worth_telling
from iptables_model.netfilter.steps import Home, Step, Stops, last_of, steps_of, unrolled
from iptables_model.netfilter.walk import Walk
from iptables_model.values.frozen import filled, maker

__all__ = ["Flow", "Step", "flows_of", "hold_alike", "leaving", "trace"]

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
    _told: Told | Shared | None = attrs.field(default=None, init=False, eq=False, repr=False)
    _place: int = attrs.field(default=0, init=False, eq=False, repr=False)

    def __getattr__(self, name: str) -> object:
        """Make what is asked for: most of many flows are only counted, or looked at in one respect."""
        told = self._told
        if name not in _TOLD or told is None:
            raise AttributeError(f"a flow has no {name}")
        made = getattr(told, name)(self._place)
        object.__setattr__(self, name, made)
        return made

    def __getstate__(self) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in _PUBLIC])

    def __setstate__(self, state: tuple[object, ...]) -> None:
        filled(self, (*_PUBLIC, "_told", "_place"), (*state, None, 0))

    @property
    def translated(self) -> bool:
        """Say whether the destination was rewritten."""
        return leaving(self, "status") in _DNAT

    @property
    def masqueraded(self) -> bool:
        """Say whether the source was rewritten."""
        return leaving(self, "status") in _SNAT

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


def leaving(flow: Flow, field: str) -> Any:
    """Give the set of a field of a flow's packets as they leave, as `packet` has it, without making the packet."""
    told = flow._told  # noqa: SLF001 (what a flow is made of belongs to this room)
    return getattr(flow.packet, field) if told is None else told.view(field, flow._place)  # noqa: SLF001


def hold_alike(flows: Sequence[Flow]) -> bool:
    """Say whether flows of one question are known to hold for the same packets, without making these."""
    parts = [None if one._told is None else one._told.part for one in flows]  # noqa: SLF001 (likewise)
    return bool(parts) and parts[0] is not None and all(one is parts[0] for one in parts)


_made = maker(Flow, "outcome", "probability", "delivery", "reason", "_told", "_place")
_PUBLIC = tuple(field.name for field in attrs.fields(Flow) if not field.name.startswith("_"))
_SNAT, _DNAT = (BitSet.of(STATUS.bits[name], STATUS.bits[name]) for name in ("SNAT", "DNAT"))
"""What the status of a translated connection has."""


@attrs.frozen(eq=False)
class Asked:
    """Hold the rules that were asked, and the packets of states that only chance or assumptions part, made once."""

    home: Home
    _packets: dict[int, tuple[object, Packet]] = attrs.field(factory=dict)

    def packet(self, state: State) -> Packet:
        """Give the packets asked about that a state holds."""
        known = self._packets.get(id(state.when))
        if known is None:
            # With what the number is of: another one may get it once that is gone.
            known = self._packets[id(state.when)] = state.when, _packet(state.coming())
        return known[1]


@attrs.frozen(eq=False, slots=False)
class Told:
    """Hold of what the fields of a flow are made that are left to be asked for: the states that fare alike."""

    asked: Asked
    states: tuple[State, ...]

    @cached_property
    def one(self) -> State:
        """Give what the states have in common."""
        return reduce(met, self.states)

    @property
    def part(self) -> dict[str, Any] | None:
        """Give the part of the packets asked about for which the flow holds, None if there are several."""
        return self.states[0].when if len(self.states) == 1 else None

    def view(self, field: str, _place: int) -> Any:
        """Give what a field can be as the packets leave."""
        return reduce(or_, [state.view(field) for state in self.states])

    def when(self, _place: int) -> PacketSet:
        """Give the packets that were asked about."""
        return PacketSet(tuple([self.asked.packet(state) for state in self.states]))

    def packet(self, _place: int) -> Packet:
        """Give the packets as they leave."""
        return _packet(reduce(_either_cube, [state.leaving() for state in self.states]))

    def assumptions(self, _place: int) -> tuple[Assumption, ...]:
        """Give what was taken for granted."""
        return self.one.assumptions

    def steps(self, _place: int) -> tuple[Step, ...]:
        """Give the steps that all of them take."""
        return steps_of(self.one.stops, self.asked.home)

    def deciding_rule(self, _place: int) -> Rule | None:
        """Give the rule that decides for all of them, if one does."""
        return _rule_at(self.one.decided_at, self.asked.home)


_DIFFERS = object()
"""Stands for a field in which the states of a batch differ."""


@attrs.frozen(eq=False, slots=False)
class Shared:
    """Hold of what the flows of a batch are made, each of which is the state at a place."""

    asked: Asked
    batch: Batch
    _views: dict[str, Any] = attrs.field(factory=dict)

    @property
    def part(self) -> dict[str, Any] | None:
        """Give the part of the packets asked about for which all flows hold, None if each has its own."""
        return None if self.batch.differing else self.batch.when

    def view(self, field: str, place: int) -> Any:
        """Give what a field can be as the packets leave; what all of them have alike is worked out once."""
        alike = self._views.get(field)
        if alike is None:
            differs = self.batch.differing or self.batch.differs((field,))
            alike = self._views[field] = _DIFFERS if differs else self.batch.view(field)
        return self.batch.view_of(place, field) if alike is _DIFFERS else alike

    def when(self, place: int) -> PacketSet:
        """Give the packets that were asked about."""
        return self._asked_of(self.batch.member(place)) if self.batch.differing else self._when

    @cached_property
    def _when(self) -> PacketSet:
        return self._asked_of(self.batch)

    def _asked_of(self, state: State) -> PacketSet:
        return PacketSet((self.asked.packet(state),))

    def packet(self, place: int) -> Packet:
        """Give the packets as they leave."""
        return _packet(self.batch.member(place).leaving())

    def assumptions(self, place: int) -> tuple[Assumption, ...]:
        """Give what was taken for granted."""
        return self._assumptions if self._assumptions is not None else worth_telling(self.batch.taken_of(place))

    @cached_property
    def _assumptions(self) -> tuple[Assumption, ...] | None:
        """Give what was taken for granted of all alike; None if what is worth telling may differ."""
        taken = self.batch.assumed.values()
        each = [one for one in taken if isinstance(one, EachAssumed)]
        if any(not one.supposed or any(supposed.told for supposed in one.supposed) for one in each):
            return None
        return worth_telling([one for one in taken if not isinstance(one, EachAssumed)])

    def steps(self, place: int) -> tuple[Step, ...]:
        """Give the steps."""
        return steps_of(self.batch.stops_of(place), self.asked.home)

    def deciding_rule(self, place: int) -> Rule | None:
        """Give the rule that decides, if one does."""
        return _rule_at(self.batch.decided_of(place), self.asked.home)


def _rule_at(stops: Stops | None, home: Home) -> Rule | None:
    return None if stops is None else last_of(stops).rule(home)


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
    chains = _chains(ruleset, packet, node)
    asked = Asked(chains)
    arrivals = _arrivals(chains, packet, _leave_open, apart=keep_traces)
    if keep_traces:
        alike = _without_overlaps(sorted_by([end.alone() for end in _ends(arrivals, asked)], _trace))
    else:
        alike = _with_equal_fates(arrivals, asked)
    return tuple([_flow(held, asked) for held in alike])


def flows_of(
    ruleset: Ruleset, packet: Packet, *, node: Node | None = None, suppose: Suppose | None = None
) -> tuple[Flow, ...]:
    """Follow packets as `trace` does, keep each flow by itself, and let `suppose` answer what the rules leave open."""
    chains = _chains(ruleset, packet, node)
    asked = Asked(chains)
    arrivals = _arrivals(chains, packet, suppose or _leave_open, apart=True)
    return tuple([_flow([end], asked) for end in _ends(arrivals, asked)])


def _chains(ruleset: Ruleset, packet: Packet, node: Node | None) -> ReadyChains:
    return ReadyChains.of(ruleset, Evidence(_family(ruleset, packet), node))


def _arrivals(chains: ReadyChains, packet: Packet, suppose: Suppose, *, apart: bool) -> list[Arrival]:
    ends = Ends(suppose, from_named=packet.src is not None)
    path = Path(Walk(chains, suppose, apart=apart), ends, way_named=packet.in_interface != NameSet.some())
    states = list(_start(packet, chains.evidence.family))
    if packet.in_interface is None:
        path.send(states)
    else:
        path.receive(states)
    return ends.arrivals


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


@attrs.define(eq=False)
class End:
    """Name where packets end: those of an arrival or, of one that is a batch, those of the state at a place."""

    arrival: Arrival
    shared: Shared | None = None
    place: int = 0

    def alone(self) -> End:
        """Give an end that is no part of a batch."""
        if self.shared is None:
            return self
        return End(attrs.evolve(self.arrival, state=self.shared.batch.member(self.place)))

    @property
    def probability(self) -> Fraction:
        """Give the share of the packets."""
        return self.arrival.state.probability if self.shared is None else self.shared.batch.probability_of(self.place)


def _ends(arrivals: list[Arrival], asked: Asked) -> Iterator[End]:
    for arrival in arrivals:
        state = arrival.state
        if isinstance(state, Batch):
            shared = Shared(asked, state)
            for place in range(len(state.members)):
                yield End(arrival, shared, place)
        else:
            yield End(arrival)


def _goals(arrivals: list[Arrival]) -> Iterator[Hashable]:
    """Go through where the packets of each end went."""
    for arrival in arrivals:
        state = arrival.state
        yield from map(goal, state.members if isinstance(state, Batch) else (state,))


def _trace(end: End) -> Hashable:
    """Tell ends apart by their stops and what they assume."""
    arrival = end.arrival
    state = arrival.state
    way = (arrival.outcome, arrival.delivery, arrival.reason, state.now.get("out_interface"))
    return way, state.probability, state.assumptions, tuple(unrolled(state.stops))


def _fate(end: End) -> Hashable:
    """Tell ends apart by where they are and, if packets get there, by what they have become."""
    arrival = end.arrival
    become = arrival.state.rewriting if arrival.outcome is Outcome.REACHES else None
    return arrival.outcome, arrival.delivery, arrival.reason, become


def _with_equal_fates(arrivals: list[Arrival], asked: Asked) -> Iterator[list[End]]:
    """Join ends of one fate, and put together those that are as likely under the same assumptions.

    Most of very many ends are of packets that alone went where they went.
    """
    for alike in sorted_by(arrivals, lambda one: (one.outcome, one.delivery)):
        goals = [*_goals(alike)]
        count = Counter(goals)
        several = []
        for end, its in zip(_ends(alike, asked), goals, strict=True):
            if count[its] == 1:
                yield [end]
            else:
                several.append(end.alone())
        for held in sorted_by(several, lambda one: (goal(one.arrival.state), _fate(one))):
            states = united(overlaid([end.arrival.state for end in held]))
            joined = [End(attrs.evolve(held[0].arrival, state=state)) for state in states]
            likely = sorted_by(joined, lambda one: (one.probability, frozenset(one.arrival.state.assumptions)))
            yield from _without_overlaps(likely)


def _without_overlaps(alike: Iterable[list[End]]) -> Iterator[list[End]]:
    """Keep apart the shares that the same packets have in one fate by chance: alternatives of a flow do not overlap."""
    for ends in alike:
        if len(ends) == 1 or ends[0].probability == 1:
            yield ends
        else:
            yield from _apart(ends)


def _apart(ends: list[End]) -> list[list[End]]:
    flows: list[list[End]] = []
    for end in ends:
        state = end.arrival.state
        fits = (flow for flow in flows if not any(state.overlaps(other.arrival.state) for other in flow))
        flow = next(fits, None)
        if flow is None:
            flows.append([end])
        else:
            flow.append(end)
    return flows


def _flow(ends: list[End], asked: Asked) -> Flow:
    """Report ends that fare alike; what of it takes long is left to be asked for."""
    first = ends[0]
    told = first.shared or Told(asked, tuple([end.arrival.state for end in ends]))
    arrival = first.arrival
    return _made(arrival.outcome, first.probability, arrival.delivery, arrival.reason, told, first.place)
