"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from tests.oracle import Namespace, namespace, why_not

pytest_plugins = ["pytester"]

# In CI what hypothesis draws is the same each time, so that a run says something about the change and not about luck.
settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI") == "true":
    settings.load_profile("ci")


@pytest.fixture
def netns() -> Iterator[Namespace]:
    """Give a network namespace of the test's own."""
    with namespace() as made:
        yield made


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that asks an oracle where there is none."""
    if item.get_closest_marker("oracle") is not None:
        reason = why_not()
        if reason is not None:
            pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, let a test that should have asked an oracle and did not fail."""
    report = yield
    if report.skipped and item.get_closest_marker("oracle") is not None and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} asks an oracle and was skipped in CI: {report.longrepr}"
    return report
