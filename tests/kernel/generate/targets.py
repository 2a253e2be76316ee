"""The targets of random rules, beside jumps and gotos."""

from __future__ import annotations

from collections.abc import Callable

from tests.kernel.generate.spot import PORTS, Piece, Spot, table_is
from tests.kernel.lab import OWN

__all__ = ["TARGETS"]


def _nat_at(*hooks: str) -> Callable[[Spot], bool]:
    return lambda spot: spot.table == "nat" and spot.hooks <= set(hooks)


def _with_port(spot: Spot, address: str) -> str:
    if not spot.has_ports or spot.one(True, False):
        return address
    return f"{address if spot.family == 4 else f'[{address}]'}:{spot.one(*PORTS)}"


def _redirect(spot: Spot) -> str:
    return f"-j REDIRECT --to-ports {spot.one(*PORTS)}" if spot.has_ports else "-j REDIRECT"


def _mark(spot: Spot) -> str:
    return f"-j MARK --{spot.one('set-mark', 'or-mark', 'and-mark', 'xor-mark')} {spot.number(0, 3)}"


def _connmark(spot: Spot) -> str:
    if spot.table == "mangle":
        return f"-j CONNMARK {spot.one('--save-mark', '--restore-mark', f'--set-xmark {spot.mark()}')}"
    return f"-j CONNMARK --set-xmark {spot.mark()}"


TARGETS = (
    Piece(lambda _: "-j ACCEPT"),
    Piece(lambda _: "-j RETURN"),
    Piece(lambda _: "-j DROP", lambda spot: spot.table != "nat"),
    Piece(lambda _: "-j REJECT", table_is("filter")),
    Piece(_mark, table_is("mangle")),
    Piece(_connmark, table_is("mangle", "nat", "filter", "security")),
    Piece(lambda _: "-j CT --notrack", lambda spot: spot.table == "raw" and spot.hooks == {"OUTPUT"}),
    Piece(lambda spot: f"-j DNAT --to-destination {_with_port(spot, spot.host())}", _nat_at("PREROUTING", "OUTPUT")),
    Piece(
        lambda spot: f"-j DNAT --to-destination {_with_port(spot, spot.one(*OWN[spot.family][:3]))}",
        _nat_at("PREROUTING", "OUTPUT"),
    ),
    Piece(lambda spot: f"-j SNAT --to-source {_with_port(spot, spot.host())}", _nat_at("POSTROUTING", "INPUT")),
)
