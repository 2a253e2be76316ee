"""The laboratory: a node in a network namespace of its own, wires that lead to it, and packets on them.

What hangs at the other ends answers nothing, so all that the node sees is what the tests send. A small table of the
laboratory's own turns the kernel's trace on for these packets, tells what conntrack takes them for, and shows them
once more at the end of INPUT and POSTROUTING. It drops the kernel's own answers.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence

import attrs

from iptables_model import Node
from iptables_model.netfilter.fields import STATUS
from tests.kernel.frames import Frame, Header, header_of, number_of
from tests.kernel.netlink import Netfilter, TraceEvent
from tests.oracle import Namespace, namespace

__all__ = [
    "FAMILIES",
    "HOSTS",
    "IPSETS",
    "ODD",
    "OWN",
    "PROXY",
    "WAYS",
    "WIRE_ADDRESS",
    "Lab",
    "Passed",
    "laboratory",
    "node_of",
    "way_to",
]

FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
WAYS = ("eth0", "pod0", "pod1")
"""The node's interfaces. The last has no address, as the pods' interfaces under Calico."""

_HARDWARE = {way: f"02:00:00:00:00:0{number}" for number, way in enumerate(WAYS, 1)}
WIRE_ADDRESS = "02:00:00:00:00:09"
"""Who sends on the wires."""
_ADDRESSES = {
    "eth0": ("192.0.2.1/24", "192.0.2.9/24", "2001:db8::1/64", "2001:db8::9/64"),
    "pod0": ("10.244.1.1/24", "fd00:244:1::1/64"),
}
_KINDS_OF_ROUTES = ("blackhole", "unreachable", "prohibit", "throw")
_ROUTES = (
    "default via 192.0.2.254 dev eth0",
    "default via 2001:db8::fe dev eth0",
    "10.244.2.0/24 dev pod1",
    "fd00:244:2::/64 dev pod1",
    *(f"{kind} 172.16.{number}.0/24" for number, kind in enumerate(_KINDS_OF_ROUTES)),
    *(f"{kind} fd01:{number}::/64" for number, kind in enumerate(_KINDS_OF_ROUTES)),
    "local 172.17.0.0/24 dev lo",
    "local fd02::/64 dev lo",
    # Each packet goes one of two ways.
    "172.18.0.0/24 nexthop dev pod0 nexthop dev pod1",
    "fd03::/64 nexthop via fe80::7 dev pod0 nexthop via fe80::8 dev pod1",
    # The second one is better.
    *(f"172.19.0.0/24 dev {way} metric {metric}" for way, metric in (("pod1", 9), ("eth0", 5))),
    *(f"fd04::/64 dev {way} metric {metric}" for way, metric in (("pod1", 9), ("eth0", 5))),
)
HOSTS = {
    4: ("198.51.100.", "203.0.113.", "10.244.1.", "10.244.2."),
    6: ("2001:db8:51::", "2001:db8:113::", "fd00:244:1::", "fd00:244:2::"),
}
"""How the addresses begin of those who might be on the wires: first outside, then pods."""
OWN = {
    4: ("192.0.2.1", "192.0.2.9", "10.244.1.1", "127.0.0.1"),
    6: ("2001:db8::1", "2001:db8::9", "fd00:244:1::1", "::1"),
}
"""The node's own addresses."""
_PODS = {"10.244.1.": "pod0", "fd00:244:1::": "pod0", "10.244.2.": "pod1", "fd00:244:2::": "pod1"}
ODD = {
    4: (*(f"172.16.{number}.7" for number in range(4)), *(f"172.{number}.0.7" for number in (17, 18, 18, 19))),
    6: (*(f"fd01:{number}::7" for number in range(4)), *(f"fd0{number}::7" for number in (2, 3, 3, 4))),
}
"""Addresses to which routes of all types lead, several routes, or one with several ways."""
PROXY = 15001
"""The port at which the only sockets of the node listen: transparent ones, of TCP and UDP, at any address."""
_SYSCTLS = (
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0",
    "net.ipv4.conf.all.route_localnet=1",
    "net.ipv4.tcp_syncookies=2",  # so that no SYN leaves a socket behind
)

