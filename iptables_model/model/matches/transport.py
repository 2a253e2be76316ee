"""What the headers of TCP, UDP, SCTP and DCCP say."""

from __future__ import annotations

import enum

from iptables_model.model.option import Match, Spelling, extension, forget, option, require
from iptables_model.values.codec import between, several_of
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import NumberRange, PortRange, ranges
from iptables_model.values.ports import ANY_PORTS, PORT_LIST, PORTS
from iptables_model.values.sctp import CHUNK_TYPES, ChunkTypes
from iptables_model.values.transport import SYN, TCP_FLAGS, TcpFlags

__all__ = ["Dccp", "DccpType", "Multiport", "Sctp", "Tcp", "Tcpmss", "Udp"]

_SPORT = (Spelling("--source-port"),)
_DPORT = (Spelling("--destination-port"),)
_ANY_PORT = Negatable(PortRange(0, 65535))


@extension
class Tcp(Match):
    """Match the ports, flags and options of a TCP segment (net/netfilter/xt_tcpudp.c)."""

    extension = "tcp"
    since = "2.4"
    protocols = (6,)
    refuses = ()

    sport: Negatable[PortRange] | None = option("--sport", PORTS, negatable=True, default=None, also=_SPORT)
    dport: Negatable[PortRange] | None = option("--dport", PORTS, negatable=True, default=None, also=_DPORT)
    tcp_option: Negatable[int] | None = option("--tcp-option", between(1, 255), negatable=True, default=None)
    tcp_flags: Negatable[TcpFlags] | None = option(
        "--tcp-flags", TCP_FLAGS, negatable=True, default=None, also=(Spelling("--syn", SYN),)
    )

    def __attrs_post_init__(self) -> None:
        forget(self, _ANY_PORT, "sport", "dport")
        forget(self, Negatable(TcpFlags(0, 0)), "tcp_flags")


@extension
class Udp(Match):
    """Match the ports of a UDP datagram (net/netfilter/xt_tcpudp.c)."""

    extension = "udp"
    since = "2.4"
    protocols = (17,)
    refuses = ()

    sport: Negatable[PortRange] | None = option("--sport", ANY_PORTS, negatable=True, default=None, also=_SPORT)
    dport: Negatable[PortRange] | None = option("--dport", ANY_PORTS, negatable=True, default=None, also=_DPORT)

    def __attrs_post_init__(self) -> None:
        forget(self, _ANY_PORT, "sport", "dport")


@extension
class Sctp(Match):
    """Match the ports and the chunks of an SCTP packet (net/netfilter/xt_sctp.c)."""

    extension = "sctp"
    protocols = (132,)

    sport: Negatable[PortRange] | None = option("--sport", PORTS, negatable=True, default=None, also=_SPORT)
    dport: Negatable[PortRange] | None = option("--dport", PORTS, negatable=True, default=None, also=_DPORT)
    chunk_types: Negatable[ChunkTypes] | None = option("--chunk-types", CHUNK_TYPES, negatable=True, default=None)

    def __attrs_post_init__(self) -> None:
        forget(self, _ANY_PORT, "sport", "dport")


class DccpType(enum.StrEnum):
    """The type of a DCCP packet."""

    REQUEST = "REQUEST"
    RESPONSE = "RESPONSE"
    DATA = "DATA"
    ACK = "ACK"
    DATAACK = "DATAACK"
    CLOSEREQ = "CLOSEREQ"
    CLOSE = "CLOSE"
    RESET = "RESET"
    SYNC = "SYNC"
    SYNCACK = "SYNCACK"
    INVALID = "INVALID"


@extension
class Dccp(Match):
    """Match the ports, the type and the options of a DCCP packet (net/netfilter/xt_dccp.c)."""

    extension = "dccp"
    since = "2.6.14"
    protocols = (33,)

    sport: Negatable[PortRange] | None = option("--sport", ANY_PORTS, negatable=True, default=None, also=_SPORT)
    dport: Negatable[PortRange] | None = option("--dport", ANY_PORTS, negatable=True, default=None, also=_DPORT)
    dccp_types: Negatable[tuple[DccpType, ...]] | None = option(
        "--dccp-types", several_of(DccpType), negatable=True, default=None
    )
    dccp_option: Negatable[int] | None = option("--dccp-option", between(1, 255), negatable=True, default=None)

    def __attrs_post_init__(self) -> None:
        forget(self, _ANY_PORT, "sport", "dport")


@extension
class Tcpmss(Match):
    """Match the maximum segment size that a TCP segment announces (net/netfilter/xt_tcpmss.c)."""

    extension = "tcpmss"
    protocols = (6,)

    mss: Negatable[NumberRange] = option("--mss", ranges(16, "size", rising=True), negatable=True)


@extension
class Multiport(Match):
    """Match any of up to 15 ports, of which a range counts as two (net/netfilter/xt_multiport.c).

    Exactly one of the options is there: `sports`, `dports`, or `ports`, which is either.
    """

    extension = "multiport"
    since = "2.4"
    protocols = (6, 17, 33, 132, 136)

    sports: Negatable[tuple[PortRange, ...]] | None = option(
        "--sports", PORT_LIST, negatable=True, default=None, also=(Spelling("--source-ports"),)
    )
    dports: Negatable[tuple[PortRange, ...]] | None = option(
        "--dports", PORT_LIST, negatable=True, default=None, also=(Spelling("--destination-ports"),)
    )
    ports: Negatable[tuple[PortRange, ...]] | None = option("--ports", PORT_LIST, negatable=True, default=None)

    def __attrs_post_init__(self) -> None:
        given = [held for held in (self.sports, self.dports, self.ports) if held is not None]
        require(len(given) == 1, "multiport needs one of --sports, --dports and --ports")
