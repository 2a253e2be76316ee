"""What the matches of links ask: the ports of bridges, hardware addresses, and IPsec."""

from __future__ import annotations

from iptables_model.model import matches
from iptables_model.netfilter.condition import ALWAYS, NEVER, All, Any, Assume, Condition, Not, Within
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning.asking import asks, one_of, rest
from iptables_model.netfilter.sets import NameSet
from iptables_model.values.names import Interface
from iptables_model.values.negatable import Negatable

__all__ = ["mac", "physdev", "pkttype", "policy"]

_CAME = Not(Within("physdev_in", NameSet.nothing_there()))
_GOES = Not(Within("physdev_out", NameSet.nothing_there()))


def physdev(match: matches.Physdev, _: Evidence) -> Condition:
    """Ask for the bridge ports (physdev_mt, net/netfilter/xt_physdev.c).

    A packet that crosses no bridge matches if all options have a `!`. Of others, one that came by no port matches any
    `--physdev-in`, and one that leaves by none no `--physdev-out`, whatever the `!`.
    """
    flags = (match.physdev_is_bridged, match.physdev_is_in, match.physdev_is_out)
    named = [option for option in (match.physdev_in, match.physdev_out) if option is not None]
    all_negated = all(option.negated for option in named) and True not in flags
    asked = [
        _is(match.physdev_is_bridged, _GOES),
        _is(match.physdev_is_in, _CAME),
        _is(match.physdev_is_out, _GOES),
        Any((Not(_CAME), _named(match.physdev_in, "physdev_in"))),
        ALWAYS if match.physdev_out is None else All((_GOES, _named(match.physdev_out, "physdev_out"))),
    ]
    bridged = Any((_CAME, _GOES))
    return Any((All((bridged, *asked)), All((Not(bridged), ALWAYS if all_negated else NEVER))))


def _is(wanted: bool | None, condition: Condition) -> Condition:
    if wanted is None:
        return ALWAYS
    return condition if wanted else Not(condition)


def _named(option: Negatable[Interface] | None, field: str) -> Condition:
    return asks(option, lambda interface: Within(field, NameSet.of(interface)))


def mac(match: matches.Mac, _: Evidence) -> Condition:
    """Ask for the hardware address; a link that has none never matches (mac_mt, net/netfilter/xt_mac.c)."""
    has_one = Not(Within("mac_source", NameSet.nothing_there()))
    return All((has_one, asks(match.mac_source, lambda one: Within("mac_source", NameSet.of(Interface(str(one)))))))


def pkttype(match: matches.Pkttype, _: Evidence) -> Condition:
    """Ask to whom the link addressed the packet (pkttype_mt, net/netfilter/xt_pkttype.c)."""
    return asks(match.pkt_type, lambda kind: one_of("pkt_type", str(kind)))


def policy(match: matches.Policy, _: Evidence) -> Condition:
    """Ask whether IPsec brought the packet or will take it (policy_mt, net/netfilter/xt_policy.c)."""
    if match.dir is matches.PolicyDir.IN:
        applies: Condition = one_of("ipsec", "yes")
    else:
        ends = ("src", "dst", "protocol", "sport", "dport", "mark")
        applies = Assume("IPsec takes the packet", "the IPsec policies of the node are not in the dump", ends)
    if match.pol is matches.PolicyKind.NONE:
        return Not(applies)
    return All((applies, rest(match, "a packet here has no IPsec transformations", "dir", "pol")))
