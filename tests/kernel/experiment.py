"""One experiment: rules, packets, what the kernel tells of them, and what the walk answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from iptables_model import Flow, Node, parse
from tests.kernel.compare import answers, differences
from tests.kernel.frames import Frame
from tests.kernel.generate import Case, later
from tests.kernel.lab import Lab, Passed

__all__ = ["Result", "results"]


@attrs.frozen(kw_only=True)
class Result:
    """Hold what became of one packet: what the kernel told, what the walk answered, and how they differ, if they do.

    `text` is what iptables-save made of the rules. If the packet is a later one, `first` opened its connection.
    """

    text: str
    first: Frame
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
    """Load the rules, send the packets and then later ones of their connections, and compare."""
    lab.clear(case.family)
    lab.track(on=case.tracked)
    if case.openers:
        lab.send(case.openers)
    text = lab.load(case.family, case.text)
    ruleset = parse(text)
    sent = list(_apart(zip(case.frames, lab.send(case.frames), strict=True)))
    followed = [(frame, one) for frame, passed in sent for one in later(frame, passed)]
    told = lab.send([one for _, one in followed]) if followed else []
    pairs = [(frame, frame, passed) for frame, passed in sent]
    pairs += [(first, frame, passed) for (first, frame), passed in zip(followed, told, strict=True)]
    for first, frame, passed in pairs:
        flows = answers(ruleset, frame, passed, node)
        found = differences(flows, passed)
        yield Result(text=text, first=first, frame=frame, passed=passed, flows=flows, difference=found)


def _apart(sent: Iterable[tuple[Frame, Passed]]) -> Iterator[tuple[Frame, Passed]]:
    """Leave out packets to which nat gave the ends that others have.

    The kernel drops one of them when it confirms the connection (__nf_conntrack_confirm), which the walk takes for
    granted not to happen.
    """
    taken = set()
    for frame, passed in sent:
        if "NEW" in passed.seen and passed.leaves is not None:
            ends = (frame.protocol, passed.leaves.src, passed.leaves.dst, passed.leaves.sport, passed.leaves.dport)
            if ends in taken:
                continue
            taken.add(ends)
        yield frame, passed
