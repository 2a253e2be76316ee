"""What the match `set` asks of an ipset, whose elements the node tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any as Anything
from typing import TypeAlias

import attrs

from iptables_model.model import matches
from iptables_model.netfilter import intervals
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.condition import NEVER, All, Any, Assume, Condition, Not, OnceChanged, Within
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.ipsets import Device, Element, IpSet, Ports
from iptables_model.netfilter.meaning.asking import WITH_HEADER, asks
from iptables_model.netfilter.sets import AddressSet, LineSet, NameSet, NumberSet
from iptables_model.values.sets import SetRef, Side

__all__ = ["contents", "holds", "ipset"]

_FIELDS = ("src", "dst", "sport", "dport", "protocol", "in_interface", "out_interface", "mark")
_ICMP = NumberSet((1, 2, 58, 59))
_WITH_PORTS = NumberSet.read("6,17,132,136", 8)
"""The protocols of which ipset reads ports: TCP, UDP, SCTP and UDP-Lite (get_port, ip_set_getport.c)."""

Asked: TypeAlias = tuple[Condition, ...]
"""What one element asks, its first part to be joined with that of others."""


def ipset(match: matches.Set, evidence: Evidence) -> Condition:
    """Ask whether an ipset holds the packet (set_match_v4, net/netfilter/xt_set.c; ip_set_test, ip_set_core.c)."""
    inside = asks(match.match_set, lambda held: holds(held, evidence, exceptions=match.return_nomatch))
    counts = (match.packets_eq, match.packets_lt, match.packets_gt, match.bytes_eq, match.bytes_lt, match.bytes_gt)
    if all(count is None for count in counts):
        return inside
    statement = f"the counters of ipset {match.match_set.value.name} are as the rule asks"
    return All((inside, Assume(statement, "they have changed since", _FIELDS, fleeting=True)))


def contents(name: str) -> str:
    """Name what the target SET changes: the contents of an ipset."""
    return f"ipset {name}"


def holds(held: SetRef, evidence: Evidence, *, exceptions: bool = False) -> Condition:
    """Ask whether a set holds the packet, or (exceptions) whether what holds it is an element with nomatch.

    Once a rule on the way has changed the set, its given contents no longer tell.
    """
    thing = contents(held.name)
    changed = _unknown(held, "a rule changed it on the way", thing)
    return OnceChanged(thing, _given(held, evidence, exceptions=exceptions), changed)


def _given(held: SetRef, evidence: Evidence, *, exceptions: bool) -> Condition:
    """Ask the contents that were given."""
    known = evidence.ipset(held.name)
    if known is None:
        given = evidence.node is not None and evidence.node.ipsets
        return _unknown(held, "it is not among the ipsets of the node" if given else "its contents are not in the dump")
    if known.bitmask is not None:
        return _unknown(held, "its addresses have a bitmask")
    if known.type == "list:set":
        # A list cannot hold a list (list_set_uadd, net/netfilter/ipset/ip_set_list_set.c).
        members = (SetRef(str(element.values[0]), held.directions) for element in known.elements)
        plain = (one for one in members if getattr(evidence.ipset(one.name), "type", "") != "list:set")
        return Any(tuple(holds(one, evidence, exceptions=exceptions) for one in plain))
    if len(held.directions) < len(known.dimensions) or not _is_of_family(known, evidence.family):
        return NEVER
    return _found(known, held, exceptions=exceptions)


def _unknown(held: SetRef, reason: str, *beside: str) -> Assume:
    statement = f"ipset {held.name} holds the packet's {','.join(map(str, held.directions))}"
    return Assume(statement, reason, (*_FIELDS, *beside))


def _is_of_family(known: IpSet, family: int) -> bool:
    """Say whether a set can hold packets of an IP version; some types hold both (NFPROTO_UNSPEC)."""
    return known.type in {"bitmap:port", "hash:mac"} or known.family == family


def _found(known: IpSet, held: SetRef, *, exceptions: bool) -> Condition:
    """Look from the longest prefixes to the shortest: the first element found decides (mtype_test_cidrs).

    An element with nomatch is an exception from those with shorter prefixes, of which it is no matter whether they
    come later if there is none.
    """
    by_interface = known.type == "hash:net,iface"
    has_exceptions = "net" in known.dimensions and any(element.nomatch for element in known.elements)
    if not has_exceptions and not by_interface:
        exceptional = exceptions and "net" in known.dimensions
        return NEVER if exceptional else _one_of(known.elements, known, held)
    levels: defaultdict[tuple[int, ...], list[Element]] = defaultdict(list)
    for element in known.elements:
        levels[_sizes(element, known)].append(element)
    found: list[Condition] = []
    passed: list[Condition] = []
    for size in sorted(levels):
        wanted = [element for element in levels[size] if element.nomatch is exceptions]
        others = [element for element in levels[size] if element.nomatch is not exceptions]
        if wanted:
            found.append(All((_one_of(wanted, known, held), Not(Any(tuple(passed))))))
        if by_interface:
            # The longest prefix ends the search, whichever interface it is with (`multi` in mtype_test_cidrs).
            networks = (one.bounds for element in levels[size] for one in element.values if isinstance(one, AddressSet))
            passed.append(Within(str(held.directions[0]), AddressSet(intervals.unite(networks), known.family)))
        elif others:
            passed.append(_one_of(others, known, held))
    return Any(tuple(found))


def _sizes(element: Element, known: IpSet) -> tuple[int, ...]:
    """Give the sizes of an element's networks; that of the first one is the more important."""
    held = zip(known.dimensions, element.values, strict=True)
    networks = (value.bounds for kind, value in held if kind == "net" and isinstance(value, AddressSet))
    return tuple(high - low for low, high in networks)


