"""Laws of the walk on random rulesets: flows part the packets asked about, and each is right for its members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from iptables_model import Flow, Node, Outcome, Packet, Ruleset, parse, trace

NODE = Node(interfaces={"eth0": ("192.0.2.1/24",)})
SOURCES = ["198.51.100.7", "198.51.101.7", "203.0.113.5"]
TARGETS = ["192.0.2.1", "10.0.0.9"]
PORTS = [22, 80, 443]
PROTOCOLS = [6, 17]
ADDRESSES = ["198.51.100.0/24", "198.51.0.0/16", "203.0.113.5/32"]
MARKS = ["0x1/0x1", "0x2/0x3", "0x0/0x1"]

sign = st.sampled_from(["", "! "])
asked = st.one_of(
    st.builds("{}-s {}".format, sign, st.sampled_from(ADDRESSES)),
    st.builds("{}-d {}".format, sign, st.sampled_from(["192.0.2.0/24", "10.0.0.9/32"])),
    st.builds("-p {0} -m {0} {1}--dport {2}".format, st.sampled_from(["tcp", "udp"]), sign, st.sampled_from(PORTS)),
    st.builds("-m mark {}--mark {}".format, sign, st.sampled_from(MARKS)),
    st.builds("-m conntrack {}--ctstate {}".format, sign, st.sampled_from(["NEW", "DNAT", "INVALID"])),
    st.just(""),
)
chance = st.sampled_from(["", "", "-m statistic --mode random --probability 0.25000000000"])
marking = st.builds("-j MARK --set-xmark {}".format, st.sampled_from(["0x1/0x1", "0x2/0x2", "0x3/0x0", "0x0/0x1"]))
verdicts = st.one_of(st.sampled_from(["-j ACCEPT", "-j DROP", "-j RETURN", "-j A", "-g A", "-j B", "-j LOG"]), marking)
inner = st.one_of(st.sampled_from(["-j ACCEPT", "-j DROP", "-j RETURN"]), marking)
translating = st.sampled_from(
    ["-j DNAT --to-destination 10.0.0.9", "-j DNAT --to-destination 192.0.2.1:443", "-j ACCEPT"]
)


def _rules(chain: str, targets: st.SearchStrategy[str], most: int) -> st.SearchStrategy[list[str]]:
    rule = st.builds(lambda what, luck, target: f"-A {chain} {what} {luck} {target}", asked, chance, targets)
    return st.lists(rule, max_size=most)


@st.composite
def rulesets(draw: st.DrawFn) -> Ruleset:
    """Make a ruleset with all that the laws are about."""
    filtering = [*draw(_rules("INPUT", verdicts, 4)), *draw(_rules("FORWARD", verdicts, 4))]
    filtering += [*draw(_rules("A", st.one_of(inner, st.just("-j B")), 2)), *draw(_rules("B", inner, 2))]
    tables = {
        "mangle": ([":PREROUTING ACCEPT [0:0]"], draw(_rules("PREROUTING", marking, 2))),
        "nat": ([":PREROUTING ACCEPT [0:0]"], draw(_rules("PREROUTING", translating, 2))),
        "filter": (
            [
                f":INPUT {draw(st.sampled_from(['ACCEPT', 'DROP']))} [0:0]",
                ":FORWARD ACCEPT [0:0]",
                ":A - [0:0]",
                ":B - [0:0]",
            ],
            filtering,
        ),
    }
    return parse(
        "".join("\n".join([f"*{name}", *chains, *rules, "COMMIT", ""]) for name, (chains, rules) in tables.items())
    )


MEMBERS = [
    Packet(src=src, dst=dst, protocol=protocol, dport=port, mark=mark, in_interface="eth0")
    for src, dst, protocol, port, mark in product(SOURCES, TARGETS, PROTOCOLS, PORTS, (0, 1))
]
QUESTION = Packet(
    src=",".join(SOURCES),
    dst=",".join(TARGETS),
    protocol="tcp,udp",
    dport="22,80,443",
    mark="0x0/0xfffffffe",
    in_interface="eth0",
)


def _fate(flow: Flow) -> tuple[object, ...]:
    leaves = None if flow.outcome is not Outcome.REACHES else str(flow.packet.dst)
    return (flow.outcome, str(flow.delivery), leaves)


def _shares(flows: Iterable[Flow]) -> dict[tuple[object, ...], Fraction]:
    found: defaultdict[tuple[object, ...], Fraction] = defaultdict(Fraction)
    for flow in flows:
        found[_fate(flow)] += flow.probability
    return found


def _steps(flow: Flow) -> set[tuple[object, ...]]:
    return {(step.table, step.chain, step.rule and step.rule.line, step.verdict) for step in flow.steps}


def _with_steps(flow: Flow) -> tuple[object, ...]:
    return (*_fate(flow), flow.probability, sorted(map(str, _steps(flow))))


@settings(max_examples=60, deadline=None)
@given(rulesets())
def test_a_set_of_packets_fares_as_its_members(ruleset: Ruleset) -> None:
    flows = trace(ruleset, QUESTION, node=NODE)
    for member in MEMBERS:
        mine = _shares(flow for flow in flows if member in flow.when)
        assert sum(mine.values()) == 1
        assert mine == _shares(trace(ruleset, member, node=NODE))


@settings(max_examples=60, deadline=None)
@given(rulesets())
def test_a_set_of_packets_takes_the_steps_of_its_members(ruleset: Ruleset) -> None:
    flows = trace(ruleset, QUESTION, node=NODE, keep_traces=True)
    for member in MEMBERS:
        mine = [_with_steps(flow) for flow in flows if member in flow.when]
        alone = [_with_steps(flow) for flow in trace(ruleset, member, node=NODE, keep_traces=True)]
        assert sorted(mine, key=str) == sorted(alone, key=str)


@settings(max_examples=60, deadline=None)
@given(rulesets())
def test_joined_packets_have_the_steps_that_all_of_them_take(ruleset: Ruleset) -> None:
    apart = trace(ruleset, QUESTION, node=NODE, keep_traces=True)
    for flow in trace(ruleset, QUESTION, node=NODE):
        certain = [one for one in apart if flow.probability == one.probability == 1]
        mine = [one for one in certain if any(packet in flow.when for packet in one.when)]
        assert all(_steps(flow) <= _steps(one) for one in mine)


@settings(max_examples=60, deadline=None)
@given(rulesets())
def test_flows_hold_for_no_other_packets(ruleset: Ruleset) -> None:
    flows = trace(ruleset, QUESTION, node=NODE)
    assert all(packet in QUESTION for flow in flows for packet in flow.when)
