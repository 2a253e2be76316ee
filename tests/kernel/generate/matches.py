"""The matches of random rules."""

from __future__ import annotations

from tests.kernel.generate.spot import PORTS, Piece, Spot, within

__all__ = ["MATCHES"]

_STATES = ("NEW", "ESTABLISHED", "INVALID", "UNTRACKED", "RELATED", "DNAT", "SNAT")


def _ports(spot: Spot) -> str:
    return f"-m {spot.protocol} {_one_port(spot)}"


def _one_port(spot: Spot) -> str:
    return f"{spot.sign()}--{spot.one('dport', 'sport')} {spot.ports()}"


def _tcp(spot: Spot) -> str:
    """Write all that `-m tcp` asks at once, since iptables-nft joins what is asked twice."""
    flags = spot.one("SYN,RST,ACK,FIN SYN", "ALL NONE", "ACK ACK", "SYN,ACK SYN,ACK")
    port, flagged = _one_port(spot), f"{spot.sign()}--tcp-flags {flags}"
    return f"-m tcp {spot.one(port, flagged, f'{port} {flagged}')}"


def _multiport(spot: Spot) -> str:
    return f"-m multiport {spot.sign()}--{spot.one('sports', 'dports', 'ports')} {spot.one(*PORTS)},{spot.ports()}"


def _interface(spot: Spot, option: str) -> str:
    return f"{spot.sign()}{option} {spot.one('eth0', 'pod+', 'pod1', 'lo')}"


def _addrtype(spot: Spot) -> str:
    kinds = spot.one("LOCAL", "MULTICAST", "UNICAST", "LOCAL,UNICAST")
    return f"-m addrtype {spot.sign()}--{spot.one('src', 'dst')}-type {kinds}"


def _icmp(spot: Spot) -> str:
    return f"-m icmp {spot.sign()}--icmp-type {spot.one('8', '0', '8/0', '3/1', 'any')}"


def _icmp6(spot: Spot) -> str:
    return f"-m icmp6 {spot.sign()}--icmpv6-type {spot.one('128', '129', '1/3', '128/0')}"


def _iprange(spot: Spot) -> str:
    low, high = ("10.0.0.0", "192.0.2.5") if spot.family == 4 else ("2001:db8::", "2001:db8:60::")
    return f"-m iprange {spot.sign()}--{spot.one('src', 'dst')}-range {low}-{high}"


MATCHES = (
    Piece(lambda spot: f"{spot.sign()}-s {spot.network()}"),
    Piece(lambda spot: f"{spot.sign()}-d {spot.network()}"),
    Piece(lambda spot: _interface(spot, "-i"), within("PREROUTING", "INPUT", "FORWARD")),
    Piece(lambda spot: _interface(spot, "-o"), within("FORWARD", "OUTPUT", "POSTROUTING")),
    Piece(_ports, lambda spot: spot.protocol in ("udp", "sctp")),
    Piece(_tcp, lambda spot: spot.protocol == "tcp"),
    Piece(_multiport, lambda spot: spot.has_ports),
    Piece(_icmp, lambda spot: spot.protocol == "icmp"),
    Piece(_icmp6, lambda spot: spot.protocol == "ipv6-icmp"),
    Piece(lambda spot: f"-m mark {spot.sign()}--mark {spot.mark()}"),
    Piece(lambda spot: f"-m connmark {spot.sign()}--mark {spot.mark()}"),
    Piece(lambda spot: f"-m conntrack {spot.sign()}--ctstate {spot.some(*_STATES)}"),
    Piece(_addrtype, lambda spot: spot.family == 4),
    Piece(_iprange),
    Piece(lambda _: "-m comment --comment said"),
)
