"""Every exception of the library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from iptables_model.source import excerpt, printable

if TYPE_CHECKING:
    from iptables_model.source import Span

__all__ = ["Ambiguous", "DumpErrors", "IptablesModelError", "ModelError", "NotFound", "ParseError"]


class IptablesModelError(Exception):
    """Root of all errors that the library raises."""


class ParseError(IptablesModelError, ValueError):
    """Say what cannot be read in a text, and where.

    `source` is the name of the text; `line` and `column` are 1-based; `span` covers the offending word; `text` is
    the whole line; `expected` says what could have stood there and `hint` how to get on (both may be empty).

    >>> from iptables_model.source import Span
    >>> print(ParseError('unknown command "-Z"', source="a.save", span=Span(3, 1, 3), text="-Z INPUT"))
    a.save:3:1: unknown command "-Z"
      -Z INPUT
      ^^
    """

    def __init__(self, message: str, *, source: str, span: Span, text: str, expected: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.source = source
        self.span = span
        self.text = text
        self.expected = expected
        self.hint = hint

    @property
    def line(self) -> int:
        """Number the line, from 1."""
        return self.span.line

    @property
    def column(self) -> int:
        """Number the first offending column, from 1."""
        return self.span.column

    def __str__(self) -> str:
        lines = [
            f"{printable(self.source)}:{self.line}:{self.column}: {self.message}",
            excerpt(self.text, self.span.column, self.span.end),
        ]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return _parse_error, (self.message, self.source, self.span, self.text, self.expected, self.hint)


def _parse_error(  # noqa: PLR0917 (called by pickle, which knows no keywords)
    message: str, source: str, span: Span, text: str, expected: str, hint: str
) -> ParseError:
    return ParseError(message, source=source, span=span, text=text, expected=expected, hint=hint)


class DumpErrors(IptablesModelError, ExceptionGroup[ParseError]):  # noqa: N818 (a name that the house fixed)
    """Hold every `ParseError` of one text, in the order of its lines (`Mode.COLLECT`)."""

    def derive(self, excs: Sequence[ParseError], /) -> Self:  # type: ignore[override]
        """Make a group of the same kind, as `ExceptionGroup.split` needs it."""
        return type(self)(self.message, excs)

    def __str__(self) -> str:
        return "\n".join([f"{self.message}:", *(str(error) for error in self.exceptions)])


class ModelError(IptablesModelError, ValueError):
    """Say why a value built by hand is one that iptables could not load."""


class NotFound(IptablesModelError, LookupError):  # noqa: N818 (a name that the house fixed)
    """Say that a name is not there; `candidates` are the names that are, the closest first in the text.

    >>> print(NotFound("table", "nta", ("nat", "filter")))
    no table "nta"; did you mean nat?
    """

    def __init__(self, kind: str, name: str, candidates: Sequence[str]) -> None:
        self.kind = kind
        self.name = name
        self.candidates = tuple(candidates)
        super().__init__(kind, name, self.candidates)

    @property
    def closest(self) -> tuple[str, ...]:
        """Name up to three candidates that resemble the name."""
        from difflib import get_close_matches  # noqa: PLC0415 (only errors need it)

        return tuple(get_close_matches(self.name, self.candidates[:5000], n=3, cutoff=0.5))

    def __str__(self) -> str:
        known = f"did you mean {' or '.join(self.closest)}?" if self.closest else self._known()
        return f'no {self.kind} "{printable(self.name)}"; {known}'

    def _known(self) -> str:
        if not self.candidates:
            return "there are none"
        more = ", ..." if len(self.candidates) > 5 else ""
        return f"there are {', '.join(self.candidates[:5])}{more}"


class Ambiguous(IptablesModelError, LookupError):  # noqa: N818 (a name that the house fixed)
    """Say that a name means more than one thing; `candidates` are those.

    >>> print(Ambiguous("Service", "web", ("default/web:http", "default/web:https")))
    Service "web" is ambiguous: default/web:http, default/web:https
    """

    def __init__(self, kind: str, name: str, candidates: Sequence[str]) -> None:
        self.kind = kind
        self.name = name
        self.candidates = tuple(candidates)
        super().__init__(kind, name, self.candidates)

    def __str__(self) -> str:
        more = ", ..." if len(self.candidates) > 10 else ""
        return f'{self.kind} "{printable(self.name)}" is ambiguous: {", ".join(self.candidates[:10])}{more}'
