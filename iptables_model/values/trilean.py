"""Three-valued truth, after Kleene."""

from __future__ import annotations

import enum

__all__ = ["Trilean"]


class Trilean(enum.StrEnum):
    """Say yes, no, or that it cannot be known from what there is.

    `&`, `|` and `~` follow Kleene: an unknown operand leaves the result unknown unless the other one decides it.

    >>> Trilean.FALSE & Trilean.UNKNOWN
    <Trilean.FALSE: 'false'>
    >>> ~Trilean.UNKNOWN
    <Trilean.UNKNOWN: 'unknown'>
    """

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, value: bool | None) -> Trilean:
        """Take a `bool`, or None for unknown."""
        if value is None:
            return cls.UNKNOWN
        return cls.TRUE if value else cls.FALSE

    def __and__(self, other: Trilean) -> Trilean:
        if Trilean.FALSE in (self, other):
            return Trilean.FALSE
        return Trilean.UNKNOWN if Trilean.UNKNOWN in (self, other) else Trilean.TRUE

    def __or__(self, other: Trilean) -> Trilean:
        return ~(~self & ~other)

    def __invert__(self) -> Trilean:
        return {Trilean.TRUE: Trilean.FALSE, Trilean.FALSE: Trilean.TRUE}.get(self, Trilean.UNKNOWN)

    def __bool__(self) -> bool:
        """Refuse to choose for the caller when the answer is unknown.

        Raises `TypeError` for `UNKNOWN`: compare with `is Trilean.TRUE` where unknown is to count as one of the two.
        """
        if self is Trilean.UNKNOWN:
            raise TypeError("unknown is neither true nor false; compare with Trilean.TRUE or Trilean.FALSE")
        return self is Trilean.TRUE
