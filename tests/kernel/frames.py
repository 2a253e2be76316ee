"""Crafted packets: what is sent, byte by byte (RFC 791, 768, 792, 8200, 4443, 9293)."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator

import attrs

__all__ = [
    "AH",
    "DCCP",
    "ESP",
    "ICMP",
    "ICMP6",
    "MH",
    "SCTP",
    "TCP",
    "UDP",
    "UDPLITE",
    "Frame",
    "Header",
    "header_of",
    "number_of",
    "option_kinds",
]

ICMP, TCP, UDP, DCCP, ESP, AH, ICMP6, SCTP, MH, UDPLITE = 1, 6, 17, 33, 50, 51, 58, 132, 135, 136
_ECHO_REPLIES = {ICMP: 0, ICMP6: 129}
_FRAGMENT_HEADER = 44
_HEADERS = {"HOP": 0, "DST": 60, "ROUTE": 43, "AUTH": AH}
_PSEUDO_HEADER = {4: ">4s4sBBH", 6: ">16s16sI3xB"}


@attrs.frozen(kw_only=True)
class Frame:
    """Describe one packet to send: `way` is the interface by which it comes, None if the node makes it.

    `length` is the number of bytes behind the transport header; `offset` the place of a fragment in units of 8 bytes,
    None if it is whole; `quoted` what an ICMP error is about; `headers` the extension headers of IPv6 in their order.
    """

    way: str | None
    src: str
    dst: str
    protocol: int
    sport: int = 0
    dport: int = 0
    tcp_flags: int = 2
    tcp_options: bytes = b""
    icmp_type: int = 8
    icmp_code: int = 0
    ttl: int = 64
    tos: int = 0
    spi: int = 0
    length: int = 0
    offset: int | None = None
    quoted: Frame | None = None
    headers: tuple[str, ...] = ()

    @property
    def version(self) -> int:
        """Give the IP version."""
        return ipaddress.ip_address(self.src).version

    @property
    def size(self) -> int:
        """Give the length of the packet in bytes, with all headers."""
        return len(self.packed(1))

    def reply(self, way: str | None) -> Frame:
        """Give the packet that answers this one."""
        turned = attrs.evolve(self, way=way, src=self.dst, dst=self.src, tcp_flags=0x12)
        if self.protocol in _ECHO_REPLIES:
            return attrs.evolve(turned, icmp_type=_ECHO_REPLIES[self.protocol])
        return attrs.evolve(turned, sport=self.dport, dport=self.sport)

    def packed(self, number: int) -> bytes:
        """Give the bytes of the packet; `number` is its identification (the flow label, for IPv6)."""
        payload = self._transport()
        src, dst = (ipaddress.ip_address(text).packed for text in (self.src, self.dst))
        if self.version == 6:
            first, protocol = 6 << 28 | self.tos << 20 | number, self.protocol
            if self.offset is not None:
                payload = struct.pack(">BxHI", protocol, self.offset << 3 | 1, number) + payload
                protocol = _FRAGMENT_HEADER
            for name in reversed(self.headers):
                payload = self._extension(name, protocol) + payload
                protocol = _HEADERS[name]
            return struct.pack(">IHBB16s16s", first, len(payload), protocol, self.ttl, src, dst) + payload
        fragment = 0 if self.offset is None else 1 << 13 | self.offset
        fields = [0x45, self.tos, 20 + len(payload), number, fragment, self.ttl, self.protocol, 0, src, dst]
        fields[7] = _checksum(struct.pack(">BBHHHBBH4s4s", *fields))
        return struct.pack(">BBHHHBBH4s4s", *fields) + payload

    def _extension(self, name: str, following: int) -> bytes:
        """Give an extension header: of padding, of a route that ends here, or of authentication."""
        match name:
            case "AUTH":
                return struct.pack(">BBHIIQI", following, 4, 0, self.spi, 1, 0, 0)
            case "ROUTE":
                return struct.pack(">BBBBI", following, 0, 0, 0, 0)
            case _:
                return struct.pack(">BBBBI", following, 0, 1, 4, 0)

    def _transport(self) -> bytes:
        data = bytes(self.length)
        if self.offset:
            return bytes(24 + self.length + -self.length % 8)  # of all but the last, the length is a multiple of 8
        match self.protocol:
            case 6:
                length = 20 + len(self.tcp_options)
                head = struct.pack(">HHIIBBHHH", self.sport, self.dport, 1, 2, length << 2, self.tcp_flags, 9999, 0, 0)
                return self._summed(head + self.tcp_options + data, 16)
            case 17 | 136:
                head = struct.pack(">HHHH", self.sport, self.dport, 8 + len(data), 0)
                return self._summed(head + data, 6)
            case 1 | 58:
                body = data if self.quoted is None else self.quoted.packed(7)
                head = struct.pack(">BBHHH", self.icmp_type, self.icmp_code, 0, 0 if self.quoted else self.sport, 0)
                return self._summed(head + body, 2)
            case 33:
                request = struct.pack(">HHBBHBBHII", self.sport, self.dport, 5, 0, 0, 1, 0, 0, 1, 0)
                return self._summed(request + data, 6)
            case 132:
                init = struct.pack(">BBHIIHHI", 1, 0, 20, 1, 9999, 1, 1, 1)
                head = struct.pack(">HHI", self.sport, self.dport, 0)
                return head + struct.pack("<I", _crc32c(head + bytes(4) + init)) + init
            case 50:
                return struct.pack(">II", self.spi, 1) + data
            case 51:
                return self._extension("AUTH", 59) + data
            case 135:
                return struct.pack(">BBBBHH", 59, 0, 5, 0, 0, 0)
            case _:
                return data.ljust(8, b"\0")

    def _summed(self, segment: bytes, place: int) -> bytes:
        pseudo = b""
        if self.protocol != ICMP:
            addresses = (ipaddress.ip_address(text).packed for text in (self.src, self.dst))
            rest = (0, self.protocol, len(segment)) if self.version == 4 else (len(segment), self.protocol)
            pseudo = struct.pack(_PSEUDO_HEADER[self.version], *addresses, *rest)
        return segment[:place] + struct.pack(">H", _checksum(pseudo + segment)) + segment[place + 2 :]


def option_kinds(options: bytes) -> Iterator[int]:
    """Go through the kinds of TCP options (tcp_find_option, net/netfilter/xt_tcpudp.c)."""
    place = 0
    while place < len(options):
        yield options[place]
        place += 1 if options[place] < 2 else options[place + 1] or 1


@attrs.frozen(kw_only=True)
class Header:
    """Hold what is seen of a packet at a hook."""

    src: str
    dst: str
    sport: int
    dport: int
    ttl: int
    tos: int


def header_of(network: bytes, transport: bytes) -> Header:
    """Read the headers as the kernel's trace shows them."""
    if network[0] >> 4 == 6:
        tos, ttl, addresses = (
            int.from_bytes(network[:2], "big") >> 4 & 0xFF,
            network[7],
            (network[8:24], network[24:40]),
        )
    else:
        tos, ttl, addresses = network[1], network[8], (network[12:16], network[16:20])
    src, dst = (str(ipaddress.ip_address(one)) for one in addresses)
    sport, dport = struct.unpack(">HH", transport[:4].ljust(4, b"\0"))
    return Header(src=src, dst=dst, sport=sport, dport=dport, ttl=ttl, tos=tos)


def number_of(network: bytes) -> int:
    """Read the number that `packed` was given."""
    if network[0] >> 4 == 6:
        return int.from_bytes(network[1:4], "big") & 0xFFFFF
    return int.from_bytes(network[4:6], "big")


def _checksum(data: bytes) -> int:
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
