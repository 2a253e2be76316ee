"""The walk on small rulesets: calls, verdicts, marks, NAT, the order of the tables, and what is not known."""

from __future__ import annotations

import pickle
from fractions import Fraction

import pytest

from iptables_model import Flow, ModelError, Node, Outcome, Packet, Ruleset, parse, trace
from iptables_model.netfilter.trace import hold_alike

NODE = Node(interfaces={"eth0": ("192.0.2.1/24",), "lo": ("127.0.0.1/8",)})


def filtering(*rules: str, chains: str = "", policy: str = "ACCEPT") -> Ruleset:
    """Make a filter table of rules for INPUT, with some user chains."""
    head = [f":INPUT {policy} [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
    head += [f":{chain} - [0:0]" for chain in chains.split()]
    return parse("\n".join(["*filter", *head, *rules, "COMMIT", ""]))


def ask(ruleset: Ruleset, **fields: object) -> tuple[Flow, ...]:
    """Ask about packets to the node, and keep each trace by itself."""
    said = {"src": "198.51.100.7", "dst": "192.0.2.1", "protocol": "tcp", "dport": 80, **fields}
    return trace(ruleset, Packet(**said), node=NODE, keep_traces=True)  # type: ignore[arg-type]


def outcome(ruleset: Ruleset, **fields: object) -> Outcome:
    """Ask about packets that fare alike."""
    (flow,) = ask(ruleset, **fields)
    return flow.outcome


def stops(flow: Flow) -> list[str]:
    """List the steps that are not policies."""
    return [f"{step.chain}:{step.rule.index + 1} {step.verdict}" for step in flow.steps if step.rule is not None]


def test_a_nested_return_goes_back_one_level() -> None:
    rules = filtering("-A INPUT -j A", "-A A -j B", "-A A -j DROP", "-A B -j RETURN", chains="A B")
    (flow,) = ask(rules)
    assert (flow.outcome, stops(flow)) == (Outcome.DROPPED, ["INPUT:1 jump A", "A:1 jump B", "B:1 return", "A:2 drop"])


def test_a_chain_gone_to_ends_behind_the_last_jump() -> None:
    rules = filtering("-A INPUT -j A", "-A INPUT -j ACCEPT", "-A A -g B", "-A A -j DROP", chains="A B")
    (flow,) = ask(rules)
    assert stops(flow) == ["INPUT:1 jump A", "A:1 goto B", "INPUT:2 accept"]


def test_a_goto_from_a_built_in_chain_ends_with_its_policy() -> None:
    rules = filtering("-A INPUT -g A", "-A INPUT -j ACCEPT", chains="A", policy="DROP")
    (flow,) = ask(rules)
    assert (flow.outcome, flow.deciding_rule, flow.steps[-1].verdict) == (Outcome.DROPPED, None, "drop")


def test_return_from_a_built_in_chain_is_its_policy() -> None:
    assert outcome(filtering("-A INPUT -j RETURN", "-A INPUT -j ACCEPT", policy="DROP")) is Outcome.DROPPED


def test_accept_in_a_user_chain_ends_the_table() -> None:
    assert outcome(filtering("-A INPUT -j A", "-A INPUT -j DROP", "-A A -j ACCEPT", chains="A")) is Outcome.REACHES


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("! -s 198.51.100.0/24 -j DROP", Outcome.REACHES),
        ("! -s 198.51.101.0/24 -j DROP", Outcome.DROPPED),
        ("-p tcp -m tcp ! --dport 80 -j DROP", Outcome.REACHES),
        ("-p udp -m udp --dport 80 -j DROP", Outcome.REACHES),
        ("-p tcp -m multiport --dports 22,80:90 -j DROP", Outcome.DROPPED),
        ("-p tcp -m multiport ! --dports 22,80:90 -j DROP", Outcome.REACHES),
        ("-m mark --mark 0x0/0x1 -j DROP", Outcome.DROPPED),
        ("-m conntrack --ctstate NEW -j REJECT --reject-with icmp-port-unreachable", Outcome.REJECTED),
        ("-m conntrack ! --ctstate NEW -j DROP", Outcome.REACHES),
        ("-m addrtype --dst-type LOCAL -j DROP", Outcome.DROPPED),
        ("-m addrtype --src-type LOCAL -j DROP", Outcome.REACHES),
        ("-m iprange --src-range 198.51.100.1-198.51.100.9 -j DROP", Outcome.DROPPED),
        ("-m comment --comment x", Outcome.REACHES),
        ("-j LOG", Outcome.REACHES),
    ],
)
def test_a_rule(rule: str, found: Outcome) -> None:
    assert outcome(filtering(f"-A INPUT {rule}")) is found


