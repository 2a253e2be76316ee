"""Rates in bits per second, and spans of time, as the rate estimators write them."""

from __future__ import annotations

from fractions import Fraction

from iptables_model.values.codec import NUMBER, Codec, Form, unsigned

__all__ = ["BIT_RATE", "PACKET_RATE", "SPAN"]

_BIT_UNITS = {"bit": 1, "bps": 8} | {
    f"{letter}{infix}{unit}": bits * base**power
    for power, letter in enumerate("kmgt", start=1)
    for infix, base in (("", 1000), ("i", 1024))
    for unit, bits in (("bit", 1), ("bps", 8))
}
_DECIMAL = r"[0-9]{1,15}(?:\.[0-9]{0,9})?"


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _bit_rate(text: str) -> int | str:
    """Read a rate into bytes per second; without a unit it is in bits (rateest_get_rate of libxt_rateest.c)."""
    if not text:
        return ""
    digits = text.rstrip(_LETTERS)
    scale = _BIT_UNITS.get(text[len(digits) :].lower() or "bit")
    if scale is None:
        raise ValueError(f'needs a unit like kbit or MBps, found "{text}"')
    rate = int(Fraction(digits) * scale / 8)
    if rate > 0xFFFFFFFF:
        raise ValueError(f'needs a rate of at most 4294967295 bytes per second, found "{text}"')
    return rate


def _bit_rate_text(rate: int | str) -> str:
    """Write bytes per second in bits, rounded (rateest_print_rate)."""
    if isinstance(rate, str):
        return rate
    bits = rate * 8
    if bits >= 1000 * 1_000_000:
        return f"{bits / 1_000_000:.0f}Mbit"
    return f"{bits / 1000:.0f}Kbit" if bits >= 1_000_000 else f"{bits}bit"


BIT_RATE: Codec[int | str] = Codec(
    name="bit rate",
    expected="a rate, for example 2000Kbit",
    forms=(Form(regex=r"[1-9][0-9]{0,5}(?:bit|Kbit)"), Form(regex=rf"(?:{_DECIMAL}[A-Za-z]{{0,5}})?", exact=False)),
    read=_bit_rate,
    write=_bit_rate_text,
    optional=True,
    hint="the units are bit, kbit, mbit, gbit, tbit, Bps, KBps and so on, and with i: Kibit, KiBps",
)
"""Bytes per second, written in bits per second; an empty text where there is no rate to compare with."""

_PACKETS = unsigned(32)

PACKET_RATE: Codec[int | str] = Codec(
    name="packet rate",
    expected="a number of packets per second",
    forms=(Form(regex=r"[1-9][0-9]{0,8}"), Form(regex=rf"(?:{NUMBER})?", exact=False)),
    read=lambda text: _PACKETS.parse(text) if text else "",
    write=str,
    optional=True,
)
"""Packets per second; an empty text where there is no rate to compare with."""

_SECOND = 1_000_000
_SPAN_UNITS = {"s": _SECOND, "ms": 1000, "us": 1}


def _span(text: str) -> int:
    """Read a span of time in microseconds (RATEEST_get_time of libxt_RATEEST.c)."""
    digits = text.rstrip(_LETTERS)
    unit = text[len(digits) :].lower()
    short = unit.removesuffix("secs").removesuffix("sec") + "s" if "sec" in unit else unit or "us"
    scale = _SPAN_UNITS.get(short)
    if scale is None:
        raise ValueError(f'needs a span of time in s, ms or us, found "{text}"')
    span = int(Fraction(digits) * scale)
    if span > 0xFFFFFFFF:
        raise ValueError(f'needs a span of time of at most 4294 seconds, found "{text}"')
    return span


def _span_text(span: int) -> str:
    if span >= _SECOND:
        return f"{span / _SECOND:.1f}s"
    return f"{span / 1000:.1f}ms" if span >= 1000 else f"{span}us"


SPAN: Codec[int] = Codec(
    name="span of time",
    expected="a span of time, for example 250ms",
    forms=(Form(regex=r"[1-9][0-9]{0,2}\.0(?:s|ms)"), Form(regex=rf"{_DECIMAL}[A-Za-z]{{0,5}}", exact=False)),
    read=_span,
    write=_span_text,
)
"""A span of time, in microseconds."""
