"""Random packets, some of which belong to connections that were there before the rules."""

from __future__ import annotations

from random import Random

import attrs

from tests.kernel.frames import AH, DCCP, ESP, ICMP, ICMP6, MH, SCTP, TCP, UDP, UDPLITE, Frame
from tests.kernel.generate.spot import PORTS, TOS, TTLS
from tests.kernel.lab import HOSTS, ODD, OWN, WAYS, way_to

__all__ = ["ACK", "error", "packets"]

_GRE, _NONE = 47, 59
_HEADERS = ((), (), (), (), ("HOP",), ("DST",), ("AUTH",), ("HOP", "DST", "ROUTE"), ("ROUTE", "AUTH"), ("AUTH", "DST"))
_SYN, _SYN_ACK, ACK = 0x02, 0x12, 0x10
_ECN = 0xC0
_OPTIONS = (b"", b"", b"\2\4\5\x78", b"\2\4\2\x18\4\2\1\1", b"\1\1\x08\x0a" + bytes(8))
_FRAMES, _CONNECTIONS = 20, 5

_NOWHERE = {
    4: (
        "224.0.0.1",
        "239.1.1.1",
        "255.255.255.255",
        "192.0.2.255",
        "10.244.1.255",
        "0.0.0.9",
        "240.0.0.1",
        "127.0.0.1",
    ),
    6: (
        "ff02::1",
        "ff02::2",
        "ff0e::9",
        "ff01::1",
        "ff10::1",
        "::1",
        "fe80::ff:fe00:1",
        "fe80:1::7",
        "2001:db8::",
    ),
}
"""Where the packets of other machines may go, though it is no machine's address, or one of a link."""
_NOWHERE_FROM_HERE = {
    4: ("0.0.0.9", "240.0.0.1", "127.0.0.1", "224.0.0.9", "239.1.1.1"),
    6: ("ff02::9", "ff0e::9", "2001:db8::", "fd00:244:1::", "::1"),
}
"""Where those of the node may go, of which it gets no copy: that would be no flow."""
_FROM_NOWHERE = {
    4: (
        *("127.0.0.1", "127.0.0.2", "224.0.0.9", "255.255.255.255", "192.0.2.1", "192.0.2.255", "10.244.1.255"),
        *("0.0.0.0", *ODD[4]),  # noqa: S104 (a source)
    ),
    6: ("::1", "::", "ff02::1", "fe80::5", "fe80::ff:fe00:1", "2001:db8::1", *ODD[6]),
}


def packets(random: Random, family: int, *, fragments: float) -> tuple[tuple[Frame, ...], tuple[Frame, ...]]:
    """Make packets that open connections with their answers, and those to send through the rules.

    `fragments` is the share of later fragments among those that belong to no connection.
    """
    frames = [_frame(random, family, number) for number in range(1, _FRAMES + 1)]
    frames[_CONNECTIONS:] = [_odd(random, frame, fragments) for frame in frames[_CONNECTIONS:]]
    openers = []
    for number in range(_CONNECTIONS):
        opener = attrs.evolve(frames[number], tcp_flags=_SYN)
        if opener.protocol == UDPLITE:  # from outside it is INVALID here, and an answer would open the connection
            opener = attrs.evolve(opener, protocol=UDP)
        answer = opener.reply(way_to(opener.dst))
        openers += [opener, answer]
        frames[number] = random.choice((attrs.evolve(opener, tcp_flags=ACK), answer, error(answer, opener)))
    return tuple(openers), tuple(frames)


def _frame(random: Random, family: int, number: int) -> Frame:
    """Make a packet of a connection of its own: no two have the same source, or else the same source port."""
    way = random.choice((*WAYS, None))
    protocols = [TCP, TCP, TCP, UDP, UDP, ICMP if family == 4 else ICMP6, SCTP]
    if way is not None:
        protocols += [_GRE, ESP, DCCP, UDPLITE] + ([_NONE, MH] if family == 6 else [AH])
    protocol = random.choice(protocols)
    return Frame(
        way=way,
        src=random.choice(OWN[family][:3]) if way is None else f"{random.choice(HOSTS[family])}{100 + number}",
        dst=random.choice((f"{random.choice(HOSTS[family])}{random.randint(1, 20)}", random.choice(OWN[family][:3]))),
        protocol=protocol,
        sport=random.choice((1000, 5000, 30000)) + number,
        dport=random.choice(PORTS),
        tcp_flags=random.choice((_SYN, _SYN, _SYN, _SYN | _ECN, ACK, _SYN_ACK, 0)),
        tcp_options=random.choice(_OPTIONS),
        icmp_type=8 if family == 4 else 128,
        ttl=random.choice((64, 64, 64, 0, *TTLS)),
        tos=random.choice((0, *TOS)),
        length=0 if protocol == SCTP else random.choice((0, 0, 20, 100)),
        headers=random.choice(_HEADERS) if family == 6 else (),
        spi=random.choice((200, 256, 1000)),
    )


def _odd(random: Random, frame: Frame, fragments: float) -> Frame:
    """Have a packet now and then come from nowhere, go nowhere, or be a fragment."""
    if random.random() < fragments:
        return _fragment(attrs.evolve(frame, offset=random.choice((0, 1, 3, 100)), headers=()))
    if random.random() < 0.15:
        known = (_NOWHERE_FROM_HERE if frame.way is None else _NOWHERE)[frame.version]
        frame = attrs.evolve(frame, dst=random.choice((*known, *ODD[frame.version])))
    if random.random() < 0.06 and frame.way is not None:
        frame = attrs.evolve(frame, src=random.choice(_FROM_NOWHERE[frame.version]))
    return frame


def _fragment(frame: Frame) -> Frame:
    """Fill the first fragment of a packet up to a multiple of 8 bytes, as all but the last have to be."""
    payload = frame.size - (20 if frame.version == 4 else 40)
    return frame if frame.offset else attrs.evolve(frame, length=frame.length + -payload % 8)


def error(answer: Frame, opener: Frame) -> Frame:
    """Answer with an ICMP error instead: no route to the host."""
    kind, code, protocol = (3, 1, ICMP) if opener.version == 4 else (1, 3, ICMP6)
    return attrs.evolve(answer, protocol=protocol, icmp_type=kind, icmp_code=code, quoted=opener)
