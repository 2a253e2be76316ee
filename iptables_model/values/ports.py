"""Ports, by number and by the names of services."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from iptables_model.values.codec import Codec, Form, strtoul
from iptables_model.values.numbers import PortRange
from iptables_model.values.services import SERVICES

__all__ = ["ANY_PORTS", "PORT", "PORTS", "PORT_LIST", "PORT_WORD", "port"]

_PORT = r"(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}|0)"


def port(text: str) -> int:
    """Read a port by its number or by its service's name, as libxtables' xtables_parse_port does.

    Raises `ValueError` if it is neither.

    >>> port("https"), port("0x50")
    (443, 80)
    """
    number = SERVICES.get(text)
    if number is None:
        if not text[:1].isdigit():
            raise ValueError(f'needs a port or the name of a well-known service, found "{text}"')
        number = strtoul(text)
    if number > 65535:
        raise ValueError(f'needs a port from 0 to 65535, found "{text}"')
    return number


def _decimal(text: str) -> int:
    """Read a port as libxtables' xtables_getportbyname does, which asks getaddrinfo(3): a number is decimal."""
    if text not in SERVICES and not text.isdigit():
        raise ValueError(f'needs a port or the name of a well-known service, found "{text}"')
    return port(text.lstrip("0") or text[:1])


def _range(text: str, one: Callable[[str], int]) -> PortRange:
    first, colon, last = text.partition(":")
    low = one(first) if first or not colon else 0
    high = (one(last) if last else 65535) if colon else low
    return PortRange(low, high)


def _ports(text: str) -> PortRange:
    ports = _range(text, port)
    if ports.first > ports.last:
        raise ValueError(f'needs the lower port first, found "{text}"')
    return ports


def _single(text: str) -> int | None:
    ports = _ports(text)
    return ports.first if ports.first == ports.last else None


PORT_WORD = r"[0-9A-Za-z+._-]{1,24}"
"""What may be a port or a service; `port` has the last word."""

PORTS: Codec[PortRange] = Codec(
    name="ports",
    expected="a port or a range of ports",
    forms=(Form(regex=_PORT), Form(regex=rf"(?:{PORT_WORD})?:(?:{PORT_WORD})?|{PORT_WORD}", exact=False)),
    read=_ports,
    write=str,
    hint="a range is written 1024:65535; the name of a service may stand for its port",
    single=_single,
)
"""One port or a range, as `--dport` of `tcp` takes it."""

ANY_PORTS: Codec[PortRange] = attrs.evolve(PORTS, read=lambda text: _range(text, _decimal), single=None)
"""One port or a range, as libxtables' own parser reads it (xtopt_parse_mport): either end may be the higher."""


def _one_port(text: str) -> PortRange:
    ports = _ports(text)
    if ":" in text and (text[0] == ":" or text[-1] == ":" or ports.first == ports.last):
        raise ValueError(f'needs a range of ports with two different ends, found "{text}"')
    return ports


def _port_list(text: str) -> tuple[PortRange, ...]:
    ports = tuple(map(_one_port, text.split(",")))
    if sum(1 if one.first == one.last else 2 for one in ports) > 15:
        raise ValueError(f'needs at most 15 ports, of which a range counts as two, found "{text}"')
    return ports


PORT_LIST: Codec[tuple[PortRange, ...]] = Codec(
    name="port list",
    expected="up to 15 ports or ranges, separated by commas",
    forms=(
        Form(regex=rf"{_PORT}(?:,{_PORT}){{0,14}}"),
        Form(regex=r"[0-9A-Za-z+._:-]{1,49}(?:,[0-9A-Za-z+._:-]{1,49})*", exact=False),
    ),
    read=_port_list,
    write=lambda ports: ",".join(map(str, ports)),
    hint="a range counts as two ports",
)
"""Several ports, as `-m multiport --dports` takes them (struct xt_multiport_v1 has room for 15)."""

PORT: Codec[int] = Codec(
    name="port",
    expected="a port from 0 to 65535",
    forms=(Form(regex=_PORT), Form(regex=PORT_WORD, exact=False)),
    read=_decimal,
    write=str,
    hint="the name of a well-known service may stand for its port",
)
"""One port."""
