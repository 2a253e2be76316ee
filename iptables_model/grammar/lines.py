"""The grammar of a file: what its lines can be, a rule's apart."""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import attrs
import pyparsing as pp

from iptables_model.grammar.elements import BLANKS, END, NEXT_WORD, Unreadable, element, found, publish, regex, sequence
from iptables_model.grammar.language import build
from iptables_model.grammar.rule import RuleLine
from iptables_model.model.rule import Counters
from iptables_model.values.names import CHAIN, CHAIN_NAME
from iptables_model.values.quoting import unquote

if TYPE_CHECKING:
    from collections.abc import Set

    from iptables_model.grammar.language import Language
    from iptables_model.grammar.reading import Reading

__all__ = ["PLAIN_CHAIN_LINE", "ChainLine", "Grammar", "grammar", "plain_chain"]

_REST = "the end of the line"


@attrs.frozen(kw_only=True)
class ChainLine:
    """Hold what a line says of a chain itself: `:NAME POLICY [p:b]`, `-P NAME POLICY` or `-N NAME`."""

    name: str
    start: int
    end: int
    policy: str | None = None
    policy_at: tuple[int, int] = (0, 0)
    counters: Counters | None = None


_POLICY = "ACCEPT|DROP|-"
_COUNTER = "[0-9]{1,20}"

PLAIN_CHAIN_LINE = re.compile(rf":({CHAIN_NAME}) ({_POLICY}) \[([0-9]{{1,19}}):([0-9]{{1,19}})\]")
"""A chain line just as iptables-save writes it, made of the same pieces as the grammar's; 19 digits fit in 64 bits."""


def plain_chain(text: str) -> ChainLine | None:
    """Read a chain line that is written just as iptables-save writes it."""
    found = PLAIN_CHAIN_LINE.fullmatch(text)
    if found is None:
        return None
    policy = None if found[2] == "-" else found[2]
    start, end = found.span(1)
    return ChainLine(name=found[1], start=start, end=end, policy=policy, counters=_counters(found[3], found[4]))


@lru_cache(maxsize=256)
def _counters(packets: str, size: str) -> Counters:
    """Make counters; most are zero."""
    return Counters(int(packets), int(size))


@attrs.frozen(eq=False)
class Grammar:
    """Hold the grammar of each kind of line."""

    language: Language
    table: pp.ParserElement
    chain: pp.ParserElement
    policy: pp.ParserElement
    new_chain: pp.ParserElement
    rule: pp.ParserElement

    def hiding(self, targets: Set[str]) -> Grammar:
        """Give the grammar of a table that has chains with the names of targets: behind -j, the chains are meant."""
        language = attrs.evolve(self.language, targets=self.language.targets.without(targets))
        return attrs.evolve(self, language=language, rule=publish(RuleLine(language)))

    def read_table(self, text: str) -> tuple[str, int, int]:
        """Read `*NAME`; give the name and its place."""
        name: Any = _parse(self.table, text, "a table line")[0]
        return name[0], name.start(), name.end()

    def read_chain(self, text: str) -> ChainLine:
        """Read `:NAME POLICY [packets:bytes]`."""
        return _chain_line(text, _parse(self.chain, text, "a chain line"))

    def read_policy(self, text: str) -> ChainLine:
        """Read `-P NAME POLICY`."""
        return _chain_line(text, _parse(self.policy, text, "-P"))

    def read_new_chain(self, text: str) -> ChainLine:
        """Read `-N NAME`."""
        return _chain_line(text, _parse(self.new_chain, text, "-N"))

    def read_rule(self, text: str) -> Reading:
        """Read `-A NAME ...` or `-I NAME ...`, with its counters if it has any."""
        return self.rule.parse_string(text)[0]  # type: ignore[no-any-return]


def _parse(kind: pp.ParserElement, text: str, what: str) -> pp.ParseResults:
    """Parse a line, and turn pyparsing's complaint into one that names the line and the word."""
    try:
        return kind.parse_string(text)
    except Unreadable:
        raise
    except pp.ParseException as error:
        word = NEXT_WORD.match(text, error.loc)
        start, end, shown = len(text), len(text) + 1, _REST
        if word is not None:
            start, end, shown = word.start(1), word.end(), found(unquote(word[1]))
        wanted = "" if error.parser_element is None else error.parser_element.name
        message = f"unexpected word {shown}" if wanted == _REST else f"{what} needs {wanted}, found {shown}"
        raise Unreadable(text, start, end, message, expected=wanted) from None


def _chain_line(text: str, tokens: pp.ParseResults) -> ChainLine:
    """Make a `ChainLine` of the matches of a line's words: the name, and perhaps policy and counters."""
    words: tuple[Any, ...] = (*tokens, None, None)
    name, policy, counters = words[:3]
    if counters is not None and counters[1] is None:
        counters = None
    if counters is not None and max(int(counters[1]), int(counters[2])) >> 64:
        raise Unreadable(text, counters.start(), counters.end(), "counters need numbers of 64 bits")
    return ChainLine(
        name=name[0],
        start=name.start(),
        end=name.end(),
        policy=policy[0] if policy is not None and policy[0] != "-" else None,
        policy_at=(0, 0) if policy is None else policy.span(),
        counters=None if counters is None else Counters(int(counters[1]), int(counters[2])),
    )


def _mark(pattern: str) -> pp.ParserElement:
    """Match the word with which a line begins, and drop it."""
    return element(pp.Suppress(regex(pattern, pattern)))


def _build() -> Grammar:
    rest = element(pp.Suppress(regex(r"\Z", _REST)))
    chain = regex(f"{CHAIN_NAME}{END}", CHAIN.expected)
    policy = regex(f"(?:{_POLICY}){END}", "a policy, ACCEPT, DROP or -")
    counters = regex(rf"\[({_COUNTER}):({_COUNTER})\]{END}|\Z", "counters such as [0:0]")
    listed = regex(rf"-c[{BLANKS}]+({_COUNTER})[{BLANKS}]+({_COUNTER}){END}|\Z", "counters such as -c 0 0")
    language = build()
    return Grammar(
        language=language,
        table=publish(sequence(_mark(r"\*"), regex(f"[^{BLANKS}]+", "the name of a table"), rest)),
        chain=publish(sequence(_mark(":"), chain, policy, counters, rest)),
        policy=publish(sequence(_mark("-P|--policy"), chain, policy, listed, rest)),
        new_chain=publish(sequence(_mark("-N|--new-chain"), chain, rest)),
        rule=publish(RuleLine(language)),
    )


_lock = threading.Lock()
_built: list[Grammar] = []


def grammar() -> Grammar:
    """Give the grammar, which is built when it is first needed, once for all threads."""
    with _lock:
        if not _built:
            _built.append(_build())
    return _built[0]
