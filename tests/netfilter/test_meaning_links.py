"""What the matches of links and sockets mean."""

from __future__ import annotations

from typing import Any

import pytest

from tests.netfilter.answers import answer


@pytest.mark.parametrize(
    ("asked", "fields", "matches"),
    [
        ("-m mac --mac-source 02:00:00:00:00:01", {"mac_source": "02:00:00:00:00:01"}, "yes"),
        ("-m mac ! --mac-source 02:00:00:00:00:01", {"mac_source": "02:00:00:00:00:01"}, "no"),
        ("-m mac ! --mac-source 02:00:00:00:00:01", {"mac_source": "02:00:00:00:00:02"}, "yes"),
        ("-m mac ! --mac-source 02:00:00:00:00:01", {"mac_source": None}, "no"),
        ("-m mac --mac-source 02:00:00:00:00:01", {}, "for some"),
        ("-m pkttype --pkt-type broadcast", {"pkt_type": "broadcast"}, "yes"),
        ("-m pkttype ! --pkt-type broadcast", {"pkt_type": "broadcast"}, "no"),
        ("-m pkttype --pkt-type unicast", {}, "for some"),
        ("-m pkttype --pkt-type unicast", {"in_interface": None}, "yes"),
        ("-m policy --dir in --pol ipsec", {}, "no"),
        ("-m policy --dir in --pol none", {}, "yes"),
        ("-m policy --dir in --pol ipsec", {"ipsec": True}, "yes"),
        ("-m policy --dir in --pol none", {"ipsec": True}, "no"),
        ("-m policy --dir in --pol ipsec --reqid 5", {}, "no"),
        (
            "-m policy --dir in --pol ipsec --reqid 5",
            {"ipsec": True},
            "a packet here has no IPsec transformations",
        ),
        (
            "-m policy --dir out --pol none",
            {"in_interface": None},
            "the IPsec policies of the node are not in the dump",
        ),
    ],
)
def test_links(asked: str, fields: dict[str, Any], matches: str) -> None:
    assert answer(asked, fields) == matches


@pytest.mark.parametrize(
    ("asked", "came", "matches"),
    [
        ("--physdev-in veth1", "veth1", "yes"),
        ("! --physdev-in veth1", "veth1", "no"),
        ("--physdev-in veth+", "veth1", "yes"),
        ("! --physdev-in veth1", "veth2", "yes"),
        ("--physdev-is-in", "veth1", "yes"),
        ("! --physdev-is-in", "veth1", "no"),
        ("--physdev-is-out", "veth1", "no"),
        ("! --physdev-is-bridged", "veth1", "yes"),
        ("! --physdev-out veth2", "veth1", "no"),
        ("--physdev-in veth1 ! --physdev-is-bridged", "veth1", "yes"),
        # Across no bridge all options need a `!`.
        ("--physdev-in veth1", None, "no"),
        ("! --physdev-in veth1", None, "yes"),
        ("! --physdev-in veth1 ! --physdev-out veth2", None, "yes"),
        ("! --physdev-in veth1 --physdev-is-bridged", None, "no"),
        ("! --physdev-is-in ! --physdev-is-bridged", None, "yes"),
    ],
)
def test_ports_of_bridges(asked: str, came: str | None, matches: str) -> None:
    assert answer(f"-m physdev {asked}", {"physdev_in": came}) == matches


USER = {"socket": "process", "uid_owner": 1000, "gid_owner": 100}


@pytest.mark.parametrize(
    ("asked", "fields", "matches"),
    [
        ("--uid-owner 1000", USER, "yes"),
        ("! --uid-owner 1000", USER, "no"),
        ("--uid-owner 0-999", USER, "no"),
        ("--uid-owner 1000 --gid-owner 101", USER, "no"),
        ("! --uid-owner 5 --gid-owner 90-110", USER, "yes"),
        ("--socket-exists", USER, "yes"),
        ("! --socket-exists", USER, "no"),
        ("--gid-owner 100 --suppl-groups", USER, "yes"),
        ("--gid-owner 101 --suppl-groups", USER, "a packet here has no supplementary groups"),
        # Without a socket all options need a `!`; for a socket without a file those of users and groups do.
        ("--uid-owner 1000", {"socket": None}, "no"),
        ("! --uid-owner 1000", {"socket": None}, "yes"),
        ("! --uid-owner 1000 --gid-owner 5", {"socket": None}, "no"),
        ("! --socket-exists", {"socket": None}, "yes"),
        ("--socket-exists", {"socket": None}, "no"),
        ("! --uid-owner 1000 --socket-exists", {"socket": None}, "no"),
        ("! --gid-owner 5 --suppl-groups", {"socket": None}, "no"),
        ("--uid-owner 1000", {"socket": "kernel"}, "no"),
        ("! --uid-owner 1000", {"socket": "kernel"}, "yes"),
        ("! --uid-owner 1000 --socket-exists", {"socket": "kernel"}, "yes"),
        ("! --uid-owner 1000 ! --socket-exists", {"socket": "kernel"}, "no"),
        ("--socket-exists", {"socket": "kernel"}, "yes"),
        ("--uid-owner 1000", {}, "for some"),
    ],
)
def test_owners(asked: str, fields: dict[str, Any], matches: str) -> None:
    assert answer(f"-m owner {asked}", {"in_interface": None, **fields}) == matches


@pytest.mark.parametrize(
    ("asked", "protocol", "matches"),
    [
        ("-m socket", "tcp", "the open sockets of the node are not in the dump"),
        ("-m socket --transparent", "sctp", "no"),
        ("-p tcp -m socket", "udp", "no"),
    ],
)
def test_sockets(asked: str, protocol: str, matches: str) -> None:
    assert answer(asked, {"protocol": protocol}) == matches
