"""A grammar shared with others: with threads that need it at once, with programs that changed pyparsing's settings."""

from __future__ import annotations

import subprocess
import sys

import pytest

from iptables_model import ParseError, parse
from tests.files import FIXTURES, ROOT, fixture_text

DUMP = FIXTURES / "tutorial" / "kind-worker.save"
BAD = '-A KUBE-SEP-AAAA -m comment --comment "a,\tb" -m statistic --mode random --probability half'

THREADS = """
import sys, threading
from iptables_model import ParseError, parse

sys.setswitchinterval(1e-6)
text = sys.stdin.read()
bad = text.replace("COMMIT", sys.argv[1] + "\\nCOMMIT", 1)
gate = threading.Barrier(8)
results = []

def read():
    gate.wait()
    for _ in range(3):
        rules = [str(rule) for rule in parse(text).rules]
        try:
            parse(bad)
        except ParseError as error:
            results.append((rules, str(error)))

threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(results) == 24, len(results)
assert all(result == results[0] for result in results)
rules, error = results[0]
sys.stdout.write("\\n".join([*rules, error]))
"""

ALONE = """
import sys
import pyparsing as pp
{setting}
from iptables_model import ParseError, parse

text = sys.stdin.read()
rules = [str(rule) for rule in parse(text).rules]
try:
    parse(text.replace("COMMIT", sys.argv[1] + "\\nCOMMIT", 1))
except ParseError as error:
    sys.stdout.write("\\n".join([*rules, str(error)]))
"""

SETTINGS = [
    "pass",
    "pp.ParserElement.set_default_whitespace_chars('')",
    "pp.ParserElement.set_default_whitespace_chars(' \\t\\n,')",
    "pp.ParserElement.set_default_whitespace_chars('-A')",
    "pp.ParserElement.inline_literals_using(pp.Suppress)",
    "pp.ParserElement.enable_packrat()",
    "pp.ParserElement.enable_left_recursion()",
    "pp.ParserElement.verbose_stacktrace = True",
    "pp.Keyword.set_default_keyword_chars('-')",
]


def expected() -> str:
    """Say what every process must print."""
    text = fixture_text(DUMP)
    rules = [str(rule) for rule in parse(text).rules]
    with pytest.raises(ParseError) as raised:
        parse(text.replace("COMMIT", f"{BAD}\nCOMMIT", 1))
    return "\n".join([*rules, str(raised.value)])


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, BAD],
        input=fixture_text(DUMP), capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("attempt", range(5))
def test_eight_threads_on_a_cold_grammar(attempt: int) -> None:
    assert run(THREADS) == expected()


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_of_other_programs(setting: str) -> None:
    assert run(ALONE.format(setting=setting)) == expected()


def test_eight_threads_on_one_ruleset() -> None:
    program = """
import sys, threading
from iptables_model import parse

sys.setswitchinterval(1e-6)
text = sys.stdin.read()
for _ in range(20):
    ruleset, results, gate = parse(text), [], threading.Barrier(8)
    def read():
        gate.wait()
        results.append([str(rule) for rule in ruleset.rules])
    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8 and all(result == results[0] for result in results)
sys.stdout.write("\\n".join(results[0]))
"""
    assert run(program) == "\n".join(map(str, parse(fixture_text(DUMP)).rules))
