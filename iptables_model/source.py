"""Where a value came from, and how to point at it."""

from __future__ import annotations

import attrs

__all__ = ["Span", "excerpt", "printable"]

_WIDTH = 160
"""Characters of a line that an excerpt shows at most."""


@attrs.frozen
class Span:
    """Locate a piece of one line: its 1-based line and column, and the column just behind it.

    >>> Span(41, 71, 75).width
    4
    """

    line: int
    column: int
    end: int

    @property
    def width(self) -> int:
        """Count the characters that the span covers, at least one."""
        return max(self.end - self.column, 1)


def printable(text: str) -> str:
    r"""Show control characters, and what else a terminal would obey, instead of sending them.

    >>> printable("a\x1b[31mb\r")
    'a\\x1b[31mb\\r'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def excerpt(text: str, column: int, end: int) -> str:
    """Render the line and, below it, carets under the columns from `column` to `end` (1-based, exclusive).

    A long line is cut around the carets, and control characters are shown escaped.

    >>> print(excerpt("-A INPUT -j", 10, 12))
      -A INPUT -j
               ^^
    """
    start = max(0, min(column - 1 - _WIDTH // 2, len(text) - _WIDTH))
    stop = min(len(text), start + _WIDTH)
    before = printable(text[start : column - 1])
    marked = printable(text[column - 1 : min(end - 1, stop)])
    after = printable(text[max(min(end - 1, stop), column - 1) : stop])
    left, right = "..." if start else "", "..." if stop < len(text) else ""
    carets = " " * (len(left) + len(before)) + "^" * max(len(marked), 1)
    return f"  {left}{before}{marked}{after}{right}\n  {carets}"
