"""Every match has a meaning, or a reason why it has none."""

from __future__ import annotations

from typing import Any

import pytest

from iptables_model.model.matches import MATCHES
from iptables_model.netfilter.meaning import MEANINGS, PARTLY, UNDECIDED
from tests.netfilter.answers import answer


def test_each_match_is_decided_or_it_is_said_why_not() -> None:
    assert set(MATCHES) - set(MEANINGS) - set(UNDECIDED) == set()
    assert set(MEANINGS) & set(UNDECIDED) == set()
    assert set(PARTLY) <= set(MEANINGS)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("-m limit --limit 5/sec", "it depends on how many packets came before"),
        ("-m quota --quota 5", "it depends on how many packets came before"),
        ("-m string --string GET --algo bm", "the bytes of the packet are not said"),
        ('-m u32 --u32 "0x0=0x1"', "the bytes of the packet are not said"),
        ("-m time --timestart 08:00:00 --timestop 09:00:00", "the time is not said"),
        ("-m nfacct --nfacct-name http", "whether the counter has a quota that is not used up is not in the dump"),
        ("-m realm --realm 0x1", "the realms of the node's routes are not in the dump"),
        ("-m statistic --mode nth --every 2 --packet 0", "it counts the packets of the past"),
        ("-m unheard-of --thing", "nothing here says what this match asks"),
    ],
)
def test_what_nothing_decides_is_unknown_with_a_reason(asked: str, reason: str) -> None:
    assert answer(asked, {}) == reason
    assert answer(f"{asked} -s 203.0.113.0/24", {}) == "no"


@pytest.mark.parametrize(
    ("asked", "fields", "matches"),
    [
        ("-m statistic --mode nth --every 1 --packet 0", {}, "yes"),
        ("-m statistic --mode nth ! --every 1 --packet 0", {}, "no"),
        ("-m comment --comment any", {}, "yes"),
        ("-m iprange --src-range 198.51.100.1-198.51.100.7", {}, "yes"),
        ("-m iprange ! --src-range 198.51.100.1-198.51.100.6", {}, "yes"),
        ("-m iprange --dst-range 192.0.2.2-192.0.2.9", {}, "no"),
        ("-s 198.51.0.7/255.255.0.255", {}, "yes"),
        ("-i eth+", {"in_interface": "eth1"}, "yes"),
        ("! -i eth+", {"in_interface": "eth1"}, "no"),
        ("! -p tcp", {}, "no"),
        ("-p tcp", {"protocol": "any"}, "for some"),
    ],
)
def test_addresses_interfaces_and_chance(asked: str, fields: dict[str, Any], matches: str) -> None:
    assert answer(asked, fields) == matches
