"""The language in which extensions are declared: one `option(...)` or `flag(...)` per option of iptables.

An extension is one class, and a class is one extension. Grammar, canonical text, JSON, the reference table of the docs,
the hypothesis strategies and the completeness tests are derived from what is said here, so nothing is said twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, TypeVar, dataclass_transform, overload

import attrs

from iptables_model.errors import ModelError
from iptables_model.values.codec import Codec, Form
from iptables_model.values.negatable import Negatable

__all__ = [
    "Extension",
    "Match",
    "Option",
    "Spelling",
    "Target",
    "extension",
    "flag",
    "forget",
    "option",
    "options_of",
    "require",
    "settle",
    "single_of",
]

T = TypeVar("T")
C = TypeVar("C", bound="type[Extension]")

_KEY = "iptables_model.option"


@attrs.frozen
class Spelling:
    """Describe another way to write an option: its flag, and how the value is read there.

    Without a codec the value is written as under the option's own flag. A codec of no words stands for one value:
    `--syn` is `--tcp-flags FIN,SYN,RST,ACK SYN`. Where `when` is given, iptables prints the values for which it holds
    in this way, and not under the option's own flag.
    """

    flag: str
    codec: Codec[Any] | None = None
    when: Callable[[Any], bool] | None = None


@attrs.frozen(kw_only=True)
class Option:
    """Describe one option of an extension: its flag as iptables prints it, its values, and what else is read for it."""

    name: str
    flag: str
    codec: Codec[Any]
    negatable: bool
    required: bool
    default: object
    also: tuple[Spelling, ...]
    always: bool
    blanks: int
    family: int | None = None

    @property
    def is_flag(self) -> bool:
        """Say whether the option takes no value."""
        return self.codec.words == 0

    def spellings(self) -> tuple[Spelling, ...]:
        """List all the ways to write the option, its own flag first, each with its codec."""
        own = Spelling(self.flag, self.codec)
        return own, *(Spelling(other.flag, other.codec or self.codec, other.when) for other in self.also)

    def spelling_of(self, value: object) -> Spelling:
        """Choose the way in which iptables prints a value."""
        for other in self.also:
            if other.when is not None and other.when(value):
                return Spelling(other.flag, other.codec or self.codec)
        return Spelling(self.flag, self.codec)


_FLAG: Codec[bool] = Codec(
    name="flag", expected="nothing", forms=(Form(regex=""),), read=lambda _: True, write=lambda _: "", words=0
)


@overload
def option(spelling: str, codec: Codec[T], /, *, also: tuple[Spelling, ...] = ..., blanks: int = ...) -> T: ...
@overload
def option(
    spelling: str, codec: Codec[T], /, *, default: T, also: tuple[Spelling, ...] = ..., always: bool = ...
) -> T: ...
@overload
def option(
    spelling: str, codec: Codec[T], /, *, default: None, also: tuple[Spelling, ...] = ..., always: bool = ...
) -> T | None: ...
@overload
def option(
    spelling: str, codec: Codec[T], /, *, negatable: Literal[True], also: tuple[Spelling, ...] = ...
) -> Negatable[T]: ...
@overload
def option(
    spelling: str, codec: Codec[T], /, *, negatable: Literal[True], default: Negatable[T], always: Literal[True]
) -> Negatable[T]: ...
@overload
def option(
    spelling: str,
    codec: Codec[T],
    /,
    *,
    negatable: Literal[True],
    default: None,
    also: tuple[Spelling, ...] = ...,
    family: int | None = ...,
) -> Negatable[T] | None: ...
def option(
    spelling: str,
    codec: Codec[Any],
    /,
    *,
    negatable: bool = False,
    default: Any = attrs.NOTHING,
    also: tuple[Spelling, ...] = (),
    always: bool = False,
    blanks: int = 1,
    family: int | None = None,
) -> Any:
    """Declare an option that takes a value.

    `spelling` is the flag as iptables prints it and `also` what else is read for it. With `negatable` the value is a
    `Negatable`. Without `default` the option is required; a default is the kernel's own and is not printed, unless
    `always` says that iptables prints it all the same. `blanks` is how many iptables prints before the value.
    `family` is the only one that has the option, where the extension has both.
    """
    metadata = {_KEY: (spelling, codec, negatable, also, always, blanks, family)}
    return attrs.field(default=default, metadata=metadata)


@overload
def flag(
    spelling: str, /, *, default: Literal[False], also: tuple[Spelling, ...] = ..., family: int | None = ...
) -> bool: ...
@overload
def flag(
    spelling: str, /, *, default: Literal[True], negatable: Literal[True], also: tuple[Spelling, ...] = ...
) -> bool: ...
@overload
def flag(
    spelling: str,
    /,
    *,
    default: None,
    negatable: Literal[True],
    also: tuple[Spelling, ...] = ...,
    family: int | None = ...,
) -> bool | None: ...
def flag(
    spelling: str,
    /,
    *,
    default: bool | None,
    negatable: bool = False,
    also: tuple[Spelling, ...] = (),
    family: int | None = None,
) -> Any:
    """Declare an option without a value.

    The field is False when the option is absent and True when it is there. With `negatable` it is None when absent,
    True when there, and False when it stands behind `!`. The default is not printed.
    `family` is the only one that has the option, where the extension has both.
    """
    metadata = {_KEY: (spelling, _FLAG, negatable, also, False, 1, family)}
    return attrs.field(default=default, metadata=metadata)


class Extension:
    """Root of matches and targets; what is declared of each is its fields."""

    __slots__ = ()

    extension: ClassVar[str]
    """The name behind `-m` or `-j`."""
    families: ClassVar[tuple[int, ...]] = (4, 6)
    """The families in which iptables offers the extension."""
    since: ClassVar[str | None] = None
    """The release of Linux that first had the extension, in whichever family; None where it is not known for sure."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other names that iptables reads behind `-m` or `-j`, and prints as `extension`."""
    tables: ClassVar[tuple[str, ...]] = ()
    """The only tables in which the kernel takes the extension; empty where any will do."""
    protocols: ClassVar[tuple[int, ...]] = ()
    """The protocols of which the rule's `-p` must name one; empty where none is needed."""
    refuses: ClassVar[tuple[str, ...] | None] = None
    """The fields of which the class refuses values that their codecs read, keywords apart; None if it may be any."""
    misprinted: ClassVar[bool] = False
    """Whether some iptables-save prints options that nobody can read, for a revision of the extension unknown to it."""
    options: ClassVar[tuple[Option, ...]] = ()
    """The options, in the order in which iptables prints them; derived from the fields."""

    def needed_protocols(self) -> tuple[int, ...]:
        """List the protocols of which the rule's `-p` must name one, for these options; none if any will do."""
        return self.protocols


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option, flag))
def extension(declared: C) -> C:
    """Make an extension's class a frozen value and derive its `options` from its fields."""
    # A class with slots is a new class, so what is derived can only be set afterwards.
    made: Any = attrs.frozen(kw_only=True)(declared)
    made.options = tuple(_option_of(field) for field in attrs.fields(made) if _KEY in field.metadata)
    return made  # type: ignore[no-any-return]


