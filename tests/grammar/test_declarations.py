"""What the grammar counts on in the declarations, and that it knows every word of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptables_model.grammar.language import CORE_WORDS, ExtensionGrammar, build
from iptables_model.model.matches import MATCHES
from iptables_model.model.option import Extension
from iptables_model.model.targets import TARGETS
from iptables_model.values.codec import Codec, Form

FLAGS = {
    f"{kind.__name__} {spelling.flag}": spelling.codec or option.codec
    for kind in (*MATCHES, *TARGETS)
    for option in kind.options
    for spelling in option.spellings()
}
CODECS = {name: codec for codec, name in {codec: name for name, codec in reversed(FLAGS.items())}.items()}
"""Each codec once, with the first flag that has it."""


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_forms_have_no_groups_of_their_own(codec: Codec[object]) -> None:
    # The group that matched tells the form.
    assert [form.regex for form in codec.forms if re.compile(form.regex).groups] == []


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_forms_stop_at_blanks(codec: Codec[object]) -> None:
    """Values that are no strings are matched where they stand, so their forms must match whole words only."""
    if codec.string:
        return
    for form in codec.forms:
        matches = re.compile(form.regex).fullmatch
        for text in ("a b", "1 2 3", "a\tb", "a\n", " ", "a ", " a", "1.2.3.4 -s", "1,2 3 ", "1 -j"):
            assert matches(text) is None or text.count(" ") < codec.words, (form.regex, text)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_what_an_exact_form_matches_is_readable(codec: Codec[object]) -> None:
    for form in codec.forms:
        if form.exact:
            check_readable(codec, form)


def check_readable(codec: Codec[object], form: Form) -> None:
    @settings(max_examples=25, deadline=None, database=None, derandomize=True)
    @given(st.from_regex(form.regex, fullmatch=True))
    def check(text: str) -> None:
        codec.read(text)

    check()


@pytest.mark.parametrize("kind", [*MATCHES, *TARGETS])
def test_every_flag_is_known(kind: type[Extension]) -> None:
    language = build()
    grammar: ExtensionGrammar
    if not kind.extension:
        grammar = language.core
    else:
        table = language.matches if kind in MATCHES else language.targets
        grammar = table[kind.extension]
        assert all(table[alias] is grammar for alias in kind.aliases)
    spellings = [spelling for option in kind.options for spelling in option.spellings()]
    flags = {text for one in spellings for text in (one.codec.leads if one.codec else ()) or (one.flag,)}
    assert set(grammar.flags) == flags
    assert not flags & set(CORE_WORDS)
    assert grammar is language.core or not flags & set(language.core.flags)


def test_names_are_unique() -> None:
    for kinds in (MATCHES, TARGETS):
        names = [name for kind in kinds for name in (kind.extension, *kind.aliases)]
        assert len(set(names)) == len(names)
