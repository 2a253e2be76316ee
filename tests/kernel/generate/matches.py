"""The matches of random rules."""

from __future__ import annotations

from tests.kernel.generate.spot import PORTS, TOS, TTLS, Piece, Spot, family_is, within
from tests.kernel.lab import WIRE_ADDRESS

__all__ = ["MATCHES"]

_INTERFACES = ("eth0", "pod+", "pod1", "lo")
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


def _conntrack(spot: Spot) -> str:
    """Ask for two things at most, since most packets have none of them."""
    asked = {
        "state": f"{spot.sign()}--ctstate {spot.some(*_STATES)}",
        "status": f"{spot.sign()}--ctstatus {spot.some('NONE', 'EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED')}",
        "direction": f"--ctdir {spot.one('ORIGINAL', 'REPLY')}",
        "protocol": f"{spot.sign()}--ctproto {spot.one('tcp', 'udp')}",
        "source": f"{spot.sign()}--ctorigsrc {spot.network()}",
        "destination": f"{spot.sign()}--ctorigdst {spot.network()}",
        "from": f"{spot.sign()}--ctreplsrc {spot.network()}",
        "to": f"{spot.sign()}--ctrepldst {spot.network()}",
    }
    if spot.has_ports:
        ends = ("origsrc", "origdst", "replsrc", "repldst")
        asked |= {end: f"{spot.sign()}--ct{end}port {spot.ports()}" for end in ends}
    return f"-m conntrack {' '.join(spot.random.sample(list(asked.values()), spot.one(1, 1, 2)))}"


def _ttl(spot: Spot) -> str:
    match, option = ("ttl", "ttl") if spot.family == 4 else ("hl", "hl")
    return f"-m {match} {spot.one(f'{spot.sign()}--{option}-eq', f'--{option}-lt', f'--{option}-gt')} {spot.one(*TTLS)}"


def _tos(spot: Spot) -> str:
    tos = spot.one(*TOS)
    return spot.one(
        f"-m tos {spot.sign()}--tos {tos:#04x}/{spot.one(0xFF, 0xFC, 0x3F):#04x}",
        f"-m dscp {spot.sign()}--dscp {tos >> 2:#04x}",
    )


def _ecn(spot: Spot) -> str:
    if spot.protocol == "tcp" and spot.one(True, False):
        return f"-m ecn {spot.sign()}--ecn-tcp-{spot.one('cwr', 'ece')}"
    return f"-m ecn {spot.sign()}--ecn-ip-ect {spot.number(0, 3)}"


def _tcp_option(spot: Spot) -> str:
    return spot.one(
        f"-m tcp {spot.sign()}--tcp-option {spot.one(2, 4, 8)}",
        f"-m tcpmss {spot.sign()}--mss {spot.one('1400', '1000:1460', '0:1000')}",
    )


def _length(spot: Spot) -> str:
    return f"-m length {spot.sign()}--length {spot.one('0:40', '48', '28:60', '100:65535')}"


def _chunks(spot: Spot) -> str:
    return (
        f"-m sctp {spot.sign()}--chunk-types {spot.one('any', 'all', 'only')} {spot.one('INIT', 'DATA,INIT', 'ABORT')}"
    )


def _mac(spot: Spot) -> str:
    return f"-m mac {spot.sign()}--mac-source {spot.one(WIRE_ADDRESS.upper(), '02:00:00:00:00:08')}"


def _owner(spot: Spot) -> str:
    return f"-m owner {spot.sign()}--{spot.one('uid-owner', 'gid-owner')} {spot.one('0', '1000', '0-10')}"


def _rpfilter(spot: Spot) -> str:
    asked = [f"--{option}" for option in ("loose", "validmark", "accept-local", "invert") if spot.one(True, False)]
    return " ".join(("-m rpfilter", *asked))


def _socket(spot: Spot) -> str:
    return " ".join(("-m socket", *(one for one in ("--transparent", "--nowildcard") if spot.one(True, False))))


def _set(spot: Spot) -> str:
    name, sides = spot.one(("hosts", "src"), ("hosts", "dst"), ("nets", "src"), ("nets", "dst"), ("ports", "dst,dst"))
    return f"-m set {spot.sign()}--match-set {name}{spot.family} {sides}"


