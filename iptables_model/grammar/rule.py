"""The grammar of a rule's line, as a pyparsing element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyparsing as pp

from iptables_model.grammar.clauses import Clauses, MismatchedPrint
from iptables_model.grammar.elements import element

if TYPE_CHECKING:
    from iptables_model.grammar.language import Language

__all__ = ["RuleLine"]


class RuleLine(pp.Token):
    """Read the line of a rule; the token is a `Reading`.

    The clauses come in any order, and a `-m` or `-j` makes new flags known, so what may follow is no fixed alternative:
    each clause is dispatched by its first word on what the line has loaded so far, which lives only while the line is
    read.
    """

    def __init__(self, language: Language) -> None:
        super().__init__()
        self.language = language
        element(self)
        self.set_name("a rule")

    def _generateDefaultName(self) -> str:  # noqa: N802 (pyparsing's name)
        return "rule"

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> tuple[int, Any]:  # noqa: ARG002, N802
        """Read all clauses up to the end of the line."""
        try:
            reading = Clauses(self.language, instring).read(loc)
        except MismatchedPrint:
            reading = Clauses(self.language, instring, keep_target=True).read(loc)
        return len(instring), [reading]
