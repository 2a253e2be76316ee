"""Marks on the packet and on its connection."""

from __future__ import annotations

import attrs

from iptables_model.model.option import Spelling, Target, extension, flag, option, require, settle
from iptables_model.values.codec import between, unsigned
from iptables_model.values.numbers import MARK, XMARK, Masked

__all__ = ["Connmark", "Mark"]

_FULL = 0xFFFFFFFF

_SET = attrs.evolve(MARK, read=lambda text: _set_mark(MARK.read(text)))
_AND = attrs.evolve(MARK, read=lambda text: Masked(0, ~MARK.read(text).value & _FULL))
_OR = attrs.evolve(MARK, read=lambda text: Masked(MARK.read(text).value, MARK.read(text).value))
_XOR = attrs.evolve(MARK, read=lambda text: Masked(MARK.read(text).value, 0))
_SPELLINGS = (
    Spelling("--set-mark", _SET),
    Spelling("--and-mark", _AND),
    Spelling("--or-mark", _OR),
    Spelling("--xor-mark", _XOR),
)


def _set_mark(mark: Masked) -> Masked:
    """Zero the bits of the mask and OR the value, as `--set-mark` does: its value's bits count as masked."""
    return Masked(mark.value, mark.value | mark.mask)


@extension
class Mark(Target):
    """Set the packet's mark to (mark & ~mask) ^ value (net/netfilter/xt_mark.c, mark_tg)."""

    extension = "MARK"

    set_xmark: Masked = option("--set-xmark", XMARK, also=_SPELLINGS)


@extension
class Connmark(Target):
    """Set the connection's mark, or copy it from or to the packet's (net/netfilter/xt_connmark.c, connmark_tg).

    Exactly one of `set_xmark`, `save_mark` and `restore_mark` says what is done. `nfmask` and `ctmask` are the bits of
    the packet's and of the connection's mark that are copied; `mask` says both at once.
    """

    extension = "CONNMARK"

    set_xmark: Masked | None = option("--set-xmark", XMARK, default=None, also=_SPELLINGS)
    save_mark: bool = flag("--save-mark", default=False)
    restore_mark: bool = flag("--restore-mark", default=False)
    mask: int | None = option("--mask", unsigned(32, hexadecimal=True), default=None)
    nfmask: int | None = option("--nfmask", unsigned(32, hexadecimal=True), default=None)
    ctmask: int | None = option("--ctmask", unsigned(32, hexadecimal=True), default=None)
    left_shift_mark: int | None = option("--left-shift-mark", between(0, 31), default=None)
    right_shift_mark: int | None = option("--right-shift-mark", between(0, 31), default=None)

    def __attrs_post_init__(self) -> None:
        commands = [held for held in (self.set_xmark, self.save_mark, self.restore_mark) if held]
        require(len(commands) == 1, "CONNMARK needs one of --set-xmark, --save-mark and --restore-mark")
        masks = [held for held in (self.mask, self.nfmask, self.ctmask) if held is not None]
        require(
            not (masks and self.set_xmark), "--mask, --nfmask and --ctmask belong to --save-mark and --restore-mark"
        )
        require(self.mask is None or len(masks) == 1, "--mask stands for both --nfmask and --ctmask")
        shifts = [held for held in (self.left_shift_mark, self.right_shift_mark) if held is not None]
        require(len(shifts) <= 1, "--left-shift-mark and --right-shift-mark exclude each other")
        if not self.set_xmark:
            both = _FULL if self.mask is None else self.mask
            settle(self, "nfmask", both if self.nfmask is None else self.nfmask)
            settle(self, "ctmask", both if self.ctmask is None else self.ctmask)
            settle(self, "mask", None)