def _spi(spot: Spot) -> str:
    """Ask for SPIs, but not `! 0:4294967295`: iptables-save keeps silent about all of them, and so about the `!`."""
    return f"-m {spot.protocol} {spot.sign()}--{spot.protocol}spi {spot.one('256', '100:300', '250:4294967295')}"


_HEADERS = ("hop", "dst", "route", "auth", "esp", "none", "prot")


def _headers(spot: Spot) -> str:
    return f"-m ipv6header {spot.sign()}--header {spot.some(*_HEADERS[:4])} --soft"


def _just_headers(spot: Spot) -> str:
    return f"-m ipv6header {spot.sign()}--header {spot.one('', 'hop,', 'hop,dst,route,', 'dst,')}{spot.one(*_HEADERS)}"


def _extension(spot: Spot) -> str:
    """Ask whether a header is there; now and then, for what stands in it, which is assumed."""
    return spot.one(
        *("-m hbh", "-m dst", "-m rt") * 5,
        f"-m hbh {spot.sign()}--hbh-len 8",
        f"-m dst {spot.sign()}--dst-len 8 --dst-opts 1:4",
        f"-m rt {spot.sign()}--rt-type 0 --rt-segsleft 0:3",
        "-m srh --srh-segs-left-eq 0",
    )


def _input_only(spot: Spot) -> bool:
    return spot.hooks <= {"PREROUTING", "INPUT", "FORWARD"}


MATCHES = (
    Piece(lambda spot: f"{spot.sign()}-s {spot.network()}"),
    Piece(lambda spot: f"{spot.sign()}-d {spot.network()}"),
    Piece(lambda spot: f"{spot.sign()}-i {spot.one(*_INTERFACES)}", _input_only),
    Piece(lambda spot: f"{spot.sign()}-o {spot.one(*_INTERFACES)}", within("FORWARD", "OUTPUT", "POSTROUTING")),
    Piece(_ports, lambda spot: spot.protocol in ("udp", "sctp")),
    Piece(_tcp, lambda spot: spot.protocol == "tcp"),
    Piece(_tcp_option, lambda spot: spot.protocol == "tcp"),
    Piece(_multiport, lambda spot: spot.has_ports),
    Piece(_chunks, lambda spot: spot.protocol == "sctp"),
    Piece(_icmp, lambda spot: spot.protocol == "icmp"),
    Piece(_icmp6, lambda spot: spot.protocol == "ipv6-icmp"),
    Piece(_spi, lambda spot: spot.protocol in ("ah", "esp") and not (spot.family == 6 and spot.protocol == "ah")),
    Piece(lambda spot: f"-m ah {spot.sign()}--ahspi {spot.one('256', '100:300', '250:4294967295')}", family_is(6)),
    Piece(lambda spot: f"-m mh {spot.sign()}--mh-type 5", lambda spot: spot.protocol == "mh"),
    Piece(_headers, family_is(6)),
    Piece(_just_headers, family_is(6)),
    Piece(_extension, family_is(6)),
    Piece(lambda spot: f"-m mark {spot.sign()}--mark {spot.mark()}"),
    Piece(lambda spot: f"-m connmark {spot.sign()}--mark {spot.mark()}"),
    Piece(lambda spot: f"-m conntrack {spot.sign()}--ctstate {spot.some(*_STATES)}"),
    Piece(_conntrack),
    Piece(lambda spot: f"-m state {spot.sign()}--state {spot.some(*_STATES[:5])}"),
    Piece(_addrtype),
    Piece(_iprange),
    Piece(_ttl),
    Piece(_tos),
    Piece(_ecn),
    Piece(_length),
    Piece(_mac, _input_only),
    Piece(lambda spot: f"-m pkttype {spot.sign()}--pkt-type {spot.one('unicast', 'broadcast', 'multicast')}"),
    Piece(_owner, within("OUTPUT", "POSTROUTING")),
    Piece(_rpfilter, lambda spot: spot.table in ("raw", "mangle") and spot.hooks == {"PREROUTING"}),
    Piece(_socket, within("PREROUTING", "INPUT")),
    Piece(_set),
    Piece(lambda _: "-m statistic --mode random --probability 0.5"),
    Piece(lambda _: "-m comment --comment said"),
)
