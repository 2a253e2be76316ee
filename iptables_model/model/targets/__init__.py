"""Every target, one class each; `TARGETS` lists them."""

from __future__ import annotations

from iptables_model.model.option import Target
from iptables_model.model.targets.conntrack import Ct, CtEvent, ExpEvent, Notrack
from iptables_model.model.targets.log import Log, Nflog
from iptables_model.model.targets.mark import Connmark, Mark
from iptables_model.model.targets.nat import Dnat, Masquerade, Netmap, Redirect, Snat
from iptables_model.model.targets.reject import Reject, RejectWith
from iptables_model.model.targets.tcp import Tcpmss
from iptables_model.model.targets.unknown import UnknownTarget
from iptables_model.model.targets.verdict import Accept, Drop, Goto, Jump, Return

__all__ = [
    "TARGETS",
    "Accept",
    "Connmark",
    "Ct",
    "CtEvent",
    "Dnat",
    "Drop",
    "ExpEvent",
    "Goto",
    "Jump",
    "Log",
    "Mark",
    "Masquerade",
    "Netmap",
    "Nflog",
    "Notrack",
    "Redirect",
    "Reject",
    "RejectWith",
    "Return",
    "Snat",
    "Target",
    "Tcpmss",
    "UnknownTarget",
]

TARGETS: tuple[type[Target], ...] = (
    Accept,
    Connmark,
    Ct,
    Dnat,
    Drop,
    Log,
    Mark,
    Masquerade,
    Netmap,
    Nflog,
    Notrack,
    Redirect,
    Reject,
    Return,
    Snat,
    Tcpmss,
)
"""The declared targets; `Jump` and `Goto` lead to chains and `UnknownTarget` stands for all others."""
