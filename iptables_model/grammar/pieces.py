"""What the grammar has taught about the pieces of which lines are made.

A piece is one of iptables' own options (`-s 10.0.0.0/8`), or an extension with all its options (`-m tcp --dport 80`, or
just `--dport 80` where `-p tcp` loads it). A piece means the same in every line: iptables' own flags come before all
others, and what follows a `-m` or `-j` is first looked up in what that loaded. So a line that is made of known pieces,
one blank between them, needs no grammar: the pieces say what it holds. A line with anything else in it is for the
grammar to read, which alone makes errors and new pieces.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

import attrs

from iptables_model.grammar.plans import option_of
from iptables_model.grammar.stretches import LEAD, steps_of, stretches
from iptables_model.model.targets.verdict import Jump

if TYPE_CHECKING:
    from iptables_model.grammar.language import ExtensionGrammar, Language
    from iptables_model.grammar.plans import Option, PartPlan, Planner, RulePlan
    from iptables_model.grammar.reading import Reading
    from iptables_model.grammar.stretches import Step, Stretch
    from iptables_model.grammar.templates import LineTemplate

__all__ = ["LineShape", "Piece", "Pieces"]

_HEAD = re.compile(r"( (?:! )?-[^ ]+)( [^ ]+)?")
_MOST_PIECES = 2000
_MOST_IN_LINE = 50


@attrs.frozen(eq=False)
class Piece:
    """Hold one piece: its steps, what its extension gets of it, and the plan that makes the extension.

    One of iptables' own options has no plan, since they make one extension together; `bit` tells them apart, and a
    protocol `loads` the match of its name. A match that was loaded so is `implied`. A jump does not fit the names in
    `not_chains`. `asks` says that the values together need a second look.
    """

    steps: tuple[Step, ...]
    grammar: ExtensionGrammar
    options: tuple[Option, ...]
    plan: PartPlan | None
    bit: int
    is_target: bool
    not_chains: frozenset[str]
    asks: bool
    loads: ExtensionGrammar | None
    implied: bool

    @property
    def width(self) -> int:
        """Count the values."""
        return sum(step.match is not None for step in self.steps)

    def clashes(self, other: Piece) -> bool:
        """Say whether an option of this piece might be taken for one of another piece before it, or is one."""
        words = [option.flag.text for option in self.options]
        return other.plan is not None and any(flag.startswith(word) for flag in other.grammar.flags for word in words)

    def match(self, text: str, loc: int, planner: Planner, family: int | None) -> int:
        """Match the piece at `loc`, if its values are sure; give where it ends, or -1."""
        start = loc
        for literal, width, flag, match, traits in self.steps:
            if not text.startswith(literal, loc):
                return -1
            loc += width
            if flag is None or match is None:
                continue
            found = match(text, loc)
            if found is None:
                return -1
            group = found.lastindex or 1
            sure, quotable, own_family = traits[group - 1]
            if own_family is not None and own_family != family:
                return -1
            if not sure and not planner.reader(flag).can_be(found[group]):
                return -1
            if not quotable and '"' in found[group]:
                return -1
            loc = found.end()
        return -1 if self.asks and not self._holds(text, start) else loc

    def _holds(self, text: str, loc: int) -> bool:
        """Say whether the values are right together, and none a name that means something else."""
        texts: list[str] = []
        self.take(text, loc, texts)
        if self.not_chains:
            return texts[0] not in self.not_chains
        return self.plan is None or self.plan.can_be(tuple(texts))

    def take(self, text: str, loc: int, texts: list[str]) -> int:
        """Add the texts of the values of a piece that is known to be at `loc`; give where it ends."""
        for _, width, _, match, _ in self.steps:
            loc += width
            found = None if match is None else match(text, loc)
            if found is not None:
                texts.append(found[found.lastindex or 1])
                loc = found.end()
        return loc


@attrs.define(eq=False, slots=False)
class LineShape:
    """Hold what all lines have in common that are made of the same pieces; `hits` counts them."""

    pieces: tuple[Piece, ...]
    counted: bool
    planner: Planner
    hits: int = 0
    template: LineTemplate | None = None

    @cached_property
    def plan(self) -> RulePlan:
        """Give the plan of the rule, which few need before rules are asked for."""
        core = [piece for piece in self.pieces if piece.plan is None]
        options = tuple(option for piece in core for option in piece.options)
        plans = [self.planner.part(core[0].grammar, options)] if core else []
        plans += [plan for at in self._arranged() if (plan := self.pieces[at].plan) is not None]
        target = any(piece.is_target for piece in self.pieces)
        return self.planner.rule(tuple(plans), target=target, counted=self.counted)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Say in which order the plan wants the values of the line."""
        firsts = [0, *accumulate(piece.width for piece in self.pieces)]
        return tuple(firsts[at] + place for at in self._arranged() for place in range(self.pieces[at].width))

    def _arranged(self) -> list[int]:
        """Arrange the pieces as plans have them: iptables' own options, the matches, the target."""
        kinds = [(piece.plan is not None) + piece.is_target for piece in self.pieces]
        return sorted(range(len(kinds)), key=kinds.__getitem__)

    def texts(self, line: str) -> tuple[str, ...]:
        """Give the texts of a line that go with the plan: the chain's name, the counters if any, the values."""
        # The first lines of a shape came before its template, which reads those whose values have the same forms.
        return (self.template and self.template.texts(line)) or self._texts(line)

    def _texts(self, line: str) -> tuple[str, ...]:
        lead = LEAD.match(line)
        if lead is None:
            return ()
        values: list[str] = []
        loc = lead.end()
        for piece in self.pieces:
            loc = piece.take(line, loc, values)
        head = (lead[3], lead[1], lead[2]) if self.counted else (lead[3],)
        return (*head, *[values[place] for place in self.order])


