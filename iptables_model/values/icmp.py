"""Types and codes of ICMP and ICMPv6, by number and by the names that iptables knows."""

from __future__ import annotations

import attrs

from iptables_model.values.codec import Codec, Form, strtoul

__all__ = ["ICMP6_TYPE", "ICMP_TYPE", "IcmpType"]


@attrs.frozen
class IcmpType:
    """Hold an ICMP type and the codes that count, both ends included.

    >>> str(IcmpType(8)), str(IcmpType(3, 1, 1))
    ('8', '3/1')
    """

    type: int
    code_first: int = 0
    code_last: int = 255

    def __str__(self) -> str:
        return f"{self.type}/{self.code_first}" if self.code_first == self.code_last else str(self.type)


_ANY = 255

# libxtables' xt_icmp.h; a type and, where the name says one, its code.
_ICMP_NAMES: dict[str, tuple[int, int | None]] = {
    "any": (_ANY, None),
    "echo-reply": (0, None), "pong": (0, None),
    "destination-unreachable": (3, None), "network-unreachable": (3, 0), "host-unreachable": (3, 1),
    "protocol-unreachable": (3, 2), "port-unreachable": (3, 3), "fragmentation-needed": (3, 4),
    "source-route-failed": (3, 5), "network-unknown": (3, 6), "host-unknown": (3, 7), "network-prohibited": (3, 9),
    "host-prohibited": (3, 10), "tos-network-unreachable": (3, 11), "tos-host-unreachable": (3, 12),
    "communication-prohibited": (3, 13), "host-precedence-violation": (3, 14), "precedence-cutoff": (3, 15),
    "source-quench": (4, None),
    "redirect": (5, None), "network-redirect": (5, 0), "host-redirect": (5, 1), "tos-network-redirect": (5, 2),
    "tos-host-redirect": (5, 3),
    "echo-request": (8, None), "ping": (8, None),
    "router-advertisement": (9, None), "router-solicitation": (10, None),
    "time-exceeded": (11, None), "ttl-exceeded": (11, None), "ttl-zero-during-transit": (11, 0),
    "ttl-zero-during-reassembly": (11, 1),
    "parameter-problem": (12, None), "ip-header-bad": (12, 0), "required-option-missing": (12, 1),
    "timestamp-request": (13, None), "timestamp-reply": (14, None),
    "address-mask-request": (17, None), "address-mask-reply": (18, None),
}  # fmt: skip
_ICMP6_NAMES: dict[str, tuple[int, int | None]] = {
    "destination-unreachable": (1, None), "no-route": (1, 0), "communication-prohibited": (1, 1),
    "beyond-scope": (1, 2), "address-unreachable": (1, 3), "port-unreachable": (1, 4), "failed-policy": (1, 5),
    "reject-route": (1, 6),
    "packet-too-big": (2, None),
    "time-exceeded": (3, None), "ttl-exceeded": (3, None), "ttl-zero-during-transit": (3, 0),
    "ttl-zero-during-reassembly": (3, 1),
    "parameter-problem": (4, None), "bad-header": (4, 0), "unknown-header-type": (4, 1), "unknown-option": (4, 2),
    "echo-request": (128, None), "ping": (128, None), "echo-reply": (129, None), "pong": (129, None),
    "router-solicitation": (133, None), "router-advertisement": (134, None),
    "neighbour-solicitation": (135, None), "neighbor-solicitation": (135, None),
    "neighbour-advertisement": (136, None), "neighbor-advertisement": (136, None),
    "redirect": (137, None),
}  # fmt: skip


def _named(text: str, names: dict[str, tuple[int, int | None]]) -> tuple[int, int | None]:
    """Find a type by its name or by the beginning of only one name, in any case (libxtables' ipt_parse_icmp)."""
    found = [value for name, value in names.items() if name.startswith(text.lower())]
    if len(found) != 1:
        problem = "the name of one" if found else "an"
        raise ValueError(f'needs {problem} ICMP type, found "{text}"')
    return found[0]


def _numbered(text: str) -> tuple[int, int | None]:
    type_text, slash, code_text = text.partition("/")
    kind, code = strtoul(type_text), strtoul(code_text) if slash else None
    if max(kind, code or 0) > 255:
        raise ValueError(f'needs numbers from 0 to 255, found "{text}"')
    return kind, code


def _icmp_type(text: str, names: dict[str, tuple[int, int | None]]) -> IcmpType:
    kind, code = _numbered(text) if text[0].isdigit() else _named(text, names)
    return IcmpType(kind) if code is None else IcmpType(kind, code, code)


def _icmp4_type(text: str) -> IcmpType:
    found = _icmp_type(text, _ICMP_NAMES)
    # The kernel takes 255 for any type and code (net/ipv4/netfilter/ip_tables.c, icmp_type_code_match).
    return IcmpType(_ANY) if found.type == _ANY else found


ICMP_TYPE: Codec[IcmpType] = Codec(
    name="ICMP type",
    expected="an ICMP type: a name, or numbers as in 8 or 3/1",
    forms=(
        Form(regex=r"[1-9]?[0-9](?:/[1-9]?[0-9])?|any"),
        Form(regex=r"[A-Za-z][A-Za-z-]*|[0-9xXa-fA-F]+(?:/[0-9xXa-fA-F]+)?", exact=False),
    ),
    read=_icmp4_type,
    write=lambda held: "any" if held.type == _ANY else str(held),
    keyword=True,
)
"""A type of ICMP, with or without a code; 255 stands for any."""

ICMP6_TYPE: Codec[IcmpType] = Codec(
    name="ICMPv6 type",
    expected="an ICMPv6 type: a name, or numbers as in 128 or 1/4",
    forms=(
        Form(regex=r"(?:[1-9]?[0-9]|1[0-9][0-9])(?:/[1-9]?[0-9])?"),
        Form(regex=r"[A-Za-z][A-Za-z-]*|[0-9xXa-fA-F]+(?:/[0-9xXa-fA-F]+)?", exact=False),
    ),
    read=lambda text: _icmp_type(text, _ICMP6_NAMES),
    write=str,
    keyword=True,
)
"""A type of ICMPv6, with or without a code."""
