"""What the targets do that translate IPv6 prefixes without a state (net/ipv6/netfilter/ip6t_NPT.c)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Network
from itertools import pairwise

from iptables_model.model import targets
from iptables_model.netfilter.effects.course import Course, Effect, Site, Verdict, told
from iptables_model.netfilter.effects.pieces import Piece, blocks, parted
from iptables_model.netfilter.sets import AddressSet, LineSet
from iptables_model.netfilter.state import Constant, State
from iptables_model.values.addresses import Prefix

__all__ = ["dnpt", "snpt"]

_WORD = 0xFFFF


def snpt(target: targets.Snpt, state: State, site: Site) -> Course:
    """Translate the prefix of the source (ip6t_snpt_tg)."""
    return _translated("src", target.src_pfx, target.dst_pfx, state, site)


def dnpt(target: targets.Dnpt, state: State, site: Site) -> Course:
    """Translate the prefix of the destination (ip6t_dnpt_tg)."""
    return _translated("dst", target.src_pfx, target.dst_pfx, state, site)


def _translated(field: str, source: Prefix, target: Prefix, state: State, site: Site) -> Course:
    """Put in the new prefix, and make up for it in one word so that checksums stay right (ip6t_npt_map_pfx).

    An address without such a word is dropped.
    """
    length = max(source.prefixlen, target.prefixlen)
    adjustment = _folded(_sum(source) + (_WORD - _folded(_sum(target))))
    view: LineSet = state.view(field)
    found = parted(state, field, _pieces(view, target, length, adjustment), site)
    if found is None:
        reached = AddressSet.of(IPv6Network((int(target.network_address), length)))
        found = [(state.rewritten(**{field: Constant(reached, "it keeps the rest of the address")}), 0)]
    course = []
    for one, offset in found:
        if offset is None:
            course.append(Effect(one, Verdict.DROP))
        else:
            changed = one.shifted(field, offset) if offset else one
            course.append(Effect(changed, Verdict.CONTINUE, told(state, changed, field)))
    return course


def _sum(prefix: Prefix) -> int:
    value = int(prefix.network_address)
    return sum(value >> shift & _WORD for shift in range(0, 128, 16))


def _folded(number: int) -> int:
    """Add the carries back in, as in ones' complement (csum_fold, without its last inversion)."""
    while number > _WORD:
        number = (number & _WORD) + (number >> 16)
    return number


def _pieces(view: LineSet, target: Prefix, length: int, adjustment: int) -> Iterator[Piece]:
    """Go through the parts of a set in which the address moves by one offset.

    The word that is changed is the fourth, or behind a prefix longer than 48 the first one of the rest that is not
    ffff.
    """
    shift = 64 if length <= 48 else 48
    size = 1 << (shift + 16)
    top = 128 - length
    for start in blocks(view, size):
        moved = int(target.network_address) - (start >> top << top)
        yield from _words(start, shift, moved, adjustment, fixed=length <= 48)


def _words(start: int, shift: int, moved: int, adjustment: int, *, fixed: bool) -> Iterator[Piece]:
    edges = sorted({0, _WORD - adjustment, _WORD + 1 - adjustment, _WORD, _WORD + 1})
    for low, high in pairwise(edges):
        first = start + (low << shift)
        if low == _WORD and not fixed:
            if shift:
                yield from _words(first, shift - 16, moved, adjustment, fixed=False)
            else:
                yield Piece(AddressSet((first, first + 1), 6), None)
            continue
        change = _folded(low + adjustment) % _WORD - low
        yield Piece(AddressSet((first, start + (high << shift)), 6), moved + (change << shift))
