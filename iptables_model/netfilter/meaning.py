"""What each match asks of a packet: one function per match, from its declaration to a condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any as Anything

from iptables_model.model import matches
from iptables_model.model.option import Match, options_of
from iptables_model.model.text import match_text
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.condition import ALWAYS, NEVER, All, Any, Assume, Chance, Condition, Not, Within
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.packet import FIELDS
from iptables_model.netfilter.sets import AddressSet, Choice, NameSet, NumberSet
from iptables_model.values.negatable import Negatable

__all__ = ["MEANINGS", "meaning_of"]

_SRC_NAT, _DST_NAT = 1 << 4, 1 << 5


def meaning_of(match: Match, evidence: Evidence) -> Condition:
    """Say what a match asks. A match without an entry in `MEANINGS` is an assumption about the whole packet."""
    known = MEANINGS.get(type(match))
    if known is None:
        return Assume(f'"{match_text(match)}" matches', "nothing here says what this match asks", FIELDS)
    return known(match, evidence)


def _asks(option: Negatable[Anything] | None, ask: Callable[[Anything], Condition]) -> Condition:
    """Apply the `!` of an option; an option that is not there asks nothing."""
    if option is None:
        return ALWAYS
    return Not(ask(option.value)) if option.negated else ask(option.value)


def _in_network(field: str) -> Callable[[Anything], Condition]:
    return lambda network: Within(field, AddressSet.of(network))


def _named(field: str) -> Callable[[Anything], Condition]:
    return lambda interface: Within(field, NameSet.of(interface))


def _ports(field: str) -> Callable[[Anything], Condition]:
    return lambda ports: Within(field, NumberSet.of(ports.first, ports.last))


def _is_protocol(number: int) -> Condition:
    """Ask for a protocol; 0 asks for any (ip_packet_match, net/ipv4/netfilter/ip_tables.c)."""
    return Within("protocol", NumberSet.of(number)) if number else ALWAYS


def _ip(match: matches.Ip, _: Evidence) -> Condition:
    fragment = ALWAYS if match.fragment is None else Within("fragment", _yes_no("yes" if match.fragment else "no"))
    return All(
        (
            _asks(match.source, _in_network("src")),
            _asks(match.destination, _in_network("dst")),
            _asks(match.in_interface, _named("in_interface")),
            _asks(match.out_interface, _named("out_interface")),
            _asks(match.protocol, _is_protocol),
            fragment,
        )
    )


def _yes_no(name: str) -> Choice:
    return Choice(frozenset({name}))


_WHOLE = Within("fragment", _yes_no("no"))
"""A later fragment has no header to look into (xt_tcpudp.c: `par->fragoff != 0` does not match)."""


def _tcp(match: matches.Tcp, _: Evidence) -> Condition:
    return All(
        (
            _WHOLE,
            _asks(match.sport, _ports("sport")),
            _asks(match.dport, _ports("dport")),
            _asks(match.tcp_flags, lambda flags: Within("tcp_flags", BitSet.of(flags.comp, flags.mask))),
            _rest(match, "a packet here has no TCP options", "sport", "dport", "tcp_flags"),
        )
    )


def _rest(match: Match, reason: str, *known: str) -> Condition:
    """Assume what a match asks beside the options that are known."""
    unknown = {option.name for option, _, _ in options_of(match)} - set(known)
    return Assume(f'"{match_text(match)}" matches', reason, FIELDS) if unknown else ALWAYS


def _udp(match: matches.Udp, _: Evidence) -> Condition:
    return All((_WHOLE, _asks(match.sport, _ports("sport")), _asks(match.dport, _ports("dport"))))


def _sctp(match: matches.Sctp, _: Evidence) -> Condition:
    ports = (_asks(match.sport, _ports("sport")), _asks(match.dport, _ports("dport")))
    return All((_WHOLE, *ports, _rest(match, "a packet here has no SCTP chunks", "sport", "dport")))


def _multiport(match: matches.Multiport, _: Evidence) -> Condition:
    def among(*fields: str) -> Callable[[Anything], Condition]:
        return lambda ranges: Any(tuple(Within(field, _union(ranges)) for field in fields))

    asked = (
        _asks(match.sports, among("sport")),
        _asks(match.dports, among("dport")),
        _asks(match.ports, among("sport", "dport")),
    )
    return All((_WHOLE, *asked))


def _union(ranges: Anything) -> NumberSet:
    found = NumberSet(())
    for ports in ranges:
        found |= NumberSet.of(ports.first, ports.last)
    return found


def _icmp(match: matches.Icmp, _: Evidence) -> Condition:
    return All((_WHOLE, _asks(match.icmp_type, _icmp_type)))


def _icmp6(match: matches.Icmp6, _: Evidence) -> Condition:
    return All((_WHOLE, _asks(match.icmpv6_type, _icmp_type)))


def _icmp_type(kind: Anything) -> Condition:
    """Compare type and code; type 255 with all codes is `any` (icmp_type_code_match, xt_tcpudp.c)."""
    if kind.type == 0xFF:
        return ALWAYS
    return Within("icmp_type", NumberSet.of(kind.type << 8 | kind.code_first, kind.type << 8 | kind.code_last))


def _conntrack(match: matches.Conntrack, _: Evidence) -> Condition:
    """Ask for the state; all else that conntrack knows is not in a dump (conntrack_mt, xt_conntrack.c)."""
    return All((_asks(match.ctstate, _ctstate), _rest(match, "the connection table is not in the dump", "ctstate")))


def _ctstate(states: Anything) -> Condition:
    names = {str(state) for state in states}
    asked: list[Condition] = [Within("state", Choice(frozenset(names - {"SNAT", "DNAT"})))]
    asked += [Within("status", BitSet.of(bit, bit)) for name, bit in _NAT_BITS if name in names]
    return Any(tuple(asked))


_NAT_BITS = (("SNAT", _SRC_NAT), ("DNAT", _DST_NAT))


def _state(match: matches.State, _: Evidence) -> Condition:
    return _asks(match.state, _ctstate)


def _mark(match: matches.Mark, _: Evidence) -> Condition:
    return _asks(match.mark, lambda mark: _masked("mark", mark))


def _connmark(match: matches.Connmark, _: Evidence) -> Condition:
    """Compare the connection's mark; what has no connection never matches, not even behind `!` (connmark_mt)."""
    tracked = Not(Within("state", Choice(frozenset({"INVALID", "UNTRACKED"}))))
    return All((tracked, _asks(match.mark, lambda mark: _masked("connmark", mark))))


