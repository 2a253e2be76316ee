"""One rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from iptables_model.errors import ModelError
from iptables_model.model.matches.comment import Comment
from iptables_model.model.matches.ip import Ip
from iptables_model.model.option import Match, Target
from iptables_model.model.text import rule_text
from iptables_model.values.frozen import maker
from iptables_model.values.names import CHAIN

if TYPE_CHECKING:
    from typing import TypeVar

    M = TypeVar("M", bound=Match)

__all__ = ["Counters", "Rule", "ip_of", "trusted_rule"]

_TOP = 1 << 64


@attrs.frozen
class Counters:
    """Count what a rule or a chain's policy has met, in 64 bits each.

    >>> str(Counters(5, 300))
    '[5:300]'
    """

    packets: int = 0
    bytes: int = 0

    def __attrs_post_init__(self) -> None:
        if not (0 <= self.packets < _TOP and 0 <= self.bytes < _TOP):
            raise ModelError("counters need numbers of 64 bits")

    def __str__(self) -> str:
        return f"[{self.packets}:{self.bytes}]"


@attrs.frozen(kw_only=True)
class Rule:
    """Hold one rule: what it asks of a packet, and what becomes of those that match all of it.

    `index` is its place in its chain, from 0; `line` the line of the text where it stands, from 1, or None. Neither
    counts when rules are compared. `str(rule)` is the canonical text, as iptables-save prints it.

    >>> from iptables_model.model.matches import Comment
    >>> print(Rule(table="filter", chain="INPUT", matches=(Comment(comment="a b"),)))
    -A INPUT -m comment --comment "a b"
    """

    table: str
    chain: str
    matches: tuple[Match, ...] = ()
    target: Target | None = None
    counters: Counters | None = None
    index: int = attrs.field(default=0, eq=False)
    line: int | None = attrs.field(default=None, eq=False)

    def __attrs_post_init__(self) -> None:
        if CHAIN.form(self.chain) is None:
            raise ModelError(f'a rule needs {CHAIN.expected}, found "{self.chain}"')
        if not isinstance(self.matches, tuple):
            raise ModelError("a rule needs its matches as a tuple")

    @property
    def comment(self) -> str | None:
        """Give the text of the first comment, or None."""
        found = self.match(Comment)
        return None if found is None else found.comment

    @property
    def ip(self) -> Ip:
        """Give the addresses, interfaces and protocol that the rule asks for."""
        return ip_of(self.matches)

    def match(self, kind: type[M]) -> M | None:
        """Find the first match of a class, or None."""
        for match in self.matches:
            if isinstance(match, kind):
                return match
        return None

    def __str__(self) -> str:
        return rule_text(self)


_ANY = Ip()


def ip_of(matches: tuple[Match, ...]) -> Ip:
    """Give what the matches of a rule ask of addresses, interfaces and protocol."""
    # iptables-save prints them before all else, so they mostly come first.
    return next((match for match in matches if isinstance(match, Ip)), _ANY)


trusted_rule = maker(Rule, *[field.name for field in attrs.fields(Rule)])
"""Makes a rule of the values of all its fields, in their order, which were checked when its line was read."""
