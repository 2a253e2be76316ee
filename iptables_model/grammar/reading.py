"""What the grammar finds in the line of a rule: which words stand where, and what each belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iptables_model.grammar.language import ExtensionGrammar, Flag
    from iptables_model.values.codec import Form

__all__ = ["NOWHERE", "Given", "Part", "Reading"]


class Given(NamedTuple):
    """Hold one option as a line gives it: its flag and where that stands, the form and place of its value, if any."""

    flag: Flag
    at: int
    negated: bool
    form: Form | None
    start: int
    end: int


NOWHERE = (-1, -1)
"""The place of what is not there."""


@attrs.define(eq=False)
class Part:
    """Hold one extension of a line: where its `-m` or `-j` stands and its name ends, and the options it got.

    `width` counts the characters of a target's name, with the blanks before it. An `implied` match is the one of the
    rule's protocol, loaded without `-m`.
    Without a grammar it is one that nobody declared; then `words` are its options as they stand.
    """

    grammar: ExtensionGrammar | None = attrs.field(repr=False)
    name: str
    start: int
    end: int
    width: int = 0
    implied: bool = False
    given: dict[str, Given] = attrs.field(factory=dict)
    words: list[str] = attrs.field(factory=list)
    words_end: int = -1

    @property
    def misprinted(self) -> bool:
        """Say whether options that cannot be read may be what a mismatched iptables-save prints."""
        return self.grammar is not None and self.grammar.kind.misprinted

    def keep(self, text: str, start: int, end: int) -> None:
        """Keep a word as it stands, and the blanks before it if there are more than one, as empty words.

        A mismatched iptables prints an empty value so: `--to-destination  --random`.
        """
        last = self.words_end if self.words else self.end
        gap = text[last:start]
        if len(gap) > 1 and not gap.strip(" "):
            self.words += [""] * (len(gap) - 1)
        self.words.append(text[start:end])
        self.words_end = end


@attrs.define(eq=False)
class Reading:
    """Hold what stands in the line of a rule.

    `core` is the grammar of iptables' own options; `chain` and `counters` are places; `insert` is the number
    behind `-I` with its place, and None for `-A`. `parts` are iptables' own options and the matches, in order.
    """

    text: str
    core: ExtensionGrammar = attrs.field(repr=False)
    chain: tuple[int, int] = NOWHERE
    insert: tuple[int, int, int] | None = None
    counters: tuple[tuple[int, int], tuple[int, int]] | None = None
    parts: list[Part] = attrs.field(factory=list)
    target: Part | None = None

    def all_parts(self) -> list[Part]:
        """List the parts and, last, the target if there is one."""
        return self.parts if self.target is None else [*self.parts, self.target]

    def families(self) -> Iterator[tuple[int, int, int, str]]:
        """Go through the words that belong to one family only: the family, their place, and what they are."""
        for part in self.all_parts():
            if part.grammar is None:
                continue
            if len(part.grammar.kind.families) == 1:
                family = part.grammar.kind.families[0]
                yield family, part.start, part.end, f"the IPv{family} extension {part.grammar.kind.extension}"
            for given in part.given.values():
                flag = given.flag
                if flag.family is not None:
                    yield flag.family, given.at, given.at + len(flag.text), f"the IPv{flag.family} option {flag.text}"
                if given.form is not None and given.form.family is not None:
                    what = "address" if "address" in given.flag.codec.expected else "value"
                    yield given.form.family, given.start, given.end, f"IPv{given.form.family} {what}"