IPSETS = """create hosts4 hash:ip family inet
add hosts4 10.244.1.3
add hosts4 198.51.100.101
add hosts4 192.0.2.1
create nets4 hash:net family inet
add nets4 10.244.0.0/16
add nets4 10.244.1.0/28 nomatch
add nets4 203.0.113.0/24
create ports4 hash:ip,port family inet
add ports4 192.0.2.1,tcp:80
add ports4 192.0.2.1,udp:53
add ports4 10.244.1.3,sctp:443
create seen4 hash:ip family inet
create hosts6 hash:ip family inet6
add hosts6 fd00:244:1::3
add hosts6 2001:db8::1
create nets6 hash:net family inet6
add nets6 fd00:244::/32
add nets6 fd00:244:1::/64 nomatch
create ports6 hash:ip,port family inet6
add ports6 2001:db8::1,tcp:80
add ports6 2001:db8::9,udp:53
create seen6 hash:ip family inet6
"""
"""The node's ipsets. No rule looks into the last of a family, which the packets before may have changed."""

_PROBE = 0xFFFF
_ENDS = {"end-input": "INPUT", "end-postrouting": "POSTROUTING"}
_TABLE = "laboratory"
_PROBES = {
    4: Frame(way="eth0", src="198.51.100.1", dst="192.0.2.1", protocol=17),
    6: Frame(way="eth0", src="2001:db8:51::1", dst="2001:db8::1", protocol=17),
}
_INET = 1
_NFT_FAMILY = {4: "ip", 6: "ip6"}
_SEEN = {
    **{f"state {name}": name.upper() for name in ("invalid", "new", "established", "related", "untracked")},
    **{f"status {name.lower().replace('_', '-')}": name for name in STATUS.bits},
    **{f"direction {name}": name.upper() for name in ("original", "reply")},
    **{f"mark & {1 << bit:#x} != 0": f"{1 << bit:#x}" for bit in range(32)},
}
"""What nft can ask about a packet's connection, and how iptables calls it."""
_SETUP = f"""
table inet {_TABLE} {{
  chain in {{ type filter hook prerouting priority -500
    ip id {_PROBE} meta nftrace set 1 drop
    ip6 flowlabel {_PROBE} meta nftrace set 1 drop
    iif != lo ip id 1-999 meta nftrace set 1
    iif != lo ip6 flowlabel 1-999 meta nftrace set 1
  }}
  chain out {{ type filter hook output priority -500
    meta skuid 0 ip id 1-999 meta nftrace set 1 accept
    meta skuid 0 ip6 flowlabel 1-999 meta nftrace set 1 accept
    drop
  }}
  chain end-input {{ type filter hook input priority 2000
    meta nftrace set 1
  }}
  chain end-postrouting {{ type filter hook postrouting priority 2000
    meta nftrace set 1
  }}
}}
"""
_TRACKING = {
    hook: f"table inet {_TABLE}-{hook} {{ chain seen {{ type filter hook {hook} priority -190\n"
    + "".join(f"ct {question} meta nftrace set 1\n" for question in _SEEN)
    + "}\n}\n"
    for hook in ("prerouting", "output")
}


class LabError(Exception):
    """Say which command of the laboratory failed, and why."""


@attrs.frozen(kw_only=True)
class Passed:
    """Hold what the kernel told of one packet.

    `steps` are `TABLE CHAIN PLACE VERDICT` of each rule that matched, with places from 1, and `TABLE CHAIN policy
    VERDICT`; `seen` is what conntrack took the packet for when it came: the state, bits of the status, the direction,
    bits of the connection's mark. If it got to an end, `end` is the hook; `leaves`, `mark` and `out_interface` are how
    it looked behind that.
    """

    steps: tuple[str, ...]
    seen: tuple[str, ...] = ()
    end: str | None = None
    leaves: Header | None = None
    mark: int = 0
    out_interface: str | None = None


