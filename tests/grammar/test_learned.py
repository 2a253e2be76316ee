"""What is read by pieces and templates is what the grammar reads: the same rules, the same errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptables_model import Mode, Ruleset, parse
from iptables_model.grammar import reader
from iptables_model.grammar.pieces import Pieces
from iptables_model.grammar.reading import Reading
from tests.benchmarks.generate import firewall, kube_proxy
from tests.files import fixture_files, fixture_name, fixture_text
from tests.fuzz.damage import damaged

DUMPS = fixture_files("dumps/**/*.save", "dumps/**/*.save6", "tutorial/*.save")


def same_both_ways(text: str) -> None:
    learned, plain = (
        reader._parse(text, Mode.LENIENT, "a.save", None, templates=templates) for templates in (True, False)
    )
    assert learned == plain
    assert learned.family == plain.family
    assert whereabouts(learned) == whereabouts(plain)
    assert list(map(str, learned.issues)) == list(map(str, plain.issues))


def whereabouts(ruleset: Ruleset) -> list[tuple[int | None, int]]:
    return [(rule.line, rule.index) for rule in ruleset.rules]


@pytest.mark.parametrize("path", DUMPS, ids=fixture_name)
def test_dumps(path: Path) -> None:
    same_both_ways(fixture_text(path))


@pytest.mark.parametrize("seed", range(4))
def test_generated_firewalls(seed: int) -> None:
    same_both_ways(firewall(2000, seed=seed))


def test_generated_kube_proxy_rules() -> None:
    same_both_ways(kube_proxy(4000))


def test_bare_rules() -> None:
    same_both_ways("".join(f"{line}\n" for line in kube_proxy(4000).split("\n") if line.startswith("-A")))


def test_damaged_dumps() -> None:
    for number in range(500):
        same_both_ways(damaged(number))


LINES = [
    "-A ZONE -s 10.0.0.1/32 -p tcp -m tcp --dport 80 -j ZONE",
    "-A ZONE -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -j ZONE",
    "-A ZONE -s 10.0.0.1/32 -p tcp -m tcp --dport 80 -j ACCEPT",
    "-A ZONE -s 10.0.0.1/32 -p tcp -m tcp --dport 80 -j DNAT",
    "-A ZONE -s 10.0.0.1/32 -p tcp -m tcp --dport 80 -j MARK",
    "-A ZONE -s 10.0.0.1/32 -p tcp -m tcp --dport 80:70 -j ZONE",
    "-A ZONE -s 10.0.0.1/32 -p tcp -m tcp --dport 80 -j ZONE extra",
    "-A ZONE -s 10.0.0.1/32 -p tcp -m tcp --dport 80 -j ZONE ",
    "-A ZONE -s 10.0.0.1/32 -p tcp -m tcp --dport 80 --sport 1 -j ZONE",
    "-A ZONE -s 10.0.0.1/32 -p tcp -m tcp --dport 80 -j ZONE -s 10.0.0.1/32",
    "-A ZONE -s 10.0.0.1/32 -s 10.0.0.1/32 -p tcp -m tcp --dport 80 -j ZONE",
    "-A ZONE -s 10.0.0.1/33 -p tcp -m tcp --dport 80 -j ZONE",
    "-A ZONE -s fd00::1/128 -p tcp -m tcp --dport 80 -j ZONE",
    "-A ZONE -s 10.0.0.1/32 -p tcpx -m tcp --dport 80 -j ZONE",
    "-A ZONE -s 10.0.0.1/32 -p tcp -m tcpmss --dport 80 -j ZONE",
    "-A ZONE -s 10.0.0.1/32 -p tcp -m tcp --dport 80x -j ZONE",
    '-A ZONE -s 10.0.0.1/32 -p tcp -m tcp --dport 80 -j "ZONE"',
    '-A ZONE -i "eth0" -m comment --comment "a b" -j ZONE',
    '-A ZONE -i eth0 -m comment --comment "a \\" b" -j ZONE',
    '-A ZONE -i eth0 -m comment --comment "a b"-j ZONE',
    '-A ZONE -i eth0 -m comment --comment "a b" -j ZONE"',
    '-A ZONE -i et"h0 -m comment --comment a b" -j ZONE',
    f'-A ZONE -i eth0 -m comment --comment "{"a" * 256}" -j ZONE',
    f'-A ZONE -i eth0 -m comment --comment "{"é" * 200}" -j ZONE',
    "-A NOWHERE -i eth0 -j ZONE",
    "-A OUTPUT -i eth0 -j ZONE",
    "-A INPUT -i eth0 -j ZONE",
    "[1:2] -A ZONE -i eth0 -j ZONE",
    "[99999999999999999999:2] -A ZONE -i eth0 -j ZONE",
    "-A ZONE -i eth0 -c 1 2 -j ZONE",
    "-A ZONE -p tcp --dport 80 -j ZONE",
    "-A ZONE -p udp --dport 80 -j ZONE",
    "-A ZONE -m statistic --mode nth --every 2 --packet 0 -j ZONE",
    "-A ZONE -m statistic --mode nth --every 2 --packet 5 -j ZONE",
    "-A ZONE -m recent --rcheck --seconds 5 --name a --mask 255.255.255.255 --rsource -j ZONE",
    "-A ZONE -m recent --rcheck --seconds 0x5 --name a --mask 255.255.255.255 --rsource -j ZONE",
    "-A ZONE -m tcp -j ZONE -m comment --comment a",
    "-A ZONE -m set --match-set a b -j ZONE",
    "-A ZONE -m set --match-set a src -j ZONE",
    "-I ZONE 2 -i eth0 -j ZONE",
    "-A ZONE --jump ZONE",
    "-A ZONE -p tcp --dpo 80 -j ZONE",
    "-A ZONE -p tcp -m multiport --dpo 80 -j ZONE",
    "-A ZONE -m multiport --dports 80 -p tcp --dpo 80 -j ZONE",
    "-A ZONE --jump ACCEPT",
    "-A ZONE --jum ACCEPT",
    "-A ZONE -g ZONE",
    "-A ZONE -g ACCEPT",
    "-A ZONE --proto tcp -j ZONE",
    "-A ZONE -m policy --dir in --pol ipsec --proto esp -j ZONE",
    "-A ZONE -m policy --dir in --pol ipsec --proto tcp -j ZONE",
    "-A ZONE -m policy --dir in --pol ipsec --strict --reqid 1 --next ! --reqid 2 -j ZONE",
    "-A ZONE -j DROP -m comment --comment a -s 10.0.0.1",
    "-A ZONE -p tcp --dport 80 -s 10.0.0.1 -m comment --comment a -j ACCEPT",
    "-A ZONE -p tcp --dport 80 -p udp --dport 80 -j ACCEPT",
    "-A ZONE -p tcp ! --syn ! --dport 80 -j ACCEPT",
    "-A ZONE -p tcp --sport 1 -m comment --comment a --dport 80 -j ACCEPT",
    "-A ZONE -p tcp --sport 1 -m tcp --dport 80 -j ACCEPT",
    "-A ZONE -p tcp -m tcp --sport 1 -j ACCEPT",
    "-A ZONE -p tcp -m udp --dport 80 -j ACCEPT",
    "-A ZONE -p tcp -m multiport --dport 80 -j ACCEPT",
    "-A ZONE -p tcp --dport 80 -m multiport --sports 80 -j ACCEPT",
    "-A ZONE ! -p tcp --dport 80 -j ACCEPT",
    "-A ZONE --dport 80 -p tcp -j ACCEPT",
    "-A ZONE -m comment --comment a -m comment --comment b -s 10.0.0.1 -d 10.0.0.2 -j LOG --log-prefix a",
    "-A ZONE -d 10.0.0.2 -s 10.0.0.1 -m comment --comment b -m comment --comment a -j LOG --log-prefix b",
]


@pytest.mark.parametrize("first", LINES)
def test_a_line_after_any_other(first: str) -> None:
    head = f"*filter\n:INPUT ACCEPT [0:0]\n:ZONE - [0:0]\n{first}\n"
    for second in LINES:
        same_both_ways(f"{head}{second}\n{second}\nCOMMIT\n")


@pytest.mark.parametrize("first", LINES[:6])
def test_a_line_after_a_template_was_made(first: str) -> None:
    head = f"*filter\n:INPUT ACCEPT [0:0]\n:ZONE - [0:0]\n{f'{first}{chr(10)}' * 150}"
    for second in LINES:
        same_both_ways(f"{head}{second}\nCOMMIT\n")


def test_the_grammar_reads_few_lines_of_a_large_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    learn = Pieces.learn

    def counting(pieces: Pieces, reading: Reading) -> None:
        read.append(reading.text)
        learn(pieces, reading)

    monkeypatch.setattr(Pieces, "learn", counting)
    assert sum(1 for _ in parse(kube_proxy(4000)).rules) == 3997
    assert len(read) < 20
