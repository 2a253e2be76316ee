"""How long questions about a ruleset of 5,000 rules take; `python -m tests.benchmarks` measures larger ones.

pytest tests/benchmarks/test_questions.py --benchmark-columns=min,mean,rounds
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from iptables_model import Outcome, Packet, Ruleset, parse, reachability_matrix, reachable_endpoints, services, trace
from iptables_model.render import from_json, to_json
from tests.benchmarks.generate import addresses, kube_proxy, marks
from tests.benchmarks.measures import ANYONE

RULES = 5_000
SERVICE, OTHER = "namespace-7/service-7:http", "namespace-8/service-8:http"


@pytest.fixture(scope="module")
def text() -> str:
    return kube_proxy(RULES)


@pytest.fixture(scope="module")
def ruleset(text: str) -> Ruleset:
    return parse(text)


def test_first_question(text: str, benchmark: BenchmarkFixture) -> None:
    answer = benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda fresh: reachable_endpoints(fresh, SERVICE), setup=lambda: ((parse(text),), {}), rounds=5
    )
    assert [str(one.address) for one in answer.endpoints] == [f"10.244.0.{pod}" for pod in range(28, 32)]
    assert sum(one.probability for one in answer.endpoints) == 1


def test_next_question(ruleset: Ruleset, benchmark: BenchmarkFixture) -> None:
    reachable_endpoints(ruleset, SERVICE)
    answer = benchmark(reachable_endpoints, ruleset, OTHER)
    assert [str(one.address) for one in answer.endpoints] == [f"10.244.0.{pod}" for pod in range(32, 36)]


def test_matrix(ruleset: Ruleset, benchmark: BenchmarkFixture) -> None:
    answers = benchmark(reachability_matrix, ruleset, SERVICE)
    assert [answer.outcome for answer in answers] == [Outcome.REACHES] * 3


def test_all_services(text: str, benchmark: BenchmarkFixture) -> None:
    found = benchmark.pedantic(services, setup=lambda: ((parse(text),), {}), rounds=3)  # type: ignore[no-untyped-call]
    assert len(found) == text.count("cluster IP") // 2


def test_trace_to_any_address(ruleset: Ruleset, benchmark: BenchmarkFixture) -> None:
    packet = Packet(src="10.244.0.5", protocol="tcp", dport=80)
    flows = benchmark.pedantic(trace, (ruleset, packet), rounds=1)  # type: ignore[no-untyped-call]
    reached = {str(one.packet.dst) for one in flows if one.translated}
    assert len(reached) == 4 * len(services(ruleset))


@pytest.mark.parametrize(
    ("make", "field", "last", "spared"),
    [(addresses, "src", "10.0.78.30", "10.0.78.31"), (marks, "mark", 19_998, 19_999)],
    ids=["addresses", "marks"],
)
def test_chain_that_asks_an_open_field(
    make: Callable[[int], str], field: str, last: Any, spared: Any, benchmark: BenchmarkFixture
) -> None:
    """Each of ten thousand rules takes one member out of the open field."""
    flows = benchmark.pedantic(trace, (parse(make(10_000)), ANYONE), rounds=3)  # type: ignore[no-untyped-call]
    (dropped,) = [flow for flow in flows if flow.outcome is Outcome.DROPPED]
    members = [attrs.evolve(ANYONE, **({"src": "192.0.2.1"} | {field: one})) for one in (last, spared)]
    assert [member in dropped.when for member in members] == [True, False]


def test_json(ruleset: Ruleset, benchmark: BenchmarkFixture) -> None:
    assert from_json(benchmark(to_json, ruleset)) == ruleset


def test_pickle(ruleset: Ruleset, benchmark: BenchmarkFixture) -> None:
    assert benchmark(lambda: pickle.loads(pickle.dumps(ruleset))) == ruleset  # noqa: S301 (our own)
