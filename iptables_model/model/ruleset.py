"""The nouns of a dump: rulesets, tables, chains."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from typing import Any, NamedTuple, Protocol, SupportsIndex, TypeAlias, TypeVar

import attrs

from iptables_model.errors import ModelError, NotFound, ParseError
from iptables_model.model.option import Extension, Match, Target, single_of
from iptables_model.model.rule import Counters, Rule
from iptables_model.model.targets.verdict import Goto, Jump
from iptables_model.values.frozen import filled, maker
from iptables_model.values.names import CHAIN
from iptables_model.values.negatable import Negatable

__all__ = [
    "BUILTIN_CHAINS",
    "UNKNOWN_TABLE",
    "Chain",
    "Field",
    "Lead",
    "Parts",
    "Pending",
    "PendingChains",
    "Ruleset",
    "Table",
    "defer_chains",
    "deferred_chain",
    "derived",
    "keep_text",
    "pending_in",
    "pending_of",
    "rule_of",
    "size_of",
    "values_of",
]

T = TypeVar("T")

BUILTIN_CHAINS: dict[str, tuple[str, ...]] = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}
"""The tables of the kernel and the chains that its hooks enter (net/ipv4/netfilter/iptable_*.c)."""

UNKNOWN_TABLE = "unknown"
"""The name of the table that holds those rules of a fragment of which nothing tells the table."""


class Field(NamedTuple):
    """Name a field of an extension, by its class and its name.

    With `negated` only what stands behind `!` is meant, else only what does not; with `single` the one number that it
    stands for.
    """

    kind: type[Extension]
    name: str
    single: bool = False
    negated: bool = False

    def of(self, held: object) -> object:
        """Give what is meant of what an extension has in the field, or None."""
        if isinstance(held, Negatable):
            held = held.value if held.negated is self.negated else None
        elif self.negated:
            return None
        return single_of(self.kind, self.name, held) if self.single else held


Lead: TypeAlias = tuple[str, bool]
"""The chain to which a rule leads, and whether packets come back from its end, as from a jump."""


class Asking(Protocol):
    """Give what rules ask that are alike but for what they say."""

    def matches_of(self, said: Any) -> tuple[Match, ...]:
        """Give what a rule asks that says this; of a rule that is not made, without comments."""
        ...

    def __hash__(self) -> int: ...


class Parts(Protocol):
    """Hold what a rule asks and does, and not where it stands."""

    @property
    def asked(self) -> tuple[Asking, Hashable]:
        """Give what knows what the rule asks, and what it says; both are equal of rules that ask the same."""
        ...

    @property
    def target(self) -> Target | None:
        """Give what it does."""
        ...

    @property
    def lead(self) -> Lead | None:
        """Give the chain to which it leads, sooner than the target is made; None if it does something else."""
        ...


class AskingAsMade:
    """Give what rules ask that are made: what they say are their matches."""

    def matches_of(self, said: tuple[Match, ...]) -> tuple[Match, ...]:
        """Give what a rule asks."""
        return said


_AS_MADE = AskingAsMade()


class MadeParts(NamedTuple):
    """Hold what a rule that is made asks and does."""

    matches: tuple[Match, ...]
    target: Target | None

    @property
    def asked(self) -> tuple[Asking, Hashable]:
        """Give what knows what the rule asks, and its matches."""
        return _AS_MADE, self.matches

    @property
    def lead(self) -> Lead | None:
        """Give the chain to which it leads."""
        target = self.target
        return (target.chain, isinstance(target, Jump)) if isinstance(target, Jump | Goto) else None


class Pending(Protocol):
    """Hold the rules of a chain, of which each is made when it is asked for."""

    def __len__(self) -> int:
        """Count them."""
        ...

    def rules(self) -> tuple[Rule, ...]:
        """Make them all."""
        ...

    def rule(self, place: int) -> Rule:
        """Make one."""
        ...

    def parts(self, place: int) -> Parts:
        """Make of one what it asks and does, as far as that is asked for."""
        ...

    def values(self, fields: tuple[Field, ...]) -> Iterator[tuple[Any, ...]]:
        """Go through what they say in some fields, as `values_of` does."""
        ...


@attrs.frozen(kw_only=True)
class Chain:
    """Hold a chain: its rules in order, and for a built-in chain its policy (None for all others).

    `declared` is False for a chain of a fragment of which only rules are shown; what else it holds is not known.
    """

    name: str
    policy: str | None = None
    counters: Counters | None = None
    declared: bool = True
    rules: tuple[Rule, ...] = ()
    _pending: Pending | None = attrs.field(default=None, init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if CHAIN.form(self.name) is None:
            raise ModelError(f'a chain needs {CHAIN.expected}, found "{self.name}"')
        if not isinstance(self.rules, tuple):
            raise ModelError("a chain needs its rules as a tuple")

    def __getattr__(self, name: str) -> tuple[Rule, ...]:
        """Decode the rules when they are first asked for; the reader has checked their text already."""
        if name != "rules":
            raise AttributeError(f"a chain has no {name}")
        pending = self._pending
        if pending is not None:
            object.__setattr__(self, "rules", pending.rules())
            object.__setattr__(self, "_pending", None)
        # Without it another thread was faster.
        return object.__getattribute__(self, "rules")  # type: ignore[no-any-return]

    def __getstate__(self) -> tuple[Any, ...]:
        return self.name, self.policy, self.counters, self.declared, self.rules

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        filled(self, ("name", "policy", "counters", "declared", "rules", "_pending"), (*state, None))

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __str__(self) -> str:
        return f":{self.name} {self.policy or '-'} {self.counters or Counters()}"


def deferred_chain(
    name: str, policy: str | None, counters: Counters | None, *, declared: bool, pending: Pending
) -> Chain:
    """Make a chain, of what was checked when it was read, whose rules are made when they are first asked for."""
    return _made(name, policy, counters, declared, pending)


_made = maker(Chain, "name", "policy", "counters", "declared", "_pending")


@attrs.frozen
class Made:
    """Hold the rules of a chain that are made."""

    held: tuple[Rule, ...]

    def __len__(self) -> int:
        """Count them."""
        return len(self.held)

    def rules(self) -> tuple[Rule, ...]:
        """Give them all."""
        return self.held

    def rule(self, place: int) -> Rule:
        """Give one."""
        return self.held[place]

    def parts(self, place: int) -> Parts:
        """Give of one what it asks and does."""
        return MadeParts(self.held[place].matches, self.held[place].target)

    def values(self, fields: tuple[Field, ...]) -> Iterator[tuple[Any, ...]]:
        """Go through what they say in some fields."""
        return (tuple([_value_of(rule, field) for field in fields]) for rule in self.held)


def pending_of(chain: Chain) -> Pending:
    """Give the rules of a chain without making them."""
    pending = chain._pending  # noqa: SLF001 (the rules that wait belong to this room)
    return Made(chain.rules) if pending is None else pending


def size_of(chain: Chain) -> int:
    """Count the rules of a chain, without making them."""
    return len(pending_of(chain))


def rule_of(chain: Chain, place: int) -> Rule:
    """Give one rule of a chain, without making the others."""
    return pending_of(chain).rule(place)


def values_of(chain: Chain, *fields: Field) -> Iterator[tuple[Any, ...]]:
    """Go through what the rules of a chain say in some fields of matches and targets, without making the rules.

    What a rule does not say is None.
    """
    return pending_of(chain).values(fields)


def pending_in(table: Table, name: str) -> Pending | None:
    """Give the rules of the chain of a name, if there is one, without making the chain or the rules."""
    pending = table._pending  # noqa: SLF001 (likewise)
    if pending is not None:
        return pending.rules(name)
    chain = table.get(name)
    return None if chain is None else pending_of(chain)


def _value_of(rule: Rule, field: Field) -> object:
    parts: tuple[Extension | None, ...] = (*rule.matches, rule.target)
    return field.of(next((getattr(part, field.name) for part in parts if isinstance(part, field.kind)), None))


class PendingChains(Protocol):
    """Hold the chains of a table that are not made yet; each is made once."""

    def names(self) -> Collection[str]:
        """Give their names, in the order of the text."""
        ...

    def chains(self) -> tuple[Chain, ...]:
        """Make them all."""
        ...

    def chain(self, name: str) -> Chain | None:
        """Make one, if it is there."""
        ...

    def rules(self, name: str) -> Pending | None:
        """Give the rules of one, if it is there, without making it."""
        ...


@attrs.frozen(kw_only=True)
class Table:
    """Hold a table: its chains in the order of the text. `table["INPUT"]` is one of them."""

    name: str
    chains: tuple[Chain, ...] = ()
    _pending: PendingChains | None = attrs.field(default=None, init=False, eq=False, repr=False)
    _known: dict[str, Chain] = attrs.field(factory=dict, init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.chains, tuple):
            raise ModelError("a table needs its chains as a tuple")
        self._known.update((chain.name, chain) for chain in self.chains)

    def __getattr__(self, name: str) -> tuple[Chain, ...]:
        """Make the chains when they are first asked for."""
        if name != "chains":
            raise AttributeError(f"a table has no {name}")
        pending = self._pending
        if pending is not None:
            object.__setattr__(self, "chains", pending.chains())
        # Without it another thread was faster.
        return object.__getattribute__(self, "chains")  # type: ignore[no-any-return]

    def __getstate__(self) -> tuple[Any, ...]:
        return self.name, self.chains

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        name, chains = state
        known = {chain.name: chain for chain in chains}
        filled(self, ("name", "chains", "_pending", "_known"), (name, chains, None, known))

    def get(self, name: str) -> Chain | None:
        """Find a chain by its name, or None."""
        return self._known.get(name) if self._pending is None else self._pending.chain(name)

    def __getitem__(self, name: str) -> Chain:
        chain = self.get(name)
        if chain is None:
            raise NotFound("chain", name, tuple(self._names()))
        return chain

    def __contains__(self, name: object) -> bool:
        return name in self._names()

    def _names(self) -> Collection[str]:
        return self._known.keys() if self._pending is None else self._pending.names()

    def __iter__(self) -> Iterator[Chain]:
        return iter(self.chains)

    @property
    def rules(self) -> Iterator[Rule]:
        """Go through the rules of all chains."""
        return (rule for chain in self.chains for rule in chain.rules)


def defer_chains(table: Table, pending: PendingChains) -> Table:
    """Have a new table's chains made when they are first asked for."""
    object.__delattr__(table, "chains")
    object.__setattr__(table, "_pending", pending)
    return table


