"""The matches of random rules."""

from __future__ import annotations

from tests.kernel.generate.ipv6 import IPV6
from tests.kernel.generate.spot import TOS, TTLS, Piece, Spot, within
from tests.kernel.generate.transport import TRANSPORT
from tests.kernel.lab import WIRE_ADDRESS

__all__ = ["MATCHES"]

_INTERFACES = ("eth0", "pod+", "pod1", "lo")
_STATES = ("NEW", "ESTABLISHED", "INVALID", "UNTRACKED", "RELATED", "DNAT", "SNAT")


_TYPES = {
    4: (
        "LOCAL",
        "MULTICAST",
        "UNICAST",
        "LOCAL,UNICAST",
        "BROADCAST",
        "LOCAL,BROADCAST,MULTICAST",
        "BLACKHOLE",
        "UNSPEC",
    ),
    6: ("LOCAL", "MULTICAST", "UNICAST", "LOCAL,UNICAST", "UNSPEC", "MULTICAST,UNICAST"),
}


def _addrtype(spot: Spot) -> str:
    sides = spot.one(("src",), ("dst",), ("src", "dst"))
    asked = [f"{spot.sign()}--{side}-type {spot.one(*_TYPES[spot.family])}" for side in sides]
    near = [f"--limit-iface-{end}" for end, hooks in _NEAR.items() if spot.hooks <= hooks and spot.number(0, 3) == 0]
    return " ".join(("-m addrtype", *asked, *near[:1]))


_NEAR = {"in": {"PREROUTING", "INPUT", "FORWARD"}, "out": {"FORWARD", "OUTPUT", "POSTROUTING"}}


def _iprange(spot: Spot) -> str:
    ends = ("10.0.0.0", "192.0.2.5", "203.0.113.9") if spot.family == 4 else ("2001:db8::", "2001:db8:60::", "fe80::")
    asked = [f"{spot.sign()}--{side}-range {'-'.join(spot.one(ends[:2], ends[1:]))}" for side in ("src", "dst")]
    return f"-m iprange {' '.join(spot.one(asked, asked[:1], asked[1:]))}"


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
    if spot.seldom():
        asked |= {"expiry": f"{spot.sign()}--ctexpire 1:600"}
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
        f"-m dscp {spot.sign()}--dscp-class {spot.one('EF', 'CS0', 'AF11')}",
    )


def _ecn(spot: Spot) -> str:
    if spot.protocol == "tcp" and spot.one(True, False):
        cwr, ece = (f"{spot.sign()}--ecn-tcp-{flag}" for flag in ("cwr", "ece"))
        return f"-m ecn {spot.one(cwr, ece, f'{cwr} {ece}')}"
    return f"-m ecn {spot.sign()}--ecn-ip-ect {spot.number(0, 3)}"


def _length(spot: Spot) -> str:
    return f"-m length {spot.sign()}--length {spot.one('0:40', '48', '28:60', '100:65535')}"


def _mac(spot: Spot) -> str:
    return f"-m mac {spot.sign()}--mac-source {spot.one(WIRE_ADDRESS.upper(), '02:00:00:00:00:08')}"


def _owner(spot: Spot) -> str:
    """Ask for the sender, now and then for the other groups that it is in, which is assumed."""
    user, group = (f"{spot.sign()}--{kind} {spot.one('0', '1000', '0-10')}" for kind in ("uid-owner", "gid-owner"))
    known = (user, group, f"{user} {group}", f"{spot.sign()}--socket-exists")
    others = f"{group} --suppl-groups"
    return f"-m owner {others if spot.seldom() else spot.one(*known)}"


def _rpfilter(spot: Spot) -> str:
    asked = [f"--{option}" for option in ("loose", "validmark", "accept-local", "invert") if spot.one(True, False)]
    return " ".join(("-m rpfilter", *asked))


def _socket(spot: Spot) -> str:
    options = ("--transparent", "--nowildcard", "--restore-skmark")
    return " ".join(("-m socket", *(one for one in options if spot.one(True, False))))


_SETS = (
    ("hosts", "src"),
    ("hosts", "dst"),
    ("nets", "src"),
    ("nets", "dst"),
    ("ports", "dst,dst"),
    ("ports", "src,src"),
)


