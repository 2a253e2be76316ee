"""How a question about packets can end."""

from __future__ import annotations

import enum

__all__ = ["Outcome"]


class Outcome(enum.StrEnum):
    """Say what becomes of packets.

    REACHES: they get to an end, on the node or beyond. NOT_HANDLED: no rule takes them up, or a rule marks them and
    nothing enforces the mark, or they are fragments and wait for the others of their packet. DEPENDS: they do not all
    fare alike.
    """

    REACHES = "reaches"
    DROPPED = "dropped"
    REJECTED = "rejected"
    NOT_HANDLED = "not_handled"
    DEPENDS = "depends"
