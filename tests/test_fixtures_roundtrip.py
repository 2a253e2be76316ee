"""Every dump: text, ruleset, and the same text again, byte for byte; every rule in its canonical form."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptables_model import parse
from tests.files import fixture_files, fixture_name, fixture_text

DUMPS = fixture_files("dumps/**/*.save", "dumps/**/*.save6", "tutorial/*.save")


@pytest.mark.parametrize("path", DUMPS, ids=fixture_name)
def test_the_text_comes_back(path: Path) -> None:
    text = fixture_text(path)
    ruleset = parse(text, name=path.name)
    assert str(ruleset) == text
    assert ruleset.issues == ()
    assert ruleset.family == (6 if path.suffix == ".save6" else 4)


@pytest.mark.parametrize("path", DUMPS, ids=fixture_name)
def test_every_rule_prints_its_line(path: Path) -> None:
    lines = fixture_text(path).splitlines()
    rules = list(parse(fixture_text(path), name=path.name).rules)
    written = {rule.line: str(rule) for rule in rules}
    # Only iptables-nft-save 1.8.7 ends a rule that has no target with a blank.
    blank = " " if "iptables-1.8.7" in fixture_name(path) and ".nft." in path.name else ""
    bare = {rule.line for rule in rules if rule.target is None}
    expected = {number: line for number, line in enumerate(lines, 1) if line.startswith(("-A ", "["))}
    assert {line: text + (blank if line in bare else "") for line, text in written.items()} == expected
