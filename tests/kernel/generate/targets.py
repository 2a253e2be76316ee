"""The targets of random rules, beside jumps and gotos."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

from tests.kernel.generate.spot import PORTS, Piece, Spot, table_is
from tests.kernel.lab import HOSTS, ODD, OWN, PROXY

__all__ = ["TARGETS"]

_OUTWARD = {"FORWARD", "OUTPUT", "POSTROUTING"}


def _nat_at(*hooks: str) -> Callable[[Spot], bool]:
    return lambda spot: spot.table == "nat" and spot.hooks <= set(hooks)


def _redirect(spot: Spot) -> str:
    ports = spot.one(*PORTS, "1000-2000")
    return f"-j REDIRECT --to-ports {ports}{spot.one('', ' --random')}" if spot.has_ports else "-j REDIRECT"


_CHANGES = ("set-mark", "set-xmark", "or-mark", "and-mark", "xor-mark")


def _mark(spot: Spot) -> str:
    change = spot.one(*_CHANGES)
    return f"-j MARK --{change} {spot.mark() if change.startswith('set') else spot.number(0, 3)}"


def _connmark(spot: Spot) -> str:
    kind = spot.one("set", "save", "restore", "plain")
    if kind == "plain":
        change = spot.one(*_CHANGES)
        return f"-j CONNMARK --{change} {spot.mark() if change.startswith('set') else spot.number(0, 3)}"
    shift = spot.one("", f" --{spot.one('left', 'right')}-shift-mark {spot.one(1, 2, 14)}")
    if kind == "set":
        return f"-j CONNMARK --set-xmark {spot.mark()}{shift}"
    masks = " --nfmask 0x7 --ctmask 0xc007" if shift else spot.one("", " --mask 0x3", " --nfmask 0xff --ctmask 0x4003")
    return f"-j CONNMARK --{kind}-mark{masks}{shift}"


def _nat_to(spot: Spot, address: str) -> str:
    """Translate to an address, addresses, a port, ports."""
    if not spot.has_ports or spot.one(True, False):
        return address
    ports = spot.one(*PORTS, "1000-2000", "80-9000")
    if spot.one(True, False, False):
        return f":{ports}"
    return f"{address if spot.family == 4 else f'[{address}]'}:{ports}"


def _hosts(spot: Spot) -> str:
    near = spot.one(*HOSTS[spot.family])
    return spot.one(f"{near}{spot.number(1, 20)}", f"{near}3-{near}5")


def _destination(spot: Spot) -> str:
    to = _nat_to(spot, spot.one(_hosts(spot), *OWN[spot.family]))
    shifted = "/80" if to.endswith("-2000") and spot.one(True, False) else ""
    return f"-j DNAT --to-destination {to}{shifted}{spot.one('', '', ' --random', ' --persistent')}"


_FROM_OUTSIDE = {4: ("224.0.0.1", "255.255.255.255", "10.244.1.255"), 6: ("ff02::1", "ff01::1")}
_FROM_ANYWHERE = {4: ("224.0.0.9", *ODD[4]), 6: ("ff02::9", "ff0e::9", "fe80::77", "fe80::ff:fe00:2", *ODD[6])}


def _nowhere(spot: Spot) -> str:
    """Translate to what is no machine's address, one of a link, or of a route that is odd.

    Of some the node would get a copy if it sent the packet: that would be no flow.
    """
    known = _FROM_ANYWHERE[spot.family]
    if spot.hooks == {"PREROUTING"}:
        known += _FROM_OUTSIDE[spot.family]
    return f"-j DNAT --to-destination {spot.one(*known)}"


def _source(spot: Spot) -> str:
    return f"-j SNAT --to-source {_nat_to(spot, _hosts(spot))}{spot.one('', '', *_RANDOMLY, ' --persistent')}"


_RANDOMLY = (" --random", " --random-fully")


def _masquerade(spot: Spot) -> str:
    ports = spot.one("", " --to-ports 2000-3000") if spot.has_ports else ""
    return f"-j MASQUERADE{ports}{spot.one('', '', *_RANDOMLY)}"


_NETWORKS = {4: ("10.244.2.0/24", "198.51.100.16/28", "203.0.113.9/32"), 6: ("fd00:244:2::/64", "2001:db8:113::10/124")}


def _netmap(spot: Spot) -> str:
    return f"-j NETMAP --to {spot.one(*_NETWORKS[spot.family])}"


def _ttl(spot: Spot) -> str:
    target, option = ("TTL", "ttl") if spot.family == 4 else ("HL", "hl")
    return f"-j {target} --{option}-{spot.one('set', 'inc', 'dec')} {spot.one(1, 2, 63, 200)}"


def _tos(spot: Spot) -> str:
    return spot.one(
        f"-j TOS --set-tos {spot.one('0x10', '0x04/0xfc', '0xff/0x0f')}",
        f"-j TOS --{spot.one('and', 'or', 'xor')}-tos {spot.one('0x10', '0xfc')}",
        f"-j DSCP --set-dscp {spot.one('0x2e', '0x00')}",
    )


_ANSWERS = {
    4: [f"icmp-{name}" for name in ("net-unreachable", "host-unreachable", "proto-unreachable", "admin-prohibited")],
    6: [f"icmp6-{name}" for name in ("no-route", "adm-prohibited", "addr-unreachable", "policy-fail", "reject-route")],
}


def _tcpmss(spot: Spot) -> str:
    """Set the MSS of what opens a connection, for which iptables has the rule ask."""
    sizes = ["--set-mss 500", "--set-mss 1200", *(["--clamp-mss-to-pmtu"] if spot.hooks <= _OUTWARD else [])]
    return f"-m tcp --tcp-flags SYN,RST SYN -j TCPMSS {spot.one(*sizes)}"


def _reject(spot: Spot) -> str:
    kinds = ["tcp-reset"] if spot.protocol == "tcp" else []
    return f"-j REJECT{spot.one('', *(f' --reject-with {kind}' for kind in (*_ANSWERS[spot.family], *kinds)))}"


def _ecn(spot: Spot) -> str:
    flags = f"--ecn-tcp-cwr {spot.number(0, 1)} --ecn-tcp-ece {spot.number(0, 1)}"
    return f"-j ECN {spot.one('--ecn-tcp-remove', f'--ecn-ip-ect {spot.number(0, 3)}', flags)}"


def _set(spot: Spot) -> str:
    """Change a set that no rule asks for."""
    name, side = f"seen{spot.family}", spot.one("src", "dst")
    return f"-j SET {spot.one(f'--add-set {name} {side}{spot.one(*_KEPT)}', f'--del-set {name} {side}')}"


_KEPT = ("", " --exist", " --timeout 60")


def _map_set(spot: Spot) -> str:
    """Take over from a set that has none to say, what counts in some hooks only."""
    return f"-j SET --map-set hosts{spot.family} {spot.one('src', 'dst')} {spot.one(*_TAKEN)}"


_TAKEN = ("--map-mark", "--map-prio", "--map-queue", "--map-mark --map-prio --map-queue")


def _ct(spot: Spot) -> str:
    zone = f"{spot.one('--zone', '--zone-reply')} {spot.one('3', 'mark')}"
    return f"-j CT {spot.one('--notrack', zone, '--ctevents new --expevents new')}"


def _prefix(spot: Spot, kind: str, side: str) -> str:
    """Translate a prefix, of packets that have it; of others it spoils the checksum, for which nat drops some."""
    length = spot.one(48, 64)
    old, new = (ip_network(f"{near}/{length}") for near in spot.random.sample(HOSTS[6], 2))
    return f"-m iprange --{side}-range {old[0]}-{old[-1]} -j {kind} --src-pfx {old} --dst-pfx {new}"


def _tee(spot: Spot) -> str:
    """Send a copy, which ends at the laboratory's own table."""
    return f"-j TEE --gateway {spot.host()}{spot.one('', ' --oif pod0')}"


