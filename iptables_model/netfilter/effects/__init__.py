"""What each target does to the packets that reach it: rewrites them, and says where they go next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from iptables_model.model import targets
from iptables_model.model.option import Target
from iptables_model.model.text import target_text
from iptables_model.netfilter.effects import headers, marks, nat, prefixes, sets, steering, tracking, verdicts
from iptables_model.netfilter.effects.course import WORDS, Course, Effect, Site, Verdict, unknown_course
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.state import State

__all__ = ["EFFECTS", "WORDS", "Effect", "Site", "Verdict", "effect_of", "fields_read", "unknown_course"]


def effect_of(target: Target, state: State, site: Site) -> Course:
    """Apply a target to a state. A target without an entry in `EFFECTS` may do anything, so each course is assumed."""
    known = EFFECTS.get(type(target))
    if known is not None:
        return known(target, state, site)
    return unknown_course(target_text(target), "nothing here says what this target does", state, site.suppose)


def fields_read(target: Target, evidence: Evidence) -> frozenset[str] | None:
    """Give the fields on which it depends what a target does, or None if it may depend on more.

    Beside those that say the same of every packet, these are the targets that packets to all endpoints of a Service
    meet, which are otherwise alike. Where no node is known, MASQUERADE does not look where a packet goes.
    """
    if isinstance(target, targets.Mark):
        return _MARK
    if isinstance(target, targets.Masquerade):
        return _MASQUERADED if evidence.node is None else _MASQUERADED_BY_NODE
    return _NOTHING if EFFECTS.get(type(target)) in verdicts.SPEAKING else None


_NOTHING: frozenset[str] = frozenset()
_MARK = frozenset({"mark"})
_MASQUERADED = frozenset({"src", "sport", "protocol", "status"})
_MASQUERADED_BY_NODE = _MASQUERADED | {"dst", "out_interface"}


EFFECTS: Mapping[type[Target], Callable[[Any, State, Site], Course]] = MappingProxyType(
    {
        targets.Accept: verdicts.accept,
        targets.Audit: verdicts.go_on,
        targets.Checksum: verdicts.go_on,
        targets.Classify: headers.classify,
        targets.Clusterip: steering.clusterip,
        targets.Connmark: marks.connmark,
        targets.Connsecmark: verdicts.go_on,
        targets.Ct: tracking.ct,
        targets.Dnat: nat.dnat,
        targets.Dnpt: prefixes.dnpt,
        targets.Drop: verdicts.drop,
        targets.Dscp: headers.dscp,
        targets.Ecn: headers.ecn,
        targets.Hl: headers.hl,
        targets.Hmark: marks.hmark,
        targets.Idletimer: verdicts.go_on,
        targets.Led: verdicts.go_on,
        targets.Log: verdicts.go_on,
        targets.Mark: marks.mark,
        targets.Masquerade: nat.masquerade,
        targets.Netmap: nat.netmap,
        targets.Nflog: verdicts.go_on,
        targets.Nfqueue: steering.nfqueue,
        targets.Notrack: tracking.notrack,
        targets.Queue: steering.queue,
        targets.Rateest: verdicts.go_on,
        targets.Redirect: nat.redirect,
        targets.Reject: verdicts.reject,
        targets.Return: verdicts.return_,
        targets.Secmark: verdicts.go_on,
        targets.Set: sets.ipset,
        targets.Snat: nat.snat,
        targets.Snpt: prefixes.snpt,
        targets.Synproxy: steering.synproxy,
        targets.Tcpmss: headers.tcpmss,
        targets.Tcpoptstrip: headers.tcpoptstrip,
        targets.Tee: verdicts.go_on,
        targets.Tos: headers.tos,
        targets.Tproxy: steering.tproxy,
        targets.Trace: verdicts.go_on,
        targets.Ttl: headers.ttl,
        targets.Ulog: verdicts.go_on,
    }
)
"""The targets whose effect is known; all others are UNKNOWN, with each course assumed."""
