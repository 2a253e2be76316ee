"""Every match, one class each; `MATCHES` lists them."""

from __future__ import annotations

from iptables_model.model.matches.comment import Comment
from iptables_model.model.matches.ip import Ip
from iptables_model.model.matches.statistic import Statistic, StatisticMode
from iptables_model.model.matches.unknown import UnknownMatch
from iptables_model.model.option import Match

__all__ = ["MATCHES", "Comment", "Ip", "Match", "Statistic", "StatisticMode", "UnknownMatch"]

MATCHES: tuple[type[Match], ...] = (Ip, Comment, Statistic)
"""The declared matches. `Ip` stands for the options that need no `-m`."""
