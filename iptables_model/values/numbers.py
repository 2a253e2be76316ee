"""Ports, protocols, marks and probabilities: the numbers that rules are made of."""

from __future__ import annotations

import re
from fractions import Fraction

import attrs

from iptables_model.values.codec import NUMBER, Codec, Form, strtoul

__all__ = [
    "MARK",
    "PROBABILITY",
    "PROTOCOL",
    "TC_CLASS",
    "XMARK",
    "Masked",
    "NumberRange",
    "PortRange",
    "Probability",
    "Protocol",
    "TcClass",
    "masked_text",
    "named_mark",
    "ranges",
]

_MARK_NUMBER = r"(?:0[xX][0-9a-fA-F]{1,8}|0|[1-9][0-9]{0,8})"
_FULL = 0xFFFFFFFF


@attrs.frozen
class PortRange:
    """Hold the ports from `first` to `last`, both included; there are none if `first` is the higher.

    >>> str(PortRange(80, 80)), str(PortRange(1024, 65535))
    ('80', '1024:65535')
    """

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}:{self.last}"


@attrs.frozen
class NumberRange:
    """Hold the numbers from `first` to `last`, both included; there are none if `first` is the higher.

    >>> str(NumberRange(5, 5)), str(NumberRange(0, 9))
    ('5', '0:9')
    """

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}:{self.last}"


def ranges(bits: int, name: str = "number", *, rising: bool = False) -> Codec[NumberRange]:
    """Describe a number or a range of numbers of so many bits; an end that is left out is the lowest or highest.

    Unless they must be `rising`, the first number may be the higher one: iptables prints such a range, in which no
    number is.

    >>> ranges(16).parse("5:"), ranges(16).parse("7"), ranges(16).parse("7:5")
    (NumberRange(first=5, last=65535), NumberRange(first=7, last=7), NumberRange(first=7, last=5))
    """
    top = (1 << bits) - 1

    def read(text: str) -> NumberRange:
        first, colon, last = text.partition(":")
        low = strtoul(first) if first else 0
        high = (strtoul(last) if last else top) if colon else low
        if max(low, high) > top:
            raise ValueError(f'needs numbers from 0 to {top}, found "{text}"')
        if rising and low > high:
            raise ValueError(f'needs the lower number first, found "{text}"')
        return NumberRange(low, high)

    return Codec(
        name=f"{name} range",
        expected=f"a {name} from 0 to {top} or a range",
        forms=(
            Form(regex=rf"[1-9][0-9]{{0,{len(str(top)) - 2}}}"),
            Form(regex=rf"{NUMBER}?:{NUMBER}?|{NUMBER}", exact=False),
        ),
        read=read,
        write=str,
        hint="a range is written 5:10",
    )


class Protocol(int):
    """Hold the number of an IP protocol; its text is the name by which iptables prints it.

    >>> str(Protocol(6)), Protocol(6) == 6, str(Protocol(253))
    ('tcp', True, '253')
    """

    __slots__ = ()

    def __str__(self) -> str:
        return _PROTOCOL_NAMES.get(self, int.__repr__(self))

    def __repr__(self) -> str:
        return f"Protocol({int(self)})"


# xtables_chain_protos (libxtables/xtables.c) first, then /etc/protocols, which iptables asks by getprotobynumber.
_PROTOCOL_NAMES: dict[int, str] = {
    1: "icmp", 2: "igmp", 3: "ggp", 4: "ipencap", 5: "st", 6: "tcp", 8: "egp", 9: "igp", 12: "pup", 17: "udp",
    20: "hmp", 22: "xns-idp", 27: "rdp", 29: "iso-tp4", 33: "dccp", 36: "xtp", 37: "ddp", 38: "idpr-cmtp", 41: "ipv6",
    43: "ipv6-route", 44: "ipv6-frag", 45: "idrp", 46: "rsvp", 47: "gre", 50: "esp", 51: "ah", 57: "skip",
    58: "ipv6-icmp", 59: "ipv6-nonxt", 60: "ipv6-opts", 73: "rspf", 81: "vmtp", 88: "eigrp", 89: "ospf", 93: "ax.25",
    94: "ipip", 97: "etherip", 98: "encap", 103: "pim", 108: "ipcomp", 112: "vrrp", 115: "l2tp", 124: "isis",
    132: "sctp", 133: "fc", 135: "mobility-header", 136: "udplite", 137: "mpls-in-ip", 138: "manet", 139: "hip",
    140: "shim6", 141: "wesp", 142: "rohc", 143: "ethernet",
}  # fmt: skip
_PROTOCOL_NUMBERS = {name: number for number, name in _PROTOCOL_NAMES.items()} | {
    "all": 0,
    "ip": 0,
    "hopopt": 0,
    "icmpv6": 58,
    "mh": 135,
    "ipv6-mh": 135,
}


