"""The rule that CI skips no oracle, asked by running pytest inside pytest."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle import Namespace

CONFTEST = Path(__file__).parent / "conftest.py"
SKIPPED = """
import pytest

@pytest.mark.oracle
def test_kernel():
    pytest.skip("no kernel here")

def test_other():
    pytest.skip("not today")
"""


@pytest.fixture
def inner(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(CONFTEST.read_text().replace("why_not()", "None"))
    pytester.makeini("[pytest]\nmarkers = oracle: asks the kernel\n")
    pytester.makepyfile(SKIPPED)
    return pytester


def test_ci_fails_when_an_oracle_is_skipped(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = inner.runpytest()
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*test_kernel asks an oracle and was skipped in CI: *no kernel here*"])


def test_elsewhere_it_is_only_skipped(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    inner.runpytest().assert_outcomes(skipped=2)


@pytest.mark.oracle
def test_a_namespace_is_empty_and_runs_commands(netns: Namespace) -> None:
    assert netns.run("iptables-nft-save").stdout == ""
    assert netns.run("cat", text="a\n").stdout == "a\n"
    assert netns.run("false", check=False).returncode == 1
