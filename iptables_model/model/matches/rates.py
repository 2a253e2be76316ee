"""How often, how much."""

from __future__ import annotations

from iptables_model.model.option import Match, extension, option
from iptables_model.values.codec import between
from iptables_model.values.rates import RATE, Rate

__all__ = ["Limit"]


@extension
class Limit(Match):
    """Match at a limited rate, after a first burst (net/netfilter/xt_limit.c)."""

    extension = "limit"

    limit: Rate = option("--limit", RATE, default=RATE.read("3/hour"), always=True)
    limit_burst: int = option("--limit-burst", between(0, 10000), default=5)
