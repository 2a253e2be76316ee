"""One small ruleset that has a little of everything."""

from __future__ import annotations

from iptables_model.errors import ParseError
from iptables_model.model.matches import Comment, Ip, Statistic, StatisticMode, UnknownMatch
from iptables_model.model.rule import Counters, Rule
from iptables_model.model.ruleset import Chain, Ruleset, Table
from iptables_model.model.targets import Accept, Goto, Jump, Mark, UnknownTarget
from iptables_model.source import Span
from iptables_model.values.addresses import network
from iptables_model.values.names import Interface
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import Masked, Probability, Protocol

RULES = (
    Rule(
        table="filter",
        chain="INPUT",
        index=0,
        line=4,
        counters=Counters(1, 60),
        matches=(
            Ip(
                source=Negatable(network("10.0.0.0/8"), negated=True),
                in_interface=Negatable(Interface("eth", prefix=True)),
                protocol=Negatable(Protocol(6)),
                fragment=False,
            ),
            Comment(comment='a "b"'),
        ),
        target=Jump(chain="WEB"),
    ),
    Rule(table="filter", chain="INPUT", index=1, target=Goto(chain="WEB")),
    Rule(table="filter", chain="INPUT", index=2),
)
WEB = (
    Rule(
        table="filter",
        chain="WEB",
        index=0,
        matches=(
            Statistic(mode=StatisticMode.RANDOM, probability=Negatable(Probability.of_text("0.5"))),
            UnknownMatch(name="geoip", words=("!", "--source-country", "FR")),
        ),
        target=Mark(set_xmark=Masked(0x4000, 0x4000)),
    ),
    Rule(table="filter", chain="WEB", index=1, target=UnknownTarget(name="TARPIT", words=("--tarpit",))),
    Rule(table="filter", chain="WEB", index=2, target=Accept()),
)
ISSUE = ParseError("unknown command", source="a.save", span=Span(9, 1, 3), text="-Z x", expected="-A", hint="delete it")
SAMPLE = Ruleset(
    name="a.save",
    family=4,
    tables=(
        Table(
            name="filter",
            chains=(
                Chain(name="INPUT", policy="DROP", counters=Counters(5, 300), rules=RULES),
                Chain(name="WEB", rules=WEB),
            ),
        ),
    ),
    issues=(ISSUE,),
)

TEXT = """\
*filter
:INPUT DROP [5:300]
:WEB - [0:0]
[1:60] -A INPUT ! -s 10.0.0.0/8 -i eth+ -p tcp ! -f -m comment --comment "a \\"b\\"" -j WEB
-A INPUT -g WEB
-A INPUT
-A WEB -m statistic --mode random --probability 0.50000000000 -m geoip ! --source-country FR -j MARK --set-xmark 0x4000/0x4000
-A WEB -j TARPIT --tarpit
-A WEB -j ACCEPT
COMMIT
"""  # noqa: E501 (lines of iptables are as long as they are)

DATA = {
    "name": "a.save",
    "family": 4,
    "fragment": False,
    "tables": [
        {
            "name": "filter",
            "chains": [
                {
                    "name": "INPUT",
                    "policy": "DROP",
                    "counters": {"packets": 5, "bytes": 300},
                    "declared": True,
                    "rules": [
                        {
                            "table": "filter",
                            "chain": "INPUT",
                            "index": 0,
                            "line": 4,
                            "counters": {"packets": 1, "bytes": 60},
                            "matches": [
                                {
                                    "match": "ip",
                                    "source": {"value": "10.0.0.0/8", "negated": True},
                                    "in_interface": {"value": "eth+", "negated": False},
                                    "protocol": {"value": "tcp", "negated": False},
                                    "fragment": False,
                                },
                                {"match": "comment", "comment": 'a "b"'},
                            ],
                            "target": {"jump": "WEB"},
                        },
                        {
                            "table": "filter",
                            "chain": "INPUT",
                            "index": 1,
                            "line": None,
                            "counters": None,
                            "matches": [],
                            "target": {"goto": "WEB"},
                        },
                        {
                            "table": "filter",
                            "chain": "INPUT",
                            "index": 2,
                            "line": None,
                            "counters": None,
                            "matches": [],
                            "target": None,
                        },
                    ],
                },
                {
                    "name": "WEB",
                    "policy": None,
                    "counters": None,
                    "declared": True,
                    "rules": [
                        {
                            "table": "filter",
                            "chain": "WEB",
                            "index": 0,
                            "line": None,
                            "counters": None,
                            "matches": [
                                {
                                    "match": "statistic",
                                    "mode": "random",
                                    "probability": {"value": "0.50000000000", "negated": False},
                                },
                                {"unknown_match": "geoip", "words": ["!", "--source-country", "FR"]},
                            ],
                            "target": {"target": "MARK", "set_xmark": "0x4000/0x4000"},
                        },
                        {
                            "table": "filter",
                            "chain": "WEB",
                            "index": 1,
                            "line": None,
                            "counters": None,
                            "matches": [],
                            "target": {"unknown_target": "TARPIT", "words": ["--tarpit"]},
                        },
                        {
                            "table": "filter",
                            "chain": "WEB",
                            "index": 2,
                            "line": None,
                            "counters": None,
                            "matches": [],
                            "target": {"target": "ACCEPT"},
                        },
                    ],
                },
            ],
        }
    ],
    "issues": [
        {
            "message": "unknown command",
            "source": "a.save",
            "line": 9,
            "column": 1,
            "end": 3,
            "text": "-Z x",
            "expected": "-A",
            "hint": "delete it",
        }
    ],
}
