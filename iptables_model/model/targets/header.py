"""Changes to the IP header, and to the checksum."""

from __future__ import annotations

import attrs

from iptables_model.model.option import Spelling, Target, extension, flag, option, require, settle
from iptables_model.values.codec import Codec, between, unsigned
from iptables_model.values.tos import DSCP, DSCP_CLASS, TOS, MaskedTos

__all__ = ["Checksum", "Dscp", "Ecn", "Hl", "Tos", "Ttl"]

_AND: Codec[MaskedTos] = attrs.evolve(TOS, read=lambda text: MaskedTos(0, ~TOS.read(text).value & 0xFF))
_OR: Codec[MaskedTos] = attrs.evolve(TOS, read=lambda text: MaskedTos(TOS.read(text).value, TOS.read(text).value))
_XOR: Codec[MaskedTos] = attrs.evolve(TOS, read=lambda text: MaskedTos(TOS.read(text).value, 0))


@extension
class Tos(Target):
    """Set the type of service to (byte & ~mask) ^ value (net/netfilter/xt_DSCP.c, tos_tg)."""

    extension = "TOS"
    since = "2.4"
    tables = ("mangle",)

    set_tos: MaskedTos = option(
        "--set-tos", TOS, also=(Spelling("--and-tos", _AND), Spelling("--or-tos", _OR), Spelling("--xor-tos", _XOR))
    )


@extension
class Dscp(Target):
    """Set the differentiated services code point (net/netfilter/xt_DSCP.c)."""

    extension = "DSCP"
    tables = ("mangle",)

    set_dscp: int = option("--set-dscp", DSCP, also=(Spelling("--set-dscp-class", DSCP_CLASS),))


@extension
class Ecn(Target):
    """Set the bits of explicit congestion notification (net/ipv4/netfilter/ipt_ECN.c).

    `ecn_tcp_remove` alone stands for 0 in both bits of TCP.
    """

    extension = "ECN"
    families = (4,)
    tables = ("mangle",)

    ecn_tcp_remove: bool = flag("--ecn-tcp-remove", default=False)
    ecn_tcp_ece: int | None = option("--ecn-tcp-ece", between(0, 1), default=None)
    ecn_tcp_cwr: int | None = option("--ecn-tcp-cwr", between(0, 1), default=None)
    ecn_ip_ect: int | None = option("--ecn-ip-ect", between(0, 3), default=None)

    def __attrs_post_init__(self) -> None:
        bits = (self.ecn_tcp_ece, self.ecn_tcp_cwr)
        require(not self.ecn_tcp_remove or bits == (None, None), "--ecn-tcp-remove stands for the other two of TCP")
        require(self.ecn_tcp_remove or (*bits, self.ecn_ip_ect) != (None, None, None), "ECN needs one of its options")
        removed = self.ecn_tcp_remove or bits == (0, 0)
        alone = removed and self.ecn_ip_ect is None
        settle(self, "ecn_tcp_remove", alone)
        if removed:
            settle(self, "ecn_tcp_ece", None if alone else 0)
            settle(self, "ecn_tcp_cwr", None if alone else 0)

    def needed_protocols(self) -> tuple[int, ...]:
        """Ask for TCP if its bits are set."""
        return (6,) if self.ecn_tcp_remove or (self.ecn_tcp_ece, self.ecn_tcp_cwr) != (None, None) else ()


@extension
class Ttl(Target):
    """Set, lower or raise the time to live (net/netfilter/xt_HL.c, ttl_tg)."""

    extension = "TTL"
    families = (4,)
    tables = ("mangle",)

    ttl_set: int | None = option("--ttl-set", unsigned(8), default=None)
    ttl_dec: int | None = option("--ttl-dec", between(1, 255), default=None)
    ttl_inc: int | None = option("--ttl-inc", between(1, 255), default=None)

    def __attrs_post_init__(self) -> None:
        given = [held for held in (self.ttl_set, self.ttl_dec, self.ttl_inc) if held is not None]
        require(len(given) == 1, "TTL needs one of --ttl-set, --ttl-dec and --ttl-inc")


@extension
class Hl(Target):
    """Set, lower or raise the hop limit (net/netfilter/xt_HL.c, hl_tg6)."""

    extension = "HL"
    families = (6,)
    tables = ("mangle",)

    hl_set: int | None = option("--hl-set", unsigned(8), default=None)
    hl_dec: int | None = option("--hl-dec", between(1, 255), default=None)
    hl_inc: int | None = option("--hl-inc", between(1, 255), default=None)

    def __attrs_post_init__(self) -> None:
        given = [held for held in (self.hl_set, self.hl_dec, self.hl_inc) if held is not None]
        require(len(given) == 1, "HL needs one of --hl-set, --hl-dec and --hl-inc")


@extension
class Checksum(Target):
    """Fill in the checksum that was left to the hardware (net/netfilter/xt_CHECKSUM.c)."""

    extension = "CHECKSUM"
    since = "2.6.36"
    tables = ("mangle",)

    checksum_fill: bool = flag("--checksum-fill", default=False)

    def __attrs_post_init__(self) -> None:
        require(self.checksum_fill, "CHECKSUM needs --checksum-fill")
