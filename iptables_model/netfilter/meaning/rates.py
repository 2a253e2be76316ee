"""What the matches ask that count packets or draw lots."""

from __future__ import annotations

from iptables_model.model import matches
from iptables_model.netfilter.condition import ALWAYS, NEVER, Chance, Condition
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning.asking import asks, assumed

__all__ = ["recent", "statistic"]


def statistic(match: matches.Statistic, _: Evidence) -> Condition:
    """Hold at random, or every so many packets, of which every first is all (statistic_mt, xt_statistic.c)."""
    if match.probability is not None:
        return asks(match.probability, Chance)
    if match.every is not None and match.every.value == 1:
        return NEVER if match.every.negated else ALWAYS
    return assumed(match, "it counts the packets of the past", fleeting=True)


def recent(match: matches.Recent, _: Evidence) -> Condition:
    """Look the address up in the list, and change the list (recent_mt, xt_recent.c): `--set` always matches."""
    if match.set is not None:
        return ALWAYS if match.set else NEVER
    return assumed(match, f"the list {match.name} is not in the dump", fleeting=True)
