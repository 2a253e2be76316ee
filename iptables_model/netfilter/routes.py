"""Routes, and what they decide about addresses: the longest prefix wins (fib_table_lookup, net/ipv4/fib_trie.c)."""

from __future__ import annotations

import enum
import ipaddress
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import attrs

from iptables_model.errors import ModelError
from iptables_model.netfilter import intervals
from iptables_model.netfilter.intervals import Bounds
from iptables_model.netfilter.sets import AddressSet, NameSet
from iptables_model.source import printable
from iptables_model.values.addresses import Prefix
from iptables_model.values.names import Interface

__all__ = ["Decision", "Route", "RouteType", "decisions", "interface_name"]

_TABLES = ("local", "main", "default")
"""The tables that every packet asks, in this order (fib_default_rules_init, net/ipv4/fib_rules.c)."""


class RouteType(enum.StrEnum):
    """Say what a route does with packets, in the words of `ip route` (include/uapi/linux/rtnetlink.h, rtm_type)."""

    UNICAST = "unicast"
    LOCAL = "local"
    BROADCAST = "broadcast"
    ANYCAST = "anycast"
    MULTICAST = "multicast"
    BLACKHOLE = "blackhole"
    UNREACHABLE = "unreachable"
    PROHIBIT = "prohibit"
    THROW = "throw"


def interface_name(text: object) -> str:
    """Check the name of an interface (dev_valid_name, net/core/dev.c). Raises `ModelError`."""
    if isinstance(text, str) and re.fullmatch(r"[^\s/]{1,15}", text):
        return text
    raise ModelError(f'a node needs names of interfaces, found "{printable(str(text)[:40])}"')


def _prefix(value: str | Prefix) -> Prefix:
    try:
        return ipaddress.ip_network(value)
    except (ValueError, TypeError):
        raise ModelError(f'a route needs a network, found "{printable(str(value)[:60])}"') from None


def _interfaces(value: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(interface_name(name) for name in ([value] if isinstance(value, str) else value))


def _type(value: str) -> RouteType:
    try:
        return RouteType(value)
    except ValueError:
        raise ModelError(f'a route is of type {", ".join(RouteType)}, found "{printable(str(value)[:40])}"') from None


@attrs.frozen(kw_only=True)
class Route:
    """Describe one route: a network, and by which interfaces its packets leave (one for each next hop).

    `table` is `main` unless said otherwise. Of routes to the same network the one with the lowest `metric` counts; one
    with a `tos` is for packets with that only. Raises `ModelError` for what is none.

    >>> Route(destination="10.244.1.0/24", interfaces="eth0")
    Route(destination=IPv4Network('10.244.1.0/24'), interfaces=('eth0',), type='unicast', table='main', metric=0, tos=0)
    """

    destination: Prefix = attrs.field(converter=_prefix)
    interfaces: tuple[str, ...] = attrs.field(default=(), converter=_interfaces)
    type: RouteType = attrs.field(default=RouteType.UNICAST, converter=_type, repr=lambda held: repr(str(held)))
    table: str = "main"
    metric: int = 0
    tos: int = 0

    def __attrs_post_init__(self) -> None:
        if self.type is RouteType.UNICAST and not self.interfaces:
            raise ModelError(f"the route to {self.destination} needs an interface")


@attrs.frozen
class Decision:
    """Hold what routing decides: the type of the route (None: there is none), and the ways out that it leaves open."""

    type: RouteType | None
    interfaces: NameSet

    @property
    def problem(self) -> str:
        """Say why packets end here, or nothing if they do not."""
        if self.type is None:
            return "no route leads to the destination"
        if self.type in (RouteType.BLACKHOLE, RouteType.UNREACHABLE, RouteType.PROHIBIT):
            return f"the route to the destination is {self.type.value}"
        return ""


def decisions(routes: Iterable[Route], version: int) -> tuple[tuple[Decision, AddressSet], ...]:
    """Part all addresses of an IP version by what routing decides about them.

    >>> routes = [Route(destination="0.0.0.0/0", interfaces="eth0"), Route(destination="10.9.0.0/16", type="blackhole")]
    >>> [(decision.problem, str(addresses)) for decision, addresses in decisions(routes, 4)]
    [('', 'any but 10.9.0.0/16'), ('the route to the destination is blackhole', '10.9.0.0/16')]
    """
    best = _best(route for route in routes if route.destination.version == version and not route.tos)
    rest = AddressSet.everything(version)
    found: defaultdict[Decision, list[Bounds]] = defaultdict(list)
    for table in _TABLES:
        taken = []
        for decision, bounds in _decisions_of([route for route in best if route.table == table]).items():
            # A route of type throw ends the search in its table, and the next one is asked (fib_rules_lookup).
            if decision.type is not RouteType.THROW:
                found[decision].append((AddressSet(bounds, version) & rest).bounds)
                taken.append(bounds)
        rest -= AddressSet(intervals.unite(taken), version)
    if rest:
        found[Decision(None, NameSet(()))].append(rest.bounds)
    parts = ((decision, AddressSet(intervals.unite(bounds), version)) for decision, bounds in found.items())
    return tuple((decision, addresses) for decision, addresses in parts if addresses)


def _decisions_of(routes: Sequence[Route]) -> dict[Decision, Bounds]:
    """Give the addresses of one table by what it decides about them."""
    nested = []
    for route in routes:
        low, high = AddressSet.of(route.destination).bounds
        nested.append((low, high, _decision(route)))
    found: defaultdict[Decision, list[Bounds]] = defaultdict(list)
    for low, high, decision in intervals.innermost(nested):
        found[decision].append((low, high))
    return {decision: intervals.unite(bounds) for decision, bounds in found.items()}


def _decision(route: Route) -> Decision:
    names = (NameSet.of(Interface(name)).bounds for name in route.interfaces)
    return Decision(route.type, NameSet(intervals.unite(names)))


def _best(routes: Iterable[Route]) -> list[Route]:
    """Keep the route of the lowest metric to each network; of several IPv6 routes, any may be taken (rt6_select)."""
    kept: dict[tuple[str, Prefix], Route] = {}
    for route in routes:
        key = (route.table, route.destination)
        known = kept.get(key)
        if known is None or route.metric < known.metric:
            kept[key] = route
        elif route.metric == known.metric and route.destination.version == 6 and route.type is known.type:
            kept[key] = attrs.evolve(known, interfaces=known.interfaces + route.interfaces)
    return list(kept.values())
