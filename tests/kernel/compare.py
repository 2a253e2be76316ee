"""What the walk answers about a packet, against what the kernel told of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

from iptables_model import Flow, Node, Outcome, Packet, Ruleset, Step
from iptables_model.model import matches
from iptables_model.netfilter.bits import BitSet
from iptables_model.netfilter.condition import Assume
from iptables_model.netfilter.ends import Delivery
from iptables_model.netfilter.fields import HEADERS, STATUS
from iptables_model.netfilter.meaning.addresses import ENDS_THERE
from iptables_model.netfilter.meaning.transport import AT_ONCE
from iptables_model.netfilter.packet import FieldSet
from iptables_model.netfilter.path import OLDER
from iptables_model.netfilter.sets import AddressSet, NameSet, NumberSet
from iptables_model.netfilter.state import State, Supposition
from iptables_model.netfilter.trace import flows_of
from iptables_model.values.names import Interface
from tests.kernel.frames import AH, DCCP, ICMP, ICMP6, SCTP, TCP, UDP, UDPLITE, Frame, option_kinds
from tests.kernel.lab import PROXY, WIRE_ADDRESS, Passed

__all__ = ["answers", "asked", "differences", "line_of"]

_ENDS = {
    Delivery.LOCAL: "INPUT",
    Delivery.FORWARDED: "POSTROUTING",
    Delivery.SENT: "POSTROUTING",
    Delivery.PROXIED: None,
}


_NOT_AUTHENTICATED = BitSet.of(0, HEADERS.bits["AUTH"])
"""What has no such header shows the ports in its trace."""
_RUNNING = {
    "what runs on the node is not in the dump",
    "the open sockets of the node are not in the dump",
    "the cookies are not in the dump",
}
"""Why the walk assumes what the laboratory knows."""
_GIVEN = {"sysctls are not in the dump", AT_ONCE.reason, ENDS_THERE.reason}
"""Why it assumes what is so in the laboratory."""


def answers(ruleset: Ruleset, frame: Frame, passed: Passed, node: Node) -> tuple[Flow, ...]:
    """Follow a packet that was sent, in the laboratory, of which it is known what runs there."""
    return flows_of(ruleset, asked(frame, passed.seen), node=node, suppose=_known)


def _known(assumed: Assume, state: State) -> Supposition | None:
    """Answer what only the laboratory knows: nobody listens but the transparent sockets, and no packet has a cookie.

    No connection is older than the rules and without an answer. Its sysctls let packets pass, and its rules are those
    of iptables-nft 1.8.9.
    """
    if assumed is OLDER:
        return Supposition(holds=False)
    if assumed.reason in _GIVEN:
        return Supposition(holds=True)
    if assumed.reason not in _RUNNING:
        return None
    if isinstance(assumed.match, matches.Socket):
        handed_over = "socket" in state.now
        return Supposition(handed_over and assumed.match.nowildcard)
    return Supposition(f"port {PROXY}," in assumed.statement)


def asked(frame: Frame, seen: Sequence[str]) -> Packet:
    """Turn a packet that was sent into the one to ask about, in which nothing that was known is left open.

    `seen` is what conntrack took it for. It is the walk that has to tell which packets are not tracked.
    """
    known = {} if frame.offset else _transport(frame)
    if frame.version == 6:
        headers = (*frame.headers, *([] if frame.offset is None else ["FRAG"]))
        known |= {"headers": ",".join(headers) or "NONE"}
    if frame.way is None:
        known |= {"socket": "process", "uid_owner": 0, "gid_owner": 0}
    else:
        known |= {"mac_source": WIRE_ADDRESS, "pkt_type": "unicast"}
    state = [name for name in seen if name in ("NEW", "ESTABLISHED", "RELATED", "INVALID")]
    if state:
        bits = [name for name in seen if name in STATUS.bits]
        mark = sum(int(name, 16) for name in seen if name.startswith("0x"))
        known |= {"state": state[0], "status": ",".join(bits) or "NONE", "connmark": mark}
    if state and state != ["INVALID"]:
        known |= {"direction": next(name for name in seen if name in ("ORIGINAL", "REPLY"))}
    return Packet(
        src=frame.src,
        dst=frame.dst,
        protocol=frame.protocol,
        in_interface=frame.way,
        ttl=frame.ttl,
        tos=frame.tos,
        length=frame.size,
        fragment="no" if frame.offset is None else "yes" if frame.offset else "first",
        **known,
    )


def _transport(frame: Frame) -> dict[str, Any]:
    """Say what stands behind the IP header, and in that of authentication."""
    known: dict[str, Any] = {}
    if frame.protocol in (TCP, UDP, SCTP, DCCP, UDPLITE):
        known |= {"sport": frame.sport, "dport": frame.dport}
    if frame.protocol == AH or "AUTH" in frame.headers:
        known |= {"ahspi": frame.spi}
    match frame.protocol:
        case 6:
            kinds = ",".join(str(kind) for kind in option_kinds(frame.tcp_options)) or "NONE"
            known |= {"tcp_flags": BitSet.of(frame.tcp_flags, 0xFF), "tcp_options": kinds}
            if frame.tcp_options.startswith(b"\2\4"):
                known |= {"mss": int.from_bytes(frame.tcp_options[2:4], "big")}
        case 33:
            known |= {"dccp_type": "REQUEST"}
        case 132:
            known |= {"sctp_chunks": "INIT"}
        case 50:
            known |= {"espspi": frame.spi}
        case 1 | 58:
            known |= {"icmp_type": f"{frame.icmp_type}/{frame.icmp_code}"}
    return known


def differences(flows: tuple[Flow, ...], passed: Passed) -> str:
    """Say how each flow differs from what the kernel told, or nothing if one does not."""
    found = [difference(flow, passed) for flow in flows]
    return "" if "" in found else "\n".join(["not as the kernel has it:", *found])


def difference(flow: Flow, passed: Passed) -> str:
    """Say in what a flow is not what the kernel told, or nothing."""
    steps = tuple(line_of(step) for step in flow.steps)
    if steps != passed.steps:
        return f"steps {_around(steps, passed.steps)}"
    end = None if flow.delivery is None else _ENDS[flow.delivery]
    if end != passed.end:
        return f"end {flow.outcome} {end}, kernel {passed.end}"
    if passed.end is None:
        stopped = flow.outcome is not Outcome.REACHES or flow.delivery is Delivery.PROXIED
        return "" if stopped else "reaches no end"
    return "; ".join(_leaves(flow.packet, passed))


def _leaves(packet: Packet, passed: Passed) -> Iterable[str]:
    found: dict[str, FieldSet] = {"mark": BitSet.of(passed.mark)}
    seen = passed.leaves
    if seen is not None:
        found |= {
            "src": AddressSet.of(ipaddress.ip_address(seen.src)),
            "dst": AddressSet.of(ipaddress.ip_address(seen.dst)),
            "ttl": NumberSet.of(seen.ttl),
            "tos": BitSet.of(seen.tos),
        }
    no_ports = packet.protocol & NumberSet((ICMP, ICMP + 1, ICMP6, ICMP6 + 1))
    if seen is not None and not no_ports and packet.headers in _NOT_AUTHENTICATED:
        found |= {"sport": NumberSet.of(seen.sport), "dport": NumberSet.of(seen.dport)}
    if passed.end == "POSTROUTING" and passed.out_interface is not None:
        found |= {"out_interface": NameSet.of(Interface(passed.out_interface))}
    for name, value in found.items():
        if value not in getattr(packet, name):
            yield f"{name} {getattr(packet, name)}, kernel {value}"


def line_of(step: Step) -> str:
    """Write a step as the laboratory does; the kernel tells a REJECT as a drop."""
    place = "policy" if step.rule is None else step.rule.index + 1
    return f"{step.table} {step.chain} {place} {'drop' if step.verdict == 'reject' else step.verdict}"


def _around(ours: tuple[str, ...], theirs: tuple[str, ...]) -> str:
    same = 0
    while same < min(len(ours), len(theirs)) and ours[same] == theirs[same]:
        same += 1
    return f"alike up to {same}: then {ours[same : same + 2]}, kernel {theirs[same : same + 2]}"
