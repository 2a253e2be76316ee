"""iptables-save text."""

from __future__ import annotations

from iptables_model.model.ruleset import Ruleset

__all__ = ["to_text"]


def to_text(ruleset: Ruleset) -> str:
    """Write a ruleset as text: that from which it was read, byte for byte, or what iptables-restore takes.

    >>> from iptables_model.model.ruleset import Chain, Table
    >>> print(to_text(Ruleset(tables=(Table(name="nat", chains=(Chain(name="WEB"),)),))), end="")
    *nat
    :WEB - [0:0]
    COMMIT
    """
    return str(ruleset)
