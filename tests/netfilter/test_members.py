"""A set of packets fares as its members, one by one: over all that the kernel's oracle draws, and over open fields."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cache, reduce
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptables_model import Flow, Node, Outcome, Packet, Step, parse, trace
from iptables_model.netfilter.evidence import LENIENT
from iptables_model.netfilter.packet import FIELDS
from iptables_model.netfilter.state import Assumption
from tests.files import FIXTURES
from tests.kernel.compare import asked
from tests.kernel.generate import case

EVIDENCE = FIXTURES / "kernel" / "node"
LAWS = settings(max_examples=150, deadline=None)

seeds = st.integers(0, 10**6).map("law/{}".format)


@cache
def node() -> Node:
    return Node.from_text(
        addresses=(EVIDENCE / "addresses.json").read_text(), routes=(EVIDENCE / "routes.json").read_text()
    )


def together(packets: Sequence[Packet]) -> Packet:
    """Ask about all at once: each field may be what it is in one of them, so they are some of many more."""
    return reduce(lambda one, other: Packet(**{name: _either(one, other, name) for name in FIELDS}), packets)


def _either(one: Packet, other: Packet, name: str) -> Any:
    mine, theirs = getattr(one, name), getattr(other, name)
    return mine if mine == theirs else mine | theirs


def fates(flows: Iterable[Flow]) -> dict[tuple[Outcome, str], Fraction]:
    """Add up how likely packets end where."""
    shares: defaultdict[tuple[Outcome, str], Fraction] = defaultdict(Fraction)
    for flow in flows:
        shares[flow.outcome, str(flow.delivery)] += flow.probability
    return shares


def traces(flows: Iterable[Flow]) -> list[str]:
    """Tell the steps of flows, without what they changed: of a set that is a set."""
    return sorted(f"{flow.probability} {[_place(step) for step in flow.steps]}" for flow in flows)


def _place(step: Step) -> str:
    return f"{step.table} {step.chain} {step.rule and step.rule.index} {step.verdict}"


def agree(mine: Sequence[Flow], alone: Sequence[Flow]) -> None:
    """Hold the flows of a set that have a member to those of the member alone.

    What is chosen for a set, such as one of several addresses, may have to be assumed where for one packet it is not:
    then the member's flows are some of those of the set.
    """
    if any(flow.assumptions for flow in mine):
        assert set(traces(alone)) <= set(traces(mine))
    else:
        assert traces(mine) == traces(alone)


def passing(flows: Sequence[Flow]) -> list[Flow]:
    """Leave out packets whose source does not pass: one that is left open does."""
    refused = {Assumption(one.statement, holds=False, reason=one.reason) for one in LENIENT}
    return [flow for flow in flows if refused.isdisjoint(flow.assumptions)]


@pytest.mark.parametrize("made_here", [False, True])
@LAWS
@given(seed=seeds)
def test_a_set_takes_the_steps_of_its_members(seed: str, made_here: bool) -> None:
    drawn = case(seed)
    members = [asked(frame, "NEW") for frame in drawn.frames if (frame.way is None) is made_here][:6]
    if not members:
        return
    ruleset = parse(drawn.text)
    flows = trace(ruleset, together(members), node=node(), keep_traces=True)
    for member in members:
        mine = [flow for flow in flows if member in flow.when]
        agree(mine, trace(ruleset, member, node=node(), keep_traces=True))


@pytest.mark.parametrize("field", ["src", "dst", "dport", "mark", "ttl"])
@LAWS
@given(seed=seeds)
def test_a_field_left_open_changes_nothing_for_a_member(seed: str, field: str) -> None:
    drawn = case(seed)
    ruleset = parse(drawn.text)
    for frame in drawn.frames[:2]:
        member = asked(frame, "NEW")
        anything: Any = {field: None if field in ("src", "dst") else "any"}
        opened = attrs.evolve(member, **anything)
        mine = [flow for flow in trace(ruleset, opened, node=node(), keep_traces=True) if member in flow.when]
        agree(mine, passing(trace(ruleset, member, node=node(), keep_traces=True)))


@LAWS
@given(seed=seeds)
def test_joining_loses_no_packet(seed: str) -> None:
    drawn = case(seed)
    ruleset = parse(drawn.text)
    for frame in drawn.frames[:3]:
        member = asked(frame, "NEW")
        opened = attrs.evolve(member, src=None, sport="any", mark="0x0/0xfffffffc")
        mine = [flow for flow in trace(ruleset, opened, node=node()) if member in flow.when]
        alone = passing(trace(ruleset, member, node=node()))
        if any(flow.assumptions for flow in (*mine, *alone)):
            # An assumption holds in one flow and not in the other: the member is in both.
            assert set(fates(alone)) <= set(fates(mine))
        else:
            assert fates(mine) == fates(alone)
