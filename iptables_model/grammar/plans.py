"""From readings to rules: what stays the same in all lines of one shape is worked out once, as a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs

from iptables_model.errors import ModelError
from iptables_model.grammar.arguments import plain, value_of
from iptables_model.grammar.elements import Unreadable
from iptables_model.model.matches.ip import Ip
from iptables_model.model.matches.unknown import UnknownMatch
from iptables_model.model.option import Extension, Match, Target
from iptables_model.model.rule import Counters, Rule
from iptables_model.model.targets.unknown import UnknownTarget
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import Protocol

if TYPE_CHECKING:
    from iptables_model.grammar.language import ExtensionGrammar, Flag
    from iptables_model.grammar.reading import Given, Part, Reading

__all__ = ["PartPlan", "Planner", "RulePlan", "other_family"]


_SPOKEN = ((1, 4), (58, 6))


@attrs.define(eq=False)
class PartPlan:
    """Make an extension of the texts of its values.

    `fixed` are the fields that the shape of the line decides; `open` are those that each line fills, with the flag that
    says how and whether it is negated. Equal extensions of one text are one object.
    """

    kind: type[Extension]
    fixed: dict[str, object]
    open: tuple[tuple[str, Flag, bool], ...] = ()
    families: frozenset[int] = frozenset()
    _made: dict[tuple[str, ...], Extension] = attrs.field(factory=dict)

    @property
    def checked(self) -> bool:
        """Say whether the class has conditions of its own, so that no reading is sure before one is made."""
        return hasattr(self.kind, "__attrs_post_init__")

    def make(self, planner: Planner, texts: tuple[str, ...]) -> Extension:
        """Make the extension, or take the one made of the same texts before."""
        made = self._made.get(texts)
        if made is None:
            fields = dict(self.fixed)
            for (field, flag, negated), text in zip(self.open, texts, strict=True):
                fields[field] = _wrap(flag, planner.value(flag, text), negated=negated)
            made = self._made[texts] = self.kind(**fields)
        return made


@attrs.define(eq=False)
class RulePlan:
    """Make a rule of the texts that its line gives: the chain's name, the counters if any, then the values in order."""

    matches: tuple[tuple[PartPlan, int, int], ...]
    target: tuple[PartPlan, int, int] | None
    counted: bool
    families: frozenset[int]

    def make(self, planner: Planner, texts: tuple[str, ...], *, table: str, chain: str, index: int, line: int) -> Rule:
        """Make the rule."""
        target = self.target
        return Rule(
            table=table,
            chain=chain,
            matches=tuple(cast(Match, plan.make(planner, texts[low:high])) for plan, low, high in self.matches),
            target=None if target is None else cast(Target, target[0].make(planner, texts[target[1] : target[2]])),
            counters=Counters(int(texts[1]), int(texts[2])) if self.counted else None,
            index=index,
            line=line,
        )


