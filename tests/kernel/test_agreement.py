"""The walk agrees with the Linux kernel, rule by rule, on random rulesets and packets."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.kernel.experiment import results
from tests.kernel.generate import case
from tests.kernel.lab import Lab, laboratory, node_of

pytestmark = pytest.mark.oracle

BATCHES, RULESETS = 10, 30


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with laboratory() as made:
        yield made


@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_walk_agrees_with_the_kernel(lab: Lab, batch: int) -> None:
    agrees(lab, [f"{batch}/{number}" for number in range(RULESETS)])


def test_it_does_so_on_fresh_rulesets(lab: Lab) -> None:
    """Try rulesets that no one has seen; a failure names the seed."""
    seed = secrets.token_hex(4)
    agrees(lab, [f"{seed}/{number}" for number in range(10)])


def agrees(lab: Lab, seeds: list[str]) -> None:
    """Try the rulesets of some seeds. What is decided must be as the kernel has it, and little may be left open."""
    node = node_of(lab.evidence())
    sent = left_open = 0
    for seed in seeds:
        for result in results(lab, node, case(seed)):
            assert not result.difference, f"seed {seed}\n{result}"
            sent += 1
            left_open += result.open
    assert sent > 19.9 * len(seeds)
    assert left_open < sent / 10
