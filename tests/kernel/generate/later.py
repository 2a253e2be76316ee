"""Later packets of connections that got through the rules, as those would send them who got what left."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from tests.kernel.frames import ICMP, ICMP6, Frame
from tests.kernel.generate.packets import ACK, error
from tests.kernel.lab import Passed

__all__ = ["later"]


def later(frame: Frame, passed: Passed) -> Iterator[Frame]:
    """Make the packets that come behind one that arrived; which ones, its source port says, so that it stays so.

    That is an answer; the answer and one more packet; one more at once, before any answer; or an error.
    """
    if passed.leaves is None or passed.end is None or _unbound(passed):
        return
    way = passed.out_interface if passed.end == "POSTROUTING" else None
    arrived = attrs.evolve(frame, src=passed.leaves.src, dst=passed.leaves.dst)
    if frame.protocol not in (ICMP, ICMP6) and "AUTH" not in frame.headers:
        arrived = attrs.evolve(arrived, sport=passed.leaves.sport, dport=passed.leaves.dport)
    answer, more = arrived.reply(way), attrs.evolve(frame, tcp_flags=ACK)
    yield from ((answer,), (answer, more), (more,), (error(answer, arrived),))[frame.sport % 4]


def _unbound(passed: Passed) -> bool:
    """Say whether nat left the packet to a queue: no bit of its connection tells that nat will be asked again."""
    return any(step.startswith("nat ") and step.endswith(" queue") for step in passed.steps)
