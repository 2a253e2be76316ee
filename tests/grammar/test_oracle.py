"""Ask iptables-restore whether it reads rules as we do: what it takes and prints, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iptables_model import ParseError, parse
from tests.grammar.test_errors import LINES, RULES
from tests.grammar.test_rules import SAME
from tests.oracle import Namespace, namespace

pytestmark = pytest.mark.oracle

BACKENDS = ("nft", "legacy")
HEAD = "*filter\n:INPUT ACCEPT [0:0]\n:ZONE - [0:0]\n"

OLDER = ("negation where it was until 1.4.3", "values attached")
"""Ways of writing that iptables 1.8.9 reads wrongly or no more; it takes few values in the same word as their flag."""

READ = [
    *(line for name, line in SAME.items() if name not in OLDER),
    "-AZONE --source 10.0.0.0/8 ! -i eth0 -p tcp -mtcp --dport=80 -j ACCEPT",
    '-A ZONE -m comment --comment a"b c" -j ACCEPT',
    '-A ZONE -m comment --comment "a\\\\b \\"c\\" it\'s" -j ACCEPT',
    "-A ZONE -m comment --comment -j -j ACCEPT",
    "-A ZONE -m comment --comment ! -j ACCEPT",
    "-A ZONE -p tcp -m multiport --dport 80,81",
    "-A ZONE -p udp --dport 53 --sport 53",
    "-A ZONE -p tcp --syn",
    "-A ZONE -m mark --mark 1 -m connmark --mark 2",
    "-A ZONE -m statistic --mode random --prob .5",
    "-A ZONE -c 5 300 -j DROP",
    "[5:300] -A ZONE -j DROP",
    "-A ZONE -g ZONE2",
    "-I ZONE -j RETURN",
    "-A ZONE -d 10.1.2.3/255.255.0.255",
    "-A ZONE -s 10.1.2.3/8",
    "-A ZONE -i eth+ -o +",
    "-A ZONE -m conntrack --ctstate ESTABLISHED,RELATED,NEW",
    '-A ZONE -j LOG --log-prefix "it\'s " --log-level debug',
    "-A ZONE -j REJECT --reject-with port-unreach",
]

NOT_REFUSED = {
    "-A INPUT --": "what getopt_long(3) takes for the end of the options",
    '-A INPUT -m comment --comment "cut': "the end of the line closes a quote",
    "[1:2] -A INPUT -c 1 2": "the later counters win",
    "[99999999999999999999:1] -A INPUT": "too large a number is cut to 64 bits",
    ":X - [99999999999999999999:0]": "counters are looked at with --counters only",
    ":X - [a:0]": "counters are looked at with --counters only",
    ":X - [0:0] more": "words behind the counters are not looked at",
    ":X DROP [0:0]": "iptables-nft-restore looks at the policies of built-in chains only",
    ":X QUEUE [0:0]": "iptables-nft-restore looks at the policies of built-in chains only",
    ":ZONE - [0:0]": "a chain that is there is emptied",
    "-F": "the command is carried out",
}
"""Lines that are errors here because they say nothing clear, and that iptables-restore takes all the same."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Namespace]:
    with namespace() as made:
        yield made


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("line", READ)
def test_lines_that_iptables_reads(line: str, backend: str, lab: Namespace) -> None:
    text = f"*filter\n:ZONE - [0:0]\n:ZONE2 - [0:0]\n{line}\nCOMMIT\n"
    lab.run(f"iptables-{backend}-restore", "--counters", text=text)
    counters = ["-c"] if "300" in line else []
    saved = parse(lab.run(f"iptables-{backend}-save", "-t", "filter", *counters).stdout)
    assert [str(rule) for rule in saved["filter"]["ZONE"].rules] == [str(rule) for rule in parse(text).rules]
    assert saved["filter"]["ZONE"].rules == tuple(parse(text).rules)


@pytest.mark.parametrize("line", [*RULES, *LINES])
def test_lines_that_iptables_refuses(line: str, lab: Namespace) -> None:
    text = f"{HEAD}{line}\nCOMMIT\n"
    with pytest.raises(ParseError):
        parse(text)
    taken = lab.run("iptables-nft-restore", text=text, check=False).returncode == 0
    assert taken == (line in NOT_REFUSED), NOT_REFUSED.get(line)
