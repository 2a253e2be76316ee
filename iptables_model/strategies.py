"""Hypothesis strategies for matches, targets and rules, derived from their declarations.

They need the package hypothesis, which the library itself does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from hypothesis import assume
from hypothesis import strategies as st

from iptables_model.errors import ModelError
from iptables_model.model.matches import MATCHES, Ip, Match
from iptables_model.model.option import Extension, Option
from iptables_model.model.rule import Rule
from iptables_model.model.targets import TARGETS, Target
from iptables_model.values.addresses import IPV6
from iptables_model.values.bpf import BYTECODE, BpfInstruction
from iptables_model.values.codec import Codec
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import NumberRange, Protocol
from iptables_model.values.u32 import U32, U32Op, U32Step, U32Test

__all__ = ["extensions", "matches", "rules", "targets", "values"]

T = TypeVar("T")
X = TypeVar("X", bound=Extension)

_ATTEMPTS = 40
"""How often options are drawn anew that do not go together."""

_UNREADABLE = object()

_H = "[0-9a-f]{1,4}"
_IPV6 = rf"(?:(?:{_H}:){{7}}{_H}|(?:{_H}:){{1,3}}(?::{_H}){{1,3}}|(?:{_H}:){{1,4}}:|::(?:{_H})?)"
"""Addresses of IPv6, as most are written; the codecs' own expression lets pass what is none."""


def values(codec: Codec[T], *, family: int = 4, alphabet: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[T]:
    """Draw values of a codec: texts of its forms, read; `alphabet` are the characters of free text.

    >>> from iptables_model.values.codec import unsigned
    >>> values(unsigned(8)).filter(lambda number: number > 5).example() > 5  # doctest: +SKIP
    True
    """
    if codec in _OWN:
        return _OWN[codec]
    regexes = [form.regex.replace(IPV6, _IPV6) for form in codec.forms if form.family in (None, family)]
    texts = st.one_of([st.from_regex(rf"(?:{regex})\Z", fullmatch=True, alphabet=alphabet) for regex in regexes])
    found: st.SearchStrategy[T] = texts.map(_reader(codec)).filter(lambda value: value is not _UNREADABLE)
    return found


def _reader(codec: Codec[Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return codec.read(text)
        except ValueError:
            return _UNREADABLE

    return read


_WORDS = st.integers(0, 0xFFFFFFFF)


def _programs() -> st.SearchStrategy[tuple[BpfInstruction, ...]]:
    """Draw programs of loads and a last return; their text says first how long they are."""
    load = st.builds(BpfInstruction, st.just(0x30), st.just(0), st.just(0), st.integers(0, 0x7FFFFFFF))
    last = st.builds(BpfInstruction, st.just(0x06), st.just(0), st.just(0), _WORDS)
    return st.tuples(st.lists(load, max_size=5), last).map(lambda parts: (*parts[0], parts[1]))


def _u32_tests() -> st.SearchStrategy[tuple[U32Test, ...]]:
    """Draw tests whose shifts are less than a word."""
    masks = st.builds(U32Step, st.sampled_from((U32Op.AND, U32Op.AT)), _WORDS)
    shifts = st.builds(U32Step, st.sampled_from((U32Op.LEFT, U32Op.RIGHT)), st.integers(0, 31))
    steps = st.lists(masks | shifts, max_size=9).map(tuple)
    numbers = st.lists(st.builds(NumberRange, _WORDS, _WORDS), min_size=1, max_size=10).map(tuple)
    return st.lists(st.builds(U32Test, _WORDS, steps, numbers), min_size=1, max_size=10).map(tuple)


_OWN: dict[Codec[Any], st.SearchStrategy[Any]] = {BYTECODE: _programs(), U32: _u32_tests()}
"""Strategies for codecs whose texts are hardly ever hit by chance."""


@st.composite
def extensions(
    draw: st.DrawFn,
    kind: type[X],
    *,
    family: int = 4,
    alphabet: st.SearchStrategy[str] | None = None,
    known: Mapping[str, st.SearchStrategy[Any] | None] | None = None,
) -> X:
    """Draw matches or targets of one class, with any of their options that go together.

    `known` gives strategies for the plain values of some fields, by name, and None for those that are to be left out.
    """
    own = dict(known or {})
    of_family = [option for option in kind.options if option.family in {None, family}]
    options = [option for option in of_family if own.get(option.name, st) is not None]
    drawn = {option.name: _held(option, family, alphabet, own.get(option.name)) for option in options}
    optional = [option.name for option in options if not option.required]
    for _ in range(_ATTEMPTS):
        chosen = draw(st.sets(st.sampled_from(optional), max_size=6)) if optional else set()
        fields = {name: draw(held) for name, held in drawn.items() if name in chosen or name not in optional}
        try:
            return kind(**fields)
        except ModelError:
            continue
    assume(False)
    raise AssertionError


def _held(
    option: Option, family: int, alphabet: st.SearchStrategy[str] | None, known: st.SearchStrategy[Any] | None
) -> st.SearchStrategy[Any]:
    if option.is_flag:
        return st.booleans() if option.negatable else st.just(True)
    element = option.codec.element
    if element is not None:
        return st.lists(extensions(element, family=family, alphabet=alphabet), max_size=4).map(tuple)
    plain = values(option.codec, family=family, alphabet=alphabet) if known is None else known
    if not option.negatable:
        return plain
    return st.builds(lambda value, negated: Negatable(value, negated=negated), plain, st.booleans())


def matches(*, family: int = 4, table: str = "filter") -> st.SearchStrategy[Match]:
    """Draw a match of any class that the family has, and the table takes."""
    kinds = [kind for kind in MATCHES if _fits(kind, family, table) and kind is not Ip]
    return st.sampled_from(kinds).flatmap(lambda kind: extensions(kind, family=family))


def targets(*, family: int = 4, table: str = "filter") -> st.SearchStrategy[Target]:
    """Draw a target of any class that the family has, and the table takes."""
    kinds = [kind for kind in TARGETS if _fits(kind, family, table)]
    return st.sampled_from(kinds).flatmap(lambda kind: extensions(kind, family=family))


def _fits(kind: type[Extension], family: int, table: str) -> bool:
    return family in kind.families and (not kind.tables or table in kind.tables)


@st.composite
def rules(draw: st.DrawFn, *, family: int = 4, table: str = "filter", chain: str = "TEST") -> Rule:
    """Draw a rule of up to three matches and a target, with a protocol that they can all work with."""
    chosen = draw(st.lists(matches(family=family, table=table), max_size=3))
    target = draw(st.none() | targets(family=family, table=table))
    needed = [set(one.needed_protocols()) for one in (*chosen, target) if one is not None and one.needed_protocols()]
    protocols = sorted(set.intersection(*needed)) if needed else [None]
    assume(protocols)
    ip = draw(_addresses(family, draw(st.sampled_from(protocols))))
    return Rule(table=table, chain=chain, matches=(ip, *chosen), target=target)


def _addresses(family: int, protocol: int | None) -> st.SearchStrategy[Ip]:
    """Draw the options that need no extension, with a protocol."""
    fixed: dict[str, Any] = {} if protocol is None else {"protocol": Negatable(Protocol(protocol))}
    return extensions(Ip, family=family).map(
        lambda ip: Ip(**{option.name: getattr(ip, option.name) for option in ip.options} | fixed)
    )
