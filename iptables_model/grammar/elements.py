"""The elements of which the grammar is made, and the error that they raise.

Every pyparsing element is made here, because an element takes its whitespace from a setting that any other program in
the process may have changed before; and blanks alone separate words (add_param_to_argv in iptables/xshared.c).
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeVar

import pyparsing as pp

from iptables_model.source import printable
from iptables_model.values.quoting import WORD

__all__ = [
    "BLANKS",
    "END",
    "NEXT_WORD",
    "OpenQuote",
    "Unreadable",
    "did_you_mean",
    "element",
    "found",
    "open_quote",
    "publish",
    "regex",
    "sequence",
]

E = TypeVar("E", bound=pp.ParserElement)

BLANKS = " \t"
"""What separates words."""

END = rf"(?=[{BLANKS}]|\Z)"
"""The end of a word, in a regular expression."""

NEXT_WORD = re.compile(rf"[{BLANKS}]*({WORD})", re.DOTALL)
"""Blanks and the word behind them, with its quotes."""

_SHOWN = 60


class Unreadable(pp.ParseFatalException):
    """Say what cannot be read in a line; `loc` and `end` are the word's, counted from 0.

    It is fatal, so that no other alternative is tried and the message stays the one that was meant.
    """

    # Where another program has switched packrat on, pyparsing makes a copy of an error from its arguments.
    def __init__(  # noqa: PLR0917
        self, text: str, loc: int, end: int, message: str, expected: str = "", hint: str = ""
    ) -> None:
        super().__init__(text, loc, message)
        self.args = (text, loc, end, message, expected, hint)  # type: ignore[assignment]
        self.end = end
        self.message = message
        self.expected = expected
        self.hint = hint


class OpenQuote(Unreadable):
    """Say that a quote is open at the end of the text, which may go on in the next line."""


def element(made: E) -> E:
    """Give an element the grammar's own whitespace."""
    made.set_whitespace_chars(BLANKS)
    made.parse_with_tabs()
    return made


def regex(pattern: str, name: str) -> pp.Regex:
    """Make an element of a regular expression, named as messages name it; its token is the match."""
    made = element(pp.Regex(pattern, flags=re.DOTALL, as_match=True))
    made.set_name(name)
    return made


def sequence(*parts: pp.ParserElement) -> pp.And:
    """Make an element of several that follow each other."""
    return element(pp.And(list(parts)))


def publish(made: E) -> E:
    """Finish an element before threads share it: pyparsing would otherwise do it at the first parse, unlocked."""
    made.streamline()
    return made


def found(text: str) -> str:
    """Quote what stood there, for a message: of a bounded length, and fit for a terminal."""
    return f'"{printable(text[:_SHOWN])}{"..." if len(text) > _SHOWN else ""}"'


def open_quote(text: str, loc: int) -> OpenQuote:
    """Say that a quote is never closed."""
    return OpenQuote(text, loc, loc + 1, "this quote is never closed", expected='"', hint="the line may be cut off")


def did_you_mean(word: str, known: tuple[str, ...]) -> str:
    """Suggest what resembles a word.

    >>> did_you_mean("--dprot", ("--dport", "--sport"))
    'did you mean --dport or --sport?'
    """
    close = _close(word[:_SHOWN], known)
    return f"did you mean {' or '.join(close)}?" if close else ""


@lru_cache(maxsize=256)
def _close(word: str, known: tuple[str, ...]) -> tuple[str, ...]:
    # The same slip is often made many times in one text, and looking is slow.
    return tuple(get_close_matches(word, known, n=2, cutoff=0.6))
