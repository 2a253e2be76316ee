"""The fields of a packet: what can be said, how it is printed, and what goes without saying."""

from __future__ import annotations

import pytest

from iptables_model import ModelError, Packet

SAID = [
    ("tcp_flags", "SYN,ACK", "SYN,ACK"),
    ("tcp_flags", "syn,ack syn", "SYN,ACK SYN"),
    ("tcp_flags", "NONE", "NONE"),
    ("tcp_flags", "SYN,ECE,CWR", "SYN,ECE,CWR"),
    ("tcp_options", "8,2,4", "2,4,8"),
    ("tcp_options", 2, "2"),
    ("tcp_options", "2 2", "2 2"),
    ("mss", "536:1460", "536:1460"),
    ("icmp_type", "8", "8"),
    ("icmp_type", "8/0", "8/0"),
    ("icmp_type", "3/1:3/4,0", "0,3/1:3/4"),
    ("icmp_type", "!8", "0:7,9:255"),
    ("sctp_chunks", "data,init", "DATA,INIT"),
    ("dccp_type", "request,data", "DATA,REQUEST"),
    ("ahspi", "16", "16"),
    ("espspi", "256:512", "256:512"),
    ("tos", "Minimize-Delay", "0x10/0x3f"),
    ("tos", "EF", "0xb8/0xfc"),
    ("tos", 0x10, "0x10/0xff"),
    ("headers", "hop,frag", "HOP,FRAG"),
    ("status", "SNAT,CONFIRMED", "CONFIRMED,SNAT"),
    ("status", "0x20/0x30", "SNAT,DNAT DNAT"),
    ("direction", "reply", "REPLY"),
    ("mac_source", "2:0:0:0:0:1", "02:00:00:00:00:01"),
    ("pkt_type", "broadcast", "broadcast"),
    ("ipsec", True, "yes"),
    ("socket", "kernel", "kernel"),
    ("uid_owner", "1000:1999", "1000:1999"),
    ("physdev_out", "veth1", "veth1"),
]


@pytest.mark.parametrize(("field", "value", "shown"), SAID)
def test_a_field_is_shown_as_it_can_be_said(field: str, value: str, shown: str) -> None:
    packet = Packet(**{field: value})
    assert packet.as_data() == {field: shown}
    assert Packet(**{field: shown}) == packet


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("tcp_options", "mss", 'a packet needs the numbers of TCP options, from 1 to 255, or NONE, found "mss"'),
        ("icmp_type", "3:1", 'a packet needs an ICMP type as 8 or 8/0, found "3:1"'),
        ("direction", "back", 'a packet needs directions among ORIGINAL,REPLY, found "back"'),
        ("mac_source", "eth0", 'a packet needs hardware addresses here, found "eth0"'),
        ("headers", "esp", 'a packet needs IPv6 extension headers among HOP,DST,ROUTE,FRAG,AUTH or NONE, found "esp"'),
        ("tos", "0x100", 'a packet\'s type of service needs numbers from 0 to 255, found "0x100"'),
        ("sctp_chunks", "SYN", 'a packet needs the names of SCTP chunk types, found "SYN"'),
    ],
)
def test_what_a_field_cannot_be_is_said(field: str, value: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        Packet(**{field: value})
    assert str(caught.value) == message


def test_the_first_packet_of_a_connection_is_in_its_original_direction_and_nothing_is_noted_yet() -> None:
    first, later = Packet(), Packet(state="ESTABLISHED")
    assert (first.direction, first.status) == (Packet(direction="ORIGINAL").direction, Packet(status="NONE").status)
    assert later.status == Packet(status="SEEN_REPLY,CONFIRMED SEEN_REPLY,CONFIRMED").status
    assert later.direction == Packet(direction="ORIGINAL,REPLY").direction


def test_only_what_the_node_made_has_a_socket_that_sent_it() -> None:
    assert Packet().socket == Packet(socket=None).socket
    assert Packet(in_interface=None).socket == Packet(socket="process,kernel,none").socket
    assert Packet(in_interface=None).as_data() == {"in_interface": "none"}


def test_what_is_open_says_nothing() -> None:
    assert Packet(mark="any", headers="any", fragment="any", ipsec="any", socket="any").as_data() == {}
