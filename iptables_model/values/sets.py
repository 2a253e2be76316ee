"""References to ipsets."""

from __future__ import annotations

import enum

import attrs

from iptables_model.values.codec import Codec, Form

__all__ = ["SET", "SetRef", "Side"]


class Side(enum.StrEnum):
    """Which address or port of the packet is looked up."""

    SRC = "src"
    DST = "dst"


@attrs.frozen
class SetRef:
    """Name an ipset and, for each of its dimensions, the side of the packet that is looked up.

    >>> str(SetRef("web", (Side.DST, Side.DST)))
    'web dst,dst'
    """

    name: str
    directions: tuple[Side, ...]

    def __str__(self) -> str:
        return f"{self.name} {','.join(self.directions)}"


def _set(text: str) -> SetRef:
    name, _, sides = text.rpartition(" ")
    return SetRef(name, tuple(map(Side, sides.split(","))))


SET: Codec[SetRef] = Codec(
    name="set",
    expected="the name of a set and up to six of src and dst, separated by commas",
    forms=(Form(regex=r"[^\s-][^\s]{0,30} (?:src|dst)(?:,(?:src|dst)){0,5}"),),
    read=_set,
    write=str,
    words=2,
)
"""A set and the sides of the packet, printed bare whatever the name has (extensions/libxt_set.c)."""
