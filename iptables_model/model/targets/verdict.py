"""Targets that only say where the packet goes next."""

from __future__ import annotations

from typing import ClassVar

import attrs

from iptables_model.errors import ModelError
from iptables_model.model.option import Target, extension
from iptables_model.values.names import CHAIN

__all__ = ["Accept", "Drop", "Goto", "Jump", "Queue", "Return"]


@extension
class Accept(Target):
    """Let the packet pass this table at this hook."""

    extension = "ACCEPT"
    since = "2.4"


@extension
class Drop(Target):
    """Drop the packet without a word."""

    extension = "DROP"
    since = "2.4"


@extension
class Queue(Target):
    """Hand the packet to the process that listens to queue 0 (iptables-legacy only; now NFQUEUE)."""

    extension = "QUEUE"
    since = "2.4"


@extension
class Return(Target):
    """Go back to the rule behind the jump that led here; in a built-in chain, take its policy."""

    extension = "RETURN"
    since = "2.4"


@attrs.frozen(kw_only=True)
class Jump(Target):
    """Enter another chain of the table and come back at its end (`-j CHAIN`)."""

    extension: ClassVar[str] = "-j"

    chain: str

    def __attrs_post_init__(self) -> None:
        _check_name(self.chain)


@attrs.frozen(kw_only=True)
class Goto(Target):
    """Enter another chain of the table; at its end go back to where the last *jump* came from (`-g CHAIN`)."""

    extension: ClassVar[str] = "-g"

    chain: str

    def __attrs_post_init__(self) -> None:
        _check_name(self.chain)


def _check_name(chain: str) -> None:
    if CHAIN.form(chain) is None:
        raise ModelError(f'a chain needs {CHAIN.expected}, found "{chain}"')