def _hmark(spot: Spot) -> str:
    """Hash the packet: which of the marks it is, is open."""
    of = spot.one(
        "--hmark-tuple src,dst,sport,dport,proto",
        "--hmark-tuple ct,src",
        "--hmark-src-prefix 24 --hmark-dst-prefix 16 --hmark-spi-mask 0xff --hmark-proto-mask 0xff",
        "--hmark-dst-prefix 16 --hmark-spi 3",
        "--hmark-sport-mask 0xff --hmark-dport-mask 0xff --hmark-sport 3 --hmark-dport 5",
    )
    return f"-j HMARK {of} --hmark-mod {spot.one(1, 2)} --hmark-offset 1 --hmark-rnd 7"


def _log(spot: Spot) -> str:
    flags = ("tcp-sequence", "tcp-options", "ip-options", "uid", "macdecode")
    log = " ".join(f"--log-{flag}" for flag in flags if spot.one(True, False))
    size = spot.one("", " --nflog-size 64", " --nflog-threshold 2 --nflog-prefix said")
    return spot.one(f"-j LOG --log-level 7 --log-prefix said {log}", f"-j NFLOG --nflog-group 9{size}")


def _tproxy(spot: Spot) -> str:
    """Hand over to a port at which somebody listens, or nobody."""
    address = spot.one("", f" --on-ip {spot.own()}")
    mark = spot.one("", f" --tproxy-mark {spot.mark()}")
    return f"-j TPROXY --on-port {spot.one(PROXY, PROXY, 80, 0)}{address}{mark}"


