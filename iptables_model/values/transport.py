"""TCP flags."""

from __future__ import annotations

import re

import attrs

from iptables_model.values.codec import Codec, Form

__all__ = ["SYN", "TCP_FLAGS", "TcpFlags"]

_BITS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32}
_ALL = 0x3F


@attrs.frozen
class TcpFlags:
    """Hold the TCP flags that are looked at, and of those the ones that must be set; FIN is 1, URG is 32.

    >>> str(TcpFlags(mask=0x17, comp=0x02))
    'FIN,SYN,RST,ACK SYN'
    """

    mask: int
    comp: int

    def __str__(self) -> str:
        return f"{_flags_text(self.mask)} {_flags_text(self.comp)}"


def _flags_text(bits: int) -> str:
    return ",".join(name for name, bit in _BITS.items() if bits & bit) or "NONE"


def _flags(text: str) -> int:
    bits = 0
    for name in text.upper().split(","):
        bits |= _ALL if name == "ALL" else _BITS.get(name, 0)
    return bits


def _tcp_flags(text: str) -> TcpFlags:
    mask, comp = text.split(" ")
    return TcpFlags(_flags(mask), _flags(comp))


_LIST = f"(?:{'|'.join(map(re.escape, (*_BITS, 'ALL', 'NONE')))})"

TCP_FLAGS: Codec[TcpFlags] = Codec(
    name="TCP flags",
    expected="two lists of flags: those to look at and, of them, those that are set",
    forms=(Form(regex=rf"(?i:{_LIST}(?:,{_LIST})* {_LIST}(?:,{_LIST})*)"),),
    read=_tcp_flags,
    write=str,
    words=2,
    keyword=True,
    hint="for example FIN,SYN,RST,ACK SYN; the flags are SYN, ACK, FIN, RST, URG, PSH, ALL and NONE",
)
"""The mask and the flags set, as `--tcp-flags` takes them."""

SYN: Codec[TcpFlags] = Codec(
    name="SYN",
    expected="nothing",
    forms=(Form(regex=""),),
    read=lambda _: TcpFlags(mask=0x17, comp=0x02),
    write=lambda _: "",
    words=0,
)
"""What `--syn` stands for."""
