"""What a table does with packets that it does not part, remembered for all that look alike to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from iptables_model.netfilter.effects import Verdict
from iptables_model.netfilter.state import Override, State, Taken
from iptables_model.netfilter.steps import Stop, Stops

__all__ = ["Course", "Memory"]

Contents: TypeAlias = tuple[object, ...]
"""What some fields of packets are."""

_MOST, _MOST_FIELDS = 4096, 16
"""So many courses are kept by the same fields, and so many combinations of fields."""


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

    Packets whose contents are equal there meet the same answers, so they take the same course, whatever else they have.
    """

    def __init__(self) -> None:
        self._courses: dict[frozenset[str], dict[Contents, Course]] = {}

    def recall(self, state: State) -> Course | None:
        """Find the course that packets take, if it is known."""
        for fields, courses in self._courses.items():
            course = courses.get(_contents(state, fields))
            if course is not None:
                return course
        return None

    def keep(self, state: State, asked: frozenset[str], course: Course) -> None:
        """Remember the course of packets of which the rules asked these fields."""
        courses = self._courses.get(asked)
        if courses is None or len(courses) >= _MOST:
            if len(self._courses) >= _MOST_FIELDS:
                self._courses = {}
            # As a new table, since another thread may go through the old one.
            courses = {}
            self._courses = {**self._courses, asked: courses}
        courses[_contents(state, asked)] = course


def _contents(state: State, fields: frozenset[str]) -> Contents:
    return tuple([state.content(field) for field in fields])
