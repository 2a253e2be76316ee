"""Print the tables of docs/explanation/performance.md: what rulesets of several sizes take, and what it may be.

    python -m tests.benchmarks [RULES ...]

Every measurement is made in processes of its own, several times (once, if that takes a minute), and all of them in
turn; the tables show medians. Times are CPU seconds. As root on a machine with iptables, the parse is compared with
iptables-restore, and what is promised in seconds is held to its speed.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

import attrs

from tests.benchmarks.measures import AT_SPEED, SPEED
from tests.benchmarks.outside import beyond_empty
from tests.files import ROOT

SIZES = (5_000, 50_000, 500_000)
ROUNDS = 3
LONG = 60
"""What takes so many seconds, with making its ruleset, is measured once."""


@attrs.frozen
class Run:
    """Name one process that measures: what, about which ruleset."""

    measure: str
    rules: int
    generator: str = "kube_proxy"


@attrs.frozen
class Bar:
    """Hold what something may take at most."""

    what: str
    run: Run
    name: str
    most: float
    unit: Callable[[float], str]


def _seconds(taken: float) -> str:
    return f"{taken:.2f} s" if taken >= 0.1 else f"{taken * 1000:.1f} ms"


def _times(ratio: float) -> str:
    return f"{ratio:.2f}"


def _megabytes(size: float) -> str:
    return f"{size:.0f} MB"


ROWS: tuple[tuple[str, str, str, Callable[[float], str]], ...] = (
    ("parse", "parse", "parse", _seconds),
    ("parse, times `iptables-restore --test`", "parse", "times iptables-restore", _times),
    ("peak memory of a process that parses, beyond one that does nothing", "memory", "memory", _megabytes),
    ("first question about a Service", "questions", "first question", _seconds),
    ("the next, about another", "questions", "next question", _seconds),
    ("all Services", "services", "all Services", _seconds),
    ("matrix, for each of 200 Services", "matrix", "matrix", _seconds),
    ("trace from a pod to port 80 of anything", "trace", "trace", _seconds),
    ("JSON, written", "write_json", "write JSON", _seconds),
    ("JSON, written, times `json.dumps` of the same", "write_json", "times json.dumps", _times),
    ("JSON, read", "read_json", "read JSON", _seconds),
    ("JSON, read, times `json.loads` of the same", "read_json", "times json.loads", _times),
    ("pickle and back", "pickle", "pickle", _seconds),
)
"""The rows of the first table: what they say, which measure tells it, by which name, and how it is shown."""

_LARGE = Run("parse", 50_000)
_ASKED = Run("questions", 200_000)
_RESTORE = "times iptables-restore"
BARS = (
    Bar("parse of 50,000 rules, times `iptables-restore --test`", _LARGE, _RESTORE, 1, _times),
    Bar("parse of 5,000 rules of a Calico node, likewise", Run("parse", 5_000, "calico"), _RESTORE, 3, _times),
    Bar("parse of 5,000 rules without repetition, likewise", Run("parse", 5_000, "firewall"), _RESTORE, 3, _times),
    Bar("parse of 500,000 rules, times that of 50,000", Run("growth", 500_000), "times a tenth", 11, _times),
    Bar("peak memory for 50,000 rules, beyond an empty process", Run("memory", 50_000), "memory", 120, _megabytes),
    Bar("first question about a Service, 200,000 rules", _ASKED, "first question", 0.3, _seconds),
    Bar("the next, about another", _ASKED, "next question", 0.001, _seconds),
    Bar("matrices of all of 5,000 Services", Run("all_matrices", 70_006), "all matrices", 10, _seconds),
    Bar("trace from a pod to port 80 of anything, 10,000 Services", Run("trace", 140_006), "trace", 5, _seconds),
    Bar(
        "trace from any source, 10,000 rules for one each",
        Run("chain", 10_000, "addresses"),
        "first trace",
        1,
        _seconds,
    ),
    Bar("trace of any mark, 10,000 rules for one each", Run("chain", 10_000, "marks"), "first trace", 1, _seconds),
)
"""What the second table holds, with what it may be at most."""

STARTS = (
    ("`import iptables_model`, beyond an empty process", ("-c", "import iptables_model"), 0.03),
    ("`iptables-model --version`, beyond an empty process", ("-m", "iptables_model", "--version"), 0.06),
    ("the first text of a process", ("-c", "import iptables_model as m; m.parse('*nat\\nCOMMIT\\n')"), None),
    ("for comparison: `import pyparsing`", ("-c", "import pyparsing"), None),
)
"""What a process takes beyond an empty one, and what it may be at most."""


def main(sizes: tuple[int, ...]) -> None:
    """Measure and print."""
    runs = [Run(measure, rules) for _, measure, _, _ in ROWS for rules in sizes]
    runs += [bar.run for bar in BARS]
    found = _measured(list(dict.fromkeys(runs)))
    _print(("", *(f"{rules:,} rules" for rules in sizes)), _by_size(found, sizes))
    promised = f"where `iptables-restore` reads {SPEED:,} rules a second"
    _print(("", "measured", promised, "at most", ""), (*_bars(found), *_starts()))


def _measured(runs: list[Run]) -> dict[Run, dict[str, float]]:
    """Measure everything in turn, some times, so that what else the machine does falls on all alike."""
    taken: dict[Run, list[dict[str, float]]] = defaultdict(list)
    long: set[Run] = set()
    for number in range(ROUNDS):
        for run in runs:
            if run in long:
                continue
            began = time.monotonic()
            taken[run].append(_process(run))
            if time.monotonic() - began > LONG:
                long.add(run)
            sys.stderr.write(f"round {number + 1}: {run.measure} of {run.rules:,} rules of {run.generator}: done\n")
    return {
        run: {name: statistics.median(one[name] for one in each) for name in each[0]} for run, each in taken.items()
    }


def _process(run: Run) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.measures", run.measure, run.generator, str(run.rules)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _by_size(found: dict[Run, dict[str, float]], sizes: tuple[int, ...]) -> Iterator[tuple[str, ...]]:
    for what, measure, name, unit in ROWS:
        taken = [found[Run(measure, rules)].get(name) for rules in sizes]
        yield what, *("-" if one is None else unit(one) for one in taken)


def _bars(found: dict[Run, dict[str, float]]) -> Iterator[tuple[str, ...]]:
    for bar in BARS:
        taken = found[bar.run].get(bar.name)
        there = found[bar.run].get(bar.name + AT_SPEED)
        shown, shown_there = ("-" if taken is None else bar.unit(taken)), ("" if there is None else bar.unit(there))
        yield bar.what, shown, shown_there, bar.unit(bar.most), _verdict(taken if there is None else there, bar.most)


def _starts() -> Iterator[tuple[str, ...]]:
    for what, arguments, most in STARTS:
        taken = beyond_empty(*arguments)
        yield what, _seconds(taken), "", "" if most is None else _seconds(most), _verdict(taken, most)


def _verdict(taken: float | None, most: float | None) -> str:
    if taken is None or most is None:
        return ""
    return "reached" if taken <= most else "not reached"


def _print(head: tuple[str, ...], rows: Iterator[tuple[str, ...]] | tuple[tuple[str, ...], ...]) -> None:
    lines = (head, ("---",) * len(head), *rows)
    sys.stdout.write("".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n")


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SIZES)