def test_flows_say_for_which_packets_they_hold() -> None:
    flows = ask(
        filtering("-A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 22 -j DROP"), src="198.51.0.0/16", dport="20:30"
    )
    dropped, *passed = sorted(flows, key=lambda flow: flow.outcome)
    assert [(str(one.src), str(one.dport)) for one in dropped.when] == [("198.51.100.0/24", "22")]
    assert {(str(one.src), str(one.dport)) for flow in passed for one in flow.when} == {
        ("198.51.0.0-198.51.99.255,198.51.101.0-198.51.255.255", "20:30"),
        ("198.51.100.0/24", "20:21,23:30"),
    }


def test_chance_is_exact_and_adds_up() -> None:
    rules = filtering(
        "-A INPUT -m statistic --mode random --probability 0.33333333349 -j A",
        "-A INPUT -m statistic --mode random --probability 0.50000000000 -j DROP",
        "-A A -j ACCEPT",
        chains="A",
    )
    shares = {stops(flow)[-1] if stops(flow) else "policy": flow.probability for flow in ask(rules)}
    third = Fraction(715827883, 2**31)
    assert shares == {"A:1 accept": third, "INPUT:2 drop": (1 - third) / 2, "policy": (1 - third) / 2}


def test_marks_are_xored_and_seen_by_later_tables() -> None:
    text = (
        "*mangle\n:PREROUTING ACCEPT [0:0]\n"
        "-A PREROUTING -j MARK --set-xmark 0x4000/0x4000\n-A PREROUTING -j MARK --set-xmark 0x1/0x0\nCOMMIT\n"
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m mark --mark 0x4001 -j DROP\nCOMMIT\n"
    )
    (flow,) = ask(parse(text))
    assert (flow.outcome, str(flow.packet.mark)) == (Outcome.DROPPED, "0x4001")
    flows = ask(parse(text), mark="any")
    assert {
        (flow.outcome, str(one.mark)) for flow in flows for one in flow.when if flow.outcome is Outcome.DROPPED
    } == {(Outcome.DROPPED, "0x0/0xffffbfff")}


def test_nat_is_for_the_first_packet_only() -> None:
    text = (
        "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n"
        "-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.9:8080\n"
        "-A POSTROUTING -j MASQUERADE\nCOMMIT\n"
    )
    (first,) = ask(parse(text))
    assert (str(first.packet.dst), str(first.packet.dport), first.delivery) == ("10.0.0.9", "8080", "forwarded")
    assert (first.translated, first.masqueraded) == (True, True)
    (later,) = ask(parse(text), state="ESTABLISHED", status=0)
    assert (str(later.packet.dst), later.delivery) == ("192.0.2.1", "local")


def test_before_conntrack_every_packet_is_invalid() -> None:
    text = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m conntrack --ctstate {} -j DROP\nCOMMIT\n"
    assert outcome(parse(text.format("INVALID"))) is Outcome.DROPPED
    assert outcome(parse(text.format("NEW"))) is Outcome.REACHES


def test_what_is_not_tracked_passes_nat_by() -> None:
    text = (
        "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j CT --notrack\nCOMMIT\n"
        "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j DNAT --to-destination 10.0.0.9\nCOMMIT\n"
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m conntrack --ctstate UNTRACKED -j DROP\nCOMMIT\n"
    )
    (flow,) = ask(parse(text))
    assert (flow.outcome, flow.translated) == (Outcome.DROPPED, False)


def test_a_loop_is_told_and_ends() -> None:
    flows = ask(filtering("-A INPUT -j A", "-A A -j B", "-A B -j A", chains="A B"))
    assert {flow.outcome for flow in flows} == {Outcome.REACHES, Outcome.DROPPED}
    assert all("leads to itself" in flow.assumptions[0].reason for flow in flows)


def test_an_undeclared_match_is_assumed_once_for_the_same_packets() -> None:
    rules = filtering("-A INPUT -m nobody --knows 1 -j LOG", "-A INPUT -m nobody --knows 1 -j DROP")
    assert [(flow.outcome, [str(one) for one in flow.assumptions]) for flow in ask(rules)] == [
        (Outcome.DROPPED, ['"-m nobody --knows 1" matches']),
        (Outcome.REACHES, ['not: "-m nobody --knows 1" matches']),
    ]


def test_a_limit_is_assumed_each_time() -> None:
    rules = filtering("-A INPUT -m limit --limit 1/sec -j LOG", "-A INPUT -m limit --limit 1/sec -j DROP")
    assert sorted(flow.outcome for flow in ask(rules)) == [
        Outcome.DROPPED,
        Outcome.DROPPED,
        Outcome.REACHES,
        Outcome.REACHES,
    ]


