"""Every match, one class each; `MATCHES` lists them."""

from __future__ import annotations

from iptables_model.model.matches.addresses import Iprange
from iptables_model.model.matches.comment import Comment
from iptables_model.model.matches.connection import Conntrack, CtDir, CtState, CtStatus, State
from iptables_model.model.matches.devices import Physdev
from iptables_model.model.matches.icmp import Icmp, Icmp6
from iptables_model.model.matches.ip import Ip
from iptables_model.model.matches.mark import Connmark, Mark
from iptables_model.model.matches.rates import Limit
from iptables_model.model.matches.recent import Recent
from iptables_model.model.matches.routing import AddrType, Addrtype, Rpfilter
from iptables_model.model.matches.sets import Set
from iptables_model.model.matches.sockets import Socket
from iptables_model.model.matches.statistic import Statistic, StatisticMode
from iptables_model.model.matches.transport import Multiport, Sctp, Tcp, Udp
from iptables_model.model.matches.unknown import UnknownMatch
from iptables_model.model.option import Match

__all__ = [
    "MATCHES",
    "AddrType",
    "Addrtype",
    "Comment",
    "Connmark",
    "Conntrack",
    "CtDir",
    "CtState",
    "CtStatus",
    "Icmp",
    "Icmp6",
    "Ip",
    "Iprange",
    "Limit",
    "Mark",
    "Match",
    "Multiport",
    "Physdev",
    "Recent",
    "Rpfilter",
    "Sctp",
    "Set",
    "Socket",
    "State",
    "Statistic",
    "StatisticMode",
    "Tcp",
    "Udp",
    "UnknownMatch",
]

MATCHES: tuple[type[Match], ...] = (
    Ip,
    Addrtype,
    Comment,
    Connmark,
    Conntrack,
    Icmp,
    Icmp6,
    Iprange,
    Limit,
    Mark,
    Multiport,
    Physdev,
    Recent,
    Rpfilter,
    Sctp,
    Set,
    Socket,
    State,
    Statistic,
    Tcp,
    Udp,
)
"""The declared matches. `Ip` stands for the options that need no `-m`."""
