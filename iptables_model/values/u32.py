"""The tests of `-m u32`: where to look in the packet, and for which values."""

from __future__ import annotations

import enum
import re

import attrs

from iptables_model.values.codec import Codec, Form, strtoul
from iptables_model.values.numbers import NumberRange

__all__ = ["U32", "U32Op", "U32Step", "U32Test"]

_MOST = 10
"""XT_U32_MAXSIZE: the tests of a rule, and the steps and the values of a test."""


class U32Op(enum.StrEnum):
    """What a step does with the number found so far; AT reads at that offset and goes on from there."""

    AND = "&"
    LEFT = "<<"
    RIGHT = ">>"
    AT = "@"


@attrs.frozen
class U32Step:
    """Hold one step of the way to the number: an operation and its operand."""

    op: U32Op
    number: int


@attrs.frozen
class U32Test:
    """Read four bytes at `start`, take the `steps`, and compare with the ranges in `values`.

    >>> str(U32Test(6, (U32Step(U32Op.AND, 0xff),), (NumberRange(1, 1), NumberRange(6, 17))))
    '0x6&0xff=0x1,0x6:0x11'
    """

    start: int
    steps: tuple[U32Step, ...]
    values: tuple[NumberRange, ...]

    def __str__(self) -> str:
        steps = "".join(f"{step.op}{step.number:#x}" for step in self.steps)
        return f"{self.start:#x}{steps}={','.join(map(_range_text, self.values))}"


def _range_text(numbers: NumberRange) -> str:
    return f"{numbers.first:#x}" if numbers.first == numbers.last else f"{numbers.first:#x}:{numbers.last:#x}"


_WORD = r"(?:0[xX][0-9a-fA-F]{1,8}|0[0-7]{0,10}|[1-4][0-9]{9}|[1-9][0-9]{0,8})"
_BLANK = "[ \t]?"
_STEP = re.compile(rf"(&|<<|>>|@)({_WORD})")


def _number(text: str) -> int:
    number = strtoul(text)
    if number > 0xFFFFFFFF:
        raise ValueError(f'needs numbers of 32 bits, found "{text}"')
    return number


def _values(text: str) -> NumberRange:
    first, colon, last = text.partition(":")
    return NumberRange(_number(first), _number(last if colon else first))


def _test(text: str) -> U32Test:
    where, _, values = text.partition("=")
    start = re.match(_WORD, where)
    if start is None:
        raise ValueError(f'needs an offset first, found "{text}"')
    steps = tuple(U32Step(U32Op(op), _number(number)) for op, number in _STEP.findall(where, start.end()))
    test = U32Test(_number(start[0]), steps, tuple(map(_values, values.split(","))))
    if len(test.steps) >= _MOST or len(test.values) > _MOST:
        raise ValueError(f"needs at most {_MOST - 1} steps and {_MOST} values in a test")
    return test


def _u32(text: str) -> tuple[U32Test, ...]:
    tests = tuple(map(_test, re.sub(r"\s", "", text).split("&&")))
    if len(tests) > _MOST:
        raise ValueError(f"needs at most {_MOST} tests, found {len(tests)}")
    return tests


_VALUES = rf"{_WORD}{_BLANK}(?::{_BLANK}{_WORD}{_BLANK})?"
_ONE = rf"{_WORD}{_BLANK}(?:(?:&|<<|>>|@){_BLANK}{_WORD}{_BLANK})*={_BLANK}{_VALUES}(?:,{_BLANK}{_VALUES})*"

U32: Codec[tuple[U32Test, ...]] = Codec(
    name="u32 tests",
    expected="tests like 0>>22&0x3C@0=1:5, with && between them",
    forms=(Form(regex=rf"{_BLANK}{_ONE}(?:&&{_BLANK}{_ONE})*", exact=False),),
    read=_u32,
    write=lambda tests: "&&".join(map(str, tests)),
    string=True,
    hint="a test is an offset, steps with &, <<, >> and @, an = and the values",
)
"""All the tests of a rule, printed in quotes and in hexadecimal."""
