"""What goes on together fares as it would alone: flows with batches and without them are the same."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptables_model import Flow, Node, Outcome, Packet, Ruleset, load, parse, reachability_matrix, trace
from iptables_model.netfilter import walk
from iptables_model.netfilter.batch import Batch, Each, batched
from iptables_model.netfilter.sets import AddressSet, NumberSet
from iptables_model.netfilter.state import Constant, State
from tests.files import FIXTURES

DUMPS = (
    "1.17.2/s07-affinity/kind-worker.nft.save",
    "1.24.3/s01-nodeport-local/kind-worker.nft.save",
    "1.30.5/s14-shared-endpoint/kind-worker.nft.save",
)
NODE = Node(interfaces={"eth0": ("192.0.2.1/24",), "lo": ("127.0.0.1/8",)})
QUESTIONS = (
    Packet(protocol="tcp"),
    Packet(src="10.244.0.5", protocol="tcp", dport="80,443"),
    Packet(in_interface=None, protocol="tcp"),
)


CHANGED = ("src", "sport", "dst", "dport", "mark", "connmark", "status")
MEMBERS = [
    Packet(src=src, dst=dst, protocol="tcp", dport=port, in_interface=way)
    for src, dst, port, way in product(
        ["10.244.0.5", "198.51.100.7", "198.51.101.7"],
        ["10.96.0.1", "10.96.0.2", "10.96.0.10", "192.0.2.1"],
        [80, 443, 30080],
        ["eth0", None],
    )
]


def told(flows: tuple[Flow, ...], *, steps: bool = True) -> list[str]:
    """Tell all of flows but the order of steps that they have in common, that of flows, and how `when` is parted."""
    return sorted(
        f"{one.outcome} {one.delivery} {one.probability} {one.reason} {one.packet} {one.deciding_rule}"
        f" {[place for place, member in enumerate(MEMBERS) if member in one.when]}"
        f" {one.assumptions} {sorted(map(str, one.steps)) if steps else ''}"
        for one in flows
    )


def fates(flows: tuple[Flow, ...]) -> list[dict[str, Fraction]]:
    """Tell the shares of what can become of each member.

    Which shares of chance make one flow, and which steps these have in common, depends on where they were joined.
    """
    return [_fates(member, [one for one in flows if member in one.when]) for member in MEMBERS]


def _fates(member: Packet, flows: list[Flow]) -> dict[str, Fraction]:
    shares: defaultdict[str, Fraction] = defaultdict(Fraction)
    for one in flows:
        left = one.packet if one.outcome is Outcome.REACHES else member
        changes = {
            name: str(getattr(left, name)) for name in CHANGED if getattr(member, name) not in getattr(left, name)
        }
        shares[f"{one.outcome} {one.delivery} {one.reason} {one.assumptions} {changes}"] += one.probability
    return shares


def alone(ruleset: Ruleset, packet: Packet, *, keep_traces: bool = False, node: Node | None = None) -> tuple[Flow, ...]:
    """Trace in a ruleset whose states never make a batch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk, "batched", lambda states: states)
        return trace(parse(str(ruleset)), packet, keep_traces=keep_traces, node=node)


@pytest.mark.parametrize("keep_traces", [False, True])
@pytest.mark.parametrize("packet", QUESTIONS, ids=str)
@pytest.mark.parametrize("dump", DUMPS)
def test_a_dump_of_kube_proxy(dump: str, packet: Packet, *, keep_traces: bool) -> None:
    ruleset = load(FIXTURES / "dumps" / dump)
    flows = trace(ruleset, packet, keep_traces=keep_traces)
    assert told(flows) == told(alone(ruleset, packet, keep_traces=keep_traces))


def test_a_matrix_is_answered_by_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(walk, "batched", lambda states: [_noted(one, sizes) for one in batched(states)])
    with_batches = reachability_matrix(load(FIXTURES / "tutorial" / "kind-worker.save"), "default/test-svc")
    monkeypatch.setattr(walk, "batched", lambda states: states)
    without = reachability_matrix(load(FIXTURES / "tutorial" / "kind-worker.save"), "default/test-svc")
    assert with_batches == without
    assert sizes == [2, 2, 2, 2, 2]


