"""Tables of plain text."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["to_table"]


def to_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Line up columns under their heads; no line ends in blanks.

    >>> print(to_table(("NAME", "PORT"), [("web", "80"), ("dns", "53")]))
    NAME  PORT
    web   80
    dns   53
    """
    cells = [tuple(head), *map(tuple, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)
