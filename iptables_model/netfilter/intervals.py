"""Sets of points on a line, kept as sorted bounds: (a, b, c, d) is [a, b) and [c, d).

The line is whatever can be compared: numbers for addresses and ports, strings for interface names. A point belongs to
the set if an odd number of bounds lie at or below it, which makes every operation a matter of `bisect` and slices.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

__all__ = ["Bounds", "contains", "innermost", "intersect", "join", "pairs", "subtract", "unite"]

Bounds: TypeAlias = tuple[Any, ...]
V = TypeVar("V")


def pairs(bounds: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Go through the half-open intervals.

    >>> list(pairs((1, 3, 7, 8)))
    [(1, 3), (7, 8)]
    """
    return zip(bounds[::2], bounds[1::2], strict=True)


def contains(bounds: Sequence[Any], point: Any) -> bool:
    """Say whether a point belongs to the set.

    >>> contains((1, 3, 7, 8), 2), contains((1, 3, 7, 8), 3)
    (True, False)
    """
    return bisect_right(bounds, point) % 2 == 1


def _within(bounds: Sequence[Any], low: Any, high: Any) -> Bounds:
    first, last = bisect_right(bounds, low), bisect_left(bounds, high)
    left = (low,) if first % 2 else ()
    right = (high,) if last % 2 else ()
    return left + tuple(bounds[first:last]) + right


def _without(bounds: Bounds, low: Any, high: Any) -> Bounds:
    first, last = bisect_left(bounds, low), bisect_right(bounds, high)
    left = (low,) if first % 2 else ()
    right = (high,) if last % 2 else ()
    # In this order a long set is not copied once more for each part.
    return bounds[:first] + (left + right + bounds[last:])


def intersect(one: Sequence[Any], other: Sequence[Any]) -> Bounds:
    """Keep the points that are in both sets.

    >>> intersect((0, 10), (5, 7, 9, 12))
    (5, 7, 9, 10)
    """
    if len(other) > len(one):
        one, other = other, one
    if len(other) == 2:
        return _within(one, *other)
    return tuple(bound for pair in pairs(other) for bound in _within(one, *pair))


def join(one: Bounds, other: Bounds) -> Bounds:
    """Join two sets; an interval or two put into many others take no look at each of these.

    >>> join((0, 3, 8, 9), (2, 5)), join((0, 3), (3, 5))
    ((0, 5, 8, 9), (0, 5))
    """
    if len(other) > len(one):
        one, other = other, one
    if len(other) > _FEW:
        return unite((one, other))
    for low, high in pairs(other):
        one = _with(one, low, high)
    return one


_FEW = 8


def _with(bounds: Bounds, low: Any, high: Any) -> Bounds:
    first, last = bisect_left(bounds, low), bisect_right(bounds, high)
    left = () if first % 2 else (low,)
    right = () if last % 2 else (high,)
    return bounds[:first] + (left + right + bounds[last:])


def subtract(one: Bounds, other: Bounds) -> Bounds:
    """Keep the points of one set that are not in the other.

    >>> subtract((0, 10), (5, 7, 9, 12))
    (0, 5, 7, 9)
    """
    if not one or not other:
        return one
    if len(other) == 2:
        return _without(one, *other)
    # Within the span of `one`, the complement of `other` has the same inner bounds.
    low, high = one[0], one[-1]
    inner = _within(other, low, high)
    inner = inner[1:] if inner[:1] == (low,) else (low, *inner)
    inner = inner[:-1] if inner[-1:] == (high,) else (*inner, high)
    return intersect(one, inner)


def unite(sets: Iterable[Bounds]) -> Bounds:
    """Join sets that may overlap or touch.

    >>> unite([(0, 3), (5, 7), (2, 5)])
    (0, 7)
    """
    spans: list[Bounds] = []
    for bounds in sets:
        # Most are one interval.
        spans += (bounds,) if len(bounds) == 2 else pairs(bounds)
    joined: list[Any] = []
    for low, high in sorted(spans):
        if joined and low <= joined[-1]:
            joined[-1] = max(joined[-1], high)
        else:
            joined += (low, high)
    return tuple(joined)


def innermost(nested: Iterable[tuple[int, int, V]]) -> Iterator[tuple[int, int, V]]:
    """Go through intervals that lie within each other or apart, so that each point has the value of its smallest one.

    >>> list(innermost([(0, 10, "wide"), (3, 5, "narrow")]))
    [(0, 3, 'wide'), (3, 5, 'narrow'), (5, 10, 'wide')]
    """
    around: list[tuple[int, V]] = []
    at = 0

    def until(point: int | None) -> Iterator[tuple[int, int, V]]:
        nonlocal at
        while around and (point is None or around[-1][0] <= point):
            end, value = around.pop()
            if at < end:
                yield at, end, value
                at = end
        if around and point is not None and at < point:
            yield at, point, around[-1][1]

    for low, high, value in sorted(nested, key=lambda one: (one[0], -one[1])):
        yield from until(low)
        at = low
        around.append((high, value))
    yield from until(None)
