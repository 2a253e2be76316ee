"""Days, times of the day and dates, as `-m time` has them."""

from __future__ import annotations

import datetime as dt
import enum
import re

from iptables_model.values.codec import Codec, Form

__all__ = ["DATE", "FIRST_DATE", "LAST_DATE", "MONTHDAYS", "TIME_OF_DAY", "WEEKDAYS", "Weekday"]

FIRST_DATE = dt.datetime(1970, 1, 1)
LAST_DATE = dt.datetime(2038, 1, 19, 3, 14, 7)
"""INT_MAX seconds: what the kernel keeps when no end is given."""


class Weekday(enum.StrEnum):
    """A day of the week."""

    MON = "Mon"
    TUE = "Tue"
    WED = "Wed"
    THU = "Thu"
    FRI = "Fri"
    SAT = "Sat"
    SUN = "Sun"


def _time_of_day(text: str) -> dt.time:
    hour, minute, second = (*map(int, text.split(":")), 0)[:3]
    return dt.time(hour, minute, second)


TIME_OF_DAY: Codec[dt.time] = Codec(
    name="time of day",
    expected="a time from 00:00:00 to 23:59:59",
    forms=(Form(regex=r"(?:2[0-3]|[01]?[0-9]):[0-5]?[0-9](?::[0-5]?[0-9])?"),),
    read=_time_of_day,
    write=str,
)
"""Hours, minutes and seconds; the seconds may be left out."""

_DATE_PARTS = re.compile("[-T:]")


def _date(text: str) -> dt.datetime:
    """Read what there is of a date; a day or month that does not exist is counted on, as mktime(3) does."""
    given = list(map(int, _DATE_PARTS.split(text)))
    year, month, day, hour, minute, second = given + [1970, 1, 1, 0, 0, 0][len(given) :]
    months = year * 12 + month - 1
    start = dt.datetime(months // 12, months % 12 + 1, 1, hour, minute, second)
    date = start + dt.timedelta(days=day - 1)
    if not 1970 <= year <= 2038 or date < FIRST_DATE:
        raise ValueError(f'needs a date from 1970 to 2038, found "{text}"')
    return date


DATE: Codec[dt.datetime] = Codec(
    name="date",
    expected="a date: YYYY[-MM[-DD[Thh[:mm[:ss]]]]]",
    forms=(
        Form(regex=r"20[0-2][0-9]-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"),
        Form(
            regex=r"[0-9]{4}(?:-(?:1[0-2]|0?[0-9])(?:-(?:3[01]|[0-2]?[0-9])(?:T(?:2[0-3]|[01]?[0-9])(?::[0-5]?[0-9]"
            r"(?::[0-5]?[0-9])?)?)?)?)?",
            exact=False,
        ),
    ),
    read=_date,
    write=lambda date: date.isoformat(),
    hint="what is left out at the end is the first moment of what is there",
)
"""A date with its time."""


def _monthdays(text: str) -> tuple[int, ...]:
    return tuple(sorted(set(map(int, text.split(",")))))


MONTHDAYS: Codec[tuple[int, ...]] = Codec(
    name="days of the month",
    expected="days from 1 to 31, separated by commas",
    forms=(Form(regex=r"(?:3[01]|[12][0-9]|[1-9])(?:,(?:3[01]|[12][0-9]|[1-9]))*"),),
    read=_monthdays,
    write=lambda days: ",".join(map(str, days)),
)
"""Days of the month."""


def _weekday(text: str) -> Weekday:
    if text.isdigit():
        return tuple(Weekday)[int(text) - 1]
    return next(day for day in Weekday if day.value.startswith(text[:2]))


def _weekdays(text: str) -> tuple[Weekday, ...]:
    found = set(map(_weekday, text.split(",")))
    return tuple(day for day in Weekday if day in found)


_DAY = r"(?:[1-7]|(?:Mo|Tu|We|Th|Fr|Sa|Su)[a-z]{0,7})"

WEEKDAYS: Codec[tuple[Weekday, ...]] = Codec(
    name="days of the week",
    expected="days of the week, separated by commas",
    forms=(Form(regex=rf"{_DAY}(?:,{_DAY})*"),),
    read=_weekdays,
    write=",".join,
    hint="they are Mon,Tue,Wed,Thu,Fri,Sat,Sun, or 1 to 7",
)
"""Days of the week; 1 is Monday."""
