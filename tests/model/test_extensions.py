"""What the declarations say of every extension, with the rules of the fixtures."""

from __future__ import annotations

import copy
import pickle
import re
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iptables_model.errors import ParseError
from iptables_model.grammar.reader import parse
from iptables_model.model import matches
from iptables_model.model.matches import MATCHES, UnknownMatch
from iptables_model.model.option import Extension
from iptables_model.model.rule import Rule
from iptables_model.model.targets import TARGETS, Jump, UnknownTarget
from tests.askable import asked, instances, rule_with
from tests.identity import READ_ONLY_HERE, READ_ONLY_THERE, REFUSED, RULES, SPELLINGS, Case, Mistake, RuleFile


def words(text: str) -> list[str]:
    return text.split()


# The files of /usr/lib/*/xtables of iptables 1.8.9 that are for IPv4 or IPv6, with the targets of libxt_standard.so.
MATCH_NAMES = words(
    """
    addrtype ah bpf cgroup cluster comment connbytes connlabel connlimit connmark conntrack cpu dccp devgroup dscp dst
    ecn esp eui64 frag hashlimit hbh helper hl icmp icmp6 ipcomp iprange ipv6header ipvs length limit mac mark mh
    multiport nfacct osf owner physdev pkttype policy quota rateest realm recent rpfilter rt sctp set socket srh state
    statistic string tcp tcpmss time tos ttl u32 udp
    """
)
TARGET_NAMES = words(
    """
    ACCEPT AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNMARK CONNSECMARK CT DNAT DNPT DROP DSCP ECN HL HMARK IDLETIMER LED LOG
    MARK MASQUERADE NETMAP NFLOG NFQUEUE NOTRACK QUEUE RATEEST REDIRECT REJECT RETURN SECMARK SET SNAT SNPT SYNPROXY
    TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE TTL ULOG
    """
)
IN_NO_RULE = {
    ("time", "--utc"),  # never printed
    ("CONNMARK", "--mask"),  # printed as --nfmask and --ctmask
    ("NFLOG", "--nflog-range"),  # printed by iptables-legacy only
    ("CT", "--timeout"),  # names what cannot be made here
    ("bpf", "--object-pinned"),  # so does this
}


def read(line: str, table: str) -> Rule:
    return parse(f"*{table}\n:X - [0:0]\n{line}\nCOMMIT\n")[table]["X"].rules[0]


def test_every_extension_of_iptables_is_declared() -> None:
    assert sorted(kind.extension for kind in MATCHES if kind.extension) == MATCH_NAMES
    assert sorted(kind.extension for kind in TARGETS) == TARGET_NAMES


def test_every_extension_has_its_rules() -> None:
    families: dict[type[Extension], set[int]] = defaultdict(set)
    for file in RULES:
        families[file.kind].update(file.families)
    assert {kind: tuple(sorted(found)) for kind, found in families.items()} == {
        kind: kind.families for kind in (*MATCHES, *TARGETS)
    }


@pytest.mark.parametrize("kind", [*MATCHES, *TARGETS])
def test_every_option_stands_in_a_rule(kind: type[Extension]) -> None:
    words = {word for file in RULES if file.kind is kind for line in file.lines for word in line.split(" ")}
    flags = {option.flag for option in kind.options if option.flag}
    missing = {(kind.extension, flag) for flag in flags - words}
    assert missing <= IN_NO_RULE


@pytest.mark.parametrize("file", RULES, ids=str)
def test_rules_are_read_as_what_they_are(file: RuleFile) -> None:
    for line in file.lines:
        rule = read(line, file.table)
        parts = (*rule.matches, rule.target)
        assert str(rule) == line
        assert not any(isinstance(part, UnknownMatch | UnknownTarget | Jump) for part in parts)
        assert any(isinstance(part, file.kind) for part in parts) or line == "-A X"


@pytest.mark.parametrize("case", SPELLINGS, ids=str)
def test_spellings_are_read_as_what_iptables_prints(case: Case) -> None:
    rule = read(case.line, case.table)
    assert str(rule) == case.said
    assert read(case.said, case.table) == rule


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_mistakes_are_refused_where_they_stand(case: Mistake) -> None:
    with pytest.raises(ParseError) as caught:
        parse(case.text)
    error = caught.value
    assert (error.message, error.line, error.column, error.span.end) == (case.said, 4, case.column, case.end)
    assert error.text == case.line


@pytest.mark.parametrize("case", READ_ONLY_HERE, ids=str)
def test_what_only_we_read_comes_back(case: Case) -> None:
    ruleset = parse(case.text)
    (rule,) = ruleset.rules
    assert str(ruleset) == case.text
    assert read(str(rule), case.table) == rule


@pytest.mark.parametrize("case", READ_ONLY_THERE, ids=str)
def test_what_only_iptables_reads_is_refused_where_it_stands(case: Case) -> None:
    with pytest.raises(ParseError) as caught:
        parse(case.text)
    assert (caught.value.line, caught.value.text) == (4, case.line)


def test_there_are_mistakes_with_every_extension() -> None:
    lines = {case.line for case in REFUSED}
    assert len(lines) >= 400
    used = {name for line in lines for name in re.findall("-[mj] [A-Za-z0-9]+", line)}
    named = {f"-{'m' if kind in MATCHES else 'j'} {kind.extension}" for kind in (*MATCHES, *TARGETS) if kind.extension}
    assert named <= used


CASES = [(kind, family) for kind in (*MATCHES, *TARGETS) for family in kind.families]


ROUNDED = {matches.Hashlimit, matches.Limit, matches.Rateest}
"""Extensions that have rates: printed, a rate is rounded to what a word can say of it, and stays so from then on."""


@pytest.mark.parametrize(("kind", "family"), CASES, ids=lambda value: getattr(value, "__name__", str(value)))
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_values_come_back(kind: type[Extension], family: int, data: st.DataObject) -> None:
    value = data.draw(instances(kind, family))
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 (our own)
    assert copy.deepcopy(value) == value
    assert hash(copy.copy(value)) == hash(value)
    rule = rule_with(value, family)
    if asked(value, "iptables-legacy"):
        found = read(str(rule).replace("-A TEST", "-A X"), rule.table)
        assert str(found) == str(rule).replace("-A TEST", "-A X")
        if kind in ROUNDED:
            assert read(str(found), rule.table).matches == found.matches
        else:
            assert found.matches == rule.matches
