"""Bytes to look for in a packet: as text, or in hexadecimal."""

from __future__ import annotations

import re

from iptables_model.values.codec import Codec, Form

__all__ = ["HEX_PATTERN", "PATTERN", "unprintable"]

_MOST = 128
"""XT_STRING_MAX_PATTERN_SIZE."""


def unprintable(pattern: bytes) -> bool:
    r"""Say whether iptables prints the bytes in hexadecimal: for what is not printable ASCII, or a last backslash.

    >>> unprintable(b"GET /"), unprintable(b"\0")
    (False, True)
    """
    return not all(0x20 <= byte < 0x7F for byte in pattern) or pattern.endswith(b"\\")


def _sized(pattern: bytes) -> bytes:
    if not 1 <= len(pattern) <= _MOST:
        raise ValueError(f"needs 1 to {_MOST} bytes, found {len(pattern)}")
    return pattern


def _pattern(text: str) -> bytes:
    return _sized(text.encode("utf-8", "surrogateescape"))


_PIECE = re.compile(r"\|\s*([0-9A-Fa-f\s]*)\||\\(.)|([^|\\])", re.DOTALL)


def _hex_pattern(text: str) -> bytes:
    """Read `GET |0d 0a|`: hexadecimal between bars, a backslash before what stands for itself."""
    pattern = b""
    for piece in _PIECE.finditer(text):
        if piece[1] is not None:
            pattern += bytes.fromhex(piece[1])
        else:
            pattern += (piece[2] or piece[3]).encode("utf-8", "surrogateescape")
    return _sized(pattern)


PATTERN: Codec[bytes] = Codec(
    name="pattern",
    expected="a text of 1 to 128 bytes",
    forms=(Form(regex=r"[^\0]{1,32}"), Form(regex=r"[^\0]*", exact=False)),
    read=_pattern,
    write=lambda pattern: pattern.decode("utf-8", "surrogateescape"),
    string=True,
    quoted=True,
)
"""Bytes as text, always in quotes (extensions/libxt_string.c, print_string)."""

HEX_PATTERN: Codec[bytes] = Codec(
    name="hexadecimal pattern",
    expected="bytes in hexadecimal between bars: |0d 0a|",
    forms=(
        Form(regex=r"\|(?:[0-9a-f]{2}){1,128}\|"),
        Form(regex=r"(?:[^|\\\0]|\\[^\0]|\|(?:\s*[0-9A-Fa-f]{2})*\s*\|)+", exact=False),
    ),
    read=_hex_pattern,
    write=lambda pattern: f"|{pattern.hex()}|",
    string=True,
    quoted=True,
)
"""Bytes in hexadecimal (print_hex_string)."""
