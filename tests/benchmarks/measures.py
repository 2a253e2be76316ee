"""What is measured about one ruleset, each in a process of its own; it prints what it found as JSON.

    python -m tests.benchmarks.measures MEASURE GENERATOR RULES

Times are CPU seconds of the process. What is promised in seconds is told a second time, as it would be on a machine of
the speed for which it was promised: iptables-restore is run right afterwards.
"""

from __future__ import annotations

import json
import pickle
import sys
import time
from collections.abc import Callable
from statistics import mean

from iptables_model import Packet, Ruleset, parse, reachability_matrix, reachable_endpoints, render, services, trace
from tests.benchmarks.calico import calico
from tests.benchmarks.generate import addresses, firewall, kube_proxy, marks
from tests.benchmarks.outside import peak, restore
from tests.oracle import why_not

__all__ = ["AT_SPEED", "GENERATORS", "MEASURES", "SPEED", "best", "seconds"]

GENERATORS = {"kube_proxy": kube_proxy, "calico": calico, "firewall": firewall, "addresses": addresses, "marks": marks}
OPEN = Packet(src="10.244.0.5", protocol="tcp", dport=80)
"""What a pod sends to port 80 of anything."""
ANYONE = Packet(dst="10.244.0.5", protocol="tcp", dport=80, mark="any")
"""What anyone sends to port 80 of a pod, with any mark."""
SPEED = 170_000
"""So many rules a second iptables-restore reads on the machine for which times were promised."""
AT_SPEED = " at that speed"
"""Ends the names of the times as they would be there."""
_PROMISED = frozenset({"questions", "all_matrices", "trace", "chain"})
_SOME = 200
_MANY = 100_000


def seconds(call: Callable[[], object]) -> float:
    """Time a call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def best(call: Callable[[], object], rounds: int = 5) -> float:
    """Time the best of a few calls."""
    return min(seconds(call) for _ in range(rounds))


def _name(number: int) -> str:
    return f"namespace-{number % 40}/service-{number}:http"


def _parse(text: str) -> dict[str, float]:
    found = {"parse": seconds(lambda: parse(text))}
    if why_not() is None:
        rounds = 5 if len(text) < _MANY * 200 else 1
        found["times iptables-restore"] = best(lambda: parse(text), rounds) / restore(text, rounds)
    return found


def _growth(text: str) -> dict[str, float]:
    """Hold kube-proxy's rules against a tenth of them, before as often as after: the machine's speed changes."""
    tenth = kube_proxy(text.count("\n-A ") // 10)
    before = [seconds(lambda: parse(tenth)) for _ in range(5)]
    whole = seconds(lambda: parse(text))
    after = [seconds(lambda: parse(tenth)) for _ in range(5)]
    return {"times a tenth": whole / mean(before + after)}


def _memory(text: str) -> dict[str, float]:
    return {"memory": peak(text)}


def _questions(text: str) -> dict[str, float]:
    ruleset = parse(text)
    first = seconds(lambda: reachable_endpoints(ruleset, _name(7)))
    others = [seconds(lambda at=at: reachable_endpoints(ruleset, _name(at))) for at in range(8, 29)]  # type: ignore[misc]
    return {"first question": first, "next question": sorted(others)[len(others) // 2]}


def _services(text: str) -> dict[str, float]:
    ruleset = parse(text)
    return {"all Services": seconds(lambda: services(ruleset))}


def _some_matrices(text: str) -> dict[str, float]:
    ruleset = parse(text)
    return {"matrix": seconds(lambda: _matrices(ruleset, range(100, 100 + _SOME))) / _SOME}


def _all_matrices(text: str) -> dict[str, float]:
    ruleset = parse(text)
    return {"all matrices": seconds(lambda: _matrices(ruleset, range(text.count("cluster IP") // 2)))}


def _matrices(ruleset: Ruleset, numbers: range) -> None:
    for number in numbers:
        reachability_matrix(ruleset, _name(number))


def _trace(text: str) -> dict[str, float]:
    ruleset = parse(text)
    return {"trace": seconds(lambda: trace(ruleset, OPEN))}


def _chain(text: str) -> dict[str, float]:
    ruleset = parse(text)
    first = seconds(lambda: trace(ruleset, ANYONE))
    return {"first trace": first, "next trace": seconds(lambda: trace(ruleset, ANYONE))}


def _write_json(text: str) -> dict[str, float]:
    ruleset = parse(text)
    taken = seconds(lambda: render.to_json(ruleset))
    data = json.loads(render.to_json(ruleset))
    return {"write JSON": taken, "times json.dumps": taken / seconds(lambda: json.dumps(data))}


def _read_json(text: str) -> dict[str, float]:
    written = render.to_json(parse(text))
    taken = seconds(lambda: render.from_json(written))
    return {"read JSON": taken, "times json.loads": taken / seconds(lambda: json.loads(written))}


def _pickle(text: str) -> dict[str, float]:
    ruleset = parse(text)
    return {"pickle": seconds(lambda: pickle.loads(pickle.dumps(ruleset)))}  # noqa: S301 (our own)


MEASURES: dict[str, Callable[[str], dict[str, float]]] = {
    "parse": _parse,
    "growth": _growth,
    "memory": _memory,
    "questions": _questions,
    "services": _services,
    "matrix": _some_matrices,
    "all_matrices": _all_matrices,
    "trace": _trace,
    "chain": _chain,
    "write_json": _write_json,
    "read_json": _read_json,
    "pickle": _pickle,
}
"""What can be measured of a text, each with its results by name."""


def _first_use() -> None:
    """Import and build what a process needs once."""
    ruleset = parse(kube_proxy(100))
    reachability_matrix(ruleset, _name(1))
    services(ruleset)
    trace(ruleset, OPEN)


def main(measure: str, generator: str, rules: str) -> None:
    """Measure, and print."""
    _first_use()
    found = MEASURES[measure](GENERATORS[generator](int(rules)))
    if measure in _PROMISED and why_not() is None:
        speed = 50_000 / restore(kube_proxy(50_000), 3)
        found |= {name + AT_SPEED: taken * speed / SPEED for name, taken in found.items()}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
