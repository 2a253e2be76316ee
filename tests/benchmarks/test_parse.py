"""How long a large dump takes to read, measured against `iptables-restore --test` on the same text and machine.

    pytest tests/benchmarks/test_parse.py --benchmark-columns=min,mean,rounds --benchmark-json=parse.json

`extra_info` holds the ratio to the faster of both flavours of iptables-restore, and the peak memory of a process that
does nothing else, beyond that of an empty one. They are recorded and not asserted, because other work on the machine
moves them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from iptables_model import parse
from tests.benchmarks.calico import calico
from tests.benchmarks.generate import firewall, kube_proxy
from tests.benchmarks.measures import best
from tests.benchmarks.outside import peak, restore
from tests.oracle import why_not


@pytest.mark.parametrize(
    ("make", "rules"),
    [(kube_proxy, 5_000), (kube_proxy, 50_000), (firewall, 5_000), (calico, 5_000)],
    ids=["kube-proxy-5000", "kube-proxy-50000", "firewall-5000", "calico-5000"],
)
def test_parse(make: Callable[[int], str], rules: int, benchmark: BenchmarkFixture) -> None:
    text = make(rules)
    parse("*nat\nCOMMIT\n")
    ruleset = benchmark.pedantic(parse, (text,), rounds=5, iterations=1)  # type: ignore[no-untyped-call]
    assert len(list(ruleset.rules)) == text.count("\n-A ") == pytest.approx(rules, rel=0.05)
    if Path("/proc/self/status").exists():
        benchmark.extra_info["peak_megabytes"] = peak(text)
    if why_not() is None:
        taken = restore(text)
        benchmark.extra_info["iptables_restore_seconds"] = round(taken, 4)
        benchmark.extra_info["times_iptables_restore"] = round(best(lambda: parse(text)) / taken, 2)
