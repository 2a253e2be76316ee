"""Matches that nobody has declared here."""

from __future__ import annotations

from typing import ClassVar

import attrs

from iptables_model.model.option import Match

__all__ = ["UnknownMatch"]


@attrs.frozen(kw_only=True)
class UnknownMatch(Match):
    """Keep a match that is not declared, with the words of its options just as they stand in the text."""

    extension: ClassVar[str] = "?"

    name: str
    words: tuple[str, ...] = ()
