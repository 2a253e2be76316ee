"""The text that `ipset save` prints: a line for each set, and a line for each of its elements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import attrs

from iptables_model.errors import ModelError, ParseError
from iptables_model.netfilter.ipsets import IpSet
from iptables_model.source import Span

__all__ = ["read_ipsets"]

_FAMILIES = {"inet": 4, "inet6": 6}
_OF_SETS = frozenset(
    {"family", "hashsize", "maxelem", "timeout", "netmask", "bitmask", "markmask", "range", "size", "bucketsize"}
    | {"initval", "probes", "resize"}
)
_FLAGS_OF_SETS = frozenset({"counters", "comment", "forceadd", "skbinfo", "nomatch"})
_OF_ELEMENTS = frozenset(
    {"timeout", "packets", "bytes", "comment", "skbmark", "skbprio", "skbqueue", "before", "after"}
)
_FLAGS_OF_ELEMENTS = frozenset({"nomatch", "wildcard"})


class Word(NamedTuple):
    """Hold a word of a line, and the 1-based column where it begins."""

    text: str
    column: int


@attrs.frozen
class Line:
    """Hold a line with its words, able to say what is wrong with one of them."""

    source: str
    number: int
    text: str
    words: tuple[Word, ...]

    def error(self, message: str, word: Word | None = None) -> ParseError:
        """Make the error about a word, or about the end of the line."""
        column = len(self.text) + 1 if word is None else word.column
        end = column + 1 if word is None else word.column + len(word.text)
        return ParseError(message, source=self.source, span=Span(self.number, column, end), text=self.text)

    def options(self, start: int, valued: frozenset[str], flags: frozenset[str]) -> dict[str, Word]:
        """Read the options from a word on; one without a value stands for itself."""
        found: dict[str, Word] = {}
        words = iter(self.words[start:])
        for word in words:
            if word.text in flags:
                found[word.text] = word
            elif word.text in valued:
                value = next(words, None)
                if value is None:
                    raise self.error(f"{word.text} needs a value")
                found[word.text] = value
            else:
                raise self.error(f'unknown option "{word.text}"', word)
        return found


def read_ipsets(text: str, *, name: str = "<ipsets>") -> tuple[IpSet, ...]:
    r"""Read the output of `ipset save`.

    Elements with a timeout are taken to be there still. Raises `ParseError` for what ipset would not print.

    >>> (web,) = read_ipsets("create web hash:net family inet\nadd web 10.0.0.0/8\nadd web 10.1.0.0/16 nomatch\n")
    >>> web.name, web.type, web.entries
    ('web', 'hash:net', ('10.0.0.0/8', '10.1.0.0/16 nomatch'))
    """
    made: dict[str, IpSet] = {}
    added: dict[str, list[tuple[Line, str]]] = {}
    for line in _lines(text, name):
        command = line.words[0]
        if len(line.words) < 3:
            raise line.error(f"{command.text} needs the name of a set, and a type or an element")
        of = line.words[1]
        if command.text == "create":
            if of.text in made:
                raise line.error(f"the set {of.text} was created before", of)
            made[of.text], added[of.text] = _created(line), []
        elif command.text == "add":
            if of.text not in made:
                raise line.error(f"the set {of.text} was not created before", of)
            added[of.text].append((line, _entry(line)))
        else:
            raise line.error(f'unknown command "{command.text}"', command)
    return tuple(_filled(one, added[one.name]) for one in made.values())


def _lines(text: str, name: str) -> Iterator[Line]:
    for number, line in enumerate(text.split("\n"), start=1):
        found = re.finditer(r'"[^"]*"|\S+', line)
        words = tuple(Word(one[0], one.start() + 1) for one in found)
        if words and not words[0].text.startswith("#"):
            yield Line(name, number, line, words)


def _created(line: Line) -> IpSet:
    kind = line.words[2]
    # The comment of a set's own options is a flag; a nomatch is one of ipset 6.
    said = line.options(3, _OF_SETS, _FLAGS_OF_SETS)
    family = said.get("family", Word("inet", 0))
    if family.text not in _FAMILIES:
        raise line.error('family needs "inet" or "inet6"', family)
    try:
        return IpSet(
            name=line.words[1].text,
            type=kind.text,
            family=_FAMILIES[family.text],
            netmask=_number(line, said.get("netmask")),
            bitmask=said["bitmask"].text if "bitmask" in said else None,
            markmask=0xFFFFFFFF if "markmask" not in said else _number(line, said["markmask"]) or 0,
        )
    except ModelError as error:
        raise line.error(str(error), kind) from None


def _number(line: Line, word: Word | None) -> int | None:
    if word is None:
        return None
    if not re.fullmatch(r"0[xX][0-9a-fA-F]{1,8}|\d{1,10}", word.text):
        raise line.error(f'this needs a number, found "{word.text}"', word)
    return int(word.text, 16) if word.text[:2] in {"0x", "0X"} else int(word.text)


def _entry(line: Line) -> str:
    said = line.options(3, _OF_ELEMENTS, _FLAGS_OF_ELEMENTS)
    return " ".join([line.words[2].text, *(flag for flag in ("nomatch", "wildcard") if flag in said)])


def _filled(made: IpSet, added: list[tuple[Line, str]]) -> IpSet:
    """Put the elements into a set; which one is wrong, if one is, is found out then."""
    try:
        return attrs.evolve(made, entries=[entry for _, entry in added])
    except ModelError:
        for line, entry in added:
            _checked(made, line, entry)
        raise


def _checked(made: IpSet, line: Line, entry: str) -> None:
    try:
        made.element(entry)
    except ModelError as error:
        raise line.error(str(error), line.words[2]) from None
