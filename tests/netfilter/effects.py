"""Rulesets of single targets, and what becomes of packets there."""

from __future__ import annotations

from iptables_model import Flow, Node, Packet, Ruleset, parse, trace

__all__ = ["NODE", "changes", "only", "ruleset", "through"]

NODE = Node(
    interfaces={
        "lo": ("127.0.0.1/8", "::1/128"),
        "eth0": ("192.0.2.1/24", "192.0.2.9/24", "203.0.113.1/24", "2001:db8::1/64", "fe80::1/64"),
        "pod0": ("10.244.1.1/24", "fd00:244:1::1/64", "fe80::2/64"),
        "pod1": ("fe80::3/64",),
    }
)

_HOOKS = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}


def ruleset(**tables: str) -> Ruleset:
    """Make tables of rules, one in a line and without `-A`, in chains that accept."""
    text = ""
    for name, rules in tables.items():
        heads = "".join(f":{hook} ACCEPT [0:0]\n" for hook in _HOOKS[name])
        lines = "".join(f"-A {rule.strip()}\n" for rule in rules.strip().splitlines())
        text += f"*{name}\n{heads}{lines}COMMIT\n"
    return parse(text)


def through(rules: Ruleset, **fields: object) -> tuple[Flow, ...]:
    """Ask about a TCP packet from outside to the node, but for some fields."""
    six = any(":" in str(held) for held in fields.values()) or rules.family == 6
    usual = {"src": "2001:db8:51::7", "dst": "2001:db8::1"} if six else {"src": "198.51.100.7", "dst": "192.0.2.1"}
    said: dict[str, object] = {
        **usual,
        "protocol": "tcp",
        "sport": 40000,
        "dport": 80,
        "in_interface": "eth0",
        **fields,
    }
    return trace(rules, Packet(**said), node=NODE)  # type: ignore[arg-type]


def only(rules: Ruleset, **fields: object) -> Flow:
    """Ask about packets that fare alike."""
    (flow,) = through(rules, **fields)
    return flow


def changes(flow: Flow) -> list[str]:
    """List the changes of which the steps tell."""
    return [step.change for step in flow.steps if step.change]
