"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import attrs
import pytest

from iptables_model import Packet, cli
from iptables_model.cli import main
from tests.files import FIXTURES, ROOT

TUTORIAL = FIXTURES / "tutorial"
WORKER = str(TUTORIAL / "kind-worker.save")
GREP = str(TUTORIAL / "kind-worker.grep.save")
LOCAL = str(TUTORIAL / "kind-worker2.save")


class Stdin:
    """Stand in for standard input."""

    def __init__(self, text: str) -> None:
        self.buffer = io.BytesIO(text.encode())


def test_endpoints_says_every_way_from_every_client(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["endpoints", "default/test-svc", WORKER]) == 0
    table, _, notes = capsys.readouterr().out.partition("\n\n")
    assert table.split("\n") == [
        "WAY IN      CLIENT   OUTCOME  ENDPOINT         SHARE  SOURCE",
        "cluster_ip  pod      reaches  10.244.1.3:8080  50.0%  kept",
        "                              10.244.2.3:8080  50.0%  kept",
        "cluster_ip  node     reaches  10.244.1.3:8080  50.0%  rewritten",
        "                              10.244.2.3:8080  50.0%  rewritten",
        "cluster_ip  outside  reaches  10.244.1.3:8080  50.0%  rewritten",
        "                              10.244.2.3:8080  50.0%  rewritten",
        "node_port   pod      reaches  10.244.1.3:8080  50.0%  kept",
        "                              10.244.2.3:8080  50.0%  kept",
        "node_port   node     reaches  10.244.1.3:8080  50.0%  rewritten",
        "                              10.244.2.3:8080  50.0%  rewritten",
        "node_port   outside  dropped  -                -      -",
    ]
    assert notes.rstrip().split("\n")[-1] == (
        "a client from outside is dropped at the node port (port 30080) of default/test-svc, decided by "
        '"-A KUBE-XLB-QKNQQNIN727HO3XU -m comment --comment "default/test-svc has no local endpoints" '
        '-j KUBE-MARK-DROP" (line 77)'
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--entry", "node_port", "--source", "outside", WORKER], 1),
        (["--entry", "node_port", "--source", "pod", WORKER], 0),
        (["--entry", "node_port", "--source", "outside", LOCAL], 0),
        (["--entry", "node_port", "--source", "outside", WORKER, LOCAL], 1),
        (["--source", "outside", WORKER], 0),
    ],
)
def test_one_way_from_one_client_has_an_exit_code(arguments: list[str], code: int) -> None:
    assert main(["endpoints", "default/test-svc", *arguments]) == code


@pytest.mark.parametrize(("file", "drops", "code"), [(WORKER, "true", 1), (GREP, "true", 1), (LOCAL, "false", 0)])
def test_policy(file: str, drops: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "default/test-svc", file]) == code
    lines = capsys.readouterr().out.split("\n")
    assert lines[:3] == ["service          default/test-svc/tcp", "policy           Local", f"drops here       {drops}"]
    assert any(line.startswith("assuming ") for line in lines) is (file == GREP)


TRACED = ["--src", "203.0.113.9", "--dst", "172.18.0.3", "--proto", "tcp", "--dport", "30080", "--in", "eth0"]
NODE = ["--node-addr", str(FIXTURES / "node" / "addresses.json")]


def test_trace_tells_rule_by_rule_what_becomes_of_a_packet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", *TRACED, *NODE, WORKER]) == 1
    first, *steps = capsys.readouterr().out.rstrip().split("\n")
    assert first == "dropped: src 203.0.113.9, dst 172.18.0.3, protocol tcp, dport 30080, in interface eth0"
    assert [step.partition(":")[0].strip() for step in steps] == [
        "mangle PREROUTING policy accept",
        "nat PREROUTING rule 1 (line 55) jump KUBE-SERVICES",
        "nat KUBE-SERVICES rule 3 (line 71) jump KUBE-NODEPORTS",
        "nat KUBE-NODEPORTS rule 2 (line 61) jump KUBE-XLB-QKNQQNIN727HO3XU",
        "nat KUBE-XLB-QKNQQNIN727HO3XU rule 4 (line 77) jump KUBE-MARK-DROP",
        "nat KUBE-MARK-DROP rule 1 (line 58) continue; mark 0x0 -> 0x8000",
        "nat PREROUTING policy accept",
        "mangle INPUT policy accept",
        "filter INPUT rule 1 (line 23) jump KUBE-EXTERNAL-SERVICES",
        "filter INPUT rule 2 (line 24) jump KUBE-FIREWALL",
        "filter KUBE-FIREWALL rule 1 (line 30) drop",
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([*TRACED, *NODE, LOCAL], 0),
        ([*TRACED, WORKER], 5),
        (["--from-node", "--dst", "10.96.45.10", "--proto", "tcp", "--dport", "80", *NODE, WORKER], 0),
        (["--dport", "http", WORKER], 2),
        ([*TRACED, "--node-addr", "no-such-file.json", WORKER], 3),
    ],
)
def test_the_exit_code_of_trace_says_whether_it_reaches(arguments: list[str], code: int) -> None:
    assert main(["trace", *arguments]) == code


