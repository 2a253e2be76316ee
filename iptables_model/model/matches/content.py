"""What stands in the packet, wherever it is."""

from __future__ import annotations

import enum

from iptables_model.model.option import Match, Spelling, extension, flag, option, require
from iptables_model.values.bpf import BYTECODE, BpfInstruction
from iptables_model.values.codec import bare, between, one_of, unsigned
from iptables_model.values.negatable import Negatable
from iptables_model.values.patterns import HEX_PATTERN, PATTERN, unprintable
from iptables_model.values.u32 import U32 as U32_TESTS
from iptables_model.values.u32 import U32Test

__all__ = ["U32", "Algo", "Bpf", "Osf", "String"]


class Algo(enum.StrEnum):
    """How a pattern is searched: after Boyer and Moore, or after Knuth, Pratt and Morris."""

    BM = "bm"
    KMP = "kmp"


@extension
class String(Match):
    """Match packets that have a pattern somewhere between two offsets (net/netfilter/xt_string.c).

    The pattern is bytes; iptables prints those that are not all printable in hexadecimal, as `--hex-string`.
    """

    extension = "string"
    since = "2.6.14"

    string: Negatable[bytes] = option(
        "--string", PATTERN, negatable=True, also=(Spelling("--hex-string", HEX_PATTERN, when=unprintable),)
    )
    algo: Algo = option("--algo", one_of(Algo))
    from_: int = option("--from", unsigned(16), default=0)
    to: int = option("--to", unsigned(16), default=65535)
    icase: bool = flag("--icase", default=False)

    def __attrs_post_init__(self) -> None:
        require(self.from_ <= self.to, "--from needs to be before --to")


@extension
class U32(Match):
    """Match numbers of up to four bytes anywhere in the packet (net/netfilter/xt_u32.c)."""

    extension = "u32"
    since = "2.6.23"

    u32: Negatable[tuple[U32Test, ...]] = option("--u32", U32_TESTS, negatable=True)


@extension
class Bpf(Match):
    """Match packets for which a BPF program returns other than 0 (net/netfilter/xt_bpf.c)."""

    extension = "bpf"
    since = "3.9"

    object_pinned: str | None = option(
        "--object-pinned", bare("path", "the path of a pinned program", r"[^\s]{1,511}"), default=None
    )
    bytecode: tuple[BpfInstruction, ...] | None = option("--bytecode", BYTECODE, default=None)

    def __attrs_post_init__(self) -> None:
        require(
            (self.object_pinned is None) != (self.bytecode is None), "bpf needs one of --bytecode and --object-pinned"
        )


@extension
class Osf(Match):
    """Match the operating system that a SYN gives away (net/netfilter/xt_osf.c)."""

    extension = "osf"
    since = "2.6.31"
    families = (4,)
    protocols = (6,)

    genre: Negatable[str] = option(
        "--genre", bare("genre", "the name of an operating system", r"[^\s]{1,31}"), negatable=True
    )
    ttl: int | None = option("--ttl", between(0, 2), default=None)
    log: int | None = option("--log", between(0, 2), default=None)