def _option_of(field: attrs.Attribute[Any]) -> Option:
    spelling, codec, negatable, also, always, blanks, family = field.metadata[_KEY]
    return Option(
        name=field.name,
        flag=spelling,
        codec=codec,
        negatable=negatable,
        required=field.default is attrs.NOTHING,
        default=None if field.default is attrs.NOTHING else field.default,
        also=also,
        always=always,
        blanks=blanks,
        family=family,
    )


class Match(Extension):
    """Root of what stands behind `-m`, and of the options that every rule has."""

    __slots__ = ()


class Target(Extension):
    """Root of what stands behind `-j` and `-g`."""

    __slots__ = ()


def options_of(value: Extension) -> tuple[tuple[Option, object, bool], ...]:
    """List the options that a match or target carries: the option, its plain value, and whether it is negated.

    Options at their default are left out, unless iptables prints them all the same.
    """
    found: list[tuple[Option, object, bool]] = []
    for declared in value.options:
        held = getattr(value, declared.name)
        # Most are not given, and that is soon seen.
        if held is None or (held == declared.default and not declared.always):
            continue
        if isinstance(held, Negatable):
            found.append((declared, held.value, held.negated))
        else:
            found.append((declared, held, declared.is_flag and not held))
    return tuple(found)


def single_of(kind: type[Extension], name: str, value: object) -> int | None:
    """Give the only number that a value of an option stands for, or None if it has more, or is not there."""
    codec = next(declared.codec for declared in kind.options if declared.name == name)
    return None if value is None or codec.single is None else codec.single(codec.write(value))


def require(condition: bool, message: str) -> None:
    """Raise `ModelError` with the message unless the condition holds."""
    if not condition:
        raise ModelError(message)


def forget(value: Extension, said: object, *names: str) -> None:
    """Leave out, while a value is being made, options that say nothing, as iptables does: those that hold `said`."""
    for name in names:
        if getattr(value, name) == said:
            settle(value, name, None)


def settle(value: Extension, name: str, held: object) -> None:
    """Give a field, while its value is being made, what the kernel keeps for it."""
    object.__setattr__(value, name, held)
