"""Keep a disagreement as a regression: `python -m tests.kernel.record SEED NAME "What it is about"`, as root.

The case of the seed is made as small as it can be while the walk and the kernel still differ about a packet. What the
kernel told of that goes to `fixtures/kernel/NAME.json`, and `test_recorded.py` holds the walk to it ever after.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from iptables_model import Node
from tests.kernel.experiment import Result, results
from tests.kernel.frames import Frame, Header
from tests.kernel.generate import Case, case
from tests.kernel.lab import Lab, LabError, Passed, laboratory, node_of

__all__ = ["EVIDENCE", "RECORDS", "Record", "evidence", "read", "shrunk"]

RECORDS = Path("fixtures/kernel")
EVIDENCE = RECORDS / "node"


@attrs.frozen(kw_only=True)
class Record:
    """Hold a ruleset, one packet, what the kernel told of it, and what the walk has to assume all the same."""

    about: str
    rules: str
    frame: Frame
    passed: Passed
    assumed: tuple[str, ...] = ()


def read(path: Path) -> Record:
    """Read a record."""
    said = json.loads(path.read_text())
    told = said["kernel"]
    leaves = told["leaves"] and Header(**told["leaves"])
    passed = Passed(**told | {"steps": tuple(told["steps"]), "seen": tuple(told["seen"]), "leaves": leaves})
    return Record(
        about=said["about"],
        rules="\n".join(said["rules"]),
        frame=_frame(said["packet"]),
        passed=passed,
        assumed=tuple(said.get("assumed", ())),
    )


def _frame(said: dict[str, Any]) -> Frame:
    quoted = said.get("quoted")
    options = bytes.fromhex(said.get("tcp_options", ""))
    headers = tuple(said.get("headers", ()))
    return Frame(**said | {"tcp_options": options, "quoted": quoted and _frame(quoted), "headers": headers})


def write(path: Path, about: str, result: Result) -> None:
    """Write a record: the rules as iptables-save printed them, and of the packet what is not as usual."""
    lines = [line for line in result.text.splitlines() if not line.startswith("#")]
    said = {
        "about": about,
        "rules": lines,
        "packet": _said(result.frame),
        "kernel": attrs.asdict(result.passed),
    }
    path.write_text(json.dumps(said, indent=1) + "\n")


def _said(frame: Frame) -> dict[str, Any]:
    fields = attrs.fields(Frame)
    said = {field.name: getattr(frame, field.name) for field in fields if getattr(frame, field.name) != field.default}
    if frame.tcp_options:
        said["tcp_options"] = frame.tcp_options.hex()
    if frame.quoted is not None:
        said["quoted"] = _said(frame.quoted)
    return said


def shrunk(lab: Lab, node: Node, whole: Case) -> tuple[Case, Result]:
    """Make a case small that shows a disagreement, and give it with the packet about which there is one."""
    found = _first_difference(lab, node, whole)
    if found is None:
        raise SystemExit("no disagreement here")
    least = attrs.evolve(whole, frames=(found.first,))
    while True:
        smaller = next((one for one in _smaller(least) if _first_difference(lab, node, one) is not None), None)
        if smaller is None:
            break
        least = smaller
    found = _first_difference(lab, node, least)
    if found is None:
        raise SystemExit("the disagreement depends on the packets before")
    return least, found


def _smaller(whole: Case) -> Iterator[Case]:
    """Leave something out: the packets before, a table, a rule or chain, a match of a rule."""
    if whole.openers:
        yield attrs.evolve(whole, openers=())
    if len(whole.openers) > 2:
        pairs = zip(whole.openers[::2], whole.openers[1::2], strict=True)
        yield from (attrs.evolve(whole, openers=pair) for pair in pairs)
    for table in re.finditer(r"^\*.*?^COMMIT\n", whole.text, re.DOTALL | re.MULTILINE):
        yield _without(whole, table)
    for line in re.finditer(r"^(-A .*|:.* - .*)\n", whole.text, re.MULTILINE):
        yield _without(whole, line)
    for match in re.finditer(r"(! )?-(-|[a-z])\S*( (?!-)\S+)* ", whole.text):
        yield _without(whole, match)


def _without(whole: Case, part: re.Match[str]) -> Case:
    return attrs.evolve(whole, text=whole.text[: part.start()] + whole.text[part.end() :])


def _first_difference(lab: Lab, node: Node, whole: Case) -> Result | None:
    try:
        return next((result for result in results(lab, node, whole) if result.difference), None)
    except LabError:  # something was left out that is still asked for
        return None


def evidence() -> dict[str, str]:
    """Read what was recorded of the laboratory's node."""
    return {path.name: path.read_text() for path in EVIDENCE.iterdir()}


def write_evidence(lab: Lab) -> None:
    """Record what tells of the laboratory's node."""
    for name, text in lab.evidence().items():
        (EVIDENCE / name).write_text(text)


def main(seed: str, name: str, about: str) -> None:
    """Find, shrink and write."""
    with laboratory() as lab:
        _, result = shrunk(lab, node_of(lab.evidence()), case(seed))
    write(RECORDS / f"{name}.json", about, result)
    print(result)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
