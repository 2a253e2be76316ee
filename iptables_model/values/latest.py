"""How those values are kept that were made last: they are mostly asked for again soon, or never."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections import OrderedDict

__all__ = ["keep"]

K = TypeVar("K")
V = TypeVar("V")


def keep(held: OrderedDict[K, V], key: K, value: V, *, most: int) -> V:
    """Keep a value with so many that came last, and give it.

    >>> from collections import OrderedDict
    >>> held = OrderedDict()
    >>> [keep(held, name, name.upper(), most=2) for name in "abc"], list(held)
    (['A', 'B', 'C'], ['b', 'c'])
    """
    # One goes for each that comes: of many that go at once, the garbage collector would take little account.
    if len(held) >= most:
        held.popitem(last=False)
    held[key] = value
    return value
