"""Real dumps as JSON and as drawings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iptables_model import parse
from iptables_model.graph import graph
from iptables_model.render import from_json, json_schema, to_json, to_mermaid
from tests.files import fixture_files, fixture_name, fixture_text
from tests.render.schemas import faults

DUMPS = fixture_files("dumps/*/*/kind-worker.nft.save", "dumps/*/*/kind-worker.nft.save6", "tutorial/*.save")
SMALL = [path for path in DUMPS if path.stat().st_size < 50_000]


@pytest.mark.parametrize("path", DUMPS, ids=fixture_name)
def test_all_of_a_dump_comes_back_from_json(path: Path) -> None:
    ruleset = parse(fixture_text(path))
    back = from_json(to_json(ruleset))
    assert back == ruleset
    assert [(rule.index, rule.line) for rule in back.rules] == [(rule.index, rule.line) for rule in ruleset.rules]


@pytest.mark.parametrize("path", SMALL, ids=fixture_name)
def test_the_json_of_a_dump_fits_the_schema(path: Path) -> None:
    assert faults(json.loads(to_json(parse(fixture_text(path)))), json_schema()) == []


def test_what_a_local_service_does_on_a_node_without_endpoints() -> None:
    (path,) = fixture_files("tutorial/kind-worker.save")
    drawn = to_mermaid(graph(parse(fixture_text(path))), start="KUBE-XLB-QKNQQNIN727HO3XU")
    assert (
        drawn
        == """\
flowchart LR
  subgraph nat_2f_["nat"]
    nat_2f_KUBE_2d_XLB_2d_QKNQQNIN727HO3XU["KUBE-XLB-QKNQQNIN727HO3XU"]
    nat_2f_KUBE_2d_SVC_2d_QKNQQNIN727HO3XU["KUBE-SVC-QKNQQNIN727HO3XU"]
    nat_2f_KUBE_2d_MARK_2d_MASQ["KUBE-MARK-MASQ"]
    nat_2f_KUBE_2d_MARK_2d_DROP["KUBE-MARK-DROP"]
    nat_2f_KUBE_2d_SEP_2d_G4PP37AK4D6JKXP3["KUBE-SEP-G4PP37AK4D6JKXP3"]
    nat_2f_KUBE_2d_SEP_2d_6ZID3YWM5BTI4W2U["KUBE-SEP-6ZID3YWM5BTI4W2U"]
  end
  nat_2f_KUBE_2d_SEP_2d_6ZID3YWM5BTI4W2U --> nat_2f_KUBE_2d_MARK_2d_MASQ
  nat_2f_KUBE_2d_SEP_2d_G4PP37AK4D6JKXP3 --> nat_2f_KUBE_2d_MARK_2d_MASQ
  nat_2f_KUBE_2d_SVC_2d_QKNQQNIN727HO3XU --> nat_2f_KUBE_2d_SEP_2d_G4PP37AK4D6JKXP3
  nat_2f_KUBE_2d_SVC_2d_QKNQQNIN727HO3XU --> nat_2f_KUBE_2d_SEP_2d_6ZID3YWM5BTI4W2U
  nat_2f_KUBE_2d_XLB_2d_QKNQQNIN727HO3XU -->|"2 rules"| nat_2f_KUBE_2d_SVC_2d_QKNQQNIN727HO3XU
  nat_2f_KUBE_2d_XLB_2d_QKNQQNIN727HO3XU --> nat_2f_KUBE_2d_MARK_2d_MASQ
  nat_2f_KUBE_2d_XLB_2d_QKNQQNIN727HO3XU --> nat_2f_KUBE_2d_MARK_2d_DROP
"""
    )
