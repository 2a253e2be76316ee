"""What random rules ask of the headers of transport, and of what stands in their place."""

from __future__ import annotations

from tests.kernel.generate.spot import PORTS, Piece, Spot

__all__ = ["TRANSPORT"]

_FLAGS = ("SYN,RST,ACK,FIN SYN", "ALL NONE", "ACK ACK", "SYN,ACK SYN,ACK", "URG,PSH PSH")
_CHUNKS = ("INIT", "DATA,INIT", "ABORT", "DATA:IUBE,INIT")
_ICMP = ("8", "0", "8/0", "3/1", "any", "echo-request", "destination-unreachable", "host-unreachable", "13")
_ICMP6 = ("128", "129", "1/3", "128/0", "echo-reply", "address-unreachable", "packet-too-big", "255")


def _port(spot: Spot, option: str) -> str:
    """Ask for ports; those from 0 on without a `!`, since iptables-nft prints all others instead."""
    return f"--{option} :443" if spot.seldom() else f"{spot.sign()}--{option} {spot.ports()}"


def _ports(spot: Spot) -> str:
    return " ".join(_port(spot, option) for option in spot.one(("sport",), ("dport",), ("sport", "dport")))


def _named(spot: Spot) -> str:
    return f"-m {spot.protocol} {_ports(spot)}"


def _tcp(spot: Spot) -> str:
    """Write all that `-m tcp` asks at once, since iptables-nft joins what is asked twice."""
    flagged = f"{spot.sign()}{spot.one(*(f'--tcp-flags {flags}' for flags in _FLAGS), '--syn')}"
    option = f"{spot.sign()}--tcp-option {spot.one(1, 2, 4, 8)}"
    return f"-m tcp {spot.one(_ports(spot), flagged, option, f'{_ports(spot)} {flagged}')}"


def _mss(spot: Spot) -> str:
    return f"-m tcpmss {spot.sign()}--mss {spot.one('1400', '1000:1460', '0:1000')}"


def _multiport(spot: Spot) -> str:
    several = ",".join((str(spot.one(*PORTS)), *(spot.closed_ports() for _ in range(spot.number(0, 3)))))
    return f"-m multiport {spot.sign()}--{spot.one('sports', 'dports', 'ports')} {several}"


def _sctp(spot: Spot) -> str:
    chunks = f"{spot.sign()}--chunk-types {spot.one('any', 'all', 'only')} {spot.one(*_CHUNKS)}"
    return f"-m sctp {spot.one(chunks, f'{_ports(spot)} {chunks}')}"


def _dccp(spot: Spot) -> str:
    """Ask for types too, and now and then for an option, which is assumed."""
    types = f"{spot.sign()}--dccp-types {spot.one('REQUEST', 'RESPONSE,DATA', 'REQUEST,INVALID')}"
    option = f"{spot.sign()}--dccp-option 5"
    return f"-m dccp {spot.one(*(_ports(spot), types, f'{_ports(spot)} {types}') * 2, option)}"


def _spi(spot: Spot) -> str:
    """Ask for SPIs, but not `! 0:4294967295`: iptables-save keeps silent about all of them, and so about the `!`."""
    return f"-m {spot.protocol} {spot.sign()}--{spot.protocol}spi {spot.one('256', '100:300', '250:4294967295')}"


TRANSPORT = (
    Piece(_named, lambda spot: spot.protocol in ("udp", "sctp", "dccp")),
    Piece(_tcp, lambda spot: spot.protocol == "tcp"),
    Piece(_mss, lambda spot: spot.protocol == "tcp"),
    Piece(_multiport, lambda spot: spot.has_ports or spot.protocol in ("dccp", "udplite")),
    Piece(_sctp, lambda spot: spot.protocol == "sctp"),
    Piece(_dccp, lambda spot: spot.protocol == "dccp"),
    Piece(lambda spot: f"-m icmp {spot.sign()}--icmp-type {spot.one(*_ICMP)}", lambda spot: spot.protocol == "icmp"),
    Piece(
        lambda spot: f"-m icmp6 {spot.sign()}--icmpv6-type {spot.one(*_ICMP6)}",
        lambda spot: spot.protocol == "ipv6-icmp",
    ),
    Piece(_spi, lambda spot: spot.protocol == "esp" or (spot.protocol == "ah" and spot.family == 4)),
)
