"""What the matches of a connection ask: its state, its ends, and what conntrack knows of it.

A packet without a connection (INVALID, UNTRACKED, or any in raw) is answered before anything is compared.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any as Anything

import attrs

from iptables_model.model import matches
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.condition import (
    ALWAYS,
    NEVER,
    NO_CONNECTION,
    All,
    Any,
    Assume,
    Condition,
    Initially,
    Not,
    OnceChanged,
    Within,
)
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.fields import STATUS
from iptables_model.netfilter.meaning.asking import TRACKED, WITH_PORTS, asks, assumed, has_bits, one_of
from iptables_model.netfilter.sets import AddressSet, NumberSet
from iptables_model.values.addresses import HostPrefix
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import PortRange

__all__ = ["TEMPLATE", "connbytes", "connlabel", "conntrack", "helper", "state"]

TEMPLATE = "template"
"""Names what raw may attach to a packet for want of a connection; all its ends are 0, it has no labels, no counters."""
_TABLE = "the connection table is not in the dump"
_RELATED = one_of("state", "RELATED")
_UNRELATED = Not(_RELATED)
_FIRST = All((one_of("state", "NEW"), Initially("status", BitSet.of(0, STATUS.bits["CONFIRMED"]))))
_LATER = Not(_FIRST)


def conntrack(match: matches.Conntrack, _: Evidence) -> Condition:
    """Ask what conntrack knows of the packet (conntrack_mt, net/netfilter/xt_conntrack.c).

    Without a connection nothing but the state counts: where that is asked for, the rest holds, else nothing does.
    The tuples of a connection are known as long as the packet is its first. Of a later one, its own direction's tuple
    is what the packet came with; the other one is that turned round, as far as nothing is translated.
    """
    asked = (
        ALWAYS if match.ctdir is None else one_of("direction", str(match.ctdir)),
        asks(match.ctproto, _protocol),
        *(_end(name, getattr(match, name)) for name in _ENDS),
        asks(match.ctstatus, _status),
        asks(match.ctexpire, _expires),
    )
    of_connection = tuple(one for one in asked if one is not ALWAYS)
    if match.ctstate is None:
        return All((TRACKED, *of_connection))
    state_is = asks(match.ctstate, _ctstate)
    return All((state_is, Any((NO_CONNECTION, All(of_connection))))) if of_connection else state_is


def state(match: matches.State, _: Evidence) -> Condition:
    """Ask for the state (state_mt, net/netfilter/xt_state.c)."""
    return asks(match.state, _ctstate)


def _ctstate(states: Anything) -> Condition:
    names = [str(name) for name in states]
    translated = [has_bits("status", STATUS.bits[name]) for name in names if name in STATUS.bits]
    plain = one_of("state", *names)
    return Any((plain, All((TRACKED, Any(tuple(translated)))))) if translated else plain


def _status(wanted: Anything) -> Condition:
    """Ask for one of some bits; NONE is none of them, so it never matches (status_mask & ct->status)."""
    bits = sum(STATUS.bits.get(str(name), 0) for name in wanted)
    return Not(Within("status", BitSet.of(0, bits)))


def _expires(seconds: Anything) -> Condition:
    return Assume(f"the connection expires in {seconds} seconds", _TABLE, fleeting=True)


def _protocol(number: int) -> Condition:
    """Ask for the connection's protocol, which is the packet's unless an ICMP error is RELATED to it."""
    unknown = Assume(f"the connection's ctproto is {number}", _TABLE)
    known = Any((All((_UNRELATED, Within("protocol", NumberSet.of(number)))), All((_RELATED, unknown))))
    return _unless_template(known, zero=number == 0)


def _unless_template(known: Condition, *, zero: bool = False) -> Condition:
    """Ask a connection, or say of a template whether zero is what is asked for (nf_ct_tmpl_alloc)."""
    return OnceChanged(TEMPLATE, known, ALWAYS if zero else NEVER)


@attrs.frozen
class End:
    """Say what a packet tells of one end of its connection's tuples.

    One of the tuple's own direction came with it in the field `own`; one of the other direction in the field `other`,
    unless the connection has the bit `translation`.
    """

    direction: str
    own: str
    other: str
    translation: str

    @cached_property
    def is_own(self) -> Condition:
        """Ask whether a packet goes in the direction of the tuple."""
        return one_of("direction", self.direction)

    @cached_property
    def is_translated(self) -> Condition:
        """Ask whether the connection has the bit."""
        return has_bits("status", STATUS.bits[self.translation])

    @cached_property
    def is_other(self) -> Condition:
        """Ask whether a packet goes in the other direction."""
        return Not(self.is_own)

    @cached_property
    def is_untranslated(self) -> Condition:
        """Ask whether the connection does not have the bit."""
        return Not(self.is_translated)


_ENDS = {
    "ctorigsrc": End("ORIGINAL", "src", "dst", "SNAT"),
    "ctorigdst": End("ORIGINAL", "dst", "src", "DNAT"),
    "ctreplsrc": End("REPLY", "src", "dst", "DNAT"),
    "ctrepldst": End("REPLY", "dst", "src", "SNAT"),
    "ctorigsrcport": End("ORIGINAL", "sport", "dport", "SNAT"),
    "ctorigdstport": End("ORIGINAL", "dport", "sport", "DNAT"),
    "ctreplsrcport": End("REPLY", "sport", "dport", "DNAT"),
    "ctrepldstport": End("REPLY", "dport", "sport", "SNAT"),
}


def _end(name: str, option: Negatable[Anything] | None) -> Condition:
    """Ask for an address or a port of one of the connection's tuples."""
    ask = _address if option is None or isinstance(option.value, HostPrefix) else _port
    return asks(option, lambda value: ask(name, value))


