"""The rules of the fixtures: what iptables prints as it stands, prints otherwise, or refuses."""

from __future__ import annotations

from pathlib import Path

import attrs

from iptables_model.model.matches import MATCHES
from iptables_model.model.option import Extension
from iptables_model.model.targets import TARGETS, Set
from tests.files import FIXTURES, fixture_files

__all__ = ["REFUSED", "RULES", "SPELLINGS", "Case", "RuleFile", "kind_of"]

_KINDS = {("matches", kind.extension or "ip"): kind for kind in MATCHES} | {
    ("targets", kind.extension): kind for kind in TARGETS
}


def kind_of(path: Path) -> type[Extension]:
    """Find the class that a file of `fixtures/rules` is about."""
    return _KINDS[path.parent.name, path.stem]


@attrs.frozen
class RuleFile:
    """Hold the lines of one extension that iptables prints as they are, in the families that have them."""

    kind: type[Extension]
    families: tuple[int, ...]
    lines: tuple[str, ...]

    @property
    def table(self) -> str:
        """Name a table that takes the extension."""
        return self.kind.tables[0] if self.kind.tables else "mangle" if self.kind is Set else "filter"

    def __str__(self) -> str:
        return f"{self.kind.__name__}-{'-'.join(map(str, self.families))}"


@attrs.frozen
class Case:
    """Hold a line and what is said of it: how it is printed, or why it is refused."""

    table: str
    family: int
    line: str
    said: str

    def __str__(self) -> str:
        return self.line.removeprefix("-A X ")[:60]


def _rule_file(path: Path) -> RuleFile:
    families = {"both": (4, 6), "ipv4": (4,), "ipv6": (6,)}[path.parent.parent.name]
    return RuleFile(kind_of(path), families, tuple(path.read_text().splitlines()))


def _cases(folder: str, mark: str) -> list[Case]:
    """Read pairs of lines; the second begins with a mark."""
    cases = []
    for path in fixture_files(f"{folder}/*/*.txt"):
        family = {"ipv4": 4, "ipv6": 6}[path.parent.name]
        lines = path.read_text().splitlines()
        for line, said in zip(lines[::2], lines[1::2], strict=True):
            assert said.startswith(mark), (path.relative_to(FIXTURES), line)
            cases.append(Case(path.stem, family, f"-A X {line}", said.removeprefix(mark)))
    return cases


RULES = list(map(_rule_file, fixture_files("rules/*/*/*.rules")))
SPELLINGS = [attrs.evolve(case, said=f"-A X {case.said}".rstrip()) for case in _cases("spellings", "=> ")]
REFUSED = _cases("refused", "!! ")
