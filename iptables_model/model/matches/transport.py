"""What the headers of TCP, UDP and SCTP say."""

from __future__ import annotations

from iptables_model.model.option import Match, Spelling, extension, option, require
from iptables_model.values.codec import between
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import PortRange
from iptables_model.values.ports import PORT_LIST, PORTS
from iptables_model.values.transport import SYN, TCP_FLAGS, TcpFlags

__all__ = ["Multiport", "Sctp", "Tcp", "Udp"]

_SPORT = (Spelling("--source-port"),)
_DPORT = (Spelling("--destination-port"),)


@extension
class Tcp(Match):
    """Match the ports, flags and options of a TCP segment (net/netfilter/xt_tcpudp.c)."""

    extension = "tcp"
    protocols = (6,)

    sport: Negatable[PortRange] | None = option("--sport", PORTS, negatable=True, default=None, also=_SPORT)
    dport: Negatable[PortRange] | None = option("--dport", PORTS, negatable=True, default=None, also=_DPORT)
    tcp_option: Negatable[int] | None = option("--tcp-option", between(1, 255), negatable=True, default=None)
    tcp_flags: Negatable[TcpFlags] | None = option(
        "--tcp-flags", TCP_FLAGS, negatable=True, default=None, also=(Spelling("--syn", SYN),)
    )


@extension
class Udp(Match):
    """Match the ports of a UDP datagram (net/netfilter/xt_tcpudp.c)."""

    extension = "udp"
    protocols = (17,)

    sport: Negatable[PortRange] | None = option("--sport", PORTS, negatable=True, default=None, also=_SPORT)
    dport: Negatable[PortRange] | None = option("--dport", PORTS, negatable=True, default=None, also=_DPORT)


@extension
class Sctp(Match):
    """Match the ports of an SCTP packet (net/netfilter/xt_sctp.c)."""

    extension = "sctp"
    protocols = (132,)

    sport: Negatable[PortRange] | None = option("--sport", PORTS, negatable=True, default=None, also=_SPORT)
    dport: Negatable[PortRange] | None = option("--dport", PORTS, negatable=True, default=None, also=_DPORT)


@extension
class Multiport(Match):
    """Match any of up to 15 ports, of which a range counts as two (net/netfilter/xt_multiport.c).

    Exactly one of the options is there: `sports`, `dports`, or `ports`, which is either.
    """

    extension = "multiport"
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
