"""Where a piece of a rule stands, and random values that have to do with the packets sent."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeVar

import attrs

from tests.kernel.lab import HOSTS, OWN

__all__ = ["PORTS", "TOS", "TTLS", "Piece", "Spot", "family_is", "table_is", "within"]

PORTS = (22, 53, 80, 443, 8080, 30080)
TTLS = (1, 2, 63, 64, 65, 255)
TOS = (0, 0x10, 0x2E << 2, 0x0A << 2 | 1, 3)
_MARKS = ("0x1/0x1", "0x2/0x3", "0x0/0x1", "0x4000/0x4000", "0x3/0xffffffff", "0x0/0xffffffff")

T = TypeVar("T")


@attrs.frozen
class Spot:
    """Hold where a piece stands: its rule's protocol, and in chains of which hooks of which table it is walked."""

    random: Random
    family: int
    table: str
    hooks: frozenset[str]
    protocol: str | None

    @property
    def has_ports(self) -> bool:
        """Say whether the packets that get here have ports."""
        return self.protocol in ("tcp", "udp", "sctp")

    def one(self, *of: T) -> T:
        """Pick one."""
        return self.random.choice(of)

    def some(self, *of: str) -> str:
        """Pick some, separated by commas."""
        return ",".join(self.random.sample(of, self.random.randint(1, len(of))))

    def sign(self) -> str:
        """Give a `!` now and then."""
        return self.one("", "", "! ")

    def seldom(self) -> bool:
        """Say now and then that something may stand here of which the walk leaves much open."""
        return self.random.random() < 0.1

    def number(self, low: int, high: int) -> int:
        """Give a number from the lower to the higher."""
        return self.random.randint(low, high)

    def host(self) -> str:
        """Give an address that packets may go to."""
        return f"{self.one(*HOSTS[self.family])}{self.number(1, 20)}"

    def own(self) -> str:
        """Give an address of the node."""
        return self.one(*OWN[self.family])

    def network(self) -> str:
        """Give addresses that some packets have."""
        near = self.one(*HOSTS[self.family])
        near = f"{near}0/24" if self.family == 4 else f"{near}/64"
        return self.one(near, self.own(), self.host(), "0.0.0.0/1" if self.family == 4 else "2001::/16")

    def ports(self) -> str:
        """Give a port or a range, which may be open at its end."""
        return self.one(self.closed_ports(), self.closed_ports(), "1024:")

    def closed_ports(self) -> str:
        """Give a port or a range that says both ends."""
        return self.one(str(self.one(*PORTS)), "1:1024", "80:9000")

    def mark(self) -> str:
        """Give a mark with its mask."""
        return self.one(*_MARKS)


@attrs.frozen
class Piece:
    """Write one match or target, where it may stand."""

    write: Callable[[Spot], str]
    fits: Callable[[Spot], bool] = lambda _: True


def within(*hooks: str) -> Callable[[Spot], bool]:
    """Say that a piece may stand in chains of some hooks only."""
    return lambda spot: spot.hooks <= set(hooks)


def family_is(family: int) -> Callable[[Spot], bool]:
    """Say that a piece is of one family only."""
    return lambda spot: spot.family == family


def table_is(*tables: str) -> Callable[[Spot], bool]:
    """Say that a piece may stand in some tables only."""
    return lambda spot: spot.table in tables
