"""The same rules, loaded and saved by iptables-nft and by iptables-legacy, say the same and are answered alike."""

from __future__ import annotations

import pytest

from iptables_model import Flow, Node, Packet, Ruleset, parse, trace
from iptables_model.model.rule import Rule
from tests.kernel.compare import asked
from tests.kernel.generate import case
from tests.kernel.lab import IPSETS, node_of
from tests.kernel.record import evidence
from tests.oracle import Namespace

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("number", range(40))
def test_both_backends_say_the_same(number: int, netns: Namespace) -> None:
    made = case(f"backends/{number}")
    netns.run("ipset", "restore", text=IPSETS)
    nft, legacy = (saved(netns, backend, made.family, made.text) for backend in ("nft", "legacy"))
    assert content(nft) == content(legacy)
    node = node_of(evidence())
    for frame in made.frames:
        packet = asked(frame, ())
        assert answers(nft, packet, node) == answers(legacy, packet, node)


def saved(netns: Namespace, backend: str, family: int, text: str) -> Ruleset:
    """Load rules with one backend, and read what it saves."""
    tool = f"{'iptables' if family == 4 else 'ip6tables'}-{backend}"
    netns.run(f"{tool}-restore", text=text)
    return parse(netns.run(f"{tool}-save").stdout)


def content(ruleset: Ruleset) -> dict[tuple[str, str], tuple[str | None, tuple[Rule, ...]]]:
    """Give the policy and the rules of each chain. The order of tables and chains is the backend's."""
    return {(table.name, chain.name): (chain.policy, chain.rules) for table in ruleset.tables for chain in table.chains}


def answers(ruleset: Ruleset, packet: Packet, node: Node) -> list[tuple[object, ...]]:
    """Give the flows of a packet without the lines of their rules."""
    return [told(flow) for flow in trace(ruleset, packet, node=node)]


def told(flow: Flow) -> tuple[object, ...]:
    return flow.outcome, flow.probability, flow.assumptions, flow.packet, flow.delivery, flow.steps