def _protocol(text: str) -> Protocol:
    number = strtoul(text) if re.fullmatch(NUMBER, text) else _PROTOCOL_NUMBERS.get(text.lower())
    if number is None or number > 255:
        raise ValueError(f'needs a protocol, found "{text}"')
    return Protocol(number)


PROTOCOL: Codec[Protocol] = Codec(
    name="protocol",
    expected="a protocol name or a number from 0 to 255",
    forms=(Form(regex=r"[A-Za-z0-9.-]+", exact=False),),
    read=_protocol,
    write=str,
    keyword=True,
)
"""A protocol, by name or number."""


@attrs.frozen
class Masked:
    """Hold a 32-bit value and the mask of the bits that count.

    >>> str(Masked(0x4000, 0x4000)), str(Masked(1))
    ('0x4000/0x4000', '0x1')
    """

    value: int
    mask: int = _FULL

    def __str__(self) -> str:
        return masked_text(self)


def masked_text(mark: Masked) -> str:
    """Write a mark as the kernel's users print it: in hexadecimal, the mask only if it is not full."""
    return f"{mark.value:#x}" if mark.mask == _FULL else f"{mark.value:#x}/{mark.mask:#x}"


def _masked(text: str) -> Masked:
    value, slash, mask = text.partition("/")
    mark = Masked(strtoul(value), strtoul(mask) if slash else _FULL)
    if max(mark.value, mark.mask) > _FULL:
        raise ValueError(f'needs numbers of 32 bits, found "{text}"')
    return mark


_MARK_FORMS = (
    Form(regex=rf"{_MARK_NUMBER}(?:/{_MARK_NUMBER})?"),
    Form(regex=rf"{NUMBER}(?:/{NUMBER})?", exact=False),
)
MARK: Codec[Masked] = Codec(
    name="mark",
    expected="a mark, with an optional mask",
    forms=_MARK_FORMS,
    read=_masked,
    write=masked_text,
    hint="a mark is a number, for example 0x4000/0x4000",
)
"""A mark to compare with: value and mask."""

XMARK: Codec[Masked] = attrs.evolve(MARK, write=lambda mark: f"{mark.value:#x}/{mark.mask:#x}")
"""A mark to set, whose mask `--set-xmark` always prints."""


@attrs.frozen
class TcClass:
    """Name a class of traffic control by its major and minor number.

    >>> str(TcClass(1, 0x10))
    '0001:0010'
    """

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major:04x}:{self.minor:04x}"


def _tc_class(text: str) -> TcClass:
    major, minor = (int(part, 16) for part in text.split(":"))
    return TcClass(major, minor)


TC_CLASS: Codec[TcClass] = Codec(
    name="class",
    expected="a class as major:minor, in hexadecimal",
    forms=(Form(regex=r"[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}"),),
    read=_tc_class,
    write=str,
)
"""A class of traffic control."""


def named_mark(zero: str, what: str, table: str) -> Codec[Masked]:
    """Describe a number like a mark, of which iptables prints 0 by its name in a table of iproute2.

    >>> named_mark("cosmos", "realm", "rt_realms").write(Masked(0))
    'cosmos'
    """
    return attrs.evolve(
        MARK,
        name=what,
        expected=f"a {what}, with an optional mask",
        forms=(*_MARK_FORMS, Form(regex=re.escape(zero))),
        read=lambda text: Masked(0) if text == zero else _masked(text),
        write=lambda held: zero if held == Masked(0) else masked_text(held),
        hint=f"a {what} is a number; of the names in /etc/iproute2/{table} only {zero} is known",
    )


class Probability(Fraction):
    """Hold a probability as the kernel does, n of 2^31 (include/uapi/linux/netfilter/xt_statistic.h).

    >>> Probability.of_text("0.5"), str(Probability.of_text("0.3333333333"))
    (Probability(1, 2), '0.33333333349')
    """

    __slots__ = ()

    @classmethod
    def of_text(cls, text: str) -> Probability:
        """Round a decimal as libxt_statistic does: to the nearest n of 2^31."""
        count = int(Fraction(text) * 0x80000000 + Fraction(1, 2))
        return cls(count, 0x80000000)

    def __str__(self) -> str:
        return f"{float(self):.11f}"


def _probability(text: str) -> Probability:
    try:
        value = Probability.of_text(text)
    except (ValueError, ZeroDivisionError):
        value = None
    if value is None or value > 1:
        raise ValueError(f'needs a number from 0 to 1, found "{text}"')
    return value


PROBABILITY: Codec[Probability] = Codec(
    name="probability",
    expected="a number from 0 to 1",
    forms=(
        Form(regex=r"0\.[0-9]{1,20}|1\.0{1,20}"),
        Form(regex=r"[0-9]{0,3}\.?[0-9]{0,40}(?:[eE]-?[0-9]{1,2})?", exact=False),
    ),
    read=_probability,
    write=str,
    hint="kube-proxy writes 11 decimals, for example 0.50000000000",
)
"""A probability, printed with 11 decimals."""
