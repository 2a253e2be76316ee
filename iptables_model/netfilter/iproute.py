"""What `ip -j addr` and `ip -j route` print about a node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Any, TypeAlias

from iptables_model.errors import ModelError, ParseError
from iptables_model.netfilter.routes import Route
from iptables_model.source import Span, printable

__all__ = ["read_addresses", "read_routes"]

_NUMBERED = {"253": "default", "254": "main", "255": "local"}
"""Tables as `ip -N` prints them (include/uapi/linux/rtnetlink.h, rt_class_t)."""

InterfaceAddresses: TypeAlias = tuple[tuple[str, tuple[IPv4Interface | IPv6Interface, ...]], ...]


def read_addresses(text: str, *, name: str = "<addresses>") -> InterfaceAddresses:
    """Read the interfaces and their addresses from the output of `ip -j addr`.

    Raises `ParseError` for what is no JSON, and `ModelError` for what `ip` would not print.

    >>> read_addresses('[{"ifname": "eth0", "addr_info": [{"local": "172.18.0.3", "prefixlen": 16}]}]')
    (('eth0', (IPv4Interface('172.18.0.3/16'),)),)
    """
    return tuple(
        (_of(item, "ifname", str, where), tuple(_addresses(item, where)))
        for item, where in _items(text, name)
        # One with a family filter prints an empty object for each interface without such an address.
        if item
    )


def _addresses(item: dict[str, Any], where: str) -> Iterator[IPv4Interface | IPv6Interface]:
    for place, held in enumerate(_of(item, "addr_info", list, where, default=[])):
        inside = f"{where}.addr_info[{place}]"
        if not isinstance(held, dict):
            raise ModelError(f"{inside} needs to be an object")
        local, length = _of(held, "local", str, inside), _of(held, "prefixlen", int, inside)
        try:
            yield ip_interface(f"{local}/{length}")
        except ValueError as error:
            raise ModelError(f"{inside}: {error}") from None


def read_routes(text: str, *, name: str = "<routes>") -> tuple[Route, ...]:
    """Read routes from the output of `ip -j route`, `ip -j -6 route`, `ip -j route show table all`, or several of them.

    Raises `ParseError` for what is no JSON, and `ModelError` for what `ip` would not print.

    >>> [str(route.destination) for route in read_routes('[{"dst": "default", "dev": "eth0"}]')]
    ['0.0.0.0/0']
    """
    return tuple(_route(item, where) for item, where in _items(text, name) if not _is_dead(item))


def _is_dead(route: dict[str, Any]) -> bool:
    """Say whether the interfaces of a route are down, so that the kernel passes it over (fib_table_lookup)."""
    hops = route.get("nexthops")
    if hops and isinstance(hops, list):
        return all(isinstance(hop, dict) and "dead" in _flags(hop) for hop in hops)
    return "dead" in _flags(route)


def _flags(item: dict[str, Any]) -> Any:
    found = item.get("flags")
    return found if isinstance(found, list) else ()


def _route(item: dict[str, Any], where: str) -> Route:
    try:
        return Route(
            destination=_destination(item, where),
            interfaces=tuple(_interfaces(item, where)),
            type=_of(item, "type", str, where, default="unicast"),
            table=_table(_of(item, "table", str, where, default="main")),
            metric=_of(item, "metric", int, where, default=0),
            tos=_tos(item, where),
        )
    except ModelError as error:
        message = str(error)
        raise ModelError(message if message.startswith(where) else f"{where}: {message}") from None


def _destination(item: dict[str, Any], where: str) -> str:
    said: str = _of(item, "dst", str, where)
    if said != "default":
        return said
    # Only routes of IPv6 have a preference (RTA_PREF, net/ipv6/route.c).
    return "::/0" if "pref" in item or ":" in str(item.get("gateway")) else "0.0.0.0/0"


def _table(said: str) -> str:
    return _NUMBERED.get(said, said)


def _interfaces(item: dict[str, Any], where: str) -> Iterator[str]:
    for place, hop in enumerate(_of(item, "nexthops", list, where, default=[])):
        inside = f"{where}.nexthops[{place}]"
        if not isinstance(hop, dict):
            raise ModelError(f"{inside} needs to be an object")
        if "dead" not in _flags(hop):
            yield _of(hop, "dev", str, inside)
    if "dev" in item:
        yield _of(item, "dev", str, where)


def _tos(item: dict[str, Any], where: str) -> int:
    said = _of(item, "tos", str, where, default="0")
    try:
        return int(said, 0)
    except ValueError:
        # A name of /etc/iproute2/rt_dsfield, of which all but the default are more than zero.
        return 0 if said == "default" else 0xFF


def _of(item: dict[str, Any], key: str, kind: type, where: str, *, default: Any = None) -> Any:
    """Give what stands under a key, or the default where there is one. Raises `ModelError`."""
    found = item.get(key, default)
    if not isinstance(found, kind) or isinstance(found, bool):
        words = {str: "a text", int: "a number", list: "a list"}[kind]
        shown = "nothing" if found is None else printable(repr(found)[:40])
        raise ModelError(f"{where}.{key} needs {words}, found {shown}")
    return found


def _items(text: str, name: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Go through the objects of one or more lists, each with words for where it stands."""
    for number, listed in enumerate(_documents(text, name)):
        if not isinstance(listed, list):
            raise ModelError(f"{name} needs a list, as ip -j prints it")
        for place, item in enumerate(listed):
            where = f"{name}[{place}]" if number == 0 else f"{name}, list {number + 1}[{place}]"
            if not isinstance(item, dict):
                raise ModelError(f"{where} needs to be an object")
            yield item, where


def _documents(text: str, name: str) -> Iterator[Any]:
    """Read one JSON text after the other, as commands write them into one file."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            found, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise _no_json(text, name, error.pos, error.msg) from None
        except RecursionError:
            raise _no_json(text, name, at, "it is nested too deeply") from None
        except ValueError:
            raise _no_json(text, name, at, "a number has too many digits") from None
        yield found


def _no_json(text: str, name: str, at: int, problem: str) -> ParseError:
    start = text.rfind("\n", 0, at) + 1
    line = text[start:].split("\n", 1)[0]
    column = at - start + 1
    return ParseError(
        f"no JSON: {problem[0].lower()}{problem[1:]}",
        source=name,
        span=Span(text.count("\n", 0, at) + 1, column, column + 1),
        text=line,
        expected="JSON",
        hint="the text is that of ip -j addr, or of ip -j route",
    )
