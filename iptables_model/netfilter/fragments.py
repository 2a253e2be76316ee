"""Whether the kernel puts fragments together before rules see them."""

from __future__ import annotations

from iptables_model.model import matches, targets
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Ruleset, derived
from iptables_model.netfilter.condition import ALWAYS, Assume, Condition

__all__ = ["gathering"]

_MATCHES = (
    matches.Cluster,
    matches.Connbytes,
    matches.Connlabel,
    matches.Connlimit,
    matches.Connmark,
    matches.Conntrack,
    matches.Helper,
    matches.Socket,
    matches.State,
)
_TARGETS = (
    targets.Clusterip,
    targets.Connmark,
    targets.Connsecmark,
    targets.Ct,
    targets.Dnat,
    targets.Masquerade,
    targets.Netmap,
    targets.Redirect,
    targets.Snat,
    targets.Synproxy,
    targets.Tproxy,
)
_OTHERS = Assume(
    "fragments are put together before rules see them", "rules of others may have the kernel track connections"
)


def gathering(ruleset: Ruleset) -> Condition:
    """Ask whether fragments wait for the others of their packet at the first hook, before any rule.

    They do in a network namespace in which a rule needs it, wherever that rule stands: one that asks for connections or
    tracks them (nf_ct_netns_get, net/netfilter/nf_conntrack_proto.c), or that looks for a socket
    (nf_defrag_ipv4_enable, nf_defrag_ipv6_enable).
    """
    return derived(ruleset, gathering, lambda: ALWAYS if any(map(_needs_it, _rules(ruleset))) else _OTHERS)


def _rules(ruleset: Ruleset) -> list[Rule]:
    return [rule for table in ruleset.tables for chain in table.chains for rule in chain.rules]


def _needs_it(rule: Rule) -> bool:
    if isinstance(rule.target, targets.Ct) and rule.target.notrack:
        return False  # xt_ct_tg_check (net/netfilter/xt_CT.c) is done before it comes to that
    return isinstance(rule.target, _TARGETS) or any(isinstance(match, _MATCHES) for match in rule.matches)
