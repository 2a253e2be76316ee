"""The type-of-service byte: TOS and DSCP, by number and by name."""

from __future__ import annotations

import attrs

from iptables_model.values.codec import NUMBER, Codec, Form, between, strtoul

__all__ = ["DSCP", "DSCP_CLASS", "TOS", "MaskedTos"]


@attrs.frozen
class MaskedTos:
    """Hold a value of the byte and the mask of the bits that count.

    >>> str(MaskedTos(0x10, 0x3f))
    '0x10/0x3f'
    """

    value: int
    mask: int = 0xFF

    def __str__(self) -> str:
        return f"0x{self.value:02x}/0x{self.mask:02x}"


# IPTOS_* of include/uapi/linux/ip.h; a name leaves the two bits of ECN alone (extensions/tos_values.c).
_TOS_NAMES = {
    "minimize-delay": 0x10,
    "maximize-throughput": 0x08,
    "maximize-reliability": 0x04,
    "minimize-cost": 0x02,
    "normal-service": 0x00,
}
_TOS_NAME_MASK = 0x3F


def _tos(text: str) -> MaskedTos:
    named = _TOS_NAMES.get(text.lower())
    if named is not None:
        return MaskedTos(named, _TOS_NAME_MASK)
    value, slash, mask = text.partition("/")
    found = MaskedTos(strtoul(value), strtoul(mask) if slash else 0xFF)
    if max(found.value, found.mask) > 0xFF:
        raise ValueError(f'needs numbers from 0 to 255, found "{text}"')
    return found


TOS: Codec[MaskedTos] = Codec(
    name="TOS",
    expected="a number from 0 to 255 with an optional mask, or a name",
    forms=(
        Form(regex=r"0x[0-9a-f]{2}(?:/0x[0-9a-f]{2})?"),
        Form(regex=rf"[A-Za-z]+-[A-Za-z]+|{NUMBER}(?:/{NUMBER})?", exact=False),
    ),
    read=_tos,
    write=str,
    hint="the names are Minimize-Delay, Maximize-Throughput, Maximize-Reliability, Minimize-Cost and Normal-Service",
)
"""A type of service, printed with its mask."""

_DSCP_CLASSES = (
    {f"cs{number}": number << 3 for number in range(8)}
    | {f"af{high}{low}": high << 3 | low << 1 for high in range(1, 5) for low in range(1, 4)}
    | {"be": 0, "ef": 0x2E}
)


def _dscp_class(text: str) -> int:
    return _DSCP_CLASSES[text.lower()]


DSCP: Codec[int] = between(0, 63, name="DSCP", digits=2)
"""A differentiated services code point."""

DSCP_CLASS: Codec[int] = Codec(
    name="DSCP class",
    expected="the name of a class: BE, EF, CS0 to CS7 or AF11 to AF43",
    forms=(Form(regex=f"(?i:{'|'.join(_DSCP_CLASSES)})"),),
    read=_dscp_class,
    write=DSCP.write,
)
"""A code point by the name of its class (RFC 2474, RFC 2597, RFC 3246)."""
