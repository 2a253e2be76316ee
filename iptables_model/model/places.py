"""Where keys stand in a long sequence."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

__all__ = ["Places"]

K = TypeVar("K", bound=Hashable)


class Places(Generic[K]):
    """Remember the places of each key, as one chain of numbers: ten thousands of lists would take longer to make.

    >>> places = Places[str]()
    >>> for key in "abba":
    ...     places.add(key)
    >>> places.of("b"), places.of("c")
    ([1, 2], [])
    """

    def __init__(self) -> None:
        self._last: dict[K, int] = {}
        self._before: list[int | None] = []

    def add(self, key: K | None) -> None:
        """Put a key at the next place; None is no key."""
        if key is None:
            self._before.append(None)
        else:
            self._before.append(self._last.get(key))
            self._last[key] = len(self._before) - 1

    def __iter__(self) -> Iterator[K]:
        return iter(self._last)

    def of(self, key: K) -> list[int]:
        """List the places of a key, from the first to the last."""
        found = []
        place = self._last.get(key)
        while place is not None:
            found.append(place)
            place = self._before[place]
        return found[::-1]
