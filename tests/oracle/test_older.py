"""Read what older releases of iptables print, and ask this one whether it means what we say.

Beside each dump of `fixtures/older` stand the same rules as iptables 1.8.9 prints them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iptables_model import Ruleset, load, parse
from iptables_model.model.matches.unknown import UnknownMatch
from iptables_model.model.option import Match, Target
from iptables_model.model.targets.unknown import UnknownTarget
from tests.files import fixture_files, fixture_name, fixture_text
from tests.oracle import Namespace, namespace

BACKENDS = ("nft", "legacy")
GONE = "-j ULOG"
"""What Linux has no more since 3.17."""

BEFORE_1_4_3 = "iptables-1.4.2.save"
"""A dump with `!` before the values, which iptables 1.8.9 does not read."""

DUMPS = fixture_files("older/*.save")


def rules(ruleset: Ruleset) -> list[str]:
    """List the rules without their counters, each behind its table."""
    return [f"{rule.table}: {str(rule).partition('-A')[2]}" for rule in ruleset.rules]


def values(ruleset: Ruleset) -> list[tuple[tuple[Match, ...], Target | None]]:
    return [(rule.matches, rule.target) for rule in ruleset.rules]


def now(path: Path) -> Path:
    return path.with_suffix(".now")


@pytest.mark.parametrize("path", DUMPS, ids=fixture_name)
def test_older_dumps_say_what_they_say_now(path: Path) -> None:
    older, newer = load(path), load(now(path))
    assert str(older) == fixture_text(path)
    assert rules(older) == rules(newer)
    assert values(older) == values(newer)
    printed = [line for line in fixture_text(now(path)).split("\n") if line.startswith("-A ")]
    assert [str(rule) for rule in newer.rules] == printed
    parts = [part for rule in older.rules for part in (*rule.matches, rule.target)]
    assert not any(isinstance(part, UnknownMatch | UnknownTarget) for part in parts)


@pytest.fixture(scope="module")
def lab() -> Iterator[Namespace]:
    with namespace() as made:
        made.run("ipset", "create", "web", "hash:ip")
        yield made


def kept(path: Path) -> str:
    """Give the text of a dump without what this kernel cannot load."""
    return "".join(line for line in fixture_text(path).splitlines(keepends=True) if GONE not in line)


@pytest.mark.oracle
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("path", DUMPS, ids=fixture_name)
def test_iptables_prints_older_dumps_as_it_is_said(path: Path, backend: str, lab: Namespace) -> None:
    restore = f"iptables-{backend}-restore"
    refused = lab.run(restore, "--test", text=kept(path), check=False).returncode != 0
    assert refused == (path.name == BEFORE_1_4_3)
    lab.run(restore, text=kept(now(path) if refused else path))
    saved = parse(lab.run(f"iptables-{backend}-save").stdout)
    assert {table: [rule for rule in rules(saved) if rule.startswith(f"{table}:")] for table in TABLES} == {
        table: [rule for rule in rules(parse(kept(now(path)))) if rule.startswith(f"{table}:")] for table in TABLES
    }
    lab.run(restore, text="".join(f"*{table}\nCOMMIT\n" for table in TABLES))


TABLES = ("raw", "mangle", "nat", "filter")
