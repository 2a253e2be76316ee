"""Rates: how often a thing may happen, and how many bytes may pass."""

from __future__ import annotations

import re

import attrs

from iptables_model.values.codec import NUMBER, Codec, Form, strtoul

__all__ = ["BURST", "HASH_RATE", "RATE", "ByteCount", "ByteRate", "HashRate", "Rate"]

_SECONDS = {"day": 86400, "hour": 3600, "min": 60, "sec": 1}
_UNIT_NAMES = {"second": "sec", "minute": "min", "hour": "hour", "day": "day"}
_SCALE = 10_000
"""XT_LIMIT_SCALE: the parts of a second in which `limit` counts."""
_HASH_SCALE = 1_000_000
"""XT_HASHLIMIT_SCALE_v2: those in which `hashlimit` counts."""


@attrs.frozen
class Rate:
    """Hold a rate as the kernel does for `limit`: the time between two packets, in units of 0.1 ms.

    >>> str(Rate(120_000)), str(Rate(5_000))
    ('5/min', '2/sec')
    """

    interval: int

    def __str__(self) -> str:
        return _rate_text(self.interval, _SCALE)


@attrs.frozen
class HashRate:
    """Hold a rate as the kernel does for `hashlimit`: the time between two packets, in microseconds.

    `seconds` is the length of the unit in which it was written; what is not told about the table depends on it.

    >>> str(HashRate(12_000_000)), HashRate(500_000, seconds=60).printed_seconds
    ('5/min', 1)
    """

    interval: int
    seconds: int = attrs.field(default=1, kw_only=True, eq=False)

    @property
    def printed_seconds(self) -> int:
        """Give the length of the unit in which the rate is printed."""
        return _SECONDS[_rate_unit(self.interval, _HASH_SCALE)]

    def __str__(self) -> str:
        return _rate_text(self.interval, _HASH_SCALE)


def _rate_unit(interval: int, scale: int) -> str:
    """Choose the unit that loses least (print_rate of extensions/libxt_limit.c and libxt_hashlimit.c)."""
    chosen = "day"
    for unit, seconds in tuple(_SECONDS.items())[1:]:
        length = seconds * scale
        if interval > length or length // interval < length % interval:
            break
        chosen = unit
    return chosen


def _rate_text(interval: int, scale: int) -> str:
    unit = _rate_unit(interval, scale)
    return f"{_SECONDS[unit] * scale // interval}/{unit}"


def _interval(text: str, scale: int) -> tuple[int, int]:
    """Read a rate: the time between two packets in parts of a second, and the length of the unit."""
    count_text, slash, unit_text = text.partition("/")
    name = next((name for name in _UNIT_NAMES if name.startswith(unit_text.lower())), None) if slash else "second"
    count = int(count_text) if count_text.isdigit() and len(count_text) < 12 else 0
    if name is None or not count:
        raise ValueError(f'needs a rate, found "{text}"')
    seconds = _SECONDS[_UNIT_NAMES[name]]
    if count > seconds * scale:
        raise ValueError(f'needs a rate of at most {scale} per second, found "{text}"')
    return seconds * scale // count, seconds


_RATE_FORMS = (
    Form(regex=r"[1-9][0-9]{0,3}/(?:sec|min|hour|day)"),
    Form(regex=r"[0-9]{1,12}(?:/[A-Za-z]{1,6})?", exact=False),
)

RATE: Codec[Rate] = Codec(
    name="rate",
    expected="a rate, for example 5/min",
    forms=_RATE_FORMS,
    read=lambda text: Rate(_interval(text, _SCALE)[0]),
    write=str,
    hint="the units are second, minute, hour and day",
)
"""A number of packets per second, minute, hour or day."""

_FULL = 0xFFFFFFFF
_BYTE_UNITS = {"m": 1024 * 1024, "k": 1024, "": 1}


@attrs.frozen
class ByteRate:
    """Hold a rate in bytes as the kernel does for `hashlimit`: the cost of 16 bytes (XT_HASHLIMIT_BYTE_SHIFT).

    >>> ByteRate(4095).bytes, str(ByteRate(4095))
    (16781296, '16mb/s')
    """

    cost: int

    @property
    def bytes(self) -> int:
        """Give the bytes per second (cost_to_bytes of extensions/libxt_hashlimit.c)."""
        return ((_FULL // self.cost if self.cost else _FULL) - 1) << 4

    def __str__(self) -> str:
        for unit, size in _BYTE_UNITS.items():
            # The mask that iptables rounds with has 32 bits only.
            if self.bytes >= size and _cost(self.bytes & ~(size - 1) & _FULL) == self.cost:
                return f"{self.bytes // size}{unit}b/s"
        return f"{self.bytes}b/s"


def _cost(count: int) -> int:
    return _FULL // (((count >> 4) & _FULL) + 1)


_LEAST_COST = 2
"""What costs less has no credits (net/netfilter/xt_hashlimit.c, user2credits_byte)."""


def _hash_rate(text: str) -> HashRate | ByteRate:
    number, _, rest = text.partition("b/s")
    if number == text or not number[:1].isdigit():
        interval, seconds = _interval(text, _HASH_SCALE)
        return HashRate(interval, seconds=seconds)
    digits = number.rstrip("km")
    count = int(digits) * _BYTE_UNITS[number[len(digits) :]] if digits else 0
    if not count < 1 << 64 or _cost(count) < _LEAST_COST:
        raise ValueError(f'needs a rate that the kernel can hold, found "{number}b/s{rest}"')
    return ByteRate(_cost(count))


HASH_RATE: Codec[HashRate | ByteRate] = Codec(
    name="rate",
    expected="a rate, for example 5/min or 512kb/s",
    forms=(*_RATE_FORMS, Form(regex=r"[0-9]{1,12}[km]?b/s(?:ec(?:ond)?)?", exact=False)),
    read=_hash_rate,
    write=str,
    hint="the units are second, minute, hour and day, or b/s, kb/s and mb/s",
)
"""A number of packets per time, or of bytes per second."""


class ByteCount(int):
    """Hold a number of bytes that is printed in the largest unit that it fills.

    >>> str(ByteCount(300)), str(ByteCount(2048))
    ('300b', '2kb')
    """

    __slots__ = ()

    def __str__(self) -> str:
        unit, size = next((unit, size) for unit, size in _BYTE_UNITS.items() if self >= size or not unit)
        return f"{self // size}{unit}b"

    def __repr__(self) -> str:
        return f"ByteCount({int(self)})"


_MOST_PACKETS = 1_000_000
"""XT_HASHLIMIT_BURST_MAX: a number without a unit is no higher, even if it is of bytes."""


def _burst(text: str) -> int:
    digits = text if re.fullmatch(NUMBER, text) else text.rstrip("kmb")
    count = strtoul(digits) * _BYTE_UNITS[text[len(digits) :].rstrip("b")]
    if not 1 <= count < 1 << 64 or (text == digits and count > _MOST_PACKETS):
        raise ValueError(f'needs a number of packets or bytes, found "{text}"')
    return count if text == digits else ByteCount(count)


BURST: Codec[int] = Codec(
    name="burst",
    expected="a number of packets, or of bytes as in 2mb",
    forms=(Form(regex=r"[1-9][0-9]{0,5}"), Form(regex=rf"{NUMBER}|[0-9]{{1,16}}(?:[km]?b|[km])", exact=False)),
    read=_burst,
    write=str,
)
"""What may pass at once, in packets or bytes."""
