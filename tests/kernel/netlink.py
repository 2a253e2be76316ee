"""Talk to nf_tables and conntrack of a network namespace (include/uapi/linux/netfilter/nf_tables.h, nfnetlink.h)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import attrs

__all__ = ["Netfilter", "TraceEvent"]

_NETLINK_NETFILTER = 12
_SO_RCVBUFFORCE = 33
_TRACE_GROUP = 9
_REQUEST, _ACK, _DUMP = 1, 4, 0x300
_ERROR, _DONE = 2, 3
_GET_RULE, _TRACE, _DELETE_CONNECTIONS = 10 << 8 | 7, 10 << 8 | 17, 1 << 8 | 2
_RECEIVE_BUFFER = 64 << 20

_POLICY = 1
_VERDICTS = {0: "drop", 1: "accept", 2: "stolen", 3: "queue", -1: "continue", -3: "jump", -4: "goto", -5: "return"}


@attrs.frozen(kw_only=True)
class TraceEvent:
    """Hold one message of the kernel's trace.

    `rule` is the handle of the rule that matched; None at the end of a chain, of a base chain with `policy`. `header`
    is the network header and `transport` the start of the transport header: they come with the first event of a base
    chain.
    """

    family: int
    table: str
    chain: str
    policy: bool
    rule: int | None
    verdict: str
    packet: int
    mark: int
    header: bytes
    transport: bytes
    in_index: int
    out_index: int


class Netfilter:
    """Hold the sockets to one namespace, which must be the current one when this is made."""

    def __init__(self) -> None:
        self._asking = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        self._listening = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        self._listening.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        self._listening.bind((0, 1 << _TRACE_GROUP - 1))
        self._listening.settimeout(5)

    def close(self) -> None:
        """Close the sockets."""
        self._asking.close()
        self._listening.close()

    def handles(self, family: int) -> dict[tuple[str, int], tuple[str, int]]:
        """Map table and handle of each rule to its chain and its place there, from 0."""
        found: dict[tuple[str, int], tuple[str, int]] = {}
        lengths: dict[tuple[str, str], int] = {}
        for _, body in self._ask(_GET_RULE, _DUMP, family):
            said = dict(_attributes(body))
            table, chain = _text(said[1]), _text(said[2])
            place = lengths.get((table, chain), 0)
            lengths[table, chain] = place + 1
            found[table, int.from_bytes(said[3], "big")] = chain, place
        return found

    def forget_connections(self) -> None:
        """Empty conntrack's table."""
        list(self._ask(_DELETE_CONNECTIONS, _ACK, 0))

    def events(self) -> Iterator[TraceEvent]:
        """Go through the trace as it comes; `TimeoutError` if nothing comes for long."""
        while True:
            for kind, family, body in _messages(self._listening.recv(1 << 18)):
                if kind == _TRACE:
                    yield _event(family, dict(_attributes(body)))

    def _ask(self, kind: int, flags: int, family: int) -> Iterator[tuple[int, bytes]]:
        self._asking.send(struct.pack("=IHHIIBBH", 20, kind, _REQUEST | flags, 0, 0, family, 0, 0))
        while True:
            for answer, of, body in _messages(self._asking.recv(1 << 18)):
                if answer == _ERROR:
                    error: int = struct.unpack_from("=i", body)[0]
                    if error:
                        raise OSError(-error, "netlink")
                    return
                if answer == _DONE:
                    return
                yield of, body


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Part what was received: type, family, and what stands behind nfgenmsg (for an error, behind nlmsghdr)."""
    start = 0
    while start + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, start)
        if kind in (_ERROR, _DONE):
            yield kind, 0, data[start + 16 : start + length]
        else:
            yield kind, data[start + 16], data[start + 20 : start + length]
        start += length + 3 & ~3


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    while start + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, start)
        yield kind & 0x3FFF, data[start + 4 : start + length]
        start += length + 3 & ~3


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode()


def _number(said: dict[int, bytes], kind: int) -> int:
    return int.from_bytes(said.get(kind, b""), "big")


def _event(family: int, said: dict[int, bytes]) -> TraceEvent:
    policy = _number(said, 4) == _POLICY
    return TraceEvent(
        family=family,
        table=_text(said[1]),
        chain=_text(said[2]),
        policy=policy,
        rule=_number(said, 3) if 3 in said else None,
        verdict=_VERDICTS[_number(said, 16)] if policy else _verdict(said[5]),
        packet=_number(said, 6),
        mark=_number(said, 14),
        header=said.get(8, b""),
        transport=said.get(9, b""),
        in_index=_number(said, 10),
        out_index=_number(said, 12),
    )


def _verdict(data: bytes) -> str:
    said = dict(_attributes(data))
    code: int = struct.unpack(">i", said[1])[0]
    name = _VERDICTS.get(code) or _VERDICTS[code & 0xFF]  # a queue's number stands above
    return f"{name} {_text(said[2])}" if 2 in said else name
