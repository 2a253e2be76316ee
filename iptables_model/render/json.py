"""JSON: the nouns of a dump, there and back, and any answer of the library."""

from __future__ import annotations

import json
from typing import Any

from iptables_model.errors import ModelError, ParseError
from iptables_model.model.option import Match, Target
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Chain, Ruleset, Table
from iptables_model.render.decode import Piece, read_ruleset
from iptables_model.render.encode import WRITERS
from iptables_model.render.plain import plain
from iptables_model.source import Span

__all__ = ["from_dict", "from_json", "to_dict", "to_json"]


def to_dict(value: Ruleset | Table | Chain | Rule | Match | Target) -> dict[str, Any]:
    """Give a noun of a dump as plain data, as `json_schema` describes it.

    A match or target has its name and the options that it carries; values stand as iptables prints them, and one that
    can be negated as an object of `value` and `negated`. A flag is true, or false if it is negated.

    >>> from iptables_model.model.targets import Mark
    >>> from iptables_model.values.numbers import Masked
    >>> to_dict(Mark(set_xmark=Masked(0x4000, 0x4000)))
    {'target': 'MARK', 'set_xmark': '0x4000/0x4000'}
    """
    for kind, write in WRITERS:
        if isinstance(value, kind):
            return write(value)
    raise ModelError(f"{type(value).__name__} is no noun of a dump")


def to_json(value: object, *, indent: int | None = None) -> str:
    """Write a ruleset, a part of one, or an answer of the library as JSON.

    >>> from iptables_model.model.ruleset import Table
    >>> to_json(Table(name="nat"))
    '{"name": "nat", "chains": []}'
    """
    data = to_dict(value) if isinstance(value, Rule) else plain(value)
    return json.dumps(data, indent=indent)


def from_dict(data: object) -> Ruleset:
    """Build a ruleset from the data that `to_dict` made of one.

    Raises `ModelError` with the path to what is wrong.

    >>> from_dict({"tables": [{"name": "nat", "chains": []}]})["nat"].chains
    ()
    """
    return read_ruleset(Piece(data))


def from_json(text: str) -> Ruleset:
    """Read a ruleset from the JSON that `to_json` wrote of one; all but the layout of its text comes back.

    Raises `ParseError` if the text is not JSON, and `ModelError` with the path to what is wrong in it. Wrong are also
    the few values that iptables prints and refuses to read again: a hashlimit of 1b/s is printed as 0b/s.

    >>> from_json(to_json(Ruleset(family=6))) == Ruleset(family=6)
    True
    """
    return from_dict(_load(text))


def _load(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        lines = text.split("\n")
        span = Span(error.lineno, error.colno, error.colno + 1)
        raise ParseError(f"not JSON: {error.msg}", source="<json>", span=span, text=lines[error.lineno - 1]) from None
    except (RecursionError, ValueError) as error:
        # Brackets nested by the thousand, or a number of thousands of digits: nothing that we wrote.
        why = "nested too deeply" if isinstance(error, RecursionError) else "a number is too long"
        raise ParseError(f"not JSON of ours: {why}", source="<json>", span=Span(1, 1, 2), text=text[:200]) from None
