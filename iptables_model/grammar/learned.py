"""Read lines by what the grammar has taught about others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptables_model.grammar.pieces import Pieces
from iptables_model.grammar.templates import Templates

if TYPE_CHECKING:
    from iptables_model.grammar.drafts import Sheet, TableDraft
    from iptables_model.grammar.language import Language
    from iptables_model.grammar.reading import Reading

__all__ = ["Learned"]


class Learned:
    """Read the lines of a sheet by templates and pieces, as far as they go."""

    def __init__(self, sheet: Sheet, language: Language) -> None:
        self._sheet = sheet
        self._pieces = Pieces(language, sheet.planner)
        self._targets = frozenset(language.targets)
        self._templates = Templates(sheet, self._targets)

    def learn(self, reading: Reading) -> None:
        """Learn from a line that the grammar has read."""
        self._pieces.learn(reading)

    def read(self, at: int, table: TableDraft, family: int | None) -> int:
        """Read the lines from `at` on into their table; give the first that is not like those seen before."""
        lines = self._sheet.lines
        while at < len(lines):
            if lines[at].startswith(":"):
                at = table.declare_plain(lines, at, self._targets)
            at = self._templates.read(at, table)
            if at == len(lines) or not self._read_by_pieces(at, table, family):
                break
            at += 1
        return at

    def _read_by_pieces(self, at: int, table: TableDraft, family: int | None) -> bool:
        line = self._sheet.lines[at]
        known = self._pieces.shape(line, family)
        if known is None or not table.takes(known[0]):
            return False
        table.add(known[0], at)
        self._sheet.sources[at] = known[1]
        self._templates.follow(known[1], line)
        return True
