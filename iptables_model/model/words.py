"""The words of options: how those that a value carries are printed, and how a run of them is read back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from iptables_model.errors import ModelError
from iptables_model.model.option import options_of
from iptables_model.values.codec import Codec, Form
from iptables_model.values.negatable import Negatable
from iptables_model.values.quoting import quote

if TYPE_CHECKING:
    from iptables_model.model.option import Extension, Option

__all__ = ["options_text", "repeated"]

E = TypeVar("E", bound="Extension")


def options_text(value: Extension) -> list[str]:
    """Print the options that a match or target carries, one string each."""
    return [_option_text(option, held, negated=negated) for option, held, negated in options_of(value)]


def _option_text(option: Option, held: object, *, negated: bool) -> str:
    spelling = option.spelling_of(held)
    codec = spelling.codec or option.codec
    text = codec.write(held) if codec.words else ""
    if codec.string:
        text = quote(text, always=codec.quoted)
    if not spelling.flag:
        return text
    lead = f"! {spelling.flag}" if negated else spelling.flag
    bare = codec.words == 0 or (codec.optional and not text)
    return lead if bare else f"{lead}{' ' * option.blanks}{text}"


def repeated(kind: type[E], separator: str, *, most: int) -> Codec[tuple[E, ...]]:
    """Describe options that are given several times over, with a word between, as `-m policy` has them.

    Each run of options is one value of the declared class `kind`. The text begins with one of the codec's `leads`, and
    the option that has this codec has an empty flag.
    """
    flags = {spelling.flag: (option, spelling.codec) for option in kind.options for spelling in option.spellings()}
    clause = "|".join([separator, *(_clause(flag, codec) for flag, (_, codec) in flags.items())])

    def read(text: str) -> tuple[E, ...]:
        elements = []
        words = iter(text.split(" "))
        more = True
        while more:
            fields, more = _run(words, flags, separator)
            elements.append(_made(kind, fields))
        if len(elements) > most:
            raise ValueError(f"needs at most {most} elements, found {len(elements)}")
        return tuple(elements)

    return Codec(
        name=f"elements of {kind.extension}",
        expected=f"the options of up to {most} elements, with {separator} between them",
        forms=(Form(regex=f"(?:{clause})(?: (?:{clause}))*", exact=False),),
        read=read,
        write=lambda elements: f" {separator} ".join(" ".join(options_text(element)) for element in elements),
        leads=(separator, *flags),
        element=kind,
    )


def _made(kind: type[E], fields: dict[str, Any]) -> E:
    try:
        return kind(**fields)
    except ModelError as error:
        raise ValueError(f"begins options that do not go together: {error}") from None


def _clause(flag: str, codec: Codec[Any] | None) -> str:
    forms = "|".join(form.regex for form in codec.forms) if codec is not None else ""
    return f"(?:! )?{flag} (?:{forms})"


def _run(
    words: Iterator[str], flags: dict[str, tuple[Option, Codec[Any] | None]], separator: str
) -> tuple[dict[str, Any], bool]:
    """Read options up to the separator; say whether it was there."""
    fields: dict[str, Any] = {}
    negated = False
    for word in words:
        if word == separator:
            return fields, True
        if word == "!":
            negated = True
            continue
        option, codec = flags[word]
        if option.name in fields:
            raise ValueError(f"needs {word} once in each element")
        value = (codec or option.codec).parse(next(words))
        fields[option.name] = Negatable(value, negated=negated) if option.negatable else value
        negated = False
    return fields, False
