"""One experiment: rules, packets, what the kernel tells of them, and what the walk answers."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from iptables_model import Flow, Node, parse, trace
from tests.kernel.compare import asked, differences
from tests.kernel.frames import Frame
from tests.kernel.lab import Lab, Passed

__all__ = ["Case", "Result", "results"]


@attrs.frozen(kw_only=True)
class Case:
    """Hold a ruleset as a text to restore, and packets: the openers are sent before the rules are there.

    Unless the case is `tracked`, conntrack sees no packets.
    """

    family: int
    text: str
    openers: tuple[Frame, ...]
    frames: tuple[Frame, ...]
    tracked: bool = True


@attrs.frozen(kw_only=True)
class Result:
    """Hold what became of one packet: what the kernel told, what the walk answered, and how they differ, if they do.

    `text` is what iptables-save made of the rules.
    """

    text: str
    frame: Frame
    passed: Passed
    flows: tuple[Flow, ...]
    difference: str

    @property
    def open(self) -> bool:
        """Say whether the walk had to assume something."""
        return any(flow.assumptions for flow in self.flows)

    def __str__(self) -> str:
        flows = "\n".join(map(str, self.flows))
        return f"{self.text}\n{self.frame}\n{self.passed}\n{self.difference}\n{flows}"


def results(lab: Lab, node: Node, case: Case) -> Iterator[Result]:
    """Load the rules, send the packets, and compare."""
    lab.clear(case.family)
    lab.track(on=case.tracked)
    if case.openers:
        lab.send(case.openers)
    text = lab.load(case.family, case.text)
    ruleset = parse(text)
    for frame, passed in zip(case.frames, lab.send(case.frames), strict=True):
        flows = trace(ruleset, asked(frame, passed.seen), node=node, keep_traces=True)
        yield Result(text=text, frame=frame, passed=passed, flows=flows, difference=differences(flows, passed))
