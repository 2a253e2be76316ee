"""Short ways to read one rule."""

from __future__ import annotations

import pytest

from iptables_model import ParseError, Rule, parse

HEAD = "*filter\n:INPUT ACCEPT [0:0]\n:ZONE - [0:0]\n"


def rule(line: str, *, table: str = "filter") -> Rule:
    """Read the one rule of a table that has the chain ZONE."""
    text = f"*{table}\n:ZONE - [0:0]\n{line}\nCOMMIT\n"
    ruleset = parse(text)
    assert str(ruleset) == text
    (found,) = ruleset.rules
    return found


def complaint(line: str) -> tuple[str, int, int, str]:
    """Give the message, the columns and the hint of the error that a line of a table makes."""
    with pytest.raises(ParseError) as raised:
        parse(f"{HEAD}{line}\nCOMMIT\n")
    error = raised.value
    assert error.line == 4
    assert error.text == line
    return error.message, error.column, error.span.end, error.hint
