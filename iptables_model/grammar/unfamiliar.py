"""Words of a rule that are no flag as it is usually written.

Abbreviated long options, `--flag=value` and `-fVALUE` are read as getopt_long(3) does; words of an extension that
nobody declared are kept; all others are errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptables_model.grammar.arguments import value_of
from iptables_model.grammar.elements import NEXT_WORD, Unreadable, did_you_mean, found
from iptables_model.grammar.language import COMMANDS, CORE_WORDS
from iptables_model.values.quoting import unquote

if TYPE_CHECKING:
    from iptables_model.grammar.clauses import Clauses
    from iptables_model.grammar.language import Flag
    from iptables_model.grammar.reading import Part

__all__ = ["read_flag", "read_word"]


def read_word(line: Clauses, raw: str, start: int) -> None:
    """Read a word that is not a plain flag: quoted, with a value attached, a `!`, or one that explains nothing."""
    word = unquote(raw)
    if word == "!":
        _read_negated(line, start)
    elif word.startswith("-") and len(word) > 1 and (raw == word or line.undeclared() is None):
        read_flag(line, raw, start, None)
    else:
        _keep(line, start, line.loc)


def _read_negated(line: Clauses, bang: int) -> None:
    """Read the word behind a `!` that stands alone, where it is no plain flag."""
    word = NEXT_WORD.match(line.text, line.loc)
    if word is None:
        raise Unreadable(line.text, bang, bang + 1, "! stands before nothing")
    if unquote(word[1]).startswith("-"):
        line.loc = word.end()
        read_flag(line, word[1], word.start(1), bang)
    elif line.undeclared() is not None:
        _keep(line, bang, line.loc)
    elif word[1] == "!":
        raise Unreadable(line.text, bang, word.end(), "! stands twice", hint="leave out both")
    else:
        message = f"! stands before {found(unquote(word[1]))}, which is no option"
        raise Unreadable(line.text, word.start(1), word.end(), message)


def read_flag(line: Clauses, raw: str, start: int, bang: int | None) -> None:
    """Read an option by a flag that is not known as it stands; the reader stands behind the word."""
    undeclared = line.undeclared()
    if undeclared is not None and unquote(raw) == raw and not _is_core(line, raw if raw.startswith("--") else raw[:2]):
        _keep_negated(line, undeclared, start, bang)
        return
    name, attached = _split(line, raw, start)
    names = _candidates(line, name)
    if len(names) > 1:
        end = line.loc if attached is None else attached - 1
        message = f"{name} may be {' or '.join(sorted(names))}"
        raise Unreadable(line.text, start, end, message, hint="write the whole option")
    if not names:
        if not _load_protocol(line, start):
            raise _unknown(line, name, start, attached)
        read_flag(line, raw, start, bang)
        return
    _read_named(line, names.pop(), start, bang, attached)


def _read_named(line: Clauses, name: str, start: int, bang: int | None, attached: int | None) -> None:
    """Read the option whose full name is now known."""
    if name in CORE_WORDS:
        line.core_word(name, start, bang, attached)
        return
    core = line.language.core.flags.get(name)
    known: tuple[Part, Flag] | None = line.find(name) if core is None else (line.core, core)
    if known is not None and attached is None:
        line.option(*known, start, bang)
    elif known is not None and attached is not None:
        line.attached(*known, start, bang, attached)


def _split(line: Clauses, raw: str, start: int) -> tuple[str, int | None]:
    """Split `--flag=value` and `-fVALUE`; the second is where the value begins, if one is attached."""
    word = unquote(raw)
    if raw.startswith('"'):
        return word, None
    if raw.startswith("--"):
        name, equals, _ = raw.partition("=")
        return (name, start + len(name) + 1) if equals else (word, None)
    short = raw[:2]
    return (short, start + 2) if len(raw) > 2 and _is_core(line, short) else (word, None)


def _is_core(line: Clauses, name: str) -> bool:
    return name in CORE_WORDS or name in line.language.core.flags


def _candidates(line: Clauses, name: str) -> set[str]:
    """Find the flags that a word may stand for: itself, or those that it abbreviates, one for each option."""
    if _is_core(line, name) or line.find(name) is not None:
        return {name}
    if not name.startswith("--") or len(name) == 2:
        return set()
    by_option: dict[tuple[object, str], str] = {}
    for word, meaning in CORE_WORDS.items():
        if word.startswith(name):
            by_option.setdefault((None, meaning), word)
    for part in (line.core, *reversed(line.loaded)):
        for text, flag in () if part.grammar is None else part.grammar.flags.items():
            if text.startswith(name):
                by_option.setdefault((part.grammar, text if flag.codec.leads else flag.field), text)
    return set(by_option.values())


def _load_protocol(line: Clauses, start: int) -> bool:
    """Load the match of the rule's protocol, as load_proto (iptables/xshared.c) does when an option is not known."""
    given = line.core.given.get("protocol")
    if given is None or given.negated:
        return False
    name = str(value_of(line.text, given))
    grammar = line.language.matches.get(name)
    if grammar is None or any(part.grammar is grammar for part in line.loaded):
        return False
    line.load_match(name, start, implied=True)
    return True


def _keep(line: Clauses, start: int, end: int) -> None:
    """Keep a word with the extension that nobody declared; behind any other one it is an error."""
    part = line.undeclared()
    if part is None or not part.words:
        message = f"unexpected word {found(unquote(line.text[start:end]))}"
        raise Unreadable(line.text, start, end, message, expected="an option", hint=_hint(line, start))
    part.keep(line.text, start, end)


def _keep_negated(line: Clauses, part: Part, start: int, bang: int | None) -> None:
    if bang is not None:
        part.keep(line.text, bang, bang + 1)
    part.keep(line.text, start, line.loc)


def _hint(line: Clauses, start: int) -> str:
    word = line.text[start:]
    if word == "\\":
        return "a rule stands on one line; iptables-restore joins none"
    if word.startswith(("#", "//", "(")):
        return "a comment stands on a line of its own, behind #"
    return ""


def _unknown(line: Clauses, name: str, start: int, attached: int | None) -> Unreadable:
    """Say that no extension of the line has such an option, and what may have been meant."""
    end = line.loc if attached is None else attached - 1
    if name in COMMANDS:
        return Unreadable(line.text, start, end, f"{name} cannot stand in a rule", hint=COMMANDS[name])
    last = line.loaded[-1].name if line.loaded else ""
    message = f"{last} has no option {found(name)}" if last else f"unknown option {found(name)}"
    return Unreadable(line.text, start, end, message, expected="an option", hint=_suggestion(line, name))


def _suggestion(line: Clauses, name: str) -> str:
    language = line.language
    owners = list(dict.fromkeys(part.kind.extension for part in language.matches.values() if name in part.flags))
    if owners:
        return f"{name} belongs to -m {' or -m '.join(owners[:4])}, which stands before it"
    known = {*language.core.flags, *CORE_WORDS}
    for part in line.loaded:
        known.update(() if part.grammar is None else part.grammar.flags)
    return did_you_mean(name, tuple(sorted(known))) if len(name) > 2 else ""