def _one_of(elements: Iterable[Element], known: IpSet, held: SetRef) -> Condition:
    """Ask for any of some elements; those that differ in their first value only are asked for at once."""
    joined: defaultdict[Asked, list[Within]] = defaultdict(list)
    for element in elements:
        first, *rest = _asked(element, known, held.directions)
        joined[tuple(rest)].append(first)
    return Any(tuple(All(_known_first((*rest, _either(firsts)))) for rest, firsts in joined.items()))


def _known_first(asked: Asked) -> Asked:
    """Ask what parts the packets least first: the values that many elements share, and nothing assumed."""
    return tuple(sorted(asked, key=lambda one: isinstance(one, Assume)))


def _either(asked: Sequence[Anything]) -> Condition:
    """Join what asks the same field for sets of points into one."""
    one = asked[0]
    if len(asked) == 1 or not isinstance(one, Within) or not isinstance(one.allowed, LineSet):
        return Any(tuple(asked))
    bounds = intervals.unite(each.allowed.bounds for each in asked)
    return Within(one.field, attrs.evolve(one.allowed, bounds=bounds))


def _asked(element: Element, known: IpSet, sides: Sequence[Side]) -> Iterator[Anything]:
    for value, side in zip(element.values, sides, strict=False):
        if isinstance(value, AddressSet):
            yield Within(str(side), value)
        elif isinstance(value, Ports):
            yield from _ports(value, side)
        elif isinstance(value, Device):
            yield _device(value, side)
        elif isinstance(value, NameSet):
            yield _hardware_address(value, side, known)
        elif isinstance(value, int):
            yield Within("mark", BitSet.of(value, known.markmask))


def _ports(value: Ports, side: Side) -> Iterator[Condition]:
    """Ask for a protocol and what stands for its port (get_port, net/netfilter/ipset/ip_set_getport.c)."""
    if value.protocols in _WITH_PORTS:
        yield Within("sport" if side is Side.SRC else "dport", value.numbers)
        yield WITH_HEADER
    elif value.protocols in _ICMP:
        yield Within("icmp_type", value.numbers)
        yield WITH_HEADER
    elif NumberSet.of(0) not in value.numbers:
        yield NEVER
    yield Within("protocol", value.protocols)


def _device(value: Device, side: Side) -> Condition:
    """Ask for the interface; nothing in a rule has a packet's bridge port looked up (IPSET_FLAG_PHYSDEV)."""
    if value.bridge_port:
        return NEVER
    return Within("in_interface" if side is Side.SRC else "out_interface", NameSet.of(value.name))


def _hardware_address(value: NameSet, side: Side, known: IpSet) -> Condition:
    """Ask for the hardware address from which, or to which, the packet came."""
    if side is Side.SRC:
        return Within("mac_source", value)
    return Assume(
        f"the hardware address {value} is that of ipset {known.name}", "a packet here has no such address", ()
    )