def test_without_the_node_whose_address_it_is_is_assumed() -> None:
    rules = filtering("-A INPUT -j DROP")
    flows = trace(rules, Packet(src="198.51.100.7", dst="192.0.2.1", protocol="tcp"))
    assert [(flow.outcome, flow.delivery, [str(one) for one in flow.assumptions]) for flow in flows] == [
        (Outcome.DROPPED, None, ["dst is an address of the node"]),
        (Outcome.REACHES, "forwarded", ["not: dst is an address of the node"]),
    ]


def test_a_packet_made_here_goes_out_by_output() -> None:
    text = "*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -d 203.0.113.0/24 -j REJECT\nCOMMIT\n"
    (flow,) = trace(parse(text), Packet(src="192.0.2.1", dst="203.0.113.9", in_interface=None), node=NODE)
    assert (flow.outcome, [step.chain for step in flow.steps]) == (Outcome.REJECTED, ["OUTPUT"])


def test_a_packet_to_the_node_itself_passes_both_ways() -> None:
    text = (
        "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j DROP\n-A OUTPUT -o lo -j LOG\nCOMMIT\n"
    )
    flows = trace(parse(text), Packet(src="127.0.0.1", dst="127.0.0.1", in_interface=None), node=NODE, keep_traces=True)
    assert [(flow.outcome, stops(flow)) for flow in flows] == [(Outcome.DROPPED, ["OUTPUT:1 continue", "INPUT:1 drop"])]


def test_families_do_not_mix() -> None:
    ruleset = parse("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s fd00::/8 -j DROP\nCOMMIT\n")
    with pytest.raises(ModelError, match="the rules are of IPv6 and the packet of IPv4"):
        trace(ruleset, Packet(src="10.0.0.1", dst="10.0.0.2"))


def test_chance_at_two_equal_rules_makes_two_flows() -> None:
    rule = "-A INPUT -m statistic --mode random --probability 0.25 -j MARK --set-xmark 0x1/0x1"
    text = f"*mangle\n:INPUT ACCEPT [0:0]\n{rule}\n{rule}\nCOMMIT\n"
    flows = trace(parse(text), Packet(dst="127.0.0.1"), keep_traces=True)
    marked = {tuple(step.rule.index for step in flow.steps if step.rule): flow.probability for flow in flows}
    assert marked == {(0, 1): Fraction(1, 16), (0,): Fraction(3, 16), (1,): Fraction(3, 16), (): Fraction(9, 16)}


def test_dnat_changes_ports_as_each_endpoint_wants() -> None:
    ends = ("10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3", "10.0.0.4:443", "10.0.0.5:8080-8081", "10.0.0.6:443")
    rules = [
        f"-A PREROUTING -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination {to}\n"
        for to in ends
    ]
    ruleset = parse(f"*nat\n:PREROUTING ACCEPT [0:0]\n{''.join(rules)}COMMIT\n")
    flows = ask(ruleset, dport="80,443")
    went = {
        (str(flow.packet.dst), str(flow.packet.dport), "; ".join(str(one.dport) for one in flow.when), flow.probability)
        for flow in flows
    }
    half = Fraction(1, 2)
    assert went == {
        ("10.0.0.1", "8080", "80,443", half),
        ("10.0.0.2", "8080", "80,443", half**2),
        ("10.0.0.3", "80,443", "80,443", half**3),
        ("10.0.0.4", "443", "443", half**4),
        ("10.0.0.4", "443", "80", half**4),
        ("10.0.0.5", "8080:8081", "80,443", half**5),
        ("10.0.0.6", "443", "443", half**6),
        ("10.0.0.6", "443", "80", half**6),
        ("192.0.2.1", "80,443", "80,443", half**6),
    }
    assert all(flow.translated is (str(flow.packet.dst) != "192.0.2.1") for flow in flows)


def test_flows_are_known_to_hold_for_the_same_packets() -> None:
    chance = "-A INPUT -m statistic --mode random --probability 0.25 -j DROP"
    by_chance = ask(filtering(chance))
    by_port = ask(filtering("-A INPUT -p tcp -m tcp --dport 80 -j DROP"), dport="80,443")
    assert len(by_chance) == len(by_port) == 2
    assert hold_alike(by_chance)
    assert not hold_alike(by_port)
    assert not hold_alike(())
    assert not hold_alike(pickle.loads(pickle.dumps(by_chance)))  # noqa: S301 (our own)
