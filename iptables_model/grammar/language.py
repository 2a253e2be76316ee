"""The words of the language, derived from the declarations: which flags there are, and what each takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import TYPE_CHECKING, Any

import attrs

from iptables_model.grammar.arguments import Argument
from iptables_model.model.matches import MATCHES
from iptables_model.model.matches.ip import Ip
from iptables_model.model.targets import TARGETS, Goto, Jump
from iptables_model.values.names import CHAIN

if TYPE_CHECKING:
    from iptables_model.model.option import Extension, Option
    from iptables_model.values.codec import Codec

__all__ = ["CORE_WORDS", "ExtensionGrammar", "Extensions", "Flag", "Language", "build"]

CORE_WORDS: dict[str, str] = {
    "-A": "append", "--append": "append", "-I": "insert", "--insert": "insert", "-m": "match", "--match": "match",
    "-j": "jump", "--jump": "jump", "-g": "goto", "--goto": "goto", "-c": "counters", "--set-counters": "counters",
}  # fmt: skip
"""The words of a rule that iptables itself knows, but for those of `Ip`, and what each does (iptables/xshared.c)."""

COMMANDS: dict[str, str] = {
    word: hint
    for words, hint in (
        ("-D --delete -C --check -R --replace", "only -A and -I stand in a saved ruleset"),
        ("-F --flush -X --delete-chain -Z --zero -E --rename-chain", "a ruleset is read as it stands, not as commands"),
        ("-L --list -S --list-rules", "paste what the command printed, not the command"),
        ("-P --policy -N --new-chain", "it stands on a line of its own"),
        ("-t --table", "the table stands on a line of its own, for example *nat"),
        ("-4 --ipv4 -6 --ipv6", "a ruleset is of one family; leave it out"),
    )
    for word in words.split()
}
"""Words of the iptables command that no rule holds, and what to do about each."""


@attrs.frozen(eq=False)
class Flag:
    """Describe one way to write one option: the field it fills, its flag, and the argument that follows, if any.

    `is_flag` says that the field only tells whether the option is there; `family` is the only one that has it, if one.
    """

    field: str
    text: str
    codec: Codec[Any] = attrs.field(repr=False)
    negatable: bool = False
    is_flag: bool = False
    argument: Argument | None = None
    family: int | None = None


@attrs.frozen(eq=False)
class ExtensionGrammar:
    """Describe what an extension adds to the words of a rule; `flags` finds an option by any of its flags.

    `required` are the fields that must be filled, each with the flag that does it; `conditional` says that
    the class has conditions of its own, so that no reading is sure before one is made.
    """

    kind: type[Extension]
    flags: dict[str, Flag]
    required: tuple[tuple[str, str], ...] = ()
    conditional: bool = False


class Extensions(Mapping[str, ExtensionGrammar]):
    """Find what an extension adds by its name; it is derived when first asked for, as few stand in one text."""

    def __init__(self, kinds: Iterable[type[Extension]]) -> None:
        self._kinds = {name: kind for kind in kinds for name in (kind.extension, *kind.aliases)}
        self._derived: dict[type[Extension], ExtensionGrammar] = {}

    @property
    def derived(self) -> frozenset[type[Extension]]:
        """Tell of which extensions the grammar has been derived."""
        return frozenset(self._derived)

    def without(self, names: Set[str]) -> Extensions:
        """Find all but those of some names."""
        others = Extensions(())
        others._kinds = {name: kind for name, kind in self._kinds.items() if name not in names}
        others._derived = self._derived
        return others

    def __getitem__(self, name: str) -> ExtensionGrammar:
        kind = self._kinds[name]
        # If two threads derive it at a time, both get the one that was there first: grammars are told by identity.
        return self._derived.get(kind) or self._derived.setdefault(kind, _extension(kind))

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


@attrs.frozen(eq=False)
class Language:
    """Hold all words: the options that need no extension, the matches and targets by name, and the ways to a chain.

    `ways` are `-j` and `-g` with the name of a chain; `chains` is the argument of a command.
    """

    core: ExtensionGrammar
    matches: Extensions
    targets: Extensions
    ways: dict[str, ExtensionGrammar]
    chains: dict[str, Argument]


def build() -> Language:
    """Derive the words of the language from the declared matches and targets."""
    return Language(
        core=_extension(Ip),
        matches=Extensions(kind for kind in MATCHES if kind is not Ip),
        targets=Extensions(TARGETS),
        ways={kind.extension: _way(kind) for kind in (Jump, Goto)},
        chains={word: Argument(word, CHAIN, negatable=False) for word in CORE_WORDS},
    )


def _extension(kind: type[Extension]) -> ExtensionGrammar:
    return ExtensionGrammar(
        kind=kind,
        flags={flag.text: flag for option in kind.options for flag in _flags(option)},
        required=tuple((option.name, option.flag) for option in kind.options if option.required),
        conditional=hasattr(kind, "__attrs_post_init__"),
    )


def _flags(option: Option) -> list[Flag]:
    return [
        _flag(option, text, codec)
        for spelling in option.spellings()
        for codec in (spelling.codec or option.codec,)
        for text in codec.leads or (spelling.flag,)
    ]


def _flag(option: Option, text: str, codec: Codec[Any]) -> Flag:
    argument = Argument(text, codec, negatable=option.negatable) if codec.words else None
    return Flag(option.name, text, codec, option.negatable, option.is_flag, argument, option.family)


def _way(kind: type[Jump | Goto]) -> ExtensionGrammar:
    """Describe `-j CHAIN` or `-g CHAIN`, whose one value follows the flag of the target itself.

    The only condition of the class is on the name, which is read by the same codec.
    """
    flag = kind.extension
    return ExtensionGrammar(kind, {flag: Flag("chain", flag, CHAIN, argument=Argument(flag, CHAIN, negatable=False))})
