"""Bits of fields put together anew: kept, moved, and XORed with others or with a constant."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

from iptables_model.netfilter.bits import FULL, moved
from iptables_model.netfilter.fields import TCP_OPTIONS
from iptables_model.netfilter.state import Bits, Constant, Mixed, State

__all__ = ["Mixture", "bits_of", "joined", "kept", "masked", "shifted"]

_WIDE = TCP_OPTIONS.full
"""The only bits put together that are not 32: those of the kinds of options."""

Mixture: TypeAlias = Mixed | Constant
"""Bits that come from the packet asked about, or are one of a set."""


def masked(state: State, field: str, *, keep: int, xor: int) -> Mixture:
    """Give (field & keep) ^ xor."""
    if field not in state.now:
        alike = state.was(field).alike
        return _masked(field, alike.value, alike.mask, keep, xor)
    part = kept(bits_of(state, field), keep)
    if isinstance(part, Mixed):
        return Mixed(part.sources, part.xor ^ xor)
    return joined(state, part, Mixed((), xor))


@lru_cache(maxsize=256)
def _masked(field: str, value: int, mask: int, keep: int, xor: int) -> Mixed:
    """Give (field & keep) ^ xor of a field that is as it was, with this value under the mask in all packets."""
    return _mixed([Bits(field, _full(field) & keep & ~mask)], value & keep ^ xor)


def _full(field: str) -> int:
    return _WIDE if field == "tcp_options" else FULL


def bits_of(state: State, field: str) -> Mixture:
    """Say where the bits of a field come from; those that all packets of the state have alike are constant."""
    held = state.now.get(field, Mixed((Bits(field, _full(field)),), 0))
    if not isinstance(held, Mixed):
        value: Any = state.view(field)
        return held if isinstance(held, Constant) and value.single is None else Mixed((), value.single)
    xor, sources = held.xor, []
    for name, bits, left in held.sources:
        alike = state.was(name).alike
        xor ^= moved(alike.value & bits, left)
        sources.append(Bits(name, bits & ~alike.mask, left))
    return _mixed(sources, xor)


def kept(part: Mixture, mask: int) -> Mixture:
    """Keep some bits and clear all others."""
    if isinstance(part, Mixed):
        sources = [Bits(name, bits & moved(mask, -left), left) for name, bits, left in part.sources]
        return _mixed(sources, part.xor & mask)
    value: Any = part.value
    return Constant(value.kept(mask), part.reason)


def shifted(part: Mixture, by: int) -> Mixture:
    """Move all bits to the left, or to the right if `by` is negative; what leaves the 32 bits is lost."""
    if isinstance(part, Mixed):
        staying = moved(FULL, -by)
        sources = [Bits(name, bits & moved(staying, -left), left + by) for name, bits, left in part.sources]
        return _mixed(sources, moved(part.xor, by))
    value: Any = part.value
    return Constant(value.moved(by), part.reason)


def joined(state: State, one: Mixture, two: Mixture) -> Mixture:
    """Give one ^ two; where both have open bits in one place, all that can come of it."""
    if isinstance(one, Mixed) and isinstance(two, Mixed):
        both = _cancelled(one.sources + two.sources)
        if _disjoint(both):
            return _mixed(both, one.xor ^ two.xor)
    values: tuple[Any, Any] = (state.image(one), state.image(two))
    reasons = [part.reason for part in (one, two) if isinstance(part, Constant)]
    return Constant(values[0] ^ values[1], *reasons[:1] or ["open marks are mixed"])


def _mixed(sources: list[Bits], xor: int) -> Mixed:
    return Mixed(tuple(source for source in sources if source.kept), xor)


def _cancelled(sources: tuple[Bits, ...]) -> list[Bits]:
    """Join sources that have a bit in the same place: XORed with itself it is 0."""
    found: dict[tuple[str, int], int] = {}
    for name, bits, left in sources:
        found[name, left] = found.get((name, left), 0) ^ bits
    return [Bits(name, bits, left) for (name, left), bits in found.items()]


def _disjoint(sources: list[Bits]) -> bool:
    reached = 0
    for _, bits, left in sources:
        if reached & moved(bits, left):
            return False
        reached |= moved(bits, left)
    return True
