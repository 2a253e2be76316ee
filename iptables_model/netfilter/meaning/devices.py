"""What the matches of devices ask: the ports of bridges."""

from __future__ import annotations

from iptables_model.model import matches
from iptables_model.netfilter.condition import All, Condition, Not, Within
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning.asking import asks, rest
from iptables_model.netfilter.sets import NameSet

__all__ = ["physdev"]


def physdev(match: matches.Physdev, _: Evidence) -> Condition:
    """Ask for the bridge ports (physdev_mt, xt_physdev.c): a packet that crossed no bridge has none."""
    came = Not(Within("physdev_in", NameSet.nothing_there()))
    asked: list[Condition] = []
    if match.physdev_is_in is not None:
        asked.append(came if match.physdev_is_in else Not(came))
    asked.append(asks(match.physdev_in, lambda name: All((came, Within("physdev_in", NameSet.of(name))))))
    asked.append(rest(match, "the node's bridges are not in the dump", "physdev_in", "physdev_is_in"))
    return All(tuple(asked))
