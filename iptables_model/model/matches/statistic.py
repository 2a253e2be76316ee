"""Chance and counting."""

from __future__ import annotations

import enum

from iptables_model.model.option import Match, extension, option, require, settle
from iptables_model.values.codec import one_of, unsigned
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import PROBABILITY, Probability

__all__ = ["Statistic", "StatisticMode"]


class StatisticMode(enum.StrEnum):
    """How `statistic` decides."""

    RANDOM = "random"
    NTH = "nth"


@extension
class Statistic(Match):
    """Match packets at random, or every Nth (net/netfilter/xt_statistic.c).

    `probability` is exact, as the kernel keeps it: n of 2^31.
    """

    extension = "statistic"
    since = "2.6.18"
    refuses = ("every", "packet")

    mode: StatisticMode = option("--mode", one_of(StatisticMode))
    probability: Negatable[Probability] | None = option("--probability", PROBABILITY, negatable=True, default=None)
    every: Negatable[int] | None = option("--every", unsigned(32), negatable=True, default=None)
    packet: int | None = option("--packet", unsigned(32), default=None, always=True)

    def __attrs_post_init__(self) -> None:
        if self.mode is StatisticMode.RANDOM:
            require(self.probability is not None, "--mode random needs --probability")
            require(self.every is None and self.packet is None, "--every and --packet belong to mode nth")
        else:
            require(self.every is not None, "--mode nth needs --every")
            require(self.probability is None, "--probability belongs to mode random")
            packet = 0 if self.packet is None else self.packet
            require(self.every is not None and packet < self.every.value, "--packet needs to be below --every")
            settle(self, "packet", packet)
