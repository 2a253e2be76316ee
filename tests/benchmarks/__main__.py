"""Print the table of docs/explanation/performance.md: each question on kube-proxy rulesets of several sizes.

    python -m tests.benchmarks [RULES ...]

Times are CPU seconds of this process. As root on a machine with iptables, the parse is compared with iptables-restore.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from iptables_model import Packet, Ruleset, parse, reachability_matrix, reachable_endpoints, render, services, trace
from tests.benchmarks.generate import kube_proxy
from tests.benchmarks.test_parse import best, peak, restore
from tests.oracle import why_not

SIZES = (5_000, 50_000, 500_000)
ALL_AT_MOST = 100_000
"""What takes minutes for more rules than these is left out: iptables-restore, and what looks at every rule."""
OPEN = Packet(src="10.244.0.5", protocol="tcp", dport=80)


def main(sizes: tuple[int, ...]) -> None:
    """Measure and print."""
    _first_use()
    columns = [dict(_column(rules)) for rules in sizes]
    rows = [("", *(f"{rules:,} rules" for rules in sizes)), ("---",) * (len(sizes) + 1)]
    rows += [(what, *(column.get(what, "-") for column in columns)) for what in columns[0]]
    rows += [(what, taken, *("" for _ in sizes[1:])) for what, taken in _starts()]
    sys.stdout.write("".join(f"| {' | '.join(row)} |\n" for row in rows))


def _first_use() -> None:
    """Import and build what a process needs once."""
    ruleset = parse(kube_proxy(100))
    reachability_matrix(ruleset, _name(1))
    services(ruleset)


def _name(number: int) -> str:
    return f"namespace-{number % 40}/service-{number}:http"


def _column(rules: int) -> Iterator[tuple[str, str]]:
    text = kube_proxy(rules)
    count = text.count("cluster IP") // 2
    parsed = min(_seconds(parse, text) for _ in range(3))
    yield "parse", _shown(parsed)
    asked = rules <= ALL_AT_MOST and why_not() is None
    yield "parse, times `iptables-restore --test`", f"{best(lambda: parse(text)) / restore(text):.2f}" if asked else "-"
    yield "peak memory of a process that parses", f"{peak(text)} MB"
    ruleset = parse(text)
    yield "first question about a Service", _shown(_seconds(reachable_endpoints, ruleset, _name(7)))
    yield "the next, about another", _shown(_seconds(reachable_endpoints, ruleset, _name(8)))
    if rules <= ALL_AT_MOST:
        yield "all Services", _shown(_seconds(services, parse(text)))
        yield "matrix, for each of 200 Services", _shown(_seconds(_matrices, ruleset) / 200)
        yield f"trace to any address ({OPEN})", _shown(_seconds(trace, parse(text), OPEN))
        yield "JSON", _shown(_seconds(render.to_json, ruleset))
        yield "pickle and back", _shown(_seconds(_pickle, ruleset))
    sys.stderr.write(f"{rules:,} rules of {count:,} Services: done\n")


def _pickle(ruleset: Ruleset) -> object:
    return pickle.loads(pickle.dumps(ruleset))  # noqa: S301 (our own)


def _matrices(ruleset: Ruleset) -> None:
    for number in range(100, 300):
        reachability_matrix(ruleset, _name(number))


def _starts() -> Iterator[tuple[str, str]]:
    """Measure how long a process takes beyond an empty interpreter."""
    empty = _process("-c", "")
    yield "`import iptables_model`", _shown(_process("-c", "import iptables_model") - empty)
    yield "`iptables-model --version`", _shown(_process("-m", "iptables_model", "--version") - empty)


def _process(*arguments: str) -> float:
    taken = []
    for _ in range(10):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return min(taken)


def _seconds(call: Callable[..., object], *arguments: object) -> float:
    began = time.process_time()
    call(*arguments)
    return time.process_time() - began


def _shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SIZES)
