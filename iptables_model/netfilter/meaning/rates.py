"""What the matches ask that count packets or draw lots."""

from __future__ import annotations

from iptables_model.model import matches
from iptables_model.model.text import match_text
from iptables_model.netfilter.condition import ALWAYS, NEVER, Assume, Chance, Condition
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning.asking import asks

__all__ = ["limit", "recent", "statistic"]


def statistic(match: matches.Statistic, _: Evidence) -> Condition:
    """Hold at random, or every so many packets (statistic_mt, net/netfilter/xt_statistic.c)."""
    if match.probability is not None:
        return asks(match.probability, Chance)
    return Assume(f'"{match_text(match)}" matches', "it counts the packets of the past", fleeting=True)


def recent(match: matches.Recent, _: Evidence) -> Condition:
    """Look the address up in the list, and change the list (recent_mt, xt_recent.c): `--set` always matches."""
    if match.set is not None:
        return ALWAYS if match.set else NEVER
    statement = f'"{match_text(match)}" matches'
    return Assume(statement, f"the list {match.name} is not in the dump", ("src", "dst"), fleeting=True, match=match)


def limit(match: matches.Limit, _: Evidence) -> Condition:
    """Ask whether a bucket has tokens left (limit_mt, net/netfilter/xt_limit.c)."""
    return Assume(f'"{match_text(match)}" matches', "it depends on how many packets came before", fleeting=True)
