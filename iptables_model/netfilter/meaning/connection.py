"""What the matches of a connection ask: its state, its ends, and what conntrack knows of it.

A packet without a connection (INVALID, UNTRACKED, or any in raw) is answered before anything is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any as Anything

from iptables_model.model import matches
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.condition import ALWAYS, All, Any, Assume, Condition, Initially, Not, Within
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.fields import STATUS
from iptables_model.netfilter.meaning.asking import TRACKED, asks, assumed, has_bits, one_of
from iptables_model.netfilter.sets import AddressSet, NumberSet
from iptables_model.values.negatable import Negatable

__all__ = ["connbytes", "connlabel", "conntrack", "helper", "state"]

_TABLE = "the connection table is not in the dump"
_FIRST = one_of("state", "NEW")
_WITH_PORTS = Within("protocol", NumberSet((6, 7, 17, 18, 33, 34, 132, 133, 136, 137)))
"""TCP, UDP, DCCP, SCTP, UDP-Lite. In the tuples of others there are ids, keys or nothing in the place of ports."""


def conntrack(match: matches.Conntrack, _: Evidence) -> Condition:
    """Ask what conntrack knows of the packet (conntrack_mt, net/netfilter/xt_conntrack.c).

    Without a connection nothing but the state counts: where that is asked for, the rest holds, else nothing does.
    The tuples of a connection are known as long as the packet is its first.
    """
    asked = (
        ALWAYS if match.ctdir is None else one_of("direction", str(match.ctdir)),
        _end("ctorigsrc", match.ctorigsrc, _address(_original("src"))),
        _end("ctorigdst", match.ctorigdst, _address(_original("dst"))),
        _end("ctreplsrc", match.ctreplsrc, _address(_answering("dst", "DNAT"))),
        _end("ctrepldst", match.ctrepldst, _address(_answering("src", "SNAT"))),
        asks(match.ctproto, _protocol),
        _end("ctorigsrcport", match.ctorigsrcport, _port(_original("sport"))),
        _end("ctorigdstport", match.ctorigdstport, _port(_original("dport"))),
        _end("ctreplsrcport", match.ctreplsrcport, _port(_answering("dport", "DNAT"))),
        _end("ctrepldstport", match.ctrepldstport, _port(_answering("sport", "SNAT"))),
        asks(match.ctstatus, _status),
        asks(match.ctexpire, _expires),
    )
    of_connection = tuple(one for one in asked if one is not ALWAYS)
    if match.ctstate is None:
        return All((TRACKED, *of_connection))
    state_is = asks(match.ctstate, _ctstate)
    return All((state_is, Any((Not(TRACKED), All(of_connection))))) if of_connection else state_is


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
    related = one_of("state", "RELATED")
    unknown = Assume(f"the connection's ctproto is {number}", _TABLE)
    return Any((All((Not(related), Within("protocol", NumberSet.of(number)))), All((related, unknown))))


_Ask = Callable[[Anything], Condition]


def _end(name: str, option: Negatable[Anything] | None, of_first: _Ask) -> Condition:
    """Ask for an address or a port of one of the connection's tuples."""

    def ask(value: Anything) -> Condition:
        later = Assume(f"the connection's {name} is {value}", _TABLE)
        return Any((All((_FIRST, of_first(value))), All((Not(_FIRST), later))))

    return asks(option, ask)


def _original(field: str) -> _Ask:
    """Ask for what conntrack saw: the packet as it came, since nothing rewrites it before."""
    return lambda allowed: Initially(field, allowed)


def _answering(field: str, translation: str) -> _Ask:
    """Ask for what answers will have: what NAT has made of the packet (nf_nat_setup_info), or as it came."""
    done = has_bits("status", STATUS.bits[translation])
    return lambda allowed: Any((All((done, Within(field, allowed))), All((Not(done), Initially(field, allowed)))))


def _address(ask: _Ask) -> _Ask:
    return lambda value: ask(AddressSet.of(value.network))


def _port(ask: _Ask) -> _Ask:
    def asked(ports: Anything) -> Condition:
        unknown = Assume(f"what the connection has for a port is {ports}", "its protocol has no ports")
        among = ask(NumberSet.of(ports.first, ports.last))
        return Any((All((_WITH_PORTS, among)), All((Not(_WITH_PORTS), unknown))))

    return asked


def helper(match: matches.Helper, _: Evidence) -> Condition:
    """Ask who expected the connection, if it was expected (helper_mt, net/netfilter/xt_helper.c)."""
    expected = has_bits("status", STATUS.bits["EXPECTED"])
    whose = "any helper" if match.helper.value == "" else f"helper {match.helper.value}"
    return asks(match.helper, lambda _: All((TRACKED, expected, Assume(f"{whose} expected the connection", _TABLE))))


def connlabel(match: matches.Connlabel, _: Evidence) -> Condition:
    """Ask for a label; with `--set` the connection has it from now on (connlabel_mt, net/netfilter/xt_connlabel.c)."""
    labelled = ALWAYS if match.set else Assume(f"the connection has label {match.label.value}", _TABLE, fleeting=True)
    return asks(match.label, lambda _: All((TRACKED, labelled)))


def connbytes(match: matches.Connbytes, _: Evidence) -> Condition:
    """Compare the counters of the connection; what has none never matches (connbytes_mt, xt_connbytes.c)."""
    return All((TRACKED, assumed(match, "the counters of connections are not in the dump", fleeting=True)))
