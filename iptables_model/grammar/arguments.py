"""The argument of one option: as many words as its codec takes, in one of the codec's forms."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import pyparsing as pp

from iptables_model.grammar.elements import BLANKS, END, NEXT_WORD, Unreadable, element, found, open_quote
from iptables_model.source import printable
from iptables_model.values.quoting import WORD, unquote

if TYPE_CHECKING:
    from iptables_model.grammar.reading import Given
    from iptables_model.values.codec import Codec, Form

__all__ = ["Argument", "Read", "Spelled", "plain", "value_of"]

_NO_VALUE = re.compile(rf"[{BLANKS}]*(?:[!-]|\Z)")
_BANG = re.compile(rf"[{BLANKS}]+!(?=[{BLANKS}]+[^{BLANKS}!-])")
_LONGEST = 200
_WORD = re.compile(WORD, re.DOTALL)


class Read(NamedTuple):
    """Say where the value of an argument stands, in which of the codec's forms, and whether `!` stands before it."""

    form: Form
    negated: bool
    start: int
    end: int


class Spelled(NamedTuple):
    """Say which regular expression matches a value, whether it is then sure to be one, and where it stands."""

    regex: str
    sure: bool
    start: int
    end: int


class Argument(pp.Token):
    """Read the words of an option's value.

    With `negatable`, a `!` of its own may stand before it, as iptables wrote it until 1.4.3 (`-s ! 10.0.0.0/8`).
    """

    def __init__(self, flag: str, codec: Codec[Any], *, negatable: bool) -> None:
        super().__init__()
        self.flag = flag
        self.codec = codec
        self.negatable = negatable
        element(self)
        self.set_name(f"{codec.expected} for {flag}")

    def _generateDefaultName(self) -> str:  # noqa: N802 (pyparsing's name)
        return self.flag

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Match the usual spelling, with the blanks before it; the group that matched tells the form.

        Usual is a value without quotes, one blank between its words; and for a string also one in quotes that holds
        no backslash. A match that holds a quote it should not is for `read` to sort out.
        """
        # Compiled when first needed: few of some hundred options stand in one text, and compiling takes a millisecond.
        forms = "|".join(f"({form})" for form in self._spellings())
        other = rf"(?!![{BLANKS}])" if self.negatable else ""
        return re.compile(rf"[{BLANKS}]+{other}(?:{forms}){END}")

    @cached_property
    def traits(self) -> tuple[tuple[bool, bool, int | None], ...]:
        """Say for each group of `pattern` whether its values are sure, whether they may hold a quote, and a family."""
        if self.codec.string:
            return ((True, True, None), (False, True, None)) if self.codec.forms[0].within else ((False, True, None),)
        return tuple((form.exact, False, form.family) for form in self.codec.forms)

    def _spellings(self) -> list[str]:
        if not self.codec.string:
            return [form.regex for form in self.codec.forms]
        within = self.codec.forms[0].within
        return [*([f'"{within}"'] if within else []), rf'"[^"\\\0]*"|[^{BLANKS}"\0]+']

    def spelled(self, text: str, loc: int) -> Spelled:
        """Say how a value is written that `pattern` matches at `loc`."""
        match = self.pattern.match(text, loc)
        group = 1 if match is None else match.lastindex or 1
        start, end = (loc, loc) if match is None else match.span(group)
        return Spelled(self._spellings()[group - 1], self.traits[group - 1][0], start, end)

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> tuple[int, Any]:  # noqa: ARG002, N802
        """Read the argument behind its flag; the token is a `Read`."""
        read = self.read(instring, loc)
        return read.end, read

    def read(self, text: str, loc: int, *, negated: bool = False) -> Read:
        """Read the argument that begins, with its blanks, at `loc`; `negated` if a `!` stands before the flag."""
        match = self.pattern.match(text, loc)
        if match is not None:
            group = match.lastindex or 1
            sure, quotable, _ = self.traits[group - 1]
            if (sure and quotable) or not (self.codec.string or '"' in match[0]):
                return Read(self.codec.forms[group - 1], negated=False, start=match.start(group), end=match.end())
        if self.codec.optional and _NO_VALUE.match(text, loc):
            return Read(self._form(text, loc, loc, ""), negated=False, start=loc, end=loc)
        bang = _BANG.match(text, loc) if self.negatable and not negated else None
        if bang is not None:
            return self._words(text, bang.end())._replace(negated=True)
        return self._words(text, loc)

    def _words(self, text: str, loc: int) -> Read:
        """Read as many words as the codec takes, quoted or not."""
        start, end = -1, loc
        for _ in range(self.codec.words):
            word = NEXT_WORD.match(text, end)
            if word is None:
                raise self._missing(text, end)
            start, end = (word.start(1) if start < 0 else start), word.end()
        form = self._form(text, start, end, plain(text[start:end], self.codec.words))
        return Read(form, negated=False, start=start, end=end)

    def _form(self, text: str, start: int, end: int, value: str) -> Form:
        form = self.codec.form(value)
        if form is None:
            message = f"{self.flag} needs {self.codec.expected}, found {found(value)}"
            raise Unreadable(text, start, end, message, expected=self.codec.expected, hint=self.codec.hint)
        return form

    def run(self, text: str, loc: int) -> Read:
        """Read a run of words, of which the first, at `loc`, leads to the option in place of a flag."""
        match = self.pattern.match(text, loc - 1)
        if match is None:
            end = loc + len(self.flag)
            message = f"{self.flag} begins no {self.codec.name}"
            raise Unreadable(text, loc, end, message, expected=self.codec.expected, hint=self.codec.hint)
        group = match.lastindex or 1
        return Read(self.codec.forms[group - 1], negated=False, start=match.start(group), end=match.end())

    def _missing(self, text: str, loc: int) -> Unreadable:
        rest = text[loc:].lstrip(BLANKS)
        if rest:
            return open_quote(text, len(text) - len(rest))
        message = f"{self.flag} needs {self.codec.expected}, found the end of the line"
        end = len(text.rstrip(BLANKS))
        return Unreadable(text, end, end + 1, message, expected=self.codec.expected, hint=self.codec.hint)


def plain(raw: str, words: int) -> str:
    r"""Take the quotes off a value as it stands in the text, and put one blank between its words.

    >>> plain('"a b"', 1), plain("SYN,ACK  SYN", 2)
    ('a b', 'SYN,ACK SYN')
    """
    if words == 1:
        return unquote(raw) if '"' in raw else raw
    return " ".join(unquote(word) for word in _WORD.findall(raw))


def value_of(text: str, given: Given) -> Any:
    """Read the value of an option that a line gives.

    Raises `Unreadable` where the codec refuses what its form let pass.
    """
    flag = given.flag
    try:
        return flag.codec.read(plain(text[given.start : given.end], flag.codec.words))
    except ValueError as error:
        message = f"{flag.text} {printable(str(error)[:_LONGEST])}"
        raise Unreadable(
            text, given.start, given.end, message, expected=flag.codec.expected, hint=flag.codec.hint
        ) from None