_COUNTS = ("--{}-eq 5", "! --{}-eq 5", "--{}-lt 5", "--{}-gt 5")


def _set(spot: Spot) -> str:
    name, sides = spot.one(*_SETS)
    options = ("--return-nomatch", "! --update-counters", "! --update-subcounters")
    asked = [one for one in options if spot.number(0, 3) == 0]
    if spot.seldom():
        asked += [spot.one(*_COUNTS).format(kind) for kind in ("packets", "bytes")]
    return " ".join((f"-m set {spot.sign()}--match-set {name}{spot.family} {sides}", *asked))


def _statistic(spot: Spot) -> str:
    """Draw lots or count packets: of one, each is the first; of more, it is assumed which one it is.

    Only once in a rule: `-m policy` between two of them takes the mode of the second one for its own.
    """
    if spot.seldom():
        return (
            f"-m statistic --mode nth {spot.sign()}--every {spot.one('1 --packet 0', '1 --packet 0', '3 --packet 1')}"
        )
    return f"-m statistic --mode random {spot.sign()}--probability {spot.one('0.5', '0.3', '1')}"


def _label(spot: Spot) -> str:
    """Label a connection; those from before the rules have no room for labels."""
    return f"-m connlabel {spot.sign()}--label {spot.number(0, 3)} --set"


def _recent(spot: Spot) -> str:
    """Note an address in a list, and now and then ask for what came before, which is assumed."""
    mask = "255.255.255.0" if spot.family == 4 else "ffff:ffff::"
    asked = "set"
    if spot.seldom():
        asked = spot.one("remove", *(f"{way} --seconds 60 --reap --hitcount 2 --rttl" for way in ("rcheck", "update")))
    return f"-m recent {spot.sign()}--{asked} --name seen --mask {mask} --{spot.one('rsource', 'rdest')}"


def _connbytes(spot: Spot) -> str:
    """Count what a connection sent, which is assumed."""
    ways = f"--connbytes-dir {spot.one('original', 'both')} --connbytes-mode {spot.one('packets', 'bytes')}"
    return f"-m connbytes {spot.sign()}--connbytes 1:900 {ways}"


def _physdev(spot: Spot) -> str:
    """Ask for ports of a bridge, by which no packet comes or goes here."""
    asked = [f"{spot.sign()}--physdev-is-{kind}" for kind in ("in", "bridged") if spot.number(0, 2) == 0]
    asked += [f"{spot.sign()}--physdev-in eth0"] * spot.one(0, 1)
    if spot.hooks <= {"FORWARD", "POSTROUTING"}:
        asked += spot.one([], [f"{spot.sign()}--physdev-out eth0", f"{spot.sign()}--physdev-is-out"])
    return f"-m physdev {' '.join(asked or ['--physdev-in eth0'])}"


def _policy(spot: Spot) -> str:
    return f"-m policy --dir in --pol {spot.one('ipsec', 'none', 'ipsec --strict --reqid 5')}"


def _input_only(spot: Spot) -> bool:
    return spot.hooks <= {"PREROUTING", "INPUT", "FORWARD"}


MATCHES = (
    *TRANSPORT,
    *IPV6,
    Piece(lambda spot: f"{spot.sign()}-s {spot.network()}"),
    Piece(lambda spot: f"{spot.sign()}-d {spot.network()}"),
    Piece(lambda spot: f"{spot.sign()}-i {spot.one(*_INTERFACES)}", _input_only),
    Piece(lambda spot: f"{spot.sign()}-o {spot.one(*_INTERFACES)}", within("FORWARD", "OUTPUT", "POSTROUTING")),
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
    Piece(_statistic),
    Piece(_label, Spot.seldom),
    Piece(_recent),
    Piece(_connbytes, Spot.seldom),
    Piece(_physdev, within("PREROUTING", "INPUT", "FORWARD", "POSTROUTING")),
    Piece(lambda spot: f"-m helper {spot.sign()}--helper ftp"),
    Piece(_policy, _input_only),
    Piece(lambda spot: spot.one("-f", "! -f"), lambda spot: spot.family == 4 and spot.seldom()),
    Piece(lambda _: "-m comment --comment said"),
)