class Lab:
    """Load rules, send packets, and tell what the kernel did with them."""

    def __init__(self, node: Namespace, around: Namespace) -> None:
        self._node = node
        _build(node, around)
        with around.entered():
            self._wires = {way: _wire(way) for way in WAYS}
        with node.entered():
            self._netfilter = Netfilter()
            self._raw = {family: _raw_socket(family) for family in FAMILIES}
            self._proxies = [_proxy(family, kind) for family in FAMILIES for kind in _KINDS]
        self._names = {link["ifindex"]: link["ifname"] for link in json.loads(self.run("ip", "-j", "link"))}
        self.run("nft", "-f", "-", text=_SETUP)
        self.run("ipset", "restore", text=IPSETS)
        self._tracked = False

    def close(self) -> None:
        """Close all sockets."""
        self._netfilter.close()
        for one in (*self._wires.values(), *self._raw.values(), *self._proxies):
            one.close()

    def run(self, *command: str, text: str | None = None) -> str:
        """Run a command on the node, and give what it prints."""
        with self._node.entered():
            done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"{' '.join(command)}: {done.stderr}\n{text or ''}")
        return done.stdout

    def evidence(self) -> dict[str, str]:
        """Give what tells of the node beside its rules, as the commands print it."""
        routes = [self.run("ip", family, "-j", "route", "show", "table", "all") for family in ("-4", "-6")]
        return {
            "addresses.json": _listing(self.run("ip", "-j", "addr")),
            "routes.json": _listing(*routes),
            "ipsets.save": IPSETS,
        }

    def track(self, *, on: bool) -> None:
        """Have conntrack see all packets and tell what it takes them for, or only if the rules ask for that."""
        if on and not self._tracked:
            self.run("nft", "-f", "-", text="".join(_TRACKING.values()))
        elif self._tracked and not on:
            for hook in _TRACKING:
                self.run("nft", "delete", "table", "inet", f"{_TABLE}-{hook}")
        self._tracked = on

    def clear(self, family: int) -> None:
        """Forget all rules of a family, and all connections."""
        self.run("nft", "flush", "ruleset", _NFT_FAMILY[family])
        self._netfilter.forget_connections()

    def load(self, family: int, text: str) -> str:
        """Load a ruleset, and give what iptables-save makes of it."""
        tool = "iptables" if family == 4 else "ip6tables"
        self.run(f"{tool}-nft-restore", text=text)
        return self.run(f"{tool}-nft-save")

    def send(self, frames: Sequence[Frame]) -> list[Passed]:
        """Send packets of one family, one after the other, and tell what became of each."""
        family = FAMILIES[frames[0].version]
        places = self._netfilter.handles(family) | self._netfilter.handles(_INET)
        with _one_processor():
            for number, frame in enumerate(frames, 1):
                self._put(frame, number)
            self._put(_PROBES[frames[0].version], _PROBE)
        told = self._told(number for number, frame in enumerate(frames, 1) if frame.version == 6 and frame.offset)
        return [self._passed(told.get(number, []), places) for number in range(1, len(frames) + 1)]

    def _put(self, frame: Frame, number: int) -> None:
        data = frame.packed(number)
        if frame.way is None:
            target = (frame.dst, 0) if frame.version == 4 else (frame.dst, 0, 0, 0)
            with contextlib.suppress(OSError):  # which is how a sender hears of a drop, or that there is no route
                self._raw[frame.version].sendto(data, target)
        else:
            ethertype = b"\x08\x00" if frame.version == 4 else b"\x86\xdd"
            link = bytes.fromhex((_HARDWARE[frame.way] + WIRE_ADDRESS).replace(":", ""))
            self._wires[frame.way].send(link + ethertype + data)

    def _told(self, headless: Iterator[int]) -> dict[int, list[TraceEvent]]:
        """Gather the trace by the packets' numbers, up to that of the probe.

        The kernel's ids are used again for later packets; but each base chain begins by telling the interface and the
        header. It tells no header of later fragments of IPv6, so `headless` has their numbers in order.
        """
        told: dict[int, list[TraceEvent]] = {}
        numbers: dict[int, int] = {}
        latest = 0
        for event in self._netfilter.events():
            if event.header:
                numbers[event.packet] = number_of(event.header)
            elif event.table == _TABLE and event.chain in ("in", "out") and event.in_index | event.out_index:
                if self._names.get(event.in_index) != "lo":  # where the latest packet of the node comes once more
                    latest = next(headless)
                numbers[event.packet] = latest
            number = numbers[event.packet]
            if number == _PROBE:
                return told
            told.setdefault(number, []).append(event)
        raise AssertionError

    def _passed(self, events: list[TraceEvent], places: Mapping[tuple[str, int], tuple[str, int]]) -> Passed:
        passed = Passed(steps=tuple(_steps(events, places)), seen=tuple(_seen(events, places)))
        for event in events:
            if event.rule is not None and event.table == _TABLE and event.chain in _ENDS:
                header = header_of(event.header, event.transport) if event.header else None
                out = self._names.get(event.out_index)
                passed = attrs.evolve(passed, leaves=header, mark=event.mark, out_interface=out)
        if not events or (events[-1].chain == "end-postrouting" and passed.out_interface == "lo"):
            return passed  # over loopback it did not come in again, which is no end but a drop
        return attrs.evolve(passed, end=_ENDS.get(events[-1].chain))


