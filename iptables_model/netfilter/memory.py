"""What a table does with packets that it does not part, remembered for all that look alike to it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import NamedTuple

from iptables_model.netfilter.effects import Verdict
from iptables_model.netfilter.state import Override, State, Taken
from iptables_model.netfilter.steps import Stop, Stops

__all__ = ["Course", "Memory"]

_MOST = 4096


class Course(NamedTuple):
    """Hold the way of packets through a table: the stops from the last to the first, and the verdict.

    `decided_at` leads to the stop at the rule that stopped them, None where the policy did; `changes` is how fields
    were rewritten, and `assumed` what was taken for granted about them.
    """

    stops: tuple[Stop, ...]
    verdict: Verdict
    decided_at: Stops | None
    changes: Mapping[str, Override]
    assumed: Mapping[object, Taken]


class Memory:
    """Remember courses by the contents of those fields that some rule asked for on the way.

    Packets whose contents are equal there meet the same answers, so they take the same course.
    """

    def __init__(self) -> None:
        self._fields: frozenset[str] = frozenset()
        self._courses: dict[tuple[object, ...], Course] = {}

    def recall(self, state: State) -> Course | None:
        """Find the course that packets take, if it is known."""
        return self._courses.get(self._key(state))

    def keep(self, state: State, asked: Set[str], course: Course) -> None:
        """Remember the course of packets of which the rules asked these fields."""
        if not asked <= self._fields or len(self._courses) >= _MOST:
            # What was known by fewer fields is worked out anew.
            self._fields |= asked
            self._courses.clear()
        self._courses[self._key(state)] = course

    def _key(self, state: State) -> tuple[object, ...]:
        return tuple([state.content(field) for field in self._fields])
