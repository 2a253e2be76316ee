"""The time at which a packet comes."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar

from iptables_model.model.option import Match, Spelling, extension, flag, option, require, settle
from iptables_model.values.negatable import Negatable
from iptables_model.values.times import (
    DATE,
    FIRST_DATE,
    LAST_DATE,
    MONTHDAYS,
    TIME_OF_DAY,
    WEEKDAYS,
    Weekday,
)

__all__ = ["Time"]

D = TypeVar("D")

_DAY_START = dt.time(0, 0, 0)
_DAY_END = dt.time(23, 59, 59)


@extension
class Time(Match):
    """Match packets that come at certain times (net/netfilter/xt_time.c).

    The kernel keeps which days match, so a negated list of days is turned into that of the other days, and a list of
    all days into None. Times are those of UTC, or with `kerneltz` those of the kernel's time zone.
    """

    extension = "time"
    since = "2.6.24"

    timestart: dt.time | None = option("--timestart", TIME_OF_DAY, default=None)
    timestop: dt.time | None = option("--timestop", TIME_OF_DAY, default=None)
    monthdays: Negatable[tuple[int, ...]] | None = option("--monthdays", MONTHDAYS, negatable=True, default=None)
    weekdays: Negatable[tuple[Weekday, ...]] | None = option("--weekdays", WEEKDAYS, negatable=True, default=None)
    datestart: dt.datetime = option("--datestart", DATE, default=FIRST_DATE)
    datestop: dt.datetime = option("--datestop", DATE, default=LAST_DATE, always=True)
    kerneltz: bool = flag("--kerneltz", default=False, also=(Spelling("--localtz"),))
    contiguous: bool = flag("--contiguous", default=False)
    utc: bool = flag("--utc", default=False)

    def __attrs_post_init__(self) -> None:
        start, stop = self.timestart or _DAY_START, self.timestop or _DAY_END
        require(not self.contiguous or start >= stop, "--contiguous needs a --timestop that is before --timestart")
        require(not (self.utc and self.kerneltz), "--utc and --kerneltz exclude each other")
        whole_day = (start, stop) == (_DAY_START, _DAY_END)
        settle(self, "timestart", None if whole_day else start)
        settle(self, "timestop", None if whole_day else stop)
        settle(self, "monthdays", _positive(self.monthdays, tuple(range(1, 32))))
        settle(self, "weekdays", _positive(self.weekdays, tuple(Weekday)))
        settle(self, "utc", False)


def _positive(days: Negatable[tuple[D, ...]] | None, every: tuple[D, ...]) -> Negatable[tuple[D, ...]] | None:
    if days is None:
        return None
    kept = tuple(day for day in every if (day in days.value) != days.negated)
    return None if kept == every else Negatable(kept)