def _masked(field: str, mark: Anything) -> Condition:
    """Ask (field & mask) == value, which no packet answers if the value has bits outside the mask."""
    return NEVER if mark.value & ~mark.mask else Within(field, BitSet.of(mark.value, mark.mask))


def _statistic(match: matches.Statistic, _: Evidence) -> Condition:
    if match.probability is not None:
        return _asks(match.probability, Chance)
    return Assume(f'"{match_text(match)}" matches', "it counts the packets of the past", fleeting=True)


def _addrtype(match: matches.Addrtype, evidence: Evidence) -> Condition:
    """Ask for the kind of an address (addrtype_mt_v1, xt_addrtype.c); behind an interface, what only routes tell."""

    def of_types(field: str) -> Callable[[Anything], Condition]:
        return lambda kinds: Any(tuple(evidence.of_type(field, str(kind)) for kind in kinds))

    if match.limit_iface_in or match.limit_iface_out:
        return Assume(f'"{match_text(match)}" matches', "the routes of the node are not in the dump", ("src", "dst"))
    return All((_asks(match.src_type, of_types("src")), _asks(match.dst_type, of_types("dst"))))


def _iprange(match: matches.Iprange, _: Evidence) -> Condition:
    def between(field: str) -> Callable[[Anything], Condition]:
        return lambda held: Within(field, AddressSet((int(held.first), int(held.last) + 1), held.first.version))

    return All((_asks(match.src_range, between("src")), _asks(match.dst_range, between("dst"))))


def _recent(match: matches.Recent, _: Evidence) -> Condition:
    """Look the address up in the list, and change the list (recent_mt, xt_recent.c): `--set` always matches."""
    if match.set is not None:
        return ALWAYS if match.set else NEVER
    statement = f'"{match_text(match)}" matches'
    return Assume(statement, f"the list {match.name} is not in the dump", ("src", "dst"), fleeting=True, match=match)


def _limit(match: matches.Limit, _: Evidence) -> Condition:
    return Assume(f'"{match_text(match)}" matches', "it depends on how many packets came before", fleeting=True)


def _set(match: matches.Set, _: Evidence) -> Condition:
    fields = ("src", "dst", "sport", "dport", "protocol", "in_interface", "out_interface", "mark")

    def holds(held: Anything) -> Condition:
        statement = f"ipset {held.name} holds the packet's {','.join(map(str, held.directions))}"
        return Assume(statement, "the contents of ipsets are not in the dump", fields)

    return _asks(match.match_set, holds)


def _physdev(match: matches.Physdev, _: Evidence) -> Condition:
    """Ask for the bridge ports (physdev_mt, xt_physdev.c): a packet that crossed no bridge has none."""
    came = Not(Within("physdev_in", NameSet.nothing_there()))
    asked: list[Condition] = []
    if match.physdev_is_in is not None:
        asked.append(came if match.physdev_is_in else Not(came))
    asked.append(_asks(match.physdev_in, lambda name: All((came, Within("physdev_in", NameSet.of(name))))))
    asked.append(_rest(match, "the node's bridges are not in the dump", "physdev_in", "physdev_is_in"))
    return All(tuple(asked))


MEANINGS: Mapping[type[Match], Callable[[Anything, Evidence], Condition]] = MappingProxyType(
    {
        matches.Ip: _ip,
        matches.Comment: lambda _match, _evidence: ALWAYS,
        matches.Tcp: _tcp,
        matches.Udp: _udp,
        matches.Sctp: _sctp,
        matches.Multiport: _multiport,
        matches.Icmp: _icmp,
        matches.Icmp6: _icmp6,
        matches.Conntrack: _conntrack,
        matches.State: _state,
        matches.Mark: _mark,
        matches.Connmark: _connmark,
        matches.Statistic: _statistic,
        matches.Addrtype: _addrtype,
        matches.Iprange: _iprange,
        matches.Recent: _recent,
        matches.Limit: _limit,
        matches.Set: _set,
        matches.Physdev: _physdev,
    }
)
"""The matches that a packet, the node, or chance decides; all others are UNKNOWN."""