def _noted(state: State, sizes: list[int]) -> State:
    if isinstance(state, Batch):
        sizes.append(len(state.members))
    return state


SERVICES = [f"10.96.0.{number}" for number in range(1, 6)]
ENDPOINTS = ["10.244.0.7", "10.244.1.7", "10.244.1.8", "192.0.2.1", "127.0.0.1", "10.244.0.7-10.244.0.9", ""]
GOALS = [host + port for host, port in product(ENDPOINTS, ["", ":80", ":8080"]) if host or port]
sending = st.builds(
    "-A PREROUTING -d {} -p tcp -m tcp {} -j DNAT --to-destination {}".format,
    st.sampled_from(SERVICES),
    st.sampled_from(["--dport 80", "--dport 443", "-m statistic --mode random --probability 0.50000000000"]),
    st.sampled_from(GOALS),
)
marking = st.builds(
    "-A PREROUTING {} -j MARK --set-xmark 0x1/0x1".format,
    st.sampled_from([f"-d {SERVICES[0]}", f"-d {SERVICES[1]}", "-s 198.51.100.7"]),
)
asking = st.sampled_from(
    [
        "-d 10.244.1.0/24",
        "! -d 10.244.0.8",
        "-s 198.51.100.0/24",
        "-p tcp -m tcp --dport 8080",
        "-m mark --mark 0x1/0x1",
        "-m addrtype --dst-type LOCAL",
        "-m addrtype ! --src-type LOCAL",
        "-m conntrack --ctorigdst 10.96.0.1",
        "-m conntrack --ctstate DNAT",
        "-m set --match-set pods dst",
        "-m set --match-set pods src,dst",
        "-m limit --limit 5/min",
        "-m statistic --mode random --probability 0.25000000000",
        "",
    ]
)
doing = st.sampled_from(
    [
        "-j ACCEPT",
        "-j DROP",
        "-j REJECT --reject-with icmp-port-unreachable",
        "-j LOG",
        "-j MARK --set-xmark 0x2/0x2",
        "-j RETURN",
        "-j A",
        "-g A",
        "-j NOWHERE",
    ]
)
leaving = st.sampled_from(
    [
        "-j MASQUERADE",
        "-j MASQUERADE --random-fully",
        "-j SNAT --to-source 192.0.2.9",
        "-d 10.244.1.0/24 -j ACCEPT",
        "-m mark --mark 0x1/0x1 -j MASQUERADE",
    ]
)
mangling = st.sampled_from(["-j TTL --ttl-dec 1", "-j CONNMARK --save-mark", "-d 10.244.1.7 -j DSCP --set-dscp 0x10"])


@st.composite
def rulesets(draw: st.DrawFn) -> str:
    """Send packets to many places, and ask about them there."""

    def rules(chain: str, what: st.SearchStrategy[str], most: int) -> str:
        return "".join(f"-A {chain} {one}\n" for one in draw(st.lists(what, max_size=most)))

    asked = st.builds("{} {}".format, asking, doing)
    ends = st.builds("{} {}".format, asking, st.sampled_from(["-j ACCEPT", "-j DROP", "-j LOG"]))
    sent = draw(st.lists(st.one_of(sending, sending, marking), min_size=2, max_size=8))
    return (
        "*mangle\n:FORWARD ACCEPT [0:0]\n"
        + rules("FORWARD", mangling, 2)
        + "COMMIT\n*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n"
        + "\n".join([*sent, ""])
        + rules("POSTROUTING", leaving, 2)
        + "COMMIT\n*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:A - [0:0]\n"
        + rules("INPUT", asked, 2)
        + rules("FORWARD", asked, 3)
        + rules("A", ends, 2)
        + "COMMIT\n"
    )


@settings(max_examples=100, deadline=None)
@given(rulesets(), st.booleans(), st.sampled_from([None, NODE]))
def test_whatever_is_asked_of_them(text: str, keep_traces: bool, node: Node | None) -> None:
    ruleset = parse(text)
    packet = Packet(dst="10.96.0.0/24", protocol="tcp", dport="80,443,8080")
    flows = trace(ruleset, packet, keep_traces=keep_traces, node=node)
    others = alone(ruleset, packet, keep_traces=keep_traces, node=node)
    assert fates(flows) == fates(others)
    if keep_traces or "statistic" not in text:
        assert told(flows, steps=keep_traces) == told(others, steps=keep_traces)


