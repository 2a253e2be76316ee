"""Twenty thousand damaged dumps: each is read or ends in an error of the library, in time, and loses no line."""

from __future__ import annotations

import contextlib
import time

import pytest

from iptables_model import DumpErrors, IptablesModelError, Mode, ParseError, Ruleset, parse, parse_dumps
from iptables_model.grammar.paste import is_noise
from tests.fuzz.damage import damaged

CHUNKS, EACH = 40, 500
LONGEST = 1.0
"""Seconds that one text may take."""


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_damaged_dumps(chunk: int) -> None:
    for number in range(chunk * EACH, (chunk + 1) * EACH):
        text = damaged(number)
        began = time.process_time()
        lenient = parse(text, mode=Mode.LENIENT)
        assert time.process_time() - began < LONGEST, number
        assert str(lenient) == text, number
        assert lost(lenient, text) == [], number
        check_modes(text, lenient)


def check_modes(text: str, lenient: Ruleset) -> None:
    """Check that the other modes tell the same, in their own way."""
    told = [str(issue) for issue in lenient.issues]
    strict = outcome(text, Mode.STRICT)
    collected = outcome(text, Mode.COLLECT)
    if isinstance(strict, ParseError):
        assert str(strict) in told
        assert isinstance(collected, DumpErrors)
        assert {str(error) for error in collected.exceptions} <= set(told)
    else:
        assert strict == collected == lenient
        assert [str(issue) for issue in strict.issues] == told
    with contextlib.suppress(IptablesModelError):
        assert "".join(map(str, parse_dumps(text))) == text


def outcome(text: str, mode: Mode) -> Ruleset | ParseError | DumpErrors:
    try:
        return parse(text, mode=mode)
    except (ParseError, DumpErrors) as error:
        return error


def lost(ruleset: Ruleset, text: str) -> list[int]:
    """List the lines that are neither rule, chain, header, blank, comment, known noise nor an issue."""
    lines = text.split("\n")
    seen = {issue.line for issue in ruleset.issues}
    several = [issue.line for issue in ruleset.issues if issue.message.startswith("the text holds ")]
    seen.update(range(several[0], len(lines) + 1) if several else ())
    for rule in ruleset.rules:
        assert rule.line is not None
        # A rule whose comment holds a newline stands on two lines.
        seen.update(range(rule.line, rule.line + str(rule).count("\n") + 1))
    chains = {chain.name for table in ruleset for chain in table}
    return [number for number, line in enumerate(lines, 1) if number not in seen and not known(line, chains)]


def known(line: str, chains: set[str]) -> bool:
    """Say whether a line needs no trace in the model, or has left its trace there."""
    bare = line.removeprefix("\ufeff").strip(" \t\r")
    words = bare.split()
    if not words or words[0].startswith(("#", "*")) or words == ["COMMIT"] or is_noise(bare):
        return True
    if words[0] in ("-P", "-N"):
        return words[1] in chains
    return words[0].startswith(":") and (words[0][1:] or words[1]) in chains
