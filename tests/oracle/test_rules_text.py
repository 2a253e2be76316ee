"""Ask iptables whether it prints every extension just as we do, and reads what we read.

Instances of each declared class are drawn, printed, loaded with iptables-restore and saved again: the saved line must
be ours, and we must read it as the same value. The lines of `fixtures/rules` must come back as they are, those of
`fixtures/spellings` as it is said there, and those of `fixtures/refused` must be refused. One side only reads
those of `fixtures/read-only-here` and `fixtures/read-only-there`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from iptables_model.grammar.reader import parse
from iptables_model.model.matches import MATCHES
from iptables_model.model.option import Extension, Option
from iptables_model.model.rule import Rule
from iptables_model.model.targets import TARGETS
from tests.askable import BEFORE, IPSETS, LOST, NOT_ASKED, NOT_HERE, asked, instances, rule_with
from tests.identity import READ_ONLY_HERE, READ_ONLY_THERE, REFUSED, RULES, SPELLINGS, Case, RuleFile
from tests.oracle import Namespace, namespace

pytestmark = pytest.mark.oracle

TOOLS = [f"{tool}-{backend}" for tool in ("iptables", "ip6tables") for backend in ("nft", "legacy")]


def family_of(tool: str) -> int:
    return 6 if tool.startswith("ip6") else 4


@pytest.fixture(scope="module")
def lab() -> Iterator[Namespace]:
    with namespace() as made:
        for name, family in IPSETS.items():
            inet = "inet" if family == 4 else "inet6"
            made.run("ipset", "create", name, "hash:ip", "family", inet, "counters", "skbinfo", "timeout", "0")
        yield made


class RefusedError(Exception):
    """Say that iptables does not load the rules."""


def saved(lab: Namespace, tool: str, table: str, rules: list[str], before: tuple[str, ...] = ()) -> list[str]:
    """Load rules, and give those that come back."""
    chain = rules[0].split()[1]
    lines = [f"*{table}", ":OTHER - [0:0]", f":{chain} - [0:0]", *before, *rules, "COMMIT"]
    loaded = lab.run(f"{tool}-restore", text="".join(f"{line}\n" for line in lines), check=False)
    if loaded.returncode:
        raise RefusedError(loaded.stderr)
    text = lab.run(f"{tool}-save", "-t", table).stdout
    return [line for line in text.split("\n") if line.startswith(f"-A {chain}")]


def read(rules: list[str], table: str) -> tuple[Rule, ...]:
    chain = rules[0].split()[1]
    text = "".join(f"{line}\n" for line in (f"*{table}", f":{chain} - [0:0]", *rules, "COMMIT"))
    return parse(text)[table][chain].rules


@functools.cache
def drawn(kind: type[Extension], family: int) -> list[Any]:
    """Draw some dozens of instances of a class, the same in every run."""
    found: list[Any] = []

    @settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(instances(kind, family))
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return list(dict.fromkeys(found))


CASES = [(kind, family) for kind in (*MATCHES, *TARGETS) for family in kind.families]


@pytest.mark.parametrize(("kind", "family"), CASES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_iptables_prints_and_reads_what_we_do(kind: type[Extension], family: int, lab: Namespace) -> None:
    values = drawn(kind, family)  # type: ignore[arg-type] # mypy: a class is not Hashable
    for tool in (tool for tool in TOOLS if family_of(tool) == family):
        # Loaded all at once, which is as fast as one; iptables tells the line that it refuses.
        rules = [rule_with(value, family) for value in values if asked(value, tool)]
        texts = [str(rule) for rule in rules]
        try:
            found = saved(lab, tool, rules[0].table, texts, BEFORE.get(kind, ()))
        except RefusedError:
            assert tool in NOT_HERE.get(kind, ())
            found = texts
        else:
            assert tool not in NOT_HERE.get(kind, ())
        assert found == texts
        back = read(found, rules[0].table)
        assert list(map(str, back)) == texts
        assert list(back) == rules


RULE_FILES = [(file, tool) for file in RULES for tool in TOOLS if family_of(tool) in file.families]


@pytest.mark.parametrize(("file", "tool"), RULE_FILES, ids=str)
def test_iptables_prints_the_fixtures_as_they_are(file: RuleFile, tool: str, lab: Namespace) -> None:
    lines = list(file.lines)
    try:
        found = saved(lab, tool, file.table, lines, BEFORE.get(file.kind, ()))
    except RefusedError:
        assert tool in NOT_HERE.get(file.kind, ())
        return
    assert found == lines


@pytest.mark.parametrize("tool", TOOLS)
def test_iptables_prints_spellings_as_it_is_said(tool: str, lab: Namespace) -> None:
    cases = [case for case in SPELLINGS if case.family == family_of(tool)]
    assert cases
    # One by one: some name the same table or estimator with other sizes.
    found = [saved(lab, tool, case.table, [case.line])[0].rstrip() for case in cases]
    assert found == [case.said for case in cases]


@pytest.mark.parametrize("tool", TOOLS)
def test_iptables_refuses_what_we_refuse(tool: str, lab: Namespace) -> None:
    cases = [case for case in REFUSED if case.family == family_of(tool)]
    assert cases
    assert [case.line for case in cases if not refused(lab, tool, case)] == []


@pytest.mark.parametrize("tool", TOOLS)
def test_iptables_and_we_differ_as_it_is_said(tool: str, lab: Namespace) -> None:
    here = [case for case in READ_ONLY_HERE if case.family == family_of(tool)]
    there = [case for case in READ_ONLY_THERE if case.family == family_of(tool)]
    assert here
    assert there
    assert [case.line for case in here if not refused(lab, tool, case)] == []
    assert [case.line for case in there if refused(lab, tool, case)] == []


def refused(lab: Namespace, tool: str, case: Case) -> bool:
    try:
        saved(lab, tool, case.table, [case.line])
    except RefusedError:
        return True
    return False


def lines_asked(kind: type[Extension], tool: str) -> Iterator[str]:
    """List the rules with an extension about which the tests here ask a tool."""
    family = family_of(tool)
    values = drawn(kind, family)  # type: ignore[arg-type] # as above
    yield from (str(rule_with(value, family)) for value in values if asked(value, tool))
    for file in RULES:
        if file.kind is kind and family in file.families:
            yield from file.lines
    loaded = f"-{'m' if kind in MATCHES else 'j'} {kind.extension}"
    yield from (case.line for case in SPELLINGS if case.family == family and loaded in case.line)


def options_in(kind: type[Extension]) -> list[Option]:
    """List the options of an extension that have flags, those of its elements too."""
    inner = [option for each in kind.options if each.codec.element for option in options_in(each.codec.element)]
    return [option for option in kind.options if option.flag] + inner


@pytest.mark.parametrize(("kind", "family"), CASES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_every_option_is_asked_about(kind: type[Extension], family: int) -> None:
    for tool in (tool for tool in TOOLS if family_of(tool) == family):
        lines = " \n".join(lines_asked(kind, tool)) + " "
        missing = set()
        for option in options_in(kind):
            flags = "|".join(re.escape(spelling.flag) for spelling in option.spellings())
            found = set(re.findall(rf" (! )?(?:{flags}) ", lines))
            wanted = {"", "! "} if option.negatable else {""}
            missing |= {f"{bang}{option.flag}" for bang in wanted - found}
        assert missing == NOT_ASKED.get((kind, family), set()) | NOT_ASKED.get((kind, tool), set())


LOSSES = [(kind, lost, example) for kind, losses in LOST.items() for lost, example in losses]


@pytest.mark.parametrize(("kind", "lost", "example"), LOSSES, ids=lambda value: value if isinstance(value, str) else "")
def test_iptables_loses_what_is_listed(
    kind: type[Extension], lost: Callable[[Any, str], bool], example: str, lab: Namespace
) -> None:
    """An entry of the list that is not needed any more is one to take out."""
    table = kind.tables[0] if kind.tables else "filter"
    ruleset = parse(f"*{table}\n:TEST - [0:0]\n-A TEST {example}\nCOMMIT\n")
    (rule,) = ruleset.rules
    (value,) = (one for one in (*rule.matches, rule.target) if isinstance(one, kind))
    families = {ruleset.family} if ruleset.family else set(kind.families)
    losing = [tool for tool in TOOLS if family_of(tool) in families and lost(value, tool)]
    assert losing
    for tool in losing:
        try:
            found = saved(lab, tool, table, [str(rule)], BEFORE.get(kind, ()))
            again = saved(lab, tool, table, found, BEFORE.get(kind, ()))
        except RefusedError:
            continue
        assert [str(rule)] not in (found, again)
