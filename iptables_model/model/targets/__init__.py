"""Every target, one class each; `TARGETS` lists them."""

from __future__ import annotations

from iptables_model.model.option import Target
from iptables_model.model.targets.conntrack import Ct, CtEvent, ExpEvent, Notrack
from iptables_model.model.targets.counting import Idletimer, Led, Rateest
from iptables_model.model.targets.header import Checksum, Dscp, Ecn, Hl, Tos, Ttl
from iptables_model.model.targets.log import Audit, AuditType, Log, Nflog, Trace, Ulog
from iptables_model.model.targets.mark import Classify, Connmark, Connsecmark, Hmark, HmarkTuple, Mark, Secmark
from iptables_model.model.targets.nat import Dnat, Dnpt, Masquerade, Netmap, Redirect, Snat, Snpt
from iptables_model.model.targets.reject import Reject, RejectWith
from iptables_model.model.targets.sets import Set
from iptables_model.model.targets.steering import Clusterip, HashMode, Nfqueue, Tee, Tproxy
from iptables_model.model.targets.tcp import Synproxy, Tcpmss, Tcpoptstrip
from iptables_model.model.targets.unknown import UnknownTarget
from iptables_model.model.targets.verdict import Accept, Drop, Goto, Jump, Queue, Return

__all__ = [
    "TARGETS",
    "Accept",
    "Audit",
    "AuditType",
    "Checksum",
    "Classify",
    "Clusterip",
    "Connmark",
    "Connsecmark",
    "Ct",
    "CtEvent",
    "Dnat",
    "Dnpt",
    "Drop",
    "Dscp",
    "Ecn",
    "ExpEvent",
    "Goto",
    "HashMode",
    "Hl",
    "Hmark",
    "HmarkTuple",
    "Idletimer",
    "Jump",
    "Led",
    "Log",
    "Mark",
    "Masquerade",
    "Netmap",
    "Nflog",
    "Nfqueue",
    "Notrack",
    "Queue",
    "Rateest",
    "Redirect",
    "Reject",
    "RejectWith",
    "Return",
    "Secmark",
    "Set",
    "Snat",
    "Snpt",
    "Synproxy",
    "Target",
    "Tcpmss",
    "Tcpoptstrip",
    "Tee",
    "Tos",
    "Tproxy",
    "Trace",
    "Ttl",
    "Ulog",
    "UnknownTarget",
]

TARGETS: tuple[type[Target], ...] = (
    Accept,
    Audit,
    Checksum,
    Classify,
    Clusterip,
    Connmark,
    Connsecmark,
    Ct,
    Dnat,
    Dnpt,
    Drop,
    Dscp,
    Ecn,
    Hl,
    Hmark,
    Idletimer,
    Led,
    Log,
    Mark,
    Masquerade,
    Netmap,
    Nflog,
    Nfqueue,
    Notrack,
    Queue,
    Rateest,
    Redirect,
    Reject,
    Return,
    Secmark,
    Set,
    Snat,
    Snpt,
    Synproxy,
    Tcpmss,
    Tcpoptstrip,
    Tee,
    Tos,
    Tproxy,
    Trace,
    Ttl,
    Ulog,
)
"""The declared targets; `Jump` and `Goto` lead to chains and `UnknownTarget` stands for all others."""
