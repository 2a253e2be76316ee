"""The stops of packets on their way, and the steps that report them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, TypeAlias

import attrs

from iptables_model.model.rule import Rule
from iptables_model.values.frozen import filled

__all__ = ["Step", "Stop", "Stops", "continued", "unrolled"]


@attrs.frozen(kw_only=True)
class Step:
    """Report one stop of a packet: a rule that matched it, or (with `rule` None) the policy of a chain.

    `verdict` is as in the kernel's trace: continue, accept, drop, reject, return, `jump CHAIN`, `goto CHAIN`; `change`
    says what the rule did to the packet, if anything.
    """

    table: str
    chain: str
    rule: Rule | None
    verdict: str
    change: str = ""
    _stop: Stop | None = attrs.field(default=None, init=False, eq=False, repr=False)

    def __getattr__(self, name: str) -> object:
        """Make the rule, or word the change, when it is asked for."""
        stop = self._stop if name in ("rule", "change") else None
        if stop is None:
            raise AttributeError(f"a step has no {name}")
        made = stop.rule() if name == "rule" else str(stop.change)
        object.__setattr__(self, name, made)
        return made

    def __getstate__(self) -> tuple[object, ...]:
        return self.table, self.chain, self.rule, self.verdict, self.change

    def __setstate__(self, state: tuple[object, ...]) -> None:
        filled(self, ("table", "chain", "rule", "verdict", "change", "_stop"), (*state, None))

    def __str__(self) -> str:
        where = f"{self.table} {self.chain}"
        if self.rule is None:
            return f"{where} policy {self.verdict}"
        line = "" if self.rule.line is None else f" (line {self.rule.line})"
        change = f"; {self.change}" if self.change else ""
        return f"{where} rule {self.rule.index + 1}{line} {self.verdict}{change}: {self.rule}"


class Home(Protocol):
    """Name a chain of a table, and give its rules, as a chain that is ready for the walk does."""

    @property
    def table(self) -> str:
        """Give the name of the table."""

    @property
    def name(self) -> str:
        """Give the name of the chain."""

    def rule(self, place: int) -> Rule:
        """Give a rule."""


class Stop(NamedTuple):
    """Note one stop of packets on their way; of the many that are noted, few are ever reported.

    `change` says by its `str` what the rule did to them.
    """

    chain: Home
    place: int | None
    verdict: str
    change: object = ""

    def step(self) -> Step:
        """Report it; the rule, and the change in words, when they are asked for."""
        held = (self.chain.table, self.chain.name, self.verdict, self)
        return filled(object.__new__(Step), ("table", "chain", "verdict", "_stop"), held)

    def rule(self) -> Rule | None:
        """Give the rule, or None for a policy."""
        return None if self.place is None else self.chain.rule(self.place)

    def is_where(self, other: Stop) -> bool:
        """Say whether another stop is at the same rule."""
        return self.chain is other.chain and self.place == other.place


Stops: TypeAlias = tuple[Any, ...]
"""Stops from the last to the first, as a linked list: `(stop, stops before)`, at the beginning `()`.

In place of one stop there may be several, as a tuple from the last to the first.
"""


def unrolled(stops: Stops, until: Stops = ()) -> Iterator[Stop]:
    """Go back through the stops of a state, from the last to the first, or to those of an earlier state."""
    while stops is not until:
        stop, stops = stops
        if isinstance(stop, Stop):
            yield stop
        else:
            yield from stop


def continued(stops: Stops, later: Stops) -> Stops:
    """Put the stops of a later part of the way onto those before."""
    entries = []
    while later:
        entry, later = later
        entries.append(entry)
    for entry in reversed(entries):
        stops = (entry, stops)
    return stops
