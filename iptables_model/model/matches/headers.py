"""Fields of the IP header, and the length of the packet."""

from __future__ import annotations

from iptables_model.model.option import Match, Spelling, extension, flag, forget, option, require
from iptables_model.values.codec import between, unsigned
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import NumberRange, ranges
from iptables_model.values.tos import DSCP, DSCP_CLASS, TOS, MaskedTos

__all__ = ["Ah", "Dscp", "Ecn", "Esp", "Hl", "Ipcomp", "Length", "Tos", "Ttl"]

_ANY_SPI = Negatable(NumberRange(0, 0xFFFFFFFF))


@extension
class Length(Match):
    """Match the length of the packet from its network header on (net/netfilter/xt_length.c)."""

    extension = "length"

    length: Negatable[NumberRange] = option("--length", ranges(16, "length"), negatable=True)


@extension
class Tos(Match):
    """Match the type of service: (byte & mask) == value (net/netfilter/xt_dscp.c, tos_mt)."""

    extension = "tos"
    since = "2.4"

    tos: Negatable[MaskedTos] = option("--tos", TOS, negatable=True)


@extension
class Dscp(Match):
    """Match the six bits of the differentiated services code point (net/netfilter/xt_dscp.c)."""

    extension = "dscp"

    dscp: Negatable[int] = option("--dscp", DSCP, negatable=True, also=(Spelling("--dscp-class", DSCP_CLASS),))


@extension
class Ecn(Match):
    """Match the bits of explicit congestion notification, in the IP and the TCP header (net/netfilter/xt_ecn.c)."""

    extension = "ecn"

    ecn_tcp_ece: bool | None = flag("--ecn-tcp-ece", negatable=True, default=None)
    ecn_tcp_cwr: bool | None = flag("--ecn-tcp-cwr", negatable=True, default=None)
    ecn_ip_ect: Negatable[int] | None = option("--ecn-ip-ect", between(0, 3), negatable=True, default=None)

    def __attrs_post_init__(self) -> None:
        given = (self.ecn_tcp_ece, self.ecn_tcp_cwr, self.ecn_ip_ect)
        require(given != (None, None, None), "ecn needs at least one of its options")

    def needed_protocols(self) -> tuple[int, ...]:
        """Ask for TCP if its bits are looked at."""
        return (6,) if (self.ecn_tcp_ece, self.ecn_tcp_cwr) != (None, None) else ()


@extension
class Ttl(Match):
    """Match the time to live (net/netfilter/xt_hl.c, ttl_mt); exactly one of the options is there."""

    extension = "ttl"
    families = (4,)

    ttl_eq: Negatable[int] | None = option(
        "--ttl-eq", unsigned(8), negatable=True, default=None, also=(Spelling("--ttl"),)
    )
    ttl_lt: int | None = option("--ttl-lt", unsigned(8), default=None)
    ttl_gt: int | None = option("--ttl-gt", unsigned(8), default=None)

    def __attrs_post_init__(self) -> None:
        given = [held for held in (self.ttl_eq, self.ttl_lt, self.ttl_gt) if held is not None]
        require(len(given) == 1, "ttl needs one of --ttl-eq, --ttl-lt and --ttl-gt")


@extension
class Hl(Match):
    """Match the hop limit (net/netfilter/xt_hl.c, hl_mt6); exactly one of the options is there."""

    extension = "hl"
    families = (6,)

    hl_eq: Negatable[int] | None = option(
        "--hl-eq", unsigned(8), negatable=True, default=None, also=(Spelling("--hl"),)
    )
    hl_lt: int | None = option("--hl-lt", unsigned(8), default=None)
    hl_gt: int | None = option("--hl-gt", unsigned(8), default=None)

    def __attrs_post_init__(self) -> None:
        given = [held for held in (self.hl_eq, self.hl_lt, self.hl_gt) if held is not None]
        require(len(given) == 1, "hl needs one of --hl-eq, --hl-lt and --hl-gt")


@extension
class Ah(Match):
    """Match the authentication header (net/ipv4/netfilter/ipt_ah.c, net/ipv6/netfilter/ip6t_ah.c).

    Its length and reserved field are looked at in IPv6 only.
    """

    extension = "ah"

    ahspi: Negatable[NumberRange] | None = option("--ahspi", ranges(32, "SPI"), negatable=True, default=None)
    ahlen: Negatable[int] | None = option("--ahlen", unsigned(32), negatable=True, default=None, family=6)
    ahres: bool = flag("--ahres", default=False, family=6)

    def __attrs_post_init__(self) -> None:
        forget(self, _ANY_SPI, "ahspi")
        forget(self, Negatable(0), "ahlen")


@extension
class Esp(Match):
    """Match the security parameters index of an ESP header (net/netfilter/xt_esp.c)."""

    extension = "esp"
    protocols = (50,)

    espspi: Negatable[NumberRange] | None = option("--espspi", ranges(32, "SPI"), negatable=True, default=None)

    def __attrs_post_init__(self) -> None:
        forget(self, _ANY_SPI, "espspi")


@extension
class Ipcomp(Match):
    """Match the compression parameter index of an IPComp header (net/netfilter/xt_ipcomp.c).

    iptables asks for index 0 where none is given (extensions/libxt_ipcomp.c has no defaults of its own).
    """

    extension = "ipcomp"
    protocols = (108,)

    ipcompspi: Negatable[NumberRange] = option(
        "--ipcompspi", ranges(32, "SPI"), negatable=True, default=Negatable(NumberRange(0, 0)), always=True
    )
    compres: bool = flag("--compres", default=False)
