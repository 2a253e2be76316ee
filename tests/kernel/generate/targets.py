"""The targets of random rules, beside jumps and gotos."""

from __future__ import annotations

from collections.abc import Callable

from tests.kernel.generate.spot import PORTS, Piece, Spot, table_is
from tests.kernel.lab import HOSTS, OWN, PROXY

__all__ = ["TARGETS"]

_OUTWARD = {"FORWARD", "OUTPUT", "POSTROUTING"}


def _nat_at(*hooks: str) -> Callable[[Spot], bool]:
    return lambda spot: spot.table == "nat" and spot.hooks <= set(hooks)


def _redirect(spot: Spot) -> str:
    return f"-j REDIRECT --to-ports {spot.one(*PORTS)}" if spot.has_ports else "-j REDIRECT"


def _mark(spot: Spot) -> str:
    return f"-j MARK --{spot.one('set-mark', 'or-mark', 'and-mark', 'xor-mark')} {spot.number(0, 3)}"


def _connmark(spot: Spot) -> str:
    if spot.table == "mangle":
        return f"-j CONNMARK {spot.one('--save-mark', '--restore-mark', f'--set-xmark {spot.mark()}')}"
    return f"-j CONNMARK --set-xmark {spot.mark()}"


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
    """Leave out the loopback address: from outside, nothing is routed there for IPv6."""
    return f"-j DNAT --to-destination {_nat_to(spot, spot.one(_hosts(spot), *OWN[spot.family][:3]))}"


def _masquerade(spot: Spot) -> str:
    return f"-j MASQUERADE{spot.one('', ' --to-ports 2000-3000') if spot.has_ports else ''}"


def _netmap(spot: Spot) -> str:
    return f"-j NETMAP --to {spot.one('10.244.2.0/24', '198.51.100.16/28') if spot.family == 4 else 'fd00:244:2::/64'}"


def _ttl(spot: Spot) -> str:
    target, option = ("TTL", "ttl") if spot.family == 4 else ("HL", "hl")
    return f"-j {target} --{option}-{spot.one('set', 'inc', 'dec')} {spot.one(1, 2, 63, 200)}"


def _tos(spot: Spot) -> str:
    return spot.one(
        f"-j TOS --set-tos {spot.one('0x10', '0x04/0xfc', '0xff/0x0f')}",
        f"-j TOS --{spot.one('and', 'or', 'xor')}-tos {spot.one('0x10', '0xfc')}",
        f"-j DSCP --set-dscp {spot.one('0x2e', '0x00')}",
    )


def _reject(spot: Spot) -> str:
    kinds = ["", " --reject-with " + ("icmp-admin-prohibited" if spot.family == 4 else "icmp6-adm-prohibited")]
    if spot.protocol == "tcp":
        kinds.append(" --reject-with tcp-reset")
    return f"-j REJECT{spot.one(*kinds)}"


def _set(spot: Spot) -> str:
    """Change a set that no rule asks for."""
    return f"-j SET --{spot.one('add', 'del')}-set seen{spot.family} {spot.one('src', 'dst')}"


def _map_set(spot: Spot) -> str:
    """Take marks over from a set that has none to say."""
    return f"-j SET --map-set hosts{spot.family} {spot.one('src', 'dst')} --map-prio"


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


def _priority(spot: Spot) -> bool:
    return spot.table == "mangle" and spot.hooks <= _OUTWARD


def _hands_over(spot: Spot) -> bool:
    return spot.table == "mangle" and spot.hooks == {"PREROUTING"} and spot.protocol in ("tcp", "udp")


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
    Piece(lambda _: "-j CT --notrack", table_is("raw")),
    Piece(_destination, _nat_at("PREROUTING", "OUTPUT")),
    Piece(_redirect, _nat_at("PREROUTING", "OUTPUT")),
    Piece(lambda spot: f"-j SNAT --to-source {_nat_to(spot, _hosts(spot))}", _nat_at("POSTROUTING", "INPUT")),
    Piece(_masquerade, _nat_at("POSTROUTING")),
    Piece(_netmap, table_is("nat")),
    *[Piece(_tproxy, _hands_over)] * 5,
    *[Piece(_synproxy, lambda spot: spot.protocol == "tcp" and spot.hooks <= {"INPUT", "FORWARD"})] * 3,
    Piece(_nfqueue),
    Piece(_ttl, table_is("mangle")),
    Piece(_tos, table_is("mangle")),
    Piece(lambda _: "-j ECN --ecn-tcp-remove", lambda spot: spot.family == 4 and _only(spot, "tcp", "mangle")),
    Piece(lambda _: "-j TCPOPTSTRIP --strip-options 2,8", lambda spot: _only(spot, "tcp", "mangle")),
    Piece(lambda spot: spot.one("-j LOG", "-j NFLOG --nflog-group 9")),
    Piece(lambda _: "-j CHECKSUM --checksum-fill", table_is("mangle")),
    Piece(lambda spot: f"-j AUDIT --type {spot.one('accept', 'drop')}"),
    Piece(_set),
    Piece(_map_set, _priority),
    Piece(lambda _: "-j CLASSIFY --set-class 1:2", _priority),
)
