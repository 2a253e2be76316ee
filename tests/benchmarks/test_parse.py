"""How long a large dump takes to read, measured against `iptables-restore --test` on the same text and machine.

    pytest tests/benchmarks/test_parse.py --benchmark-columns=min,mean,rounds --benchmark-json=parse.json

`extra_info` holds the ratio to the faster of both flavours of iptables-restore, and the peak memory of a process that
does nothing else. They are recorded and not asserted, because other work on the machine moves them.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from iptables_model import parse
from tests.benchmarks.calico import calico
from tests.benchmarks.generate import firewall, kube_proxy
from tests.files import ROOT
from tests.oracle import namespace, why_not

PEAK = """
import sys
from iptables_model import parse
parse(sys.stdin.read())
sys.stdout.write(open("/proc/self/status").read())
"""


@pytest.mark.parametrize(
    ("make", "rules"),
    [(kube_proxy, 5_000), (kube_proxy, 50_000), (firewall, 5_000), (calico, 5_000)],
    ids=["kube-proxy-5000", "kube-proxy-50000", "firewall-5000", "calico-5000"],
)
def test_parse(make: Callable[[int], str], rules: int, benchmark: BenchmarkFixture) -> None:
    text = make(rules)
    parse("*nat\nCOMMIT\n")
    ruleset = benchmark.pedantic(parse, (text,), rounds=5, iterations=1)  # type: ignore[no-untyped-call]
    assert abs(sum(len(chain.rules) for table in ruleset for chain in table) - rules) < 20
    if Path("/proc/self/status").exists():
        benchmark.extra_info["peak_megabytes"] = peak(text)
    if why_not() is None:
        taken = restore(text)
        benchmark.extra_info["iptables_restore_seconds"] = round(taken, 4)
        benchmark.extra_info["times_iptables_restore"] = round(best(lambda: parse(text)) / taken, 2)


def peak(text: str) -> int:
    """Measure the resident memory, in megabytes, of a fresh process that reads the text."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK], input=text, capture_output=True, text=True, check=True, cwd=ROOT
    )
    # getrusage(2) would count the memory of the process that started it, too.
    (line,) = [line for line in done.stdout.split("\n") if line.startswith("VmHWM:")]
    return int(line.split()[1]) // 1024


def restore(text: str) -> float:
    """Time the faster flavour of iptables-restore, which only tests the text."""
    with namespace() as made:
        made.run("ipset", "restore", text="".join(f"{line}\n" for line in _ipsets(text)))
        return min(
            best(lambda tool=tool: made.run(tool, "--test", text=text))  # type: ignore[misc]
            for tool in ("iptables-legacy-restore", "iptables-nft-restore")
        )


def _ipsets(text: str) -> Iterator[str]:
    """Make the ipsets, empty, that a text looks into: rules cannot be loaded without."""
    for name, sides in sorted(set(re.findall(r"--match-set (\S+) (\S+)", text))):
        yield f"create {name} {'hash:ip,port' if ',' in sides else 'hash:net'} family inet"


def best(call: Callable[[], object]) -> float:
    """Time the best of a few calls, in seconds."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)
