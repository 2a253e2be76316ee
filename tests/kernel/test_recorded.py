"""What the kernel once told otherwise than the walk, held ever after; needs no root."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptables_model import Node, parse
from tests.kernel.compare import answers, differences
from tests.kernel.lab import laboratory, node_of
from tests.kernel.record import RECORDS, evidence, read

PATHS = sorted(RECORDS.glob("*.json"))


@pytest.fixture(scope="module")
def node() -> Node:
    return node_of(evidence())


def test_there_are_records() -> None:
    assert PATHS


@pytest.mark.oracle
def test_the_laboratory_is_as_recorded() -> None:
    with laboratory() as lab:
        assert lab.evidence() == evidence()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_recorded_packet_fares_as_in_the_kernel(path: Path, node: Node) -> None:
    record = read(path)
    flows = answers(parse(record.rules), record.frame, record.passed, node)
    assert differences(flows, record.passed) == "", record.about
    assert {one.statement for flow in flows for one in flow.assumptions} == set(record.assumed)
