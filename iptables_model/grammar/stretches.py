"""Where the pieces of a line stand, if it is written as iptables-save writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import attrs

from iptables_model.grammar.language import CORE_WORDS
from iptables_model.values.names import CHAIN_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from iptables_model.grammar.language import ExtensionGrammar, Flag
    from iptables_model.grammar.plans import Option
    from iptables_model.grammar.reading import Given, Part, Reading

__all__ = ["LEAD", "Step", "Stretch", "steps_of", "stretches"]

LEAD = re.compile(rf"(?:\[([0-9]{{1,19}}):([0-9]{{1,19}})\] )?-A ({CHAIN_NAME})(?= |\Z)")
"""How iptables-save begins a rule; numbers of 19 digits have less than 64 bits."""


class Step(NamedTuple):
    """Hold a literal text of a piece, and the flag whose value follows, if any, with how its argument is matched."""

    literal: str
    width: int
    flag: Flag | None
    match: Callable[[str, int], re.Match[str] | None] | None
    traits: tuple[tuple[bool, bool, int | None], ...]


@attrs.frozen(eq=False)
class Stretch:
    """Hold where a piece stands in a line, and what the grammar has found there."""

    start: int
    end: int
    grammar: ExtensionGrammar
    given: tuple[Given, ...]
    is_core: bool
    is_target: bool
    implied: bool


def stretches(reading: Reading) -> list[Stretch]:
    """List the pieces of a line that the grammar has read; none if anything but one blank stands between them."""
    text = reading.text
    lead = LEAD.match(text)
    if lead is None or lead.span(3) != reading.chain or (lead[1] is None) != (reading.counters is None):
        return []
    if any(part.grammar is None or _shortened(text, part, reading.core) for part in reading.all_parts()):
        return []
    found = sorted(_cut(reading), key=lambda stretch: stretch.start)
    ends = [lead.end(), *(stretch.end for stretch in found)]
    if ends.pop() != len(text) or any(
        text[end : stretch.start] != " " for end, stretch in zip(ends, found, strict=True)
    ):
        return []
    return found


def _cut(reading: Reading) -> Iterator[Stretch]:
    """Cut a line into pieces: each of iptables' own options, each extension with what it was given."""
    for part in reading.all_parts():
        grammar = part.grammar
        if grammar is None:
            continue
        given = sorted(part.given.values(), key=lambda given: given.at)
        if grammar is reading.core:
            for one in given:
                start = _with_bang(reading.text, one.at)
                yield Stretch(start, one.end, grammar, (one,), is_core=True, is_target=False, implied=False)
        else:
            start = _with_bang(reading.text, part.start) if part.implied else part.start
            end = max([part.end, *(one.end for one in given)])
            is_target = part is reading.target
            yield Stretch(start, end, grammar, tuple(given), is_core=False, is_target=is_target, implied=part.implied)


def _shortened(text: str, part: Part, core: ExtensionGrammar) -> bool:
    """Say whether a flag is abbreviated, and would mean another one if other extensions were loaded."""
    if part.grammar is not core and not part.implied and _word(text, part.start) not in CORE_WORDS:
        return True
    return any(
        _word(text, given.at) != given.flag.text
        for given in part.given.values()
        if not given.flag.codec.leads and given.flag.text not in CORE_WORDS
    )


def _word(text: str, start: int) -> str:
    return text[start:].partition(" ")[0]


def _with_bang(text: str, start: int) -> int:
    """Begin at the `!` before an option, if there is one."""
    return start - 2 if text[start - 2 : start] == "! " else start


def steps_of(text: str, stretch: Stretch, options: tuple[Option, ...]) -> Iterator[Step]:
    """Cut a piece into its literal texts, from the blank before it on, and the flags whose values follow them."""
    loc = stretch.start - 1
    for given, option in zip(stretch.given, options, strict=True):
        argument = given.flag.argument
        if option.text is None and argument is not None:
            before = text[loc : given.start].rstrip(" ")
            yield Step(before, len(before), given.flag, argument.pattern.match, argument.traits)
            loc = given.end
    if loc < stretch.end:
        yield Step(text[loc : stretch.end], stretch.end - loc, None, None, ())
