"""What a reader has to say of a text: the lines that it cannot read, and what shows that the dump is not whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptables_model.errors import ParseError
from iptables_model.grammar.elements import Unreadable
from iptables_model.grammar.mode import Mode
from iptables_model.source import Span

if TYPE_CHECKING:
    from iptables_model.grammar.drafts import Sheet

__all__ = ["Report"]


class Report:
    """Gather the errors of one text, or raise the first in `Mode.STRICT`.

    `errors` are the lines that cannot be read, in order; `notes` are no errors.
    """

    def __init__(self, sheet: Sheet, *, mode: Mode, name: str) -> None:
        self.errors: list[ParseError] = []
        self.notes: list[ParseError] = []
        self._sheet = sheet
        self._mode = mode
        self._name = name

    def issues(self) -> tuple[ParseError, ...]:
        """List errors and notes in the order of their lines."""
        return tuple(sorted((*self.errors, *self.notes), key=lambda issue: issue.line))

    def fail(self, error: Unreadable, at: int) -> None:
        """Take in, or raise, what is wrong with the line `at`, counted from 0."""
        made = self._error(error, at)
        if self._mode is Mode.STRICT:
            raise made from None
        self.errors.append(made)

    def note(self, at: int, message: str, hint: str) -> None:
        """Take note of what a line shows, which is no error."""
        line = self._sheet.lines[at]
        self.notes.append(self._error(Unreadable(line, 0, len(line), message, hint=hint), at))

    def _error(self, error: Unreadable, at: int) -> ParseError:
        """Turn a complaint about a line, or about one that goes on in the next, into a `ParseError`."""
        start = error.pstr.rfind("\n", 0, error.loc) + 1
        line = error.pstr[start:].partition("\n")[0]
        column = error.loc - start + 1
        end = max(min(error.end - start, len(line)) + 1, column + 1)
        number = self._sheet.first + at + error.pstr.count("\n", 0, error.loc)
        return ParseError(
            error.message,
            source=self._name,
            span=Span(number, column, end),
            text=line,
            expected=error.expected,
            hint=error.hint,
        )
