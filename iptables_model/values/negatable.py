"""A value that iptables can turn round with `!`."""

from __future__ import annotations

from typing import Generic, TypeVar

import attrs

__all__ = ["Negatable"]

T = TypeVar("T")


@attrs.frozen
class Negatable(Generic[T]):
    """Hold the value of an option that may stand behind `!`.

    >>> Negatable("eth0", negated=True)
    Negatable(value='eth0', negated=True)
    """

    value: T
    negated: bool = attrs.field(default=False, kw_only=True)
