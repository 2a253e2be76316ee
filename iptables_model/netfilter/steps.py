"""The stops of packets on their way, and the steps that report them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, TypeAlias

import attrs

from iptables_model.model.rule import Rule
from iptables_model.netfilter.fields import ANY
from iptables_model.netfilter.sets import merged
from iptables_model.values.frozen import filled, maker

__all__ = ["Changes", "Home", "Step", "Stop", "Stops", "continued", "either", "last_of", "steps_of", "unrolled"]

Changes: TypeAlias = tuple[Any, ...]
"""What a rule did to packets: a sentence, or what fields were and are now, and empty if it is nothing.

Of fields it holds the word for a set of all values and then, for each of them, its name and the two sets.
"""


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
    _home: Home | None = attrs.field(default=None, init=False, eq=False, repr=False)

    def __getattr__(self, name: str) -> object:
        """Make the rule, or word the change, when it is asked for."""
        stop, home = self._stop, self._home
        if name not in ("rule", "change") or stop is None or home is None:
            raise AttributeError(f"a step has no {name}")
        made = stop.rule(home) if name == "rule" else _in_words(stop.changes)
        object.__setattr__(self, name, made)
        return made

    def __getstate__(self) -> tuple[object, ...]:
        return self.table, self.chain, self.rule, self.verdict, self.change

    def __setstate__(self, state: tuple[object, ...]) -> None:
        filled(self, ("table", "chain", "rule", "verdict", "change", "_stop", "_home"), (*state, None, None))

    def __str__(self) -> str:
        where = f"{self.table} {self.chain}"
        if self.rule is None:
            return f"{where} policy {self.verdict}"
        line = "" if self.rule.line is None else f" (line {self.rule.line})"
        change = f"; {self.change}" if self.change else ""
        return f"{where} rule {self.rule.index + 1}{line} {self.verdict}{change}: {self.rule}"


_made = maker(Step, "table", "chain", "verdict", "_stop", "_home")


class Home(Protocol):
    """Hold the rules at which packets stop."""

    def rule(self, table: str, chain: str, place: int) -> Rule | None:
        """Give the rule of a chain at a place."""
        ...


class Stop(NamedTuple):
    """Note one stop of packets on their way: at a rule or (`place` None) a policy; few of those noted are reported."""

    table: str
    chain: str
    place: int | None
    verdict: str
    changes: Changes = ()

    def step(self, home: Home) -> Step:
        """Report it; the rule, and the change in words, when they are asked for."""
        return _made(self.table, self.chain, self.verdict, self, home)

    def rule(self, home: Home) -> Rule | None:
        """Give the rule, or None for a policy."""
        return None if self.place is None else home.rule(self.table, self.chain, self.place)

    def is_where(self, other: Stop) -> bool:
        """Say whether another stop is at the same rule."""
        return self[:3] == other[:3]


def _in_words(changes: Changes) -> str:
    """Say what fields were and are now: `mark 0x0 -> 0x1, ttl 64 -> 63`; nothing of what is one and the same value."""
    if len(changes) == 1:
        return str(changes[0])
    return ", ".join(
        f"{field.replace('_', ' ')} {one} -> {changes[0] if str(two) == ANY else two}"
        for field, one, two in zip(changes[1::3], changes[2::3], changes[3::3], strict=True)
        if one != two or getattr(one, "single", None) is None
    )


def either(one: Changes, other: Changes) -> Changes:
    """Tell what a rule did to some packets and to others; nothing, if it did not change the same fields of both."""
    if one[:1] != other[:1] or one[1::3] != other[1::3]:
        return ()
    return tuple([mine if mine == theirs else merged([mine, theirs]) for mine, theirs in zip(one, other, strict=True)])


Stops: TypeAlias = tuple[Any, ...]
"""Stops from the last to the first, as a linked list: `(table, chain, place, verdict, *changes, stops before)`.

At the beginning it is `()`. In place of one stop there may be several, as `(stops from the last to the first, stops
before)`. One plain tuple for each of thousands of flows, mostly of words and numbers, is all that the garbage collector
has to go through.
"""


def last_of(stops: Stops) -> Stop:
    """Give the last stop."""
    return next(unrolled(stops))


def unrolled(stops: Stops, until: Stops = ()) -> Iterator[Stop]:
    """Go back through the stops of a state, from the last to the first, or to those of an earlier state."""
    while stops is not until:
        *held, before = stops
        if len(held) == 1:
            yield from held[0]
        else:
            table, chain, place, verdict, *changes = held
            yield Stop(table, chain, place, verdict, tuple(changes))
        stops = before


def steps_of(stops: Stops, home: Home) -> tuple[Step, ...]:
    """Report stops, from the first to the last; `home` has the rules."""
    return tuple([stop.step(home) for stop in unrolled(stops)][::-1])


def continued(stops: Stops, later: Stops) -> Stops:
    """Put the stops of a later part of the way onto those before."""
    entries = []
    while later:
        *entry, later = later
        entries.append(entry)
    for entry in reversed(entries):
        stops = (*entry, stops)
    return stops
