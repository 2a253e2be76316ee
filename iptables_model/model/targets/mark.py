"""Marks on the packet and on its connection."""

from __future__ import annotations

import attrs

from iptables_model.model.option import Spelling, Target, extension, option
from iptables_model.values.numbers import MARK, XMARK, Masked

__all__ = ["Mark"]

_FULL = 0xFFFFFFFF

_SET = attrs.evolve(MARK, read=lambda text: _set_mark(MARK.read(text)))
_AND = attrs.evolve(MARK, read=lambda text: Masked(0, ~MARK.read(text).value & _FULL))
_OR = attrs.evolve(MARK, read=lambda text: Masked(MARK.read(text).value, MARK.read(text).value))
_XOR = attrs.evolve(MARK, read=lambda text: Masked(MARK.read(text).value, 0))


def _set_mark(mark: Masked) -> Masked:
    """Zero the bits of the mask and OR the value, as `--set-mark` does: its value's bits count as masked."""
    return Masked(mark.value, mark.value | mark.mask)


@extension
class Mark(Target):
    """Set the packet's mark to (mark & ~mask) ^ value (net/netfilter/xt_mark.c, mark_tg)."""

    extension = "MARK"

    set_xmark: Masked = option(
        "--set-xmark",
        XMARK,
        also=(
            Spelling("--set-mark", _SET),
            Spelling("--and-mark", _AND),
            Spelling("--or-mark", _OR),
            Spelling("--xor-mark", _XOR),
        ),
    )
