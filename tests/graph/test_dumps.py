"""The chains of real dumps."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptables_model import parse
from iptables_model.graph import Graph, graph
from tests.files import fixture_files, fixture_name, fixture_text

DUMPS = fixture_files("dumps/*/*/*.nft.save", "dumps/*/*/*.nft.save6")


def tutorial(name: str) -> Graph:
    (path,) = fixture_files(f"tutorial/{name}")
    return graph(parse(fixture_text(path)))


@pytest.mark.parametrize("path", DUMPS, ids=fixture_name)
def test_a_kernel_s_own_dump_is_sound(path: Path) -> None:
    made = graph(parse(fixture_text(path)))
    assert made.cycles == ()
    assert made.undefined == ()


def test_the_nat_table_of_the_tutorial() -> None:
    made = tutorial("kind-worker.save")
    nat = {chain: targets for chain, targets in made.adjacency()["nat"].items() if targets}
    assert nat == {
        "PREROUTING": ["KUBE-SERVICES"],
        "OUTPUT": ["KUBE-SERVICES"],
        "POSTROUTING": ["KUBE-POSTROUTING"],
        "KUBE-NODEPORTS": ["KUBE-MARK-MASQ", "KUBE-XLB-QKNQQNIN727HO3XU"],
        "KUBE-SEP-6ZID3YWM5BTI4W2U": ["KUBE-MARK-MASQ"],
        "KUBE-SEP-G4PP37AK4D6JKXP3": ["KUBE-MARK-MASQ"],
        "KUBE-SERVICES": ["KUBE-MARK-MASQ", "KUBE-SVC-QKNQQNIN727HO3XU", "KUBE-NODEPORTS"],
        "KUBE-SVC-QKNQQNIN727HO3XU": ["KUBE-SEP-G4PP37AK4D6JKXP3", "KUBE-SEP-6ZID3YWM5BTI4W2U"],
        "KUBE-XLB-QKNQQNIN727HO3XU": ["KUBE-SVC-QKNQQNIN727HO3XU", "KUBE-MARK-MASQ", "KUBE-MARK-DROP"],
    }
    assert made.unreferenced == (
        ("mangle", "KUBE-KUBELET-CANARY"),
        ("mangle", "KUBE-PROXY-CANARY"),
        ("filter", "KUBE-KUBELET-CANARY"),
        ("filter", "KUBE-PROXY-CANARY"),
        ("nat", "KUBE-KUBELET-CANARY"),
        ("nat", "KUBE-PROXY-CANARY"),
    )


def test_the_fragment_of_the_tutorial_does_not_show_all() -> None:
    made = tutorial("kind-worker.grep.save")
    assert made.undefined == ()
    assert [name for _, name in made.not_shown] == ["KUBE-MARK-MASQ", "KUBE-MARK-DROP"]
    assert [name for _, name in made.roots] == ["KUBE-NODEPORTS", "KUBE-SERVICES"]
