"""How long questions about a ruleset of 5,000 rules take; `python -m tests.benchmarks` measures larger ones.

pytest tests/benchmarks/test_questions.py --benchmark-columns=min,mean,rounds
"""

from __future__ import annotations

import pickle

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from iptables_model import Outcome, Packet, Ruleset, parse, reachability_matrix, reachable_endpoints, services, trace
from iptables_model.render import from_json, to_json
from tests.benchmarks.generate import kube_proxy

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


def test_chain_of_ten_thousand_addresses(benchmark: BenchmarkFixture) -> None:
    """Each rule takes one address out of the open source."""
    rules = "".join(f"-A FORWARD -s 10.0.{place // 125}.{place % 125 * 2}/32 -j DROP\n" for place in range(10_000))
    ruleset = parse(f"*filter\n:FORWARD ACCEPT [0:0]\n{rules}COMMIT\n")
    packet = Packet(dst="10.244.0.5", protocol="tcp", dport=80)
    flows = benchmark.pedantic(trace, (ruleset, packet), rounds=3)  # type: ignore[no-untyped-call]
    (dropped,) = [flow for flow in flows if flow.outcome is Outcome.DROPPED]
    assert len(str(dropped.when.packets[0].src).split(",")) == 10_000


def test_json(ruleset: Ruleset, benchmark: BenchmarkFixture) -> None:
    assert from_json(benchmark(to_json, ruleset)) == ruleset


def test_pickle(ruleset: Ruleset, benchmark: BenchmarkFixture) -> None:
    assert benchmark(lambda: pickle.loads(pickle.dumps(ruleset))) == ruleset  # noqa: S301 (our own)
