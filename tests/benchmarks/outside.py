"""What other processes take: iptables-restore, a Python that only imports or reads. Times are CPU seconds."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator

from tests.files import ROOT
from tests.oracle import Namespace, namespace

__all__ = ["beyond_empty", "children", "peak", "restore"]

_READ = """
import sys
from iptables_model import parse
parse(sys.stdin.read())
"""
_TELL_PEAK = 'import sys; sys.stdout.write(open("/proc/self/status").read())'


def children(call: Callable[[], object]) -> float:
    """Time the processes that a call starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def restore(text: str, rounds: int = 5) -> float:
    """Time the faster flavour of iptables-restore, which only tests the text; the best of some rounds."""
    tools = ("iptables-legacy-restore", "iptables-nft-restore")
    with namespace() as made:
        made.run("ipset", "restore", text="".join(f"{line}\n" for line in _ipsets(text)))
        return min(_tested(made, tool, text) for tool in tools for _ in range(rounds))


def _tested(made: Namespace, tool: str, text: str) -> float:
    return children(lambda: made.run(tool, "--test", text=text))


def _ipsets(text: str) -> Iterator[str]:
    """Make the ipsets, empty, that a text looks into: rules cannot be loaded without."""
    for name, sides in sorted(set(re.findall(r"--match-set (\S+) (\S+)", text))):
        yield f"create {name} {'hash:ip,port' if ',' in sides else 'hash:net'} family inet"


def peak(text: str) -> int:
    """Measure how much more memory, in megabytes, a process takes that reads the text than one that does nothing."""
    return (_peak(_READ + _TELL_PEAK, text) - _peak(_TELL_PEAK, "")) // 1024


def _peak(program: str, text: str) -> int:
    done = _python("-c", program, text=text)
    # getrusage(2) would count the memory of the process that started it, too.
    (line,) = [line for line in done.stdout.split("\n") if line.startswith("VmHWM:")]
    return int(line.split()[1])


def beyond_empty(*arguments: str) -> float:
    """Time a Python with these arguments, beyond one that does nothing; the best of some rounds."""
    taken, empty = (
        min(children(lambda given=given: _python(*given)) for _ in range(10))  # type: ignore[misc]
        for given in (arguments, ("-c", ""))
    )
    return taken - empty


def _python(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], input=text, capture_output=True, text=True, check=True, cwd=ROOT
    )
