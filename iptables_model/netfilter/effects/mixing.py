"""Rewriting some bits of a field, from what they are now, from another field, or to constants."""

from __future__ import annotations

from typing import Any

from iptables_model.netfilter.bits import ANY_BITS, BitSet
from iptables_model.netfilter.state import Constant, Mixed, State

__all__ = ["FULL", "joined", "mixed"]

FULL = 0xFFFFFFFF
"""A mask of all bits."""


def mixed(state: State, field: str, *, keep: int, xor: int) -> Mixed | Constant:
    """Keep some bits of what a field is now and XOR a constant."""
    held = state.now.get(field, Mixed(((field, FULL),), 0))
    if isinstance(held, Mixed):
        kept = tuple((name, bits & keep) for name, bits in held.sources if bits & keep)
        return Mixed(kept, (held.xor & keep) ^ xor)
    return Constant(_masked_xor(held.value, keep, xor)) if isinstance(held, Constant) else Constant(ANY_BITS)


def _masked_xor(value: Any, keep: int, xor: int) -> BitSet:
    found = BitSet(())
    for pattern in value.patterns:
        mask = pattern.mask | (~keep & FULL)
        found |= BitSet.of(((pattern.value & keep) ^ xor) & mask, mask)
    return found


def joined(state: State, field: str, keep: int, other: str, take: int) -> Mixed | Constant:
    """Give (field & keep) ^ (other & take); where both may reach one bit from open fields, anything."""
    one = mixed(state, field, keep=keep, xor=0)
    two = mixed(state, other, keep=take, xor=0)
    one, two = (_settled(part, state) for part in (one, two))
    reach_one, reach_two = (sum(bits for _, bits in part.sources) for part in (one, two))
    if reach_one & reach_two:
        return Constant(ANY_BITS)
    return Mixed(one.sources + two.sources, one.xor ^ two.xor)


def _settled(part: Mixed | Constant, state: State) -> Mixed:
    """Turn bits that are already fixed into constants, so that only the open ones are left as sources."""
    if isinstance(part, Constant):
        fixed = part.value.single if isinstance(part.value, BitSet) else None
        return Mixed((("mark", FULL),), 0) if fixed is None else Mixed((), fixed)
    sources, xor = [], part.xor
    for field, keep in part.sources:
        patterns = state.when[field].patterns
        if len(patterns) == 1:
            xor ^= patterns[0].value & keep
            keep &= ~patterns[0].mask  # noqa: PLW2901 (what is left of it)
        if keep:
            sources.append((field, keep))
    return Mixed(tuple(sources), xor)