def _synproxy(spot: Spot) -> str:
    options = ("--sack-perm", "--timestamp", "--ecn", "--wscale 7", "--mss 1460")
    return " ".join(("-j SYNPROXY", *(one for one in options if spot.one(True, False))))


def _nfqueue(spot: Spot) -> str:
    queues = spot.one("--queue-num 0", "--queue-num 40000", "--queue-balance 3:5", "--queue-balance 0:65534")
    fanout = spot.one("", " --queue-cpu-fanout") if "balance" in queues else ""
    return f"-j NFQUEUE {queues}{spot.one('', ' --queue-bypass', ' --queue-bypass')}{fanout}"


def _hands_over(spot: Spot) -> bool:
    return spot.table == "mangle" and spot.hooks == {"PREROUTING"} and spot.protocol in ("tcp", "udp")


def _priority(spot: Spot) -> bool:
    return spot.table == "mangle" and spot.hooks <= _OUTWARD


def _translates(spot: Spot, *hooks: str) -> bool:
    return spot.family == 6 and spot.table == "mangle" and spot.hooks <= set(hooks)


def _only(spot: Spot, protocol: str, table: str) -> bool:
    return spot.protocol == protocol and spot.table == table


TARGETS = (
    Piece(lambda _: "-j ACCEPT"),
    Piece(lambda _: "-j RETURN"),
    Piece(lambda _: "-j DROP", lambda spot: spot.table != "nat"),
    Piece(_reject, table_is("filter")),
    Piece(_mark, table_is("mangle")),
    Piece(_mark, table_is("mangle")),
    Piece(_connmark),
    *[Piece(_ct, table_is("raw"))] * 3,
    Piece(lambda _: "-j CT --helper ftp", lambda spot: _only(spot, "tcp", "raw")),
    Piece(_destination, _nat_at("PREROUTING", "OUTPUT")),
    Piece(_nowhere, _nat_at("PREROUTING", "OUTPUT")),
    Piece(_redirect, _nat_at("PREROUTING", "OUTPUT")),
    Piece(_source, _nat_at("POSTROUTING", "INPUT")),
    Piece(_masquerade, _nat_at("POSTROUTING")),
    Piece(_netmap, table_is("nat")),
    *[Piece(_tproxy, _hands_over)] * 5,
    *[Piece(_synproxy, lambda spot: spot.protocol == "tcp" and spot.hooks <= {"INPUT", "FORWARD"})] * 3,
    Piece(_nfqueue),
    Piece(_ttl, table_is("mangle")),
    Piece(_tos, table_is("mangle")),
    Piece(_ecn, lambda spot: spot.family == 4 and _only(spot, "tcp", "mangle")),
    Piece(lambda _: "-j TCPOPTSTRIP --strip-options 2,8", lambda spot: _only(spot, "tcp", "mangle")),
    Piece(_tcpmss, lambda spot: _only(spot, "tcp", "mangle")),
    Piece(_log),
    Piece(lambda _: "-j TRACE", table_is("raw")),
    Piece(lambda spot: f"-j CONNSECMARK --{spot.one('save', 'restore')}", table_is("mangle", "security")),
    Piece(lambda spot: f"-j IDLETIMER --timeout 600 {spot.one('--label seen', '--label rung --alarm')}", Spot.seldom),
    Piece(lambda _: "-j RATEEST --rateest-name seen --rateest-interval 1s --rateest-ewma 4s", Spot.seldom),
    Piece(_hmark, lambda spot: spot.table == "mangle" and spot.seldom()),
    Piece(lambda spot: _prefix(spot, "SNPT", "src"), lambda spot: _translates(spot, "INPUT", "POSTROUTING")),
    Piece(lambda spot: _prefix(spot, "DNPT", "dst"), lambda spot: _translates(spot, "PREROUTING", "OUTPUT")),
    Piece(_tee),
    Piece(lambda _: "-j CHECKSUM --checksum-fill", table_is("mangle")),
    Piece(lambda spot: f"-j AUDIT --type {spot.one('accept', 'drop', 'reject')}"),
    Piece(_set),
    Piece(_map_set, _priority),
    Piece(lambda _: "-j CLASSIFY --set-class 1:2", _priority),
)
