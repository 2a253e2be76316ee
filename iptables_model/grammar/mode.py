"""What becomes of a text that cannot all be read."""

from __future__ import annotations

import enum

__all__ = ["Mode"]


class Mode(enum.StrEnum):
    """Choose what a reader does with what it cannot read.

    >>> Mode("lenient") is Mode.LENIENT
    True
    """

    STRICT = "strict"
    """Raise the first `ParseError`."""
    COLLECT = "collect"
    """Read on to the end, then raise all of them as one `DumpErrors`."""
    LENIENT = "lenient"
    """Keep the lines that cannot be read, and list them in `Ruleset.issues`."""
