"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

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
