"""What `grep` for a Service leaves of a dump still answers as the whole dump does."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptables_model import Outcome, Reachability, parse, reachability_matrix
from tests.kube_proxy.test_expected import CASES, _expected, _ids, _ruleset

WITH_HEADER = [case for case in CASES if "s20" not in str(case[0])]


def _summary(answer: Reachability) -> tuple[object, ...]:
    return answer.outcome, answer.meant, answer.endpoints


@pytest.mark.parametrize("case", WITH_HEADER, ids=_ids)
def test_a_fragment_answers_as_the_whole_does(case: tuple[Path, Path]) -> None:
    dump, expected = case
    text = dump.read_text()
    for port in _expected(expected)["service_ports"]:
        service = f"{port['service']}:{port['port_name']}/{port['protocol'].lower()}"
        lines = [line for line in text.split("\n") if port["service"] in line]
        fragment = parse("\n".join(lines) + "\n")
        assert fragment.fragment
        assert str(fragment) == "\n".join(lines) + "\n"
        whole = {(one.entry, one.source): _summary(one) for one in reachability_matrix(_ruleset(dump), service)}
        found = {(one.entry, one.source): _summary(one) for one in reachability_matrix(fragment, service)}
        if dump.parts[-3] == "1.17.2":
            # Up to 1.18 the rules from KUBE-SVC on carry no comment, so a grep leaves none of them.
            for key in (key for key in whole if found[key] != whole[key]):
                assert whole[key][0] in {Outcome.REACHES, Outcome.DEPENDS}, key
                assert found[key][0] is Outcome.DEPENDS, key
        else:
            assert found == whole, service


def test_what_was_taken_from_the_layout_is_named() -> None:
    text = (Path(__file__).parents[2] / "fixtures/tutorial/kind-worker.grep.save").read_text()
    answer = next(one for one in reachability_matrix(parse(text), "default/test-svc") if one.entry == "node_port")
    assert (answer.source, answer.outcome) == ("pod", Outcome.REACHES)
    assert [str(one) for one in answer.assumptions] == [
        "table nat has -A PREROUTING -j KUBE-SERVICES",
        "table nat has -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
        "table nat has -A KUBE-XLB-QKNQQNIN727HO3XU -s 10.244.0.0/16 -j KUBE-SVC-QKNQQNIN727HO3XU",
        "table nat has -A POSTROUTING -j KUBE-POSTROUTING",
        "table nat has -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
    ]
