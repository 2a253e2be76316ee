"""The tables of the matches and targets, from their declarations and from what the walk knows of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import attrs

from docs.generate.markdown import cell, table
from iptables_model.model.matches import MATCHES
from iptables_model.model.option import Extension, Option
from iptables_model.model.targets import TARGETS
from iptables_model.netfilter.effects import EFFECTS
from iptables_model.netfilter.meaning import MEANINGS, PARTLY, UNDECIDED

__all__ = ["matches_table", "options_of_matches", "options_of_targets", "targets_table"]


def matches_table() -> str:
    """List the matches."""
    return _overview(MATCHES, _evaluated, "-m")


def targets_table() -> str:
    """List the targets."""
    return _overview(TARGETS, lambda kind: "evaluated" if kind in EFFECTS else "UNKNOWN", "-j")


def options_of_matches() -> str:
    """Describe the options of each match."""
    return "\n\n".join(_section(kind, "matches", "-m") for kind in MATCHES)


def options_of_targets() -> str:
    """Describe the options of each target that has any."""
    return "\n\n".join(_section(kind, "targets", "-j") for kind in TARGETS if kind.options)


def _overview(kinds: Sequence[type[Extension]], told: Callable[[type], str], word: str) -> str:
    rows = [
        (
            f"`{_spelled(kind, word)}`",
            ", ".join(_option_text(option) for option in kind.options) or "-",
            ", ".join(f"IPv{family}" for family in kind.families),
            told(kind),
        )
        for kind in kinds
    ]
    return table(("extension", "options", "families", "since Linux", "packets"), rows)


def _evaluated(kind: type) -> str:
    """Say what a packet tells of a match, and why it does not tell the rest."""
    if kind in UNDECIDED:
        return f"UNKNOWN: {UNDECIDED[kind].reason}"
    if kind in PARTLY:
        return f"evaluated; UNKNOWN: {PARTLY[kind]}"
    return "evaluated" if kind in MEANINGS else "UNKNOWN"


def _spelled(kind: type[Extension], word: str) -> str:
    return f"{word} {kind.extension}" if kind.extension else "(no -m)"


def _option_text(option: Option) -> str:
    if not option.flag:
        return f"(words of `{option.name}`)"
    return f"`{'[!] ' if option.negatable else ''}{option.flag}`{_family_text(option)}"


def _family_text(option: Option) -> str:
    return "" if option.family is None else f" (IPv{option.family})"


def _section(kind: type[Extension], module: str, word: str) -> str:
    types = {field.name: str(field.type) for field in attrs.fields(cast(type[attrs.AttrsInstance], kind))}
    rows = [_row(option, types[option.name]) for option in kind.options]
    said = inspect.getdoc(kind) or ""
    lead = [f"### {_spelled(kind, word)}", f"`{module}.{kind.__name__}`. {' '.join(said.split())}", *_conditions(kind)]
    return "\n\n".join([*lead, table(("option", "field", "type", "needs"), rows)] if rows else lead)


def _row(option: Option, kind: str) -> tuple[str, str, str, str]:
    spellings = ", ".join(f"`{spelling.flag}`" for spelling in option.spellings() if spelling.flag)
    bang = "`[!]` " if option.negatable else ""
    needs = cell(option.codec.expected) + ("; required" if option.required else "")
    return f"{bang}{spellings}{_family_text(option)}", f"`{option.name}`", f"`{cell(kind)}`", needs


def _conditions(kind: type[Extension]) -> Iterator[str]:
    """Say in which families and tables, and under which names, an extension is read."""
    if len(kind.families) == 1:
        yield f"IPv{kind.families[0]} only."
    if kind.tables:
        yield f"Only in table {' and '.join(kind.tables)}."
    if kind.aliases:
        yield f"Also read as {', '.join(f'`{alias}`' for alias in kind.aliases)}."