class Pieces:
    """Learn pieces from what the grammar has read, and find the shapes of lines that are made of them."""

    def __init__(self, language: Language, planner: Planner) -> None:
        self._planner = planner
        self._not_chains = frozenset(language.targets)
        self._matches = language.matches
        self._pieces: dict[tuple[object, ...], Piece] = {}
        self._bits: dict[str, int] = {}
        self._by_head: dict[str, list[Piece]] = {}
        self._shapes: dict[tuple[object, ...], LineShape] = {}

    def shape(self, text: str, family: int | None) -> tuple[str, LineShape] | None:
        """Find the chain and the shape of a line, if it is made of known pieces and all its values are sure.

        Each of iptables' own options may come once, and so may a target.
        """
        lead = LEAD.match(text)
        if lead is None:
            return None
        loc, given = lead.end(), 0
        pieces: list[Piece] = []
        loads: ExtensionGrammar | None = None
        while loc < len(text):
            head = _HEAD.match(text, loc)
            if head is None:
                return None
            for piece in self._by_head.get(head[0]) or self._by_head.get(head[1]) or ():
                end = piece.match(text, loc, self._planner, family)
                if end >= 0 and not (piece.implied and piece.grammar is not loads):
                    break
            else:
                return None
            if given & piece.bit or (piece.implied and any(map(piece.clashes, pieces))):
                return None
            given |= piece.bit
            loads = piece.loads or loads
            pieces.append(piece)
            loc = end
        counted = lead[1] is not None
        key = (counted, *pieces)
        shape = self._shapes.get(key)
        if shape is None:
            if len(pieces) > _MOST_IN_LINE:
                return None
            shape = self._shapes[key] = LineShape(tuple(pieces), counted, self._planner)
        return lead[3], shape

    # Learning.

    def learn(self, reading: Reading) -> None:
        """Learn the pieces of a line that the grammar has read, if it is written as iptables-save writes."""
        if len(self._pieces) < _MOST_PIECES:
            for stretch in stretches(reading):
                self._learn(reading.text, stretch)

    def _learn(self, text: str, stretch: Stretch) -> None:
        """Learn one piece, if it can be found again where it was."""
        options = tuple(option_of(text, given) for given in stretch.given)
        steps = tuple(steps_of(text, stretch, options))
        key = (stretch.implied, *((step.literal, step.flag) for step in steps), *options)
        if key in self._pieces:
            return
        not_chains = self._not_chains if stretch.grammar.kind is Jump else frozenset[str]()
        plan = None if stretch.is_core else self._planner.part(stretch.grammar, options)
        # A target has a bit, too, since there is but one.
        once = options[0].flag.field if stretch.is_core else "-j" if stretch.is_target else ""
        bit = self._bits.setdefault(once, 1 << len(self._bits)) if once else 0
        asks = bool(not_chains) or (plan is not None and plan.checked)
        loads = self._loads(options[0]) if stretch.is_core else None
        piece = Piece(
            steps, stretch.grammar, options, plan, bit, stretch.is_target, not_chains, asks, loads, stretch.implied
        )
        head = _HEAD.match(steps[0].literal)
        if head is None or piece.take(text, stretch.start - 1, []) != stretch.end:
            return
        self._pieces[key] = piece
        known = self._by_head.setdefault(head[0], [])
        known.append(piece)
        # The longer first: a piece without options would stop before those of its extension.
        known.sort(key=lambda piece: -sum(step.width + 1 for step in piece.steps))

    def _loads(self, option: Option) -> ExtensionGrammar | None:
        """Find the match that a protocol loads."""
        if option.flag.field != "protocol" or option.text is None or option.negated:
            return None
        return self._matches.get(str(self._planner.reader(option.flag).read(option.text)))
