"""Lines that come again and again: one regular expression each, made of what the grammar has taught.

A shape that is seen often gets a template: the literal texts of its pieces and, for each value, the form that it had. A
line that a template matches is read by that one match. What the forms cannot tell is asked of the readers, and for
anything else the line is left to the pieces and the grammar, so a template reads nothing that they would not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from iptables_model.grammar.plans import taking
from iptables_model.grammar.stretches import LEAD
from iptables_model.values.names import CHAIN_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from iptables_model.grammar.drafts import Sheet, TableDraft
    from iptables_model.grammar.pieces import LineShape
    from iptables_model.grammar.plans import PartPlan, Reader, RulePlan

__all__ = ["LineTemplate", "Templates"]

_ENOUGH = 100
"""So many lines of a shape pay for compiling its template, which takes as long as reading them by pieces."""
_MOST = 100
_LEAD = f"-A ({CHAIN_NAME})"
_COUNTED = rf"\[([0-9]{{1,19}}):([0-9]{{1,19}})\] {_LEAD}"
_MOST_FOLLOWERS = 4


@attrs.define(eq=False)
class LineTemplate:
    """Match all lines of one shape whose values have the same forms.

    `arrange` puts the groups in the order that the plan wants; `chain` is the group of the chain's name; `jump` that of
    the chain jumped to, if any, which must be no target's name; `quotes` counts the quotes of such a line; `values` and
    `parts` are to be confirmed, if there are any (`asks`). `followers` are the templates of the lines that
    came next, the last one first.
    """

    match: Callable[[str], re.Match[str] | None]
    plan: RulePlan
    arrange: Callable[[tuple[str, ...]], tuple[str, ...]]
    chain: int
    jump: int
    quotes: int
    values: tuple[tuple[int, Reader], ...]
    parts: tuple[tuple[PartPlan, int, int], ...]
    asks: bool
    followers: list[LineTemplate] = attrs.field(factory=list)

    def texts(self, line: str) -> tuple[str, ...]:
        """Give the texts of a line that go with the plan: the chain's name, the counters if any, the values."""
        found = self.match(line)
        return () if found is None else self.arrange(found.groups())

    def holds(self, found: re.Match[str]) -> bool:
        """Say whether what the expression could not tell is right."""
        return all(reader.can_be(found[group]) for group, reader in self.values) and all(
            plan.can_be(self.arrange(found.groups())[low:high]) for plan, low, high in self.parts
        )


class Templates:
    """Keep the templates of one text, and read as many lines at once as they can."""

    def __init__(self, sheet: Sheet, not_chains: frozenset[str]) -> None:
        self._sheet = sheet
        self._not_chains = not_chains
        self._count = 0
        self._first: list[LineTemplate] = []
        self._last: LineTemplate | None = None

    def read(self, at: int, table: TableDraft) -> int:
        """Read the lines from `at` on into the chains of a table; give the first that no template reads."""
        # This loop is most of the time that a large dump takes, so it calls as little as it can.
        lines, sources = self._sheet.lines, self._sheet.sources
        ends, before, not_chains, last = table.last, self._sheet.before, self._not_chains, self._last
        followers = self._first if last is None else last.followers
        while at < len(lines):
            line = lines[at]
            for template in followers:
                found = template.match(line)
                if found is not None:
                    break
            else:
                break
            if line.count('"') != template.quotes or (template.jump and found[template.jump] in not_chains):
                break
            if template.asks and not template.holds(found):
                break
            chain = found[template.chain]
            if chain not in ends and not table.takes(chain):
                break
            before[at], ends[chain], sources[at] = ends[chain], at, template
            at += 1
            last, followers = template, template.followers
        self._last = last
        return at

    def follow(self, shape: LineShape, line: str) -> None:
        """Take note that a line of this shape came now, and make its template when there were enough."""
        shape.hits += 1
        if shape.template is None and shape.hits >= _ENOUGH and self._count < _MOST:
            self._count += 1
            shape.template = self._template(shape, line)
        template = shape.template
        followers = self._first if self._last is None else self._last.followers
        if template is not None:
            if template in followers:
                followers.remove(template)
            followers.insert(0, template)
            del followers[_MOST_FOLLOWERS:]
        self._last = template

    def _template(self, shape: LineShape, line: str) -> LineTemplate:
        """Compile the template of a shape, with the forms that the values of this line have."""
        lead = LEAD.match(line)
        loc = 0 if lead is None else lead.end()
        pattern = [_COUNTED if shape.counted else _LEAD]
        chain = group = 3 if shape.counted else 1
        jump = 0
        values: list[tuple[int, Reader]] = []
        for piece in shape.pieces:
            for literal, width, flag, _, _ in piece.steps:
                pattern.append(re.escape(literal))
                loc += width
                if flag is None or flag.argument is None:
                    continue
                spelled = flag.argument.spelled(line, loc)
                pattern += [re.escape(line[loc : spelled.start]), f"({spelled.regex})"]
                group += 1
                loc = spelled.end
                if piece.not_chains:
                    jump = group
                if not spelled.sure:
                    values.append((group, self._sheet.planner.reader(flag)))
        parts = tuple([part for part in shape.plan.parts if part[0].checked])
        order = [*((2, 0, 1) if shape.counted else (0,)), *[chain + place for place in shape.order]]
        return LineTemplate(
            match=re.compile("".join(pattern), re.DOTALL).fullmatch,
            plan=shape.plan,
            arrange=taking(order),
            chain=chain,
            jump=jump,
            quotes=line.count('"'),
            values=tuple(values),
            parts=parts,
            asks=bool(values or parts),
        )