@attrs.frozen(kw_only=True)
class Ruleset:
    """Hold everything that one dump says. `ruleset["nat"]` is a table.

    `family` is 4 or 6, or None where nothing tells it. `fragment` says that the text is a part of a dump, so that what
    it does not show may still be there. `issues` are the lines that `Mode.LENIENT` could not read and, in every mode,
    what shows that a dump is not whole. `str(ruleset)` is the text from which the ruleset was read, byte for byte, or
    the canonical text of one built by hand.
    """

    tables: tuple[Table, ...] = ()
    family: int | None = None
    fragment: bool = False
    name: str = attrs.field(default="<ruleset>", eq=False)
    issues: tuple[ParseError, ...] = attrs.field(default=(), eq=False)
    _lines: tuple[str, ...] | None = attrs.field(default=None, init=False, eq=False, repr=False)
    _again: Callable[[str], Ruleset] | None = attrs.field(default=None, init=False, eq=False, repr=False)
    _derived: dict[object, Any] = attrs.field(factory=dict, init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.tables, tuple):
            raise ModelError("a ruleset needs its tables as a tuple")

    def get(self, name: str) -> Table | None:
        """Find a table by its name, or None."""
        for table in self.tables:
            if table.name == name:
                return table
        return None

    def __getitem__(self, name: str) -> Table:
        table = self.get(name)
        if table is None:
            raise NotFound("table", name, tuple(table.name for table in self.tables))
        return table

    def __contains__(self, name: object) -> bool:
        return any(table.name == name for table in self.tables)

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables)

    @property
    def rules(self) -> Iterator[Rule]:
        """Go through the rules of all tables."""
        return (rule for table in self.tables for rule in table.rules)

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        # A text is smaller than its rules, and sooner read again than they are put together.
        return super().__reduce_ex__(protocol) if self._again is None else (self._again, (str(self),))

    def __getstate__(self) -> tuple[Any, ...]:
        return self.tables, self.family, self.fragment, self.name, self.issues

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        names = ("tables", "family", "fragment", "name", "issues", "_lines", "_again", "_derived")
        filled(self, names, (*state, None, None, {}))

    def __str__(self) -> str:
        if self._lines is not None:
            return "\n".join(self._lines)
        return "".join(_table_text(table) for table in self.tables)


def derived(ruleset: Ruleset, key: object, make: Callable[[], T]) -> T:
    """Make what follows from a ruleset once, and keep it with the ruleset, which never changes.

    Two threads may both make it; either result is as good as the other.
    """
    kept = ruleset._derived  # noqa: SLF001 (the cache belongs to this room)
    found: T
    try:
        found = kept[key]
    except KeyError:
        found = kept[key] = make()
    return found


def keep_text(ruleset: Ruleset, lines: tuple[str, ...], again: Callable[[str], Ruleset]) -> Ruleset:
    """Have a new ruleset remember the lines of the text from which it was read, and how to read them again."""
    return filled(ruleset, ("_lines", "_again"), (lines, again))


def _table_text(table: Table) -> str:
    rules = (str(rule) for rule in table.rules)
    return "".join(f"{line}\n" for line in (f"*{table.name}", *map(str, table.chains), *rules, "COMMIT"))
