"""How one value of an option is written: the text that is accepted, and the way there and back."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from functools import cached_property
from typing import Generic, TypeVar

import attrs

__all__ = [
    "NUMBER",
    "STRING",
    "Codec",
    "Form",
    "bare",
    "between",
    "one_of",
    "several_of",
    "strtoul",
    "text_of",
    "unsigned",
]

T = TypeVar("T")
E = TypeVar("E", bound=enum.StrEnum)


@attrs.frozen(kw_only=True)
class Form:
    """Describe one way to spell a value.

    `regex` matches the whole text of the value. With `exact`, what it matches is always readable; otherwise
    `Codec.read` has the last word. `family` is 4 or 6 where the spelling belongs to one family only. `within` matches
    those texts of a string that stand in quotes as they are, having neither a quote nor a backslash.
    """

    regex: str
    family: int | None = None
    exact: bool = True
    within: str = ""


@attrs.frozen(kw_only=True, slots=False)
class Codec(Generic[T]):
    """Describe the values of an option: their spellings, and how text becomes a value and a value text.

    `expected` completes the sentence "--flag needs ..."; `words` is the number of words that the value takes (0 for a
    flag), separated by one blank in its text; a `string` is put in quotes where iptables does so, and with `quoted`
    always; a `keyword` is one of few, so that a reader may treat it as part of the rule's shape. With `optional` the
    value may be left out before the next option; its text is then empty. Where there are `leads`, the option has no
    flag of its own: its value is a run of words that begins with one of these (or with `!` and one of these), and runs
    as far as a form matches; `element` is the class of whose options the words are. `read` raises `ValueError` for
    what no form could tell. Where a value is a set of numbers, `single` reads of its text the only one of them, or None
    if there are more; that takes less than to make the value.
    """

    name: str
    expected: str
    forms: tuple[Form, ...]
    read: Callable[[str], T]
    write: Callable[[T], str]
    hint: str = ""
    words: int = 1
    string: bool = False
    quoted: bool = False
    keyword: bool = False
    optional: bool = False
    leads: tuple[str, ...] = ()
    element: type | None = None
    single: Callable[[str], int | None] | None = None

    def parse(self, text: str) -> T:
        """Read a value from its text.

        Raises `ValueError` with what was expected.

        >>> unsigned(16).parse("80")
        80
        """
        if self.form(text) is None:
            raise ValueError(f'needs {self.expected}, found "{text}"')
        return self.read(text)

    def form(self, text: str) -> Form | None:
        """Find the spelling that the text has, or None."""
        for form, fullmatch in self._compiled:
            if fullmatch(text) is not None:
                return form
        return None

    @cached_property
    def _compiled(self) -> tuple[tuple[Form, Callable[[str], re.Match[str] | None]], ...]:
        return tuple((form, re.compile(form.regex).fullmatch) for form in self.forms)


def unsigned(bits: int, *, hexadecimal: bool = False, name: str = "number") -> Codec[int]:
    """Describe an unsigned integer of so many bits, printed in decimal, or in hexadecimal.

    Decimal, hexadecimal (0x) and octal (0) spellings are read, as by strtoul(3) in libxtables' xtables_strtoul.

    >>> unsigned(8).parse("0x10"), unsigned(32, hexadecimal=True).write(16)
    (16, '0x10')
    """
    top = (1 << bits) - 1
    codec = between(0, top, name=name)
    return attrs.evolve(
        codec,
        forms=(Form(regex=rf"0[xX][0-9a-fA-F]{{1,{bits // 4}}}"), *codec.forms),
        write=hex if hexadecimal else str,
    )


def between(low: int, high: int, *, name: str = "number", digits: int = 0) -> Codec[int]:
    """Describe a number within bounds, printed in decimal, or in so many hexadecimal digits.

    >>> between(1, 20).parse("20"), between(0, 63, digits=2).write(8)
    (20, '0x08')
    """
    expected = f"a number from {low} to {high}"
    longest = len(str(high))
    # What has fewer digits than the highest number is below it.
    shorter = (Form(regex=rf"[1-9][0-9]{{0,{longest - 2}}}"),) if low <= 1 and longest > 1 else ()

    def read(text: str) -> int:
        value = strtoul(text)
        if not low <= value <= high:
            raise ValueError(f'needs {expected}, found "{text}"')
        return value

    return Codec(
        name=name,
        expected=expected,
        forms=(*shorter, Form(regex=NUMBER, exact=False)),
        read=read,
        write=(lambda value: f"0x{value:0{digits}x}") if digits else str,
    )


NUMBER = r"(?:0[xX][0-9a-fA-F]{1,24}|0[0-7]{0,24}|[1-9][0-9]{0,23})"
"""What may be a number; `strtoul` has the last word."""


def strtoul(text: str) -> int:
    """Read a number as C does (base 0 in its library): 0x is hexadecimal, a leading 0 octal.

    Raises `ValueError` if it is none.

    >>> strtoul("0x10"), strtoul("010"), strtoul("10")
    (16, 8, 10)
    """
    try:
        if not text.startswith("0"):
            return int(text)
        return int(text, 16 if text[:2] in ("0x", "0X") else 8)
    except ValueError:
        raise ValueError(f'needs a number, found "{text}"') from None


def one_of(names: type[E]) -> Codec[E]:
    """Describe a value that is one of the names of an enum, in any case.

    >>> class Mode(enum.StrEnum):
    ...     RANDOM = "random"
    ...     NTH = "nth"
    >>> one_of(Mode).parse("nth")
    <Mode.NTH: 'nth'>
    """
    by_name = {member.value.lower(): member for member in names}
    listed = " or ".join(member.value for member in names)
    return Codec(
        name=names.__name__,
        expected=listed,
        forms=(Form(regex="(?i:" + "|".join(re.escape(name) for name in by_name) + ")"),),
        read=lambda text: by_name[text.lower()],
        write=str,
        keyword=True,
    )


def several_of(names: type[E], *, only: tuple[E, ...] | None = None, abbreviated: bool = False) -> Codec[tuple[E, ...]]:
    """Describe a comma-separated choice of an enum's names, or of some of them.

    The choice is kept, and printed, in the order of the enum (or of `only`), each name once. With `abbreviated` the
    beginning of a name stands for the first that has it.

    >>> class State(enum.StrEnum):
    ...     INVALID = "INVALID"
    ...     NEW = "NEW"
    >>> several_of(State).parse("NEW,INVALID")
    (<State.INVALID: 'INVALID'>, <State.NEW: 'NEW'>)
    """
    members = only or tuple(names)
    one = "|".join(re.escape(member.value) for member in members)
    short = "|".join(map(_beginnings, members)) if abbreviated else one
    forms = tuple(Form(regex=f"(?i:(?:{word})(?:,(?:{word}))*)") for word in dict.fromkeys((one, short)))
    by_name = {member.value.upper(): member for member in members}
    ranks = {member: rank for rank, member in enumerate(members)}

    def named(word: str) -> E:
        return by_name.get(word) or next(member for name, member in by_name.items() if name.startswith(word))

    def read(text: str) -> tuple[E, ...]:
        return tuple(sorted(set(map(named, text.upper().split(","))), key=ranks.__getitem__))

    return Codec(
        name=names.__name__,
        expected=f"names among {','.join(member.value for member in members)}, separated by commas",
        forms=forms,
        read=read,
        write=",".join,
        keyword=True,
    )


def _beginnings(word: str) -> str:
    """Match any beginning of a word."""
    return "(?:".join(map(re.escape, word)) + ")?" * (len(word) - 1)


def text_of(name: str, expected: str, *, longest: int, shortest: int = 0, forbidden: str = "") -> Codec[str]:
    """Describe free text of at most so many bytes, put in quotes as libxtables' xtables_save_string does.

    `forbidden` characters are refused as if they ended the text; NUL always is.
    """

    def read(text: str) -> str:
        if not shortest <= len(text.encode("utf-8", "surrogatepass")) <= longest:
            raise ValueError(f"needs {expected} of {shortest} to {longest} bytes, found {len(text)} characters")
        return text

    # A character of ASCII takes one byte, and any other up to four.
    char = rf"[^\0{re.escape(forbidden)}]"
    length = f"{{{shortest},{longest}}}"
    forms = (
        Form(regex=_ascii_but(forbidden) + length, within=_ascii_but(f'{forbidden}"\\') + length),
        Form(regex=rf"{char}{{{shortest},{longest // 4}}}"),
        Form(regex=f"{char}*", exact=False),
    )
    return Codec(name=name, expected=expected, forms=forms, read=read, write=str, string=True)


def _ascii_but(forbidden: str) -> str:
    """Match a character of ASCII, NUL and these apart; what is listed one by one compiles faster than a negation."""
    return f"[{''.join(re.escape(chr(code)) for code in range(1, 128) if chr(code) not in forbidden)}]"


def bare(name: str, expected: str, regex: str, *, hint: str = "") -> Codec[str]:
    """Describe a name that is printed as it is, whatever characters it has."""
    return Codec(name=name, expected=expected, forms=(Form(regex=regex),), read=str, write=str, hint=hint)


STRING = text_of("text", "a text", longest=1024)
"""Free text without a length of its own."""