def _seen(events: list[TraceEvent], places: Mapping[tuple[str, int], tuple[str, int]]) -> Iterator[str]:
    """List what was seen at the first hook; over loopback there are two."""
    told = [event for event in events if event.chain == "seen" and event.rule is not None]
    for event in told:
        if event.table == told[0].table and event.rule is not None:
            yield tuple(_SEEN.values())[places[event.table, event.rule][1]]


def _steps(events: list[TraceEvent], places: Mapping[tuple[str, int], tuple[str, int]]) -> Iterator[str]:
    for event in events:
        if event.table.startswith(_TABLE):
            continue
        if event.rule is not None:
            yield f"{event.table} {event.chain} {places[event.table, event.rule][1] + 1} {event.verdict}"
        elif event.policy:
            yield f"{event.table} {event.chain} policy {event.verdict}"


def _listing(*printed: str) -> str:
    """Join what `ip -j` printed, one item a line."""
    items = [json.dumps(item) for text in printed for item in json.loads(text)]
    return "[\n" + ",\n".join(items) + "\n]\n"


def node_of(evidence: Mapping[str, str]) -> Node:
    """Read the evidence."""
    return Node.from_text(
        addresses=evidence["addresses.json"], routes=evidence["routes.json"], ipsets=evidence["ipsets.save"]
    )


def way_to(address: str) -> str | None:
    """Give the interface behind which an address is, None if it is the node's own."""
    if address in OWN[4] + OWN[6]:
        return None
    return next((way for start, way in _PODS.items() if address.startswith(start)), "eth0")


@contextlib.contextmanager
def laboratory() -> Iterator[Lab]:
    """Build a laboratory, and take it down again."""
    with namespace() as node, namespace() as around:
        lab = Lab(node, around)
        try:
            yield lab
        finally:
            lab.close()


def _build(node: Namespace, around: Namespace) -> None:
    around.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
    node.run("sysctl", "-qw", *_SYSCTLS)
    for way in WAYS:
        node.run("ip", "link", "add", way, "address", _HARDWARE[way], "type", "veth", "peer", way, "netns", around.name)
        # Without address resolution: whoever is meant, the packet goes out on the wire.
        node.run("ip", "link", "set", way, "arp", "off", "up")
        around.run("ip", "link", "set", way, "arp", "off", "up")
        for address in _ADDRESSES.get(way, ()):
            node.run("ip", "address", "add", address, "dev", way, *(["nodad"] if ":" in address else []))
    for route in _ROUTES:
        node.run("ip", "-6" if ":" in route else "-4", "route", "add", *route.split())


def _wire(way: str) -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.bind((way, 0))
    return made


def _raw_socket(family: int) -> socket.socket:
    made = socket.socket(FAMILIES[family], socket.SOCK_RAW, socket.IPPROTO_RAW)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    return made


_KINDS = (socket.SOCK_STREAM, socket.SOCK_DGRAM)
_IP_TRANSPARENT, _IPV6_TRANSPARENT = 19, 75


def _proxy(family: int, kind: socket.SocketKind) -> socket.socket:
    """Listen for what TPROXY hands over."""
    made = socket.socket(FAMILIES[family], kind)
    if family == 4:
        made.setsockopt(socket.SOL_IP, _IP_TRANSPARENT, 1)
    else:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setsockopt(socket.IPPROTO_IPV6, _IPV6_TRANSPARENT, 1)
    made.bind(("", PROXY))
    if kind is socket.SOCK_STREAM:
        made.listen()
    return made


@contextlib.contextmanager
def _one_processor() -> Iterator[None]:
    """Stay on one processor, whose queue keeps the order of the packets."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
