"""What addresses and ports are changed to."""

from __future__ import annotations

import attrs

from iptables_model.values.addresses import (
    IPV4,
    IPV6,
    PLAIN_IPV6,
    PREFIX,
    Address,
    Prefix,
    address,
    address_text,
    ends,
    network_text,
)
from iptables_model.values.codec import Codec, Form
from iptables_model.values.numbers import PortRange
from iptables_model.values.ports import PORT_WORD, port

__all__ = ["NAT_PORTS", "NAT_RANGE", "NPT_PREFIX", "NatRange", "nat_ports_text"]

_LOW_PORT = r"(?:[1-5][0-9]{4}|[1-9][0-9]{0,3})"


@attrs.frozen(kw_only=True)
class NatRange:
    """Hold the addresses and ports to map to; each is None where it is left as it is.

    With `base_port` the ports are shifted: the packet's port less the base port, from the first port on.

    >>> str(NatRange(first=address("10.0.0.1"), last=address("10.0.0.1"), ports=PortRange(80, 80)))
    '10.0.0.1:80'
    >>> str(NatRange(first=address("fd00::1"), last=address("fd00::5"), ports=PortRange(80, 90)))
    '[fd00::1-fd00::5]:80-90'
    """

    first: Address | None = None
    last: Address | None = None
    ports: PortRange | None = None
    base_port: int | None = None

    def __str__(self) -> str:
        addresses = ""
        if self.first is not None and self.last is not None:
            addresses = address_text(self.first)
            if self.last != self.first:
                addresses += f"-{address_text(self.last)}"
        if self.ports is None:
            return addresses
        if self.first is not None and self.first.version == 6:
            addresses = f"[{addresses}]"
        base = "" if self.base_port is None else f"/{self.base_port}"
        return f"{addresses}:{nat_ports_text(self.ports)}{base}"


def nat_ports_text(ports: PortRange) -> str:
    """Write ports with a dash between them, as targets do.

    >>> nat_ports_text(PortRange(80, 90))
    '80-90'
    """
    return str(ports).replace(":", "-")


def _ports(text: str) -> PortRange:
    """Read `80`, `80-90` or the names of services, which may have dashes of their own."""
    low, dash, high = text.partition("-") if text[0].isdigit() else (text, "", "")
    first = port(low)
    last = port(high) if dash else first
    if first > last:
        raise ValueError(f'needs the lower port first, found "{text}"')
    return PortRange(first, last)


def _split(text: str) -> tuple[str, str]:
    """Part the addresses from the ports (extensions/libxt_NAT.c, parse_to)."""
    if text.startswith("["):
        addresses, _, rest = text[1:].partition("]")
        return addresses, rest.removeprefix(":")
    if text.count(":") > 1:
        return text, ""
    addresses, _, ports = text.partition(":")
    return addresses, ports


def _nat_range(text: str) -> NatRange:
    address_part, port_part = _split(text)
    first, last = ends(address_part) if address_part else (None, None)
    if not port_part:
        if first is None:
            raise ValueError(f'needs an address or a port, found "{text}"')
        return NatRange(first=first, last=last)
    ports, slash, base = port_part.partition("/")
    if slash and "-" not in ports:
        raise ValueError(f'needs a range of ports before the base port, found "{text}"')
    return NatRange(first=first, last=last, ports=_ports(ports), base_port=port(base) if slash else None)


_PORT_PART = rf":{PORT_WORD}(?:/{PORT_WORD})?"

NAT_RANGE: Codec[NatRange] = Codec(
    name="NAT range",
    expected="addresses, ports, or both: 10.0.0.1-10.0.0.9:8000-8010",
    forms=(
        Form(regex=rf"{IPV4}(?::{_LOW_PORT})?", family=4),
        Form(regex=rf"\[{PLAIN_IPV6}\]:{_LOW_PORT}", family=6),
        Form(regex=rf"{IPV4}(?:-{IPV4})?(?:{_PORT_PART})?", family=4, exact=False),
        Form(regex=_PORT_PART, exact=False),
        Form(regex=rf"\[{IPV6}(?:-{IPV6})?\](?:{_PORT_PART})?|{IPV6}(?:-{IPV6})?", family=6, exact=False),
    ),
    read=_nat_range,
    write=str,
    hint="an IPv6 address with a port is written [fd00::1]:80",
)
"""What SNAT and DNAT change to."""


def _npt_prefix(text: str) -> Prefix:
    prefix = PREFIX.read(text)
    if prefix.prefixlen > 64 or address(text.partition("/")[0]) != prefix.network_address:
        raise ValueError(f'needs a prefix of at most 64 bits, and none behind them, found "{text}"')
    return prefix


NPT_PREFIX: Codec[Prefix] = Codec(
    name="IPv6 prefix",
    expected="an IPv6 prefix of at most 64 bits",
    forms=(Form(regex=rf"{IPV6}/(?:6[0-4]|[1-5]?[0-9])", family=6, exact=False),),
    read=_npt_prefix,
    write=network_text,
)
"""What SNPT and DNPT translate (net/ipv6/netfilter/ip6t_NPT.c, ip6t_npt_checkentry)."""

NAT_PORTS: Codec[PortRange] = Codec(
    name="NAT ports",
    expected="a port or a range of ports",
    forms=(Form(regex=r"[1-9][0-9]{0,3}"), Form(regex=PORT_WORD, exact=False)),
    read=_ports,
    write=nat_ports_text,
    hint="a range is written 8000-8010",
)
"""The ports that `--to-ports` takes."""