class Planner:
    """Plan the readings of one text, and keep what its lines share: plans, values, extensions."""

    def __init__(self) -> None:
        self._values: dict[Flag, dict[str, object]] = {}
        self._parts: dict[tuple[object, ...], PartPlan] = {}
        self._rules: dict[tuple[object, ...], RulePlan] = {}

    def value(self, flag: Flag, text: str) -> object:
        """Read a value from its text, or take the one read before; `ValueError` if there is none."""
        values = self._values.setdefault(flag, {})
        if text not in values:
            values[text] = flag.codec.read(plain(text, flag.codec.words))
        return values[text]

    def family_of_protocols(self) -> int | None:
        """Tell the family by the rules' protocols: icmp is spoken with IPv4, ipv6-icmp with IPv6."""
        protocols = {plan.fixed.get("protocol") for plan in self._parts.values() if plan.kind is Ip}
        families = {family for number, family in _SPOKEN if Negatable(Protocol(number)) in protocols}
        return families.pop() if len(families) == 1 else None

    def plan(self, reading: Reading) -> tuple[RulePlan, tuple[str, ...]]:
        """Plan the rule of a line, and give the texts that go with it.

        Raises `Unreadable` for a value or an extension that cannot be.
        """
        text = reading.text
        spans = [reading.chain, *(reading.counters or ())]
        placed: list[tuple[PartPlan, int, int]] = []
        parts = reading.parts if reading.target is None else (*reading.parts, reading.target)
        for part in parts:
            plan, own = self._part(text, part, target=part is reading.target)
            placed.append((plan, len(spans), len(spans) + len(own)))
            spans += own
        texts = tuple([text[start:end] for start, end in spans])
        key = (reading.target is None, reading.counters is None, *(plan for plan, _, _ in placed))
        planned = self._rules.get(key)
        if planned is None:
            planned = self._rules[key] = _rule_plan(placed, reading)
        for part, (plan, low, high) in zip(parts, placed, strict=True):
            if plan.checked:
                self._check(text, part, plan, texts[low:high])
        return planned, texts

    def _part(self, text: str, part: Part, *, target: bool) -> tuple[PartPlan, list[tuple[int, int]]]:
        """Plan one extension of a line, and give the places of its open values."""
        if part.grammar is None:
            return self._undeclared(part, target=target), []
        shape: list[object] = [part.grammar]
        spans: list[tuple[int, int]] = []
        for given in part.given.values():
            shape += given.flag, given.negated, given.form is not None and given.form.family
            if given.form is None:
                continue
            if not given.form.exact:
                self._check_value(text, given)
            if given.flag.codec.keyword:
                shape.append(text[given.start : given.end])
            else:
                spans.append((given.start, given.end))
        key = tuple(shape)
        plan = self._parts.get(key)
        if plan is None:
            plan = self._parts[key] = _part_plan(text, part, part.grammar)
        return plan, spans

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
            self.value(given.flag, text[given.start : given.end])
        except ValueError:
            value_of(text, given)

    def _check(self, text: str, part: Part, plan: PartPlan, texts: tuple[str, ...]) -> None:
        try:
            plan.make(self, texts)
        except ModelError as error:
            raise Unreadable(text, part.start, part.end, str(error)) from None


def _part_plan(text: str, part: Part, grammar: ExtensionGrammar) -> PartPlan:
    """Work out what all lines with these options share."""
    for field, wanted in grammar.required:
        if field not in part.given:
            message = f"{text[part.start : part.end]} needs {wanted}"
            raise Unreadable(text, part.start, part.end, message, expected=wanted)
    fixed: dict[str, object] = {}
    values: list[tuple[str, Flag, bool]] = []
    families: set[int] = set()
    for field, given in part.given.items():
        flag, form = given.flag, given.form
        if form is None:
            one_value = not given.negated if flag.is_flag else _wrap(flag, flag.codec.read(""), negated=given.negated)
            fixed[field] = one_value
        elif flag.codec.keyword:
            fixed[field] = _wrap(flag, value_of(text, given), negated=given.negated)
        else:
            values.append((field, flag, given.negated))
        families.update(() if form is None or form.family is None else (form.family,))
    families.update(grammar.kind.families if len(grammar.kind.families) == 1 else ())
    return PartPlan(grammar.kind, fixed, tuple(values), frozenset(families))


def _rule_plan(placed: list[tuple[PartPlan, int, int]], reading: Reading) -> RulePlan:
    """Work out what all rules of these parts share."""
    return RulePlan(
        matches=tuple(placed if reading.target is None else placed[:-1]),
        target=None if reading.target is None else placed[-1],
        counted=reading.counters is not None,
        families=frozenset[int]().union(*(plan.families for plan, _, _ in placed)),
    )


def _wrap(flag: Flag, value: object, *, negated: bool) -> object:
    """Put a value as its field holds it."""
    return Negatable(value, negated=negated) if flag.negatable else value


def other_family(reading: Reading, family: int) -> Unreadable:
    """Say which word of a line belongs to the other family than the ruleset."""
    other = 10 - family
    for part in (*reading.parts, reading.target):
        if part is None or part.grammar is None:
            continue
        for given in part.given.values():
            if given.form is not None and given.form.family == other:
                message = f"IPv{other} address in an IPv{family} ruleset"
                return Unreadable(reading.text, given.start, given.end, message, hint=_ONE_FAMILY)
        if part.grammar.kind.families == (other,):
            message = f"{part.name} is for IPv{other}, and this is an IPv{family} ruleset"
            return Unreadable(reading.text, part.start, part.end, message, hint=_ONE_FAMILY)
    return Unreadable(reading.text, 0, len(reading.text), f"IPv{other} in an IPv{family} ruleset", hint=_ONE_FAMILY)


_ONE_FAMILY = "iptables-save prints IPv4, ip6tables-save IPv6"
