"""One experiment: rules, packets, what the kernel tells of them, and what the walk answers."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from iptables_model import Flow, Node, parse
from tests.kernel.compare import answers, differences
from tests.kernel.frames import Frame
from tests.kernel.lab import Lab, Passed

__all__ = ["Case", "Result", "results"]


@attrs.frozen(kw_only=True)
class Case:
    """Hold a ruleset as a text to restore, and packets: the openers are sent before the rules are there."""

    family: int
    text: str
    openers: tuple[Frame, ...]
    frames: tuple[Frame, ...]


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
    """Load the rules, send the packets, and compare.

    Left out is a packet to which nat gave the ends that another one has: the kernel drops one of them when it confirms
    the connection (__nf_conntrack_confirm), which the walk takes for granted not to happen.
    """
    lab.clear(case.family)
    if case.openers:
        lab.send(case.openers)
    text = lab.load(case.family, case.text)
    ruleset = parse(text)
    taken = set()
    for frame, passed in zip(case.frames, lab.send(case.frames), strict=True):
        if "NEW" in passed.seen and passed.leaves is not None:
            ends = (frame.protocol, passed.leaves.src, passed.leaves.dst, passed.leaves.sport, passed.leaves.dport)
            if ends in taken:
                continue
            taken.add(ends)
        flows = answers(ruleset, frame, passed, node)
        yield Result(text=text, frame=frame, passed=passed, flows=flows, difference=differences(flows, passed))