def _address(name: str, wanted: HostPrefix) -> Condition:
    allowed = AddressSet.of(wanted.network)
    return _unless_template(_held(name, str(wanted), allowed), zero=allowed.holds(0))


def _port(name: str, wanted: PortRange) -> Condition:
    unknown = Assume(f"what the connection has for a port is {wanted}", "its protocol has no ports")
    allowed = NumberSet.of(wanted.first, wanted.last)
    known = Any((All((WITH_PORTS, _held(name, str(wanted), allowed))), All((Not(WITH_PORTS), unknown))))
    return _unless_template(known, zero=allowed.holds(0))


def _held(name: str, text: str, allowed: AddressSet | NumberSet) -> Condition:
    unknown = Assume(f"the connection's {name} is {text}", _TABLE)
    later = _of_later(_ENDS[name], allowed, unknown)
    return Any((All((_FIRST, _of_first(_ENDS[name], allowed))), All((_LATER, later))))


def _of_first(end: End, allowed: AddressSet | NumberSet) -> Condition:
    """Ask for what conntrack saw, or for what answers will have: what NAT has made of that (nf_nat_setup_info)."""
    if end.direction == "ORIGINAL":
        return Initially(end.own, allowed)
    translated = All((end.is_translated, Within(end.other, allowed)))
    return Any((translated, All((end.is_untranslated, Initially(end.other, allowed)))))


def _of_later(end: End, allowed: AddressSet | NumberSet, unknown: Condition) -> Condition:
    """Ask a later packet for what it tells; an error, or what is expected, has the ends of another connection."""
    told = Any(
        (
            All((end.is_own, Initially(end.own, allowed))),
            All((end.is_other, end.is_untranslated, Initially(end.other, allowed))),
            All((end.is_other, end.is_translated, unknown)),
        )
    )
    return Any((All((_UNRELATED, told)), All((_RELATED, unknown))))


def helper(match: matches.Helper, _: Evidence) -> Condition:
    """Ask who expected the connection, if it was expected (helper_mt, net/netfilter/xt_helper.c)."""
    expected = has_bits("status", STATUS.bits["EXPECTED"])
    whose = "any helper" if match.helper.value == "" else f"helper {match.helper.value}"
    return asks(match.helper, lambda _: All((TRACKED, expected, Assume(f"{whose} expected the connection", _TABLE))))


def connlabel(match: matches.Connlabel, _: Evidence) -> Condition:
    """Ask for a label; with `--set` the connection has it from now on (connlabel_mt, net/netfilter/xt_connlabel.c).

    That is, if it has room for labels, which it was given if there was a rule about them when it began.
    """
    room = Any((_FIRST, Assume("the connection has room for labels", "it may be older than the first rule about them")))
    labelled = room if match.set else Assume(f"the connection has label {match.label.value}", _TABLE, fleeting=True)
    return asks(match.label, lambda _: All((TRACKED, _unless_template(labelled))))


def connbytes(match: matches.Connbytes, _: Evidence) -> Condition:
    """Compare the counters of the connection; what has none never matches (connbytes_mt, xt_connbytes.c)."""
    counted = assumed(match, "the counters of connections are not in the dump", fleeting=True)
    return All((TRACKED, _unless_template(counted)))
