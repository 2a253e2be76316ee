"""Rates: how often a thing may happen."""

from __future__ import annotations

import attrs

from iptables_model.values.codec import Codec, Form

__all__ = ["RATE", "Rate"]

_SCALE = 10000
_UNITS = {"day": 24 * 60 * 60 * _SCALE, "hour": 60 * 60 * _SCALE, "min": 60 * _SCALE, "sec": _SCALE}
_UNIT_NAMES = ("second", "minute", "hour", "day")


@attrs.frozen
class Rate:
    """Hold a rate as the kernel does: the time between two packets, in units of 0.1 ms (XT_LIMIT_SCALE).

    >>> str(Rate(120000)), str(Rate(5000))
    ('5/min', '2/sec')
    """

    interval: int

    def __str__(self) -> str:
        """Print in the unit that loses least (extensions/libxt_limit.c, print_rate)."""
        chosen = "day"
        for unit, length in tuple(_UNITS.items())[1:]:
            if self.interval > length or length // self.interval < length % self.interval:
                break
            chosen = unit
        return f"{_UNITS[chosen] // self.interval}/{chosen}"


def _rate(text: str) -> Rate:
    count_text, slash, unit_text = text.partition("/")
    unit = next((name for name in _UNIT_NAMES if name.startswith(unit_text.lower())), None) if slash else "second"
    count = int(count_text) if count_text.isdigit() and len(count_text) < 12 else 0
    if unit is None or not count:
        raise ValueError(f'needs a rate, found "{text}"')
    length = _UNITS[{"second": "sec", "minute": "min"}.get(unit, unit)]
    if count // (length // _SCALE) > _SCALE:
        raise ValueError(f'needs a rate of at most 10000 per second, found "{text}"')
    return Rate(length // count)


RATE: Codec[Rate] = Codec(
    name="rate",
    expected="a rate, for example 5/min",
    forms=(
        Form(regex=r"[1-9][0-9]{0,3}/(?:sec|min|hour|day)"),
        Form(regex=r"[0-9]+(?:/[A-Za-z]+)?", exact=False),
    ),
    read=_rate,
    write=str,
    hint="the units are second, minute, hour and day",
)
"""A number of packets per second, minute, hour or day."""
