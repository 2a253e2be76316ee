"""Marks on the packet and on its connection, and what is like a mark."""

from __future__ import annotations

import enum

import attrs

from iptables_model.model.option import Spelling, Target, extension, flag, forget, option, options_of, require, settle
from iptables_model.values.addresses import PREFIX_LENGTH
from iptables_model.values.codec import bare, between, several_of, unsigned
from iptables_model.values.numbers import MARK, TC_CLASS, XMARK, Masked, TcClass

__all__ = ["Classify", "Connmark", "Connsecmark", "Hmark", "HmarkTuple", "Mark", "Secmark"]

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
    since = "2.4"

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
        forget(self, 0, "left_shift_mark", "right_shift_mark")
        shifts = [held for held in (self.left_shift_mark, self.right_shift_mark) if held is not None]
        require(len(shifts) <= 1, "--left-shift-mark and --right-shift-mark exclude each other")
        if not self.set_xmark:
            both = _FULL if self.mask is None else self.mask
            settle(self, "nfmask", both if self.nfmask is None else self.nfmask)
            settle(self, "ctmask", both if self.ctmask is None else self.ctmask)
            settle(self, "mask", None)


@extension
class Classify(Target):
    """Set the class by which traffic control schedules the packet (net/netfilter/xt_CLASSIFY.c)."""

    extension = "CLASSIFY"

    set_class: TcClass = option("--set-class", TC_CLASS)


@extension
class Secmark(Target):
    """Set the security mark of the packet, by its context (net/netfilter/xt_SECMARK.c)."""

    extension = "SECMARK"
    since = "2.6.18"
    tables = ("mangle", "security")

    selctx: str = option("--selctx", bare("context", "a security context", r"[^\s]{1,255}"))


@extension
class Connsecmark(Target):
    """Copy the security mark from the packet to its connection, or back (net/netfilter/xt_CONNSECMARK.c)."""

    extension = "CONNSECMARK"
    since = "2.6.18"
    tables = ("mangle", "security")

    save: bool = flag("--save", default=False)
    restore: bool = flag("--restore", default=False)

    def __attrs_post_init__(self) -> None:
        require(self.save != self.restore, "CONNSECMARK needs one of --save and --restore")


class HmarkTuple(enum.StrEnum):
    """What of a packet is hashed; CT takes it from its connection."""

    SRC = "src"
    DST = "dst"
    SPORT = "sport"
    DPORT = "dport"
    SPI = "spi"
    PROTO = "proto"
    CT = "ct"


_PORT = between(0, 0xFFFF, digits=4)
_WORD = between(0, _FULL, digits=8)


@extension
class Hmark(Target):
    """Set the mark to a hash of the packet (net/netfilter/xt_HMARK.c).

    A name in `hmark_tuple` is short for a full mask of that field, under which iptables prints it; those of the
    addresses are kept as they are, since their length depends on the family.
    """

    extension = "HMARK"
    since = "3.5"
    tables = ("mangle",)

    hmark_src_prefix: int | None = option("--hmark-src-prefix", PREFIX_LENGTH, default=None)
    hmark_dst_prefix: int | None = option("--hmark-dst-prefix", PREFIX_LENGTH, default=None)
    hmark_sport_mask: int | None = option("--hmark-sport-mask", _PORT, default=None)
    hmark_dport_mask: int | None = option("--hmark-dport-mask", _PORT, default=None)
    hmark_spi_mask: int | None = option("--hmark-spi-mask", _WORD, default=None)
    hmark_sport: int | None = option("--hmark-sport", _PORT, default=None)
    hmark_dport: int | None = option("--hmark-dport", _PORT, default=None)
    hmark_spi: int | None = option("--hmark-spi", _WORD, default=None)
    hmark_proto_mask: int | None = option("--hmark-proto-mask", between(0, 0xFFFF, digits=2), default=None)
    hmark_rnd: int = option("--hmark-rnd", _WORD)
    hmark_mod: int = option("--hmark-mod", between(1, _FULL))
    hmark_offset: int | None = option("--hmark-offset", unsigned(32), default=None)
    hmark_tuple: tuple[HmarkTuple, ...] = option("--hmark-tuple", several_of(HmarkTuple), default=())

    def __attrs_post_init__(self) -> None:
        full = {"sport": 0xFFFF, "dport": 0xFFFF, "spi": _FULL, "proto": 0xFFFF}
        for name in self.hmark_tuple:
            if name in full:
                settle(self, f"hmark_{name}_mask", full[name])
        settle(self, "hmark_tuple", tuple(name for name in self.hmark_tuple if name not in full))
        ports = (self.hmark_sport_mask, self.hmark_dport_mask)
        require(self.hmark_spi_mask is None or ports == (None, None), "HMARK hashes either the SPI or the ports")
        require(
            self.hmark_spi is None or (self.hmark_sport, self.hmark_dport) == (None, None),
            "HMARK sets either the SPI or the ports",
        )
        spare = {"hmark_rnd", "hmark_mod", "hmark_offset"}
        require(any(found.name not in spare for found, _, _ in options_of(self)), "HMARK needs something to hash")
