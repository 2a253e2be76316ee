"""Quotes, exactly as iptables writes and reads them.

Written by xtables_save_string (libxtables/xtables.c), read by add_param_to_argv (iptables/xshared.c).
"""

from __future__ import annotations

import re

__all__ = ["WORD", "quote", "unquote"]

_QUOTED = r'"[^"\\]*(?:\\.[^"\\]*)*"'
WORD = rf'(?:{_QUOTED}|[^ \t\n"]+(?:{_QUOTED})?)'
"""One word of a rule (with re.DOTALL): a quoted string, or what stands up to the next blank or closing quote."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_SPECIAL = re.compile(r"[\"'\\]")
_QUOTE_ONLY = re.compile(r'["\\]')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def quote(text: str, *, always: bool = False) -> str:
    r"""Write a string as iptables-save does: bare if it has only letters, digits, `_` and `-`, else in quotes.

    With `always` it is in quotes whatever it has, and single quotes stand as they are, as some extensions print it
    (print_string of extensions/libxt_string.c).

    >>> print(quote("web"), quote("it's 50%"), quote(""))
    web "it\'s 50%" ""
    """
    if _PLAIN.fullmatch(text) and not always:
        return text
    return '"' + (_QUOTE_ONLY if always else _SPECIAL).sub(r"\\\g<0>", text) + '"'


def unquote(word: str) -> str:
    r"""Read one word as iptables-restore does: inside quotes a backslash makes the next character literal.

    >>> print(unquote('"it\\\'s \\"so\\""'))
    it's "so"
    """
    if '"' not in word:
        return word
    before, _, quoted = word.partition('"')
    return before + (_ESCAPED.sub(r"\1", quoted[:-1]) if "\\" in quoted else quoted[:-1])
