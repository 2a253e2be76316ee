"""What the meanings share: the `!` of an option, sets from the values of options, and what is left to assume."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any as Anything

from iptables_model.model.option import Match, options_of
from iptables_model.model.text import match_text
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.condition import ALWAYS, NEVER, All, Any, Assume, Condition, Not, Within
from iptables_model.netfilter.packet import FIELDS
from iptables_model.netfilter.sets import Choice, NumberSet
from iptables_model.values.negatable import Negatable

__all__ = [
    "TRACKED",
    "WITH_HEADER",
    "WITH_PORTS",
    "asks",
    "assumed",
    "has_bits",
    "masked",
    "one_of",
    "rest",
    "union",
    "unless_fragment",
    "within_range",
]


def asks(option: Negatable[Anything] | None, ask: Callable[[Anything], Condition]) -> Condition:
    """Apply the `!` of an option; an option that is not there asks nothing."""
    if option is None:
        return ALWAYS
    return Not(ask(option.value)) if option.negated else ask(option.value)


def one_of(field: str, *names: str) -> Within:
    """Ask that a field is one of some names."""
    return Within(field, Choice(frozenset(names)))


WITH_HEADER = one_of("fragment", "no", "first")
"""A later fragment has no header to look into (xt_tcpudp.c: `par->fragoff != 0` does not match)."""

TRACKED = Not(one_of("state", "INVALID", "UNTRACKED"))
"""Asks that the packet has a connection: nf_ct_get finds none for the others, nor in raw."""

WITH_PORTS = Within("protocol", NumberSet((6, 7, 17, 18, 33, 34, 132, 133, 136, 137)))
"""TCP, UDP, DCCP, SCTP, UDP-Lite. In the tuples of others there are ids, keys or nothing in the place of ports."""


def has_bits(field: str, bits: int) -> Within:
    """Ask that all of some bits are set."""
    return Within(field, BitSet.of(bits, bits))


def masked(field: str, mark: Anything) -> Condition:
    """Ask (field & mask) == value, which no packet answers if the value has bits outside the mask."""
    return NEVER if mark.value & ~mark.mask else Within(field, BitSet.of(mark.value, mark.mask))


def within_range(field: str) -> Callable[[Anything], Condition]:
    """Ask that a number is between two others, both included."""
    return lambda numbers: Within(field, NumberSet.of(numbers.first, numbers.last))


def union(ranges: Iterable[Anything]) -> NumberSet:
    """Join ranges of numbers."""
    found = NumberSet(())
    for numbers in ranges:
        found |= NumberSet.of(numbers.first, numbers.last)
    return found


def assumed(match: Match, reason: str, fields: tuple[str, ...] = FIELDS, *, fleeting: bool = False) -> Assume:
    """Assume that a match matches."""
    return Assume(f'"{match_text(match)}" matches', reason, () if fleeting else fields, fleeting=fleeting, match=match)


def rest(match: Match, reason: str, *known: str) -> Condition:
    """Assume what a match asks beside the options that are known."""
    unknown = {option.name for option, _, _ in options_of(match)} - set(known)
    return assumed(match, reason) if unknown else ALWAYS


def unless_fragment(match: Match, condition: Condition) -> Condition:
    """Ask of a packet what the kernel reads even from a later fragment, where there are other bytes in that place."""
    others = assumed(match, "the bytes of a later fragment are not said")
    return Any((All((WITH_HEADER, condition)), All((Not(WITH_HEADER), others))))
