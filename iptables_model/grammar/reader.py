"""Read dumps: the public way in."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from iptables_model.errors import DumpErrors, ModelError, ParseError
from iptables_model.grammar.dumps import Dump, split
from iptables_model.grammar.mode import Mode
from iptables_model.grammar.section import DumpReader
from iptables_model.model.ruleset import BUILTIN_CHAINS, keep_text
from iptables_model.source import Span

if TYPE_CHECKING:
    from os import PathLike

    from iptables_model.model.ruleset import Ruleset

__all__ = ["load", "parse", "parse_dumps"]

_BOM = "\ufeff"


def parse(text: str, *, mode: Mode = Mode.STRICT, name: str = "<string>", table: str | None = None) -> Ruleset:
    r"""Read the text of one dump, or of a part of one.

    The text is what `iptables-save` or `ip6tables-save` prints, with what people paste around it: prompts, lines of
    kubectl, a byte order mark, CRLF. Bare rules, as `iptables-save | grep my-service` leaves them, and the output of
    `iptables -S` are a fragment (`Ruleset.fragment`); the table of a rule is then inferred, and `table` names it for
    those rules that nothing places. `name` stands for the text in messages.

    `str(ruleset)` is the text again, whatever it holds. `Ruleset.issues` lists the lines that `Mode.LENIENT` could not
    read, and in every mode what shows that the dump is not whole: a table without COMMIT, a complaint of iptables-save.

    Raises `ParseError`, or in `Mode.COLLECT` a `DumpErrors` that holds all of them; `ModelError` if `table` is none of
    iptables'.

    >>> ruleset = parse("*nat\n:MARK-IT - [0:0]\n-A MARK-IT -j MARK --set-xmark 0x4000/0x4000\nCOMMIT\n")
    >>> ruleset["nat"]["MARK-IT"].rules[0].target
    Mark(set_xmark=Masked(value=16384, mask=16384))
    """
    return _parse(text, Mode(mode), name, table, templates=True)


def load(path: str | PathLike[str], *, mode: Mode = Mode.STRICT, table: str | None = None) -> Ruleset:
    """Read the dump in a file, as `parse` does; the file's path is the ruleset's name.

    Bytes that are not UTF-8 become lone surrogates (PEP 383), so that `str(ruleset).encode("utf-8", "surrogateescape")`
    is the file, byte for byte. Raises `OSError` too, if the file cannot be read.

    >>> ruleset = load("fixtures/tutorial/kind-worker.save")
    >>> ruleset.name, ruleset.family
    ('fixtures/tutorial/kind-worker.save', 4)
    """
    text = Path(path).read_bytes().decode("utf-8", "surrogateescape")
    return parse(text, mode=mode, name=str(path), table=table)


def parse_dumps(
    text: str, *, mode: Mode = Mode.STRICT, name: str = "<string>", table: str | None = None
) -> tuple[Ruleset, ...]:
    r"""Read a text that holds several dumps, such as `iptables-save` and `ip6tables-save` one after the other.

    A new dump begins where a table comes again, or where the headers change the family. The texts of the rulesets,
    joined, are the text, and their rules have the lines of the whole text. Raises as `parse` does.

    >>> text = "*nat\n-A INPUT -s 10.0.0.1\nCOMMIT\n*nat\n-A INPUT -s ::1\nCOMMIT\n"
    >>> [ruleset.family for ruleset in parse_dumps(text)]
    [4, 6]
    """
    mode = Mode(mode)
    _check_table(table)
    dumps = split(text)
    ends = [dump.start for dump in dumps[1:]] + [len(text)]
    parts = [text[dump.start : end].split("\n") for dump, end in zip(dumps, ends, strict=True)]
    readers = [_read(lines, dump, mode, name, table, templates=True) for lines, dump in zip(parts, dumps, strict=True)]
    if mode is Mode.COLLECT:
        _raise_all([error for reader in readers for error in reader.report.errors], name)
    return tuple(
        keep_text(reader.finish(), tuple(lines), partial(_parse_part, dump=dump, mode=mode, name=name, table=table))
        for reader, lines, dump in zip(readers, parts, dumps, strict=True)
    )


def _parse_part(text: str, dump: Dump, mode: Mode, name: str, table: str | None) -> Ruleset:
    """Read one dump of several again."""
    lines = text.split("\n")
    reader = _read(lines, dump, mode, name, table, templates=True)
    again = partial(_parse_part, dump=dump, mode=mode, name=name, table=table)
    return keep_text(reader.finish(), tuple(lines), again)


def _parse(text: str, mode: Mode, name: str, table: str | None, *, templates: bool) -> Ruleset:
    _check_table(table)
    dumps = split(text)
    several = None if len(dumps) == 1 else _several(text, dumps, name)
    if several is not None and mode is Mode.STRICT:
        raise several
    lines = text.split("\n")
    own = lines if several is None else lines[: dumps[1].line]
    reader = _read(own, dumps[0], mode, name, table, templates=templates)
    if several is not None:
        reader.report.errors.append(several)
    if mode is Mode.COLLECT:
        _raise_all(reader.report.errors, name)
    again = partial(_parse, mode=mode, name=name, table=table, templates=templates)
    return keep_text(reader.finish(), tuple(lines), again)


def _read(lines: list[str], dump: Dump, mode: Mode, name: str, table: str | None, *, templates: bool) -> DumpReader:
    reader = DumpReader(_bodies(lines), dump, mode=mode, name=name, table=table, templates=templates)
    reader.read()
    return reader


def _bodies(lines: list[str]) -> list[str]:
    """Take from lines what is not to be read: the byte order mark, and the CR of a CRLF."""
    if lines[0].startswith(_BOM):
        lines = [lines[0][1:], *lines[1:]]
    return [line.rstrip("\r") for line in lines] if any("\r" in line for line in lines) else lines


def _raise_all(errors: list[ParseError], name: str) -> None:
    if errors:
        count = f"{len(errors)} lines" if len(errors) > 1 else "1 line"
        raise DumpErrors(f"{name}: {count} cannot be read", errors)


def _check_table(table: str | None) -> None:
    if table is not None and table not in BUILTIN_CHAINS:
        raise ModelError(f'a table is one of {", ".join(BUILTIN_CHAINS)}, found "{table}"')


def _several(text: str, dumps: list[Dump], name: str) -> ParseError:
    """Say which dumps the text holds, at the start of the second."""
    lines = [dump.line for dump in dumps[1:]]
    last = text.count("\n") + (not text.endswith("\n"))
    listed = [
        f"lines {dump.line + 1}-{end} ({_family(dump)}: {', '.join([*dump.tables][:8])})"
        for dump, end in zip(dumps[:5], [*lines, last], strict=False)
    ]
    second = dumps[1]
    line = text[second.start :].partition("\n")[0].rstrip("\r")
    return ParseError(
        f"the text holds {len(dumps)} dumps: {'; '.join(listed)}{'; ...' if len(dumps) > 5 else ''}",
        source=name,
        span=Span(second.line + 1, 1, len(line) + 1),
        text=line,
        expected="one dump",
        hint="parse_dumps reads them one by one",
    )


def _family(dump: Dump) -> str:
    return {4: "IPv4", 6: "IPv6", None: "no header"}[dump.family]
