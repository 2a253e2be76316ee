"""Ask the installed iptables which extensions and options it has, and whether each of them is declared."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from iptables_model.model.matches import MATCHES
from iptables_model.model.option import Extension
from iptables_model.model.targets import TARGETS

pytestmark = pytest.mark.oracle

FAMILIES = {"xt": (4, 6), "ipt": (4,), "ip6t": (6,)}
"""For which families the libraries of iptables are, by the beginnings of their names (libxtables, xtables.c)."""

VERDICTS = {"ACCEPT", "DROP", "QUEUE", "RETURN"}
NO_EXTENSIONS = {
    "standard": "is for the verdicts, and for jumps to chains",
    "NAT": "is where DNAT, MASQUERADE, REDIRECT and SNAT lead to",
}
"""Libraries that are not named behind `-m` or `-j`."""

FOR_ONE_FAMILY = {("osf", 6): "registered for IPv4 alone (libxt_osf.c)"}
"""Extensions that a library of both families has in one only."""

BETWEEN = {"--next": "of policy: stands between two elements, and is no option of theirs"}
"""Words in the help that are no options."""

DECLARED = [(kind, family) for kind in (*MATCHES, *TARGETS) if kind.extension for family in kind.families]


def libraries() -> Iterator[tuple[str, int]]:
    """List the names of the installed extensions, once for each family that they are for."""
    for path in Path("/usr/lib").glob("**/xtables/lib*t_*.so"):
        prefix, name = path.stem.removeprefix("lib").split("_", 1)
        for family in FAMILIES.get(prefix, ()):
            yield name, family


def test_every_library_is_declared_for_its_families() -> None:
    installed = set(libraries())
    declared = {(kind.extension, family) for kind, family in DECLARED if kind.extension not in VERDICTS}
    assert {found for found in installed if found[0] not in NO_EXTENSIONS} == declared | set(FOR_ONE_FAMILY)
    assert declared.isdisjoint(FOR_ONE_FAMILY)
    assert set(NO_EXTENSIONS) <= {name for name, _ in installed}


def named_in_help(kind: type[Extension], family: int) -> set[str]:
    """Read the options from what iptables says of an extension, behind what it says of all rules."""
    tool = "iptables-legacy" if family == 4 else "ip6tables-legacy"
    word = "-m" if kind in MATCHES else "-j"
    said = subprocess.run([tool, word, kind.extension, "--help"], check=True, capture_output=True, text=True).stdout
    general, own = said.split("print package version.\n")
    assert "--table" in general
    return set(re.findall(r"(?<![\w-])--[a-z0-9-]+", own))


def declared_flags(kind: type[Extension]) -> set[str]:
    """List all the spellings of the options of an extension, those of its elements too."""
    own = {spelling.flag for option in kind.options for spelling in option.spellings()}
    elements = [option.codec.element for option in kind.options if option.codec.element is not None]
    return own.union(*map(declared_flags, elements))


@pytest.mark.parametrize(("kind", "family"), DECLARED, ids=lambda value: getattr(value, "__name__", str(value)))
def test_every_option_that_help_names_is_declared(kind: type[Extension], family: int) -> None:
    assert named_in_help(kind, family) <= declared_flags(kind) | set(BETWEEN)


def test_help_is_read() -> None:
    found = {kind.extension: named_in_help(kind, family) for kind, family in DECLARED}
    assert found["tcp"] == {
        "--tcp-flags",
        "--syn",
        "--source-port",
        "--sport",
        "--destination-port",
        "--dport",
        "--tcp-option",
    }
    assert sum(map(len, found.values())) > 250