def test_trace_in_json_has_its_steps(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", *TRACED, *NODE, "--json", WORKER]) == 1
    (flow,) = json.loads(capsys.readouterr().out)
    assert (flow["outcome"], flow["probability"], flow["deciding_rule"]["line"]) == ("dropped", 1.0, 30)
    assert flow["when"] == [
        {"src": "203.0.113.9", "dst": "172.18.0.3", "protocol": "tcp", "dport": "30080", "in_interface": "eth0"}
    ]
    assert flow["steps"][5] | {"rule": flow["steps"][5]["rule"]["line"]} == {
        "table": "nat", "chain": "KUBE-MARK-DROP", "rule": 58, "verdict": "continue", "change": "mark 0x0 -> 0x8000",
    }  # fmt: skip


def test_trace_keeps_traces_apart_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    counted = ["trace", "--dst", "127.0.0.1", "--proto", "tcp", *NODE, "--json", WORKER]
    found = {}
    for options in ([], ["--keep-traces"]):
        main([*counted, *options])
        found[len(options)] = len(json.loads(capsys.readouterr().out))
    assert found[0] < found[1]


def test_every_field_of_a_packet_can_be_said() -> None:
    names = {cli._SHORT.get(field, field.replace("-", "_")) for field in cli.FIELDS}
    assert names == {field.name for field in attrs.fields(Packet)}


def test_services_of_several_files_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["services", WORKER, LOCAL]) == 0
    head = "SERVICE               CLUSTER IP           NODE PORT  LOAD BALANCER  EXTERNAL IP  POLICY  ENDPOINTS  LOCAL"
    row = "default/test-svc/tcp  10.96.45.10 port 80  30080      -              -            Local   2          {}"
    assert capsys.readouterr().out.split("\n") == [
        WORKER, head, row.format(0), "", LOCAL, head, row.format(1), "",
    ]  # fmt: skip


def test_a_text_without_services_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin("*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n"))
    assert main(["services"]) == 0
    assert capsys.readouterr().err == "iptables-model: the rules of <stdin> tell of no Service\n"


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "default/test-svc", "--json", WORKER]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["policy"], answer["drops"], answer["deciding_rule"]["line"]) == ("Local", "true", 77)
    assert [one["outcome"] for one in answer["entries"]] == ["dropped"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin((TUTORIAL / "kind-worker.save").read_text().replace("\n", "\r\n")))
    assert main(["services"]) == 0
    assert "default/test-svc/tcp" in capsys.readouterr().out


def test_an_unreadable_line_is_shown_with_its_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 99999 -j ACCEPT\nCOMMIT\n"
    monkeypatch.setattr(sys, "stdin", Stdin(text))
    assert main(["services"]) == 3
    assert capsys.readouterr().err.split("\n")[:3] == [
        'iptables-model: <stdin>:3:32: --dport needs a port from 0 to 65535, found "99999"',
        "  -A INPUT -p tcp -m tcp --dport 99999 -j ACCEPT",
        "                                 ^^^^^",
    ]
    monkeypatch.setattr(sys, "stdin", Stdin(text))
    assert main(["services", "--lenient"]) == 0
    assert "<stdin>:3:32" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "lines"),
    [
        (
            ["policy", "default/test-svv", WORKER],
            4,
            [
                'iptables-model: no Service "default/test-svv"; did you mean default/test-svc?',
                "the text has: default/test-svc",
                "hint: `iptables-model services` lists the Services; a name is namespace/name:port/protocol",
            ],
        ),
        (
            ["endpoints", "default/test-svc", "--entry", "door", WORKER],
            2,
            [
                (
                    "iptables-model: a question needs one of cluster_ip, node_port, load_balancer_ip, external_ip, "
                    'or an address, found "door"'
                ),
                "this is about the question, not about the text",
                "hint: see --help",
            ],
        ),
        (
            ["services", "no-such-file.save"],
            3,
            [
                "iptables-model: cannot read no-such-file.save",
                "No such file or directory",
                "hint: give the path of a saved dump, or - for standard input",
            ],
        ),
    ],
)
def test_errors_take_three_lines(
    arguments: list[str], code: int, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.err.split("\n") == [*lines, ""]
    assert captured.out == ""


def test_a_wrong_command_line_exits_with_two() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["endpoints"])
    assert caught.value.code == 2


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "iptables_model", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.startswith("iptables-model 0.")
