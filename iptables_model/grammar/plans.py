"""From readings to rules: what stays the same in all lines of one shape is worked out once, as a plan."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property, lru_cache, partial
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from iptables_model.errors import ModelError
from iptables_model.grammar.arguments import plain, value_of
from iptables_model.grammar.elements import Unreadable
from iptables_model.model.matches.comment import Comment
from iptables_model.model.matches.ip import Ip
from iptables_model.model.matches.unknown import UnknownMatch
from iptables_model.model.option import Extension
from iptables_model.model.rule import Counters, Rule, trusted_rule
from iptables_model.model.targets import Goto, Jump
from iptables_model.model.targets.unknown import UnknownTarget
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import Protocol
from iptables_model.values.quoting import unquote

if TYPE_CHECKING:
    from iptables_model.grammar.language import ExtensionGrammar, Flag
    from iptables_model.grammar.reading import Given, Part, Reading
    from iptables_model.model.option import Match, Target
    from iptables_model.model.ruleset import Field, Lead

__all__ = ["Held", "Option", "PartPlan", "Planner", "RulePlan", "option_of", "taking"]

_FLAG = re.compile(r"(?<![\w-])--?[a-z][a-z0-9-]*")
_NOTHING = Ip()
_MOST = 128
"""So many values and extensions of a kind are kept: equal texts mostly come close together."""
_SPOKEN = ((1, 4), (58, 6))
"""The protocols that are spoken with one family only: icmp and ipv6-icmp."""


class Option(NamedTuple):
    """Hold what the shape of a line says of one option: its flag, and its text unless each line has its own (None)."""

    flag: Flag
    negated: bool
    text: str | None


def taking(places: list[int]) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """Give what takes those of some texts that are at these places."""
    if len(places) > 1:
        return itemgetter(*places)
    # The getter of one item gives no tuple, and that of none is not to be had.
    return itemgetter(slice(places[0], places[0] + 1) if places else slice(0))


def option_of(text: str, given: Given) -> Option:
    """Take the shape of an option that a line gives; keywords are part of it, and that there is no value."""
    value = text[given.start : given.end]
    return Option(given.flag, given.negated, value if given.flag.codec.keyword or not value else None)


class Open(NamedTuple):
    """Name a field that each line fills, what reads its text, and whether it is negated (None if it cannot be)."""

    field: str
    reader: Reader
    negated: bool | None


@attrs.define(eq=False)
class PartPlan:
    """Make an extension of the texts of its values.

    `fixed` are the fields that the shape of the line decides, and `open` those that each line fills. With `checked` the
    class may refuse them. Equal extensions that follow each other in one text are mostly one object.
    """

    kind: type[Extension]
    fixed: dict[str, object]
    open: tuple[Open, ...] = ()
    checked: bool = False
    make: Callable[[tuple[str, ...]], Extension] = attrs.field(init=False)
    """Makes the extension, or gives the one made of the same texts before."""

    def __attrs_post_init__(self) -> None:
        # Not of the plan itself, which would then be a circle that only the garbage collector breaks.
        self.make = lru_cache(maxsize=_MOST)(partial(_extension, self.kind, self.fixed, self.open))

    def can_be(self, texts: tuple[str, ...]) -> bool:
        """Say whether the extension can be made of these texts."""
        try:
            self.make(texts)
        except ModelError:
            return False
        return True


def _extension(
    kind: type[Extension], fixed: dict[str, object], opened: tuple[Open, ...], texts: tuple[str, ...]
) -> Extension:
    fields = dict(fixed)
    for (field, reader, negated), text in zip(opened, texts, strict=True):
        value = reader.read(text)
        fields[field] = value if negated is None else Negatable(value, negated=negated)
    made = kind(**fields)
    return _NOTHING if isinstance(made, Ip) and made.asks_nothing else made


@attrs.define(eq=False, slots=False)
class RulePlan:
    """Make a rule of the texts that its line gives: the chain's name, the counters if any, then the values in order.

    Each extension has the place of its texts among them.
    """

    matches: tuple[tuple[PartPlan, int, int], ...]
    target: tuple[PartPlan, int, int] | None
    counted: bool
    _said: dict[tuple[Field, ...], Sayings] = attrs.field(factory=dict)

    @cached_property
    def asking(self) -> tuple[tuple[PartPlan, int, int], ...]:
        """List the matches without comments, with the places of their texts among those that `asked` takes."""
        asking = [part for part, _, _ in self.matches if part.kind is not Comment]
        ends = [*accumulate((len(part.open) for part in asking), initial=0)]
        return tuple(zip(asking, ends, ends[1:], strict=False))

    @cached_property
    def asked(self) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
        """Take those of the texts that tell apart what rules of this plan ask."""
        places = [at for part, low, high in self.matches if part.kind is not Comment for at in range(low, high)]
        return taking(places)

    def matches_of(self, said: tuple[str, ...]) -> tuple[Match, ...]:
        """Give what a rule asks, without comments, of those of its texts that `asked` takes."""
        return _made(self.asking, said)

    @cached_property
    def leads(self) -> tuple[Callable[[str], Any], int, bool] | None:
        """Say what reads the name of the chain to which rules of this plan lead, where it stands, and if they jump."""
        if self.target is None or self.target[0].kind not in (Jump, Goto):
            return None
        part, low, _ = self.target
        return part.open[0].reader.read, low, part.kind is Jump

    @property
    def parts(self) -> tuple[tuple[PartPlan, int, int], ...]:
        """List the matches and, last, the target if there is one."""
        return self.matches if self.target is None else (*self.matches, self.target)

    def make(self, texts: tuple[str, ...], *, table: str, chain: str, index: int, line: int) -> Rule:
        """Make the rule."""
        matches = _made(self.matches, texts)
        target = None if self.target is None else self.target[0].make(texts[self.target[1] : self.target[2]])
        counters = Counters(int(texts[1]), int(texts[2])) if self.counted else None
        return trusted_rule(table, chain, matches, target, counters, index, line)

    def said(self, fields: tuple[Field, ...]) -> Sayings:
        """Give what rules of this plan say in some fields, None if that is nothing."""
        said = self._said.get(fields)
        if said is None:
            said = self._said[fields] = Sayings(tuple([self._find(field) for field in fields]))
        return said

    def _find(self, field: Field) -> Said:
        """Find out where the texts of the plan have a field."""
        for part, low, _ in self.parts:
            if part.kind is field.kind:
                for place, (name, reader, negated) in enumerate(part.open, low):
                    if name == field.name:
                        if bool(negated) is not field.negated:
                            return Said()
                        return Said(read=reader.single if field.single else reader.read, place=place)
                return Said(value=field.of(part.fixed.get(field.name)))
        return Said()


def _made(matches: tuple[tuple[PartPlan, int, int], ...], texts: tuple[str, ...]) -> tuple[Any, ...]:
    """Make matches. What says nothing, as `-p all`, is left out, since iptables-save does not print it."""
    made = [plan.make(texts[low:high]) for plan, low, high in matches]
    return tuple(made[1:] if made and made[0] is _NOTHING else made)


@attrs.define(eq=False)
class PlannedParts:
    """Make of a rule what it asks and does, when that is asked for."""

    plan: RulePlan
    texts: tuple[str, ...]

    @property
    def asked(self) -> tuple[RulePlan, tuple[str, ...]]:
        """Give the plan, and those of the texts that tell apart what its rules ask."""
        return self.plan, self.plan.asked(self.texts)

    @property
    def target(self) -> Target | None:
        """Give what it does."""
        target = self.plan.target
        if target is None:
            return None
        plan, low, high = target
        return plan.make(self.texts[low:high])  # type: ignore[return-value]

    @property
    def lead(self) -> Lead | None:
        """Give the chain to which it leads."""
        leads = self.plan.leads
        if leads is None:
            return None
        read, place, returns = leads
        return read(self.texts[place]), returns


class Said(NamedTuple):
    """Hold what all rules of a plan say in a field: one value, or what is read of the text at a place."""

    value: object = None
    read: Callable[[str], object] | None = None
    place: int = 0


@attrs.define(eq=False, slots=False)
class Sayings:
    """Hold what the rules of a plan say in some fields."""

    each: tuple[Said, ...]

    @cached_property
    def alike(self) -> tuple[object, ...] | None:
        """Give what all rules say, if it does not depend on their texts."""
        return None if any(said.read for said in self.each) else tuple(said.value for said in self.each)

    def of(self, texts: tuple[str, ...]) -> tuple[object, ...]:
        """Give what one rule says, of which these are the texts."""
        return tuple([value if read is None else read(texts[place]) for value, read, place in self.each])


class Held(NamedTuple):
    """Hold a rule of which no shape was learned: its plan and its texts."""

    plan: RulePlan
    held: tuple[str, ...]

    def texts(self, _line: str) -> tuple[str, ...]:
        """Give the texts that go with the plan."""
        return self.held


class Reader:
    """Read the values of an option; equal texts that follow each other mostly have one value.

    `read` raises `ValueError` for a text that is none; `can_be` says whether it is one, where its form cannot tell.
    `single` reads only the one number that a value stands for, None if it has more.
    """

    def __init__(self, flag: Flag) -> None:
        self.read: Callable[[str], object] = lru_cache(maxsize=_MOST)(partial(_read, flag))
        self.single: Callable[[str], int | None] = lru_cache(maxsize=_MOST)(partial(_single, flag))
        self.can_be: Callable[[str], bool] = lru_cache(maxsize=_MOST)(partial(_can_be, flag))


class Planner:
    """Plan the rules of one text, and keep what its lines share: plans, values, extensions."""

    def __init__(self) -> None:
        self._readers: dict[Flag, Reader] = {}
        self._parts: dict[tuple[object, ...], PartPlan] = {}
        self._rules: dict[tuple[object, ...], RulePlan] = {}

    def reader(self, flag: Flag) -> Reader:
        """Give what reads the values of an option."""
        reader = self._readers.get(flag)
        if reader is None:
            reader = self._readers[flag] = Reader(flag)
        return reader

    def family_of_protocols(self) -> int | None:
        """Tell the family by the rules' protocols: icmp is spoken with IPv4, ipv6-icmp with IPv6."""
        protocols = {plan.fixed.get("protocol") for plan in self._parts.values() if plan.kind is Ip}
        families = {family for number, family in _SPOKEN if Negatable(Protocol(number)) in protocols}
        return families.pop() if len(families) == 1 else None

    def part(self, grammar: ExtensionGrammar, options: tuple[Option, ...]) -> PartPlan:
        """Plan an extension that has these options; `ModelError` if one is missing that it needs."""
        key = (grammar, *options)
        plan = self._parts.get(key)
        if plan is None:
            plan = self._parts[key] = self._plan(grammar, options)
        return plan

    def _plan(self, grammar: ExtensionGrammar, options: tuple[Option, ...]) -> PartPlan:
        """Work out what all lines share in which an extension has these options."""
        there = {option.flag.field for option in options}
        for field, wanted in grammar.required:
            if field not in there:
                raise ModelError(f"needs {wanted}")
        fixed: dict[str, object] = {}
        values: list[Open] = []
        for flag, negated, text in options:
            if text is None:
                values.append(Open(flag.field, self.reader(flag), negated if flag.negatable else None))
            elif flag.is_flag:
                fixed[flag.field] = not negated
            else:
                value = _read(flag, text)
                fixed[flag.field] = Negatable(value, negated=negated) if flag.negatable else value
        refuses = grammar.kind.refuses
        checked = grammar.conditional and (refuses is None or any(value.field in refuses for value in values))
        return PartPlan(grammar.kind, fixed, tuple(values), checked)

    def rule(self, parts: tuple[PartPlan, ...], *, target: bool, counted: bool) -> RulePlan:
        """Plan a rule of these parts, of which the last may be its target; their texts follow each other."""
        key = (target, counted, *parts)
        plan = self._rules.get(key)
        if plan is None:
            places = []
            low = 3 if counted else 1
            for part in parts:
                places.append((part, low, low + len(part.open)))
                low += len(part.open)
            matches, last = (places[:-1], places[-1]) if target else (places, None)
            plan = self._rules[key] = RulePlan(tuple(matches), last, counted)
        return plan

    def plan(self, reading: Reading) -> Held:
        """Plan the rule of a line.

        Raises `Unreadable` for a value or an extension that cannot be.
        """
        text = reading.text
        spans = [reading.chain, *(reading.counters or ())]
        plans = []
        for part in reading.all_parts():
            plan, own = self._plan_part(text, part, target=part is reading.target)
            plans.append(plan)
            spans += own
        rule = self.rule(tuple(plans), target=reading.target is not None, counted=reading.counters is not None)
        texts = (unquote(text[slice(*reading.chain)]), *[text[start:end] for start, end in spans[1:]])
        for part, (plan, low, high) in zip(reading.all_parts(), rule.parts, strict=True):
            if part.grammar is not None and part.grammar.conditional:
                self._check(text, part, plan, texts[low:high])
        return Held(rule, texts)

    def _plan_part(self, text: str, part: Part, *, target: bool) -> tuple[PartPlan, list[tuple[int, int]]]:
        """Plan one extension of a line, and give the places of its open values."""
        if part.grammar is None:
            return self._undeclared(part, target=target), []
        for given in part.given.values():
            if given.form is not None and not given.form.exact:
                self._check_value(text, given)
        options = tuple([option_of(text, given) for given in part.given.values()])
        try:
            plan = self.part(part.grammar, options)
        except ModelError as error:
            message = f"{text[part.start : part.end]} {error}"
            raise Unreadable(text, part.start, part.end, message) from None
        return plan, [
            (given.start, given.end)
            for given, option in zip(part.given.values(), options, strict=True)
            if option.text is None
        ]

    def _undeclared(self, part: Part, *, target: bool) -> PartPlan:
        """Plan an extension that nobody declared: its words are what it is."""
        key = (target, part.name, *part.words)
        plan = self._parts.get(key)
        if plan is None:
            kind: type[Extension] = UnknownTarget if target else UnknownMatch
            plan = self._parts[key] = PartPlan(kind, {"name": part.name, "words": tuple(part.words)})
        return plan

    def _check_value(self, text: str, given: Given) -> None:
        try:
            self.reader(given.flag).read(text[given.start : given.end])
        except ValueError:
            value_of(text, given)

    def _check(self, text: str, part: Part, plan: PartPlan, texts: tuple[str, ...]) -> None:
        try:
            plan.make(texts)
        except ModelError as error:
            raise Unreadable(text, *_accused(part, str(error)), str(error)) from None


def _accused(part: Part, message: str) -> tuple[int, int]:
    """Find what a class complains about: of the options that the message names the last that is given, or itself."""
    named = set(_FLAG.findall(message))
    flags = {option.name: option.flag for option in part.grammar.kind.options} if part.grammar is not None else {}
    given = [given for field, given in part.given.items() if {given.flag.text, flags[field]} & named]
    last = max(given, key=lambda given: given.at, default=None)
    return (part.start, part.end) if last is None else (last.at, last.end)


def _read(flag: Flag, text: str) -> object:
    """Read a value from its text as it stands in a line."""
    return flag.codec.read(plain(text, flag.codec.words))


def _single(flag: Flag, text: str) -> int | None:
    codec = flag.codec
    return None if codec.single is None else codec.single(plain(text, codec.words))


def _can_be(flag: Flag, text: str) -> bool:
    try:
        flag.codec.parse(plain(text, flag.codec.words))
    except ValueError:
        return False
    return True
