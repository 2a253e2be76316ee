"""Read the lines of one dump, in order, into tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from iptables_model.grammar.drafts import BUILTIN_NAMES, Sheet, TableDraft
from iptables_model.grammar.elements import BLANKS, END, NEXT_WORD, OpenQuote, Unreadable, did_you_mean, found
from iptables_model.grammar.fragment import Fragment
from iptables_model.grammar.language import COMMANDS
from iptables_model.grammar.learned import Learned
from iptables_model.grammar.lines import grammar
from iptables_model.grammar.paste import gives_up, is_noise, junk_hint, listed_table
from iptables_model.grammar.plans import Planner
from iptables_model.grammar.report import Report
from iptables_model.model.ruleset import BUILTIN_CHAINS, UNKNOWN_TABLE, Ruleset
from iptables_model.values.names import CHAIN_NAME

if TYPE_CHECKING:
    from iptables_model.grammar.dumps import Dump
    from iptables_model.grammar.lines import ChainLine, Grammar
    from iptables_model.grammar.mode import Mode
    from iptables_model.grammar.reading import Reading

__all__ = ["DumpReader"]

_LONGEST_STRING = 1024
"""No word that iptables reads is longer (struct xt_param_buf of iptables/xshared.h), so no quote is open further."""

_VERDICTS = frozenset({"ACCEPT", "DROP", "QUEUE", "RETURN"})
"""What no chain may be called (TC_CREATE_CHAIN, libiptc/libiptc.c; assert_valid_chain_name, iptables/xshared.c)."""
_CHAIN_NAME = re.compile(rf"[{BLANKS}]*:[{BLANKS}]*({CHAIN_NAME}){END}")
_ENOUGH_HINTS = 20
_ONE_FAMILY = "iptables-save prints IPv4, ip6tables-save IPv6"


class DumpReader:
    """Read the lines of one dump; `report` says what is wrong with them."""

    def __init__(
        self, lines: list[str], dump: Dump, *, mode: Mode, name: str, table: str | None, templates: bool
    ) -> None:
        self._dump = dump
        self._name = name
        self._default = table
        self._grammar = grammar()
        self._hiding: dict[frozenset[str], Grammar] = {}
        self._planner = Planner()
        self._family = dump.family
        self._tables: dict[str, TableDraft] = {}
        self._table: TableDraft | None = None
        self._loose: Fragment | None = None
        self._listed: str | None = None
        self._lines = lines
        self._sheet = Sheet(self._planner, lines, dump.line + 1)
        self._learned = Learned(self._sheet, self._grammar.language) if templates else None
        self.report = Report(self._sheet, mode=mode, name=name)
        self._at = 0
        self._kinds = {"*": self._read_table, ":": self._read_chain, "-": self._read_command, "[": self._read_command,
                       '"': self._read_command, "!": self._read_command}  # fmt: skip

    def read(self) -> None:
        """Read all lines."""
        while self._at < len(self._lines):
            table = self._current()
            if self._learned is not None and table is not None and not table.hides:
                self._at = self._learned.read(self._at, table, self._family)
            if self._at < len(self._lines):
                self._at += self._read_next()
        self._end_table()

    def _current(self) -> TableDraft | None:
        """Give the table that takes the next line, if there is one."""
        return self._loose.draft if self._table is None and self._loose is not None else self._table

    def _read_next(self) -> int:
        """Read what stands at the next line; say how many lines it takes."""
        try:
            return self._read_line(self._lines[self._at])
        except Unreadable as error:
            self.report.fail(error, self._at)
            return 1

    def finish(self) -> Ruleset:
        """Make the ruleset."""
        if self._loose is not None:
            self._loose.place(self._tables, self._default)
        return Ruleset(
            tables=tuple(draft.finish() for draft in self._tables.values()),
            family=self._family or self._planner.family_of_protocols(),
            fragment=self._loose is not None,
            name=self._name,
            issues=self.report.issues(),
        )

    # Lines.

    def _read_line(self, line: str) -> int:
        """Read what stands at a line; say how many lines it takes."""
        bare = line.strip(BLANKS)
        if not bare:
            return 1
        if bare == "COMMIT":
            return self._read_commit(line)
        kind = self._kinds.get(bare[0])
        if kind is not None and not is_noise(bare):
            return kind(line)
        return self._read_other(line, bare)

    def _read_other(self, line: str, bare: str) -> int:
        """Read what is no line of iptables-save but for its comments."""
        if gives_up(bare):
            self.report.note(
                self._at, "iptables-save could not print all rules", "a newer iptables-save may be able to"
            )
        elif bare[0] == "#" or is_noise(bare):
            # The command behind a prompt may say whose rules follow; "# " is root's prompt.
            self._listing(listed_table(bare) or (self._listed if bare[0] == "#" else None))
        else:
            start = len(line) - len(line.lstrip(BLANKS))
            message = f"{found(bare)} is no line of iptables-save"
            raise Unreadable(line, start, len(line), message, expected="a rule, chain or table", hint=junk_hint(bare))
        return 1

    def _read_commit(self, line: str) -> int:
        if self._table is None and self._loose is None:
            raise Unreadable(line, 0, len(line), "COMMIT without a table", hint="a table begins with *NAME")
        self._table = None
        return 1

    def _read_table(self, line: str) -> int:
        name, start, end = self._grammar.read_table(line)
        self._end_table()
        builtin = frozenset(BUILTIN_CHAINS.get(name, BUILTIN_NAMES))
        self._table = self._tables.setdefault(name, TableDraft(self._sheet, name, self._at, builtin))
        if name not in BUILTIN_CHAINS and name != UNKNOWN_TABLE:
            message = f"no table {found(name)} in iptables"
            hint = junk_hint(line) or did_you_mean(name, tuple(BUILTIN_CHAINS))
            raise Unreadable(line, start, end, message, expected=" or ".join(BUILTIN_CHAINS), hint=hint)
        return 1

    def _end_table(self) -> None:
        if self._table is not None:
            message = f"the table {self._table.name} has no COMMIT"
            self.report.note(self._table.line, message, "the dump may be cut off")
            self._table = None

    def _read_chain(self, line: str) -> int:
        try:
            self._declare(line, self._grammar.read_chain(line))
        except Unreadable:
            # The chain is there, so that its rules are no errors as well.
            name = _CHAIN_NAME.match(line)
            if self._table is not None and name is not None:
                self._table.begin(name[1])
            raise
        return 1

    def _declare(self, line: str, chain: ChainLine, *, again: bool = False) -> None:
        """Take over what a line says of a chain; `again` lets it change one that is declared."""
        builtin = chain.name in BUILTIN_NAMES
        if chain.policy is not None and not builtin:
            message = f"{found(chain.name)} has a policy, which only a built-in chain can have"
            raise Unreadable(line, *chain.policy_at, message, expected="-")
        if chain.name in _VERDICTS:
            message = f"{found(chain.name)} is a verdict, and cannot be the name of a chain"
            raise Unreadable(line, chain.start, chain.end, message)
        if self._table is None:
            self._fragment(line).declare(chain, self._at)
        elif self._table.declares(chain.name) and not again:
            raise Unreadable(line, chain.start, chain.end, f"the chain {found(chain.name)} is declared twice")
        else:
            self._table.declare(chain, self._at)
        table = self._current()
        if table is not None and chain.name in self._grammar.language.targets:
            table.hides.add(chain.name)

    def _fragment(self, line: str) -> Fragment:
        """Give the fragment to which a line outside of all tables belongs."""
        if self._loose is None:
            if self._tables:
                start = len(line) - len(line.lstrip(BLANKS))
                message = "this line stands outside of a table"
                hint = "a table begins with *NAME and ends with COMMIT"
                raise Unreadable(line, start, len(line), message, hint=hint)
            self._loose = Fragment(self._sheet)
            self._loose.listing(self._at, self._listed)
        return self._loose

    def _listing(self, table: str | None) -> None:
        """Take note of the table whose rules are listed from here on."""
        self._listed = table
        if self._loose is not None:
            self._loose.listing(self._at, table)

    # Rules and other commands.

    def _read_command(self, line: str) -> int:
        self._listing(self._dump.listings.get(self._dump.line + self._at, self._listed))
        word = NEXT_WORD.match(line)
        command = "" if word is None else word[1]
        if command.startswith("-") and not command.lstrip("-")[:1].isalpha():
            return self._read_other(line, line.strip(BLANKS))
        if command in ("-P", "--policy"):
            self._declare(line, self._grammar.read_policy(line), again=True)
        elif command in ("-N", "--new-chain"):
            self._declare(line, self._grammar.read_new_chain(line))
        elif word is not None and command in COMMANDS:
            message, hint = f"{command} is no rule", COMMANDS[command]
            raise Unreadable(line, word.start(1), word.end(), message, expected="-A", hint=hint)
        else:
            return self._read_rule(line)
        return 1

    def _rules(self) -> Grammar:
        """Give the grammar of rules in the table that takes them (xtables_announce_chain, libxtables/xtables.c)."""
        table = self._current()
        if table is None or not table.hides:
            return self._grammar
        hidden = frozenset(table.hides)
        return self._hiding.get(hidden) or self._hiding.setdefault(hidden, self._grammar.hiding(hidden))

    def _read_rule(self, line: str) -> int:
        try:
            self._add(self._rules().read_rule(line))
        except OpenQuote as error:
            return self._read_broken(error)
        return 1

    def _read_broken(self, error: OpenQuote) -> int:
        """Read a rule of which a quoted word goes on in the next lines, if it does."""
        text = error.pstr
        for taken, line in enumerate(self._lines[self._at + 1 : self._at + 1 + _LONGEST_STRING], start=2):
            text = f"{text}\n{line}"
            if len(text) - error.loc > _LONGEST_STRING:
                break
            if '"' not in line:
                continue
            try:
                self._add(self._rules().read_rule(text))
            except OpenQuote:
                continue
            except Unreadable:
                # All quotes are closed, so it is no quoted word that goes on.
                break
            return taken
        raise error

    def _add(self, reading: Reading) -> None:
        """Add a rule to its chain."""
        held = self._planner.plan(reading)
        family = self._family_of(reading)
        self._sheet.sources[self._at] = held
        name = held.held[0]
        table = self._table or self._fragment(reading.text).draft
        if self._learned is not None and not table.hides:
            self._learned.learn(reading)
        if not table.takes(name):
            raise self._undeclared(reading, name)
        self._check_target(reading)
        table.add(name, self._at, self._place(reading, table, name))
        self._family = family

    def _place(self, reading: Reading, table: TableDraft, name: str) -> int | None:
        """Tell the place that `-I` gives a rule; refuse one that the chain does not have, where all of it is shown."""
        if reading.insert is None:
            return None
        place, start, end = reading.insert
        if table.open_to is not None and not (place >= 1 and table.holds(name, place - 1)):
            most = len(table.entries(name)) + 1
            message = f"-I needs a place from 1 to {most} in this chain, found {place}"
            raise Unreadable(reading.text, start, end, message, expected=f"a number from 1 to {most}")
        return place

    def _family_of(self, reading: Reading) -> int | None:
        """Tell the ruleset's family, which the first word of one family decides if no header does; refuse the other."""
        known = self._family
        for family, start, end, what in reading.families():
            known = known or family
            if family != known:
                raise Unreadable(reading.text, start, end, f"{what} in an IPv{known} ruleset", hint=_ONE_FAMILY)
        return known

    def _check_target(self, reading: Reading) -> None:
        """Refuse options behind the name of a chain, which takes none."""
        target, table = reading.target, self._table
        if target is not None and target.grammar is None and table is not None and target.name in table.last:
            words = reading.text[target.end : target.words_end].lstrip(BLANKS)
            message = f"{found(target.words[0])} stands behind the name of a chain, which takes no options"
            raise Unreadable(reading.text, target.words_end - len(words), target.words_end, message)

    def _undeclared(self, reading: Reading, name: str) -> Unreadable:
        message = f"no line declares the chain {found(name)}"
        # Many such errors have one cause, and to look for what resembles each name would take long.
        known = () if self._table is None or len(self.report.errors) > _ENOUGH_HINTS else tuple(self._table.last)[:1000]
        hint = did_you_mean(name, known)
        return Unreadable(reading.text, *reading.chain, message, expected="a declared chain", hint=hint)
