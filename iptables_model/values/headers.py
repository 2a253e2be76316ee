"""The extension headers of IPv6 and what stands in them."""

from __future__ import annotations

import enum
import ipaddress

import attrs

from iptables_model.values.addresses import IPV6, address, address_text
from iptables_model.values.codec import NUMBER, Codec, Form, strtoul
from iptables_model.values.numbers import NumberRange

__all__ = ["HEADERS", "HEADER_OPTIONS", "MH_TYPES", "ROUTE", "HeaderOption", "Ipv6Header"]


class Ipv6Header(enum.StrEnum):
    """A header that a packet can have behind that of IPv6; PROTOCOL is the one of the layer above."""

    HOP_BY_HOP = "hop-by-hop"
    DESTINATION = "ipv6-opts"
    ROUTING = "ipv6-route"
    FRAGMENT = "ipv6-frag"
    AUTHENTICATION = "ah"
    ESP = "esp"
    NONE = "ipv6-nonxt"
    PROTOCOL = "protocol"


_HEADER_NAMES: dict[str, Ipv6Header] = {header.value: header for header in Ipv6Header} | {
    "hop": Ipv6Header.HOP_BY_HOP, "0": Ipv6Header.HOP_BY_HOP,
    "dst": Ipv6Header.DESTINATION, "60": Ipv6Header.DESTINATION,
    "route": Ipv6Header.ROUTING, "43": Ipv6Header.ROUTING,
    "frag": Ipv6Header.FRAGMENT, "44": Ipv6Header.FRAGMENT,
    "auth": Ipv6Header.AUTHENTICATION, "51": Ipv6Header.AUTHENTICATION,
    "50": Ipv6Header.ESP,
    "none": Ipv6Header.NONE, "59": Ipv6Header.NONE,
    "prot": Ipv6Header.PROTOCOL, "255": Ipv6Header.PROTOCOL,
}  # fmt: skip


def _headers(text: str) -> tuple[Ipv6Header, ...]:
    found = {_HEADER_NAMES[name] for name in text.split(",")}
    return tuple(header for header in Ipv6Header if header in found)


_HEADER = f"(?:{'|'.join(sorted(_HEADER_NAMES, reverse=True))})"

HEADERS: Codec[tuple[Ipv6Header, ...]] = Codec(
    name="IPv6 headers",
    expected="names of IPv6 headers, separated by commas",
    forms=(Form(regex=f"{_HEADER}(?:,{_HEADER})*"),),
    read=_headers,
    write=",".join,
    keyword=True,
    hint="the names are hop, dst, route, frag, auth, esp, none and prot",
)
"""Headers, printed in the order of the bits that stand for them (ip6t_ipv6header.h)."""


@attrs.frozen
class HeaderOption:
    """Hold the type of an option and its length, or None for any length.

    >>> str(HeaderOption(5, 2)), str(HeaderOption(5))
    ('5:2', '5')
    """

    type: int
    length: int | None = None

    def __str__(self) -> str:
        return str(self.type) if self.length is None else f"{self.type}:{self.length}"


def _header_option(text: str) -> HeaderOption:
    kind_text, colon, length_text = text.partition(":")
    kind, length = strtoul(kind_text), strtoul(length_text) if colon else 0xFF
    if max(kind, length) > 0xFF:
        raise ValueError(f'needs types and lengths from 0 to 255, found "{text}"')
    if kind == 0 and colon:
        raise ValueError(f'needs no length for option 0, which is one byte of padding, found "{text}"')
    # The kernel takes the highest length for any (net/ipv6/netfilter/ip6t_hbh.c, hbh_mt6).
    return HeaderOption(kind, None if length == 0xFF else length)


_MOST = 16
"""IP6T_OPTS_OPTSNR; iptables reads no length for the last of so many (extensions/libip6t_hbh.c)."""


def _header_options(text: str) -> tuple[HeaderOption, ...]:
    options = tuple(map(_header_option, text.split(",")))
    if len(options) > _MOST or (len(options) == _MOST and options[-1].length is not None):
        raise ValueError(f'needs at most {_MOST} options, the last without a length, found "{text}"')
    return options


HEADER_OPTIONS: Codec[tuple[HeaderOption, ...]] = Codec(
    name="header options",
    expected="types of options with optional lengths: 5:2,1",
    forms=(
        Form(regex=r"[1-9][0-9]?(?::[1-9]?[0-9])?(?:,[1-9][0-9]?(?::[1-9]?[0-9])?){0,14}"),
        Form(regex=rf"{NUMBER}(?::{NUMBER})?(?:,{NUMBER}(?::{NUMBER})?)*", exact=False),
    ),
    read=_header_options,
    write=lambda options: ",".join(map(str, options)),
)
"""The options of a hop-by-hop or destination header."""

_MH_NAMES = {
    "binding-refresh-request": 0, "brr": 0, "home-test-init": 1, "hoti": 1, "careof-test-init": 2, "coti": 2,
    "home-test": 3, "hot": 3, "careof-test": 4, "cot": 4, "binding-update": 5, "bu": 5,
    "binding-acknowledgement": 6, "ba": 6, "binding-error": 7, "be": 7,
}  # fmt: skip


def _mh_type(text: str) -> int:
    named = _MH_NAMES.get(text.lower())
    number = strtoul(text) if named is None else named
    if number > 255:
        raise ValueError(f'needs types from 0 to 255, found "{text}"')
    return number


def _mh_types(text: str) -> NumberRange:
    first, colon, last = text.partition(":")
    low = _mh_type(first) if first else 0
    high = (_mh_type(last) if last else 255) if colon else low
    if low > high:
        raise ValueError(f'needs the lower type first, found "{text}"')
    return NumberRange(low, high)


_MH = rf"(?:[a-zA-Z-]{{2,24}}|{NUMBER})"

MH_TYPES: Codec[NumberRange] = Codec(
    name="mobility header types",
    expected="a type of mobility header, or a range of types",
    forms=(Form(regex=r"[1-9]?[0-9]"), Form(regex=rf"{_MH}?:{_MH}?|{_MH}", exact=False)),
    read=_mh_types,
    write=str,
    hint="the names are brr, hoti, coti, hot, cot, bu, ba and be",
)
"""Types of mobility headers, by number or name."""


def _route(text: str) -> tuple[ipaddress.IPv6Address, ...]:
    addresses = tuple(hop for hop in map(address, text.split(",")) if isinstance(hop, ipaddress.IPv6Address))
    if len(addresses) > 16:
        raise ValueError(f"needs at most 16 addresses, found {len(addresses)}")
    return addresses


ROUTE: Codec[tuple[ipaddress.IPv6Address, ...]] = Codec(
    name="route",
    expected="IPv6 addresses, separated by commas",
    forms=(Form(regex=rf"{IPV6}(?:,{IPV6})*", family=6, exact=False),),
    read=_route,
    write=lambda hops: ",".join(map(address_text, hops)),
)
"""The addresses of a type 0 routing header."""
