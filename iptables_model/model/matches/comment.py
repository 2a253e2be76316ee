"""Words for people."""

from __future__ import annotations

from iptables_model.model.option import Match, extension, option
from iptables_model.values.codec import text_of

__all__ = ["Comment"]


@extension
class Comment(Match):
    """Carry a comment of at most 255 bytes; it matches every packet (net/netfilter/xt_comment.c)."""

    extension = "comment"

    comment: str = option("--comment", text_of("comment", "a comment", longest=255))
