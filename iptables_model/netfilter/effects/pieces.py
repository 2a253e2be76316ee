"""Sets of packets parted so that in each piece a field moves by one offset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from iptables_model.netfilter import intervals
from iptables_model.netfilter.condition import Within
from iptables_model.netfilter.effects.course import Site
from iptables_model.netfilter.sets import AddressSet, LineSet, NumberSet
from iptables_model.netfilter.state import State

__all__ = ["Piece", "blocks", "parted"]

_MOST = 64
"""The most pieces that are followed one by one."""


class Piece(NamedTuple):
    """Hold a part of a field's set, and by how much it moves; None where it cannot be moved."""

    part: AddressSet | NumberSet
    offset: int | None


def blocks(view: LineSet, size: int, start: int = 0) -> Iterator[int]:
    """Go through the beginnings of the blocks of a size, counted from `start`, in which a set has members."""
    last = None
    for low, high in intervals.pairs(view.bounds):
        for number in range((low - start) // size, (high - 1 - start) // size + 1):
            if number != last:
                yield start + number * size
            last = number


def parted(state: State, field: str, pieces: Iterable[Piece], site: Site) -> list[tuple[State, int | None]] | None:
    """Part a state by pieces that together are all that the field can be; None if they are too many."""
    few = list(islice(pieces, _MOST + 1))
    if len(few) > _MOST:
        return None
    found: list[tuple[State, int | None]] = []
    rest = [state]
    for part, offset in few:
        parts = [site.split(one, Within(field, part)) for one in rest]
        found += [(one, offset) for yes, _ in parts for one in yes]
        rest = [one for _, no in parts for one in no]
    return found
