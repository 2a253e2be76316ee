"""Count that the kernel is asked about every option that the walk decides, plain and negated.

What random rules leave out is listed by name, with the reason. An entry that is not needed any more is one to take out.
"""

from __future__ import annotations

from functools import cache

import pytest

from iptables_model import parse
from iptables_model.model import matches, targets
from iptables_model.model.option import Extension, options_of
from iptables_model.netfilter.effects import EFFECTS
from iptables_model.netfilter.meaning import MEANINGS
from tests.askable import NOT_HERE
from tests.kernel.generate import case

RULESETS = 1_500

NO_RULE: dict[type[Extension], str] = {
    **{kind: "not in this kernel" for kind, tools in NOT_HERE.items() if "iptables-nft" in tools},
    targets.Notrack: "iptables prints CT --notrack",
}
"""Extensions of which no random rule makes use."""

NOT_ASKED: dict[type[Extension], set[str]] = {
    # To update the counters is what is done without saying so.
    matches.Set: {"--update-counters", "--update-subcounters"},
    targets.Connmark: {"--mask"},  # iptables prints two masks
    # Policies are made with a tool that is not installed; ports of connections in two zones clash, and nat changes one.
    targets.Ct: {"--timeout", "--zone-orig"},
    targets.Nflog: {"--nflog-range"},  # nf_tables' own log expression has a range no more
}
"""Options, plain or negated, that no random rule has, and why."""


@cache
def asked() -> dict[type[Extension], set[str]]:
    """Gather the options that stand in many random rulesets, by their extensions."""
    found: dict[type[Extension], set[str]] = {}
    for number in range(RULESETS):
        for rule in parse(case(f"complete/{number}").text).rules:
            for part in (*rule.matches, rule.target):
                if part is not None:
                    options = {f"{'! ' * negated}{option.flag}" for option, _, negated in options_of(part)}
                    found.setdefault(type(part), set()).update(options)
    return found


def declared(kind: type[Extension]) -> set[str]:
    """List the options of an extension, plain and, where that can be, negated."""
    flagged = [option for option in kind.options if option.flag]
    return {option.flag for option in flagged} | {f"! {option.flag}" for option in flagged if option.negatable}


def _name(kind: type[Extension]) -> str:
    return f"{'match' if kind in MEANINGS else 'target'}-{kind.extension}"


@pytest.mark.parametrize("kind", [*MEANINGS, *EFFECTS], ids=_name)
def test_the_kernel_is_asked_about_every_option(kind: type[Extension]) -> None:
    assert (kind in NO_RULE) == (kind not in asked())
    if kind not in NO_RULE:
        assert declared(kind) - asked()[kind] == NOT_ASKED.get(kind, set())
