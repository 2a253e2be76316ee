"""One rule, one packet: does it match?"""

from __future__ import annotations

from typing import Any

from iptables_model import Node, Packet, parse
from iptables_model.netfilter.condition import all_of
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning import meaning_of
from iptables_model.netfilter.packet import cube_of, parted
from iptables_model.netfilter.split import split
from iptables_model.netfilter.state import State

__all__ = ["answer"]

NODE = Node(interfaces={"eth0": ("192.0.2.1/24", "2001:db8::1/64"), "lo": ("127.0.0.1/8", "::1/128")})
_ENDS = {4: ("198.51.100.7", "192.0.2.1"), 6: ("2001:db8:51::7", "2001:db8::1")}


def answer(asked: str, fields: dict[str, Any], family: int = 4) -> str:
    """Ask whether a rule matches: yes, no, for some of the packets, or else what is missing to tell.

    The packet is TCP from outside to the node unless it is said otherwise.
    """
    src, dst = _ENDS[family]
    packet = Packet(**{"src": src, "dst": dst, "protocol": "tcp", "sport": 5000, "dport": 80, **fields})
    chain = "OUTPUT" if packet.in_interface is None else "PREROUTING"
    (rule,) = parse(f"*mangle\n:{chain} ACCEPT\n-A {chain} {asked} -j DROP\nCOMMIT\n")["mangle"][chain].rules
    condition = all_of(meaning_of(match, Evidence(family, NODE)) for match in rule.matches)
    cube = cube_of(packet, family)
    parts = [split(State(cube, part), condition, lambda _assume, _state: None) for part in parted(cube)]
    matching, others = ([state for part in parts for state in part[side]] for side in (0, 1))
    reasons = {one.reason for state in matching + others for one in state.assumptions}
    if reasons:
        return "; ".join(sorted(reasons))
    return "for some" if matching and others else "yes" if matching else "no"
