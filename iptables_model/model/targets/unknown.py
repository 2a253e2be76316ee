"""Targets that nobody has declared here."""

from __future__ import annotations

from typing import ClassVar

import attrs

from iptables_model.model.option import Target

__all__ = ["UnknownTarget"]


@attrs.frozen(kw_only=True)
class UnknownTarget(Target):
    """Keep a target that is not declared or not readable, with its words just as they stand in the text."""

    extension: ClassVar[str] = "?"

    name: str
    words: tuple[str, ...] = ()
