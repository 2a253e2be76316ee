"""From plain data back to the nouns of a dump. Whatever is wrong is said with the path to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import NoneType
from typing import Any, TypeVar

import attrs

from iptables_model.errors import ModelError, ParseError
from iptables_model.model.matches import MATCHES, UnknownMatch
from iptables_model.model.option import Extension, Match, Option, Target
from iptables_model.model.rule import Counters, Rule
from iptables_model.model.ruleset import Chain, Ruleset, Table
from iptables_model.model.targets import TARGETS, Goto, Jump, UnknownTarget
from iptables_model.render.encode import MATCH_KEY, TARGET_KEY, extension_name
from iptables_model.source import Span
from iptables_model.values.negatable import Negatable

__all__ = ["Piece", "read_ruleset"]

T = TypeVar("T")
X = TypeVar("X", bound=Extension)

_KINDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "an integer",
    float: "a number with a fraction",
    bool: "true or false",
    NoneType: "null",
}
"""What JSON knows, by the types that Python's json makes of it."""


@attrs.frozen
class Piece:
    """Hold a piece of JSON data and the path to it."""

    data: object
    path: str = "$"

    def wrong(self, message: str) -> ModelError:
        """Make the error that says what is wrong here."""
        return ModelError(f"{self.path} {message}")

    def as_kind(self, *kinds: type) -> Any:
        """Give the data if it is of one of the kinds that JSON knows.

        Raises `ModelError` if it is not.
        """
        # A bool is an int only to Python, so the exact type counts.
        if type(self.data) not in kinds:
            expected = " or ".join(_KINDS[kind] for kind in kinds)
            found = _KINDS.get(type(self.data), "what JSON does not know")
            raise self.wrong(f"needs {expected}, found {found}")
        return self.data

    def __getitem__(self, key: str) -> Piece:
        held: dict[str, object] = self.as_kind(dict)
        if key not in held:
            raise self.wrong(f'needs "{key}"')
        return Piece(held[key], f"{self.path}.{key}")

    def get(self, key: str, default: object) -> Piece:
        """Give what stands behind a key, or the default."""
        return Piece(self.as_kind(dict).get(key, default), f"{self.path}.{key}")

    def items(self) -> Iterator[Piece]:
        """Go through an array."""
        return (Piece(item, f"{self.path}[{place}]") for place, item in enumerate(self.as_kind(list)))

    def make(self, build: Callable[..., T], **fields: object) -> T:
        """Build a value, and say where it stands if it cannot be."""
        try:
            return build(**fields)
        except ModelError as error:
            raise self.wrong(f"is wrong: {error}") from None


def read_ruleset(piece: Piece) -> Ruleset:
    """Read a ruleset."""
    return piece.make(
        Ruleset,
        name=piece.get("name", "<ruleset>").as_kind(str),
        family=_family(piece.get("family", None)),
        fragment=piece.get("fragment", False).as_kind(bool),
        tables=tuple(_table(table) for table in piece["tables"].items()),
        issues=tuple(_issue(issue) for issue in piece.get("issues", []).items()),
    )


def _family(piece: Piece) -> int | None:
    if piece.data is not None and piece.as_kind(int) not in (4, 6):
        raise piece.wrong(f"needs 4, 6 or null, found {piece.data}")
    return piece.as_kind(int, NoneType)  # type: ignore[no-any-return]


def _table(piece: Piece) -> Table:
    chains = tuple(_chain(chain) for chain in piece["chains"].items())
    return piece.make(Table, name=piece["name"].as_kind(str), chains=chains)


def _chain(piece: Piece) -> Chain:
    return piece.make(
        Chain,
        name=piece["name"].as_kind(str),
        policy=piece.get("policy", None).as_kind(str, NoneType),
        counters=_counters(piece.get("counters", None)),
        declared=piece.get("declared", True).as_kind(bool),
        rules=tuple(_rule(rule) for rule in piece["rules"].items()),
    )


def _rule(piece: Piece) -> Rule:
    target = piece.get("target", None)
    return piece.make(
        Rule,
        table=piece["table"].as_kind(str),
        chain=piece["chain"].as_kind(str),
        index=piece.get("index", 0).as_kind(int),
        line=piece.get("line", None).as_kind(int, NoneType),
        counters=_counters(piece.get("counters", None)),
        matches=tuple(_match(match) for match in piece["matches"].items()),
        target=None if target.data is None else _target(target),
    )


def _counters(piece: Piece) -> Counters | None:
    if piece.data is None:
        return None
    return piece.make(Counters, packets=piece["packets"].as_kind(int), bytes=piece["bytes"].as_kind(int))


def _issue(piece: Piece) -> ParseError:
    line, column, end = (piece[key].as_kind(int) for key in ("line", "column", "end"))
    message, source, text, expected, hint = (
        piece[key].as_kind(str) for key in ("message", "source", "text", "expected", "hint")
    )
    return ParseError(message, source=source, span=Span(line, column, end), text=text, expected=expected, hint=hint)


def _match(piece: Piece) -> Match:
    if "unknown_match" in piece.as_kind(dict):
        return piece.make(UnknownMatch, name=piece["unknown_match"].as_kind(str), words=_words(piece))
    return _extension(piece, MATCH_KEY, _MATCHES)


def _target(piece: Piece) -> Target:
    held = piece.as_kind(dict)
    if "jump" in held:
        return piece.make(Jump, chain=piece["jump"].as_kind(str))
    if "goto" in held:
        return piece.make(Goto, chain=piece["goto"].as_kind(str))
    if "unknown_target" in held:
        return piece.make(UnknownTarget, name=piece["unknown_target"].as_kind(str), words=_words(piece))
    return _extension(piece, TARGET_KEY, _TARGETS)


def _words(piece: Piece) -> tuple[str, ...]:
    return tuple(word.as_kind(str) for word in piece["words"].items())


_MATCHES = {extension_name(kind): kind for kind in MATCHES}
_TARGETS = {extension_name(kind): kind for kind in TARGETS}


def _extension(piece: Piece, key: str, declared: Mapping[str, type[X]]) -> X:
    name = piece[key].as_kind(str)
    kind = declared.get(name)
    if kind is None:
        raise piece[key].wrong(f'needs the name of a declared {key}, found "{name}"')
    options = {option.name: option for option in kind.options}
    fields: dict[str, object] = {}
    for field in piece.as_kind(dict):
        if field in options:
            fields[field] = _option(piece[field], options[field])
        elif field != key:
            raise piece.wrong(f'has "{field}", which is no option of {name}')
    for option in kind.options:
        if option.required and option.name not in fields:
            raise piece.wrong(f'needs "{option.name}"')
    return piece.make(kind, **fields)


def _option(piece: Piece, option: Option) -> object:
    if option.is_flag:
        return piece.as_kind(bool)
    if option.negatable:
        return Negatable(_value(piece["value"], option), negated=piece.get("negated", False).as_kind(bool))
    return _value(piece, option)


def _value(piece: Piece, option: Option) -> object:
    text = piece.as_kind(str)
    try:
        return option.codec.parse(text)
    except ValueError as error:
        raise piece.wrong(str(error)) from None
