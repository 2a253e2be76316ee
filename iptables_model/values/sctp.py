"""SCTP chunk types and their flags."""

from __future__ import annotations

import enum

import attrs

from iptables_model.values.codec import Codec, Form

__all__ = ["CHUNK_NUMBERS", "CHUNK_TYPES", "Chunk", "ChunkMatch", "ChunkTypes"]


class ChunkMatch(enum.StrEnum):
    """Whether all of the chunk types must be there, any of them, or no others."""

    ALL = "all"
    ANY = "any"
    ONLY = "only"


# By number, which is the order of print (extensions/libxt_sctp.c).
CHUNK_NUMBERS = {
    "DATA": 0, "INIT": 1, "INIT_ACK": 2, "SACK": 3, "HEARTBEAT": 4, "HEARTBEAT_ACK": 5, "ABORT": 6, "SHUTDOWN": 7,
    "SHUTDOWN_ACK": 8, "ERROR": 9, "COOKIE_ECHO": 10, "COOKIE_ACK": 11, "ECN_ECNE": 12, "ECN_CWR": 13,
    "SHUTDOWN_COMPLETE": 14, "I_DATA": 64, "ASCONF_ACK": 128, "RE_CONFIG": 130, "PAD": 132, "FORWARD_TSN": 192,
    "ASCONF": 193, "I_FORWARD_TSN": 194,
}  # fmt: skip
"""The numbers of the chunk types that have names."""

_FLAGS = {"DATA": "IUBE", "ABORT": "T", "SHUTDOWN_COMPLETE": "T"}


@attrs.frozen
class Chunk:
    """Name a chunk type, the flags that must be set and those that must not (written in small letters).

    >>> str(Chunk("DATA", "IE", "B"))
    'DATA:IbE'
    """

    type: str
    flags_set: str = ""
    flags_clear: str = ""

    def __str__(self) -> str:
        letters = (
            letter if letter in self.flags_set else letter.lower()
            for letter in _FLAGS.get(self.type, "")
            if letter in self.flags_set + self.flags_clear
        )
        flags = "".join(letters)
        return f"{self.type}:{flags}" if flags else self.type


@attrs.frozen
class ChunkTypes:
    """Hold chunk types and how they are to be found; `every` stands for all types there are.

    >>> str(ChunkTypes(ChunkMatch.ANY, (Chunk("INIT"), Chunk("ABORT", "T"))))
    'any INIT,ABORT:T'
    """

    match: ChunkMatch
    chunks: tuple[Chunk, ...] = ()
    every: bool = attrs.field(default=False, kw_only=True)

    def __str__(self) -> str:
        return f"{self.match} {'ALL' if self.every else ','.join(map(str, self.chunks)) or 'NONE'}"


def _chunk(text: str) -> Chunk:
    name, _, flags = text.partition(":")
    kind = name.upper()
    if kind not in CHUNK_NUMBERS:
        raise ValueError(f'needs the names of SCTP chunk types, found "{name}"')
    if not set(flags.upper()) <= set(_FLAGS.get(kind, "")):
        raise ValueError(f'needs flags that {kind} has, found "{flags}"')
    must = "".join(letter for letter in _FLAGS.get(kind, "") if letter in flags)
    must_not = "".join(letter for letter in _FLAGS.get(kind, "") if letter.lower() in flags and letter not in must)
    return Chunk(kind, must, must_not)


def _chunk_types(text: str) -> ChunkTypes:
    how, names = text.split(" ")
    match = ChunkMatch(how.lower())
    if names.upper() in ("ALL", "NONE"):
        return ChunkTypes(match, every=names.upper() == "ALL")
    chunks = {chunk.type: chunk for chunk in map(_chunk, names.split(","))}
    return ChunkTypes(match, tuple(chunks[name] for name in CHUNK_NUMBERS if name in chunks))


_NAMES = "|".join(CHUNK_NUMBERS)

CHUNK_TYPES: Codec[ChunkTypes] = Codec(
    name="chunk types",
    expected="all, any or only, and a list of SCTP chunk types",
    forms=(
        Form(regex=rf"(?:all|any|only) (?:(?:{_NAMES})(?:,(?:{_NAMES}))*|ALL|NONE)"),
        Form(regex=r"(?i:all|any|only) [A-Za-z_]+(?::[A-Za-z]{1,8})?(?:,[A-Za-z_]+(?::[A-Za-z]{1,8})?)*", exact=False),
    ),
    read=_chunk_types,
    write=str,
    words=2,
    keyword=True,
    hint="flags follow a colon, in small letters those that must not be set: DATA:uBE",
)
"""What `--chunk-types` takes."""
