"""Addresses, prefixes, odd masks and ranges of both families."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TypeAlias

import attrs

from iptables_model.values.codec import NUMBER, Codec, Form, between

__all__ = [
    "ADDRESS",
    "ADDRESS_RANGE",
    "HOST_PREFIX",
    "IPV4",
    "IPV6",
    "MAC",
    "NETWORK",
    "PLAIN_IPV6",
    "PLAIN_PREFIX",
    "PREFIX",
    "PREFIX_LENGTH",
    "Address",
    "AddressRange",
    "HostPrefix",
    "MacAddress",
    "MaskedAddress",
    "Network",
    "Prefix",
    "address",
    "address_text",
    "ends",
    "network",
    "network_text",
    "single_address",
    "width",
]

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IPV4 = rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}"
"""A dotted quad."""
IPV6 = r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*(?:[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)?"
"""What may be an IPv6 address; inet_pton(3) has the last word."""

_GROUP = r"[0-9A-Fa-f]{1,4}"
PLAIN_IPV6 = rf"(?:(?:{_GROUP}:){{1,5}}(?::{_GROUP}){{1,2}}|(?:{_GROUP}:){{7}}{_GROUP}|(?:{_GROUP}:){{1,7}}:)"
"""An IPv6 address as it is mostly written; these are all that inet_pton(3) reads without a further look."""


@attrs.frozen(kw_only=True)
class MaskedAddress:
    """Hold an address with a mask whose ones are not all on the left, as `-s 10.0.0.1/255.0.255.255` gives it.

    >>> str(MaskedAddress(version=4, address=0x0A000001, mask=0xFF00FFFF))
    '10.0.0.1/255.0.255.255'
    """

    version: int
    address: int
    mask: int

    def __str__(self) -> str:
        bare, mask = (address_text(_from_int(value, self.version)) for value in (self.address, self.mask))
        return f"{bare}/{mask}"


Prefix: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
HostPrefix: TypeAlias = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Network: TypeAlias = Prefix | MaskedAddress


@attrs.frozen
class AddressRange:
    """Hold the addresses from `first` to `last`, both included.

    >>> str(AddressRange(address("10.0.0.1"), address("10.0.0.9")))
    '10.0.0.1-10.0.0.9'
    """

    first: Address
    last: Address

    def __str__(self) -> str:
        return f"{address_text(self.first)}-{address_text(self.last)}"


def width(version: int) -> int:
    """Count the bits of an address of IP version 4 or 6."""
    return 32 if version == 4 else 128


def _from_int(value: int, version: int) -> Address:
    return ipaddress.IPv4Address(value) if version == 4 else ipaddress.IPv6Address(value)


def address(text: str) -> Address:
    """Read one address of either family.

    Raises `ValueError` if it is none.

    >>> address("::ffff:10.0.0.1")
    IPv6Address('::ffff:a00:1')
    """
    return _from_int(*_number(text))


def _number(text: str) -> tuple[int, int]:
    """Read an address as a number and its version."""
    try:
        # Three times as fast as the text constructors of ipaddress, and what iptables itself calls.
        if ":" in text:
            return int.from_bytes(socket.inet_pton(socket.AF_INET6, text)), 6
        return int.from_bytes(socket.inet_pton(socket.AF_INET, text)), 4
    except (OSError, ValueError):
        raise ValueError(f'needs an address, found "{text}"') from None


def address_text(value: Address) -> str:
    """Write an address as inet_ntop(3) does, which iptables uses.

    >>> address_text(address("::ffff:a00:1"))
    '::ffff:10.0.0.1'
    """
    return str(value) if value.version == 4 else socket.inet_ntop(socket.AF_INET6, value.packed)


def network(text: str) -> Network:
    """Read an address with an optional mask: a length, or dotted (as libxtables' xtables_ipparse_any).

    Host bits are cleared, as iptables does. Raises `ValueError` if it is none.

    >>> network("10.0.0.1/8"), network("10.1.2.3/255.255.255.255"), network("fd00::1")
    (IPv4Network('10.0.0.0/8'), IPv4Network('10.1.2.3/32'), IPv6Network('fd00::1/128'))
    """
    return _network_of(*_masked(text))


def _network_of(number: int, mask: int, version: int) -> Network:
    length = mask.bit_count()
    if mask != _MASKS[version][length]:
        return MaskedAddress(version=version, address=number & mask, mask=mask)
    prefix = number & mask, length
    return ipaddress.IPv4Network(prefix) if version == 4 else ipaddress.IPv6Network(prefix)


def _masked(text: str) -> tuple[int, int, int]:
    """Read an address and its mask as numbers, and their version."""
    host, slash, mask_text = text.partition("/")
    number, version = _number(host)
    masks = _MASKS[version]
    if not slash:
        return number, masks[-1], version
    if mask_text.isdigit():
        if int(mask_text) >= len(masks):
            raise ValueError(f'needs a mask length from 0 to {len(masks) - 1}, found "{mask_text}"')
        return number, masks[int(mask_text)], version
    mask, other = _number(mask_text)
    if other != version:
        raise ValueError(f'needs an address and a mask of one family, found "{text}"')
    return number, mask, version


_MASKS = {
    version: [((1 << length) - 1) << (width(version) - length) for length in range(width(version) + 1)]
    for version in (4, 6)
}
"""The mask of each length, for each IP version."""


def single_address(value: Network) -> Address | None:
    """Give the one address that a network has, or None where it has more.

    >>> single_address(network("10.1.2.3")), single_address(network("10.0.0.0/8"))
    (IPv4Address('10.1.2.3'), None)
    """
    if isinstance(value, MaskedAddress) or value.prefixlen != value.max_prefixlen:
        return None
    return value.network_address


def network_text(value: Network) -> str:
    """Write a network as iptables-save does: always with its length, or its odd mask.

    >>> network_text(network("10.1.2.3"))
    '10.1.2.3/32'
    """
    if isinstance(value, MaskedAddress):
        return str(value)
    return f"{address_text(value.network_address)}/{value.prefixlen}"


def ends(text: str) -> tuple[Address, Address]:
    """Read two addresses with a dash between them, or one that is both.

    Raises `ValueError` if they are of two families.

    >>> ends("10.0.0.1-10.0.0.9"), ends("fd00::1")
    ((IPv4Address('10.0.0.1'), IPv4Address('10.0.0.9')), (IPv6Address('fd00::1'), IPv6Address('fd00::1')))
    """
    first, _, last = text.partition("-")
    low = address(first)
    if not last:
        return low, low
    high = address(last)
    if low.version != high.version:
        raise ValueError(f'needs two addresses of one family, found "{text}"')
    return low, high


_SHORT_IPV4 = rf"(?:{_OCTET}\.){{0,2}}{_OCTET}"
_SHORT = re.compile(rf"\A{_SHORT_IPV4}(?=/|\Z)")


def _padded(text: str) -> str:
    """Write out an address of which the last zeros are left out, as 10 in 10/8 (numeric_to_ipaddr, libxtables)."""
    short = _SHORT.match(text)
    return text if short is None else short[0] + ".0" * (3 - short[0].count(".")) + text[short.end() :]


def _masked_or_short(text: str) -> tuple[int, int, int]:
    try:
        return _masked(text)
    except ValueError:
        return _masked(_padded(text))


def _network(text: str) -> Network:
    return _network_of(*_masked_or_short(text))


def _single(text: str) -> int | None:
    number, mask, version = _masked_or_short(text)
    return number if mask == _MASKS[version][-1] else None


NETWORK: Codec[Network] = Codec(
    name="network",
    expected="an address, with an optional mask",
    forms=(
        Form(regex=rf"{IPV4}/(?:3[0-2]|[12]?[0-9])", family=4),
        Form(regex=IPV4, family=4),
        Form(regex=rf"{IPV4}/{IPV4}", family=4),
        Form(regex=rf"{PLAIN_IPV6}(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?", family=6),
        Form(regex=rf"{IPV6}(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?", family=6, exact=False),
        Form(regex=rf"{IPV6}/{IPV6}", family=6, exact=False),
        Form(regex=rf"{_SHORT_IPV4}(?:/(?:3[0-2]|[12]?[0-9]|{IPV4}))?", family=4),
    ),
    read=_network,
    write=network_text,
    hint="a rule has one address, for example 10.0.0.0/8 or fd00::/64; host names are not looked up",
    single=_single,
)
"""A source or destination: a prefix or an address with any mask."""

ADDRESS: Codec[Address] = Codec(
    name="address",
    expected="an address",
    forms=(Form(regex=IPV4, family=4), Form(regex=IPV6, family=6, exact=False)),
    read=address,
    write=address_text,
)
"""One address."""


def _prefix(text: str) -> Prefix:
    found = network(text)
    if not isinstance(found, MaskedAddress):
        return found
    raise ValueError(f'needs a mask whose ones are all on the left, found "{text}"')


PREFIX: Codec[Prefix] = Codec(
    name="prefix",
    expected="an address with a mask",
    forms=NETWORK.forms[:2] + tuple(attrs.evolve(form, exact=False) for form in NETWORK.forms[2:]),
    read=_prefix,
    write=network_text,
)
"""A network that something is mapped to."""

PREFIX_LENGTH: Codec[int] = attrs.evolve(
    between(0, 128, name="length"),
    forms=(
        Form(regex=r"3[0-2]|[12]?[0-9]"),
        Form(regex=r"12[0-8]|1[01][0-9]|[3-9][0-9]", family=6),
        Form(regex=NUMBER, exact=False),
    ),
)
"""The length of a prefix alone."""


def _host_prefix(text: str) -> HostPrefix:
    prefix, host = _prefix(text), address(text.partition("/")[0])
    if host.version == 4:
        return ipaddress.IPv4Interface((int(host), prefix.prefixlen))
    return ipaddress.IPv6Interface((int(host), prefix.prefixlen))


def _host_prefix_text(value: HostPrefix) -> str:
    return f"{address_text(value.ip)}/{value.network.prefixlen}"


HOST_PREFIX: Codec[HostPrefix] = Codec(
    name="prefix", expected=PREFIX.expected, forms=PREFIX.forms, read=_host_prefix, write=_host_prefix_text
)
"""An address with a mask, of which the bits outside the mask are kept and printed, though they do not count."""


def _plain(value: HostPrefix) -> str:
    whole = value.network.prefixlen == value.max_prefixlen
    return address_text(value.ip) if whole else _host_prefix_text(value)


PLAIN_PREFIX: Codec[HostPrefix] = attrs.evolve(HOST_PREFIX, write=_plain)
"""The same, printed without the length that a single address has (xtables_ipmask_to_numeric)."""

ADDRESS_RANGE: Codec[AddressRange] = Codec(
    name="address range",
    expected="two addresses with a dash between them",
    forms=(
        Form(regex=rf"{IPV4}(?:-{IPV4})?", family=4, exact=False),
        Form(regex=rf"{IPV6}(?:-{IPV6})?", family=6, exact=False),
    ),
    read=lambda text: AddressRange(*ends(text)),
    write=str,
)
"""The addresses from one to another."""


class MacAddress(bytes):
    """Hold the six bytes of a hardware address.

    >>> str(MacAddress(bytes(range(6))))
    '00:01:02:03:04:05'
    """

    __slots__ = ()

    def __str__(self) -> str:
        return self.hex(":")


MAC: Codec[MacAddress] = Codec(
    name="hardware address",
    expected="a hardware address, for example 00:11:22:33:44:55",
    forms=(Form(regex=r"[0-9A-Fa-f]{1,2}(?::[0-9A-Fa-f]{1,2}){5}"),),
    read=lambda text: MacAddress(int(octet, 16) for octet in text.split(":")),
    write=str,
)
"""The address of a network device."""
