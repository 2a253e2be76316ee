"""How a frozen value is put together without its constructor: of checked parts, or of what was pickled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

__all__ = ["filled"]

T = TypeVar("T")


def filled(value: T, names: Iterable[str], held: Iterable[object]) -> T:
    """Give fields of a new value what they hold, in the order of their names, and give the value."""
    for name, one in zip(names, held, strict=True):
        object.__setattr__(value, name, one)
    return value