def _sent(*goals: tuple[str, int]) -> list[State]:
    asked = State({"src": AddressSet.read("198.51.100.7"), "dst": AddressSet.everything(4), "dport": NumberSet.of(80)})
    return [
        asked.rewritten(dst=Constant(AddressSet.read(host)), dport=Constant(NumberSet.of(port))) for host, port in goals
    ]


def test_a_batch_shows_all_that_its_states_can_be() -> None:
    (batch,) = batched(_sent(("10.244.0.7", 80), ("10.244.0.9", 8080)))
    assert isinstance(batch, Batch)
    assert batch.now == {
        "dst": Each(AddressSet.read("10.244.0.7,10.244.0.9")),
        "dport": Each(NumberSet.read("80,8080", 16)),
    }
    assert [str(one.view("dst")) for one in batch.apart()] == ["10.244.0.7", "10.244.0.9"]


def test_what_is_rewritten_otherwise_goes_by_itself() -> None:
    first, second, third = _sent(("10.244.0.7", 80), ("10.244.0.8", 80), ("10.244.0.9", 80))
    marked = third.rewritten(mark=Constant(NumberSet.of(1)))
    together, by_itself = batched([first, second, marked])
    assert isinstance(together, Batch)
    assert together.members == [first, second]
    assert by_itself is marked


def test_only_where_the_same_is_set_do_packets_go_on_together() -> None:
    to = ("10.244.0.7:8080", "10.244.0.8:8080", ":8080", "10.244.0.9")
    rules = "".join(f"-A PREROUTING -s 10.0.0.{n} -p tcp -j DNAT --to-destination {one}\n" for n, one in enumerate(to))
    flows = trace(
        parse(f"*nat\n:PREROUTING ACCEPT [0:0]\n{rules}COMMIT\n"),
        Packet(src="10.0.0.0/30", dst="10.96.0.1", protocol="tcp", dport=80, sport=1024),
        node=NODE,
    )
    assert [(str(one.packet.src), str(one.packet.dst), str(one.packet.dport)) for one in flows] == [
        ("10.0.0.0", "10.244.0.7", "8080"),
        ("10.0.0.1", "10.244.0.8", "8080"),
        ("10.0.0.2", "10.96.0.1", "8080"),
        ("10.0.0.3", "10.244.0.9", "80"),
    ]


def test_flows_keep_their_packets_when_others_are_gone() -> None:
    rules = (
        "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n"
        + "".join(f"-A PREROUTING -d 10.96.0.{n} -j DNAT --to-destination 10.244.0.{n}\n" for n in range(40))
        + "-A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE\nCOMMIT\n"
    )
    asked = Packet(dst="10.96.0.0/24", src="10.0.0.0/8,192.0.2.0/24", protocol="tcp")
    expected = [str(one.when) for one in trace(parse(rules), asked, node=NODE)]
    flows = list(trace(parse(rules), asked, node=NODE))
    found = []
    while flows:
        found.append(str(flows.pop(0).when))
    assert found == expected


def test_a_step_is_told_of_all_that_take_it() -> None:
    rules = (
        "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n"
        "-A PREROUTING -d 10.96.0.1 -j DNAT --to-destination 10.244.0.7\n"
        "-A PREROUTING -d 10.96.0.2 -j DNAT --to-destination 10.244.1.7\n"
        "-A POSTROUTING -j MASQUERADE\nCOMMIT\n"
        "*filter\n:FORWARD ACCEPT [0:0]\n"
        "-A FORWARD -s 198.51.100.0/24 -j ACCEPT\n-A FORWARD -d 10.244.1.0/24 -j ACCEPT\nCOMMIT\n"
    )
    flows = trace(parse(rules), Packet(dst="10.96.0.1,10.96.0.2", src="198.51.0.0/16"))
    sent = [flow for flow in flows if flow.delivery == "forwarded"]
    assert [[step.change for step in flow.steps if step.chain == "POSTROUTING"] for flow in sent] == [
        ["src 198.51.0.0/16 -> an address of the node"],
        ["src 198.51.0.0/16 -> an address of the node"],
    ]
