"""The clauses of a rule: each is read on what the line has loaded so far.

As in iptables (iptables/xshared.c, do_parse): `-m NAME` and `-j NAME` add options; of two loaded extensions that share
a flag the one loaded last takes it (xtables_merge_options), and iptables' own flags come before all; options of what is
loaded may come later, with others between; `-p tcp` alone makes the options of `tcp` known when one of them is met
(load_proto).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from iptables_model.grammar import unfamiliar
from iptables_model.grammar.elements import BLANKS, END, NEXT_WORD, Unreadable, found, open_quote
from iptables_model.grammar.language import CORE_WORDS
from iptables_model.grammar.reading import NOWHERE, Given, Part, Reading
from iptables_model.values.quoting import unquote

if TYPE_CHECKING:
    from iptables_model.grammar.language import Flag, Language

__all__ = ["Clauses", "MismatchedPrint"]

_HEAD = re.compile(rf'[{BLANKS}]*(?:(!)[{BLANKS}]+)?(-[^{BLANKS}"=]*){END}')
_COUNTERS = re.compile(rf"[{BLANKS}]*\[([0-9]{{1,20}}):([0-9]{{1,20}})\]")
_TWO_NUMBERS = re.compile(rf"[{BLANKS}]+([0-9]{{1,20}})(?:,|[{BLANKS}]+)([0-9]{{1,20}}){END}")
_PLACE = re.compile(rf"[{BLANKS}]+([0-9]{{1,9}}){END}")
_UNSUPPORTED = re.compile(rf"[{BLANKS}]*(\[unsupported)[{BLANKS}]+(revision\]){END}")
_EMPTY_VALUE = re.compile(rf"[{BLANKS}]{{2,}}--[a-z]")
_MOST_WORDS = 255
"""MAX_ARGC of iptables/xshared.h; it also bounds the time that one line can take."""


class MismatchedPrint(Exception):  # noqa: N818 (it is no error: the line is read another way)
    """Say that the options of a target are not what iptables reads, but what a mismatched iptables-save prints."""


class Clauses:
    """Read the clauses of one line.

    `keep_target` has the target's words kept as they stand, for one that a mismatched iptables-save printed.
    """

    def __init__(self, language: Language, text: str, *, keep_target: bool = False) -> None:
        self.language = language
        self.text = text
        self.keep_target = keep_target
        self.loc = 0
        self.reading = Reading(text, language.core)
        self.core = Part(language.core, "", 0, 0)
        self.loaded: list[Part] = []
        self._count = 0

    def read(self, loc: int) -> Reading:
        """Read from `loc` to the end of the line."""
        self.loc = loc
        counters = _COUNTERS.match(self.text, loc)
        if counters is not None:
            self._set_counters(counters)
        more = True
        while more:
            head = _HEAD.match(self.text, self.loc)
            more = self._other_word() if head is None else self._clause(head)
        return self._finish()

    def _finish(self) -> Reading:
        reading = self.reading
        if reading.chain is NOWHERE:
            hint = "a rule begins with -A and the name of a chain"
            raise Unreadable(self.text, 0, len(self.text), "this rule names no chain", expected="-A CHAIN", hint=hint)
        if self.core.given:
            reading.parts.insert(0, self.core)
        target = reading.target
        if target is not None and target.grammar is None and not target.words:
            # What nobody declared and has no options is a chain's name.
            self._enter(target.start, target.end - target.width, "-j")
        return reading

    # The words of a clause.

    def _clause(self, head: re.Match[str]) -> bool:
        """Read the clause that begins with a flag."""
        text, start, self.loc = head[2], head.start(2), head.end()
        bang = None if head[1] is None else head.start(1)
        self.tally(start)
        flag = self.language.core.flags.get(text)
        if flag is not None:
            self.option(self.core, flag, start, bang)
        elif text in CORE_WORDS:
            self.core_word(text, start, bang)
        elif (known := self.find(text)) is not None:
            self.option(*known, start, bang)
        else:
            unfamiliar.read_flag(self, text, start, bang)
        return True

    def _other_word(self) -> bool:
        """Read a word that is no plain flag; say whether there is one."""
        unsupported = _UNSUPPORTED.match(self.text, self.loc)
        if unsupported is not None and self._keep_unsupported(unsupported):
            return True
        word = NEXT_WORD.match(self.text, self.loc)
        if word is None:
            rest = self.text[self.loc :].lstrip(BLANKS)
            if rest:
                raise open_quote(self.text, len(self.text) - len(rest))
            return False
        self.tally(word.start(1))
        self.loc = word.end()
        unfamiliar.read_word(self, word[1], word.start(1))
        return True

    def tally(self, start: int) -> None:
        """Count a clause, and refuse more than iptables would."""
        self._count += 1
        if self._count > _MOST_WORDS:
            message = f"a rule has at most {_MOST_WORDS} words"
            raise Unreadable(self.text, start, len(self.text), message)

    def undeclared(self) -> Part | None:
        """Give the extension that was loaded last, if nobody declared it: what is unknown then belongs to it."""
        return self.loaded[-1] if self.loaded and self.loaded[-1].grammar is None else None

    def find(self, text: str) -> tuple[Part, Flag] | None:
        """Find the option that a flag stands for, of the extension that was loaded last."""
        for part in reversed(self.loaded):
            flag = None if part.grammar is None else part.grammar.flags.get(text)
            if flag is not None:
                return part, flag
        return None

    # Options.

    def option(self, part: Part, flag: Flag, start: int, bang: int | None) -> None:
        """Read an option whose flag ends where the reader stands."""
        self._check_place(part, flag, start, bang)
        if flag.codec.leads and flag.argument is not None:
            read = flag.argument.run(self.text, start if bang is None else bang)
            part.given[flag.field] = Given(flag, read.start, read.negated, read.form, read.start, read.end)
            self.loc = read.end
            return
        if flag.argument is None:
            part.given[flag.field] = Given(flag, start, bang is not None, None, self.loc, self.loc)
            return
        if part.misprinted and _EMPTY_VALUE.match(self.text, self.loc):
            raise MismatchedPrint
        self.argument(part, flag, start, bang, self.loc)

    def attached(self, part: Part, flag: Flag, start: int, bang: int | None, loc: int) -> None:
        """Read an option whose value begins at `loc`, in the same word."""
        self._check_place(part, flag, start, bang)
        if loc == self.loc:
            message = f"{flag.text} needs {flag.codec.expected}, found nothing behind the ="
            raise Unreadable(self.text, start, loc, message, expected=flag.codec.expected, hint=flag.codec.hint)
        self.argument(part, flag, start, bang, loc)

    def argument(self, part: Part, flag: Flag, start: int, bang: int | None, loc: int) -> None:
        """Read the argument of an option, which begins at `loc`."""
        if flag.argument is None:
            word = NEXT_WORD.match(self.text, start)
            end = loc if word is None else word.end()
            raise Unreadable(self.text, start, end, f"{flag.text} takes no value")
        read = flag.argument.read(self.text, loc, negated=bang is not None)
        part.given[flag.field] = Given(flag, start, read.negated or bang is not None, read.form, read.start, read.end)
        self.loc = read.end

    def _check_place(self, part: Part, flag: Flag, start: int, bang: int | None) -> None:
        """Refuse an option that was given before, or that cannot be negated."""
        before = part.given.get(flag.field)
        if before is not None:
            if part.misprinted and before.flag is flag:
                # iptables takes an option of a target once; repeated it comes from a mismatched iptables-save.
                raise MismatchedPrint
            twice = "is given twice" if before.flag is flag else f"is given after {before.flag.text}"
            raise Unreadable(self.text, start, start + len(flag.text), f"{flag.text} {twice}")
        if bang is not None and not flag.negatable and not flag.codec.leads:
            raise self.not_negatable(flag.text, bang)

    def not_negatable(self, text: str, bang: int) -> Unreadable:
        """Say that `!` makes no sense before an option."""
        return Unreadable(self.text, bang, self.loc, f"{text} cannot be negated", hint="leave out the !")

    # The words that iptables itself knows.

    def core_word(self, text: str, start: int, bang: int | None, attached: int | None = None) -> None:
        """Read -A, -I, -m, -j, -g or -c; `attached` is where a value begins that stands in the same word."""
        if bang is not None:
            raise self.not_negatable(text, bang)
        if attached is not None:
            self.loc = attached
        match CORE_WORDS[text]:
            case "append":
                self._chain(text, start)
            case "insert":
                self._chain(text, start)
                place = _PLACE.match(self.text, self.loc)
                self.reading.insert = (1, start, self.loc) if place is None else (int(place[1]), *place.span(1))
                self.loc = self.loc if place is None else place.end()
            case "match":
                self._load_match(text, start)
            case "counters":
                counters = _TWO_NUMBERS.match(self.text, self.loc)
                if counters is None:
                    raise self._refuse_next(f"{text} needs two numbers: packets and bytes", start)
                self._set_counters(counters)
            case way:
                self._load_target(text, start, way)

    def _refuse_next(self, message: str, start: int) -> Unreadable:
        """Complain about the next word, or about the end of the line."""
        word = NEXT_WORD.match(self.text, self.loc)
        if word is None:
            return Unreadable(self.text, start, max(self.loc, start + 1), f"{message}, found the end of the line")
        return Unreadable(self.text, word.start(1), word.end(), f"{message}, found {found(unquote(word[1]))}")

    def _chain(self, text: str, start: int) -> None:
        if self.reading.chain is not NOWHERE:
            raise Unreadable(self.text, start, self.loc, "a rule has one -A or -I")
        read = self.language.chains[text].read(self.text, self.loc)
        self.reading.chain = read.start, read.end
        self.loc = read.end

    def _set_counters(self, counters: re.Match[str]) -> None:
        if self.reading.counters is not None:
            raise Unreadable(self.text, counters.start(1), counters.end(), "the counters are given twice")
        if max(int(counters[1]), int(counters[2])) >> 64:
            raise Unreadable(self.text, counters.start(1), counters.end(2), "counters need numbers of 64 bits")
        self.reading.counters = counters.span(1), counters.span(2)
        self.loc = counters.end()

    def _name(self, text: str, start: int, what: str) -> str:
        """Read the name behind -m, -j or -g."""
        word = NEXT_WORD.match(self.text, self.loc)
        name = "" if word is None else unquote(word[1])
        if word is None or not name or name.startswith(("-", "!")):
            raise self._refuse_next(f"{text} needs the name of {what}", start)
        self.loc = word.end()
        return name

    def _load_match(self, text: str, start: int) -> None:
        self.load_match(self._name(text, start, "a match"), start, implied=False)

    def load_match(self, name: str, start: int, *, implied: bool) -> None:
        """Load a match, declared or not, from now on."""
        part = Part(self.language.matches.get(name), name, start, self.loc, implied=implied)
        self.reading.parts.append(part)
        self.loaded.append(part)

    def _load_target(self, text: str, start: int, way: str) -> None:
        if self.reading.target is not None:
            raise Unreadable(self.text, start, self.loc, "a rule has one -j or -g")
        before = self.loc
        name = self._name(text, start, "a target or chain")
        if way == "goto":
            self._enter(start, before, "-g")
            return
        grammar = None if self.keep_target else self.language.targets.get(name)
        part = Part(grammar, name, start, self.loc, width=self.loc - before)
        self.reading.target = part
        self.loaded.append(part)

    def _enter(self, start: int, loc: int, way: str) -> None:
        """Make a chain the target; its name stands behind `loc`."""
        grammar = self.language.ways[way]
        part = Part(grammar, "", start, self.loc)
        self.argument(part, grammar.flags[way], start, None, loc)
        part.end = self.loc
        self.reading.target = part

    def _keep_unsupported(self, words: re.Match[str]) -> bool:
        """Keep `[unsupported revision]`, which stands for the options of the extension before it."""
        part = self.loaded[-1] if self.loaded else None
        if part is None or part.given or part.words:
            return False
        part.grammar = None
        part.keep(self.text, *words.span(1))
        part.keep(self.text, *words.span(2))
        self.loc = words.end()
        return True
